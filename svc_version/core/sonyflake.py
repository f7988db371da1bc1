"""Version ids: Sonyflake (39 bits of time in 10 ms since 2020, 8 bits of a count, 16 bits of the machine).

Ticks are taken from a reservation that the store has made, and each tick is reserved once, for one machine, whatever
any clock says: so ids are unique over steps of the clock, crashes, and processes that think they are the same machine.
"""

from dataclasses import dataclass
from typing import Final

EPOCH_MS: Final = 1_577_836_800_000
"""2020-01-01, UTC."""
TICK_MS: Final = 10
COUNT_BITS: Final = 8
MACHINE_BITS: Final = 16
MACHINES: Final = 1 << MACHINE_BITS
RESERVED_TICKS: Final = 6_000
"""A minute at a time."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Ticks that nobody else has: from `first` up to, but without, `end`."""

    machine_id: int
    first: int
    end: int


def tick_of(now_ms: int) -> int:
    """The tick of a time."""
    return max(now_ms - EPOCH_MS, 0) // TICK_MS


def reserve(machine_id: int, reserved: int, now_ms: int) -> Reservation:
    """The next ticks of a machine, of which all before `reserved` have been given out."""
    first = max(reserved, tick_of(now_ms))
    return Reservation(machine_id, first, first + RESERVED_TICKS)


class Source:
    """Ids out of a reservation, each larger than the one before."""

    def __init__(self, reservation: Reservation) -> None:
        self._reservation = reservation
        self._tick = reservation.first
        self._count = -1

    def next(self, now_ms: int) -> int | None:
        """An id; None: the reservation is used up, or its time has passed. A count that is full borrows from the
        next tick.
        """
        now = tick_of(now_ms)
        if now > self._tick:
            self._tick, self._count = now, -1
        if self._count + 1 >= 1 << COUNT_BITS:
            self._tick, self._count = self._tick + 1, -1
        if self._tick >= self._reservation.end:
            return None
        self._count += 1
        return (self._tick << COUNT_BITS | self._count) << MACHINE_BITS | self._reservation.machine_id
