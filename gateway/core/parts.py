"""Frames for many viewers who are written to in parts, one after the other: what each part lacks, and when its turn is.

While much comes, each frame is the sign for one part's turn. Where nothing came for a while, all parts have theirs one
behind the other. Pure: times are given, in seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Final

LEFT_S: Final = 0.060
"""While there is much to send, what comes next is not longer in coming."""
BUSY_S: Final = 0.070
"""After so long without frames there is not much to send."""
REST: Final = 0.25
"""So much of what a turn took passes before the next: what came meanwhile is read first."""


_KNOWN: Final = 8
"""So many sets of viewers take turns with frames: those of each lane."""


class _Group:
    """Viewers who get the same frames; who of them is in a part is found once, as long as they are the same."""

    __slots__ = ("_by_part", "_count", "members", "sessions")

    def __init__(self, sessions: Sequence[int], count: int) -> None:
        self.sessions = sessions
        self.members = frozenset(sessions)
        self._count = count
        self._by_part: dict[int, Sequence[int]] = {}

    def of(self, part: int) -> Sequence[int]:
        """Those of a part."""
        known = self._by_part.get(part)
        if known is None:
            count = self._count
            known = [each for each in self.sessions if each % count == part] if count > 1 else self.sessions
            self._by_part[part] = known
        return known


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A frame that not all have."""

    group: _Group
    frame: bytes


class Parts:
    """See the module. A viewer's part is told by its session's number, so all are of much the same size."""

    __slots__ = (
        "_added_at",
        "_begin",
        "_calm",
        "_frames",
        "_groups",
        "_next",
        "_rested_at",
        "_turn",
        "count",
        "due",
        "waiting_bytes",
    )

    def __init__(self) -> None:
        self.count = 1
        self.waiting_bytes = 0
        """Of frames that not all have."""
        self.due: float | None = None
        """When the next part's turn is; None: nobody lacks anything."""
        self._frames: list[_Waiting] = []
        self._begin = 0
        """The number of the first of these."""
        self._next = [0]
        """By part, the number of the first that it lacks."""
        self._groups: list[_Group] = []
        """The last ones, the newest first."""
        self._turn = -1
        self._added_at = self._rested_at = 0.0
        self._calm = True

    def divide(self, count: int) -> None:
        """From now on there are so many parts. Only while nobody lacks anything."""
        assert not self._frames
        self.count, self._next, self._turn = count, [self._begin] * count, -1
        self._groups.clear()

    def of(self, session: int) -> int:
        """The part that a viewer is in."""
        return session % self.count

    def busy(self, now: float) -> bool:
        """Whether frames come one soon after the other."""
        return now - self._added_at < BUSY_S

    def add(self, sessions: Sequence[int], frame: bytes, now: float) -> None:
        """One more."""
        self._frames.append(_Waiting(self._group(sessions), frame))
        self.waiting_bytes += len(frame)
        self._calm, self._added_at = not self.busy(now), now
        self.due = max(now, self._rested_at)

    def _group(self, sessions: Sequence[int]) -> _Group:
        for at, group in enumerate(self._groups):
            if len(group.sessions) == len(sessions) and group.sessions == sessions:
                if at:
                    self._groups.insert(0, self._groups.pop(at))
                return group
        self._groups.insert(0, _Group(sessions, self.count))
        del self._groups[_KNOWN:]
        return self._groups[0]

    def took_turn(self, began: float, now: float) -> None:
        """A part had its turn, from then until now."""
        self._calm = self._calm or began - self._added_at >= LEFT_S
        self._rested_at = now if self._calm else now + REST * (now - began)
        if self._frames:
            self.due = now if self._calm else self._added_at + LEFT_S

    def lacks(self, session: int) -> bool:
        """Whether a frame for this viewer waits."""
        waiting = self._frames[self._next[self.of(session)] - self._begin :] if self._frames else ()
        return any(session in each.group.members for each in waiting)

    def waiting(self) -> set[int]:
        """For whom a frame waits."""
        found = set[int]()
        for part in range(self.count):
            for sessions, _ in self._lacking(part):
                found.update(sessions)
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
        found = self._lacking(part)
        self._next[part] = self._begin + len(self._frames)
        done = min(self._next) - self._begin
        self.waiting_bytes -= sum(len(each.frame) for each in self._frames[:done])
        del self._frames[:done]
        self._begin += done
        if not self._frames:
            self.due = None
        return found

    def _lacking(self, part: int) -> list[tuple[Sequence[int], list[bytes]]]:
        waiting = self._frames[self._next[part] - self._begin :]
        together = groupby(waiting, attrgetter("group"))
        return [(group.of(part), [each.frame for each in frames]) for group, frames in together]
