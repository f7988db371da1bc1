"""The log as files in a folder, for one process: all partitions share one stream, so one sync covers all that wait."""

import asyncio
import fcntl
import logging
import os
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from rushes.errors import RushesError, Unavailable
from svc_annotation.core.segment import Boundary, EncodedBatch, encode_batch
from svc_annotation.stores.log import (
    MAX_PAYLOAD_BYTES,
    PARTITIONS,
    LogClosed,
    LogDamaged,
    LogEntry,
    LogFull,
    LogLocked,
    LogReadOnly,
    LogUnreadable,
    OffsetOutOfRange,
    RecordInvalid,
)
from svc_annotation.stores.segment_file import Chunk, Segment, Span, Sync, drop_index, read_chunk
from svc_annotation.stores.segment_queue import AppendQueue, Pending
from svc_annotation.stores.segment_recovery import Damage, Recovered, recover
from svc_annotation.stores.segment_tail import TailCache
from svc_annotation.stores.segment_writer import NO_SPACE, SegmentWriter

READ_BYTES: Final = 512 * 1024
READ_COUNT: Final = 1_000

_BYTES: Final = frozenset((bytes,))
_entry: Final = partial(tuple.__new__, LogEntry)
"""Of an offset and a payload; what a NamedTuple does itself for that is a function of Python's."""
_logger = logging.getLogger(__name__)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class SegmentOptions:
    """Bounds and times of a segment log."""

    queue_bytes: int = 16 * 1024 * 1024
    """Records that wait to be written; past it `append` waits for room."""
    group_bytes: int = 4 * 1024 * 1024
    """What one write and one sync make durable."""
    tail_bytes: int = 512 * 1024
    """Newest records kept in memory, for each partition."""
    probe_interval_s: float = 1.0
    """While the disk fails, one append in each interval tries whether it works again; others are refused at once."""


@dataclass(slots=True)
class _Fault:
    category: type[Unavailable]
    message: str
    retry_at: float

    def make_error(self) -> Unavailable:
        """A new one for everybody who is refused, so that they do not share a traceback."""
        return self.category(self.message)


def _no_sync(descriptor: int) -> None:
    """For those who accept that a power cut loses acknowledged records. A killed process loses none."""


async def open_segment_log(
    folder: Path,
    *,
    segment_bytes: int = 64 * 1024 * 1024,
    fsync: bool = True,
    options: SegmentOptions = SegmentOptions(),
    sync: Sync = os.fdatasync,
) -> "SegmentLog":
    """Opens the log of a folder, made if missing: locks it, cuts a torn tail, finds damage.

    A file that has reached `segment_bytes` is sealed; it is larger by one group at most. `sync` makes a file
    descriptor's bytes durable or raises OSError. Raises LogLocked if another process has the folder, LogFull or
    LogReadOnly if the disk does not let it start.
    """
    writer = ThreadPoolExecutor(1, thread_name_prefix="log-writer")
    opening = writer.submit(_open_files, folder, sync if fsync else _no_sync)
    try:
        files = await asyncio.wrap_future(opening)
    except OSError as error:
        raise _disk_error(error) from error
    except asyncio.CancelledError:
        opening.add_done_callback(_let_go)
        raise
    finally:
        if not opening.done() or opening.cancelled() or opening.exception() is not None:
            writer.shutdown(wait=False)
    return SegmentLog(files, writer, segment_bytes, options)


@dataclass(frozen=True, slots=True)
class _Files:
    lock: int
    found: Recovered
    writer: SegmentWriter

    def close(self) -> None:
        self.writer.close()
        os.close(self.lock)


def _let_go(opening: "Future[_Files]") -> None:
    """Nobody waits any more for the log that was being opened: the folder must not stay locked."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def _open_files(folder: Path, sync: Sync) -> _Files:
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / "LOCK", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LogLocked("the log's folder is in use by another process") from error
        found = recover(folder, sync)
        newest = found.segments[-1]
        boundary = Boundary(newest.number, newest.salt, found.sequence, tuple(found.ends))
        return _Files(lock, found, SegmentWriter(folder, newest, boundary, sync))
    except BaseException:
        os.close(lock)
        raise


def _disk_error(error: OSError) -> Unavailable:
    why = error.strerror or str(error)
    if error.errno in NO_SPACE:
        return LogFull(f"the log's disk is full: {why}")
    return LogReadOnly(f"the log's disk fails: {why}")


class SegmentLog:
    """A `Log` over segment files. Made by `open_segment_log`; lives in one event loop.

    One task groups what waits, one thread writes and syncs it; positions and ends change only in the event loop and
    only once the bytes are durable. When the disk fails, everybody who waits gets a clear error and the log is
    read-only; an append tries it again after a while, so it recovers by itself.
    """

    def __init__(self, files: _Files, writer: ThreadPoolExecutor, segment_bytes: int, options: SegmentOptions) -> None:
        found = files.found
        self._segments = found.segments
        self._sequence = found.sequence
        self._ends = found.ends
        self._damage = found.damage
        self._damaged = {report.partition for report in found.damage}
        self._files = files
        self._writer = writer
        self._reader = ThreadPoolExecutor(2, thread_name_prefix="log-reader")
        self._segment_bytes = segment_bytes
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._queue = AppendQueue(options.queue_bytes)
        self._tails = [TailCache(end, options.tail_bytes) for end in found.ends]
        self._followers: list[set[asyncio.Future[None]]] = [set() for _ in range(PARTITIONS)]
        self._fault: _Fault | None = None
        self._closing = False
        self._commits = self._loop.create_task(self._commit_for_ever(), name="log-commits")
        self._closed: asyncio.Task[None] | None = None

    @property
    def damage(self) -> Sequence[Damage]:
        """Partitions that are read-only because records of them are gone."""
        return tuple(self._damage)

    @property
    def read_only(self) -> str | None:
        """Why nothing can be appended at the moment, or None. It stays until an append finds that the disk works."""
        return self._fault.message if self._fault else None

    def append(self, partition: int, key: int, payload: bytes) -> "asyncio.Future[int]":
        """See `Log`. The key is not kept: the payload names its video."""
        return self.append_all(partition, key, (payload,))

    def append_all(self, partition: int, key: int, payloads: Sequence[bytes]) -> "asyncio.Future[int]":
        """See `Log`. They become durable together."""
        appended: asyncio.Future[int] = self._loop.create_future()
        try:
            _check(partition)
            if not _BYTES.issuperset(map(type, payloads)) or max(map(len, payloads), default=0) > MAX_PAYLOAD_BYTES:
                raise RecordInvalid(f"a record is at most {MAX_PAYLOAD_BYTES} bytes")
            if self._closing or self._fault is not None or partition in self._damaged:
                self._check_writable(partition)
        except RushesError as error:
            appended.set_exception(error)
        else:
            self._queue.put(partition, payloads, appended)
        return appended

    async def end(self, partition: int) -> int:
        """See `Log`."""
        _check(partition)
        return self._ends[partition]

    async def read(self, partition: int, offset: int) -> AsyncIterator[Sequence[LogEntry]]:
        """See `Log`."""
        _check(partition)
        if offset < 0:
            raise RecordInvalid("an offset is not negative")
        if offset > self._ends[partition]:
            raise OffsetOutOfRange(
                f"offset {offset} is past the end of partition {partition}", end=str(self._ends[partition])
            )
        place: tuple[Segment, int] | None = None
        while True:
            if self._closing:
                raise LogClosed("the log is closed")
            if offset == self._ends[partition]:
                await self._follow(partition)
                continue
            tail = self._tails[partition]
            if offset >= tail.first:
                entries, place = tail.slice(offset, READ_BYTES, READ_COUNT), None
            else:
                entries, place = await self._read_disk(partition, offset, place)
            yield entries
            offset = entries[-1].offset + 1

    async def close(self) -> None:
        """See `Log`."""
        if self._closed is None:
            self._closed = self._loop.create_task(self._close(), name="log-close")
        await asyncio.shield(self._closed)

    def _check_writable(self, partition: int) -> None:
        if self._closing:
            raise LogClosed("the log is closed")
        if partition in self._damaged:
            raise LogReadOnly(
                f"partition {partition} is read-only since records of it are lost", partition=str(partition)
            )
        if self._fault is not None:
            if self._loop.time() < self._fault.retry_at:
                raise self._fault.make_error()
            self._fault.retry_at = self._loop.time() + self._options.probe_interval_s

    # Writing

    async def _commit_for_ever(self) -> None:
        while not (self._closing and self._queue.idle):
            await self._queue.wait()
            batch = self._queue.take(self._options.group_bytes)
            if batch:
                await self._commit_or_fail(batch)

    async def _commit_or_fail(self, batch: list[Pending]) -> None:
        try:
            await self._commit(batch)
        except OSError as error:
            self._fail(batch, _disk_error(error))
        except Exception as error:
            _logger.exception("log_commit_failed")
            self._fail(batch, LogReadOnly(f"the log failed: {type(error).__name__}"))
        finally:
            self._queue.release(sum(pending.size_bytes for pending in batch))

    async def _commit(self, batch: list[Pending]) -> None:
        await self._make_ready()
        segment = self._segments[-1]
        payloads = [(pending.partition, payload) for pending in batch for payload in pending.payloads]
        encoded = encode_batch(segment.seed, self._sequence, self._ends, payloads)
        boundary = Boundary(segment.number, segment.salt, encoded.sequence, tuple(encoded.ends))
        await self._in_writer(self._files.writer.commit, encoded.data, boundary)
        if self._fault is not None:
            self._fault = None
            _logger.warning("log_writable_again")
        self._publish(batch, encoded, segment)

    async def _make_ready(self) -> None:
        """Goes to a new segment when the newest is full, or can no longer be trusted."""
        segment = self._segments[-1]
        trusted = self._files.writer.trusted
        if trusted and segment.size_bytes < self._segment_bytes:
            return
        boundary = Boundary(segment.number, segment.salt, self._sequence, tuple(self._ends))
        if not trusted:
            for gap in await self._in_writer(self._files.writer.verify, boundary):
                self._note_damage(Damage(gap.partition, gap.first, gap.next, segment.path.name), segment)
        self._segments.append(await self._in_writer(self._files.writer.rotate, boundary))

    def _publish(self, batch: list[Pending], encoded: EncodedBatch, segment: Segment) -> None:
        """The batch is durable: tells its appenders, and everybody who follows."""
        ends = self._ends
        entries: dict[int, list[LogEntry]] = {}
        for partition, payloads, appended, size_bytes in batch:
            first = ends[partition]
            ends[partition] = end = first + len(payloads)
            segment.index.add(partition, first, segment.size_bytes, len(payloads))
            segment.size_bytes += size_bytes
            entries.setdefault(partition, []).extend(map(_entry, zip(range(first, end), payloads, strict=True)))
            if not appended.done():
                appended.set_result(end - 1)
        self._sequence = encoded.sequence
        for partition, added in entries.items():
            self._tails[partition].extend(added)
            self._wake(partition)

    def _fail(self, batch: list[Pending], error: Unavailable) -> None:
        if self._fault is None:
            _logger.error("log_read_only", extra={"error": error.message})
        self._fault = _Fault(type(error), error.message, self._loop.time() + self._options.probe_interval_s)
        for pending in batch:
            if not pending.offset.done():
                pending.offset.set_exception(self._fault.make_error())
        self._queue.fail(self._fault.make_error)

    async def _in_writer(self, function: Callable[..., _T], *arguments: object) -> _T:
        return await self._loop.run_in_executor(self._writer, function, *arguments)

    # Reading

    async def _follow(self, partition: int) -> None:
        woken: asyncio.Future[None] = self._loop.create_future()
        self._followers[partition].add(woken)
        try:
            await woken
        finally:
            self._followers[partition].discard(woken)

    def _wake(self, partition: int) -> None:
        for woken in self._followers[partition]:
            if not woken.done():
                woken.set_result(None)

    async def _read_disk(
        self, partition: int, offset: int, place: tuple[Segment, int] | None
    ) -> tuple[Sequence[LogEntry], tuple[Segment, int]]:
        if place is None or place[0].index.next_offset(partition) <= offset:
            place = self._find(partition, offset)
        segment, position = place
        end = min(self._ends[partition], segment.index.next_offset(partition))
        span = Span(partition, offset, end, READ_BYTES, READ_COUNT)
        chunk = await self._read_chunk(segment, position, span)
        if not chunk.entries:
            self._note_damage(Damage(partition, offset, offset + 1, segment.path.name), segment)
            raise _lost(partition, offset)
        return chunk.entries, (segment, chunk.next_position)

    def _find(self, partition: int, offset: int) -> tuple[Segment, int]:
        for segment in self._segments:
            position = segment.index.position(partition, offset)
            if position is not None:
                return segment, position
        raise _lost(partition, offset)

    async def _read_chunk(self, segment: Segment, position: int, span: Span) -> Chunk:
        try:
            return await self._loop.run_in_executor(
                self._reader, read_chunk, segment, position, segment.size_bytes, span
            )
        except FileNotFoundError:
            return Chunk([], position, lost=True)
        except OSError as error:
            raise LogUnreadable(f"the log's disk cannot be read: {error.strerror}") from error
        except RuntimeError as error:
            if self._closing:  # the reading threads are gone
                raise LogClosed("the log is closed") from error
            raise

    def _note_damage(self, report: Damage, segment: Segment) -> None:
        """From now on the partition is read-only; the next start looks at the segment anew."""
        if report.partition in self._damaged:
            return
        _logger.error("log_damaged", extra={"segment": report.segment, "damage": str(report)})
        self._damaged.add(report.partition)
        self._damage.append(report)
        segment.damaged = True
        drop_index(segment)

    # Closing

    async def _close(self) -> None:
        self._closing = True
        self._queue.wake()
        await self._commits
        for partition in range(PARTITIONS):
            self._wake(partition)
        await asyncio.gather(*(asyncio.to_thread(pool.shutdown) for pool in (self._reader, self._writer)))
        self._files.close()


def _check(partition: int) -> None:
    if not 0 <= partition < PARTITIONS:
        raise RecordInvalid(f"there are partitions 0 to {PARTITIONS - 1}, not {partition}")


def _lost(partition: int, offset: int) -> LogDamaged:
    return LogDamaged(
        f"partition {partition} cannot be read from offset {offset} on: the record is lost",
        partition=str(partition),
        offset=str(offset),
    )
