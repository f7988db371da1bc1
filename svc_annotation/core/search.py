"""What a person types to find notes: `frame:1234 author:ann tag:colour before:2026-11-20 words`.

The notes of a video are in memory, so each is looked at: there is no index to fall behind, and a part of a word is
found in any script.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from unicodedata import normalize

from rushes.annotation.v1.annotation_pb2 import Annotation, AnnotationKind
from rushes.errors import InvalidArgument

MAX_QUERY: Final = 512
MAX_FRAME: Final = (1 << 32) - 1

_TERM: Final = re.compile(r'(?:(\w+):)?(?:"([^"]*)"|(\S*))')
_FRAMES: Final = re.compile(r"(\d{1,10})(?:-(\d{1,10}))?")


class QueryInvalid(InvalidArgument):
    """A term of a query that cannot be understood."""

    reason = "INVALID_QUERY"


def fold(text: str) -> str:
    """A text without what makes no difference to who looks for it: case, width, and how its marks are put together."""
    return text.casefold() if text.isascii() else normalize("NFKC", normalize("NFKC", text).casefold())


@dataclass(slots=True)
class Query:
    """What is looked for: all of it must hold."""

    words: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    authors: list[str] = field(default_factory=list)
    """Parts of names or whole ids, of any of which the author must have one."""
    kinds: list[int] = field(default_factory=list)
    frames: tuple[int, int] | None = None
    from_ms: int = 0
    to_ms: int | None = None
    resolved: bool | None = None

    def matches(self, annotation: Annotation, authors: Collection[str]) -> bool:
        """Whether an annotation is what is looked for. `authors`: ids of those that `authors` mean."""
        return (
            (not self.authors or annotation.author_id in authors)
            and (not self.kinds or annotation.kind in self.kinds)
            and (self.resolved is None or annotation.resolved == self.resolved)
            and self._when_and_where(annotation)
            and self._says(annotation)
        )

    def means_author(self, person_id: str, name: str) -> bool:
        """Whether one of the names looked for is this person's."""
        folded = fold(name)
        return any(wanted == fold(person_id) or wanted in folded for wanted in self.authors)

    def _when_and_where(self, annotation: Annotation) -> bool:
        if self.frames is not None and (
            annotation.last_frame < self.frames[0] or annotation.first_frame > self.frames[1]
        ):
            return False
        return annotation.created_ms >= self.from_ms and (self.to_ms is None or annotation.created_ms < self.to_ms)

    def _says(self, annotation: Annotation) -> bool:
        if not self.words and not self.tags:
            return True
        if not annotation.text and not annotation.tags:
            return False
        tags = [fold(tag) for tag in annotation.tags]
        if any(wanted not in tags for wanted in self.tags):
            return False
        text = fold(annotation.text)
        return all(word in text or any(word in tag for tag in tags) for word in self.words)


def parse(typed: str) -> Query:
    """The query that a person typed. Raises QueryInvalid."""
    if len(typed) > MAX_QUERY:
        raise QueryInvalid(f"a query has {MAX_QUERY} characters at most")
    query = Query()
    for name, quoted, plain in _TERM.findall(typed):
        value = fold(quoted or plain)
        if name.casefold() in _TERMS:
            if value:
                _TERMS[name.casefold()](query, value)
        elif name or value:
            query.words.append(f"{fold(name)}:{value}" if name else value)
    return query


def _frame(query: Query, value: str) -> None:
    found = _FRAMES.fullmatch(value)
    if found is None:
        raise QueryInvalid("frame: is followed by a number, or by two with - between")
    first = int(found[1])
    last = int(found[2]) if found[2] else first
    if last < first or last > MAX_FRAME:
        raise QueryInvalid("there are no such frames")
    query.frames = (first, last)


def _day_ms(value: str, days: int) -> int:
    try:
        day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=days)
    except (ValueError, OverflowError) as error:
        raise QueryInvalid("a day is written as 2026-11-20") from error
    return int(day.timestamp() * 1000)


def _before(query: Query, value: str) -> None:
    query.to_ms = _day_ms(value, 0)


def _after(query: Query, value: str) -> None:
    query.from_ms = _day_ms(value, 1)


def _kind(query: Query, value: str) -> None:
    name = f"ANNOTATION_KIND_{value.upper()}"
    if name not in AnnotationKind.keys() or value == "unspecified":  # noqa: SIM118 - not a mapping
        raise QueryInvalid("kind: is stroke, line, arrow, rect, ellipse, text or comment")
    query.kinds.append(AnnotationKind.Value(name))


def _state(query: Query, value: str) -> None:
    if value not in ("open", "resolved"):
        raise QueryInvalid("is: is followed by open or resolved")
    query.resolved = value == "resolved"


_TERMS: Final = {
    "frame": _frame,
    "author": lambda query, value: query.authors.append(value),
    "tag": lambda query, value: query.tags.append(value),
    "kind": _kind,
    "before": _before,
    "after": _after,
    "is": _state,
}
