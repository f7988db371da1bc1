"""Names of what svc_annotation measures."""

from collections import Counter as Counts
from collections.abc import Iterable

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily


class Tally:
    """A counter of what happens for every batch: counting costs a tenth of a Counter's. For the event loop only."""

    def __init__(self, name: str, documentation: str, label: str = "") -> None:
        self.counts: Counts[str] = Counts()
        """By the label's value; without a label by the empty one."""
        self._describe = (name, documentation, label)
        REGISTRY.register(self)

    def collect(self) -> Iterable[CounterMetricFamily]:
        """See `prometheus_client.registry.Collector`."""
        name, documentation, label = self._describe
        family = CounterMetricFamily(name, documentation, labels=[label] if label else [])
        for value, count in list(self.counts.items()):
            family.add_metric([value] if label else [], count)
        yield family


APPENDED = Tally("rushes_annotation_appended", "Batches that were appended to the log.")
APPEND_FAILED = Counter("rushes_annotation_append_failed", "Batches that the log did not take.", ["reason"])
FOLDED = Tally("rushes_annotation_folded", "Records that were folded.", "result")
REFUSED = Counter("rushes_annotation_refused", "Batches that were refused.", ["reason"])
LOG_LATENCY_S = Histogram(
    "rushes_annotation_log_seconds",
    "From the append of a record at its writer until a reader of Kafka had it: of the oldest of each delivery.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5),
)
FLUSH_S = Histogram(
    "rushes_annotation_flush_seconds",
    "Time that one flush of a video's lanes took.",
    buckets=(0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1),
)
SESSIONS = Gauge("rushes_annotation_sessions", "Sessions on videos.", ["way"])
LANES = Gauge("rushes_annotation_lanes", "Lanes that gateways ask for.")
PARTITIONS = Gauge("rushes_annotation_partitions", "Partitions that this instance follows.")
PROJECTION_LAG = Gauge(
    "rushes_annotation_projection_lag", "Records of a partition that history does not have yet.", ["partition"]
)
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
