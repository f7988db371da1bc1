"""RTP packets (RFC 3550) and their header extensions (RFC 8285), read once and written from parts."""

import struct
from dataclasses import dataclass
from typing import Final

from rushes.errors import InvalidArgument

SEQ: Final = 1 << 16
STAMP: Final = 1 << 32
HEADER_BYTES: Final = 12
MAX_BYTES: Final = 1_500
SHORT_BYTES: Final = 16
"""An extension that is longer makes the heads of all of a packet's extensions longer."""
_HEADER: Final = struct.Struct("!BBHII")
_BLOCK: Final = struct.Struct("!HH")
_ONE_BYTE, _TWO_BYTES, _TWO_BYTES_MASK = 0xBEDE, 0x1000, 0xFFF0


class PacketInvalid(InvalidArgument):
    """Bytes that are no RTP or RTCP packet."""

    reason = "INVALID_PACKET"


@dataclass(slots=True)
class Packet:
    """A packet as it was received, without its encryption."""

    marker: bool
    payload_type: int
    seq: int
    timestamp: int
    ssrc: int
    extensions: dict[int, bytes]
    payload: bytes
    """Without padding."""
    padding_bytes: int


def parse(data: bytes) -> Packet:
    """Reads a packet. Raises PacketInvalid."""
    size = len(data)
    if size < HEADER_BYTES:
        raise PacketInvalid("the packet is shorter than a header")
    first, second, seq, timestamp, ssrc = _HEADER.unpack_from(data)
    if first >> 6 != 2:
        raise PacketInvalid("the packet is of another version")
    at = HEADER_BYTES + 4 * (first & 0x0F)
    extensions: dict[int, bytes] = {}
    if first & 0x10:
        if size < at + 4:
            raise PacketInvalid("the packet ends inside its extensions")
        profile, words = _BLOCK.unpack_from(data, at)
        at += 4
        end = at + 4 * words
        extensions = _one_byte(data, at, min(end, size)) if profile == _ONE_BYTE else _extensions(profile, data[at:end])
        at = end
    padding = data[-1] if first & 0x20 else 0
    if at + padding > size or (first & 0x20 and not padding):
        raise PacketInvalid("the packet is shorter than its header says")
    payload = data[at : size - padding]
    return Packet(bool(second & 0x80), second & 0x7F, seq, timestamp, ssrc, extensions, payload, padding)


def _extensions(profile: int, data: bytes) -> dict[int, bytes]:
    if profile & _TWO_BYTES_MASK == _TWO_BYTES:
        return _two_bytes(data)
    return {}


def _one_byte(data: bytes, at: int, end: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while at < end:
        head = data[at]
        at += 1
        if head:
            if head >= 0xF0:
                break
            after = at + (head & 0x0F) + 1
            if after > end:
                raise PacketInvalid("an extension is longer than the header")
            found[head >> 4] = data[at:after]
            at = after
    return found


def _two_bytes(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at, size = 0, len(data)
    while at < size:
        number = data[at]
        at += 1
        if number == 0:
            continue
        if at >= size or at + 1 + data[at] > size:
            raise PacketInvalid("an extension is longer than the header")
        found[number] = data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]
    return found


def extension_block(values: dict[int, bytes]) -> bytes:
    """A block of extensions; of none, nothing. Numbers 1 to 14, values of 1 to 255 bytes.

    Their heads are of one byte, or of two where a value is longer than 16.
    """
    if not values:
        return b""
    if max(map(len, values.values())) > SHORT_BYTES:
        return _two_byte_block(values)
    body = b"".join(bytes((number << 4 | len(value) - 1,)) + value for number, value in values.items())
    body += bytes(-len(body) % 4)
    return struct.pack("!HH", _ONE_BYTE, len(body) // 4) + body


def _two_byte_block(values: dict[int, bytes]) -> bytes:
    body = b"".join(bytes((number, len(value))) + value for number, value in values.items())
    body += bytes(-len(body) % 4)
    return struct.pack("!HH", _TWO_BYTES, len(body) // 4) + body


def head(marker: bool, payload_type: int, seq: int, timestamp: int, ssrc: int, extended: bool) -> bytes:
    """The first 12 bytes."""
    return _HEADER.pack(0x90 if extended else 0x80, payload_type | (0x80 if marker else 0), seq, timestamp, ssrc)


def is_rtcp(data: bytes) -> bool:
    """Whether a datagram that is RTP or RTCP is the latter (RFC 5761): by its second byte, as it is on the wire."""
    return len(data) >= 2 and 192 <= data[1] <= 223


def newer(seq: int, than: int, span: int = SEQ) -> bool:
    """Whether a number that wraps around at `span` comes after another."""
    return 0 < (seq - than) % span < span // 2


def abs_send_time(now_s: float) -> bytes:
    """The 24 bits of abs-send-time: seconds as 6.18 fixed point."""
    return (int(now_s * (1 << 18)) & 0xFFFFFF).to_bytes(3, "big")
