"""Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01): when which packet arrived.

A publisher's browser sends all its layers only to a server that tells it this often. A subscriber's browser tells us
the same of what it is sent.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from svc_sfu.core.rtp import PacketInvalid

TICK_S: Final = 250e-6
BASE_S: Final = 0.064
MAX_SPAN: Final = 1_000
"""Most packets, missing ones included, that one feedback tells of."""

MAX_TOLD: Final = 1_000
"""Most packets that a feedback which is read may tell of."""
_SYMBOLS: Final = tuple(tuple(chunk >> 12 - 2 * index & 3 for index in range(7)) for chunk in range(1 << 14))


@dataclass(frozen=True, slots=True)
class Told:
    """What a feedback says of packets that follow each other: when each arrived; None: it did not."""

    first: int
    arrived_s: tuple[float | None, ...]
    """On the receiver's clock, which goes round after twelve days."""


class Arrivals:
    """Of one publisher's transport, since the last feedback."""

    def __init__(self) -> None:
        self._arrived: dict[int, float] = {}
        self._count = 0
        self._highest: int | None = None

    def add(self, seq: int, now_s: float) -> None:
        """A packet arrived; `seq` is of 16 bits and wraps."""
        if self._highest is None:
            self._highest = seq
        step = (seq - self._highest + 0x8000) % 0x10000 - 0x8000
        number = self._highest + step
        if step > 0:
            self._highest = number
        if len(self._arrived) < MAX_SPAN and number >= 0:
            self._arrived.setdefault(number, now_s)

    def take(self) -> bytes | None:
        """The feedback's body after the two SSRCs, and begins anew; None: nothing came."""
        if not self._arrived:
            return None
        first = min(self._arrived)
        last = min(max(self._arrived), first + MAX_SPAN - 1)
        times = [self._arrived.get(number) for number in range(first, last + 1)]
        self._arrived.clear()
        body = _encode(first & 0xFFFF, self._count, times)
        self._count = (self._count + 1) & 0xFF
        return body


def _encode(first: int, count: int, times: Sequence[float | None]) -> bytes:
    earliest = next(time for time in times if time is not None)
    base = int(earliest / BASE_S)
    before = base * BASE_S
    symbols: list[int] = []
    deltas: list[bytes] = []
    for time in times:
        if time is None:
            symbols.append(0)
            continue
        ticks = round((time - before) / TICK_S)
        before += ticks * TICK_S
        small = 0 <= ticks <= 255
        symbols.append(1 if small else 2)
        deltas.append(bytes((ticks,)) if small else struct.pack("!h", max(-0x8000, min(0x7FFF, ticks))))
    head = struct.pack("!HH", first, len(times)) + (base & 0xFFFFFF).to_bytes(3, "big") + bytes((count,))
    return head + _chunks(symbols) + b"".join(deltas)


def _chunks(symbols: Sequence[int]) -> bytes:
    """Vectors of seven symbols of two bits, or runs where that is shorter."""
    out = bytearray()
    at = 0
    while at < len(symbols):
        run = 1
        while at + run < len(symbols) and symbols[at + run] == symbols[at] and run < 0x1FFF:
            run += 1
        if run >= 7:
            out += struct.pack("!H", symbols[at] << 13 | run)
            at += run
            continue
        seven = [*symbols[at : at + 7], *([0] * 7)][:7]
        chunk = 0xC000
        for index, symbol in enumerate(seven):
            chunk |= symbol << 12 - 2 * index
        out += struct.pack("!H", chunk)
        at += 7
    return bytes(out)


def told_of(body: bytes) -> int:
    """Of how many packets a feedback tells: reading it takes that long, however short it is. Raises PacketInvalid."""
    if len(body) < 10:
        raise PacketInvalid("a transport-wide feedback is cut")
    count = int.from_bytes(body[2:4], "big")
    if count > MAX_TOLD:
        raise PacketInvalid("a transport-wide feedback tells of too many packets")
    return count


def read(body: bytes) -> Told:
    """Reads a feedback's body after the two SSRCs. Raises PacketInvalid."""
    count = told_of(body)
    first = int.from_bytes(body[:2], "big")
    symbols, at = _read_symbols(body, count)
    time_s = int.from_bytes(body[4:7], "big") * BASE_S
    size = len(body)
    arrived: list[float | None] = []
    for symbol in symbols:
        if symbol == 1:
            if at >= size:
                raise PacketInvalid("a transport-wide feedback has fewer times than packets")
            time_s += body[at] * TICK_S
            at += 1
        elif symbol == 2:
            if at + 2 > size:
                raise PacketInvalid("a transport-wide feedback has fewer times than packets")
            time_s += int.from_bytes(body[at : at + 2], "big", signed=True) * TICK_S
            at += 2
        else:
            arrived.append(None)
            continue
        arrived.append(time_s)
    return Told(first, tuple(arrived))


def _read_symbols(body: bytes, count: int) -> tuple[list[int], int]:
    """What is said of each packet (0: missing, 1 or 2: bytes of its time), and where the times begin."""
    symbols: list[int] = []
    at = 8
    while len(symbols) < count:
        if at + 2 > len(body):
            raise PacketInvalid("a transport-wide feedback is cut")
        chunk = body[at] << 8 | body[at + 1]
        at += 2
        if chunk < 0x8000:
            symbols += [chunk >> 13] * min(chunk & 0x1FFF, count - len(symbols))
        elif chunk & 0x4000:
            symbols += _SYMBOLS[chunk & 0x3FFF]
        else:
            symbols += [chunk >> 13 - index & 1 for index in range(14)]
    del symbols[count:]
    return symbols, at
