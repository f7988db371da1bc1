"""Who made a commit, said once: a lane names each author, then says a number in the place of what nothing can pack.

The number is the revision of the commit that named the author. A revision has one author, so within an epoch a number
never means two, whichever instance chose it and whatever was forgotten since.
"""

from typing import Final

from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1.operation_pb2 import Commit
from rushes.document.wire import LENGTH, VARINT, repeated, tag, varint

MAX_AUTHORS: Final = 4096
"""Of more, all are forgotten and named anew: so whoever reads along keeps a bounded number of them."""
_PERSON: Final = tag(Commit.PERSON_ID_FIELD_NUMBER, LENGTH)[0]
_CLIENT: Final = tag(Commit.CLIENT_ID_FIELD_NUMBER, LENGTH)[0]
_AUTHOR: Final = tag(Commit.AUTHOR_FIELD_NUMBER, VARINT)
_NUMBER: Final = tag(service.Author.NUMBER_FIELD_NUMBER, VARINT)
_AUTHORS: Final = service.Committed.AUTHORS_FIELD_NUMBER
_SHORT: Final = 0x7F
"""What is no longer has a length of one byte."""


class Authors:
    """The authors of one lane, and what they are called there."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, bytes] = {}
        """By person_id and client_id, as the fields that they are in a Commit and in an Author."""
        self._new: list[bytes] = []

    def brief(self, revision: int, commit: bytes) -> bytes:
        """A serialised Commit with a number in the place of who made it."""
        start, end = _whose(commit)
        if start == end:
            return commit
        whose = commit[start:end]
        number = self._numbers.get(whose)
        if number is None:
            number = self._name(revision, whose)
        return b"".join((commit[:start], commit[end:], _AUTHOR, number))

    def _name(self, revision: int, whose: bytes) -> bytes:
        if len(self._numbers) == MAX_AUTHORS:
            self._numbers.clear()
        number = self._numbers[whose] = varint(revision)
        self._new.append(_NUMBER + number + whose)
        return number

    def take_new(self) -> bytes:
        """Who was named since this was asked last: the field of a serialised Committed. Empty: nobody."""
        new, self._new = self._new, []
        return repeated(_AUTHORS, new) if new else b""

    def all(self) -> bytes:
        """The same of everybody whom numbers are said for."""
        return repeated(_AUTHORS, [_NUMBER + number + whose for whose, number in self._numbers.items()])


def _whose(commit: bytes) -> tuple[int, int]:
    """Where the fields person_id and client_id stand, which follow the revision; two of the same: they do not."""
    start = 2
    while commit[start - 1] > _SHORT:
        start += 1
    if commit[start] != _PERSON or commit[start + 1] > _SHORT:
        return 0, 0
    middle = start + 2 + commit[start + 1]
    if commit[middle] != _CLIENT or commit[middle + 1] > _SHORT:
        return 0, 0
    return start, middle + 2 + commit[middle + 1]
