"""How large the pictures of an H.264 stream are: its sequence parameter set (ITU-T H.264, section 7.3.2.1.1)."""

from typing import Final

from svc_signaling.core.bits import Bits

_HIGH: Final = frozenset((44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244))


def picture_size(unit: bytes) -> tuple[int, int]:
    """Width and height, of a unit that begins with its header byte; (0, 0): it says nothing sensible."""
    if len(unit) < 4 or unit[0] & 0x1F != 7:
        return 0, 0
    bits = Bits(unit[4:].replace(b"\x00\x00\x03", b"\x00\x00"))  # without emulation prevention
    bits.golomb()
    chroma = 1
    if unit[1] in _HIGH:
        chroma = bits.golomb()
        _skip_high(bits, chroma)
    bits.golomb()
    _skip_order(bits)
    bits.golomb()
    bits.bit()
    across, down = bits.golomb() + 1, bits.golomb() + 1
    fields = 2 - bits.bit()
    if fields == 2:
        bits.bit()
    bits.bit()
    left = right = top = bottom = 0
    if bits.bit():
        left, right, top, bottom = bits.golomb(), bits.golomb(), bits.golomb(), bits.golomb()
    step_x = 2 if chroma in (1, 2) else 1
    step_y = (2 if chroma == 1 else 1) * fields
    width = 16 * across - step_x * (left + right)
    height = 16 * down * fields - step_y * (top + bottom)
    return (width, height) if 0 < width <= 16_384 and 0 < height <= 16_384 else (0, 0)


def _skip_high(bits: Bits, chroma: int) -> None:
    if chroma == 3:
        bits.bit()
    bits.golomb()
    bits.golomb()
    bits.bit()
    if bits.bit():
        for index in range(12 if chroma == 3 else 8):
            if bits.bit():
                _skip_scaling(bits, 16 if index < 6 else 64)


def _skip_scaling(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


def _skip_order(bits: Bits) -> None:
    kind = bits.golomb()
    if kind == 0:
        bits.golomb()
    elif kind == 1:
        bits.bit()
        bits.signed()
        bits.signed()
        for _ in range(min(255, bits.golomb())):
            bits.signed()
