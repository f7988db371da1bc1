"""Spreads what one receiver is sent over time, where its way is known to be narrow: a keyframe at once would fill it.

There is no timer for each packet: what waits is asked for every few milliseconds.
"""

from collections import deque
from typing import Any, Final

from svc_sfu.core.congestion import Congestion

TIMES: Final = 2.5
"""So much quicker than the estimate: pictures are of different sizes, and the estimate is of their mean."""
AT_ONCE_S: Final = 0.005
"""What takes no longer than this goes at once."""
MAX_WAIT_S: Final = 0.200
"""What would wait longer goes at once: a queue here is no better than one on the way."""
MAX_PACKETS: Final = 512


class Pacer:
    """See the module. What waits has no number on the transport yet: it would look lost to who is sent a later one."""

    def __init__(self, estimate_bps: float) -> None:
        self.rate_bps = TIMES * estimate_bps
        self._free_s = 0.0
        """When the way has taken what was sent."""
        self._waiting: deque[tuple[Any, int]] = deque()
        """Packets and their sizes."""
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def told(self, estimate_bps: float) -> None:
        """The estimate is another."""
        self.rate_bps = TIMES * estimate_bps

    def add(self, packet: Any, size_bytes: int, now_s: float, *, first: bool = False) -> bool:
        """Whether a packet goes now; otherwise it waits. What goes `first` (sound) never does."""
        if first or (not self._waiting and self._free_s - now_s <= AT_ONCE_S):
            self._goes(size_bytes, now_s)
            return True
        self._waiting.append((packet, size_bytes))
        self._bytes += size_bytes
        return False

    def lets(self, size_bytes: int, now_s: float) -> bool:
        """Whether several packets, so large together, go now; otherwise they are to be added one by one."""
        takes_s = max(0.0, self._free_s - now_s) + 8 * size_bytes / self.rate_bps
        goes = not self._waiting and takes_s <= AT_ONCE_S
        if goes:
            self._goes(size_bytes, now_s)
        return goes

    def due(self, now_s: float) -> list[Any]:
        """What goes now, in its order."""
        found = []
        while self._waiting and (self._free_s - now_s <= AT_ONCE_S or self._full()):
            packet, size_bytes = self._waiting.popleft()
            self._bytes -= size_bytes
            self._goes(size_bytes, now_s)
            found.append(packet)
        return found

    def rest(self) -> list[Any]:
        """All that waits: the way is not narrow any more."""
        found = [packet for packet, _ in self._waiting]
        self._waiting.clear()
        self._bytes = 0
        return found

    def _full(self) -> bool:
        return len(self._waiting) > MAX_PACKETS or 8 * self._bytes > MAX_WAIT_S * self.rate_bps

    def _goes(self, size_bytes: int, now_s: float) -> None:
        self._free_s = max(self._free_s, now_s) + 8 * size_bytes / self.rate_bps


def paced(pacer: Pacer | None, congestion: Congestion | None, now_s: float) -> Pacer | None:
    """The pacer of a receiver from now on; None: its way showed no end lately."""
    if congestion is None or not congestion.limited(now_s):
        return None
    if pacer is None:
        return Pacer(congestion.bps)
    pacer.told(congestion.bps)
    return pacer
