"""One viewer of a video, as the hub sees it, and what the hub asks of its driver."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from google.rpc import status_pb2

from gateway.core.lane import Lane
from rushes.annotation.v1 import annotation_service_pb2, relay_service_pb2
from rushes.type.v1 import access_pb2

FULL = annotation_service_pb2.DELIVERY_FULL
MERGED = annotation_service_pb2.DELIVERY_MERGED
AUTO = annotation_service_pb2.DELIVERY_AUTO


class State(Enum):
    """Where a viewer is: LIVE has all that its lane has; BEHIND catches up from the cache at its own pace."""

    ATTACHING = 1
    JOINING = 2
    LIVE = 3
    BEHIND = 4


@dataclass(slots=True)
class Viewer:
    """A browser's session on the video."""

    session: int
    token: str
    open: annotation_service_pb2.CollaborateOpen
    now: float
    state: State = State.ATTACHING
    audience: "access_pb2.Audience.ValueType" = access_pb2.AUDIENCE_UNSPECIFIED
    lane: Lane | None = None
    resume: int | None = None
    wants: "annotation_service_pb2.Delivery.ValueType" = AUTO
    serving: "annotation_service_pb2.Delivery.ValueType" = FULL
    switching: bool = False
    next_lane: Lane | None = None
    cursor: int = 0
    acked: int = 0
    acked_at: float = 0.0
    behind_since: float = 0.0
    """Since when it is behind and has not read anything."""
    left_bytes: int = 0
    greeted: bool = False
    known: bool = False
    """What it may read was told on the stream that there is now."""
    held: list[tuple[int, bytes]] = field(default_factory=list)
    edition: int = 0
    """Which edition of its lane's authors it has heard."""

    def __post_init__(self) -> None:
        self.wants = self.open.delivery or AUTO
        self.serving = MERGED if self.wants == MERGED else FULL
        if self.open.HasField("resume_revision"):
            self.resume = self.acked = self.open.resume_revision
        self.acked_at = self.now

    def board(self, lane: Lane) -> None:
        """From now on it reads this lane."""
        self.lane, self.edition = lane, 0

    @property
    def reached(self) -> int:
        """The last revision that it was sent."""
        if self.state is State.LIVE and self.lane is not None:
            return max(self.cursor, self.lane.head or 0)
        return self.cursor if self.state is State.BEHIND else -1

    def release(self) -> list[bytes]:
        """What was held back until it is where it is now."""
        reached = self.reached
        ready = [frame for after, frame in self.held if after <= reached]
        self.held = [(after, frame) for after, frame in self.held if after > reached]
        return ready


@dataclass(frozen=True, slots=True)
class Send:
    """Write the frame to each of these sessions; a droppable one only where nothing waits."""

    sessions: Sequence[int]
    frame: bytes
    droppable: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """Send the trailers of this status and close."""

    session: int
    status: status_pb2.Status


@dataclass(frozen=True, slots=True)
class Upstream:
    """Send the request on the Relay stream."""

    request: relay_service_pb2.RelayRequest


Action = Send | End | Upstream
