"""What stands on a sheet of notes: each noted frame once, with what is drawn on it and what was said about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from rushes.annotation.v1.annotation_pb2 import ANNOTATION_KIND_COMMENT, Annotation
from rushes.exchange.notes import Notes

MAX_FRAMES: Final = 2_000
"""More on one sheet nobody reads."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a sheet says of itself."""

    project: str = ""
    asset: str = ""
    cut: str = ""
    person: str = ""
    """Who had it made."""
    made: str = ""
    """When, as people read it."""
    display_offset: int = 0
    """Number of the first frame as people see it."""
    internal: bool = False
    """It has notes that are not for clients."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A comment and its replies, by the time they were written."""

    comment: Annotation
    replies: Sequence[Annotation] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One frame."""

    frame: int
    drawings: Sequence[Annotation]
    """What shows on it, in drawing order."""
    threads: Sequence[Thread]


@dataclass(frozen=True, slots=True)
class Sheet:
    """All of it."""

    head: Head
    notes: Notes
    entries: Sequence[Entry] = field(default=())
    left_out: int = 0
    """Frames beyond MAX_FRAMES."""


def sheet(head: Head, notes: Notes) -> Sheet:
    """The sheet of notes, frame by frame."""
    threads = _threads([each for each in notes.annotations if each.kind == ANNOTATION_KIND_COMMENT])
    drawings = [each for each in notes.annotations if each.kind != ANNOTATION_KIND_COMMENT]
    by_frame: dict[int, list[Thread]] = {}
    for thread in threads:
        by_frame.setdefault(thread.comment.first_frame, []).append(thread)
    frames = sorted(by_frame.keys() | {each.first_frame for each in drawings})
    entries = [
        Entry(
            frame,
            [each for each in drawings if each.first_frame <= frame <= each.last_frame],
            by_frame.get(frame, []),
        )
        for frame in frames[:MAX_FRAMES]
    ]
    return Sheet(head, notes, entries, len(frames) - len(entries))


def _threads(comments: Sequence[Annotation]) -> list[Thread]:
    """Comments with their replies, and the replies to those. A reply whose comment is not there stands for itself."""
    roots = _roots(comments)
    replies: dict[bytes, list[Annotation]] = {}
    for each in comments:
        if roots[each.id] != each.id:
            replies.setdefault(roots[each.id], []).append(each)
    first = sorted((each for each in comments if roots[each.id] == each.id), key=_age)
    return [Thread(each, sorted(replies.get(each.id, ()), key=_age)) for each in first]


def _roots(comments: Sequence[Annotation]) -> dict[bytes, bytes]:
    """What the thread of each comment begins with. Where replies go round in a ring, one of them is it."""
    parents = {each.id: each.parent_id for each in comments}
    roots: dict[bytes, bytes] = {}
    for comment in parents:
        path = []
        at = comment
        while at in parents and at not in roots:
            roots[at] = at
            path.append(at)
            at = parents[at]
        root = roots.get(at, path[-1] if path else at)
        roots.update(dict.fromkeys(path, root))
    return roots


def _age(annotation: Annotation) -> tuple[int, bytes]:
    return annotation.created_ms, annotation.id
