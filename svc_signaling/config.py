"""Settings of svc_signaling: section `signaling`."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class SignalingConfig:
    """What an operator may set."""

    listen: str = "127.0.0.1:0"
    """Address of the gRPC server: host:port, or unix:/path."""

    instance: str = ""
    """What this instance is called, in this life and the next; empty: as its machine. Two have two names."""

    database: str = field(default="", metadata={"secret": True})
    """SQLAlchemy URL of its store; empty: SQLite in the data folder."""

    redis: str = ""
    """Address of a Redis, redis://HOST:PORT/DB, with rooms as they lately were, which any instance may take up."""

    open_rooms: int = 200
    """How many rooms of a project may be open at a time."""

    people_per_worker: int = 80
    """How many people of all rooms are on one forwarder before the next who come to a room are on another."""

    stun: tuple[str, ...] = ()
    """STUN servers that browsers are told, such as stun:stun.example.com:3478."""

    turn: tuple[str, ...] = ()
    """TURN servers that browsers are told, such as turn:turn.example.com:3478?transport=udp; empty: none."""

    turn_secret: str = field(default="", metadata={"secret": True})
    """What the TURN servers share with this service (`rushes turn-config`); without it none is told."""

    turn_life_s: int = 43_200
    """Seconds that credentials for TURN are good for."""
    recordings: str = field(default="", metadata={"secret": True})
    """Where recordings and the records of rooms go: `s3://KEY:SECRET@HOST/meeting-recordings`. Empty: a folder."""

    segment_s: float = 600.0
    """How long a piece of a recording is that is made safe while it goes on."""
