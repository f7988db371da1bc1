"""Writes history: rows of the fold in bulk, positions of the log after them. What is not written yet is held here."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Final, Protocol

from svc_annotation import metrics
from svc_annotation.core.row import HistoryRow
from svc_annotation.stores import History, HistoryDiverged, partition_of

BULK: Final = 1_000
LINGER_S: Final = 0.25
"""A bulk waits so long for company, a tenth of a core at a thousand rows a second if it did not; but for whoever asks
for what is in it, it goes at once."""
MAX_ROWS: Final = 20_000
MAX_BYTES: Final = 64 * 1024 * 1024
RETRY_S: Final = (0.1, 0.5, 1.0, 2.0, 5.0)

_logger = logging.getLogger(__name__)


class Projected(Protocol):
    """What is told of a row that history has."""

    @property
    def video_id(self) -> int:
        """Its video."""

    @property
    def ordinal(self) -> int:
        """Its place among the video's rows."""

    @property
    def offset(self) -> int:
        """Its place in the log."""

    @property
    def at_revision(self) -> int:
        """The document's revision after it."""


class Origin(Protocol):
    """Where rows come from."""

    def positions(self, written: Mapping[int, Collection[int]]) -> dict[int, int]:
        """By partition, from where on history would have to read the log again once these offsets are written."""

    def written(self, rows: Sequence[Projected]) -> None:
        """History has these."""

    def diverged(self, video_id: int, offset: int) -> None:
        """History has something else in the place of a video's record: it is quarantined from there on."""


class Projector:
    """See the module."""

    def __init__(self, history: History, origin: Origin) -> None:
        self._history = history
        self._origin = origin
        self._waiting: deque[HistoryRow] = deque()
        self._sizes: deque[int] = deque()
        """What each of these takes in memory."""
        self._bytes = 0
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._written_more = asyncio.Event()
        self._hurry = asyncio.Event()
        """No reason to linger: a bulk is full, somebody waits for it, or this is the end."""
        self._closing = False

    def put(self, row: HistoryRow, size_bytes: int) -> None:
        """Adds a row that takes so much. Wait for `room` before the next ones."""
        waiting = self._waiting
        waiting.append(row)
        self._sizes.append(size_bytes)
        self._bytes += size_bytes
        count = len(waiting)
        if count == 1:
            self._filled.set()
        if count == BULK:
            self._hurry.set()
        if count >= MAX_ROWS or self._bytes >= MAX_BYTES:
            self._room.clear()

    async def room(self) -> None:
        """Returns once there is room for more: the log is read no faster than history takes it."""
        await self._room.wait()

    async def wrote(self) -> None:
        """Returns after the next bulk, or at once if nothing waits."""
        if self._waiting:
            self._hurry.set()
            self._written_more.clear()
            await self._written_more.wait()

    async def flushed(self) -> None:
        """Returns once nothing waits."""
        while self._waiting:
            await self.wrote()

    def forget(self, number: int) -> None:
        """A partition is not followed any more: its rows are written all the same, as whoever follows it now would."""

    def finish(self) -> None:
        """Writes without lingering from now on."""
        self._closing = True
        self._hurry.set()

    async def run(self) -> None:
        """Writes for ever."""
        failures = 0
        while True:
            await self._filled.wait()
            if len(self._waiting) < BULK and not self._closing:
                await self._linger()
            rows = list(islice(self._waiting, BULK))
            try:
                await self._write(rows)
            except HistoryDiverged as error:
                self._drop(error)
            except Exception as error:
                failures += 1
                metrics.PROJECTION_FAILED.inc()
                _logger.error("projection_failed", extra={"error": str(error)}, exc_info=failures == 1)
                await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S)) - 1])
            else:
                failures = 0
                self._written(rows)

    async def _linger(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                await self._hurry.wait()
        self._hurry.clear()

    async def _write(self, rows: list[HistoryRow]) -> None:
        offsets: dict[int, set[int]] = {}
        for row in rows:
            offsets.setdefault(partition_of(row.video_id), set()).add(row.offset)
        await self._history.write(self._origin.positions(offsets), rows)

    def _written(self, rows: list[HistoryRow]) -> None:
        for _ in rows:
            self._waiting.popleft()
            self._bytes -= self._sizes.popleft()
        self._origin.written(rows)
        metrics.PROJECTED.inc(len(rows))
        self._settle()

    def _drop(self, error: HistoryDiverged) -> None:
        """One video's rows contradict what is there: it is quarantined, the others go on."""
        video_id = int(error.metadata["video_id"])
        _logger.critical("history_diverged", extra={"video": video_id, "error": error.message})
        dropped = [row for row in self._waiting if row.video_id == video_id]
        kept = [each for each in zip(self._waiting, self._sizes, strict=True) if each[0].video_id != video_id]
        self._waiting = deque([row for row, _ in kept])
        self._sizes = deque([size_bytes for _, size_bytes in kept])
        self._bytes = sum(self._sizes)
        for row in dropped:
            self._origin.diverged(video_id, row.offset)
        self._settle()

    def _settle(self) -> None:
        metrics.PROJECTION_WAITING.set(len(self._waiting))
        if len(self._waiting) < MAX_ROWS and self._bytes < MAX_BYTES:
            self._room.set()
        if not self._waiting:
            self._filled.clear()
        self._written_more.set()
