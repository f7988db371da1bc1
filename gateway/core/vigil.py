"""When a server that calls wait for is asked whether it is still there, and when it is not. Pure.

gRPC servers end the connection of whoever asks too often: the first question after something that they said is free,
then a few, then one in five minutes (`grpc.http2.min_ping_interval_without_data_ms`). So silence is asked about soon,
once more later, and from then on rarely.
"""

import enum
from typing import Final

TICK_S: Final = 1.0
"""Silence is counted by looking, not by the clock: whoever was kept from looking heard nothing for that reason."""
QUIET_TICKS: Final = (3, 15, 310)
"""Silence before the first question, the second and all others."""
GONE_TICKS: Final = 5
"""Silence after a question."""


class Sight(enum.Enum):
    """What is to be done."""

    WELL = enum.auto()
    ASK = enum.auto()
    GONE = enum.auto()


class Vigil:
    """Over one connection; `look` comes every TICK_S for as long as calls wait."""

    __slots__ = ("_asked", "_questions", "_silent")

    def __init__(self) -> None:
        self._silent = 0
        self._asked = False
        self._questions = 0

    def begin(self) -> None:
        """Calls wait again: the silence before was nobody's fault."""
        self._silent = 0
        self._asked = False

    def look(self, *, heard: bool, answered: bool) -> Sight:
        """`heard`: bytes have come since the last look; `answered`: some of a call were among them."""
        if answered:
            self._questions = 0
        if heard:
            self.begin()
            return Sight.WELL
        self._silent += 1
        if self._asked:
            return Sight.GONE if self._silent >= GONE_TICKS else Sight.WELL
        if self._silent < QUIET_TICKS[min(self._questions, len(QUIET_TICKS) - 1)]:
            return Sight.WELL
        self._questions += 1
        self._silent = 0
        self._asked = True
        return Sight.ASK
