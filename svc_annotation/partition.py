"""Follows one partition of the log and hands each record to its video. One video's trouble does not stop the others."""

import asyncio
import logging
from collections.abc import Collection, Sequence
from typing import Final, Protocol

from google.protobuf.message import DecodeError

from rushes.document.submitted import Submitted
from rushes.errors import Unavailable
from svc_annotation import metrics
from svc_annotation.core.submission import Underway
from svc_annotation.stores import Log, LogClosed, LogDamaged, LogEntry, partition_of

RETRY_S: Final = 1.0

_logger = logging.getLogger(__name__)


class Taker(Protocol):
    """Takes records, of whatever video, in the order of the log."""

    underway: Underway

    def take(self, partition: "Partition", offset: int, record: Submitted) -> None:
        """A record. `partition.done` is to be called once history needs it no more, `stick` if it never may."""

    async def room(self) -> None:
        """Returns once more may be taken."""


class Room(Protocol):
    """Whoever takes what the records make."""

    async def room(self) -> None:
        """Returns once there is room for more."""


class Partition:
    """See the module. `position`: where history ends, so what is read from there on may be in history already."""

    def __init__(self, number: int, log: Log, position: int, taker: Taker, projector: Room) -> None:
        self.number = number
        self.next_offset = position
        self.damaged: Unavailable | None = None
        self._log = log
        self._taker = taker
        self._projector = projector
        self._open: dict[int, None] = {}
        self._stuck: dict[int, int] = {}
        self._last_stuck: dict[int, int] = {}
        self._moved = asyncio.Event()

    def position(self, written: Collection[int]) -> int:
        """From where on history would have to read the log again, once the records at these offsets are written."""
        first_open = next((offset for offset in self._open if offset not in written), self.next_offset)
        return min(first_open, *self._stuck.values()) if self._stuck else first_open

    def done(self, offset: int) -> None:
        """History needs this record no more."""
        self._open.pop(offset, None)

    def stick(self, video_id: int, offset: int) -> None:
        """This record of a quarantined video is needed again after the next start; later ones of it too."""
        self._stuck.setdefault(video_id, offset)
        self._last_stuck[video_id] = max(offset, self._last_stuck.get(video_id, -1))
        self._open.pop(offset, None)

    def free(self, video_id: int) -> int:
        """A quarantined video goes for good: its records are needed no more. Gives the last one; -1: it has none."""
        self._stuck.pop(video_id, None)
        return self._last_stuck.get(video_id, -1)

    async def reached(self, offset: int) -> None:
        """Returns once everything before an offset was taken. Raises what keeps the partition from being read."""
        while self.next_offset < offset:
            if self.damaged is not None:
                return
            self._moved.clear()
            await self._moved.wait()

    async def run(self) -> None:
        """Follows until the log closes."""
        while True:
            try:
                async for entries in self._log.read(self.number, self.next_offset):
                    self._take(entries)
                    self._moved.set()
                    await self._projector.room()
                    await self._taker.room()
            except LogClosed:
                return
            except LogDamaged as error:
                _logger.critical("partition_damaged", extra={"partition": self.number, "error": error.message})
                self.damaged = error
                self._moved.set()
                return
            except Unavailable as error:
                _logger.error("partition_unreadable", extra={"partition": self.number, "error": error.message})
                await asyncio.sleep(RETRY_S)

    def _take(self, entries: Sequence[LogEntry]) -> None:
        taker = self._taker
        read, take, opened = taker.underway.take, taker.take, self._open
        known: int | None = None
        """The video of the record before, as nearly always of this one."""
        for offset, payload in entries:
            self.next_offset = offset + 1
            try:
                record = read(payload)
            except DecodeError:
                self._skip(offset)
                continue
            video_id = record.sender.video_id
            if video_id != known:
                if video_id <= 0 or partition_of(video_id) != self.number:
                    self._skip(offset)
                    continue
                known = video_id
            opened[offset] = None
            take(self, offset, record)

    def _skip(self, offset: int) -> None:
        metrics.SKIPPED.inc()
        _logger.critical("entry_skipped", extra={"partition": self.number, "offset": offset})
