"""Version ids, out of ticks that are reserved in the store."""

import asyncio
import secrets

from mesh.clock import Clock
from svc_version.core.sonyflake import Source
from svc_version.stores import Store


class Ids:
    """See the module. Ticks are reserved a minute at a time, so an id seldom waits for the store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._holder = secrets.token_hex(8)
        self._source: Source | None = None
        self._turn = asyncio.Lock()

    async def next(self) -> int:
        """An id, larger than all before it of this process."""
        async with self._turn:
            while True:
                made = None if self._source is None else self._source.next(self._clock.now_ms())
                if made is not None:
                    return made
                self._source = Source(await self._store.reserve(self._holder, self._clock.now_ms()))
