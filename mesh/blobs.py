"""Blobs: large immutable things by key. The port, and its adapter for a folder."""

import asyncio
import contextlib
import errno
import logging
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from rushes.errors import InvalidArgument, NotFound, ResourceExhausted, Unavailable

MAX_KEY = 512
CHUNK_BYTES = 256 * 1024
SYNCS = 8
"""Files that are synced side by side: the disk flushes once for all that wait."""
log = logging.getLogger(__name__)
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


class KeyInvalid(InvalidArgument):
    """No blob may have this key."""

    reason = "BLOB_KEY_INVALID"


class BlobNotFound(NotFound):
    """There is no blob of this key."""

    reason = "BLOB_NOT_FOUND"


class BlobsFull(ResourceExhausted):
    """There is no room for more."""

    reason = "BLOBS_FULL"


class BlobsUnavailable(Unavailable):
    """The store of blobs cannot be reached, or does not do its work now."""

    reason = "BLOBS_UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class Blob:
    """What is known of one."""

    key: str
    size_bytes: int
    modified_ms: int


class Blobs(Protocol):
    """Blobs by key. A key is parts with "/" between, of letters, digits, "_", "-" and "."; the first part is the id of
    the tenant.

    A blob appears whole or not at all, and once `put` returns it survives a crash. Putting a key again replaces it;
    whoever reads the old one reads on.
    """

    async def put(self, key: str, data: bytes) -> None:
        """Makes a blob of bytes. Raises KeyInvalid, BlobsFull."""

    async def put_all(self, blobs: Mapping[str, bytes]) -> None:
        """Makes several blobs, each as `put` does, and cheaper. What fails may leave some of them made."""

    async def put_new(self, key: str, data: bytes) -> bool:
        """Makes a blob of bytes unless there is one of that key, which then stays; gives whether it was made.

        Of several who do so at the same time, one makes it.
        """

    async def put_file(self, key: str, path: Path) -> None:
        """Makes a blob of a file, which is gone afterwards; without a copy where that is possible."""

    async def stat(self, key: str) -> Blob:
        """What is known of a blob. Raises BlobNotFound."""

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from start up to, but without, end, in pieces. Raises BlobNotFound before the first piece."""

    async def get_all(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The whole of several small blobs, each as `read` gives it, and cheaper. What is not there is left out, and so
        is what cannot be read now, which is logged.
        """

    async def delete(self, key: str) -> None:
        """Deletes a blob; one that is not there is fine."""

    async def list(self, prefix: str) -> Sequence[Blob]:
        """The blobs below a prefix, which is the beginning of a key up to a "/", by key."""


class FolderBlobs:
    """Blobs as files of a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._new = root / ".new"
        self._new.mkdir(parents=True, exist_ok=True, mode=0o700)
        # What a crash left half made.
        for path in self._new.iterdir():
            path.unlink()

    async def put(self, key: str, data: bytes) -> None:
        """See Blobs."""
        await asyncio.to_thread(self._put, self._path(key), data)

    async def put_all(self, blobs: Mapping[str, bytes]) -> None:
        """See Blobs. All are on their way to the disk before the first is waited for: so one commit of the file
        system's journal is for all of them, and others who sync a file do not wait for many.
        """
        await asyncio.to_thread(self._put_all, {self._path(key): data for key, data in blobs.items()})

    async def put_new(self, key: str, data: bytes) -> bool:
        """See Blobs."""
        return await asyncio.to_thread(self._put_new, self._path(key), data)

    async def put_file(self, key: str, path: Path) -> None:
        """See Blobs."""
        await asyncio.to_thread(self._put_file, self._path(key), path)

    async def stat(self, key: str) -> Blob:
        """See Blobs."""
        path = self._path(key)
        return await asyncio.to_thread(_stat, key, path)

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """See Blobs."""
        file = await asyncio.to_thread(_open, key, self._path(key))
        with file:
            size = os.fstat(file.fileno()).st_size
            at, end = start, size if end is None else min(end, size)
            while at < end:
                data = await asyncio.to_thread(os.pread, file.fileno(), min(CHUNK_BYTES, end - at), at)
                if not data:
                    return
                at += len(data)
                yield data

    async def get_all(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """See Blobs."""
        return await asyncio.to_thread(_get_all, {key: self._path(key) for key in keys})

    async def delete(self, key: str) -> None:
        """See Blobs."""
        path = self._path(key)
        await asyncio.to_thread(path.unlink, missing_ok=True)

    async def list(self, prefix: str) -> Sequence[Blob]:
        """See Blobs."""
        folder = self._root.joinpath(*_parts(prefix.removesuffix("/")))
        return await asyncio.to_thread(self._list, folder)

    def _path(self, key: str) -> Path:
        return self._root / checked(key)

    def _put(self, target: Path, data: bytes) -> None:
        with _room(), self._temporary() as (file, path):
            file.write(data)
            file.flush()
            self._move(path, target)

    def _put_all(self, blobs: Mapping[Path, bytes]) -> None:
        folders: set[Path] = set()
        with _room(), contextlib.ExitStack() as open_files:
            written: list[tuple[int, Path, Path]] = []
            for target, data in blobs.items():
                file, path = open_files.enter_context(self._temporary())
                file.write(data)
                file.flush()
                # On Linux this begins to write what is dirty, and waits for nothing.
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                written.append((file.fileno(), path, target))
            descriptors = [descriptor for descriptor, _, _ in written]
            with ThreadPoolExecutor(SYNCS) as pool:
                list(pool.map(_sync_each, [descriptors[at::SYNCS] for at in range(SYNCS)]))
            for folder in {target.parent for target in blobs}:
                folders.update(_make(folder))
            for _, path, target in written:
                path.replace(target)
        for folder in folders:
            _sync(folder, os.O_RDONLY | os.O_DIRECTORY)

    def _put_new(self, target: Path, data: bytes) -> bool:
        with _room(), self._temporary() as (file, path):
            file.write(data)
            file.flush()
            _sync(path, os.O_RDONLY)
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                os.link(path, target)
            except FileExistsError:
                return False
            _sync(target.parent, os.O_RDONLY | os.O_DIRECTORY)
            return True

    def _put_file(self, target: Path, path: Path) -> None:
        with _room():
            try:
                self._move(path, target)
                return
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
            with self._temporary() as (file, copy), path.open("rb") as source:
                shutil.copyfileobj(source, file, CHUNK_BYTES)
                file.flush()
                self._move(copy, target)
            path.unlink()

    @contextlib.contextmanager
    def _temporary(self) -> Iterator[tuple[BinaryIO, Path]]:
        descriptor, name = tempfile.mkstemp(dir=self._new)
        path = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file, path
        finally:
            path.unlink(missing_ok=True)

    def _move(self, path: Path, target: Path) -> None:
        _sync(path, os.O_RDONLY)
        for folder in _rename(path, target):
            _sync(folder, os.O_RDONLY | os.O_DIRECTORY)

    def _list(self, folder: Path) -> Sequence[Blob]:
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        return [_stat(path.relative_to(self._root).as_posix(), path) for path in paths]


def checked(key: str) -> str:
    """The key, if a blob may have it. Raises KeyInvalid."""
    if len(_parts(key)) < 2:
        raise KeyInvalid("A blob's key has the tenant's id and a name.")
    return key


def _parts(key: str) -> Sequence[str]:
    parts = key.split("/")
    if len(key) > MAX_KEY or not all(_PART.fullmatch(part) for part in parts):
        raise KeyInvalid("A blob's key is parts of letters, digits, '_', '-' and '.', with '/' between.")
    return parts


def _stat(key: str, path: Path) -> Blob:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise BlobNotFound("There is no such blob.", key=key) from None
    return Blob(key, found.st_size, found.st_mtime_ns // 1_000_000)


def _open(key: str, path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise BlobNotFound("There is no such blob.", key=key) from None


def _rename(path: Path, target: Path) -> Sequence[Path]:
    """Moves a file that is on the disk; gives the folders that are yet to be synced."""
    changed = _make(target.parent)
    path.replace(target)
    return changed


def _make(folder: Path) -> Sequence[Path]:
    """Makes a folder in which a file is to be; gives those that change by that."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return (folder, *(each.parent for each in missing))


def _get_all(paths: Mapping[str, Path]) -> Mapping[str, bytes]:
    found: dict[str, bytes] = {}
    for key, path in paths.items():
        try:
            found[key] = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            continue
        except OSError as error:
            log.error("blob_not_read", extra={"key": key, "error": str(error)})
    return found


def _sync_each(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.fsync(descriptor)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise BlobsFull("There is no room left for files.") from error
        raise
