"""What a direct session is sent next, in virtual time."""

import pytest

from svc_annotation.core.landed import INTERNAL
from svc_annotation.core.lane import Frame
from svc_annotation.core.member import Note
from svc_annotation.core.reader import AUTO, FULL, MAX_NOTES, MERGED, Reader, ReaderLimits, SlowReader, Want

LIMITS = ReaderLimits(unacked_revisions=10, unacked_bytes=1_000, unacked_s=30.0)


def reader(delivery: int = FULL, *, acks: bool = True) -> Reader:
    made = Reader(INTERNAL, delivery, LIMITS, acks=acks, now=0.0)
    made.begin(0)
    return made


def read(each: Reader, to: int, now: float = 0.0, size_bytes: int = 1) -> None:
    each.sent(Frame(each.cursor, to, bytes(size_bytes)), now)


def test_a_reader_wants_what_it_lacks() -> None:
    each = reader()
    assert each.want(0) is None
    assert each.want(3) == Want(False, 0, 3)
    read(each, 3)
    assert each.want(3) is None
    assert reader(MERGED).want(5) == Want(True, 0, 5)


def test_who_does_not_acknowledge_is_sent_no_more_and_cut_in_the_end() -> None:
    each = reader()
    read(each, 10, 1.0)
    assert each.blocked
    assert each.want(20) is None
    each.check(31.0, None)
    with pytest.raises(SlowReader) as failure:
        each.check(31.5, None)
    assert failure.value.metadata == {"resume_revision": "0"}


def test_bytes_count_as_revisions_do() -> None:
    each = reader()
    read(each, 1, size_bytes=600)
    assert not each.blocked
    read(each, 2, size_bytes=600)
    assert each.blocked
    each.ack(1, 5.0)
    assert not each.blocked


def test_who_acknowledges_goes_on() -> None:
    each = reader()
    read(each, 10, 1.0)
    each.ack(4, 20.0)
    assert not each.blocked
    assert each.want(14) == Want(False, 10, 14)
    read(each, 14, 20.0)
    each.check(49.0, None)
    each.ack(99, 49.0)
    each.ack(2, 49.0)
    assert each.acked == 4
    each.ack(14, 49.0)
    each.check(500.0, None)


def test_a_write_that_waits_too_long_cuts_the_reader_whatever_it_acknowledged() -> None:
    each = reader(acks=False)
    read(each, 500)
    assert not each.blocked
    each.check(100.0, 80.0)
    with pytest.raises(SlowReader):
        each.check(111.0, 80.0)


def test_notes_wait_for_their_revision_and_are_bounded() -> None:
    each = reader()
    each.note(Note(b"now"))
    each.note(Note(b"later", 3))
    assert each.take_notes() == [b"now"]
    assert each.take_notes() == []
    read(each, 3)
    assert each.take_notes() == [b"later"]
    assert each.take_notes() == []
    for _ in range(MAX_NOTES):
        each.note(Note(b"", 99))
    with pytest.raises(SlowReader):
        each.note(Note(b"", 99))


def test_only_the_latest_presence_is_sent() -> None:
    each = reader()
    each.presence(b"one")
    each.presence(b"two")
    assert each.take_presence() == b"two"
    assert each.take_presence() is None


def test_a_reader_that_leaves_it_to_us_changes_lanes_at_a_revision_it_reaches() -> None:
    each = reader(AUTO)
    read(each, 2)
    assert each.choose(True, 5)
    assert not each.choose(True, 6)
    assert each.want(8) == Want(False, 2, 5)
    read(each, 5)
    assert each.want(8) == Want(True, 5, 8)
    assert each.merged
    assert not each.choose(True, 9)
    assert each.choose(False, 8)
    read(each, 8)
    assert each.want(9) == Want(False, 8, 9)


def test_a_reader_that_chose_stays() -> None:
    assert not reader(FULL).choose(True, 1)
    assert not reader(MERGED).choose(False, 1)
