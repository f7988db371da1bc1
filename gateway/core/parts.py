"""Frames for many viewers who are written to in parts, one part after the other: what each part lacks. Pure."""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

Frame = tuple[Sequence[int], bytes]
"""To whom, and what."""


class Parts:
    """See the module. A viewer's part is told by its session's number, so all are of much the same size."""

    __slots__ = ("_begin", "_frames", "_next", "_turn", "count", "waiting_bytes")

    def __init__(self, count: int = 1) -> None:
        self.count = count
        self.waiting_bytes = 0
        """Of frames that not all have."""
        self._frames: list[Frame] = []
        self._begin = 0
        """The number of the first of these."""
        self._next = [0] * count
        """By part, the number of the first that it lacks."""
        self._turn = -1

    def of(self, session: int) -> int:
        """The part that a viewer is in."""
        return session % self.count

    def add(self, sessions: Sequence[int], frame: bytes) -> None:
        """One more."""
        self._frames.append((sessions, frame))
        self.waiting_bytes += len(frame)

    def lacks(self, session: int) -> bool:
        """Whether a frame for this viewer waits."""
        if not self._frames:
            return False
        waiting = self._frames[self._next[self.of(session)] - self._begin :]
        return any(session in sessions for sessions, _ in waiting)

    def waiting(self) -> set[int]:
        """For whom a frame waits."""
        found = set[int]()
        for part in range(self.count):
            for sessions, _ in groupby(self._frames[self._next[part] - self._begin :], itemgetter(0)):
                found.update(self._mine(part, sessions))
        return found

    def next(self) -> int:
        """Whose turn it is now: of those who lack something, who has waited longest."""
        end = self._begin + len(self._frames)
        for _ in range(self.count):
            self._turn = (self._turn + 1) % self.count
            if self._next[self._turn] < end:
                break
        return self._turn

    def take(self, part: int) -> list[tuple[Sequence[int], list[bytes]]]:
        """All that a part lacks, in order: frames that are for the same viewers together, with those of the part."""
        waiting = self._frames[self._next[part] - self._begin :]
        self._next[part] = self._begin + len(self._frames)
        done = min(self._next) - self._begin
        self.waiting_bytes -= sum(len(frame) for _, frame in self._frames[:done])
        del self._frames[:done]
        self._begin += done
        found = []
        for sessions, frames in groupby(waiting, itemgetter(0)):
            found.append((self._mine(part, sessions), [frame for _, frame in frames]))
        return found

    def _mine(self, part: int, sessions: Sequence[int]) -> Sequence[int]:
        count = self.count
        return sessions if count == 1 else [session for session in sessions if session % count == part]
