"""The history port: what became of every record, kept for good. The log is the truth until projected, then this is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rushes.errors import Unavailable
from svc_annotation.core.row import HistoryRow


class HistoryDiverged(Unavailable):
    """A row is there already and says something else: two folds of one log disagree, or the log was exchanged."""

    reason = "HISTORY_DIVERGED"


class HistoryUnavailable(Unavailable):
    """The engine cannot be reached, or does not do its work now. It says nothing about what is stored."""

    reason = "HISTORY_UNAVAILABLE"


class HistoryLost(HistoryUnavailable):
    """What is there now is not the history that this instance began with: it was lost, or exchanged. Nothing may be
    built on both; who begins anew goes on with the new one, which is written again from the log.
    """

    reason = "HISTORY_LOST"


class HistoryGap(Unavailable):
    """The rows of a video are not contiguous, so no state can be built from them."""

    reason = "HISTORY_GAP"


@dataclass(frozen=True, slots=True)
class LandedCommit:
    """A commit as both audiences read it."""

    revision: int
    commit: bytes
    client_commit: bytes | None


@dataclass(frozen=True, slots=True)
class Head:
    """The last row of a video."""

    ordinal: int
    epoch: int
    offset: int


class History(Protocol):
    """Append-only, until a video is removed for good. One row for each record of a video, by ordinal, and one for each
    change of an annotation.

    Order: the rows of one video are contiguous from ordinal 0. Atomicity: positions are never there without the rows
    before them, and writing the same rows again changes nothing; of a bulk that contradicts what is there, nothing is
    written. Durability: what `write` returned for survives a crash of the process and of the machine; a crash before
    may lose or keep any of its rows. Any call may raise HistoryUnavailable.
    """

    async def epoch(self) -> int:
        """Incarnation of the log, from 1."""
        ...

    async def positions(self) -> dict[int, int]:
        """By partition the offset from which the log is not projected yet; partitions never written are left out."""
        ...

    async def begin_epoch(self, ends: Mapping[int, int]) -> int:
        """Raises the epoch by one and sets these partitions' positions: the log was exchanged. Returns the new one."""
        ...

    async def write(self, positions: Mapping[int, int], rows: Sequence[HistoryRow]) -> None:
        """Writes rows, each video's in order, and positions of partitions after them.

        Raises HistoryDiverged, which names the video in its metadata.
        """
        ...

    async def head(self, video_id: int) -> Head | None:
        """The last row of a video; None: it has none."""
        ...

    async def rows(self, video_id: int, first_ordinal: int, limit: int) -> Sequence[HistoryRow]:
        """Rows from an ordinal on, with their changes, as many as fit in a few MiB. Raises HistoryGap."""
        ...

    async def commits(self, video_id: int, after_revision: int, limit: int) -> Sequence[LandedCommit]:
        """Applied batches after a revision, in order, as many as fit in a few MiB. Raises HistoryGap."""
        ...

    async def remove_some(self, video_id: int) -> bool:
        """Lets go of some of all that a video has, rows first and the newest of them: what is left is contiguous. Says
        whether there was anything: then again.
        """
        ...

    async def removed_to(self) -> int:
        """See `mesh.purged.Place`."""
        ...

    async def set_removed_to(self, number: int) -> None:
        """See `mesh.purged.Place`."""
        ...

    async def close(self) -> None:
        """Finishes what was begun and lets go of the store."""
        ...
