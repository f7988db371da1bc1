"""Notes of one cut as new notes of the next: what is created, and what is left out."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from rushes.annotation.v1.annotation_pb2 import Annotation, AnnotationState, Origin
from rushes.annotation.v1.operation_pb2 import CreateOperation, FieldValue, Operation, SetFieldsOperation
from rushes.document import limit, text
from svc_version.core.content import Entry


@dataclass(frozen=True, slots=True)
class Carrying:
    """What is asked for."""

    key: bytes
    """Of the request: so that the same request makes the same ids."""
    from_video_id: int
    frame_offset: int
    frame_count: int
    """Of the cut that they are carried to."""
    see_internal: bool
    open_only: bool


@dataclass(slots=True)
class Carried:
    """What is created, in drawing order, and how many notes are left out since they show on no frame of the cut."""

    operations: list[Operation] = field(default_factory=list)
    late_edits: list[tuple[bytes, list[text.Edit]]] = field(default_factory=list)
    """What long texts lack yet: each edit in a batch after the one before."""
    frames: set[int] = field(default_factory=set)
    kept: int = 0


def carry(entries: Iterable[Entry], asked: Carrying) -> Carried:
    """Entries in drawing order, so that a reply comes after what it replies to; one whose parent is left out is too."""
    carried = Carried()
    ids: dict[bytes, bytes] = {}
    for entry in entries:
        if entry.internal and not asked.see_internal:
            continue
        annotation = AnnotationState.FromString(entry.state).annotation
        parent_id = annotation.parent_id
        if annotation.deleted or (asked.open_only and annotation.resolved and not parent_id):
            continue
        if parent_id and parent_id not in ids:
            continue
        made = _made(annotation, asked)
        if made is None:
            carried.kept += 1
            continue
        ids[annotation.id] = made.id
        made.parent_id = ids[parent_id] if parent_id else b""
        _add(carried, made)
    return carried


def _made(annotation: Annotation, asked: Carrying) -> Annotation | None:
    first = max(annotation.first_frame + asked.frame_offset, 0)
    last = min(annotation.last_frame + asked.frame_offset, asked.frame_count - 1)
    if first > last:
        return None
    made = Annotation()
    made.CopyFrom(annotation)
    made.id = hashlib.blake2b(asked.key + annotation.id, digest_size=limit.ID_BYTES).digest()
    made.first_frame, made.last_frame = first, last
    made.origin.CopyFrom(
        Origin(video_id=asked.from_video_id, annotation_id=annotation.id, author_id=annotation.author_id)
    )
    for name in ("author_id", "created_ms", "updated_ms"):
        made.ClearField(name)
    return made


def _add(carried: Carried, made: Annotation) -> None:
    """A Create holds 4 KiB of text and 16 KiB in all: what is more is added to it after it."""
    whole, attachments = made.text, list(made.attachments)
    first, *late = text.split([whole] if whole else [], limit.MAX_OPERATION_TEXT_BYTES, limit.MAX_PIECES)
    made.text = text.apply("", first)
    create = Operation(create=CreateOperation(annotation=made))
    if create.ByteSize() > limit.MAX_OPERATION_BYTES:
        del create.create.annotation.attachments[:]
    else:
        attachments = []
    carried.operations.append(create)
    for each in attachments:
        value = FieldValue(field=f"attachments/{each.id}", attachment=each)
        carried.operations.append(Operation(set_fields=SetFieldsOperation(id=made.id, fields=[value])))
    if late:
        carried.late_edits.append((made.id, late))
    carried.frames.add(made.first_frame)
