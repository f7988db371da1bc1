"""Numbers that go on without holes for a receiver who is not sent everything."""

from collections import deque
from typing import Final

KEPT: Final = 512
"""How far behind the newest a number may be and still be known to have come before others that were left out."""


class Numbering:
    """See the module. `span` is where numbers go round; `offset` from theirs to ours, of what is newest: where nothing
    was left out lately, of all, and nobody has to ask.
    """

    def __init__(self, span: int) -> None:
        self.offset = 0
        self._span = span
        self.left_out: deque[int] = deque(maxlen=KEPT)

    def begin(self, number: int, ours: int) -> None:
        """From this number on; it is known as `ours`."""
        self.offset = ours - number
        self.left_out.clear()

    def leave_out(self, number: int) -> None:
        """The newest number is not sent: what follows takes its place."""
        self.offset -= 1
        self.left_out.append(number)

    def ours(self, number: int) -> int:
        """What a number is known as; of one that is late, the place that was kept for it."""
        left_out = self.left_out
        if not left_out:
            return (number + self.offset) % self._span
        late, half = 0, self._span // 2
        for each in reversed(left_out):
            ahead = (each - number) % self._span
            if not 0 < ahead < half:
                break
            late += 1
        if not late and (number - left_out[-1]) % self._span > KEPT:
            left_out.clear()  # before they look new again
        return (number + self.offset + late) % self._span
