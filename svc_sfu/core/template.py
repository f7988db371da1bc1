"""What all slots of one format send for a packet, but for the numbers that are each one's own."""

import struct
from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple

from svc_sfu.core import rtp
from svc_sfu.core.codec import NO_NUMBERS, Codec
from svc_sfu.core.outgoing import Outgoing
from svc_sfu.core.red import redundant
from svc_sfu.core.rtp import Packet
from svc_sfu.core.viewer import Formats

_WIDE_AT: Final = rtp.HEADER_BYTES + 5
"""After 4 bytes of the extensions' head and one of the first extension's: two where one of them is long."""


class Template(NamedTuple):
    """See the module. `write` writes the numbers, which is most of what a packet costs here: all of them at once where
    they lie as they do in nearly all packets, with the bytes between them.
    """

    data: bytes
    payload_at: int
    """Where in it the payload begins."""
    write: Callable[..., None] | None
    """Into a buffer, from its third byte: number, timestamp, SSRC, `before`, number on the transport, `between`,
    picture, tl0. None: they lie otherwise.
    """
    before: bytes
    between: bytes
    wide_at: int
    """Where the number on the transport belongs, if there is one."""
    frame_at: int
    """Where the frame number of the dependency descriptor belongs; 0: there is none."""


def template(outgoing: Outgoing, previous: Packet | None, formats: Formats, stamp: bytes) -> Template:
    """That of a packet and all that are like it; `stamp` says when it is sent, `previous` is the sound before it."""
    packet, numbers = outgoing.packet, outgoing.numbers
    described = outgoing.described if formats.described else b""
    extensions = block(formats, stamp, described=described)
    number, payload = formats.payload_types[outgoing.codec], packet.payload
    if formats.red and outgoing.codec is Codec.OPUS:
        number, payload = formats.red, redundant(packet, previous, number)
    head = rtp.head(outgoing.marker, number, 0, 0, 0, bool(extensions))
    data, payload_at = head + extensions + payload, len(head) + len(extensions)
    both = numbers is not NO_NUMBERS and numbers.picture_at >= 0 and numbers.tl0_at == numbers.picture_at + 2
    wide_at, frame_at = _places(formats, described)
    if not formats.wide or not both or wide_at != _WIDE_AT:
        return Template(data, payload_at, None, b"", b"", wide_at, frame_at)
    between = data[_WIDE_AT + 2 : payload_at + numbers.picture_at]
    return Template(
        data, payload_at, _writer(len(between)), data[rtp.HEADER_BYTES : _WIDE_AT], between, wide_at, frame_at
    )


def block(formats: Formats, stamp: bytes, wide: int = 0, described: bytes = b"") -> bytes:
    """The extensions: a packet's number on the transport, or when it is sent, or neither; and its descriptor,
    if there is one.
    """
    if not described and not formats.send_time and not wide:
        return _bare(formats.wide)
    values: dict[int, bytes] = {}
    if formats.wide:
        values[formats.wide] = wide.to_bytes(2, "big")
    elif formats.send_time:
        values[formats.send_time] = stamp
    if described:
        values[formats.described] = described
    return rtp.extension_block(values)


@cache
def _bare(wide: int) -> bytes:
    return rtp.extension_block({wide: bytes(2)} if wide else {})


def _places(formats: Formats, described: bytes) -> tuple[int, int]:
    """Where the number on the transport is, and the descriptor's frame number, after a byte of it."""
    head = 2 if len(described) > rtp.SHORT_BYTES else 1
    first_at = _WIDE_AT + head - 1
    before = 2 if formats.wide else 3 if formats.send_time else -head
    return first_at, first_at + before + head + 1 if described else 0


@cache
def _writer(between: int) -> Any:
    return struct.Struct(f"!HII{_WIDE_AT - rtp.HEADER_BYTES}sH{between}sHB").pack_into
