"""What undoes a commit: fields by Restore, text by the inverse edit."""

from collections.abc import Iterable, Mapping

from rushes.annotation.v1.annotation_pb2 import AnnotationState
from rushes.annotation.v1.annotation_service_pb2 import FieldBefore
from rushes.annotation.v1.operation_pb2 import (
    Commit,
    EditTextOperation,
    FieldValue,
    Operation,
    RestoreOperation,
)
from rushes.document import field, text


def fields_set(operation: Operation) -> tuple[bytes, list[str]]:
    """The annotation that an operation is about, and the fields that it sets; of a Create and an edit none."""
    kind = operation.WhichOneof("kind")
    if kind == "move":
        return operation.move.id, ["position"]
    if kind == "resize":
        resize = operation.resize
        return resize.id, [edge for edge in field.EDGES if resize.HasField(edge)]
    if kind == "set_fields":
        return operation.set_fields.id, [value.field for value in operation.set_fields.fields]
    if kind == "set_deleted":
        return operation.set_deleted.id, ["deleted"]
    if kind == "restore":
        return operation.restore.id, [operation.restore.value.field]
    return target(operation), []


def target(operation: Operation) -> bytes:
    """The annotation that an operation is about; empty: none."""
    kind = operation.WhichOneof("kind")
    if kind is None:
        return b""
    if kind == "create":
        return operation.create.annotation.id
    if kind == "present":
        return operation.present.state.annotation.id
    annotation_id: bytes = getattr(operation, kind).id
    return annotation_id


def fields_before(commit: Commit, earlier: Mapping[bytes, AnnotationState | None]) -> list[FieldBefore]:
    """What a commit's fields were. `earlier` holds what it touched as it was before it; None: not there.

    A created annotation counts as deleted before, with the stamp of its Create; its other fields are not listed.
    """
    before: list[FieldBefore] = []
    listed: set[tuple[bytes, str]] = set()
    for operation in commit.operations:
        annotation_id, names = fields_set(operation)
        state = earlier.get(annotation_id)
        if state is None:
            if operation.HasField("create"):
                value = FieldValue(field="deleted", flag=True)
                before.append(FieldBefore(id=annotation_id, value=value, stamp_revision=commit.revision))
            continue
        for name in names:
            if (annotation_id, name) not in listed:
                listed.add((annotation_id, name))
                value = field.read(state.annotation, name)
                stamp = field.stamp_of(state, name)
                before.append(FieldBefore(id=annotation_id, value=value, stamp_revision=stamp))
    return before


def made_stamps(operations: Iterable[Operation], revision: int) -> dict[tuple[bytes, str], int]:
    """The stamp that each field of a commit has right after it: its revision, but of a Restore the old stamp."""
    stamps: dict[tuple[bytes, str], int] = {}
    for operation in operations:
        annotation_id, names = fields_set(operation)
        for name in names:
            restored = operation.HasField("restore")
            stamps[annotation_id, name] = operation.restore.stamp_revision if restored else revision
    return stamps


def restores(operations: Iterable[Operation], revision: int, before: Iterable[FieldBefore]) -> list[Operation]:
    """The operations that put back what a commit's fields were, the last first. A publication is not taken back."""
    stamps = made_stamps(operations, revision)
    undo: list[Operation] = []
    for each in before:
        name = each.value.field
        if name != "audience":
            made = stamps.get((each.id, name), revision)
            restore = RestoreOperation(
                id=each.id, value=each.value, stamp_revision=each.stamp_revision, made_revision=made
            )
            undo.append(Operation(restore=restore))
    undo.reverse()
    return undo


def edit_operation(annotation_id: bytes, edit: text.Edit) -> Operation:
    """An edit as an operation."""
    return Operation(edit_text=EditTextOperation(id=annotation_id, pieces=text.to_pieces(edit)))
