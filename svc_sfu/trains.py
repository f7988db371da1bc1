"""Finds out whether somebody's way takes more, by packets that are sent again (see `core.congestion`)."""

import time
from collections.abc import Callable
from typing import Final

from svc_sfu.core.congestion import TRAIN_STEP_S, Train
from svc_sfu.core.outgoing import Outgoing
from svc_sfu.core.subscriber import Slot, Subscriber
from svc_sfu.delivery import Delivery
from svc_sfu.transport import Transport

TRAIN_OF: Final = 16
"""Packets that are sent again by turns."""
OF_USE: Final = 1.3
"""So much more than all layers take is of use: the allocator leaves something over."""


class Trains:
    """See the module. `later` calls after a time."""

    def __init__(self, delivery: Delivery, later: Callable[[float, Callable[[], None]], None]) -> None:
        self._delivery = delivery
        self._later = later

    def begin(self, transport: Transport, now_s: float) -> None:
        """Begins one, if more would be of use and it is time for it."""
        subscriber = transport.subscriber
        if subscriber is None or subscriber.congestion is None or not subscriber.congestion.heard:
            return
        of_use_bps = OF_USE * subscriber.wanted_bps
        train = subscriber.congestion.begin_train(of_use_bps, subscriber.departures.next, now_s)
        if train is not None:
            subscriber.went_bytes()
            self._go_on(transport, subscriber, train, 0.0)

    def _go_on(self, transport: Transport, subscriber: Subscriber, train: Train, owed_bytes: float) -> None:
        """Sends what a train owes by now, beyond the pictures that went with it."""
        now_s = time.monotonic()
        owed_bytes += train.bps / 8 * TRAIN_STEP_S - subscriber.went_bytes()
        slots = [slot for slot in subscriber.slots.values() if slot.kind == "video"]
        while owed_bytes > 0:
            extra = next((each for slot in slots if (each := _extra(slot, train.extra, now_s)) is not None), None)
            sent = self._delivery.again(transport, subscriber, *extra, now_s) if extra is not None else 0
            if not sent:
                break
            train.extra += 1
            owed_bytes -= sent
        if subscriber.congestion is not None and subscriber.congestion.goes_on(subscriber.departures.next):
            self._later(TRAIN_STEP_S, lambda: self._go_on(transport, subscriber, train, owed_bytes))


def _extra(slot: Slot, back: int, now_s: float) -> tuple[Slot, Outgoing] | None:
    outgoing = slot.forwarder.newest(back % TRAIN_OF, now_s)
    return (slot, outgoing) if outgoing is not None else None
