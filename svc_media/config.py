"""Settings of svc_media."""

import os
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Config:
    """Section `media`: environment RUSHES_MEDIA__FIELD."""

    listen: str = "unix:/tmp/rushes-svc_media.sock"
    """Where its gRPC server listens."""

    http_listen: str = "unix:/tmp/rushes-media-http.sock"
    """Where uploads and media are served by HTTP: unix:PATH or HOST:PORT."""

    instance: str = "svc_media"
    """Name of this instance, the same after a restart, where several share the database and the data folder."""

    held_s: float = 15.0
    """Seconds that a job stays with an instance of which nothing is heard, before another does it."""

    database: str = ""
    """SQLAlchemy URL of its store; empty: SQLite in the data folder."""

    blobs: str = field(default="", metadata={"secret": True})
    """Bucket of finished files, s3://KEY:SECRET@HOST/BUCKET; empty: they are in the data folder alone."""

    files_lost: bool = False
    """Start though of all that the store knows nothing is in the data folder, for it is lost for good."""

    keep_bytes: int = 100 << 30
    """How much of what the bucket has is kept in the data folder too, ready to be read."""

    workers: int = field(default_factory=lambda: max(1, (os.cpu_count() or 2) // 2))
    """Jobs done side by side, each in a process of its own."""

    max_upload_bytes: int = 64 << 30
    """Largest file taken."""

    upload_days: float = 7.0
    """Days that an unfinished upload is kept after its last byte."""

    export_days: float = 7.0
    """Days that a file of notes is kept for whoever asked for it."""

    purge_days: float = 1.0
    """Days that the files of a video are kept after its last cut was deleted for good."""

    reserve_bytes: int = 256 << 20
    """Room on the disk that uploads leave alone: notes may be kept on the same one."""

    idle_s: float = 60.0
    """Seconds without a byte after which the connection of an upload is taken for lost."""
