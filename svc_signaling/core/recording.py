"""The life of a recording."""

from typing import Final, TypeAlias

from rushes.errors import FailedPrecondition
from rushes.signaling.v1 import recording_pb2 as pb

State: TypeAlias = "pb.RecordingState.ValueType"
RECORDING, PROCESSING = pb.RECORDING_STATE_RECORDING, pb.RECORDING_STATE_PROCESSING
COMPLETED, FAILED = pb.RECORDING_STATE_COMPLETED, pb.RECORDING_STATE_FAILED

LIFE: Final[dict[tuple[State, str], State]] = {
    (RECORDING, "stop"): PROCESSING,
    (PROCESSING, "complete"): COMPLETED,
    (PROCESSING, "fail"): FAILED,
    (FAILED, "retry"): PROCESSING,
}
"""What becomes of a recording; every other pair is an error."""
OPEN: Final = frozenset((RECORDING, PROCESSING))


class RecordingState(FailedPrecondition):
    """The recording is not where that could be done."""

    reason = "RECORDING_STATE"


def moved(recording: pb.Recording, what: str, now_ms: int, error: str = "") -> pb.Recording:
    """The recording after something happened to it. Raises RecordingState."""
    state = LIFE.get((recording.state, what))
    if state is None:
        raise RecordingState("the recording is not where that could be done")
    after = pb.Recording()
    after.CopyFrom(recording)
    after.state, after.error = state, error
    if what == "stop":
        after.end_time_ms = max(now_ms, recording.start_time_ms)
    return after
