"""Writes history: rows of the fold in bulk, positions of the log after them. What is not written yet is held here.

Beside people it works a tenth of the time: the log is durable, so history may follow what comes at once a little later.
Whoever asks for what is not there yet, too many rows and too long a time make it work on without a rest.
"""

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
REST: Final = 9.0
"""So many times what a bulk took passes before the next, but no more than is left until it is late."""
LATE_ROWS: Final = 100_000
LATE_BYTES: Final = 96 * 1024 * 1024
"""With so much waiting there is no rest: what is in memory stays bounded, and so does what a start reads again."""
LATE_S: Final = 20.0
"""Nor when more than a bulk has waited for so long."""
MAX_ROWS: Final = 150_000
MAX_BYTES: Final = 128 * 1024 * 1024
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

    def __init__(self, history: History, origin: Origin, *, rests: bool) -> None:
        """`rests`: people are served by the same process."""
        self._rests = rests
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
        self._full = asyncio.Event()
        """No reason to linger: a bulk is full, or this is urgent."""
        self._urgent = asyncio.Event()
        """No time to rest: somebody waits for what is here, there is too much of it, or this is the end."""
        self._behind_since = 0.0
        """When less than a bulk was left last, or something began to wait after nothing did."""
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
            self._full.set()
        if count >= LATE_ROWS or self._bytes >= LATE_BYTES:
            self._urge()
            if count >= MAX_ROWS or self._bytes >= MAX_BYTES:
                self._room.clear()

    def _urge(self) -> None:
        self._full.set()
        self._urgent.set()

    async def room(self) -> None:
        """Returns once there is room for more: the log is read no faster than history takes it."""
        await self._room.wait()

    async def wrote(self, *, urgent: bool = True) -> None:
        """Returns after the next bulk, or at once if nothing waits."""
        if self._waiting:
            if urgent:
                self._urge()
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
        self._urge()

    async def run(self) -> None:
        """Writes for ever."""
        failures = 0
        loop = asyncio.get_running_loop()
        self._behind_since = loop.time()
        while True:
            if not self._filled.is_set():
                await self._filled.wait()
                self._behind_since = loop.time()
            if len(self._waiting) < BULK and not self._closing:
                await self._linger()
            began = loop.time()
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
                if self._rests:
                    await self._rest(began, loop.time())

    async def _linger(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                await self._full.wait()
        self._full.clear()

    async def _rest(self, began: float, now: float) -> None:
        """After a bulk that took from then to now."""
        self._urgent.clear()
        if len(self._waiting) < BULK:
            self._behind_since = now
        # One write that stalled for seconds must not be followed by a minute in which nothing is written.
        rest_s = min(REST * (now - began), LATE_S - (now - self._behind_since))
        if rest_s <= 0 or len(self._waiting) >= LATE_ROWS or self._bytes >= LATE_BYTES or self._closing:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(rest_s):
                await self._urgent.wait()

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
