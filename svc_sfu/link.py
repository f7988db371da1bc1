"""A room's link to another forwarder that has people of it too: what is watched there goes there, and the reverse."""

import logging
import secrets
from collections.abc import Callable, Iterable
from typing import Final

from svc_sfu.core import relay_message, rtcp
from svc_sfu.core.feedback import Arrivals
from svc_sfu.core.ice import Address
from svc_sfu.core.inlet import Inlet
from svc_sfu.core.outlet import Outlet
from svc_sfu.core.publisher import Track
from svc_sfu.core.relay_message import TrackTold
from svc_sfu.core.run import Run
from svc_sfu.core.subscriber import Slot
from svc_sfu.envelope import MAX_BYTES, Envelope

TELL_TURNS: Final = 5
"""Everything is told again each quarter of a second."""
SILENT_S: Final = 2.0
SILENT_TURNS: Final = 100
"""A link that is not answered for so long from its beginning is told of to operators."""

_logger = logging.getLogger(__name__)


class Link:
    """See the module. For `Room` it has the sides of a publisher's transport that it needs."""

    def __init__(self, relay: int, peer: str, envelope: Envelope, send: Callable[[bytes, Address], None]) -> None:
        self.relay = relay
        self.peer = peer
        """The worker at the other end, as svc_signaling calls it."""
        self.address: Address | None = None
        """Where the other end is. Who is called first is not told, and learns it by the first datagram."""
        self.envelope = envelope
        self.publisher = Inlet()
        self.outlet = Outlet()
        self.ssrc = secrets.randbits(32)
        self.arrivals, self.arrivals_ssrc = Arrivals(), 0
        self.heard_s = float("-inf")
        self._send = send
        self._turn = 0
        self._shape: list[object] = []

    def ready(self, now_s: float) -> bool:
        """Whether the other end was heard of lately."""
        return now_s - self.heard_s < SILENT_S

    def send(self, data: bytes) -> None:
        """Sends a packet, a report or a message; what is too large, as no browser's is, goes nowhere."""
        if self.address is not None and len(data) <= MAX_BYTES:
            self._send(self.envelope.seal(data), self.address)

    def report(self, *packets: bytes) -> None:
        """Sends RTCP, as many together as are read together."""
        for start in range(0, len(packets), rtcp.MAX_PACKETS):
            self.send(b"".join(packets[start : start + rtcp.MAX_PACKETS]))

    def opened(self, datagram: bytes, address: Address, now_s: float) -> bytes | None:
        """What is in a datagram; None: it is not the other end's."""
        data = self.envelope.open(datagram)
        if data is not None:
            self.address, self.heard_s = address, now_s
        return data

    def forward(self, run: Run, now_s: float) -> None:
        """What came here, if it is wanted there."""
        for incoming in run.incoming:
            wanted = self.outlet.take(run.stream, incoming.packet, now_s)
            if wanted is not None:
                self.send(wanted)

    def ask(self, slots_of: Callable[[str], Iterable[Slot]], *, always: bool = False) -> None:
        """Says what is watched here, if that changed."""
        wishes, changed = self.publisher.wishes(slots_of)
        if changed or always:
            for message in relay_message.write_wishes(wishes):
                self.send(message)

    def tell(self, tracks: Iterable[tuple[str, Track]], now_s: float, *, always: bool = False) -> None:
        """Says what is published here, if that changed."""
        told = self.outlet.directory(tracks, now_s)
        shape = [_shape(each) for each in told]
        if shape != self._shape or always:
            self._shape = shape
            for message in relay_message.write_tracks(told):
                self.send(message)

    def tick(
        self, tracks: Iterable[tuple[str, Track]], slots_of: Callable[[str], Iterable[Slot]], now_s: float
    ) -> None:
        """Every 50 ms."""
        self._turn += 1
        again = self._turn % TELL_TURNS == 1
        if self._turn == SILENT_TURNS and not self.ready(now_s):
            _logger.warning("relay_silent", extra={"peer": self.peer, "advice": "let UDP pass between forwarders"})
        self.tell(tracks, now_s, always=again)
        if again:
            self.report(rtcp.receiver_report(self.ssrc, ()))  # a sign of life, where there is nothing to tell
        self.ask(slots_of, always=again)


def _shape(told: TrackTold) -> object:
    return (told.track_id, told.muted, [(each.rid, each.ssrc, each.comes) for each in told.layers])
