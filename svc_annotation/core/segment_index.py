"""Where in a segment the records of a partition begin: sparse in memory, and a checksummed file once sealed."""

import struct
from array import array
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from svc_annotation.core.segment import crc32c

SPACING_BYTES: Final = 256 * 1024
"""A read scans at most about so much before it finds its first record."""

_MAGIC: Final = b"RUSHIDX1"
_HEAD = struct.Struct("<8sQQQI")
_PART = struct.Struct("<HQQI")
_CRC = struct.Struct("<I")


@dataclass(slots=True)
class PartitionIndex:
    """What one segment holds of one partition."""

    first: int
    next: int
    offsets: "array[int]" = field(default_factory=lambda: array("Q"))
    positions: "array[int]" = field(default_factory=lambda: array("Q"))


class SegmentIndex:
    """The records of a segment by partition. Records are added in the order of their position."""

    def __init__(self) -> None:
        self.partitions: dict[int, PartitionIndex] = {}

    def add(self, partition: int, offset: int, position: int, count: int = 1) -> None:
        """Notes a record, or so many in a row."""
        part = self.partitions.get(partition)
        if part is None:
            part = self.partitions[partition] = PartitionIndex(offset, offset)
        if not part.positions or position - part.positions[-1] >= SPACING_BYTES:
            part.offsets.append(offset)
            part.positions.append(position)
        part.next = offset + count

    def next_offset(self, partition: int) -> int:
        """The offset after the last one of the partition in here; 0 if it has none."""
        part = self.partitions.get(partition)
        return part.next if part else 0

    def position(self, partition: int, offset: int) -> int | None:
        """Where to start reading to meet the first record at or after `offset`; None if there is none."""
        part = self.partitions.get(partition)
        if part is None or offset >= part.next:
            return None
        return part.positions[max(bisect_right(part.offsets, offset) - 1, 0)]


@dataclass(frozen=True, slots=True)
class SealedIndex:
    """The index of a segment that is no longer written to, and what it was made for."""

    salt: int
    size_bytes: int
    """Bytes of the segment that count."""
    end_sequence: int
    index: SegmentIndex

    def encode(self) -> bytes:
        """The bytes of the file beside the segment."""
        parts = self.index.partitions
        out = [_HEAD.pack(_MAGIC, self.salt, self.size_bytes, self.end_sequence, len(parts))]
        for partition, part in parts.items():
            samples = len(part.offsets)
            out.append(_PART.pack(partition, part.first, part.next, samples))
            out.append(struct.pack(f"<{2 * samples}Q", *part.offsets, *part.positions))
        body = b"".join(out)
        return body + _CRC.pack(crc32c(body))


def decode_sealed_index(data: bytes) -> SealedIndex | None:
    """The index, or None when these are not, to the last bit, bytes that `encode` made."""
    if len(data) < _HEAD.size + _CRC.size or _CRC.unpack_from(data, len(data) - 4)[0] != crc32c(data[:-4]):
        return None
    magic, salt, size_bytes, end_sequence, count = _HEAD.unpack_from(data)
    if magic != _MAGIC:
        return None
    index = SegmentIndex()
    try:
        at = _decode_parts(data, count, index.partitions)
    except struct.error:
        return None
    return SealedIndex(salt, size_bytes, end_sequence, index) if at == len(data) - _CRC.size else None


def _decode_parts(data: bytes, count: int, partitions: dict[int, PartitionIndex]) -> int:
    at = _HEAD.size
    for _ in range(count):
        partition, first, following, samples = _PART.unpack_from(data, at)
        at += _PART.size
        values: Iterable[int] = struct.unpack_from(f"<{2 * samples}Q", data, at)
        at += 16 * samples
        both = array("Q", values)
        partitions[partition] = PartitionIndex(first, following, both[:samples], both[samples:])
    return at
