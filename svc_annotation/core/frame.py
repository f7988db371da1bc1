"""Server messages for many, put together from parts that are encoded already: serialised CollaborateResponse."""

from collections.abc import Iterable

from rushes.document.wire import field, number_field, repeated, repeated_delimited, set_number_field

_SNAPSHOT_PART, _COMMITTED, _MERGED, _PRESENCE, _PROGRESS = 2, 3, 4, 7, 8


def committed(commits: Iterable[bytes], authors: bytes = b"") -> bytes:
    """Of serialised Commits, in order, and whom they name (see `authors.Authors`)."""
    return field(_COMMITTED, authors + repeated(1, commits))


def merged(from_revision: int, to_revision: int, states: Iterable[bytes]) -> bytes:
    """Of serialised AnnotationStates."""
    payload = number_field(1, from_revision) + number_field(2, to_revision) + repeated(3, states)
    return field(_MERGED, payload)


def snapshot_part(revision: int, index: int, last: bool, states: Iterable[bytes]) -> bytes:
    """Of serialised AnnotationStates, delimited."""
    head = number_field(1, revision) + number_field(2, index) + number_field(3, int(last))
    return field(_SNAPSHOT_PART, head + repeated_delimited(4, states))


def presence(people: Iterable[bytes], more: int) -> bytes:
    """Of serialised PresentPersons."""
    return field(_PRESENCE, repeated(1, people) + number_field(2, more))


def progress(revision: int) -> bytes:
    """Nothing for this audience up to a revision."""
    return set_number_field(_PROGRESS, revision)
