"""Pieces of protobuf's wire format, so that what many viewers receive is encoded once and then only put together.

Messages are concatenations of fields: the bytes of an encoded commit, state or person go into every message that holds
it as they are. Tests compare with what the generated classes write.
"""

from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Final

LENGTH: Final = 2
VARINT: Final = 0
PART_BYTES: Final = 1024 * 1024 - 64


_SMALL: Final = (
    *(bytes((value,)) for value in range(0x80)),
    *(bytes((value & 0x7F | 0x80, value >> 7)) for value in range(0x80, 0x800)),
)
"""Lengths are nearly all of these."""


def varint(value: int) -> bytes:
    """A number >= 0, 7 bits a byte."""
    if 0 <= value < 0x800:
        return _SMALL[value]
    if value < 0x4000:
        return bytes((value & 0x7F | 0x80, value >> 7))
    if value < 0x200000:
        return bytes((value & 0x7F | 0x80, value >> 7 & 0x7F | 0x80, value >> 14))
    out = bytearray()
    while value > 0x7F:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


@cache
def tag(number: int, kind: int) -> bytes:
    """What begins a field. There are few, and they are asked for again and again."""
    return varint(number << 3 | kind)


def number_field(number: int, value: int) -> bytes:
    """A numeric field; nothing for 0, as in proto3."""
    return tag(number, VARINT) + varint(value) if value else b""


same_number_field = lru_cache(maxsize=256)(number_field)
"""The same for a number that is asked for many times in a row, such as the time."""


def set_number_field(number: int, value: int) -> bytes:
    """A numeric member of a oneof: written though it is 0."""
    return tag(number, VARINT) + varint(value)


def field(number: int, payload: bytes) -> bytes:
    """A message, string or bytes field."""
    return tag(number, LENGTH) + varint(len(payload)) + payload


def delimited(payload: bytes) -> bytes:
    """A message with its length before it: a field without its tag, so that it fits into any."""
    return varint(len(payload)) + payload


def repeated_delimited(number: int, payloads: Iterable[bytes]) -> bytes:
    """A repeated message field, of what is `delimited` already."""
    return tag(number, LENGTH).join((b"", *payloads))


def repeated(number: int, payloads: Iterable[bytes]) -> bytes:
    """A repeated message field."""
    begin = tag(number, LENGTH)
    parts: list[bytes] = []
    for payload in payloads:
        parts += (begin, varint(len(payload)), payload)
    return b"".join(parts)


def cut(payloads: Iterable[bytes], limit_bytes: int = PART_BYTES) -> Iterator[list[bytes]]:
    """What is delimited, in pieces that fit; at least one piece."""
    piece: list[bytes] = []
    size_bytes = 0
    for payload in payloads:
        size_bytes += len(payload) + 1
        if piece and size_bytes > limit_bytes:
            yield piece
            piece, size_bytes = [], len(payload) + 1
        piece.append(payload)
    yield piece
