"""The life of a room: what may be done in it while it is open, and what goes on once it is over."""

from typing import Final, Literal, TypeAlias

from rushes.errors import FailedPrecondition
from rushes.signaling.v1 import room_service_pb2 as pb

State: TypeAlias = "pb.RoomState.ValueType"
Step: TypeAlias = Literal["come", "return", "act", "go", "end"]
OPEN, ENDED = pb.ROOM_STATE_OPEN, pb.ROOM_STATE_ENDED

LIFE: Final[dict[tuple[State, Step], State]] = {
    (OPEN, "come"): OPEN,
    (OPEN, "return"): OPEN,
    (OPEN, "act"): OPEN,
    (OPEN, "go"): OPEN,
    (OPEN, "end"): ENDED,
    # Whoever was in it when it ended still goes.
    (ENDED, "go"): ENDED,
}
"""What becomes of a room; every other pair is an error."""


class RoomEnded(FailedPrecondition):
    """The room is over."""

    reason = "ROOM_ENDED"


def may(state: State, step: Step) -> bool:
    """Whether this can happen in a room that is there."""
    return (state, step) in LIFE


def after(state: State, step: Step) -> State:
    """The room's state after it. Raises RoomEnded."""
    if not may(state, step):
        raise RoomEnded("this room is over")
    return LIFE[state, step]
