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
        self._said: dict[bytes, bytes] = {}
        """By person_id and client_id, as the fields that they are in a Commit and in an Author: the field author."""
        self._new: list[bytes] = []
        self._width = 0
        """Of the last of them: nearly all are as long."""

    def brief(self, revision: int, commit: bytes) -> bytes:
        """A serialised Commit with a number in the place of who made it."""
        start = 1 + (revision.bit_length() + 6) // 7
        end = start + self._width
        said = self._said.get(commit[start:end])
        if said is None:
            end = _end(commit, start)
            if not end:
                return commit
            self._width = end - start
            said = self._say(revision, commit[start:end])
        return commit[:start] + commit[end:] + said

    def _say(self, revision: int, whose: bytes) -> bytes:
        said = self._said.get(whose)
        if said is None:
            if len(self._said) == MAX_AUTHORS:
                self._said.clear()
            said = self._said[whose] = _AUTHOR + varint(revision)
            self._new.append(_author(whose, said))
        return said

    def take_new(self) -> bytes:
        """Who was named since this was asked last: the field of a serialised Committed. Empty: nobody."""
        new, self._new = self._new, []
        return repeated(_AUTHORS, new) if new else b""

    def all(self) -> bytes:
        """The same of everybody whom numbers are said for."""
        return repeated(_AUTHORS, [_author(whose, said) for whose, said in self._said.items()])


def _author(whose: bytes, said: bytes) -> bytes:
    """A serialised Author."""
    return _NUMBER + said[len(_AUTHOR) :] + whose


def _end(commit: bytes, start: int) -> int:
    """Where the fields person_id and client_id end, which follow the revision; 0: they do not, or are very long."""
    if commit[start] != _PERSON or commit[start + 1] > _SHORT:
        return 0
    middle = start + 2 + commit[start + 1]
    if commit[middle] != _CLIENT or commit[middle + 1] > _SHORT:
        return 0
    return middle + 2 + commit[middle + 1]
