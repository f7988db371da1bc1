"""What history has by now, where others write it: instances that serve people only watch how far the projectors are."""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from svc_annotation import metrics
from svc_annotation.core.row import HistoryRow
from svc_annotation.projector import Origin
from svc_annotation.stores import History, partition_of

LOOK_S: Final = 0.25
MAX_ROWS: Final = 20_000

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Awaited:
    """What is remembered of a row until history has it."""

    video_id: int
    ordinal: int
    offset: int
    at_revision: int


class Progress:
    """Stands in the place of a `Projector`, and writes nothing."""

    def __init__(self, history: History, origin: Origin) -> None:
        self._history = history
        self._origin = origin
        self._awaited: dict[int, deque[Awaited]] = {}
        self._count = 0
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._seen_more = asyncio.Event()

    def put(self, row: HistoryRow, size_bytes: int) -> None:
        """See `Projector`."""
        awaited = self._awaited.setdefault(partition_of(row.video_id), deque())
        awaited.append(Awaited(row.video_id, row.ordinal, row.offset, row.at_revision))
        self._count += 1
        self._filled.set()
        if self._count >= MAX_ROWS:
            self._room.clear()

    async def room(self) -> None:
        """See `Projector`."""
        await self._room.wait()

    async def wrote(self, *, urgent: bool = True) -> None:
        """See `Projector`."""
        if self._count:
            self._seen_more.clear()
            await self._seen_more.wait()

    async def flushed(self) -> None:
        """Returns at once: what is not in history yet, others write."""

    def finish(self) -> None:
        """See `Projector`."""

    async def run(self) -> None:
        """Looks for ever."""
        while True:
            await self._filled.wait()
            await asyncio.sleep(LOOK_S)
            try:
                self._settle(await self._history.positions())
            except Exception as error:
                _logger.warning("progress_unknown", extra={"error": str(error)})

    def _settle(self, positions: Mapping[int, int]) -> None:
        seen: list[Awaited] = []
        for number, awaited in self._awaited.items():
            position = positions.get(number, 0)
            while awaited and awaited[0].offset < position:
                seen.append(awaited.popleft())
        self._origin.written(seen)
        self._count -= len(seen)
        metrics.PROJECTION_WAITING.set(self._count)
        if self._count < MAX_ROWS:
            self._room.set()
        if not self._count:
            self._filled.clear()
        self._seen_more.set()

    def forget(self, number: int) -> None:
        """The partition is not followed any more."""
        self._count -= len(self._awaited.pop(number, ()))
