"""Which numbers of datagrams came already (RFC 4303, 3.4.3), so that nobody sends them a second time."""

from typing import Final

WIDTH: Final = 1_024


class Window:
    """See the module. What lies further back than its width counts as seen."""

    def __init__(self) -> None:
        self._highest = -1
        self._seen = 0
        """A bit for each of the last numbers, the newest lowest."""

    def fresh(self, number: int) -> bool:
        """Whether a number did not come before."""
        behind = self._highest - number
        return behind < 0 or (behind < WIDTH and not self._seen >> behind & 1)

    def take(self, number: int) -> None:
        """It came."""
        ahead = number - self._highest
        if ahead <= 0:
            self._seen |= 1 << -ahead
            return
        self._seen = (self._seen << ahead | 1) & (1 << WIDTH) - 1 if ahead < WIDTH else 1
        self._highest = number
