"""A packet as one slot sends it."""

from dataclasses import dataclass

from svc_sfu.core import codec as codecs
from svc_sfu.core.codec import Numbers
from svc_sfu.core.rtp import Packet


@dataclass(slots=True)
class Outgoing:
    """A packet as this slot sends it, never changed: what was received, shared by all slots, and numbers of its own."""

    seq: int
    timestamp: int
    sent_s: float
    codec: codecs.Codec
    packet: Packet
    numbers: Numbers
    picture: int
    tl0: int
    marker: bool
    """The last packet of a picture, as this slot sees it."""
    described: bytes = b""
    """The dependency descriptor that it came with."""
    frame: int = 0
    """The frame number that belongs into it here."""

    @property
    def payload(self) -> bytes:
        """The payload with this slot's numbers."""
        return codecs.rewritten(self.packet.payload, self.numbers, self.picture, self.tl0)
