"""Appends that wait for the disk: first come, first served, and bounded in bytes."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from svc_annotation.core.segment import RECORD_BYTES


class Pending(NamedTuple):
    """Records of a partition that wait for their offsets, together."""

    partition: int
    payloads: Sequence[bytes]
    offset: "asyncio.Future[int]"
    """The last one's."""
    size_bytes: int
    """Their bytes in the file."""


class AppendQueue:
    """Holds up to `limit_bytes` (or those that came together); who comes later waits outside, in order."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._held_bytes = 0
        self._queue: deque[Pending] = deque()
        self._outside: deque[Pending] = deque()
        self._filled = asyncio.Event()

    def put(self, partition: int, payloads: Sequence[bytes], offset: "asyncio.Future[int]") -> None:
        """Queues records; the future is given the last offset when all are durable. Who cancels it gives them up."""
        pending = Pending(partition, payloads, offset, RECORD_BYTES * len(payloads) + sum(map(len, payloads)))
        if self._outside or not self._fits(pending):
            self._outside.append(pending)
        else:
            self._enter(pending)

    @property
    def idle(self) -> bool:
        """Nobody waits, neither inside nor outside."""
        return not self._queue and not self._outside

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
        queue = self._queue
        while queue:
            pending = queue[0]
            if pending.offset.done():
                queue.popleft()
                self.release(pending.size_bytes)
                continue
            size_bytes += pending.size_bytes
            if batch and size_bytes > limit_bytes:
                break
            batch.append(queue.popleft())
        if not self._queue:
            self._filled.clear()
        return batch

    def release(self, size_bytes: int) -> None:
        """Gives back the room of records that were taken, and lets the next ones in."""
        self._held_bytes -= size_bytes
        while self._outside:
            pending = self._outside[0]
            if not pending.offset.done():
                if not self._fits(pending):
                    break
                self._enter(pending)
            self._outside.popleft()

    def fail(self, make_error: Callable[[], Exception]) -> None:
        """Refuses everybody who waits, inside and outside, each with an error of its own."""
        outside, self._outside = self._outside, deque()
        inside = self.take(self._held_bytes)
        for pending in (*inside, *outside):
            if not pending.offset.done():
                pending.offset.set_exception(make_error())
        self.release(sum(pending.size_bytes for pending in inside))

    def _enter(self, pending: Pending) -> None:
        self._held_bytes += pending.size_bytes
        if not self._queue:
            self._filled.set()
        self._queue.append(pending)

    def _fits(self, pending: Pending) -> bool:
        return not self._held_bytes or self._held_bytes + pending.size_bytes <= self._limit_bytes
