"""What of a payload has to be looked at: where a picture begins, whether it is a keyframe, numbers of VP8 and VP9.

VP8: RFC 7741. H.264: RFC 6184. VP9: RFC 9628. AV1: its RTP specification, 4.4. Nothing is decoded.
"""

import struct
from enum import Enum
from typing import Final, NamedTuple

PICTURES: Final = 1 << 15
_TWO_BYTES: Final = struct.Struct("!H")
_BOTH: Final = struct.Struct("!HB")
_ONE_BYTE: Final = struct.Struct("!B")


class Codec(Enum):
    """What can be forwarded."""

    OPUS = "opus"
    VP8 = "VP8"
    H264 = "H264"
    VP9 = "VP9"
    AV1 = "AV1"

    @property
    def clock_hz(self) -> int:
        """Steps of a timestamp in a second."""
        return 48_000 if self is Codec.OPUS else 90_000

    @property
    def video(self) -> bool:
        """Whether it has pictures."""
        return self is not Codec.OPUS

    @property
    def numbered(self) -> bool:
        """Whether payloads have numbers of pictures, which have to go on when the source changes."""
        return self is Codec.VP8 or self is Codec.VP9


class Numbers(NamedTuple):
    """Where the payload descriptor of VP8 or VP9 has its picture id (15 bits) and tl0 index; -1: nowhere."""

    picture_at: int
    picture: int
    tl0_at: int
    tl0: int


NO_NUMBERS: Final = Numbers(-1, 0, -1, 0)


def numbers_of(codec: Codec, payload: bytes) -> Numbers:
    """The numbers that have to be rewritten when the source changes."""
    if codec is Codec.VP8:
        return _vp8_numbers(payload)
    return _vp9_numbers(payload) if codec is Codec.VP9 else NO_NUMBERS


def _vp8_numbers(payload: bytes) -> Numbers:
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
    return Numbers(picture_at, picture, tl0_at, tl0)


def _vp9_numbers(payload: bytes) -> Numbers:
    if len(payload) < 2 or not payload[0] & 0x80:
        return NO_NUMBERS
    flags, at = payload[0], 1
    picture_at, picture, tl0_at, tl0 = -1, 0, -1, 0
    if payload[1] & 0x80:
        if len(payload) < 3:
            return NO_NUMBERS
        picture_at, picture = 1, (payload[1] & 0x7F) << 8 | payload[2]
        at += 1
    at += 1
    # Layers are told of, and without flexible mode (F) behind them the tl0 index.
    if flags & 0x20 and not flags & 0x10 and len(payload) > at + 1:
        tl0_at, tl0 = at + 1, payload[at + 1]
    return Numbers(picture_at, picture, tl0_at, tl0)


def rewritten(payload: bytes, numbers: Numbers, picture: int, tl0: int) -> bytes:
    """The payload with other numbers."""
    changed = bytearray(payload)
    write_numbers(changed, 0, numbers, picture, tl0)
    return bytes(changed)


def write_numbers(into: bytearray | memoryview, at: int, numbers: Numbers, picture: int, tl0: int) -> None:
    """Writes other numbers into a payload that begins at `at`."""
    if numbers.picture_at >= 0 and numbers.tl0_at == numbers.picture_at + 2:
        _BOTH.pack_into(into, at + numbers.picture_at, 0x8000 | picture, tl0)
        return
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
    if codec is Codec.VP9:
        return _vp9_keyframe(payload)
    if codec is Codec.AV1:
        # The first packet of a new sequence (N), which does not go on with what was cut before (Z).
        return bool(payload) and payload[0] & 0x88 == 0x08
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


def _vp9_keyframe(payload: bytes) -> bool:
    """Not predicted (P), the beginning of a picture (B), and of its smallest layer."""
    if not payload or payload[0] & 0x48 != 0x08:
        return False
    at = 1
    if payload[0] & 0x80:
        if len(payload) < 2:
            return False
        at += 2 if payload[1] & 0x80 else 1
    if not payload[0] & 0x20:
        return True
    return len(payload) > at and not payload[at] & 0x0E


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
