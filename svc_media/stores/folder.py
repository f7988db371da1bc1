"""Bytes of uploads and contents in folders: sparse files, written in place, joined without holding two copies.

Everything here blocks: it is called in threads.
"""

import errno
import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from rushes.errors import Conflict, NotFound, ResourceExhausted, Unavailable

log = logging.getLogger(__name__)

BLOCK = 4096
COPY_BYTES = 64 << 20
READ_BYTES = 1 << 20
STEP_BYTES = 256 << 10
"""Zeros are looked for in pieces of this size."""
MOVED = ".moved"
"""Behind the name of a file that pieces are joined into: the list of those whose bytes are safe in it."""
_ZEROS = bytes(STEP_BYTES)
_NO_COPY_IN_KERNEL = frozenset((errno.ENOSYS, errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP))


class DiskFull(ResourceExhausted):
    """There is no room for more bytes."""

    reason = "DISK_FULL"


class PartLost(Conflict):
    """Bytes of an upload that were acknowledged are no longer on the disk; they are asked for again."""

    reason = "PART_LOST"

    def __init__(self, message: str, files: Collection[str] = (), **metadata: str) -> None:
        super().__init__(message, **metadata)
        self.files = tuple(files)
        """Files of uploads whose bytes are gone."""


def _disk_full() -> DiskFull:
    return DiskFull("The disk is full; what arrived is kept, and the upload goes on once there is room.")


def lost(parts: Collection[str], files: Collection[str]) -> PartLost:
    """The error that names parts, whose bytes were in these files."""
    named = ", ".join(sorted(parts))
    return PartLost(f"Bytes that had arrived are no longer on the disk; send these parts again: {named}.", files)


def _said(error: OSError) -> Exception:
    if isinstance(error, FileNotFoundError):
        return NotFound("The bytes of this upload are gone; begin again.")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _disk_full()
    return Unavailable("The disk does not take the bytes right now.", error=error.strerror or "")


@dataclass(frozen=True, slots=True)
class Piece:
    """Where the bytes of a part are. A shared file holds those of others too."""

    file: str
    begin: int
    length: int
    shared: bool


class Folder:
    """uploads/NAME while bytes come in; contents/TENANT/HASH/NAME afterwards."""

    def __init__(self, root: Path, reserve_bytes: int = 0) -> None:
        self._root = root
        self._reserve_bytes = reserve_bytes
        self.contents = root / "contents"
        self.scratch = root / "scratch"
        self.exports = root / "exports"
        self.locks = root / "locks"
        for folder in (root / "uploads", self.contents, self.exports, self.scratch):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def upload(self, name: str) -> Path:
        """File of an upload."""
        return self._root / "uploads" / name

    def content(self, tenant_id: str, sha256: bytes, name: str) -> Path:
        """A file of a content."""
        digest = sha256.hex()
        return self.contents / tenant_id / digest[:2] / digest / name

    def has_any(self, contents: Collection[tuple[str, bytes]]) -> bool:
        """Whether anything of these is here: of each the tenant and the hash."""
        return any(self.content(*each, "original").parent.is_dir() for each in contents)

    def tidy(self, used: Collection[str]) -> None:
        """Removes what a process that was killed left behind: files of no upload, and what workers were at."""
        for path in (self._root / "uploads").iterdir():
            if path.name.removesuffix(MOVED) not in used:
                log.info("orphan_removed", extra={"file": path.name})
                path.unlink(missing_ok=True)
        for path in self.scratch.iterdir():
            shutil.rmtree(path, ignore_errors=True)

    # -- uploads ---------------------------------------------------------------------------------------------

    def create(self, name: str, size_bytes: int) -> None:
        """Makes the file with all its length as one hole; one that is there stays as it is."""
        try:
            descriptor = os.open(self.upload(name), os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                if os.fstat(descriptor).st_size != size_bytes:
                    os.ftruncate(descriptor, size_bytes)
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
            _sync_folder(self._root / "uploads")
        except OSError as error:
            raise _said(error) from error

    def open(self, name: str) -> int:
        """A descriptor to write with. Raises NotFound."""
        try:
            return os.open(self.upload(name), os.O_RDWR)
        except OSError as error:
            raise _said(error) from error

    def write(self, descriptor: int, at: int, data: memoryview) -> None:
        """Writes at a place. Whole blocks of zeros stay holes where there are such. Raises DiskFull before the end.

        The reserve is left alone: the disk may be the one that notes and the store itself are kept on.
        """
        if self._reserve_bytes:
            room = os.fstatvfs(descriptor)
            if room.f_bavail * room.f_frsize < self._reserve_bytes + len(data):
                raise _disk_full()
        try:
            begin = 0
            while begin < len(data):
                step = _step(at + begin, len(data) - begin)
                if _is_zeros(data, begin, step):
                    _clear(descriptor, at + begin, step)
                else:
                    _put(descriptor, data[begin : begin + step], at + begin)
                begin += step
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

    def join(self, name: str, pieces: Sequence[Piece]) -> None:
        """Makes one file of pieces, one behind the other; a file of its own is removed once its bytes are safe here.

        Begun again after a crash it goes on: which pieces were moved is written down before their files are removed.
        Raises PartLost for pieces whose bytes are in neither place; those that are there stay where they are.
        """
        try:
            moved = self._moved(name, pieces)
            self._check_there(pieces, moved)
            self.create(name, sum(piece.length for piece in pieces))
            target = os.open(self.upload(name), os.O_RDWR)
            try:
                at = 0
                for piece in pieces:
                    if piece.file not in moved:
                        self._move(piece, name, target, at)
                    at += piece.length
            finally:
                os.close(target)
            for file in moved:  # noted, but not removed before the crash
                self.upload(file).unlink(missing_ok=True)
            _sync_folder(self._root / "uploads")
        except OSError as error:
            raise _said(error) from error

    def _moved(self, name: str, pieces: Sequence[Piece]) -> set[str]:
        """Files whose bytes an earlier try made safe in the whole. Raises PartLost when the whole itself is gone."""
        noted = self.upload(name + MOVED)
        moved = set(noted.read_text().split()) if noted.exists() else set()
        if self.upload(name).exists():
            return moved
        noted.unlink(missing_ok=True)
        self._check_there(pieces, ())
        return set()

    def _check_there(self, pieces: Sequence[Piece], moved: Collection[str]) -> None:
        gone = {piece.file for piece in pieces if piece.file not in moved and not self.upload(piece.file).exists()}
        if gone:
            raise lost(gone, gone)

    def _move(self, piece: Piece, name: str, target: int, at: int) -> None:
        path = self.upload(piece.file)
        source = os.open(path, os.O_RDONLY)
        try:
            if os.fstat(source).st_size < piece.begin + piece.length:
                raise lost((piece.file,), (piece.file,))
            _copy_data(source, piece.begin, target, at, piece.length)
            os.fdatasync(target)
        finally:
            os.close(source)
        if not piece.shared:
            self._note_moved(name, piece.file)
            path.unlink(missing_ok=True)

    def _note_moved(self, name: str, file: str) -> None:
        descriptor = os.open(self.upload(name + MOVED), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, f"{file}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        _sync_folder(self._root / "uploads")

    def remove_upload(self, name: str) -> None:
        """Removes an upload's file."""
        for path in (self.upload(name), self.upload(name + MOVED)):
            path.unlink(missing_ok=True)

    def has_upload(self, name: str) -> bool:
        """Whether the file of an upload is there."""
        return self.upload(name).exists()

    # -- contents --------------------------------------------------------------------------------------------

    def digest(self, path: Path, on_progress: Callable[[float], None]) -> bytes:
        """SHA-256 of a file. Raises NotFound, and what `on_progress` raises to stop it."""
        sha256 = hashlib.sha256()
        done = 0
        try:
            with path.open("rb", buffering=0) as file:
                size = max(1, os.fstat(file.fileno()).st_size)
                buffer = memoryview(bytearray(READ_BYTES))
                while count := file.readinto(buffer):
                    sha256.update(buffer[:count])
                    done += count
                    on_progress(done / size)
        except FileNotFoundError as error:
            raise NotFound("The uploaded file is gone; upload it again.") from error
        return sha256.digest()

    def keep(self, upload: str, tenant_id: str, sha256: bytes) -> Path:
        """An upload becomes the original of its content, durably. Raises NotFound when neither is there.

        Done twice, or where the content is there, nothing changes. `upload` may be empty: it was kept already.
        """
        target = self.content(tenant_id, sha256, "original")
        source = self.upload(upload) if upload else None
        if source is not None and not target.exists():
            _make_folders(target.parent, self._root)
            try:
                os.replace(source, target)
            except FileNotFoundError as error:
                raise NotFound("The uploaded file is gone; upload it again.") from error
            _sync_folder(target.parent)
        elif not target.exists():
            raise NotFound("The uploaded file is gone; upload it again.")
        if source is not None:
            self.remove_upload(upload)
        return target

    # -- exports ---------------------------------------------------------------------------------------------

    def write_source(self, source: str, text: str) -> None:
        """Keeps what an export is written of, durably. Raises DiskFull."""
        try:
            path = self.exports / f"{source}.json"
            path.write_text(text)
            path.chmod(0o600)
            self.secure(path)
        except OSError as error:
            raise _said(error) from error

    def drop_export(self, source: str, *, notes_only: bool = False) -> None:
        """Removes the files of an export, or the notes alone that it was written of."""
        (self.exports / f"{source}.json").unlink(missing_ok=True)
        if not notes_only:
            (self.exports / source).unlink(missing_ok=True)

    def tidy_exports(self, used: Collection[str]) -> None:
        """Removes files of no export."""
        for path in self.exports.iterdir():
            if path.name.removesuffix(".json") not in used:
                path.unlink(missing_ok=True)

    def secure(self, path: Path) -> None:
        """A file that was made survives a loss of power."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        _sync_folder(path.parent)


def _step(at: int, longest: int) -> int:
    """Bytes to the next block boundary when not on one; else as many whole blocks as there are, or what is left."""
    if at % BLOCK:
        return min(longest, BLOCK - at % BLOCK)
    longest = min(longest, len(_ZEROS))
    return longest - longest % BLOCK or longest


def _is_zeros(data: memoryview, begin: int, length: int) -> bool:
    """Whether whole blocks are all zeros; anything shorter counts as data."""
    if length < BLOCK or data[begin] or data[begin + length - 1]:
        return False
    return data[begin : begin + length].tobytes() == (_ZEROS if length == len(_ZEROS) else _ZEROS[:length])


def _clear(descriptor: int, at: int, length: int) -> None:
    """Makes zeros of what was ever written there: refused bytes, or such that a crash cut off. Holes stay holes."""
    end = at + length
    while at < end:
        try:
            at = os.lseek(descriptor, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole is left
                return
            raise
        if at < end:
            until = min(os.lseek(descriptor, at, os.SEEK_HOLE), end)
            _put(descriptor, memoryview(_ZEROS)[: until - at], at)
            at = until


def _put(descriptor: int, data: memoryview, at: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, at)
        data = data[written:]
        at += written


def _copy_data(source: int, begin: int, target: int, at: int, length: int) -> None:
    """Copies what is not a hole, in the kernel where that can."""
    end = begin + length
    place = begin
    while place < end:
        try:
            place = os.lseek(source, place, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole is left
                return
            raise
        until = min(os.lseek(source, place, os.SEEK_HOLE), end)
        while place < until:
            copied = _copy(source, target, min(COPY_BYTES, until - place), place, at + place - begin)
            if copied == 0:
                raise Unavailable("A part is shorter than it was.")
            place += copied


def _copy(source: int, target: int, length: int, begin: int, at: int) -> int:
    try:
        return os.copy_file_range(source, target, length, begin, at)
    except OSError as error:
        if error.errno not in _NO_COPY_IN_KERNEL:
            raise
    return os.pwrite(target, os.pread(source, min(length, READ_BYTES), begin), at)


def _make_folders(path: Path, root: Path) -> None:
    """Makes folders below the root so that a loss of power does not take them away with what is put into them."""
    if path == root or path.exists():
        return
    _make_folders(path.parent, root)
    path.mkdir(exist_ok=True, mode=0o700)
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
