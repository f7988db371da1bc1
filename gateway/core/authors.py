"""Whom the numbers of a lane mean, which says each author once and then a number: for who comes to it later."""

from typing import Final

from gateway.core.socket import message_frame
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.document import wire

MAX_AUTHORS: Final = 16_384
"""A lane's cache has at most 10,000 revisions, each of which names one author at most. What else is said in it, was
named before, in the service's table of that time, which has 4,096."""
_COMMITTED: Final = service.CollaborateResponse.COMMITTED_FIELD_NUMBER
_AUTHORS: Final = service.Committed.AUTHORS_FIELD_NUMBER


class Authors:
    """The newest that were told, as fields of a serialised Committed."""

    def __init__(self) -> None:
        self._told: dict[int, bytes] = {}
        self._frame = b""

    def learn(self, named: bytes) -> bool:
        """Takes in a serialised Committed of authors alone; whether one of them is new."""
        new = False
        for author in service.Committed.FromString(named).authors:
            if author.number not in self._told:
                self._told[author.number] = wire.field(_AUTHORS, author.SerializeToString())
                new = True
        for number in list(self._told)[: max(0, len(self._told) - MAX_AUTHORS)]:
            del self._told[number]
        if new:
            self._frame = b""
        return new

    def frame(self) -> bytes:
        """All of them, ready for the wire; empty: there are none."""
        if self._told and not self._frame:
            self._frame = message_frame(wire.field(_COMMITTED, b"".join(self._told.values())))
        return self._frame
