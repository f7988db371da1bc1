"""What long work is at, at this moment, and those who watch it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Generic, TypeVar

LOOK_S: Final = 1.0
K = TypeVar("K")
V = TypeVar("V")


class Live(Generic[K, V]):
    """Things that are being worked on, newer than the store has them."""

    def __init__(self) -> None:
        self._values: dict[K, V] = {}
        self._changed = asyncio.Event()

    def get(self, key: K) -> V | None:
        """One as it is now; None: what the store has is the truth."""
        return self._values.get(key)

    def tell(self, key: K, value: V) -> None:
        """It is so now."""
        self._values[key] = value
        self._wake()

    def forget(self, key: K) -> None:
        """What the store has is the truth from now on."""
        self._values.pop(key, None)
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def watch(self, read: Callable[[], Awaitable[V]], ended: Callable[[V], bool]) -> AsyncIterator[V]:
        """What `read` gives, now and whenever it changes, until it has ended. Another process may be at it: so it is
        read once in a while too.
        """
        last: V | None = None
        while True:
            changed = self._changed
            value = await read()
            if value != last:
                last = value
                yield value
            if ended(value):
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await changed.wait()
