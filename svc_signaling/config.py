"""Settings of svc_signaling: section `signaling`."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class SignalingConfig:
    """What an operator may set."""

    listen: str = "127.0.0.1:0"
    """Address of the gRPC server: host:port, or unix:/path."""

    database: str = field(default="", metadata={"secret": True})
    """SQLAlchemy URL of its store; empty: SQLite in the data folder."""

    open_rooms: int = 200
    """How many rooms of a project may be open at a time."""
