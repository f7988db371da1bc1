"""The uncompressed header of a VP9 frame (VP9 bitstream specification, 6.2), and frames that are not shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from svc_signaling.core.bits import Bits

Size: TypeAlias = tuple[int, int]
SLOTS: Final = 8
"""Frames that later ones may be predicted from."""
MAX_BYTES: Final = 256
"""No header is longer."""
_SYNC: Final = 0x498342
_RGB: Final = 7
_ALL: Final = (1 << SLOTS) - 1
_FEATURES: Final = ((8, 1), (6, 1), (2, 0), (0, 0))
"""Of a segment: bits of each value, and of its sign."""
_WIDEST_TILE, _NARROWEST_TILE = 64, 4
"""In blocks of 64 pixels."""


@dataclass(frozen=True, slots=True)
class Header:
    """See the module."""

    key: bool
    shown: bool
    shown_at: int
    """The bit that says it."""
    size: Size
    refreshes: int
    """A bit for each slot that the frame is put into, the first the lowest."""
    bits: int
    """It ends behind so many."""


def read(frame: bytes, slots: Sequence[Size]) -> Header | None:
    """Reads it; `slots` are the sizes of the frames before. None: it is none, or of a frame that was there before."""
    bits = Bits(frame[:MAX_BYTES])
    if bits.number(2) != 2:
        return None
    profile = bits.bit() | bits.bit() << 1
    if (profile == 3 and bits.bit()) or bits.bit():
        return None
    key, shown_at = not bits.bit(), bits.at
    shown, resilient = bool(bits.bit()), bool(bits.bit())
    if key:
        refreshes, size = _ALL, _key_size(bits, profile)
    else:
        refreshes, size = _other_size(bits, profile, shown, resilient, slots)
    if size == (0, 0):
        return None
    bits.number(2 if resilient else 4)
    _skip_filter(bits)
    _skip_quantizer(bits)
    _skip_segments(bits)
    _skip_tiles(bits, size[0])
    bits.number(16)
    return Header(key, shown, shown_at, size, refreshes, bits.at) if bits.at <= 8 * len(frame) else None


def hidden(frame: bytes, header: Header) -> bytes:
    """The frame so that it is decoded and not shown."""
    if not header.shown:
        return frame
    end = (header.bits + 7) // 8
    told = int.from_bytes(frame[:end], "big") >> 8 * end - header.bits
    told &= ~(1 << header.bits - 1 - header.shown_at)
    count = header.bits
    if not header.key:
        # One that is not shown may be predicted from nothing, and says with one more bit that it is not.
        below = header.bits - header.shown_at - 2
        told = told >> below << below + 1 | told & (1 << below) - 1
        count += 1
    own_end = (count + 7) // 8
    return (told << 8 * own_end - count).to_bytes(own_end, "big") + frame[end:]


def _size(bits: Bits) -> Size:
    return bits.number(16) + 1, bits.number(16) + 1


def _skip_shown_size(bits: Bits) -> None:
    if bits.bit():
        bits.number(32)


def _key_size(bits: Bits, profile: int) -> Size:
    if bits.number(24) != _SYNC:
        return 0, 0
    _skip_color(bits, profile)
    size = _size(bits)
    _skip_shown_size(bits)
    return size


def _skip_color(bits: Bits, profile: int) -> None:
    if profile >= 2:
        bits.bit()
    if bits.number(3) != _RGB:
        bits.bit()
        if profile in (1, 3):
            bits.number(3)
    elif profile in (1, 3):
        bits.bit()


def _other_size(bits: Bits, profile: int, shown: bool, resilient: bool, slots: Sequence[Size]) -> tuple[int, Size]:
    """Of one that is no keyframe: the slots that it is put into, and its size."""
    alone = not shown and bool(bits.bit())
    if not resilient:
        bits.number(2)
    if alone:
        if bits.number(24) != _SYNC:
            return 0, (0, 0)
        if profile > 0:
            _skip_color(bits, profile)
        refreshes, size = bits.number(SLOTS), _size(bits)
        _skip_shown_size(bits)
        return refreshes, size
    refreshes = bits.number(SLOTS)
    needs = [bits.number(4) >> 1 for _ in range(3)]
    alike = next((slots[need] for need in needs if bits.bit()), None)
    size = _size(bits) if alike is None else alike
    _skip_shown_size(bits)
    bits.bit()
    if not bits.bit():
        bits.number(2)
    return refreshes, size


def _skip_filter(bits: Bits) -> None:
    bits.number(9)
    if bits.bit() and bits.bit():
        for _ in range(6):
            if bits.bit():
                bits.number(7)


def _skip_quantizer(bits: Bits) -> None:
    bits.number(8)
    for _ in range(3):
        if bits.bit():
            bits.number(5)


def _skip_segments(bits: Bits) -> None:
    if not bits.bit():
        return
    if bits.bit():
        _skip_chances(bits, 7)
        if bits.bit():
            _skip_chances(bits, 3)
    if bits.bit():
        bits.bit()
        for _ in range(8):
            for width, sign in _FEATURES:
                if bits.bit():
                    bits.number(width + sign)


def _skip_chances(bits: Bits, count: int) -> None:
    for _ in range(count):
        if bits.bit():
            bits.number(8)


def _skip_tiles(bits: Bits, width: int) -> None:
    across = (width + 63) // 64
    tiles = 0
    while _WIDEST_TILE << tiles < across:
        tiles += 1
    while across >> tiles + 1 >= _NARROWEST_TILE and bits.bit():
        tiles += 1
    if bits.bit():
        bits.bit()
