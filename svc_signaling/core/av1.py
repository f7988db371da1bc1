"""AV1 out of RTP (its RTP specification, 4), as files have it, and how large its pictures are (AV1, 5.5)."""

from collections.abc import Iterator, Sequence
from typing import Final

from svc_signaling.core.bits import Bits

_SEQUENCE, _DELIMITER, _TILE_LIST, _PADDING = 1, 2, 8, 15
_LEFT_OUT: Final = frozenset((_DELIMITER, _TILE_LIST, _PADDING))
_LAYER: Final = 0x18
"""Where a unit's second byte says of which spatial layer it is."""
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


class Layers:
    """Units of pictures as files have them: each says how long it is; what says nothing of a picture is left out."""

    def __init__(self) -> None:
        self._largest = 0
        """Of the layers that are shown, as the last sequence header says."""

    def together(self, units: Sequence[bytes]) -> bytes:
        """The units of one picture."""
        whole = [unit for unit in units if unit and len(unit) >= _head_bytes(unit)]
        kept = [unit for unit in whole if unit[0] >> 3 & 15 not in _LEFT_OUT]
        for unit in kept:
            if unit[0] >> 3 & 15 == _SEQUENCE:
                self._largest = _largest_layer(next((body for _, body in _units(_sized(unit))), b""))
        layers = [_layer(unit) for unit in kept]
        top = max(layers, default=0)
        if top < self._largest:
            # Players wait for the largest, which the camera does not send now: what is the largest here is named so.
            named = self._largest << 3
            kept = [
                unit[:1] + bytes((unit[1] & ~_LAYER | named,)) + unit[2:] if unit[0] & 0x04 and layer == top else unit
                for unit, layer in zip(kept, layers, strict=True)
            ]
        return b"".join(map(_sized, kept))


def _head_bytes(unit: bytes) -> int:
    """How long the head of a unit is, as its first byte says."""
    return 2 if unit[0] & 0x04 else 1


def _layer(unit: bytes) -> int:
    return (unit[1] & _LAYER) >> 3 if unit[0] & 0x04 else 0


def _sized(unit: bytes) -> bytes:
    """A unit that says how long it is."""
    if unit[0] & 0x02:
        return unit
    head = _head_bytes(unit)
    return bytes((unit[0] | 0x02,)) + unit[1:head] + _written(len(unit) - head) + unit[head:]


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
        _points(bits)
    across, down = bits.number(4) + 1, bits.number(4) + 1
    return bits.number(across) + 1, bits.number(down) + 1


def _largest_layer(says: bytes) -> int:
    """The largest spatial layer of what is shown, by a sequence header."""
    bits = Bits(says)
    bits.number(4)
    return 0 if bits.bit() else max(0, (_points(bits) >> 8).bit_length() - 1)


def _points(bits: Bits) -> int:
    """Timing and operating points, of which the first is shown: a bit for each of its layers."""
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
    layers = []
    for _ in range(bits.number(5) + 1):
        layers.append(bits.number(12))
        if bits.number(5) > 7:
            bits.bit()
        if model and bits.bit():
            bits.number(2 * delay_bits + 1)
        if initial_delay and bits.bit():
            bits.number(4)
    return layers[0]
