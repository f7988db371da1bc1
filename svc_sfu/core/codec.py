"""What of a payload has to be looked at: where a picture begins, whether it is a keyframe, VP8's numbers.

VP8: RFC 7741. H.264: RFC 6184. Nothing is decoded.
"""

import struct
from dataclasses import dataclass
from enum import Enum
from typing import Final

PICTURES: Final = 1 << 15
_TWO_BYTES: Final = struct.Struct("!H")
_ONE_BYTE: Final = struct.Struct("!B")


class Codec(Enum):
    """What can be forwarded."""

    OPUS = "opus"
    VP8 = "VP8"
    H264 = "H264"

    @property
    def clock_hz(self) -> int:
        """Steps of a timestamp in a second."""
        return 48_000 if self is Codec.OPUS else 90_000

    @property
    def video(self) -> bool:
        """Whether it has pictures."""
        return self is not Codec.OPUS


@dataclass(frozen=True, slots=True)
class Vp8:
    """Where VP8's payload descriptor has its picture id (15 bits) and tl0 index; -1: nowhere."""

    picture_at: int
    picture: int
    tl0_at: int
    tl0: int


NO_NUMBERS: Final = Vp8(-1, 0, -1, 0)


def vp8_numbers(payload: bytes) -> Vp8:
    """The numbers that have to be rewritten when the source changes."""
    if len(payload) < 2 or not payload[0] & 0x80:
        return NO_NUMBERS
    flags, at = payload[1], 2
    picture_at, picture, tl0_at, tl0 = -1, 0, -1, 0
    if flags & 0x80:
        if len(payload) < at + 2:
            return NO_NUMBERS
        if payload[at] & 0x80:
            picture_at, picture = at, (payload[at] & 0x7F) << 8 | payload[at + 1]
            at += 2
        else:
            at += 1
    if flags & 0x40 and len(payload) > at:
        tl0_at, tl0 = at, payload[at]
    return Vp8(picture_at, picture, tl0_at, tl0)


def vp8_rewritten(payload: bytes, numbers: Vp8, picture: int, tl0: int) -> bytes:
    """The payload with other numbers."""
    changed = bytearray(payload)
    write_numbers(changed, 0, numbers, picture, tl0)
    return bytes(changed)


def write_numbers(into: bytearray, at: int, numbers: Vp8, picture: int, tl0: int) -> None:
    """Writes other numbers into a payload that begins at `at`."""
    if numbers.picture_at >= 0:
        _TWO_BYTES.pack_into(into, at + numbers.picture_at, 0x8000 | picture)
    if numbers.tl0_at >= 0:
        _ONE_BYTE.pack_into(into, at + numbers.tl0_at, tl0)


def begins_keyframe(codec: Codec, payload: bytes) -> bool:
    """Whether a keyframe begins with this packet."""
    if codec is Codec.VP8:
        return _vp8_keyframe(payload)
    if codec is Codec.H264:
        return _h264_keyframe(payload)
    return True


def _vp8_keyframe(payload: bytes) -> bool:
    if not payload or not payload[0] & 0x10 or payload[0] & 0x07:
        return False
    at = 1
    if payload[0] & 0x80:
        if len(payload) < 2:
            return False
        flags = payload[1]
        at = 2
        if flags & 0x80:
            if len(payload) <= at:
                return False
            at += 2 if payload[at] & 0x80 else 1
        at += bool(flags & 0x40)
        at += bool(flags & 0x30)
    return len(payload) > at and not payload[at] & 1


def _h264_keyframe(payload: bytes) -> bool:
    """By its parameter sets, which come before each IDR picture that a browser sends."""
    if not payload:
        return False
    kind = payload[0] & 0x1F
    if kind in (5, 7):
        return True
    if kind == 24:
        at = 1
        while at + 2 < len(payload):
            if payload[at + 2] & 0x1F in (5, 7):
                return True
            at += 2 + int.from_bytes(payload[at : at + 2], "big")
        return False
    return kind == 28 and len(payload) > 1 and bool(payload[1] & 0x80) and payload[1] & 0x1F in (5, 7)
