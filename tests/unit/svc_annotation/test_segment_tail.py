"""The newest records in memory are what the log holds, and bounded."""

from hypothesis import given
from hypothesis import strategies as st

from svc_annotation.stores.log import LogEntry
from svc_annotation.stores.segment_tail import TailCache


@given(st.integers(0, 100), st.lists(st.integers(0, 300), max_size=50), st.integers(1, 2_000), st.integers(1, 20))
def test_the_tail_is_consecutive_up_to_the_end_and_within_its_limit(
    start: int, sizes: list[int], limit_bytes: int, together: int
) -> None:
    tail = TailCache(start, limit_bytes)
    entries = [LogEntry(start + number, bytes(size)) for number, size in enumerate(sizes)]
    for first in range(0, len(entries), together):
        tail.extend(entries[first : first + together])
    held = tail.slice(tail.first, 1 << 30, 1_000)

    assert list(held) == entries[tail.first - start :]
    assert bool(held) == bool(sizes)
    assert len(held) <= 1 or sum(len(entry.payload) for entry in held) <= limit_bytes


@given(st.lists(st.integers(0, 300), min_size=1, max_size=50), st.integers(0, 1_000), st.integers(1, 60), st.data())
def test_a_slice_is_bounded_and_never_empty_before_the_end(
    sizes: list[int], limit_bytes: int, limit_count: int, data: st.DataObject
) -> None:
    tail = TailCache(0, 1 << 20)
    for offset, size in enumerate(sizes):
        tail.extend([LogEntry(offset, bytes(size))])
    offset = data.draw(st.integers(0, len(sizes) - 1))
    found = tail.slice(offset, limit_bytes, limit_count)

    assert [entry.offset for entry in found] == list(range(offset, offset + len(found)))
    assert 1 <= len(found) <= limit_count
    assert len(found) == 1 or sum(len(entry.payload) for entry in found) <= limit_bytes
    assert list(tail.slice(len(sizes), limit_bytes, limit_count)) == []
