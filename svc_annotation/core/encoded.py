"""The states of a document as they go out: each encoded when it is first read, and again only when it has changed.

Hundreds who open a video, or read it from its head, get the same bytes.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rushes.annotation.v1.annotation_pb2 import AnnotationState
from rushes.document import visible
from rushes.document.table import Table, drawing_order
from rushes.document.wire import cut, delimited, repeated_delimited
from svc_annotation.core.landed import CLIENT, INTERNAL, Audience
from svc_annotation.core.row import Change

STATES: Final = 3
"""The field of a document's answers that the states are in."""


class Encoded:
    """A state, and what is asked of it before it is read. Never changed."""

    __slots__ = ("_bytes", "_state", "first_frame", "internal", "last_frame")

    def __init__(self, state: AnnotationState) -> None:
        annotation = state.annotation
        self.first_frame = annotation.first_frame
        self.last_frame = annotation.last_frame
        self.internal = not visible(state, CLIENT)
        """The client audience may not read it."""
        self._state: AnnotationState | None = state
        self._bytes = b""

    @property
    def delimited(self) -> bytes:
        """The serialised AnnotationState with its length before it."""
        if self._state is not None:
            self._bytes = delimited(self._state.SerializeToString())
            self._state = None
        return self._bytes


class Parts:
    """States as fields of answers, in parts that fit: each put together when it is first read, then kept."""

    def __init__(self, states: Iterable[Encoded]) -> None:
        self._pieces = cut(state.delimited for state in states)
        self._made: list[bytes] = []

    def __iter__(self) -> Iterator[bytes]:
        at = 0
        while at < len(self._made) or self._make():
            yield self._made[at]
            at += 1

    def _make(self) -> bool:
        piece = next(self._pieces, None)
        if piece is None:
            return False
        self._made.append(repeated_delimited(STATES, piece))
        return True


class Encodings:
    """Of one document. What nobody has read yet costs nothing."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._encoded: dict[bytes, Encoded] = {}
        self._changed: set[bytes] = set()
        self.begun = False
        """Somebody has read it: until then nothing need be told of changes."""
        self._parts: dict[Audience, Parts] = {}

    def touch(self, changes: Iterable[Change]) -> None:
        """These have changed, or are new."""
        if self.begun:
            self._changed.update([change.annotation_id for change in changes])
            self._parts.clear()

    def read(self, audience: Audience) -> Sequence[Encoded]:
        """What an audience may read now, in drawing order: a new list of what is never changed."""
        assert audience in (CLIENT, INTERNAL)
        if not self.begun:
            self.begun = True
            self._encoded = {state.annotation.id: Encoded(state) for state in self._table.annotations}
        elif self._changed:
            self._renew()
        if audience == CLIENT:
            return [each for each in self._encoded.values() if not each.internal]
        return list(self._encoded.values())

    def parts(self, audience: Audience) -> Parts:
        """What `read` gives, in parts: the same ones until something changes."""
        if audience not in self._parts:
            self._parts[audience] = Parts(self.read(audience))
        return self._parts[audience]

    def _renew(self) -> None:
        """What is new was made after all that is there, so it comes behind it."""
        changed = [state for each in self._changed if (state := self._table.get(each)) is not None]
        self._changed.clear()
        for state in sorted(changed, key=drawing_order):
            self._encoded[state.annotation.id] = Encoded(state)
