"""What a partition hands on, and what it skips."""

from collections.abc import AsyncIterator, Sequence
from typing import cast

import pytest

from rushes.annotation.v1.record_pb2 import Record
from rushes.document.submitted import Submitted
from svc_annotation import metrics
from svc_annotation.core.submission import Underway
from svc_annotation.partition import Partition
from svc_annotation.stores import PARTITIONS, Log, LogClosed, LogEntry, partition_of
from tests.unit.svc_annotation.annotation_kit import VIDEO


def payload(video_id: int) -> bytes:
    """A record of that video."""
    return Record(video_id=video_id).SerializeToString()


class Reads:
    """A log that is read in these pieces, then closes."""

    def __init__(self, reads: list[list[LogEntry]]) -> None:
        self._reads = reads

    async def read(self, _partition: int, _offset: int) -> AsyncIterator[Sequence[LogEntry]]:
        """See Log."""
        for entries in self._reads:
            yield entries
        raise LogClosed("closed")


class Taker:
    """Keeps what is handed on."""

    def __init__(self) -> None:
        self.underway = Underway()
        self.taken: list[tuple[int, int]] = []

    def take(self, _partition: Partition, offset: int, record: Submitted) -> None:
        """See Taker."""
        self.taken.append((offset, record.sender.video_id))

    async def room(self) -> None:
        """There always is."""


async def taken(number: int, *reads: Sequence[bytes]) -> tuple[list[tuple[int, int]], Partition]:
    """What is handed on of these payloads, at offsets from 0 on."""
    taker = Taker()
    offsets = iter(range(100))
    log = Reads([[LogEntry(next(offsets), each) for each in entries] for entries in reads])
    partition = Partition(number, cast(Log, log), 0, taker, taker)
    await partition.run()
    return taker.taken, partition


def skipped() -> float:
    """How many entries were skipped in all."""
    return next(sample.value for each in metrics.SKIPPED.collect() for sample in each.samples)


@pytest.mark.parametrize("video_id", [VIDEO, PARTITIONS])
@pytest.mark.parametrize("wrong", [b"", payload(0), payload(VIDEO + 1), b"\xff"], ids=["empty", "0", "other", "none"])
async def test_what_is_no_record_of_a_partition_is_skipped_wherever_it_stands(video_id: int, wrong: bytes) -> None:
    before = skipped()
    good = payload(video_id)
    handed, partition = await taken(partition_of(video_id), [wrong, good, wrong, good], [wrong], [good])
    assert handed == [(1, video_id), (3, video_id), (5, video_id)]
    assert (skipped() - before, partition.next_offset) == (3, 6)
    assert partition.position({1, 3, 5}) == 6
