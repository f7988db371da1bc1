"""The role of writing history: follows the partitions that a group gives it, and says how far behind history is."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Final, Protocol

from svc_annotation import metrics
from svc_annotation.videos import Videos

LOOK_S: Final = 2.0
RETRY_S: Final = 1.0

_logger = logging.getLogger(__name__)


class Member(Protocol):
    """A member of a group that shares out the partitions."""

    def tell(self, positions: Mapping[int, int]) -> None:
        """How far history is, by partition."""

    async def close(self) -> None:
        """Leaves the group."""


Join = Callable[[Callable[[Collection[int]], None]], Member]


class Projecting:
    """See the module. Two that follow one partition for a while, as when it changes hands, write the same."""

    def __init__(self, videos: Videos, join: Join) -> None:
        self._videos = videos
        self._join = join
        self._member: Member | None = None
        self._wanted: Collection[int] = ()
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Joins the group."""
        self._member = self._join(self._have)
        self._tasks = [asyncio.create_task(self._serve()), asyncio.create_task(self._look())]

    async def leave(self) -> None:
        """Leaves it; what was taken is still written."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._member is not None:
            await self._member.close()

    def _have(self, numbers: Collection[int]) -> None:
        self._wanted = numbers
        self._changed.set()

    async def _serve(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._videos.serve(self._wanted)
            except Exception as error:
                _logger.error("partitions_not_followed", extra={"error": str(error)})
                self._changed.set()
                await asyncio.sleep(RETRY_S)

    async def _look(self) -> None:
        assert self._member is not None
        shown: set[int] = set()
        kept: dict[int, int] = {}
        while True:
            await asyncio.sleep(LOOK_S)
            positions = self._videos.positions({})
            self._member.tell(positions)
            try:
                # Whoever had a partition before may have written its rows, but no longer where it was with them.
                if positions != kept:
                    await self._videos.keep(positions)
                    kept = positions
                lags = await self._videos.lags()
            except Exception as error:
                _logger.warning("lag_unknown", extra={"error": str(error)})
                continue
            for number in shown - lags.keys():
                metrics.PROJECTION_LAG.remove(str(number))
            for number, lag in lags.items():
                metrics.PROJECTION_LAG.labels(str(number)).set(lag)
            shown = set(lags)
