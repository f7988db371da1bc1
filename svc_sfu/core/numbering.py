"""Numbers that go round: without holes for a receiver who is not sent everything, and what is late of them."""

from collections import deque
from typing import Final

KEPT: Final = 512
"""How far behind the newest a number may be and still be known to have come before others that were left out, and
how far behind any other it may be and still be taken as late."""


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

    def went_on(self, number: int, count: int) -> None:
        """So many numbers passed without being asked about, the last of them this one."""
        if self.left_out and (count > KEPT or (number - self.left_out[-1]) % self._span > KEPT):
            self.left_out.clear()

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


class Since:
    """From which number on something holds. They go round: long after it, nothing comes of before it any more."""

    def __init__(self) -> None:
        self.number: int | None = None

    def begin(self, number: int | None) -> None:
        """It holds from this number on; None: for all."""
        self.number = number

    def went_on(self, number: int, span: int, count: int) -> None:
        """So many numbers passed without being asked about, the last of them this one."""
        if self.number is not None and (count > span // 4 or (number - self.number) % span > span // 4):
            self.number = None

    def is_after(self, number: int, span: int) -> bool:
        """Whether what has this number is of before it, and late. To be asked about all that comes."""
        if self.number is None:
            return False
        if 0 < (self.number - number) % span <= KEPT:
            return True
        if (number - self.number) % span > span // 4:
            self.number = None
        return False
