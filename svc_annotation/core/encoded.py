"""The states of a document as they go out: each encoded when it is first read, and again only when it has changed.

Hundreds who open a video, or read it from its head, get the same bytes.
"""

from collections.abc import Iterable, Sequence

from rushes.annotation.v1.annotation_pb2 import AnnotationState
from rushes.document import visible
from rushes.document.table import Table, drawing_order
from svc_annotation.core.landed import CLIENT, INTERNAL, Audience
from svc_annotation.core.row import Change
from svc_annotation.core.wire import delimited


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


class Encodings:
    """Of one document. What nobody has read yet costs nothing."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._encoded: dict[bytes, Encoded] = {}
        self._changed: set[bytes] = set()
        self._begun = False

    def touch(self, changes: Iterable[Change]) -> None:
        """These have changed, or are new."""
        if self._begun:
            self._changed.update([change.annotation_id for change in changes])

    def read(self, audience: Audience) -> Sequence[Encoded]:
        """What an audience may read now, in drawing order: a new list of what is never changed."""
        assert audience in (CLIENT, INTERNAL)
        if not self._begun:
            self._begun = True
            self._encoded = {state.annotation.id: Encoded(state) for state in self._table.annotations}
        elif self._changed:
            self._renew()
        if audience == CLIENT:
            return [each for each in self._encoded.values() if not each.internal]
        return list(self._encoded.values())

    def _renew(self) -> None:
        """What is new was made after all that is there, so it comes behind it."""
        changed = [state for each in self._changed if (state := self._table.get(each)) is not None]
        self._changed.clear()
        for state in sorted(changed, key=drawing_order):
            self._encoded[state.annotation.id] = Encoded(state)
