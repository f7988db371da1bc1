"""Finds what is missing: follows the sequence of the log and the offsets of its partitions through all segments."""

from typing import NamedTuple

from svc_annotation.core.segment import Boundary, Record
from svc_annotation.core.segment_index import SegmentIndex


class Gap(NamedTuple):
    """Offsets of a partition that were durable once and are gone: from `first` up to, not with, `next`.

    With `first == next` it is not known whether the partition misses anything: what is gone was unreadable, and no
    later record of the partition tells.
    """

    partition: int
    first: int
    next: int


class Continuity:
    """Takes the good records in the order of the files. Never goes back: what is missing stays missing."""

    def __init__(self, partitions: int) -> None:
        self.sequence = 0
        self.ends = [0] * partitions
        self.gaps: list[Gap] = []
        self._seen_since_hole: set[int] = set()

    def copy(self) -> "Continuity":
        """An independent one in the same state."""
        other = Continuity(len(self.ends))
        other.sequence, other.ends, other.gaps = self.sequence, list(self.ends), list(self.gaps)
        other._seen_since_hole = set(self._seen_since_hole)
        return other

    def reach(self, boundary: Boundary) -> None:
        """Everything before `boundary` was durable: what has not been seen of it is missing."""
        for partition, end in enumerate(boundary.ends):
            self._advance(partition, end)
        self._skip_to(boundary.sequence)

    def take(self, record: Record) -> None:
        """The next record, whose sequence is not below the expected one."""
        self._skip_to(record.sequence)
        self._advance(record.partition, record.offset)
        self.ends[record.partition] = max(self.ends[record.partition], record.offset + 1)
        self.sequence = record.sequence + 1
        self._seen_since_hole.add(record.partition)

    def pass_over(self, index: SegmentIndex, end_sequence: int) -> None:
        """A whole sealed segment, known by its index."""
        for partition, part in index.partitions.items():
            self._advance(partition, part.first)
            self.ends[partition] = max(self.ends[partition], part.next)
            self._seen_since_hole.add(partition)
        self.sequence = end_sequence

    @property
    def unaccounted(self) -> int:
        """How many records are missing of which nobody knows the partition."""
        return self.sequence - sum(self.ends)

    def suspect(self) -> None:
        """Notes partitions that may miss something: while records are unaccounted for, all that were silent since."""
        if self.unaccounted > 0:
            known = {gap.partition for gap in self.gaps} | self._seen_since_hole
            silent = (partition for partition in range(len(self.ends)) if partition not in known)
            self.gaps.extend(Gap(partition, self.ends[partition], self.ends[partition]) for partition in silent)

    def _skip_to(self, sequence: int) -> None:
        if sequence > self.sequence:
            self._seen_since_hole.clear()
            self.sequence = sequence

    def _advance(self, partition: int, end: int) -> None:
        if end > self.ends[partition]:
            self.gaps.append(Gap(partition, self.ends[partition], end))
            self.ends[partition] = end
