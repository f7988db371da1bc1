"""What was sent to one receiver, by the transport-wide numbers that its feedback is about."""

from array import array
from dataclasses import dataclass
from typing import Final

from svc_sfu.core.feedback import Told
from svc_sfu.core.rtp import SEQ

SPAN: Final = 4_096
"""Packets that are remembered: what a feedback tells of others is not known any more."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A packet that arrived. Its time of arrival is on the receiver's clock, the other on ours."""

    number: int
    sent_s: float
    arrived_s: float
    size_bytes: int


class Departures:
    """See the module. Numbers go on without wrapping around; on the wire are their last 16 bits."""

    def __init__(self) -> None:
        self.next = 0
        """Number of the packet that is sent next."""
        self._sent_s = array("d", bytes(8 * SPAN))
        self._bytes = array("H", bytes(2 * SPAN))
        self._told = 0

    def sent(self, size_bytes: int, now_s: float) -> int:
        """A packet is sent: its number on the wire."""
        number = self.next
        self.next = number + 1
        at = number % SPAN
        self._sent_s[at] = now_s
        self._bytes[at] = size_bytes
        return number & 0xFFFF

    def delivered(self, told: Told) -> tuple[list[Delivery], int]:
        """What of it arrived, and how many did not, of those that are told of for the first time."""
        first = self.next - 1 - ((self.next - 1 - told.first) % SEQ)
        least = max(0, self.next - SPAN)
        sent_s, sizes = self._sent_s, self._bytes
        found: list[Delivery] = []
        lost = 0
        for number, arrived_s in enumerate(told.arrived_s, first):
            if number < least or number >= self.next:
                continue
            if arrived_s is not None:
                at = number % SPAN
                found.append(Delivery(number, sent_s[at], arrived_s, sizes[at]))
            elif number >= self._told:
                lost += 1
        self._told = max(self._told, min(self.next, first + len(told.arrived_s)))
        return found, lost
