"""What a client's document tells those who show it."""

from dataclasses import dataclass, field
from typing import TypeAlias

from google.rpc.status_pb2 import Status

from rushes.annotation.v1.annotation_service_pb2 import Pong, Presence
from rushes.annotation.v1.operation_pb2 import Operation
from rushes.document.text import Edit


@dataclass(frozen=True)
class Opened:
    """The session is open; what is pending goes out."""

    time_ms: int


@dataclass(frozen=True)
class Changed:
    """These annotations look different, or may."""

    ids: frozenset[bytes] | None
    """None: all."""


@dataclass(frozen=True)
class TextMoved:
    """Somebody else edited a text that is being edited here: carets move past this edit of the text on the screen."""

    id: bytes
    edit: Edit


@dataclass(frozen=True)
class Saved:
    """A batch is durable."""

    client_seq: int
    revision: int


@dataclass(frozen=True)
class Dropped:
    """Work was refused: the first operation, and those that were built on it."""

    operations: list[Operation]
    reason: str
    message: str


@dataclass(frozen=True)
class InDoubt:
    """Nobody can say whether this was saved: see PendingClient.doubt."""

    operations: list[Operation]


@dataclass(frozen=True)
class Reconnect:
    """Close the stream, and connect() on a new one."""

    reason: str


@dataclass(frozen=True)
class RightsChanged:
    """What one may do here."""

    permissions: int


@dataclass(frozen=True)
class NotSaved:
    """One may not write any more, and there is work that is not saved."""


@dataclass(frozen=True)
class UndoVoid:
    """Everything that was to be undone or redone has been changed by others since."""


@dataclass(frozen=True)
class PresenceReceived:
    """Who else is here."""

    presence: Presence


@dataclass(frozen=True)
class PongReceived:
    """Answer to a ping."""

    pong: Pong


@dataclass(frozen=True)
class Trouble:
    """Nothing can be saved now, and why; or (code 0) it can again."""

    status: Status = field(default_factory=Status)


Event: TypeAlias = (
    Opened
    | Changed
    | TextMoved
    | Saved
    | Dropped
    | InDoubt
    | Reconnect
    | RightsChanged
    | NotSaved
    | UndoVoid
    | PresenceReceived
    | PongReceived
    | Trouble
)
