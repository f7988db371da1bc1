"""Sound with the packet before it (RFC 2198): a loss here and there is made up without asking for anything."""

from typing import Final

from svc_sfu.core.rtp import SEQ, STAMP, Packet

MAX_OFFSET: Final = 1 << 14
MAX_BLOCK_BYTES: Final = 1 << 10


def redundant(packet: Packet, before: Packet | None, payload_type: int) -> bytes:
    """The payload of a packet of sound and, where it follows it, that of the one before."""
    if before is None or (packet.seq - before.seq) % SEQ != 1:
        return bytes((payload_type,)) + packet.payload
    offset, size = (packet.timestamp - before.timestamp) % STAMP, len(before.payload)
    if not 0 < offset < MAX_OFFSET or not 0 < size < MAX_BLOCK_BYTES:
        return bytes((payload_type,)) + packet.payload
    head = (0x80 | payload_type) << 24 | offset << 10 | size
    return head.to_bytes(4, "big") + bytes((payload_type,)) + before.payload + packet.payload
