"""What is missing is found, and whose it was, from sequences and offsets alone."""

from hypothesis import given
from hypothesis import strategies as st

from svc_annotation.core.segment import Boundary, Record, RecordScanner, encode_batch, salt_seed
from svc_annotation.core.segment_continuity import Continuity, Gap
from svc_annotation.core.segment_index import SegmentIndex

PARTITIONS = 4


def log_of(partitions: list[int]) -> list[Record]:
    batch = encode_batch(salt_seed(1), 0, [0] * PARTITIONS, [(partition, b"") for partition in partitions])
    return RecordScanner(salt_seed(1), 0).feed(batch.data)


def boundary_after(records: list[Record]) -> Boundary:
    ends = tuple(sum(record.partition == partition for record in records) for partition in range(PARTITIONS))
    return Boundary(1, 1, len(records), ends)


def follow(records: list[Record]) -> Continuity:
    continuity = Continuity(PARTITIONS)
    for record in records:
        continuity.take(record)
    return continuity


logs = st.lists(st.integers(0, PARTITIONS - 1), min_size=1, max_size=30).map(log_of)


@given(logs)
def test_a_whole_log_has_no_gap(records: list[Record]) -> None:
    continuity = follow(records)
    continuity.reach(boundary_after(records))
    continuity.suspect()

    assert continuity.gaps == []
    assert continuity.unaccounted == 0
    assert (continuity.sequence, tuple(continuity.ends)) == (len(records), boundary_after(records).ends)


@given(logs, st.data())
def test_with_a_boundary_behind_exactly_what_is_missing_is_named(records: list[Record], data: st.DataObject) -> None:
    lost = data.draw(st.sets(st.integers(0, len(records) - 1), min_size=1))
    continuity = follow([record for record in records if record.sequence not in lost])
    continuity.reach(boundary_after(records))
    continuity.suspect()

    named = {(gap.partition, offset) for gap in continuity.gaps for offset in range(gap.first, gap.next)}
    assert named == {(records[number].partition, records[number].offset) for number in lost}
    assert continuity.unaccounted == 0


@given(logs, st.data())
def test_without_a_boundary_each_partition_that_misses_something_before_the_end_is_named_or_suspected(
    records: list[Record], data: st.DataObject
) -> None:
    lost = data.draw(st.sets(st.integers(0, len(records) - 1)))
    lost.discard(len(records) - 1)  # behind the last good record nothing is known
    continuity = follow([record for record in records if record.sequence not in lost])
    continuity.suspect()

    named = {gap.partition for gap in continuity.gaps}
    assert {records[number].partition for number in lost} <= named
    if not lost:
        assert not named


def test_who_was_silent_since_an_unreadable_record_is_suspected_and_who_was_seen_is_not() -> None:
    first, _, third = log_of([0, 1, 0])
    continuity = follow([first, third])
    continuity.suspect()

    assert continuity.unaccounted == 1
    assert continuity.gaps == [Gap(1, 0, 0), Gap(2, 0, 0), Gap(3, 0, 0)]


def test_a_sealed_segment_counts_like_its_records() -> None:
    records = log_of([0, 1, 1])
    index = SegmentIndex()
    for record in records:
        index.add(record.partition, record.offset, record.position)
    continuity = Continuity(PARTITIONS)
    continuity.pass_over(index, 3)

    assert (continuity.sequence, continuity.ends, continuity.gaps) == (3, [1, 2, 0, 0], [])


def test_a_copy_goes_its_own_way() -> None:
    records = log_of([0, 1, 1])
    continuity = follow(records[:1])
    copy = continuity.copy()
    continuity.take(records[2])

    assert (copy.sequence, copy.ends, copy.gaps) == (1, [1, 0, 0, 0], [])
    assert continuity.gaps == [Gap(1, 0, 1)]
