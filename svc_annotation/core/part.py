"""A document in parts of at most 1 MiB, all of one revision: for snapshots on streams and for pages."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from typing import Final

from rushes.document.wire import PART_BYTES, cut
from rushes.errors import Conflict
from svc_annotation.core import frame
from svc_annotation.core.encoded import Encoded
from svc_annotation.core.landed import Audience

MAX_PAGED: Final = 16
PAGED_S: Final = 120.0


def nearest_first(states: Iterable[Encoded], frame_number: int) -> list[Encoded]:
    """The states by how far their frames are from one frame; as near, in drawing order."""

    def distance(state: Encoded) -> int:
        return max(state.first_frame - frame_number, frame_number - state.last_frame, 0)

    return sorted(states, key=distance)


def by_frame(states: Iterable[Encoded]) -> list[Encoded]:
    """The states by their first frame; on one frame in drawing order."""
    return sorted(states, key=attrgetter("first_frame"))


def pieces(states: Iterable[Encoded], limit_bytes: int = PART_BYTES) -> Iterator[list[bytes]]:
    """The states, delimited, in pieces that fit; at least one piece."""
    return cut((state.delimited for state in states), limit_bytes)


def snapshot_parts(revision: int, states: Iterable[Encoded]) -> Iterator[tuple[int, bool, bytes]]:
    """Index, whether it is the last, and a serialised CollaborateResponse for each part; encoded one at a time."""
    waiting: list[bytes] | None = None
    index = 0
    for piece in pieces(states):
        if waiting is not None:
            yield index, False, frame.snapshot_part(revision, index, False, waiting)
            index += 1
        waiting = piece
    yield index, True, frame.snapshot_part(revision, index, True, waiting or [])


class PageExpired(Conflict):
    """The first page was asked for too long ago, or of other rights: begin with the first page again."""

    reason = "PAGE_EXPIRED"


@dataclass(frozen=True, slots=True)
class Paged:
    """A document as it was when its first page was read."""

    video_id: int
    person_id: str
    audience: Audience
    revision: int
    states: Sequence[Encoded]
    expires: float


@dataclass(frozen=True, slots=True)
class Page:
    """A page: states, delimited, and where the next one begins (None: this was the last)."""

    revision: int
    states: list[bytes]
    next_token: str


class Pages:
    """The documents that are being paged through: few, for a while."""

    def __init__(self, new_name: Callable[[], str]) -> None:
        self._new_name = new_name
        self._paged: OrderedDict[str, Paged] = OrderedDict()

    def first(self, paged: Paged) -> Page:
        """The first page; what follows is kept only if there is more."""
        return self._page("", paged, 0)

    def next(self, token: str, video_id: int, person_id: str, audience: Audience, now: float) -> Page:
        """The page that a token asks for. Raises PageExpired."""
        name, _, start = token.partition(".")
        paged = self._paged.get(name)
        if (
            paged is None
            or not start.isdecimal()
            or len(start) > 9
            or paged.expires < now
            or (paged.video_id, paged.person_id, paged.audience) != (video_id, person_id, audience)
        ):
            raise PageExpired("this page is not kept any more: begin with the first one")
        return self._page(name, paged, int(start))

    def expire(self, now: float) -> None:
        """Forgets what is too old."""
        for name in [name for name, paged in self._paged.items() if paged.expires < now]:
            del self._paged[name]

    def _page(self, name: str, paged: Paged, start: int) -> Page:
        states = next(pieces(islice(paged.states, start, None)))
        end = start + len(states)
        if end >= len(paged.states):
            return Page(paged.revision, states, "")
        if not name:
            name = self._new_name()
            self._paged[name] = paged
            while len(self._paged) > MAX_PAGED:
                self._paged.popitem(last=False)
        return Page(paged.revision, states, f"{name}.{end}")
