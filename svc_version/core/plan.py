"""What brings live notes back to what they were: the operations, in batches.

Every field goes back by a Restore that names the stamp which it saw: so whatever others set in between stays, by the
rules of the document. Texts go back by edits that are moved past those of others. What was made since is deleted.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rushes.annotation.v1.annotation_pb2 import Annotation, AnnotationState
from rushes.annotation.v1.operation_pb2 import Batch, FieldValue, Operation, RestoreOperation
from rushes.document import limit, text
from rushes.document.diff import diff
from rushes.document.field import stamp_of
from rushes.document.inverse import edit_operation, fields_set, made_stamps
from svc_version.core.content import Entry

BATCH_BYTES: Final = 800_000
BATCH_OPERATIONS: Final = limit.MAX_SERVICE_OPERATIONS
MAX_FRAMES: Final = 1_000

Touched = Mapping[bytes, frozenset[str]]
"""Annotation -> names of its fields, "text" among them."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which notes go back."""

    see_internal: bool
    """Whether who asks may read and write internal notes."""
    frames: tuple[int, int] | None = None
    author_id: str = ""
    touched: Touched | None = None
    """Only these fields: of an undo, those that were set by what it undoes."""

    def holds(self, *annotations: Annotation) -> bool:
        """Whether a note, as it is or as it was, is meant."""
        if self.touched is not None and annotations[0].id not in self.touched:
            return False
        if self.author_id and annotations[0].author_id != self.author_id:
            return False
        return self.frames is None or any(
            each.first_frame <= self.frames[1] and each.last_frame >= self.frames[0] for each in annotations
        )

    def means(self, annotation_id: bytes, name: str) -> bool:
        """Whether a field is meant."""
        return self.touched is None or name in self.touched[annotation_id]


@dataclass(slots=True)
class Plan:
    """What is to be written."""

    base_revision: int
    operations: list[Operation] = field(default_factory=list)
    late_edits: list[tuple[bytes, list[text.Edit]]] = field(default_factory=list)
    """Edits of texts that need several operations: those after the first, each made on the one before."""
    annotations: set[bytes] = field(default_factory=set)
    frames: set[int] = field(default_factory=set)
    kept: int = 0
    """Notes that differ and stay: internal then, published now."""


def plan(now: Iterable[Entry], then: Callable[[bytes], Entry | None], base_revision: int, scope: Scope) -> Plan:
    """What makes the notes, of which `now` is what may differ, again what they were. `base_revision`: of `now`."""
    made = Plan(base_revision)
    for entry in now:
        before = then(entry.annotation_id)
        if before == entry or (entry.internal and not scope.see_internal):
            continue
        state = AnnotationState.FromString(entry.state)
        if before is None:
            _unmake(made, state, scope)
        elif before.internal and not entry.internal:
            # Its text and all else was for internal eyes then: it is not put before clients.
            made.kept += scope.holds(state.annotation)
        else:
            _bring_back(made, state, AnnotationState.FromString(before.state), scope)
    return made


def _unmake(made: Plan, state: AnnotationState, scope: Scope) -> None:
    """It was not there: it is deleted."""
    annotation = state.annotation
    if annotation.deleted or not scope.holds(annotation) or not scope.means(annotation.id, "deleted"):
        return
    gone = FieldValue(field="deleted", flag=True)
    _add(made, annotation, [_restore(state, gone, state.order_revision, made.base_revision)])


def _bring_back(made: Plan, state: AnnotationState, before: AnnotationState, scope: Scope) -> None:
    annotation = state.annotation
    if not scope.holds(annotation, before.annotation):
        return
    values = [
        value for value in diff(state, before) if value.field != "audience" and scope.means(annotation.id, value.field)
    ]
    # What goes out first makes room for what comes in: lists of tags and attachments have a limit.
    values.sort(key=lambda value: (value.WhichOneof("value") is not None, value.field))
    operations = [_restore(state, value, stamp_of(before, value.field), made.base_revision) for value in values]
    if annotation.text != before.annotation.text and scope.means(annotation.id, "text"):
        edit = text.diff(annotation.text, before.annotation.text)
        first, *late = text.split(edit, limit.MAX_OPERATION_TEXT_BYTES, limit.MAX_PIECES)
        operations.append(edit_operation(annotation.id, first))
        if late:
            made.late_edits.append((annotation.id, late))
    _add(made, annotation, operations)


def _add(made: Plan, annotation: Annotation, operations: list[Operation]) -> None:
    if operations:
        made.operations += operations
        made.annotations.add(annotation.id)
        if len(made.frames) < MAX_FRAMES:
            made.frames.add(annotation.first_frame)


def _restore(state: AnnotationState, value: FieldValue, stamp_revision: int, base_revision: int) -> Operation:
    # A stamp is neither older than its annotation nor newer than the base: one of a state that never was live may be.
    stamp = min(max(stamp_revision, state.order_revision), base_revision)
    return Operation(
        restore=RestoreOperation(
            id=state.annotation.id,
            value=value,
            stamp_revision=stamp,
            made_revision=stamp_of(state, value.field),
        )
    )


LateEdits = Sequence[tuple[bytes, list[text.Edit]]]


def batches(operations: Iterable[Operation], late_edits: LateEdits, base_revision: int) -> list[Batch]:
    """Numbered batches. The base of a late edit is 0: it is made on the batch before it, whose revision comes there."""
    pieces = [(piece, base_revision) for piece in _pieces(operations)]
    pieces += [([edit_operation(name, edit)], 0) for name, edits in late_edits for edit in edits]
    return [
        Batch(client_seq=number, base_revision=base, operations=piece) for number, (piece, base) in enumerate(pieces, 1)
    ]


def _pieces(operations: Iterable[Operation]) -> Iterator[list[Operation]]:
    piece: list[Operation] = []
    size_bytes = 0
    for operation in operations:
        operation_bytes = operation.ByteSize() + 8
        if piece and (len(piece) == BATCH_OPERATIONS or size_bytes + operation_bytes > BATCH_BYTES):
            yield piece
            piece, size_bytes = [], 0
        piece.append(operation)
        size_bytes += operation_bytes
    if piece:
        yield piece


def touched_by(batches: Iterable[Batch], after: Callable[[bytes], Entry | None], person_id: str) -> Touched:
    """What a person's batches have set, and nobody else right then: what an undo of them may set back. `after`: how
    they left it.
    """
    stamps: dict[bytes, dict[str, int]] = {}
    for batch in batches:
        for operation in batch.operations:
            annotation_id, _ = fields_set(operation)
            made = stamps.setdefault(annotation_id, {})
            made.update((name, stamp) for (_, name), stamp in made_stamps([operation], 0).items())
            if operation.HasField("create"):
                made["deleted"] = 0
            elif operation.HasField("edit_text"):
                made["text"] = 0
    touched: dict[bytes, frozenset[str]] = {}
    for annotation_id, made in stamps.items():
        entry = after(annotation_id)
        if entry is not None:
            state = AnnotationState.FromString(entry.state)
            touched[annotation_id] = frozenset(name for name in made if _is_of(state, name, made[name], person_id))
    return touched


def _is_of(state: AnnotationState, name: str, stamp_revision: int, person_id: str) -> bool:
    """Whether a field is as somebody has set it. `stamp_revision` 0: with a new stamp, whichever it is."""
    person = next((each.person_id for each in state.stamps if each.field == name), "") or state.annotation.author_id
    return person == person_id and stamp_revision in (0, stamp_of(state, name))
