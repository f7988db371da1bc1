"""The life of somebody in a room."""

from typing import Final, Literal, TypeAlias

from rushes.errors import NotFound
from rushes.signaling.v1 import room_service_pb2 as pb

State: TypeAlias = "pb.ParticipantState.ValueType"
Step: TypeAlias = Literal["come", "wait", "admit", "reject", "cut", "return", "expire", "leave", "remove"]
NEW = pb.PARTICIPANT_STATE_UNSPECIFIED
WAITING, JOINED = pb.PARTICIPANT_STATE_WAITING, pb.PARTICIPANT_STATE_JOINED
AWAY, LEFT, REMOVED = pb.PARTICIPANT_STATE_AWAY, pb.PARTICIPANT_STATE_LEFT, pb.PARTICIPANT_STATE_REMOVED

LIFE: Final[dict[tuple[State, Step], State]] = {
    (NEW, "come"): JOINED,
    (NEW, "wait"): WAITING,
    (WAITING, "admit"): JOINED,
    (WAITING, "reject"): REMOVED,
    (WAITING, "remove"): REMOVED,
    (WAITING, "cut"): LEFT,
    (WAITING, "leave"): LEFT,
    (JOINED, "cut"): AWAY,
    (JOINED, "leave"): LEFT,
    (JOINED, "remove"): REMOVED,
    (AWAY, "return"): JOINED,
    (AWAY, "leave"): LEFT,
    (AWAY, "expire"): LEFT,
    (AWAY, "remove"): REMOVED,
    # Encoders and monitors have one id for ever; people are somebody new.
    (LEFT, "come"): JOINED,
    # Sent away from a breakout, so from its room as well, which they had left for it.
    (LEFT, "remove"): REMOVED,
}
"""What becomes of a participant; every other pair is an error."""
GONE: Final = frozenset((LEFT, REMOVED))


class ParticipantGone(NotFound):
    """There is no such participant any more."""

    reason = "PARTICIPANT_GONE"


def may(participant: pb.Participant, step: Step) -> bool:
    """Whether this can happen to somebody."""
    return (participant.state, step) in LIFE


def after(state: State, step: Step) -> State:
    """The state after it. Raises ParticipantGone."""
    if (state, step) not in LIFE:
        raise ParticipantGone("this participant is not where that could be done")
    return LIFE[state, step]


def moved(participant: pb.Participant, step: Step) -> pb.Participant:
    """Somebody after it: whoever is gone has nothing up or on. Raises ParticipantGone."""
    changed = pb.Participant()
    changed.CopyFrom(participant)
    changed.state = after(participant.state, step)
    if changed.state in GONE:
        changed.hand = changed.microphone = changed.camera = changed.screen = False
    return changed
