"""Bytes of uploads and contents in folders: sparse files, written in place, joined without holding two copies."""

import contextlib
import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from rushes.errors import ResourceExhausted, Unavailable

BLOCK = 4096
COPY_BYTES = 64 << 20
READ_BYTES = 4 << 20
_ZEROS = bytes(1 << 20)


class DiskFull(ResourceExhausted):
    """There is no room for more bytes."""

    reason = "DISK_FULL"


def _said(error: OSError) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull("The disk is full; what arrived is kept, and the upload goes on once there is room.")
    return Unavailable("The disk does not take the bytes right now.", error=str(error))


class Folder:
    """uploads/NAME while bytes come in; contents/TENANT/HASH/NAME afterwards."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.scratch = root / "scratch"
        for folder in (root / "uploads", root / "contents", self.scratch):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def upload(self, name: str) -> Path:
        """File of an upload."""
        return self._root / "uploads" / name

    def content(self, tenant_id: str, sha256: bytes, name: str) -> Path:
        """A file of a content."""
        digest = sha256.hex()
        return self._root / "contents" / tenant_id / digest[:2] / digest / name

    # -- uploads (called in threads) -------------------------------------------------------------------------

    def create(self, name: str, size_bytes: int) -> None:
        """Makes the file with all its length as one hole."""
        try:
            descriptor = os.open(self.upload(name), os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.ftruncate(descriptor, size_bytes)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise _said(error) from error

    def open(self, name: str) -> int:
        """A descriptor to write with."""
        return os.open(self.upload(name), os.O_WRONLY)

    def write(self, descriptor: int, at: int, data: bytes) -> None:
        """Writes at a place. Whole blocks of zeros stay holes."""
        try:
            view = memoryview(data)
            while view:
                step = min(len(view), len(_ZEROS), _to_boundary(at, len(view)))
                if step < BLOCK or view[:step] != _ZEROS[:step]:
                    written = os.pwrite(descriptor, view[:step], at)
                else:
                    written = step
                at += written
                view = view[written:]
        except OSError as error:
            raise _said(error) from error

    def wipe(self, descriptor: int, at: int, length: int) -> None:
        """Zeros over what was written, so that a hole left for zeros is one."""
        try:
            for begin in range(at, at + length, len(_ZEROS)):
                os.pwrite(descriptor, _ZEROS[: min(len(_ZEROS), at + length - begin)], begin)
        except OSError as error:
            raise _said(error) from error

    def close(self, descriptor: int) -> None:
        """Ends the writing."""
        os.close(descriptor)

    def sync(self, descriptor: int) -> None:
        """What was written survives a loss of power."""
        try:
            os.fdatasync(descriptor)
        except OSError as error:
            raise _said(error) from error

    def join(self, name: str, parts: list[tuple[str, int]]) -> None:
        """Makes one file of parts (name, length): each one's data goes behind the one before it, then it is removed.

        Begun again after a crash it goes on: a part that is gone was moved already.
        """
        total = sum(length for _, length in parts)
        try:
            self.create(name, total)
            target = os.open(self.upload(name), os.O_RDWR)
            try:
                at = 0
                for part, length in parts:
                    self._move(part, target, at, length)
                    at += length
            finally:
                os.close(target)
        except OSError as error:
            raise _said(error) from error

    def _move(self, part: str, target: int, at: int, length: int) -> None:
        path = self.upload(part)
        try:
            source = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return
        try:
            _copy_data(source, target, at, length)
            os.fdatasync(target)
        finally:
            os.close(source)
        path.unlink(missing_ok=True)

    def remove_upload(self, name: str) -> None:
        """Removes an upload's file."""
        self.upload(name).unlink(missing_ok=True)

    def digest(self, path: Path, on_progress: Callable[[float], None]) -> bytes:
        """SHA-256 of a file."""
        sha256 = hashlib.sha256()
        size = max(1, path.stat().st_size)
        done = 0
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(READ_BYTES):
                sha256.update(chunk)
                done += len(chunk)
                on_progress(done / size)
        return sha256.digest()

    def keep(self, upload: str, tenant_id: str, sha256: bytes) -> Path:
        """An upload becomes the original of its content. Done twice, or where the content is there, nothing changes."""
        target = self.content(tenant_id, sha256, "original")
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        source = self.upload(upload)
        if not target.exists():
            with contextlib.suppress(FileNotFoundError):
                os.replace(source, target)
            _sync_folder(target.parent)
        source.unlink(missing_ok=True)
        return target


def _to_boundary(at: int, longest: int) -> int:
    """Bytes to the next block boundary when not on one; else as many whole blocks as there are, or what is left."""
    if at % BLOCK:
        return BLOCK - at % BLOCK
    return longest - longest % BLOCK or longest


def _copy_data(source: int, target: int, at: int, length: int) -> None:
    """Copies what is not a hole, in the kernel."""
    place = 0
    while place < length:
        try:
            begin = os.lseek(source, place, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole is left
                return
            raise
        end = min(os.lseek(source, begin, os.SEEK_HOLE), length)
        while begin < end:
            copied = os.copy_file_range(source, target, min(COPY_BYTES, end - begin), begin, at + begin)
            if copied == 0:
                return
            begin += copied
        place = end


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
