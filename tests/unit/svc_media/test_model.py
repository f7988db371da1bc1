"""Life of a job, and what an upload says of itself."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc_media.core.model import ENDED, LIFE, JobEvent, JobHasEnded, JobState, Owner, Upload, next_state

UPLOAD = Upload("id", Owner("tenant", "person", 1), "file", 0, 10, 0, False, "clip.mp4", 1, 0)


def test_every_pair_that_is_not_in_the_table_is_refused() -> None:
    for pair in product(JobState, JobEvent):
        if pair in LIFE:
            assert next_state(*pair) is LIFE[pair]
        else:
            with pytest.raises(JobHasEnded, match=pair[0]):
                next_state(*pair)


def test_nothing_happens_to_a_job_that_has_ended() -> None:
    assert not [pair for pair in LIFE if pair[0] in ENDED]


@given(st.lists(st.sampled_from(JobEvent), max_size=30))
def test_whatever_happens_a_job_ends_once_and_stays_so(events: list[JobEvent]) -> None:
    state, ends = JobState.QUEUED, 0
    for event in events:
        try:
            state = next_state(state, event)
        except JobHasEnded:
            continue
        ends += state in ENDED
    assert ends == (state in ENDED)


def test_a_job_that_was_under_way_when_its_process_ended_is_begun_again() -> None:
    state = JobState.QUEUED
    for event in (JobEvent.RESTART, JobEvent.BEGIN, JobEvent.RESTART, JobEvent.BEGIN, JobEvent.SUCCEED):
        state = next_state(state, event)
    assert state is JobState.DONE


def test_an_upload_is_complete_with_its_last_byte() -> None:
    assert not replace(UPLOAD, offset=9).complete
    assert replace(UPLOAD, offset=10).complete
    assert replace(UPLOAD, length=0).complete


def test_an_upload_without_a_file_is_being_joined_until_it_is_done() -> None:
    assert not UPLOAD.joining
    assert replace(UPLOAD, file="").joining
    assert not replace(UPLOAD, file="", done=True).joining
