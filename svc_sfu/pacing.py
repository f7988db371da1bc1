"""Sends what waits for receivers on narrow ways: all of a room's at once, every few milliseconds while there is any."""

import time
from collections.abc import Callable
from typing import Final

from svc_sfu.core.outgoing import Outgoing
from svc_sfu.core.pacer import paced
from svc_sfu.core.subscriber import Slot, Subscriber
from svc_sfu.core.template import Template
from svc_sfu.transport import Transport

EVERY_S: Final = 0.005
Packet = tuple[Template, Outgoing, Slot]
"""As it waits: it is numbered and encrypted when it goes."""


class Pacing:
    """See the module. `later` calls after a time."""

    def __init__(self, later: Callable[[float, Callable[[], None]], None]) -> None:
        self._later = later
        self._waiting: dict[Transport, None] = {}

    def waits(self, transport: Transport, slot: Slot, made: Template, outgoing: Outgoing, now_s: float) -> bool:
        """Whether a packet waits; otherwise it goes now."""
        pacer = transport.subscriber.pacer if transport.subscriber is not None else None
        packet = made, outgoing, slot
        if pacer is None or pacer.add(packet, len(made.data), now_s, first=slot.kind == "audio"):
            return False
        if not self._waiting:
            self._later(EVERY_S, self._send_due)
        self._waiting[transport] = None
        return True

    def choose(self, transport: Transport, subscriber: Subscriber, now_s: float) -> None:
        """Whether what it is sent is paced from now on."""
        before, subscriber.pacer = subscriber.pacer, paced(subscriber.pacer, subscriber.congestion, now_s)
        if before is not None and subscriber.pacer is None:
            _send(transport, subscriber, before.rest(), now_s)

    def _send_due(self) -> None:
        now_s = time.monotonic()
        for transport in list(self._waiting):
            subscriber = transport.subscriber
            pacer = subscriber.pacer if subscriber is not None else None
            if subscriber is not None and pacer is not None:
                _send(transport, subscriber, pacer.due(now_s), now_s)
            if not pacer:
                del self._waiting[transport]
        if self._waiting:
            self._later(EVERY_S, self._send_due)


def _send(transport: Transport, subscriber: Subscriber, packets: list[Packet], now_s: float) -> None:
    ready = []
    for made, outgoing, slot in packets:
        wide = subscriber.departures.sent(len(made.data), now_s) if slot.formats.wide else -1
        sealed = transport.wire.seal_as(made, outgoing, slot.ssrc, wide)
        if sealed is not None:
            ready.append(sealed)
    transport.send_all(ready)
