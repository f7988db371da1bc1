"""The past port: what history has of any moment, found without replay."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from svc_annotation.stores.history import LandedCommit


class Place(NamedTuple):
    """Where an annotation stands in the drawing order."""

    order_revision: int
    order_index: int


START = Place(-1, -1)
"""Before the first."""


class Frames(NamedTuple):
    """A range of frames, both ends in it."""

    first: int
    last: int


class StateAt(NamedTuple):
    """An annotation as it was at a moment."""

    place: Place
    annotation_id: bytes
    revision: int
    """The revision that made it so."""
    internal: bool
    """The client audience might not read it then."""
    state: bytes
    """A serialised AnnotationState."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When a revision was made; revision 0 was at 0."""

    revision: int
    time_ms: int


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which commits are looked for. Revisions: later than `after`, up to `to`."""

    after: int
    to: int
    client: bool
    """Looked for by the client audience: what is internal does not count."""
    frames: Frames | None = None
    person_id: str = ""
    newest_first: bool = False


class Past(Protocol):
    """Reads of what `History.write` has put in; of what is not written yet it knows nothing.

    The cost of each read depends on how many annotations a video has and on what is returned, not on how many changes
    there were or how long ago the moment is.
    """

    async def moment(self, video_id: int, revision: int) -> Moment:
        """When a revision was made. Raises HistoryGap if it is not there."""
        ...

    async def moment_at(self, video_id: int, time_ms: int) -> Moment:
        """The last revision that was made at a time or before it."""
        ...

    async def states(
        self,
        video_id: int,
        revision: int,
        *,
        after: Place,
        limit: int,
        since: int = 0,
        frames: Frames | None = None,
        annotation_ids: Collection[bytes] | None = None,
    ) -> Sequence[StateAt]:
        """States at a revision in drawing order, as many as fit in a few MiB; of these annotations, if they are named.

        Of those that `revision` has, only what changed after `since`. `frames` leaves out what never showed there;
        what is left may still have shown elsewhere at the moment.
        """
        ...

    async def find(self, video_id: int, criteria: Criteria, limit: int) -> Sequence[LandedCommit]:
        """Commits by what they touched and by whom, in order, as many as fit in a few MiB.

        By `frames`: commits after which an annotation that they touched, and that the audience might read then, was on
        one of these frames.
        """
        ...
