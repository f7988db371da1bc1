"""Appends that wait for the disk: first come, first served, and bounded in bytes."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from svc_annotation.core.segment import RECORD_BYTES


@dataclass(slots=True, eq=False)
class Pending:
    """A record that waits for its offset."""

    partition: int
    payload: bytes
    offset: asyncio.Future[int]

    @property
    def size_bytes(self) -> int:
        """Its bytes in the file."""
        return RECORD_BYTES + len(self.payload)


class AppendQueue:
    """Holds up to `limit_bytes` (or one record); who comes later waits outside, in order."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._held_bytes = 0
        self._queue: deque[Pending] = deque()
        self._outside: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._entering = 0
        self._filled = asyncio.Event()

    async def put(self, partition: int, payload: bytes) -> asyncio.Future[int]:
        """Queues a record, once there is room; the future gives its offset when it is durable."""
        size_bytes = RECORD_BYTES + len(payload)
        if self._outside or self._entering or not self._fits(size_bytes):
            await self._wait_outside(size_bytes)
        else:
            self._held_bytes += size_bytes
        future = asyncio.get_running_loop().create_future()
        self._queue.append(Pending(partition, payload, future))
        self._filled.set()
        return future

    @property
    def idle(self) -> bool:
        """Nobody waits, neither inside nor outside."""
        return not self._queue and not self._outside and not self._entering

    async def wait(self) -> None:
        """Returns once there is something to take."""
        await self._filled.wait()

    def wake(self) -> None:
        """Makes `wait` return, though there may be nothing."""
        self._filled.set()

    def take(self, limit_bytes: int) -> list[Pending]:
        """Removes the oldest records that nobody gave up: at least one, if there is one, and no more than fit."""
        batch: list[Pending] = []
        size_bytes = 0
        while self._queue:
            pending = self._queue[0]
            if pending.offset.done():
                self.release(pending.size_bytes)
            elif batch and size_bytes + pending.size_bytes > limit_bytes:
                break
            else:
                batch.append(pending)
                size_bytes += pending.size_bytes
            self._queue.popleft()
        if not self._queue:
            self._filled.clear()
        return batch

    def release(self, size_bytes: int) -> None:
        """Gives back the room of records that were taken, and lets the next ones in."""
        self._held_bytes -= size_bytes
        while self._outside and self._fits(self._outside[0][0]):
            waiting_bytes, turn = self._outside.popleft()
            if not turn.done():
                self._held_bytes += waiting_bytes
                self._entering += 1
                turn.set_result(None)

    def fail(self, make_error: Callable[[], Exception]) -> None:
        """Refuses everybody who waits, inside and outside, each with an error of its own."""
        while self._outside:
            _, turn = self._outside.popleft()
            if not turn.done():
                turn.set_exception(make_error())
        for pending in self.take(self._held_bytes):
            pending.offset.set_exception(make_error())
            self.release(pending.size_bytes)

    def _fits(self, size_bytes: int) -> bool:
        return not self._held_bytes or self._held_bytes + size_bytes <= self._limit_bytes

    async def _wait_outside(self, size_bytes: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._outside.append((size_bytes, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._entering -= 1
                self.release(size_bytes)
            self._filled.set()  # who waits for the queue to become idle looks again
            raise
        self._entering -= 1
