"""What operations do to annotations: the same on the server, on a client's confirmed document and on its screen.

A Change holds what it touched apart until it is landed, so a refused batch leaves nothing behind. It does not judge:
rights, limits and transformation come before it (fold.py).
"""

from rushes.annotation.v1.annotation_pb2 import Annotation, AnnotationState, MoveEntry, Position
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


class Change:
    """Operations of one client on annotations, beside what they are made on."""

    __slots__ = ("_fresh", "base", "client_id", "created", "person_id", "published", "revision", "time_ms", "touched")

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
        if self.get(target.id) is None:
            return False
        if kind == "edit_text":
            return self.edit_text(target.id, text.from_pieces(target.pieces))
        return bool(getattr(self, kind)(target))

    def writable(self, annotation_id: bytes) -> AnnotationState:
        """A copy of an annotation that there is, to be modified."""
        if annotation_id in self._fresh:
            return self.touched[annotation_id]
        state = AnnotationState()
        before = self.touched.get(annotation_id) or self.base.get(annotation_id)
        if before is not None:
            state.CopyFrom(before)
        state.annotation.updated_ms = self.time_ms
        self.touched[annotation_id] = state
        self._fresh.add(annotation_id)
        return state

    def create(self, annotation: Annotation, index: int) -> bool:
        """A new annotation; of one with an id that exists nothing becomes."""
        annotation_id = annotation.id
        if self.get(annotation_id) is not None:
            return False
        state = AnnotationState(annotation=annotation, order_revision=self.revision, order_index=index)
        made = state.annotation
        made.author_id = self.person_id
        made.created_ms = made.updated_ms = self.time_ms
        if made.deleted:
            made.deleted = False
        root_id = annotation_id
        if made.parent_id:
            root_id = self.root(made.parent_id)
            root = self.get(root_id)
            if root is not None:
                made.audience = root.annotation.audience
        self.touched[annotation_id] = state
        self._fresh.add(annotation_id)
        self.created[annotation_id] = root_id
        return True

    def present(self, state: AnnotationState) -> None:
        """An annotation as it is, in the place of what was known of it."""
        copy = AnnotationState()
        copy.CopyFrom(state)
        annotation_id = copy.annotation.id
        if self.get(annotation_id) is None:
            parent_id = copy.annotation.parent_id
            self.created[annotation_id] = self.root(parent_id) if parent_id else annotation_id
        self.touched[annotation_id] = copy
        self._fresh.add(annotation_id)

    def move(self, move: MoveOperation) -> bool:
        """To the mean of all moves that have not seen each other."""
        state = self.writable(move.id)
        seen, client_id = move.seen_revision, self.client_id
        moves = state.moves
        kept = [(each.revision, each.client_id, each.to.x, each.to.y) for each in moves]
        kept = [each for each in kept if each[0] > seen and each[1] != client_id]
        kept.append((self.revision, client_id, move.to.x, move.to.y))
        if len(kept) > limit.MAX_MOVES:
            del kept[0]
        if len(kept) == 1 and len(moves) == 1:
            only = moves[0]
            only.revision = self.revision
            only.client_id = client_id
            only.to.CopyFrom(move.to)
        else:
            del moves[:]
            for revision, client, x, y in kept:
                moves.append(MoveEntry(revision=revision, client_id=client, to=Position(x=x, y=y)))
        position = state.annotation.position
        position.x = sum(each[2] for each in kept) // len(kept)
        position.y = sum(each[3] for each in kept) // len(kept)
        field.set_stamp(state, "position", self.revision, self.person_id)
        return True

    def resize(self, resize: ResizeOperation) -> bool:
        """Sets the edges that are given."""
        state = self.writable(resize.id)
        box = state.annotation.box
        for edge in field.EDGES:
            if resize.HasField(edge):  # type: ignore[arg-type]
                setattr(box, edge, getattr(resize, edge))
                field.set_stamp(state, edge, self.revision, self.person_id)
        return True

    def set_fields(self, set_fields: SetFieldsOperation) -> bool:
        """Sets fields; publishing a root publishes its thread."""
        state = self.writable(set_fields.id)
        for value in set_fields.fields:
            if value.field == "audience":
                self._publish(set_fields.id)
            else:
                field.write(state.annotation, value)
            field.set_stamp(state, value.field, self.revision, self.person_id)
        return True

    def _publish(self, annotation_id: bytes) -> None:
        for member in self.thread(annotation_id):
            now = self.get(member)
            if now is not None and now.annotation.audience != AUDIENCE_CLIENT:
                state = self.writable(member)
                state.annotation.audience = AUDIENCE_CLIENT
                field.set_stamp(state, "audience", self.revision, self.person_id)
                self.published.append(member)

    def edit_text(self, annotation_id: bytes, edit: text.Edit) -> bool:
        """Edits the text; the edit spans it, else Refuse."""
        state = self.writable(annotation_id)
        state.annotation.text = text.apply(state.annotation.text, edit)
        field.set_stamp(state, "text", self.revision, self.person_id)
        return True

    def set_deleted(self, set_deleted: SetDeletedOperation) -> bool:
        """Deletes, or brings back."""
        state = self.writable(set_deleted.id)
        state.annotation.deleted = set_deleted.deleted
        field.set_stamp(state, "deleted", self.revision, self.person_id)
        return True

    def restore(self, restore: RestoreOperation) -> bool:
        """Undoes a field; without effect when somebody has set it since. An audience is never taken back."""
        now = self.get(restore.id)
        name = restore.value.field
        if now is None or name == "audience" or field.stamp_of(now, name) != restore.made_revision:
            return False
        state = self.writable(restore.id)
        field.write(state.annotation, restore.value)
        if name == "position":
            for index, entry in enumerate(state.moves):
                if entry.client_id == self.client_id:
                    del state.moves[index]
                    break
        field.set_stamp(state, name, restore.stamp_revision, self.person_id)
        return True

