"""What all slots of one format send for a packet, but for the numbers that are each one's own."""

import struct
from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple

from svc_sfu.core import rtp
from svc_sfu.core.codec import NO_NUMBERS, Codec, Numbers
from svc_sfu.core.red import redundant
from svc_sfu.core.rtp import Packet
from svc_sfu.core.stream import Stream
from svc_sfu.core.viewer import Formats

_WIDE_AT: Final = 17
"""After 12 bytes of the head, 4 of the extensions' and one of the first extension's."""


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


def template(packet: Packet, stream: Stream, numbers: Numbers, formats: Formats, stamp: bytes) -> Template:
    """That of a packet; `stamp` says when it is sent."""
    extensions = block(formats, stamp)
    number, payload = formats.payload_types[stream.codec], packet.payload
    if formats.red and stream.codec is Codec.OPUS:
        number, payload = formats.red, redundant(packet, stream.previous, number)
    head = rtp.head(packet.marker, number, 0, 0, 0, bool(extensions))
    data, payload_at = head + extensions + payload, len(head) + len(extensions)
    both = numbers is not NO_NUMBERS and numbers.picture_at >= 0 and numbers.tl0_at == numbers.picture_at + 2
    if not formats.wide or not both:
        return Template(data, payload_at, None, b"", b"")
    between = data[_WIDE_AT + 2 : payload_at + numbers.picture_at]
    return Template(data, payload_at, _writer(len(between)), data[rtp.HEADER_BYTES : _WIDE_AT], between)


def block(formats: Formats, stamp: bytes) -> bytes:
    """The extension with place for a packet's number on the transport, or that says when it is sent; or none."""
    if formats.wide:
        return rtp.extension_block({formats.wide: bytes(2)})
    return rtp.extension_block({formats.send_time: stamp}) if formats.send_time else b""


@cache
def _writer(between: int) -> Any:
    return struct.Struct(f"!HII{_WIDE_AT - rtp.HEADER_BYTES}sH{between}sHB").pack_into
