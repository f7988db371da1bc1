"""Settings of svc_project."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    """Section `project`: environment RUSHES_PROJECT__FIELD."""

    listen: str = "unix:/tmp/rushes-svc_project.sock"
    """Where its gRPC server listens."""

    database: str = ""
    """SQLAlchemy URL of its store; empty: SQLite in the data folder."""

    tenant_name: str = "My studio"
    """Name of the tenant that is made at first start."""

    administrator: str = "admin@rushes.local"
    """Sign-in address of the administrator who is made at first start."""

    session_days: float = 30.0
    """Days that a session lasts after it was last used."""

    token_s: float = 300.0
    """Seconds that an access token lasts."""

    key_days: float = 30.0
    """Days that a key signs tokens, before the next takes over."""

    key_lead_s: float = 3600.0
    """Seconds that a new key is published before it signs."""

    hash_memory_kib: int = 19_456
    """Memory of one argon2id hash in KiB."""

    hash_passes: int = 2
    """Passes of one argon2id hash."""

    hash_threads: int = 2
    """Hashes computed side by side."""

    hash_waiting: int = 64
    """Hashes that may wait for a thread; beyond it a sign-in is refused for the moment."""

    email_attempts: int = 5
    """Wrong passwords for one address after which each further one doubles the wait."""

    client_attempts: int = 30
    """Wrong passwords from one client after which each further one doubles the wait."""

    longest_wait_s: float = 60.0
    """The longest wait between two attempts."""

    news_s: float = 0.25
    """Seconds between two looks for what other instances on the same server changed about rights."""

    watchers: int = 256
    """Streams of WatchAccess at once."""

    watcher_pending: int = 1000
    """Changes kept for a watcher that is slow; beyond it just "everything" is said."""

    heartbeat_s: float = 1.0
    """Seconds between two heartbeats of WatchAccess."""

    upkeep_s: float = 60.0
    """Seconds between two rounds of upkeep: keys, old sessions, old invitations."""
