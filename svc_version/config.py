"""Settings of svc_version: section `version`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class VersionConfig:
    """What an operator may set."""

    listen: str = "127.0.0.1:0"
    """Address of the gRPC server: host:port, or unix:/path."""
    hot_days: float = 7.0
    """For so long a version counts as hot."""
    cold_days: float = 30.0
    """After so long without being read, the content of a version moves to the archive."""
    move_s: float = 600.0
    """Seconds between two looks for what is to be moved."""
    purge_days: float = 1.0
    """So long after a video was purged its versions are removed for good."""
    database: str = ""
    """Address of the store, postgresql+psycopg://USER:PASSWORD@HOST/NAME; empty: a file in the data folder."""
    mongo: str = ""
    """Address of a MongoDB that is the store, mongodb://HOST/NAME?replicaSet=...; empty: `database` is."""
    archive: str = ""
    """Bucket of cold contents, s3://KEY:SECRET@HOST/BUCKET; empty: a folder in the data folder."""
    redis: str = ""
    """Address of a Redis, redis://HOST:PORT/DB, that keeps a copy of hot contents; empty: none."""
    cache_bytes: int = 64 * 1024 * 1024
    """How much of what versions hold is kept in memory, ready to be read."""
