"""Lanes: what all readers of one kind receive. {internal, client} x {full, numbered, merged}; encoded once for all.

On the full lane every commit comes, and `progress` in the place of one that the audience may not read. The numbered
lane is a full one whose commits say a number in the place of who made them. On the merged lane each annotation touched
comes as it is at the frame's last revision.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from svc_annotation.core import frame
from svc_annotation.core.authors import Authors
from svc_annotation.core.landed import Audience, Landed, Recent

MAX_FRAME_BYTES: Final = 1024 * 1024
_CACHED: Final = 32


class LaneKey(NamedTuple):
    """Which lane."""

    audience: Audience
    merged: bool
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """Takes a reader from a revision to a later one."""

    from_revision: int
    to_revision: int
    payload: bytes
    """A serialised CollaborateResponse."""
    authors: bytes = b""
    """Whom it names (see `Authors`)."""


def full_frames(
    head: int, batches: Iterable[Landed], audience: Audience, authors: Authors | None = None
) -> list[Frame]:
    """Frames of every commit that an audience may read, from revision `head` on; with `authors`, numbered."""
    frames: list[Frame] = []
    commits: list[bytes] = []
    start = at = head
    hidden = False
    size_bytes = 0
    for landed in batches:
        commit = landed.commit
        if landed.client_commit is not None:
            commit = landed.commit_for(audience)
        turns = hidden == bool(commit)
        if at > start and (turns or (commit and size_bytes + len(commit) > MAX_FRAME_BYTES)):
            frames.append(_full_frame(start, at, commits, authors))
            start, commits, size_bytes = at, [], 0
        at, hidden = landed.revision, not commit
        if commit:
            commits.append(commit if authors is None else authors.brief(at, commit))
            size_bytes += len(commit)
    if at > start:
        frames.append(_full_frame(start, at, commits, authors))
    return frames


def _full_frame(start: int, at: int, commits: list[bytes], authors: Authors | None) -> Frame:
    if not commits:
        return Frame(start, at, frame.progress(at))
    named = authors.take_new() if authors is not None else b""
    return Frame(start, at, frame.committed(commits, named), named)


def merged_frames(head: int, batches: Iterable[Landed], audience: Audience) -> list[Frame]:
    """Frames of the states that an audience sees of what was touched, from revision `head` on.

    A batch whose states alone are more than a frame holds goes as a commit: that is always smaller.
    """
    frames: list[Frame] = []
    states: dict[bytes, bytes] = {}
    start = at = head
    size_bytes = 0
    for landed in batches:
        shown = dict(landed.states_for(audience))
        weight = sum(map(len, shown.values()))
        if at > start and size_bytes + weight > MAX_FRAME_BYTES:
            frames.append(_merged_frame(start, at, states))
            start, states, size_bytes = at, {}, 0
        at = landed.revision
        if weight > MAX_FRAME_BYTES:
            frames += full_frames(start, [landed], audience)
            start = at
            continue
        for annotation_id, encoded in shown.items():
            size_bytes += len(encoded) - len(states.get(annotation_id, b""))
            states[annotation_id] = encoded
    if at > start:
        frames.append(_merged_frame(start, at, states))
    return frames


def _merged_frame(start: int, at: int, states: dict[bytes, bytes]) -> Frame:
    return Frame(start, at, frame.merged(start, at, states.values()) if states else frame.progress(at))


class Lanes:
    """Frames of the newest batches, each encoded once however many readers are at the same place."""

    def __init__(self, recent: Recent) -> None:
        self._recent = recent
        self._cache: OrderedDict[tuple[Audience, bool, int, int], list[Frame]] = OrderedDict()

    def frames(self, audience: Audience, merged: bool, after: int, to: int) -> list[Frame]:
        """Frames from one revision, which must be held by `Recent`, to another."""
        if after >= to:
            return []
        key = (audience, merged, after, to)
        frames = self._cache.get(key)
        if frames is None:
            batches = islice(self._recent.since(after), to - after)
            frames = (merged_frames if merged else full_frames)(after, batches, audience)
            self._cache[key] = frames
            if len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        return frames
