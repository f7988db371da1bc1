"""Names of what svc_annotation measures."""

from prometheus_client import Counter, Gauge, Histogram

APPENDED = Counter("rushes_annotation_appended", "Batches that were appended to the log.")
APPEND_FAILED = Counter("rushes_annotation_append_failed", "Batches that the log did not take.", ["reason"])
FOLDED = Counter("rushes_annotation_folded", "Records that were folded.", ["result"])
REFUSED = Counter("rushes_annotation_refused", "Batches that were refused.", ["reason"])
ROUND_TRIP_S = Histogram(
    "rushes_annotation_append_to_fold_seconds",
    "From the time a batch was stamped until it came back from the log and was folded.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5),
)
FLUSH_S = Histogram(
    "rushes_annotation_flush_seconds",
    "Time that one flush of a video's lanes took.",
    buckets=(0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1),
)
SESSIONS = Gauge("rushes_annotation_sessions", "Sessions on videos.", ["way"])
LANES = Gauge("rushes_annotation_lanes", "Lanes that gateways ask for.")
VIDEOS = Gauge("rushes_annotation_videos", "Videos in memory.")
QUARANTINED = Gauge("rushes_annotation_quarantined", "Videos that cannot be served since their fold failed.")
PROJECTED = Counter("rushes_annotation_projected", "Rows that were written to history.")
PROJECTION_FAILED = Counter("rushes_annotation_projection_failed", "Bulks that history did not take.")
PROJECTION_WAITING = Gauge("rushes_annotation_projection_waiting", "Rows that wait for history.")
SNAPSHOTS = Counter("rushes_annotation_snapshots", "Snapshots that were stored.")
SNAPSHOT_FAILED = Counter("rushes_annotation_snapshot_failed", "Snapshots that could not be stored.")
SKIPPED = Counter("rushes_annotation_skipped", "Entries of the log that are no record of their partition.")
CUT = Counter("rushes_annotation_cut", "Sessions that were ended by the server.", ["reason"])
PRESENCE_DROPPED = Counter("rushes_annotation_presence_dropped", "Presences that were dropped.", ["why"])
