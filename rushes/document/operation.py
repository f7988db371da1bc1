"""Checks of a batch that need no document: before it is appended, and again in the fold."""

import hashlib
from collections.abc import Callable, Sequence
from itertools import accumulate
from math import hypot, sqrt
from typing import Any, Final

from rushes.annotation.v1.annotation_pb2 import (
    ANNOTATION_KIND_ARROW,
    ANNOTATION_KIND_COMMENT,
    ANNOTATION_KIND_LINE,
    ANNOTATION_KIND_STROKE,
    STROKE_MODE_ERASE,
    TEXT_ALIGN_END,
    Annotation,
    Box,
    View,
)
from rushes.annotation.v1.operation_pb2 import (
    Batch,
    CreateOperation,
    EditTextOperation,
    MoveOperation,
    Operation,
    Refusal,
    ResizeOperation,
    RestoreOperation,
    SetDeletedOperation,
    SetFieldsOperation,
)
from rushes.document import field, limit, text
from rushes.document.refusal import Refuse, refusal
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, AUDIENCE_INTERNAL, AUDIENCE_UNSPECIFIED

_LOW: Final = -limit.MAX_COORDINATE
_HIGH: Final = limit.MAX_COORDINATE


def submitted_bytes(batch: Batch) -> bytes:
    """A batch as it is kept and hashed. Discards its unknown fields. No map is in it, so all write the same bytes."""
    batch.DiscardUnknownFields()
    return batch.SerializeToString()


def submitted_hash(batch: Batch | bytes) -> int:
    """The number that tells a batch sent twice from another of the same number; of a batch or its submitted_bytes."""
    return int.from_bytes(hash_bytes(batch if isinstance(batch, bytes) else submitted_bytes(batch)), "little")


def hash_bytes(data: bytes) -> bytes:
    """The same, of submitted_bytes, as a record holds it."""
    return hashlib.blake2b(data).digest()[:8]


def split(operations: Sequence[Operation]) -> list[tuple[str, Any]]:
    """Each operation as its kind ("": none) and the message of that kind."""
    parts: list[tuple[str, Any]] = []
    for operation in operations:
        kind = operation.WhichOneof("kind")
        parts.append((kind, getattr(operation, kind)) if kind is not None else ("", None))
    return parts


def check_batch(batch: Batch, *, frame_count: int, service: bool) -> Refusal | None:
    """Everything that can be said of a batch without the document, sizes included: asked before it is appended."""
    found = split_checked(batch, batch.ByteSize(), frame_count=frame_count, service=service)
    return found if isinstance(found, Refusal) else None


def split_checked(batch: Batch, size_bytes: int, *, frame_count: int, service: bool) -> list[tuple[str, Any]] | Refusal:
    """The operations of a batch of so many bytes, split; or what `check_batch` finds."""
    operations = batch.operations[:]
    if len(operations) > (limit.MAX_SERVICE_OPERATIONS if service else limit.MAX_OPERATIONS):
        return refusal("INVALID_BATCH")
    if service and size_bytes > limit.MAX_SERVICE_BATCH_BYTES:
        return refusal("BATCH_TOO_LARGE")
    if size_bytes > limit.MAX_OPERATION_BYTES:
        for index, operation in enumerate(operations):
            if operation.ByteSize() > limit.MAX_OPERATION_BYTES:
                return refusal("OPERATION_TOO_LARGE", index)
    parts = split(operations)
    return check_operations(parts, frame_count) or parts


def check_operations(parts: Sequence[tuple[str, Any]], frame_count: int) -> Refusal | None:
    """The part of `check_batch` that the fold repeats: how many, each by itself, one text edit of an annotation."""
    if not 0 < len(parts) <= limit.MAX_SERVICE_OPERATIONS:
        return refusal("INVALID_BATCH")
    edited: set[bytes] | None = None
    checked = 0
    try:
        for kind, target in parts:
            check = CHECKS.get(kind)
            if check is None:
                raise Refuse("SERVER_ONLY" if kind == "present" else "UNKNOWN_OPERATION")
            check(target, frame_count)
            if kind == "edit_text":
                edited = edited or set()
                if target.id in edited:
                    raise Refuse("INVALID_BATCH")
                edited.add(target.id)
            checked += 1
    except Refuse as error:
        return refusal(error.reason, checked)
    return None


def check_operation(operation: Operation) -> None:
    """All that can be said of one operation, its size included; frames are not checked. Raises Refuse."""
    if operation.ByteSize() > limit.MAX_OPERATION_BYTES:
        raise Refuse("OPERATION_TOO_LARGE")
    refused = check_operations(split((operation,)), frame_count=0)
    if refused is not None:
        raise Refuse(refused.reason)


def check_id(annotation_id: bytes) -> None:
    """Refuses what is no annotation's id."""
    if len(annotation_id) != limit.ID_BYTES:
        raise Refuse("INVALID_ID")


def check_annotation(annotation: Annotation, frame_count: int) -> None:
    """Refuses an annotation that cannot be created."""
    if len(annotation.id) != limit.ID_BYTES:
        raise Refuse("INVALID_ID")
    if not 0 < annotation.kind <= ANNOTATION_KIND_COMMENT:
        raise Refuse("INVALID_KIND")
    field.check_frames(annotation.first_frame, annotation.last_frame, frame_count)
    position = annotation.position
    if not (_LOW <= position.x <= _HIGH and _LOW <= position.y <= _HIGH):
        raise Refuse("INVALID_POSITION")
    if annotation.HasField("box"):
        _check_box(annotation.box)
    _check_points(annotation)
    _check_style(annotation)
    text_now = annotation.text
    if len(text_now) > limit.MAX_OPERATION_TEXT_BYTES // 4 and len(text_now.encode()) > limit.MAX_OPERATION_TEXT_BYTES:
        raise Refuse("TEXT_TOO_LONG")
    parent_id = annotation.parent_id
    if parent_id and len(parent_id) != limit.ID_BYTES:
        raise Refuse("INVALID_ID")
    if not (AUDIENCE_UNSPECIFIED if parent_id else AUDIENCE_INTERNAL) <= annotation.audience <= AUDIENCE_CLIENT:
        raise Refuse("INVALID_AUDIENCE")
    if annotation.tags or annotation.attachments or annotation.HasField("origin"):
        _check_lists(annotation)
    if annotation.HasField("view"):
        _check_view(annotation.view)


def _check_box(box: Box) -> None:
    if not (
        _LOW <= box.left <= _HIGH
        and _LOW <= box.top <= _HIGH
        and _LOW <= box.right <= _HIGH
        and _LOW <= box.bottom <= _HIGH
    ):
        raise Refuse("INVALID_BOX")


def _check_points(annotation: Annotation) -> None:
    points = annotation.points[:]
    count = len(points) // 2
    kind = annotation.kind
    if kind == ANNOTATION_KIND_STROKE:
        fits = 0 < count <= limit.MAX_POINTS
    elif kind in (ANNOTATION_KIND_LINE, ANNOTATION_KIND_ARROW):
        fits = count == 2
    else:
        fits = count == 0
    if not fits or len(points) != 2 * count:
        raise Refuse("INVALID_POINTS")
    # No point is farther out than all steps together, and these are no more than the root of how many there are times
    # the root of their squares: nearly every stroke ends here.
    if points and hypot(*points) * sqrt(2 * count) >= _HIGH:
        for axis in (0, 1):
            along = list(accumulate(points[axis::2]))
            if min(along) < _LOW or max(along) > _HIGH:
                raise Refuse("INVALID_POINTS")
    pressure = annotation.pressure
    if pressure and len(pressure) != count:
        raise Refuse("INVALID_PRESSURE")


def _check_style(annotation: Annotation) -> None:
    style = annotation.style
    if (
        style.color > 0xFFFFFF
        or style.opacity > 255
        or style.width > _HIGH
        or style.font_size > _HIGH
        or not 0 <= style.align <= TEXT_ALIGN_END
        or not 0 <= annotation.mode <= STROKE_MODE_ERASE
    ):
        raise Refuse("INVALID_STYLE")


def _check_lists(annotation: Annotation) -> None:
    tags = annotation.tags[:]
    if len(tags) > limit.MAX_TAGS:
        raise Refuse("TOO_MANY_TAGS")
    if any(not tag or len(tag.encode()) > limit.MAX_TAG_BYTES for tag in tags) or not _ascends(tags):
        raise Refuse("INVALID_TAGS")
    if len(annotation.attachments) > limit.MAX_ATTACHMENTS:
        raise Refuse("TOO_MANY_ATTACHMENTS")
    for attachment in annotation.attachments:
        field.check_attachment(attachment)
    if not _ascends([attachment.id for attachment in annotation.attachments]):
        raise Refuse("INVALID_ATTACHMENTS")
    origin = annotation.origin
    if (
        not 0 <= origin.video_id <= limit.MAX_NUMBER
        or len(origin.annotation_id) not in (0, limit.ID_BYTES)
        or len(origin.author_id.encode()) > limit.MAX_PERSON_ID_BYTES
    ):
        raise Refuse("INVALID_ORIGIN")


def _check_view(view: View) -> None:
    center = view.center
    if not (
        limit.MIN_ZOOM_PERMILLE <= view.zoom_permille <= limit.MAX_ZOOM_PERMILLE
        and _LOW <= center.x <= _HIGH
        and _LOW <= center.y <= _HIGH
    ):
        raise Refuse("INVALID_VIEW")


def _ascends(names: list[str]) -> bool:
    """Sorted by code points, without repeats."""
    return all(names[i - 1] < names[i] for i in range(1, len(names)))


def _check_create(create: CreateOperation, frame_count: int) -> None:
    check_annotation(create.annotation, frame_count)


def _check_move(move: MoveOperation, frame_count: int) -> None:
    if len(move.id) != limit.ID_BYTES:
        raise Refuse("INVALID_ID")
    to = move.to
    if not (_LOW <= to.x <= _HIGH and _LOW <= to.y <= _HIGH and move.HasField("to")):
        raise Refuse("INVALID_POSITION")


def _check_resize(resize: ResizeOperation, frame_count: int) -> None:
    check_id(resize.id)
    edges = [getattr(resize, edge) for edge in field.EDGES if resize.HasField(edge)]
    if not edges:
        raise Refuse("NOTHING_SET")
    if min(edges) < _LOW or max(edges) > _HIGH:
        raise Refuse("INVALID_BOX")


def _check_set_fields(set_fields: SetFieldsOperation, frame_count: int) -> None:
    check_id(set_fields.id)
    names: set[str] = set()
    for value in set_fields.fields[:]:
        name = value.field
        if name in names or not (name in field.SETTABLE or name.startswith(("tags/", "attachments/"))):
            raise Refuse("INVALID_FIELD")
        names.add(name)
        field.check_value(value, frame_count)
        if name == "audience" and value.audience != AUDIENCE_CLIENT:
            raise Refuse("INVALID_AUDIENCE")
    if not names:
        raise Refuse("NOTHING_SET")


def _check_edit_text(edit_text: EditTextOperation, frame_count: int) -> None:
    check_id(edit_text.id)
    if len(edit_text.pieces) > limit.MAX_PIECES:
        raise Refuse("TEXT_TOO_LONG")
    if text.inserted_bytes(text.from_pieces(edit_text.pieces)) > limit.MAX_OPERATION_TEXT_BYTES:
        raise Refuse("TEXT_TOO_LONG")


def _check_set_deleted(set_deleted: SetDeletedOperation, frame_count: int) -> None:
    check_id(set_deleted.id)


def _check_restore(restore: RestoreOperation, frame_count: int) -> None:
    check_id(restore.id)
    field.check_value(restore.value, frame_count)


CHECKS: Final[dict[str, Callable[[Any, int], None]]] = {
    "create": _check_create,
    "move": _check_move,
    "resize": _check_resize,
    "set_fields": _check_set_fields,
    "edit_text": _check_edit_text,
    "set_deleted": _check_set_deleted,
    "restore": _check_restore,
}
