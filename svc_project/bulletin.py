"""Tells watchers what changed about rights: the asyncio side of core/change.py."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable

from mesh.clock import Clock
from svc_project import metrics
from svc_project.core.change import Changes, Notice, Pending
from svc_project.core.errors import TooManyWatchers
from svc_project.core.model import SessionId
from svc_project.listing import Listings


class _Watcher:
    def __init__(self, limit: int) -> None:
        self.pending = Pending(limit)
        self.wake = asyncio.Event()


class Bulletin:
    """Hands changes to every watcher, and knows the sessions that ended while a token of theirs may still be valid."""

    def __init__(self, clock: Clock, *, token_ms: int, heartbeat_s: float, watchers: int, pending: int) -> None:
        self._clock = clock
        # Twice: a token issued in the transaction before the end, and clocks that differ.
        self.remember_ms = 2 * token_ms
        self._heartbeat_s = heartbeat_s
        self._limit = watchers
        self._pending = pending
        self._watchers: set[_Watcher] = set()
        self._ended: dict[SessionId, int] = {}
        self._closed = False
        self.listings = Listings()
        self.callbacks: list[Callable[[], None]] = []
        self.well: Callable[[], bool] = lambda: True
        """Whether what changes is known here. While it is not, watchers hear nothing, and so trust nothing for long."""

    def publish(self, changes: Changes) -> None:
        """This has changed, durably."""
        self.listings.changed(changes.projects | changes.sessions)
        if not changes.about_rights:
            return
        metrics.CHANGES.inc()
        now_ms = self._clock.now_ms()
        self._ended.update(dict.fromkeys(changes.sessions, now_ms))
        for watcher in self._watchers:
            watcher.pending.add(changes)
            watcher.wake.set()
        for callback in self.callbacks:
            callback()

    def everything(self) -> None:
        """Nobody knows what has changed: watchers ask for all of it anew."""
        self.listings.everything()
        for watcher in self._watchers:
            watcher.pending.overflow()
            watcher.wake.set()
        for callback in self.callbacks:
            callback()

    def load(self, ended: Iterable[tuple[SessionId, int]]) -> None:
        """Sessions that ended before this process began."""
        self._ended.update(ended)

    def ended(self, session_id: str) -> bool:
        """The session was ended here not long ago; for older ones no token is valid any more."""
        return session_id in self._ended

    def prune(self) -> None:
        """Forgets sessions whose last token has expired."""
        before_ms = self._clock.now_ms() - self.remember_ms
        self._ended = {session_id: at_ms for session_id, at_ms in self._ended.items() if at_ms >= before_ms}

    async def watch(self) -> AsyncIterator[Notice]:
        """What changes: first "everything", then changes as they come, and an empty notice for a heartbeat."""
        if self._closed or len(self._watchers) >= self._limit:
            raise TooManyWatchers
        watcher = _Watcher(self._pending)
        self._watchers.add(watcher)
        metrics.WATCHERS.set(len(self._watchers))
        try:
            while not self._closed:
                if watcher.pending.waiting() or self.well():
                    yield watcher.pending.take(self._ended)
                await self._wait(watcher)
        finally:
            self._watchers.discard(watcher)
            metrics.WATCHERS.set(len(self._watchers))

    def close(self) -> None:
        """Ends every stream."""
        self._closed = True
        self.listings.close()
        for watcher in self._watchers:
            watcher.wake.set()

    async def _wait(self, watcher: _Watcher) -> None:
        try:
            async with asyncio.timeout(self._heartbeat_s):
                await watcher.wake.wait()
        except TimeoutError:
            return
        watcher.wake.clear()
