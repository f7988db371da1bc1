"""RTP payloads put together into frames, without decoding: Opus (RFC 7587), VP8 (7741), H.264 (6184), VP9, AV1."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from svc_signaling.core import av1, vp9
from svc_signaling.core.sps import picture_size

SEQ: Final = 1 << 16
STAMP: Final = 1 << 32
PATIENCE_US: Final = 1_000_000
"""A hole is waited for so long: by then it was sent again, or never will be."""
MAX_FRAME_BYTES: Final = 8 * 1024 * 1024
_START: Final = b"\x00\x00\x00\x01"
_IDR, _SPS, _PPS, _STAP_A, _FU_A = 5, 7, 8, 24, 28


class Codec(StrEnum):
    """How something is coded."""

    OPUS = "opus"
    VP8 = "vp8"
    H264 = "h264"
    VP9 = "vp9"
    AV1 = "av1"

    @property
    def clock_hz(self) -> int:
        """Steps of a timestamp in a second."""
        return 48_000 if self is Codec.OPUS else 90_000

    @property
    def video(self) -> bool:
        """Whether it is pictures."""
        return self is not Codec.OPUS


@dataclass(slots=True)
class Packet:
    """An RTP packet of one stream."""

    seq: int
    timestamp: int
    marker: bool
    codec: Codec
    payload: bytes
    arrival_us: int


@dataclass(slots=True)
class Frame:
    """A picture, or 20 ms of sound. `ticks`: its time in steps of the codec, which does not wrap around."""

    codec: Codec
    ticks: int
    arrival_us: int
    """When its first packet came."""
    data: bytes
    key: bool


@dataclass(slots=True)
class _Picture:
    """A picture whose packets come."""

    timestamp: int
    codec: Codec
    arrival_us: int
    size_bytes: int = 0
    parts: list[bytes] = field(default_factory=list)
    key: bool = False
    whole: bool = True
    cut: bool = False
    """Of AV1, the last part goes on in the next packet."""


class Assembler:
    """Packets of one stream in, frames out, in order. What follows a loss is left out until the next keyframe."""

    def __init__(self) -> None:
        self._waiting: dict[int, Packet] = {}
        self._next: int | None = None
        self._hole_us: int | None = None
        self._picture: _Picture | None = None
        self._needs_key = True
        self._ticks = 0
        self._last_stamp: int | None = None
        self._vp9, self._av1 = vp9.Layers(), av1.Layers()

    def push(self, packet: Packet) -> list[Frame]:
        """A packet; gives the frames that are complete now."""
        if self._next is None:
            self._next = packet.seq
        if (packet.seq - self._next) % SEQ >= SEQ // 2:
            return []  # of before, or twice
        self._waiting[packet.seq] = packet
        frames = self._ready()
        if self._waiting:
            if self._hole_us is None:
                self._hole_us = packet.arrival_us
            elif packet.arrival_us - self._hole_us > PATIENCE_US:
                frames += self._jump()
        return frames

    def flush(self) -> list[Frame]:
        """What still waits, at the end."""
        frames: list[Frame] = []
        while self._waiting:
            frames += self._jump()
        return frames

    def _jump(self) -> list[Frame]:
        """Goes on behind a hole."""
        assert self._next is not None
        after = self._next
        self._next = min(self._waiting, key=lambda seq: (seq - after) % SEQ)
        self._needs_key = True
        if self._picture is not None:
            self._picture.whole = False
        return self._ready()

    def _ready(self) -> list[Frame]:
        frames = []
        while self._next is not None and self._next in self._waiting:
            frame = self._take(self._waiting.pop(self._next))
            self._next = (self._next + 1) % SEQ
            self._hole_us = None
            if frame is not None:
                frames.append(frame)
        return frames

    def _take(self, packet: Packet) -> Frame | None:
        if packet.codec is Codec.OPUS:
            return self._frame(Codec.OPUS, packet.timestamp, packet.arrival_us, packet.payload, key=True)
        picture = self._picture
        if picture is None or picture.timestamp != packet.timestamp or picture.codec is not packet.codec:
            if picture is not None:
                self._needs_key = True  # its last packet never came
            picture = self._picture = _Picture(packet.timestamp, packet.codec, packet.arrival_us)
        picture.size_bytes += len(packet.payload)
        if picture.size_bytes <= MAX_FRAME_BYTES:
            _ADD[packet.codec](picture, packet.payload)
        else:
            picture.whole = False  # no camera's: what is kept of a picture that never ends is bounded
        if not packet.marker:
            return None
        self._picture = None
        return self._finished(picture)

    def _finished(self, picture: _Picture) -> Frame | None:
        data = self._joined(picture.codec, picture.parts)
        if not picture.whole or not data or len(data) > MAX_FRAME_BYTES:
            self._needs_key = True
            return None
        if self._needs_key and not picture.key:
            return None
        self._needs_key = False
        return self._frame(picture.codec, picture.timestamp, picture.arrival_us, data, key=picture.key)

    def _joined(self, codec: Codec, parts: list[bytes]) -> bytes:
        if codec is Codec.VP9:
            return self._vp9.together(parts)
        return self._av1.together(parts) if codec is Codec.AV1 else b"".join(parts)

    def _frame(self, codec: Codec, stamp: int, arrival_us: int, data: bytes, *, key: bool) -> Frame | None:
        if not data:
            return None
        if self._last_stamp is not None:
            self._ticks += (stamp - self._last_stamp + STAMP // 2) % STAMP - STAMP // 2
        self._last_stamp = stamp
        return Frame(codec, self._ticks, arrival_us, data, key)


def _add_vp8(picture: _Picture, payload: bytes) -> None:
    body = _vp8_body(payload)
    if not body:
        picture.whole = False
        return
    if not picture.parts:
        begins = bool(payload[0] & 0x10) and not payload[0] & 0x07
        picture.whole = picture.whole and begins
        picture.key = begins and not body[0] & 1
    picture.parts.append(body)


def _vp8_body(payload: bytes) -> bytes:
    """What is behind the descriptor; empty: it is cut short."""
    if not payload:
        return b""
    at = 1
    if payload[0] & 0x80:
        if len(payload) < 2:
            return b""
        flags = payload[1]
        at = 2
        if flags & 0x80:
            if len(payload) <= at:
                return b""
            at += 2 if payload[at] & 0x80 else 1
        at += bool(flags & 0x40)
        at += bool(flags & 0x30)
    return payload[at:]


def _add_h264(picture: _Picture, payload: bytes) -> None:
    kind = payload[0] & 0x1F if payload else 0
    if 0 < kind < _STAP_A:
        _add_unit(picture, payload)
    elif kind == _STAP_A:
        at = 1
        while at + 2 < len(payload):
            size = int.from_bytes(payload[at : at + 2], "big")
            unit = payload[at + 2 : at + 2 + size]
            picture.whole = picture.whole and 0 < size == len(unit)
            if unit:
                _add_unit(picture, unit)
            at += 2 + size
    elif kind == _FU_A and len(payload) > 2:
        if payload[1] & 0x80:
            _add_unit(picture, bytes((payload[0] & 0xE0 | payload[1] & 0x1F,)) + payload[2:])
        elif picture.parts:
            picture.parts.append(payload[2:])
        else:
            picture.whole = False
    else:
        picture.whole = False


def _add_unit(picture: _Picture, unit: bytes) -> None:
    picture.key = picture.key or unit[0] & 0x1F == _IDR
    picture.parts += (_START, unit)


def _add_vp9(picture: _Picture, payload: bytes) -> None:
    body = vp9.body(payload)
    if not picture.parts:
        picture.key = vp9.begins_key(payload)
    if body and vp9.begins(payload) and len(picture.parts) < vp9.MAX_LAYERS:
        picture.parts.append(body)
    elif body and picture.parts:
        picture.parts[-1] += body
    else:
        picture.whole = False


def _add_av1(picture: _Picture, payload: bytes) -> None:
    found = av1.elements(payload)
    if not found or av1.continues(payload) != picture.cut:
        picture.whole = False
        return
    if not picture.parts:
        picture.key = av1.begins_key(payload)
    if picture.cut:
        picture.parts[-1] += found.pop(0)
    picture.parts += found
    picture.cut = bool(payload[0] & 0x40)


_ADD: Final[Mapping[Codec, Callable[[_Picture, bytes], None]]] = {
    Codec.VP8: _add_vp8,
    Codec.H264: _add_h264,
    Codec.VP9: _add_vp9,
    Codec.AV1: _add_av1,
}


def size_of(codec: Codec, key: bytes) -> tuple[int, int]:
    """Width and height of a keyframe; (0, 0): it does not say."""
    if codec is Codec.H264:
        unit = next((unit for unit in key.split(_START) if unit and unit[0] & 0x1F == _SPS), b"")
        return picture_size(unit)
    if codec is Codec.VP9:
        return vp9.picture_size(key)
    if codec is Codec.AV1:
        return av1.picture_size(key)
    # RFC 6386, section 9.1.
    if len(key) < 10 or key[0] & 1 or key[3:6] != b"\x9d\x01\x2a":
        return 0, 0
    return int.from_bytes(key[6:8], "little") & 0x3FFF, int.from_bytes(key[8:10], "little") & 0x3FFF


def parameter_sets(key: bytes) -> bytes:
    """The SPS and PPS of an H.264 keyframe, as they are in it; empty: it lacks one."""
    units = [unit for unit in key.split(_START) if unit and unit[0] & 0x1F in (_SPS, _PPS)]
    kinds = {unit[0] & 0x1F for unit in units}
    return b"".join(_START + unit for unit in units) if kinds == {_SPS, _PPS} else b""
