"""VP9 out of RTP (RFC 9628, 4.2), and how large its pictures are (VP9 bitstream specification, 6.2)."""

from collections.abc import Sequence
from typing import Final

from svc_signaling.core.bits import Bits

_SYNC: Final = 0x498342
_RGB: Final = 7
MAX_LAYERS: Final = 8


def begins(payload: bytes) -> bool:
    """Whether a layer's picture begins here."""
    return bool(payload and payload[0] & 0x08)


def begins_key(payload: bytes) -> bool:
    """Whether it is predicted from nothing (P), and the smallest layer."""
    if not begins(payload) or payload[0] & 0x40:
        return False
    at = _behind_picture(payload)
    return not payload[0] & 0x20 or (len(payload) > at and not payload[at] & 0x0E)


def _behind_picture(payload: bytes) -> int:
    if not payload[0] & 0x80 or len(payload) < 2:
        return 1
    return 3 if payload[1] & 0x80 else 2


def body(payload: bytes) -> bytes:
    """What is behind the descriptor; empty: it is cut short."""
    if not payload:
        return b""
    flags, at = payload[0], _behind_picture(payload)
    if flags & 0x20:
        at += 1 if flags & 0x10 else 2
    if flags & 0x50 == 0x50:  # in flexible mode, up to three references
        for _ in range(3):
            at += 1
            if at > len(payload) or not payload[at - 1] & 1:
                break
    if flags & 0x02:
        at = _behind_structure(payload, at)
    return payload[at:]


def _behind_structure(payload: bytes, at: int) -> int:
    """The scalability structure: sizes of layers, and a group of pictures."""
    head = payload[at] if at < len(payload) else 0
    at += 1
    if head & 0x10:
        at += 4 * ((head >> 5) + 1)
    if head & 0x08:
        pictures = payload[at] if at < len(payload) else 0
        at += 1
        for _ in range(pictures):
            at += 1 + (payload[at] >> 2 & 3 if at < len(payload) else 0)
    return at


def together(layers: Sequence[bytes]) -> bytes:
    """Layers of one picture, as players take them: with an index behind them (annex B); of one, itself."""
    if len(layers) < 2:
        return b"".join(layers)
    marker = bytes((0xC0 | 3 << 3 | len(layers) - 1,))
    sizes = b"".join(len(layer).to_bytes(4, "little") for layer in layers)
    return b"".join(layers) + marker + sizes + marker


def picture_size(key: bytes) -> tuple[int, int]:
    """Width and height of a keyframe; (0, 0): it is none."""
    bits = Bits(key[:32])
    if bits.number(2) != 2:
        return 0, 0
    profile = bits.bit() | bits.bit() << 1
    if profile == 3:
        bits.bit()
    if bits.bit() or bits.bit():  # shows one that was there before, or is predicted
        return 0, 0
    bits.number(2)
    if bits.number(24) != _SYNC:
        return 0, 0
    if profile >= 2:
        bits.bit()
    if bits.number(3) != _RGB:
        bits.bit()
        if profile in (1, 3):
            bits.number(3)
    elif profile in (1, 3):
        bits.bit()
    return bits.number(16) + 1, bits.number(16) + 1
