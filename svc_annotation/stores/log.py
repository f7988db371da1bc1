"""The log port: one ordered, durable stream of records per partition. The log is what decides order."""

from asyncio import Future
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from rushes.errors import InvalidArgument, OutOfRange, Unavailable

PARTITIONS: Final = 32
MAX_PAYLOAD_BYTES: Final = 8 * 1024 * 1024


def partition_of(video_id: int) -> int:
    """The partition that holds all records of a video, so that their order is kept."""
    return video_id % PARTITIONS


class LogReadOnly(Unavailable):
    """Nothing can be appended: the disk fails, or the partition is damaged. Reading goes on."""

    reason = "LOG_READ_ONLY"


class LogFull(Unavailable):
    """Nothing can be appended: there is no space. The log recovers by itself once there is."""

    reason = "LOG_FULL"


class LogClosed(Unavailable):
    """The log is closed, or closing."""

    reason = "LOG_CLOSED"


class LogLocked(Unavailable):
    """Another process has the log open."""

    reason = "LOG_LOCKED"


class LogDamaged(Unavailable):
    """Durable records of this partition cannot be read any more, so reading stops before them."""

    reason = "LOG_DAMAGED"


class LogUnreadable(Unavailable):
    """The disk refused to read. Unlike damage this says nothing about what is stored."""

    reason = "LOG_UNREADABLE"


class OffsetOutOfRange(OutOfRange):
    """A read was asked to start past the end of the partition."""

    reason = "LOG_OFFSET_OUT_OF_RANGE"


class RecordInvalid(InvalidArgument):
    """No such partition, a negative offset, or a payload above MAX_PAYLOAD_BYTES."""

    reason = "LOG_RECORD_INVALID"


class SomeFailed(Exception):
    """Of records that were appended together some could not be, and the others are durable. Never crosses a service."""

    def __init__(self, errors: Mapping[int, Exception]) -> None:
        super().__init__(f"{len(errors)} records could not be appended")
        self.errors = errors
        """What `append` would have raised, by the record's place among them."""


class LogEntry(NamedTuple):
    """One record of a partition."""

    offset: int
    payload: bytes


class Log(Protocol):
    """Promises no more than Kafka does, so that an adapter for Kafka can keep them.

    Order: each partition is one sequence. Offsets grow, and are never given twice for records that can be read;
    take the next offset to be any larger number, not the last plus one. Every reader sees the same records in the
    same order. Appends called one after the other in one event loop land in that order; between partitions there
    is no order.

    Durability: an append that returned survives a crash of the process and of the machine, and is read exactly
    once at the offset it returned. Nothing that is not durable is ever read.

    A crash may lose, or keep, any record whose append has not returned. An append that raised, or was cancelled,
    may still appear later: who retries needs numbers of his own to see a duplicate.
    """

    def append(self, partition: int, key: int, payload: bytes) -> Future[int]:
        """Appends one record; what it returns gives the offset, to whoever awaits it, once the record is durable.

        `key` is the video_id; engines that keep a key beside a record keep it, and none returns it.
        Awaiting raises RecordInvalid, or a subclass of Unavailable: LogFull, LogReadOnly, LogClosed.
        """
        ...

    def append_all(self, partition: int, key: int, payloads: Sequence[bytes]) -> Future[int]:
        """Appends records one after the other, at least one: gives the last one's offset once all are durable.

        When it raises, as `append` does, this is said of all of them: each may still appear later, or not. An engine
        that takes each by itself raises SomeFailed: what it does not name is durable. None is appended if one is
        larger than MAX_PAYLOAD_BYTES.
        """
        ...

    def read(self, partition: int, offset: int) -> AsyncIterator[Sequence[LogEntry]]:
        """Yields the records from `offset` on, in order, in batches that are never empty, and follows for ever.

        Batches are bounded (about 512 KiB or one record). Can be cancelled, and abandoned, between or within steps.
        Raises RecordInvalid, OffsetOutOfRange, LogDamaged before the first record that is lost, LogUnreadable, and
        LogClosed once the log closes.
        """
        ...

    async def end(self, partition: int) -> int:
        """The offset after the last durable record; 0 for a partition that is empty."""
        ...

    async def close(self) -> None:
        """Refuses new appends, finishes those that wait, ends all reads with LogClosed. May be called twice."""
        ...
