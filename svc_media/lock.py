"""Locks by name: of those who do something to one thing, one at a time, in all processes that share the data folder."""

import asyncio
import fcntl
import logging
import os
from collections import Counter
from collections.abc import Hashable
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Final
from weakref import WeakValueDictionary

log = logging.getLogger(__name__)

AGAIN_S: Final = 0.05
"""How often it is looked whether another process has let go."""


class Lock:
    """One lock; of the class below."""

    def __init__(self, locks: "Locks", name: Hashable) -> None:
        self._locks = locks
        self._name = name
        self._here = asyncio.Lock()

    async def acquire(self) -> bool:
        """Waits for one's turn, first among those of this process."""
        await self._here.acquire()
        try:
            while not self._locks.take(self._name):  # noqa: ASYNC110  # another process cannot set an event of ours
                await asyncio.sleep(AGAIN_S)
        except BaseException:
            self._here.release()
            raise
        return True

    async def attempt(self) -> bool:
        """Takes it if that needs no waiting; False: somebody has it, here or in another process."""
        try:
            async with asyncio.timeout(0):
                await self._here.acquire()
        except TimeoutError:
            return False
        if self._locks.take(self._name):
            return True
        self._here.release()
        return False

    def release(self) -> None:
        """Lets go."""
        self._locks.drop(self._name)
        self._here.release()

    def locked(self) -> bool:
        """Whether somebody of this process has it."""
        return self._here.locked()

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Locks:
    """A lock for each name, kept for as long as somebody holds it or waits for it.

    With a file each name is a byte of it, locked for this process: the kernel lets go of it when the process ends,
    however it does. Nobody else in the process may open that file. On a disk that knows no locks there can be one
    instance.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._locks: WeakValueDictionary[Hashable, Lock] = WeakValueDictionary()
        self._shares: Counter[Hashable] = Counter()
        self._descriptor = -1 if file is None else os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self.take("")
            self.drop("")
        except OSError as error:  # one instance needs no other's word
            log.warning("no_locks_here", extra={"file": str(file), "error": str(error)})
            os.close(self._descriptor)
            self._descriptor = -1

    def of(self, name: Hashable) -> Lock:
        """The lock of that name."""
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = Lock(self, name)
        return lock

    def take(self, name: Hashable) -> bool:
        """Keeps other processes out; False: one of them is in, or this one shares it (the kernel would not mind)."""
        return not self._shares[name] and self._set(name, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def drop(self, name: Hashable) -> None:
        """Lets other processes in."""
        self._set(name, fcntl.LOCK_UN)

    def share(self, name: Hashable) -> bool:
        """Keeps out other processes that want it for themselves alone; False: one has it. May be done several times."""
        if not self._shares[name] and not self._set(name, fcntl.LOCK_SH | fcntl.LOCK_NB):
            return False
        self._shares[name] += 1
        return True

    async def shared(self, name: Hashable) -> None:
        """Shares it once nobody has it alone."""
        while not self.share(name):  # noqa: ASYNC110  # as above
            await asyncio.sleep(AGAIN_S)

    def unshare(self, name: Hashable) -> None:
        """Undoes `share`."""
        self._shares[name] -= 1
        if not self._shares[name]:
            del self._shares[name]
            self._set(name, fcntl.LOCK_UN)

    def _set(self, name: Hashable, kind: int) -> bool:
        if self._descriptor < 0:
            return True
        at = int.from_bytes(blake2b(repr(name).encode(), digest_size=7).digest(), "big")
        try:
            fcntl.lockf(self._descriptor, kind, 1, at)
        except (BlockingIOError, PermissionError):  # POSIX lets systems say either
            return False
        return True
