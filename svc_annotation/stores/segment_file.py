"""Segment files in a folder: names, creation, scanning, reading of one partition, index files. Blocking."""

import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from svc_annotation.core.segment import (
    SEGMENT_MAGIC,
    Boundary,
    Record,
    RecordScanner,
    decode_boundary,
    salt_seed,
)
from svc_annotation.core.segment_index import SealedIndex, SegmentIndex, decode_sealed_index
from svc_annotation.stores.log import PARTITIONS, LogEntry

HEADER_BYTES: Final = Boundary.encoded_size(PARTITIONS)
Sync = Callable[[int], None]
"""Makes the written bytes of a file descriptor durable, or raises OSError."""

_WINDOW_BYTES: Final = 256 * 1024
_NAME: Final = re.compile(r"(\d{10})-([0-9a-f]{16})\.segment")


@dataclass(slots=True)
class Segment:
    """One file of the log. Its salt is in the name too, so that a damaged header costs no record."""

    path: Path
    number: int
    salt: int
    base: Boundary | None
    """Where the log stood when the file was made; None if the header is damaged."""
    size_bytes: int = HEADER_BYTES
    """Bytes that count: durable, and not written again in a later segment."""
    index: SegmentIndex = field(default_factory=SegmentIndex)
    damaged: bool = False
    """Records of it are known to be lost; it gets no index file, so each start looks at it anew."""

    @property
    def seed(self) -> int:
        """What its records' checksums start from."""
        return salt_seed(self.salt)


class Chunk(NamedTuple):
    """What one read of a partition gave."""

    entries: list[LogEntry]
    next_position: int
    lost: bool
    """The record after the last entry should be in this segment, and is not."""


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """A file descriptor for reading."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def list_segments(folder: Path) -> list[Segment]:
    """All segment files, oldest first, with their headers read and nothing else."""
    found = []
    for path in folder.iterdir():
        match = _NAME.fullmatch(path.name)
        if match:
            with opened(path) as descriptor:
                base = decode_boundary(os.pread(descriptor, HEADER_BYTES, 0), SEGMENT_MAGIC)
            number, salt = int(match[1]), int(match[2], 16)
            matches = base is not None and (base.number, base.salt, len(base.ends)) == (number, salt, PARTITIONS)
            found.append(Segment(path, number, salt, base if matches else None))
    return sorted(found, key=lambda segment: segment.number)


def sync_folder(folder: Path) -> None:
    """Makes created and renamed files of the folder durable."""
    with opened(folder) as descriptor:
        os.fsync(descriptor)


def write_all(descriptor: int, data: bytes, position: int) -> None:
    """Writes everything at the position, however many calls that takes."""
    written = os.pwrite(descriptor, data, position)
    while written < len(data):
        written += os.pwrite(descriptor, data[written:], position + written)


def create_segment(folder: Path, number: int, sequence: int, ends: tuple[int, ...], sync: Sync) -> tuple[Segment, int]:
    """Makes the next file, durable with its name, and returns it with a descriptor for writing."""
    base = Boundary(number, secrets.randbits(64), sequence, ends)
    path = folder / f"{number:010d}-{base.salt:016x}.segment"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
    try:
        write_all(descriptor, base.encode(SEGMENT_MAGIC), 0)
        sync(descriptor)
        sync_folder(folder)
    except BaseException:
        os.close(descriptor)
        path.unlink()
        raise
    return Segment(path, number, base.salt, base), descriptor


def scan(
    segment: Segment, end_bytes: int, start_bytes: int = HEADER_BYTES, only: int | None = None
) -> Iterator[Record]:
    """The good records between two positions of the file."""
    scanner = RecordScanner(segment.seed, start_bytes, only)
    position = start_bytes
    with opened(segment.path) as descriptor:
        while data := os.pread(descriptor, max(min(_WINDOW_BYTES, end_bytes - position), 0), position):
            position += len(data)
            yield from scanner.feed(data)
    yield from scanner.finish()


class Span(NamedTuple):
    """What to read of a partition: offsets from `first` up to, not with, `end`, and how much at most."""

    partition: int
    first: int
    end: int
    limit_bytes: int
    limit_count: int


def read_chunk(segment: Segment, start_bytes: int, end_bytes: int, span: Span) -> Chunk:
    """Records of one partition in order; stops before the first that is missing."""
    entries: list[LogEntry] = []
    offset, size_bytes, position = span.first, 0, start_bytes
    for record in scan(segment, end_bytes, start_bytes, span.partition):
        if record.offset < offset:
            continue
        size_bytes += len(record.payload)
        if record.offset > offset or (entries and size_bytes > span.limit_bytes):
            return Chunk(entries, position, record.offset > offset)
        entries.append(LogEntry(offset, record.payload))
        offset, position = offset + 1, record.next_position
        if offset >= span.end or len(entries) >= span.limit_count:
            break
    return Chunk(entries, position, lost=not entries)


def _index_path(segment: Segment) -> Path:
    return segment.path.with_suffix(".index")


def write_index(segment: Segment, end_sequence: int) -> None:
    """Puts the index beside a segment that is sealed; whole or not at all."""
    path = _index_path(segment)
    temporary = path.with_suffix(".index.new")
    try:
        temporary.write_bytes(SealedIndex(segment.salt, segment.size_bytes, end_sequence, segment.index).encode())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_index(segment: Segment, end_sequence: int) -> SealedIndex | None:
    """The index beside the segment, or None if there is none that fits it."""
    try:
        sealed = decode_sealed_index(_index_path(segment).read_bytes())
    except FileNotFoundError:
        return None
    if sealed is None or (sealed.salt, sealed.end_sequence) != (segment.salt, end_sequence):
        return None
    return sealed if segment.path.stat().st_size >= sealed.size_bytes else None


def drop_index(segment: Segment) -> None:
    """Makes the next start look at every record of the segment."""
    _index_path(segment).unlink(missing_ok=True)
