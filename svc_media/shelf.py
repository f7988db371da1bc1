"""Files of contents: in the data folder, or in a bucket of which the folder then keeps what was used last."""

import asyncio
import contextlib
import logging
import os
import shutil
import stat
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mesh.blobs import BlobNotFound, Blobs
from mesh.ids import new_id
from mesh.sql import StoreUnavailable
from rushes.errors import NotFound
from svc_media.lock import Locks
from svc_media.stores.folder import Folder
from svc_media.thread import Threads

log = logging.getLogger(__name__)

THREADS = 4
YOUNG_S = 3600.0
"""What was used so lately stays in the folder: somebody may be at it."""


class Shelf(Protocol):
    """Where finished files are. A file is made once and never changed."""

    async def keep(self, path: Path) -> None:
        """A finished file of a content, safe on the disk, is kept for good once this returns."""

    async def local(self, path: Path) -> Path:
        """The file, there to be opened. Raises NotFound."""

    async def size(self, path: Path) -> int:
        """Bytes of a file that is not in the folder. Raises NotFound."""

    def read(self, path: Path, begin: int, end: int) -> AsyncGenerator[bytes, None]:
        """Bytes of a file that is not in the folder."""

    async def drop(self, content: Path) -> None:
        """All files of a content are gone for good. `content`: their folder. Raises Unavailable: some may be left."""

    async def upkeep(self) -> None:
        """Makes room."""

    def close(self) -> None:
        """Ends it."""


class FolderShelf:
    """The folder is all there is."""

    async def keep(self, path: Path) -> None:
        """See Shelf: it is where it belongs."""

    async def local(self, path: Path) -> Path:
        """See Shelf."""
        if not await asyncio.to_thread(path.exists):
            raise _missing()
        return path

    async def size(self, path: Path) -> int:
        """See Shelf."""
        raise _missing()

    async def read(self, path: Path, begin: int, end: int) -> AsyncGenerator[bytes, None]:
        """See Shelf."""
        raise _missing()
        yield b""

    async def drop(self, content: Path) -> None:
        """See Shelf."""
        await asyncio.to_thread(_remove, content)

    async def upkeep(self) -> None:
        """See Shelf: there is always room."""

    def close(self) -> None:
        """See Shelf."""


@dataclass(frozen=True, slots=True)
class _Used:
    """A file of the folder and when it was used last."""

    path: Path
    size_bytes: int
    used_s: float


class BlobShelf:
    """A bucket has every file; the folder has `keep_bytes` of them, and may be lost."""

    def __init__(self, blobs: Blobs, folder: Folder, keep_bytes: int) -> None:
        self._blobs = blobs
        self._folder = folder
        self._keep_bytes = keep_bytes
        self._threads = Threads("shelf", THREADS)
        self._locks = Locks()
        """By path: of those who fetch it."""
        self._kept: set[str] = set()
        """Keys of files of the folder that the bucket has too."""

    async def keep(self, path: Path) -> None:
        """See Shelf. A second name of the file goes into the bucket, for the first stays to be read."""
        key = self._key(path)
        second = self._folder.scratch / f"keep-{new_id()}"
        await self._threads.run(os.link, path, second)
        try:
            await self._blobs.put_file(key, second)
        finally:
            await self._threads.run(second.unlink, missing_ok=True)
        self._kept.add(key)

    async def local(self, path: Path) -> Path:
        """See Shelf. Whoever comes meanwhile waits for the same fetching."""
        async with self._locks.of(str(path)):
            try:
                await self._threads.run(os.utime, path)
            except FileNotFoundError:
                await self._fetch(path)
        return path

    async def _fetch(self, path: Path) -> None:
        part = self._folder.scratch / f"fetch-{new_id()}"
        try:
            await self._copy(path, part)
            await self._threads.run(path.parent.mkdir, parents=True, exist_ok=True, mode=0o700)
            await self._threads.run(part.replace, path)
        finally:
            await self._threads.run(part.unlink, missing_ok=True)
        self._kept.add(self._key(path))

    async def _copy(self, path: Path, part: Path) -> None:
        file = await self._threads.run(part.open, "wb")
        try:
            async for piece in self._blobs.read(self._key(path)):
                await self._threads.run(file.write, piece)
        except BlobNotFound:
            raise _missing() from None
        finally:
            await self._threads.run(file.close)

    async def size(self, path: Path) -> int:
        """See Shelf."""
        try:
            return (await self._blobs.stat(self._key(path))).size_bytes
        except BlobNotFound:
            raise _missing() from None

    async def read(self, path: Path, begin: int, end: int) -> AsyncGenerator[bytes, None]:
        """See Shelf."""
        async for piece in self._blobs.read(self._key(path), begin, end):
            yield piece

    async def drop(self, content: Path) -> None:
        """See Shelf. The folder first: what is in it may be put into the bucket by whoever makes room."""
        await self._threads.run(_remove, content)
        for blob in await self._blobs.list(self._key(content) + "/"):
            await self._blobs.delete(blob.key)
            self._kept.discard(blob.key)

    async def upkeep(self) -> None:
        """See Shelf. What is from before there was a bucket is put there first; then what was used longest ago goes."""
        old_s = time.time() - YOUNG_S
        used = await self._threads.run(lambda: sorted(self._used(), key=lambda each: each.used_s))
        old = [each for each in used if each.used_s < old_s]
        for each in old:
            if not await self._has(each):
                await self.keep(each.path)
        over = sum(each.size_bytes for each in used) - self._keep_bytes
        for each in old:
            if over <= 0:
                return
            await self._threads.run(each.path.unlink, missing_ok=True)
            self._kept.discard(self._key(each.path))
            over -= each.size_bytes

    async def _has(self, used: _Used) -> bool:
        """Whether the bucket has the file; asked once."""
        key = self._key(used.path)
        if key not in self._kept:
            with contextlib.suppress(BlobNotFound):
                if (await self._blobs.stat(key)).size_bytes == used.size_bytes:
                    self._kept.add(key)
        return key in self._kept

    def _used(self) -> Iterable[_Used]:
        for path in self._folder.contents.rglob("*"):
            with contextlib.suppress(FileNotFoundError):
                found = path.stat()
                if stat.S_ISREG(found.st_mode):
                    yield _Used(path, found.st_size, found.st_mtime)

    def _key(self, path: Path) -> str:
        if not path.is_relative_to(self._folder.contents):
            raise _missing()
        return path.relative_to(self._folder.contents).as_posix()

    def close(self) -> None:
        """See Shelf."""
        self._threads.close()


def _remove(content: Path) -> None:
    try:
        shutil.rmtree(content, onerror=_unless_gone)
    except OSError as error:
        raise StoreUnavailable(f"Files cannot be removed now: {error.strerror}.") from error


def _unless_gone(call: Callable[..., object], path: str, info: tuple[object, BaseException, object]) -> None:
    """What somebody else has removed meanwhile is gone, as it should be."""
    if not isinstance(info[1], FileNotFoundError):
        raise info[1]


def _missing() -> NotFound:
    return NotFound("There is no such file of this video (yet).")
