"""The annotations of one video by id, with their drawing order and threads: what server and client have in common.

The messages in it are immutable: a change replaces a message, so whoever holds one, or a list, holds a snapshot. What
nobody has looked into may be held as the bytes that it was serialised to: a fraction of the memory and of what has to
be gone through there.
"""

from collections.abc import Iterable
from typing import Protocol, cast

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
        self._states: dict[bytes, AnnotationState | bytes] = {}
        self._packed: set[bytes] = set()
        """Those that may be held as bytes."""
        self._roots: dict[bytes, bytes] = {}
        self._replies: dict[bytes, list[bytes]] = {}
        self._newest = (0, 0)
        self._in_order = True

    def __len__(self) -> int:
        return len(self._states)

    def __contains__(self, annotation_id: object) -> bool:
        return annotation_id in self._states

    def get(self, annotation_id: bytes, /) -> AnnotationState | None:
        """The annotation, or None. Never modify it."""
        state = self._states.get(annotation_id)
        if isinstance(state, bytes):
            state = self._states[annotation_id] = AnnotationState.FromString(state)
            self._packed.discard(annotation_id)
        return state

    def pack(self, annotation_id: bytes, serialised: bytes) -> None:
        """Holds an annotation as what it is serialised, until somebody looks into it."""
        self._states[annotation_id] = serialised
        self._packed.add(annotation_id)

    def unpack(self, limit: int) -> bool:
        """Looks into so many that are held as bytes, so that `annotations` need not; whether there may be more."""
        packed = self._packed
        for _ in range(min(limit, len(packed))):
            self.get(packed.pop())
        return bool(packed)

    def root(self, annotation_id: bytes, /) -> bytes:
        """The first annotation of its thread; its own id if it is that, or not known."""
        return self._roots.get(annotation_id, annotation_id)

    def thread(self, root_id: bytes, /) -> list[bytes]:
        """All annotations of a thread, its root first."""
        return [root_id, *self._replies.get(root_id, ())]

    @property
    def annotations(self) -> list[AnnotationState]:
        """All, in drawing order: a new list of shared messages."""
        self.unpack(len(self._packed))
        states = cast("list[AnnotationState]", list(self._states.values()))
        if not self._in_order:
            states.sort(key=drawing_order)
            self._states = {state.annotation.id: state for state in states}
            self._in_order = True
        return states

    @property
    def held(self) -> list[AnnotationState | bytes]:
        """The same, each as it is held: a message, or serialised."""
        return list(self._states.values() if self._in_order else self.annotations)

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

    def land_one(self, annotation_id: bytes, serialised: bytes, revision: int) -> None:
        """Takes over the first thing that a revision makes: a new annotation that begins a thread."""
        self._place((revision, 0))
        self.pack(annotation_id, serialised)

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
