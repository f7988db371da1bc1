"""AV1 out of RTP (its RTP specification, 4), as files have it, and how large its pictures are (AV1, 5.5)."""

from collections.abc import Iterator, Sequence
from typing import Final

from svc_signaling.core.bits import Bits

_SEQUENCE, _DELIMITER, _TILE_LIST, _PADDING = 1, 2, 8, 15
_LEFT_OUT: Final = frozenset((_DELIMITER, _TILE_LIST, _PADDING))
MAX_VALUE_BYTES: Final = 5


def continues(payload: bytes) -> bool:
    """Whether the first element goes on with the last one of the packet before."""
    return bool(payload and payload[0] & 0x80)


def begins_key(payload: bytes) -> bool:
    """Whether a new sequence begins here."""
    return bool(payload) and payload[0] & 0x88 == 0x08


def elements(payload: bytes) -> list[bytes] | None:
    """Units, or pieces of them, of a packet; None: it is cut short."""
    if len(payload) < 2:
        return None
    count, at = payload[0] >> 4 & 3, 1
    found: list[bytes] = []
    while at < len(payload):
        if count and len(found) == count - 1:
            size = len(payload) - at
        else:
            read = _value(payload, at)
            if read is None:
                return None
            size, at = read
        if size > len(payload) - at:
            return None
        found.append(payload[at : at + size])
        at += size
    return found if not count or len(found) == count else None


def _value(data: bytes, at: int) -> tuple[int, int] | None:
    """A number of seven bits a byte, the lowest first, and where it ends."""
    value = 0
    for index in range(MAX_VALUE_BYTES):
        if at + index >= len(data):
            return None
        byte = data[at + index]
        value |= (byte & 0x7F) << 7 * index
        if not byte & 0x80:
            return value, at + index + 1
    return None


def _written(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def framed(units: Sequence[bytes]) -> bytes:
    """Units as files have them: each says how long it is; what says nothing of a picture is left out."""
    out = bytearray()
    for unit in units:
        if not unit or unit[0] >> 3 & 15 in _LEFT_OUT:
            continue
        if unit[0] & 0x02:
            out += unit
            continue
        head = 2 if unit[0] & 0x04 else 1
        if len(unit) < head:
            continue
        out += bytes((unit[0] | 0x02,)) + unit[1:head] + _written(len(unit) - head) + unit[head:]
    return bytes(out)


def _units(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Of a picture as files have it: each unit's kind and what it says."""
    at = 0
    while at < len(data):
        behind = at + (2 if data[at] & 0x04 else 1)
        read = _value(data, behind) if data[at] & 0x02 else None
        if read is None:
            return
        size, start = read
        yield data[at] >> 3 & 15, data[start : start + size]
        at = start + size


def picture_size(key: bytes) -> tuple[int, int]:
    """Width and height, by the sequence header; (0, 0): there is none."""
    says = next((body for kind, body in _units(key) if kind == _SEQUENCE), b"")
    if len(says) < 4:
        return 0, 0
    bits = Bits(says)
    bits.number(4)
    if bits.bit():  # reduced, as of a still picture
        bits.number(5)
    else:
        _skip_points(bits)
    across, down = bits.number(4) + 1, bits.number(4) + 1
    return bits.number(across) + 1, bits.number(down) + 1


def _skip_points(bits: Bits) -> None:
    """Timing and operating points."""
    model = delay_bits = 0
    if bits.bit():
        bits.number(64)
        if bits.bit():
            bits.golomb()
        model = bits.bit()
        if model:
            delay_bits = bits.number(5) + 1
            bits.number(42)
    initial_delay = bits.bit()
    for _ in range(bits.number(5) + 1):
        bits.number(12)
        if bits.number(5) > 7:
            bits.bit()
        if model and bits.bit():
            bits.number(2 * delay_bits + 1)
        if initial_delay and bits.bit():
            bits.number(4)
