"""What is done from time to time: keys rotate, what is over is dropped."""

import asyncio
import logging

from svc_project.context import Context, Work
from svc_project.feed import Feed
from svc_project.token import Tokens

log = logging.getLogger(__name__)

# Old sessions and invitations stay for a while, so that "has expired" can be said.
KEEP_MS = 7 * 86_400_000


class Upkeep:
    """A task that goes round until it is stopped; what fails is logged and tried again next time."""

    def __init__(self, context: Context, tokens: Tokens, feed: Feed | None, every_s: float) -> None:
        self._feed = feed
        self._context = context
        self._tokens = tokens
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """The first round is done before anything is served."""
        await self._load()
        await self._round()
        self._task = asyncio.create_task(self._rounds())

    async def stop(self) -> None:
        """Ends the task."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _load(self) -> None:
        bulletin = self._context.bulletin
        since_ms = self._context.clock.now_ms() - bulletin.remember_ms
        bulletin.load(await self._context.run(lambda work: work.unit.sessions.ended_since(since_ms)))
        for tenant_id, ordinal, head in await self._context.run(lambda work: work.unit.audit.heads()):
            # Outside the store too, so that a chain that was rewritten as a whole shows against the logs.
            log.info("audit_head", extra={"tenant": tenant_id, "ordinal": ordinal, "hash": head.hex()})

    async def _rounds(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self._round()
            except Exception:
                log.exception("upkeep_failed")

    async def _round(self) -> None:
        await self._tokens.rotate()
        self._context.bulletin.prune()
        if self._feed is not None:
            await self._feed.prune()
        dropped = await self._context.run(_prune)
        if dropped:
            log.info("pruned", extra={"rows": dropped})


def _prune(work: Work) -> int:
    before_ms = work.now_ms - KEEP_MS
    return work.unit.sessions.prune(before_ms) + work.unit.invitations.prune(before_ms)
