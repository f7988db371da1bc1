"""When a socket is asked whether somebody is there, and when nobody is believed to be. Pure.

Whoever has been saying something and falls silent is asked soon, since others see their pointer; whoever has nothing to
say is asked rarely, since there may be many of them.
"""

from typing import Final

TALKING_S: Final = 10.0
"""After so much silence, somebody who has been talking is asked ..."""
TALKING_GONE_S: Final = 15.0
"""... and after so much is gone."""
IDLE_S: Final = 54.0
"""The same for who has nothing to say but answers: middleboxes forget connections that are silent for a minute ..."""
IDLE_GONE_S: Final = 60.0


class Pulse:
    """Of one socket."""

    __slots__ = ("_asked", "_heard_at", "_talking")

    def __init__(self, now: float) -> None:
        self._heard_at = now
        self._talking = False
        self._asked = False

    def said(self, now: float) -> bool:
        """Somebody said something. True: `due` is earlier than it was."""
        earlier = not self._talking
        self._heard_at, self._talking, self._asked = now, True, False
        return earlier

    def answered(self, now: float) -> None:
        """Somebody answered, or showed in another way that they are there."""
        if self._asked:
            self._talking = False
        self._heard_at, self._asked = now, False

    def due(self) -> float:
        """When to look next."""
        if self._asked:
            return self._heard_at + (TALKING_GONE_S if self._talking else IDLE_GONE_S)
        return self._heard_at + (TALKING_S if self._talking else IDLE_S)

    def gone(self, now: float) -> bool:
        """Whether nobody is there any more; to be asked once it is `due`."""
        return self._asked and now >= self.due()

    def ask(self, now: float) -> bool:
        """Whether somebody is to be asked now."""
        if self._asked or now < self.due():
            return False
        self._asked = True
        return True
