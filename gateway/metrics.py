"""Metrics of the gateway."""

from prometheus_client import Counter, Gauge, Histogram

VIEWERS = Gauge("rushes_gateway_viewers", "WebSockets on the hub.")
SOCKETS = Gauge("rushes_gateway_sockets", "WebSockets that are open, of all kinds.")
HUBS = Gauge("rushes_gateway_hubs", "Videos with viewers.")
FRAMES_OUT = Counter("rushes_gateway_frames_out_total", "Frames written to viewers.")
FRAMES_DROPPED = Counter(
    "rushes_gateway_frames_dropped_total", "Droppable frames (presence) not written to viewers that were behind."
)
CUTS = Counter("rushes_gateway_cuts_total", "Viewers cut, by reason.", ["reason"])
REFUSALS = Counter(
    "rushes_gateway_refusals_total", "Connections and streams refused since somebody has too many.", ["kind"]
)
REQUESTS = Counter("rushes_gateway_requests_total", "gRPC-Web requests, by method and grpc-status.", ["method", "code"])
FAN_OUT_S = Histogram(
    "rushes_gateway_fan_out_seconds",
    "Time to write one frame to all its viewers.",
    buckets=(0.0001, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5),
)
