"""Settings of svc_annotation: section `annotation`."""

from dataclasses import dataclass, field

ALL = "all"
SESSIONS = "sessions"
PROJECTOR = "projector"
ROLES = (ALL, SESSIONS, PROJECTOR)


@dataclass(frozen=True)
class AnnotationConfig:
    """What an operator may set."""

    listen: str = "127.0.0.1:0"
    """Address of the gRPC server: host:port, or unix:/path."""
    role: str = ALL
    """all: one instance does everything. sessions: one of several that serve people, each the partitions it is asked
    for. projector: one of those that write history and serve nobody. The last two need kafka and mongo."""
    fsync: bool = True
    """Whether a batch is on the disk before it is acknowledged. Off, a power cut loses acknowledged batches."""
    segment_bytes: int = 64 * 1024 * 1024
    """Size at which a segment file of the log is sealed."""
    idle_s: float = 300.0
    """How long a video that nobody looks at stays in memory."""
    max_idle_videos: int = 200
    """How many videos that nobody looks at stay in memory at most."""
    merge_bytes_s: int = 256 * 1024
    """Commits of one video past so many bytes a second reach readers that leave the choice to us in merged form,
    where that is much smaller."""
    unacked_revisions: int = 20_000
    """How many revisions a direct session may leave unacknowledged before it is sent no more."""
    unacked_bytes: int = 16 * 1024 * 1024
    """How many bytes a direct session may leave unacknowledged before it is sent no more."""
    unacked_s: float = 30.0
    """How long a direct session may be that far behind before it is cut."""
    kafka: str = ""
    """Brokers that keep the log, host:port with commas between; empty: files in the data folder, for one instance."""
    kafka_topic: str = "video_annotations"
    """The log's topic; it is made if it is not there."""
    kafka_replicas: int = 3
    """Brokers that hold each record; fewer than 3 only where there are fewer brokers."""
    kafka_options: dict[str, str] = field(default_factory=dict, metadata={"secret": True})
    """Further settings of librdkafka, as for TLS and passwords."""
    kafka_linger_ms: int = 2
    """How long a record waits for others to travel with."""
    kafka_delivery_s: float = 30.0
    """How long a record is tried before it is refused; longer than brokers take to agree on a new leader."""
    mongo: str = field(default="", metadata={"secret": True})
    """Address of the MongoDB that keeps history, mongodb://...; empty: a file in the data folder."""
    snapshots: str = field(default="", metadata={"secret": True})
    """Bucket of snapshots, s3://KEY:SECRET@HOST/BUCKET; empty: a folder in the data folder."""
    rules: int = 1
    """Rule set that new records carry: raise it only once every instance knows it."""


def problem_of(config: AnnotationConfig) -> str | None:
    """What of the settings does not go together; None: nothing."""
    if config.role not in ROLES:
        return f"annotation.role is one of {', '.join(ROLES)}"
    if config.role != ALL and not (config.kafka and config.mongo):
        return f"annotation.role {config.role} needs annotation.kafka and annotation.mongo: files serve one instance"
    return None
