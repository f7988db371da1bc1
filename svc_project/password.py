"""Argon2id in threads, a bounded number at a time: hashing is the one dear thing a stranger may ask for."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError

from svc_project.core.errors import SignInBusy

T = TypeVar("T")


class Passwords:
    """Hashes and verifies."""

    def __init__(self, *, memory_kib: int, passes: int, threads: int, waiting: int) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1, type=Type.ID)
        self._pool = ThreadPoolExecutor(threads, "argon2")
        self._limit = threads + waiting
        self._busy = 0
        # What an unknown address is compared with, so that it takes as long as a known one.
        self._nobody = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """The hash to keep."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, hash_: str, password: str) -> bool:
        """Whether this is the password. An empty hash is nobody's, and takes as long to refuse."""
        right = await self._run(lambda: self._verify(hash_ or self._nobody, password))
        return right and bool(hash_)

    def outdated(self, hash_: str) -> bool:
        """It was made with other settings than those of now."""
        return self._hasher.check_needs_rehash(hash_)

    def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _verify(self, hash_: str, password: str) -> bool:
        try:
            return self._hasher.verify(hash_, password)
        except VerifyMismatchError:
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._busy >= self._limit:
            raise SignInBusy
        self._busy += 1
        future = self._pool.submit(work)
        # Counted until the thread is done, not until the caller has gone.
        loop = asyncio.get_running_loop()
        wrapped = asyncio.wrap_future(future, loop=loop)
        try:
            return await asyncio.shield(wrapped)
        finally:
            if wrapped.done():
                self._busy -= 1
            else:
                wrapped.add_done_callback(self._released)

    def _released(self, future: "asyncio.Future[T]") -> None:
        self._busy -= 1
        if not future.cancelled():
            future.exception()
