"""Server time: UTC milliseconds that never go back and are slewed, not stepped, when the machine's clock is."""

import time
from collections.abc import Callable

SLEW_MS_PER_S = 0.5


class Clock:
    """Wall clock at start plus monotonic time since, drawn towards the wall clock by at most 0.5 ms a second."""

    def __init__(
        self, *, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._at = monotonic()
        self._ms = wall() * 1000
        self._last = int(self._ms)

    def now_ms(self) -> int:
        """UTC milliseconds."""
        at = self._monotonic()
        passed_s = at - self._at
        self._at = at
        self._ms += passed_s * 1000
        off_ms = self._wall() * 1000 - self._ms
        room_ms = SLEW_MS_PER_S * passed_s
        self._ms += max(-room_ms, min(room_ms, off_ms))
        self._last = max(self._last, int(self._ms))
        return self._last
