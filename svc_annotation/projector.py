"""Writes history: rows of the fold in bulk, positions of the log after them. What is not written yet is held here."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from rushes.errors import RushesError
from svc_annotation import metrics
from svc_annotation.core.row import HistoryRow
from svc_annotation.stores import History, HistoryDiverged, partition_of

BULK: Final = 1_000
LINGER_S: Final = 0.05
MAX_ROWS: Final = 20_000
MAX_BYTES: Final = 64 * 1024 * 1024
RETRY_S: Final = (0.1, 0.5, 1.0, 2.0, 5.0)

_logger = logging.getLogger(__name__)


Positions = Callable[[Mapping[int, Collection[int]]], dict[int, int]]


@dataclass(frozen=True, slots=True)
class Projected:
    """A row that waits, and whom it is said to once it is written."""

    row: HistoryRow
    written: Callable[[HistoryRow], None]
    diverged: Callable[[RushesError], None]
    size_bytes: int


class Projector:
    """See the module. `positions` tells of each partition from where on history would have to read the log again, once
    the records at certain offsets of it are written.
    """

    def __init__(self, history: History, positions: Positions) -> None:
        self._history = history
        self._positions = positions
        self._waiting: deque[Projected] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._written_more = asyncio.Event()
        self._closing = False

    def put(
        self, row: HistoryRow, written: Callable[[HistoryRow], None], diverged: Callable[[RushesError], None]
    ) -> None:
        """Adds a row. Wait for `room` before the next ones."""
        size_bytes = 400 + len(row.commit) + sum(len(change.state) for change in row.changes)
        self._waiting.append(Projected(row, written, diverged, size_bytes))
        self._bytes += size_bytes
        self._filled.set()
        if len(self._waiting) >= MAX_ROWS or self._bytes >= MAX_BYTES:
            self._room.clear()

    async def room(self) -> None:
        """Returns once there is room for more: the log is read no faster than history takes it."""
        await self._room.wait()

    async def wrote(self) -> None:
        """Returns after the next bulk, or at once if nothing waits."""
        if self._waiting:
            self._written_more.clear()
            await self._written_more.wait()

    async def flushed(self) -> None:
        """Returns once nothing waits."""
        while self._waiting:
            await self.wrote()

    def finish(self) -> None:
        """Writes without lingering from now on."""
        self._closing = True
        self._filled.set()

    async def run(self) -> None:
        """Writes for ever."""
        failures = 0
        while True:
            await self._filled.wait()
            if len(self._waiting) < BULK and not self._closing:
                await asyncio.sleep(LINGER_S)
            bulk = [self._waiting[index] for index in range(min(BULK, len(self._waiting)))]
            try:
                await self._write([projected.row for projected in bulk])
            except HistoryDiverged as error:
                self._drop(error)
            except Exception as error:
                failures += 1
                metrics.PROJECTION_FAILED.inc()
                _logger.error("projection_failed", extra={"error": str(error)}, exc_info=failures == 1)
                await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S)) - 1])
            else:
                failures = 0
                self._written(bulk)

    async def _write(self, rows: list[HistoryRow]) -> None:
        offsets: dict[int, set[int]] = {}
        for row in rows:
            offsets.setdefault(partition_of(row.video_id), set()).add(row.offset)
        await self._history.write(self._positions(offsets), rows)

    def _written(self, bulk: Collection[Projected]) -> None:
        for projected in bulk:
            self._waiting.popleft()
            self._bytes -= projected.size_bytes
            projected.written(projected.row)
        metrics.PROJECTED.inc(len(bulk))
        self._settle()

    def _drop(self, error: HistoryDiverged) -> None:
        """One video's rows contradict what is there: it is quarantined, the others go on."""
        video_id = int(error.metadata["video_id"])
        _logger.critical("history_diverged", extra={"video": video_id, "error": error.message})
        kept: deque[Projected] = deque()
        for projected in self._waiting:
            if projected.row.video_id == video_id:
                self._bytes -= projected.size_bytes
                projected.diverged(error)
            else:
                kept.append(projected)
        self._waiting = kept
        self._settle()

    def _settle(self) -> None:
        metrics.PROJECTION_WAITING.set(len(self._waiting))
        if len(self._waiting) < MAX_ROWS and self._bytes < MAX_BYTES:
            self._room.set()
        if not self._waiting:
            self._filled.clear()
        self._written_more.set()
