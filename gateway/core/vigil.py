"""When a server that calls wait for is asked whether it is still there, and when it is not. Pure.

gRPC servers end the connection of whoever asks too often: the first question after something that they said is free,
then a few, then one in five minutes (`grpc.http2.min_ping_interval_without_data_ms`). So silence is asked about soon,
once more later, and from then on rarely. A call that begins in the midst of silence has the second question soon too.
Once that is used up such a connection is doubted: to open another is a question that may be asked at any time. Where
only streams wait, which may be quiet for long, that question is asked now and then.
"""

import enum
from typing import Final

TICK_S: Final = 1.0
"""Silence is counted by looking, not by the clock: whoever was kept from looking heard nothing for that reason."""
QUIET_TICKS: Final = (3, 15, 310)
"""Silence before the first question, the second and all others."""
CALL_TICKS: Final = QUIET_TICKS[0]
"""Silence that a call waits for when it begins in the midst of it."""
PROBE_TICKS: Final = 60
"""Silence in which nothing was asked, of streams that wait."""
GONE_TICKS: Final = 5
"""Silence after a question."""


class Sight(enum.Enum):
    """What is to be done."""

    WELL = enum.auto()
    ASK = enum.auto()
    DOUBT = enum.auto()
    """A call waits that cannot be asked for: others had better go elsewhere until something is heard."""
    PROBE = enum.auto()
    """Nothing may be asked here for long: another connection is to show whether the server is there."""
    GONE = enum.auto()


class Vigil:
    """Over one connection; `look` comes every TICK_S for as long as calls wait."""

    __slots__ = ("_asked", "_called", "_probed", "_questions", "_silent", "_waited")

    def __init__(self) -> None:
        self._silent = 0
        self._probed = 0
        """How long the silence was when another connection was asked for."""
        self._asked = False
        self._questions = 0
        self._called = False
        """A call began since the last look."""
        self._waited: int | None = None
        """Silence since a call began."""

    def begin(self) -> None:
        """Calls wait again: the silence before was nobody's fault."""
        self._silent = self._probed = 0
        self._asked = False
        self._waited = None

    def called(self) -> None:
        """A call begins."""
        self._called = True

    def look(self, *, heard: bool, answered: bool) -> Sight:
        """`heard`: bytes have come since the last look; `answered`: some of a call were among them."""
        if answered:
            self._questions = 0
        if heard:
            self.begin()
        if self._called and self._waited is None:
            self._waited = 0  # what was heard may have come before that call
        self._called = False
        if heard:
            return Sight.WELL
        self._silent += 1
        if self._waited is not None:
            self._waited += 1
        if self._asked:
            return Sight.GONE if self._silent >= GONE_TICKS else Sight.WELL
        waited = self._waited is not None and self._waited >= CALL_TICKS
        if self._questions < len(QUIET_TICKS) - 1:
            return self._ask() if waited or self._silent >= QUIET_TICKS[self._questions] else Sight.WELL
        return self._ask() if self._silent >= QUIET_TICKS[-1] else self._elsewhere(waited=waited)

    def _elsewhere(self, *, waited: bool) -> Sight:
        """Nothing more may be asked here for a while."""
        if not waited and self._silent - self._probed < PROBE_TICKS:
            return Sight.WELL
        self._probed = self._silent
        if not waited:
            return Sight.PROBE
        self._waited = None
        return Sight.DOUBT

    def _ask(self) -> Sight:
        self._questions += 1
        self._silent = self._probed = 0
        self._asked = True
        return Sight.ASK
