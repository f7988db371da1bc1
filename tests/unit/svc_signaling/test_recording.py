"""The life of a recording."""

import pytest

from rushes.signaling.v1 import recording_pb2 as pb
from svc_signaling.core.recording import COMPLETED, FAILED, LIFE, PROCESSING, RECORDING, RecordingState, moved


def test_a_recording_ends_is_processed_and_completed() -> None:
    recording = pb.Recording(state=RECORDING, start_time_ms=5)
    stopped = moved(recording, "stop", 9)
    assert (stopped.state, stopped.end_time_ms, recording.end_time_ms) == (PROCESSING, 9, 0)
    assert moved(stopped, "complete", 20).state == COMPLETED


def test_what_failed_says_why_and_can_be_tried_again() -> None:
    failed = moved(pb.Recording(state=PROCESSING, end_time_ms=9), "fail", 20, "why")
    assert (failed.state, failed.error, failed.end_time_ms) == (FAILED, "why", 9)
    again = moved(failed, "retry", 30)
    assert (again.state, again.error) == (PROCESSING, "")


@pytest.mark.parametrize("state", [RECORDING, PROCESSING, COMPLETED, FAILED])
@pytest.mark.parametrize("what", ["stop", "complete", "fail", "retry"])
def test_every_other_pair_is_an_error(state: pb.RecordingState.ValueType, what: str) -> None:
    if (state, what) in LIFE:
        return
    with pytest.raises(RecordingState):
        moved(pb.Recording(state=state), what, 0)
