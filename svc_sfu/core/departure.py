"""What was sent to one receiver, by the transport-wide numbers that its feedback is about."""

from array import array
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from svc_sfu.core.feedback import Told
from svc_sfu.core.rtp import SEQ

SPAN: Final = 4_096
"""Packets that are remembered: what a feedback tells of others is not known any more."""
NEVER: Final = 1 << 62
"""No packet has this number, or a larger one."""


class Delivery(NamedTuple):
    """A packet that arrived. Its time of arrival is on the receiver's clock, the other on ours."""

    number: int
    sent_s: float
    arrived_s: float
    size_bytes: int


@dataclass(slots=True)
class Delivered:
    """What a feedback tells of packets that are remembered, all together."""

    count: int = 0
    lost: int = 0
    """Of those that are told of for the first time."""
    size_bytes: int = 0
    least_delay_s: float = float("inf")
    """Of the quickest, by two clocks: only differences of it mean anything."""
    latest_s: float = float("-inf")
    """When the last of them arrived, on the receiver's clock."""
    last: int = -1
    """The largest number that arrived."""
    packets: list[Delivery] = field(default_factory=list)
    """One by one, those that were asked for."""


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

    def sent_together(self, sizes_bytes: "array[int]", now_s: float) -> int:
        """Packets are sent: the number on the wire of the first of them."""
        count = len(sizes_bytes)
        if count == 1:
            return self.sent(sizes_bytes[0], now_s)
        number = self.next
        at = number % SPAN
        if at + count > SPAN:
            for size_bytes in sizes_bytes:
                self.sent(size_bytes, now_s)
            return number & 0xFFFF
        self.next = number + count
        self._sent_s[at : at + count] = array("d", (now_s,)) * count
        self._bytes[at : at + count] = sizes_bytes
        return number & 0xFFFF

    def delivered(self, told: Told, one_by_one_from: int = NEVER) -> Delivered:
        """What of it arrived, and how many did not; one by one from a number on."""
        latest = self.next - 1
        first = latest - (latest - told.first) % SEQ
        least = max(0, self.next - SPAN)
        sent_s, sizes, known = self._sent_s, self._bytes, self._told
        out = Delivered()
        count = lost = size = 0
        delay_s, latest_s, last = out.least_delay_s, out.latest_s, out.last
        for number, arrived_s in enumerate(told.arrived_s, first):
            if not least <= number <= latest:
                continue
            if arrived_s is None:
                lost += number >= known
                continue
            at = number % SPAN
            count += 1
            size += sizes[at]
            last = number
            took_s = arrived_s - sent_s[at]
            if took_s < delay_s:
                delay_s = took_s
            if arrived_s > latest_s:
                latest_s = arrived_s
            if number >= one_by_one_from:
                out.packets.append(Delivery(number, sent_s[at], arrived_s, sizes[at]))
        self._told = max(known, min(self.next, first + len(told.arrived_s)))
        out.count, out.lost, out.size_bytes = count, lost, size
        out.least_delay_s, out.latest_s, out.last = delay_s, latest_s, last
        return out
