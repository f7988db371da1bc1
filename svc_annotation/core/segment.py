"""The bytes of a segment file: a header, then records of all partitions in the order of their commit.

Integers are little-endian. A record is 40 bytes of header and its payload::

    magic 4 | header CRC32C 4 | payload CRC32C 4 | length 4 | sequence 8 | offset 8 | into_batch 4 | partition 2 | 0 2

- `sequence` counts the records of the whole log, `offset` those of the partition: a gap in the first says that
  something is missing, a gap in the second says whose it was.
- The header CRC starts from the segment's random salt, so a payload that holds the bytes of a record is never
  taken for one when the reader looks for the next good record behind damage.
- `into_batch` is the record's place in the group that became durable by one sync. A group is written only after
  the one before it is durable; so bad bytes before the start of a good record's batch were once durable (damage),
  while inside the last group they may be a write that a power cut left half done.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import google_crc32c

RECORD_MAGIC: Final = b"\xf5RL\x1e"  # \xf5 is in no UTF-8 text, so a search for it rarely stops in vain
RECORD_BYTES: Final = 40
MAX_RECORD_PAYLOAD_BYTES: Final = 8 * 1024 * 1024
SEGMENT_MAGIC: Final = b"RUSHLOG1"
MARK_MAGIC: Final = b"RUSHMRK1"

_RECORD_BODY = struct.Struct("<IIQQIHH")
_PREFIX = struct.Struct("<4sI")
_BOUNDARY = struct.Struct("<8sQQQI")
_CRC = struct.Struct("<I")
_MAX_PARTITIONS: Final = 4096


def crc32c(data: bytes, start: int = 0) -> int:
    """CRC32C of `data`, going on from the checksum `start`."""
    checksum: int = google_crc32c.extend(start, data)
    return checksum


def salt_seed(salt: int) -> int:
    """What the header CRC of every record of a segment starts from."""
    return crc32c(salt.to_bytes(8, "little"))


class Record(NamedTuple):
    """A record that was read whole. `position` is where its header starts in the file."""

    partition: int
    offset: int
    sequence: int
    batch: int
    """Sequence of the first record that became durable by the same sync."""
    position: int
    payload: bytes

    @property
    def next_position(self) -> int:
        """Where the record ends in the file."""
        return self.position + RECORD_BYTES + len(self.payload)


@dataclass(frozen=True, slots=True)
class Boundary:
    """A place between two records of the log, with what every partition had by then."""

    number: int
    """Number of the segment that was written to."""
    salt: int
    sequence: int
    """Sequence of the next record."""
    ends: tuple[int, ...]
    """The next offset of each partition."""

    def encode(self, magic: bytes) -> bytes:
        """The header of a segment, or the mark of what is durable, told apart by `magic`."""
        head = _BOUNDARY.pack(magic, self.number, self.salt, self.sequence, len(self.ends))
        body = head + struct.pack(f"<{len(self.ends)}Q", *self.ends)
        return body + _CRC.pack(crc32c(body))

    @staticmethod
    def encoded_size(partitions: int) -> int:
        """Bytes that `encode` gives for so many partitions."""
        return _BOUNDARY.size + 8 * partitions + _CRC.size


def decode_boundary(data: bytes, magic: bytes) -> Boundary | None:
    """The boundary at the start of `data`, or None when it is not whole."""
    if len(data) < _BOUNDARY.size:
        return None
    found, number, salt, sequence, partitions = _BOUNDARY.unpack_from(data)
    if found != magic or not 0 < partitions <= _MAX_PARTITIONS:
        return None
    size = Boundary.encoded_size(partitions)
    if len(data) < size or _CRC.unpack_from(data, size - 4)[0] != crc32c(data[: size - 4]):
        return None
    return Boundary(number, salt, sequence, struct.unpack_from(f"<{partitions}Q", data, _BOUNDARY.size))


class EncodedBatch(NamedTuple):
    """Bytes of a batch, and what they hold."""

    data: bytes
    sequence: int
    ends: list[int]


def encode_batch(seed: int, sequence: int, ends: Sequence[int], payloads: Sequence[tuple[int, bytes]]) -> EncodedBatch:
    """Gives each (partition, payload) its offset and makes the bytes that one write and one sync make durable."""
    next_offsets = list(ends)
    pieces: list[bytes] = []
    checksum, pack_body, pack_prefix = google_crc32c.extend, _RECORD_BODY.pack, _PREFIX.pack
    for into_batch, (partition, payload) in enumerate(payloads):
        offset = next_offsets[partition]
        next_offsets[partition] = offset + 1
        size = len(payload)
        body = pack_body(checksum(0, payload), size, sequence + into_batch, offset, into_batch, partition, 0)
        pieces += (pack_prefix(RECORD_MAGIC, checksum(seed, body)), body, payload)
    return EncodedBatch(b"".join(pieces), sequence + len(payloads), next_offsets)


class RecordScanner:
    """Finds the good records in the bytes of a segment, fed in pieces; whatever lies between them is passed over.

    With `only`, payloads of other partitions are neither checked nor returned, which makes reading one cheap.
    Never returns a record that was not written into this segment: see the module's docstring.
    """

    def __init__(self, seed: int, position: int, only: int | None = None) -> None:
        self._seed = seed
        self._only = only
        self._base = position
        self._buffer = b""
        self._at = 0

    @property
    def position(self) -> int:
        """Where the next record is looked for."""
        return self._base + self._at

    def feed(self, data: bytes) -> list[Record]:
        """Takes the next bytes of the file and returns the records that are complete."""
        self._base += self._at
        self._buffer = self._buffer[self._at :] + data
        self._at = 0
        return self._take(final=False)

    def finish(self) -> list[Record]:
        """Says that there are no more bytes, and returns the records that hide behind one that is cut off."""
        return self._take(final=True)

    def _take(self, *, final: bool) -> list[Record]:
        found: list[Record] = []
        buffer = self._buffer
        while True:
            if not buffer.startswith(RECORD_MAGIC, self._at):
                self._seek_magic(final=final)
            if len(buffer) - self._at < RECORD_BYTES:
                return found
            header = self._header()
            if header is None:
                self._at += 1
            elif len(buffer) - self._at < RECORD_BYTES + header[1]:
                if not final:
                    return found
                self._at += 1
            else:
                self._record(header, found)

    def _seek_magic(self, *, final: bool) -> None:
        """Moves to the next magic; if there is none, to the bytes that may be the start of one."""
        at = self._buffer.find(RECORD_MAGIC, self._at)
        if at >= 0:
            self._at = at
        elif final:
            self._at = len(self._buffer)
        else:
            self._at = max(self._at, len(self._buffer) - len(RECORD_MAGIC) + 1)

    def _header(self) -> tuple[int, int, int, int, int, int] | None:
        body = self._buffer[self._at + _PREFIX.size : self._at + RECORD_BYTES]
        if _CRC.unpack_from(self._buffer, self._at + 4)[0] != crc32c(body, self._seed):
            return None
        payload_crc, size, sequence, offset, into_batch, partition, zero = _RECORD_BODY.unpack(body)
        if zero or size > MAX_RECORD_PAYLOAD_BYTES or into_batch > sequence:
            return None
        return payload_crc, size, sequence, offset, into_batch, partition

    def _record(self, header: tuple[int, int, int, int, int, int], found: list[Record]) -> None:
        payload_crc, size, sequence, offset, into_batch, partition = header
        start = self._at + RECORD_BYTES
        if self._only is not None and partition != self._only:
            self._at = start + size
            return
        payload = self._buffer[start : start + size]
        if crc32c(payload) != payload_crc:
            self._at += 1
            return
        found.append(Record(partition, offset, sequence, sequence - into_batch, self.position, payload))
        self._at = start + size
