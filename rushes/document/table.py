"""The annotations of one video by id, with their drawing order and threads: what server and client have in common.

The messages in it are immutable: a change replaces a message, so whoever holds one, or a list, holds a snapshot.
"""

from collections.abc import Iterable
from typing import Protocol

from rushes.annotation.v1.annotation_pb2 import AnnotationState


class Notes(Protocol):
    """What a change can be made on."""

    def get(self, annotation_id: bytes, /) -> AnnotationState | None:
        """The annotation, or None."""

    def root(self, annotation_id: bytes, /) -> bytes:
        """The first annotation of its thread; its own id if it is that, or not known."""

    def thread(self, root_id: bytes, /) -> list[bytes]:
        """All annotations of a thread, its root first."""


def drawing_order(state: AnnotationState) -> tuple[int, int]:
    """Sorts by the place of its Create in the log."""
    return state.order_revision, state.order_index


class Table:
    """Annotations by id. Only this package changes it."""

    def __init__(self) -> None:
        self._states: dict[bytes, AnnotationState] = {}
        self._roots: dict[bytes, bytes] = {}
        self._replies: dict[bytes, list[bytes]] = {}
        self._newest = (0, 0)
        self._in_order = True

    def __len__(self) -> int:
        return len(self._states)

    def get(self, annotation_id: bytes, /) -> AnnotationState | None:
        """The annotation, or None. Never modify it."""
        return self._states.get(annotation_id)

    def root(self, annotation_id: bytes, /) -> bytes:
        """The first annotation of its thread; its own id if it is that, or not known."""
        return self._roots.get(annotation_id, annotation_id)

    def thread(self, root_id: bytes, /) -> list[bytes]:
        """All annotations of a thread, its root first."""
        return [root_id, *self._replies.get(root_id, ())]

    @property
    def annotations(self) -> list[AnnotationState]:
        """All, in drawing order: a new list of shared messages."""
        if not self._in_order:
            self._states = {state.annotation.id: state for state in sorted(self._states.values(), key=drawing_order)}
            self._in_order = True
        return list(self._states.values())

    def put(self, states: Iterable[AnnotationState]) -> None:
        """Adds or replaces whole annotations, in whatever order."""
        for state in sorted(states, key=drawing_order):
            annotation_id = state.annotation.id
            if annotation_id not in self._states:
                self._place(drawing_order(state))
                parent_id = state.annotation.parent_id
                self.add_reply(annotation_id, self.root(parent_id) if parent_id else annotation_id)
            self._states[annotation_id] = state

    def land(self, touched: dict[bytes, AnnotationState], created: dict[bytes, bytes]) -> None:
        """Takes over a change: new states, and the roots of what was created, in order."""
        for annotation_id, root_id in created.items():
            self._place(drawing_order(touched[annotation_id]))
            if root_id != annotation_id:
                self.add_reply(annotation_id, root_id)
        self._states.update(touched)

    def add_reply(self, annotation_id: bytes, root_id: bytes) -> None:
        """Notes the thread of a new annotation."""
        if root_id != annotation_id:
            self._roots[annotation_id] = root_id
            self._replies.setdefault(root_id, []).append(annotation_id)

    def _place(self, order: tuple[int, int]) -> None:
        if order < self._newest:
            self._in_order = False
        else:
            self._newest = order
