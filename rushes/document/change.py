"""What operations do to annotations: the same on the server, on a client's confirmed document and on its screen.

A Change holds what it touched apart until it is landed, so a refused batch leaves nothing behind. It does not judge:
rights, limits and transformation come before it (fold.py).
"""

from rushes.annotation.v1.annotation_pb2 import Annotation, AnnotationState, MoveEntry
from rushes.annotation.v1.operation_pb2 import (
    MoveOperation,
    Operation,
    ResizeOperation,
    RestoreOperation,
    SetDeletedOperation,
    SetFieldsOperation,
)
from rushes.document import field, limit, text
from rushes.document.table import Notes
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT


def new_state(annotation: Annotation, revision: int, index: int, person_id: str, time_ms: int) -> AnnotationState:
    """What a Create makes of an annotation as it was sent."""
    state = AnnotationState()
    state.order_revision = revision
    state.order_index = index
    made = state.annotation
    made.CopyFrom(annotation)
    made.author_id = person_id
    made.created_ms = made.updated_ms = time_ms
    if made.deleted:
        made.deleted = False
    return state


class Change:
    """Operations of one client on annotations, beside what they are made on."""

    __slots__ = (
        "_fresh",
        "base",
        "client_id",
        "created",
        "internal",
        "person_id",
        "published",
        "revision",
        "time_ms",
        "touched",
    )

    def __init__(self, base: Notes, *, revision: int, person_id: str, client_id: bytes, time_ms: int) -> None:
        self.base = base
        self.revision = revision
        self.person_id = person_id
        self.client_id = client_id
        self.time_ms = time_ms
        self.touched: dict[bytes, AnnotationState] = {}
        """States after the change."""
        self.created: dict[bytes, bytes] = {}
        """What it created -> the root of its thread."""
        self.published: list[bytes] = []
        """What became readable by the client audience."""
        self.internal: set[bytes] = set()
        """Of what it touched, what the client audience may not read."""
        self._fresh: set[bytes] = set()

    def begin(self, revision: int) -> None:
        """Another batch of the same client on top: states handed out so far stay as they are."""
        self.revision = revision
        self._fresh.clear()

    def get(self, annotation_id: bytes, /) -> AnnotationState | None:
        """The annotation as it is after the change so far."""
        return self.touched.get(annotation_id) or self.base.get(annotation_id)

    def root(self, annotation_id: bytes, /) -> bytes:
        """The first annotation of its thread."""
        return self.created.get(annotation_id) or self.base.root(annotation_id)

    def thread(self, root_id: bytes, /) -> list[bytes]:
        """All annotations of a thread, its root first."""
        mine = [each for each, root in self.created.items() if root == root_id and each != root_id]
        return self.base.thread(root_id) + mine

    def apply(self, operation: Operation, index: int) -> bool:
        """Does an operation as a commit holds it. False: there was nothing to do it to, or it has no effect."""
        kind = operation.WhichOneof("kind")
        if kind == "create":
            return self.create(operation.create.annotation, index)
        if kind == "present":
            self.present(operation.present.state)
            return True
        if kind is None:
            return False
        target = getattr(operation, kind)
        now = self.get(target.id)
        if now is None:
            return False
        if kind == "edit_text":
            return self.edit_text(target.id, now, text.from_pieces(target.pieces))
        return bool(getattr(self, kind)(target, now))

    def writable(self, annotation_id: bytes, now: AnnotationState) -> AnnotationState:
        """The annotation, of which `now` is the state, to be modified: a copy, once in each batch."""
        if annotation_id in self._fresh:
            return now
        state: AnnotationState = now.__deepcopy__()  # half of what CopyFrom costs
        annotation = state.annotation
        annotation.updated_ms = self.time_ms
        if annotation.audience != AUDIENCE_CLIENT:
            self.internal.add(annotation_id)
        self.touched[annotation_id] = state
        self._fresh.add(annotation_id)
        return state

    def create(self, annotation: Annotation, index: int) -> bool:
        """A new annotation; of one with an id that exists nothing becomes."""
        annotation_id = annotation.id
        if self.get(annotation_id) is not None:
            return False
        self.add(annotation, annotation_id, index)
        return True

    def add(self, annotation: Annotation, annotation_id: bytes, index: int) -> None:
        """A new annotation, whose id nobody has."""
        state = new_state(annotation, self.revision, index, self.person_id, self.time_ms)
        made = state.annotation
        root_id = annotation_id
        parent_id = made.parent_id
        if parent_id:
            root_id = self.root(parent_id)
            root = self.get(root_id)
            if root is not None:
                made.audience = root.annotation.audience
        if made.audience != AUDIENCE_CLIENT:
            self.internal.add(annotation_id)
        self.touched[annotation_id] = state
        self._fresh.add(annotation_id)
        self.created[annotation_id] = root_id
        if self.published and root_id in self.published:
            # Its readers do not know the thread yet: it is presented to them together with it.
            self.published.append(annotation_id)

    def present(self, state: AnnotationState) -> None:
        """An annotation as it is, in the place of what was known of it."""
        copy = AnnotationState()
        copy.CopyFrom(state)
        annotation_id = copy.annotation.id
        if copy.annotation.audience != AUDIENCE_CLIENT:
            self.internal.add(annotation_id)
        else:
            self.internal.discard(annotation_id)
        self.touched[annotation_id] = copy
        self._fresh.add(annotation_id)

    def move(self, move: MoveOperation, now: AnnotationState) -> bool:
        """To the mean of all moves that have not seen each other."""
        state = self.writable(move.id, now)
        annotation = state.annotation
        moves = state.moves
        entry = moves[0] if len(moves) == 1 else None
        if entry is None or (entry.client_id != self.client_id and entry.revision > move.seen_revision):
            entry = self._meet(state, move.seen_revision)
        # By far the most frequent: nobody else moves it.
        entry.revision = self.revision
        entry.client_id = self.client_id
        to, target, position = move.to, entry.to, annotation.position
        position.x = target.x = to.x
        position.y = target.y = to.y
        if len(moves) > 1:
            position.x = sum([each.to.x for each in moves]) // len(moves)
            position.y = sum([each.to.y for each in moves]) // len(moves)
        field.set_stamp(state, "position", self.revision, self.person_id)
        return True

    def _meet(self, state: AnnotationState, seen: int) -> MoveEntry:
        """Takes out the moves that a new one replaces; adds an entry for it."""
        moves = state.moves
        for at in range(len(moves) - 1, -1, -1):
            if moves[at].revision <= seen or moves[at].client_id == self.client_id:
                del moves[at]
        del moves[: 1 - limit.MAX_MOVES]
        return moves.add()

    def resize(self, resize: ResizeOperation, now: AnnotationState) -> bool:
        """Sets the edges that are given."""
        state = self.writable(resize.id, now)
        box = state.annotation.box
        for edge in field.EDGES:
            if resize.HasField(edge):
                setattr(box, edge, getattr(resize, edge))
                field.set_stamp(state, edge, self.revision, self.person_id)
        return True

    def set_fields(self, set_fields: SetFieldsOperation, now: AnnotationState) -> bool:
        """Sets fields; publishing a root publishes its thread."""
        state = self.writable(set_fields.id, now)
        annotation = state.annotation
        for value in set_fields.fields[:]:
            name = value.field
            if name == "audience":
                self._publish(set_fields.id)
            else:
                field.write(annotation, value)
            field.set_stamp(state, name, self.revision, self.person_id)
        return True

    def _publish(self, annotation_id: bytes) -> None:
        for member in self.thread(annotation_id):
            now = self.get(member)
            if now is not None and now.annotation.audience != AUDIENCE_CLIENT:
                state = self.writable(member, now)
                state.annotation.audience = AUDIENCE_CLIENT
                self.internal.discard(member)
                field.set_stamp(state, "audience", self.revision, self.person_id)
                self.published.append(member)

    def edit_text(self, annotation_id: bytes, now: AnnotationState, edit: text.Edit) -> bool:
        """Edits the text; the edit spans it, else Refuse."""
        self.set_text(annotation_id, now, text.apply(now.annotation.text, edit))
        return True

    def set_text(self, annotation_id: bytes, now: AnnotationState, edited: str) -> None:
        """Sets the text to what an edit has made of it."""
        state = self.writable(annotation_id, now)
        state.annotation.text = edited
        field.set_stamp(state, "text", self.revision, self.person_id)

    def set_deleted(self, set_deleted: SetDeletedOperation, now: AnnotationState) -> bool:
        """Deletes, or brings back."""
        state = self.writable(set_deleted.id, now)
        state.annotation.deleted = set_deleted.deleted
        field.set_stamp(state, "deleted", self.revision, self.person_id)
        return True

    def restore(self, restore: RestoreOperation, now: AnnotationState) -> bool:
        """Undoes a field; without effect when somebody has set it since. An audience is never taken back."""
        name = restore.value.field
        if name == "audience" or field.stamp_of(now, name) != restore.made_revision:
            return False
        state = self.writable(restore.id, now)
        field.write(state.annotation, restore.value)
        if name == "position":
            for index, entry in enumerate(state.moves):
                if entry.client_id == self.client_id:
                    del state.moves[index]
                    break
        field.set_stamp(state, name, restore.stamp_revision, self.person_id)
        return True
