"""What other instances on the same store changed about rights, told to the watchers of this one."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from rushes.errors import RushesError
from svc_project.bulletin import Bulletin
from svc_project.context import Context, Work

log = logging.getLogger(__name__)

KEEP_MS = 3_600_000
"""For so long a change can be read by the others: whoever slept longer tells its watchers to ask anew."""

LIMIT = 500
LATE_S = 1.0
"""Without news for so long this instance does not say that all is well: its watchers then trust nothing they know."""


class Feed:
    """A task that looks for news until it is stopped."""

    def __init__(
        self, context: Context, bulletin: Bulletin, every_s: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._context = context
        self._bulletin = bulletin
        self._every_s = every_s
        self._monotonic = monotonic
        self._last = 0
        self._read_s = 0.0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """From now on nothing is missed."""
        self._last = await self._context.run(lambda work: work.unit.news.last())
        self._read_s = self._monotonic()
        self._bulletin.well = lambda: self._monotonic() - self._read_s < LATE_S
        self._task = asyncio.create_task(self._look(), name="rights-news")

    async def stop(self) -> None:
        """Ends the task."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            try:
                while await self.read() == LIMIT:
                    pass
            except RushesError as error:
                log.info("news_not_read", extra={"reason": error.reason})
            except Exception:
                log.exception("news_failed")

    async def read(self) -> int:
        """Tells what is new; gives how much that was."""
        began_s, last = self._monotonic(), self._last
        found = await self._context.run(lambda work: work.unit.news.after(last, LIMIT))
        if began_s - self._read_s > KEEP_MS / 2_000:
            self._bulletin.everything()
        for item in found:
            if item.origin != self._context.origin:
                self._bulletin.publish(item.changes)
            self._last = item.number
        self._read_s = began_s
        return len(found)

    async def prune(self) -> None:
        """Forgets what everybody has read."""
        with contextlib.suppress(RushesError):
            await self._context.run(_prune)


def _prune(work: Work) -> None:
    work.unit.news.prune(work.now_ms - KEEP_MS)
