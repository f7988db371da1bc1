"""Short ways to write annotations, operations, batches and records."""

from rushes.annotation.v1.annotation_pb2 import (
    ANNOTATION_KIND_COMMENT,
    ANNOTATION_KIND_RECT,
    Annotation,
    Attachment,
    Box,
    Position,
    Style,
)
from rushes.annotation.v1.operation_pb2 import (
    Batch,
    CreateOperation,
    FieldValue,
    FrameRange,
    MoveOperation,
    Operation,
    ResizeOperation,
    RestoreOperation,
    SetDeletedOperation,
    SetFieldsOperation,
)
from rushes.annotation.v1.record_pb2 import Record
from rushes.document import Document, Result, apply, submitted_hash
from rushes.document.inverse import edit_operation
from rushes.document.text import Edit
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, AUDIENCE_INTERNAL, Audience

VIDEO = 7
FRAMES = 240
NOW_MS = 1_700_000_000_000
DAY_MS = 24 * 3600 * 1000

MEMBER = 0b111110
"""Everything but administering."""
OWN_ONLY = 0b110110
"""May not change the notes of others."""
GUEST = 0b000110
"""Sees and annotates client notes alone."""
VIEWER = 0b000010


def key(number: int) -> bytes:
    """An id."""
    return number.to_bytes(16, "big")


A, B, C = key(1), key(2), key(3)
"""Annotations."""
ANN, BOB, GIL = key(101), key(102), key(103)
"""Clients; the persons are ann, bob and gil."""
PEOPLE = {ANN: "ann", BOB: "bob", GIL: "gil"}


def note(annotation_id: bytes = A, **values: object) -> Annotation:
    """A rectangle that everybody may read."""
    annotation = Annotation(
        id=annotation_id,
        kind=ANNOTATION_KIND_RECT,
        first_frame=10,
        last_frame=20,
        position=Position(x=100, y=-200),
        box=Box(left=-50, top=-40, right=50, bottom=40),
        style=Style(color=0xFF0000, opacity=255, width=60),
        audience=AUDIENCE_CLIENT,
    )
    annotation.MergeFrom(Annotation(**values))  # type: ignore[arg-type]
    return annotation


def create(annotation_id: bytes = A, **values: object) -> Operation:
    """Creates a note."""
    return Operation(create=CreateOperation(annotation=note(annotation_id, **values)))


def internal(annotation_id: bytes = A, **values: object) -> Operation:
    """Creates an internal note."""
    return create(annotation_id, audience=AUDIENCE_INTERNAL, **values)


def reply(annotation_id: bytes, parent_id: bytes, **values: object) -> Operation:
    """Creates a reply."""
    return create(annotation_id, parent_id=parent_id, kind=ANNOTATION_KIND_COMMENT, **values)


def move(annotation_id: bytes, x: int, y: int, seen: int = 0) -> Operation:
    """Moves a note."""
    return Operation(move=MoveOperation(id=annotation_id, to=Position(x=x, y=y), seen_revision=seen))


def resize(annotation_id: bytes, **edges: int) -> Operation:
    """Sets edges."""
    return Operation(resize=ResizeOperation(id=annotation_id, **edges))


def fields(annotation_id: bytes, *values: FieldValue) -> Operation:
    """Sets fields."""
    return Operation(set_fields=SetFieldsOperation(id=annotation_id, fields=values))


def color(value: int) -> FieldValue:
    """A colour."""
    return FieldValue(field="style/color", number=value)


def tag(name: str, there: bool = True) -> FieldValue:
    """A tag."""
    return FieldValue(field=f"tags/{name}", flag=there)


def link(attachment_id: str, address: str = "https://example.org/") -> FieldValue:
    """An attachment."""
    attachment = Attachment(id=attachment_id, link=address, title="a")
    return FieldValue(field=f"attachments/{attachment_id}", attachment=attachment)


def frames(first: int, last: int) -> FieldValue:
    """Frames."""
    return FieldValue(field="frames", frames=FrameRange(first=first, last=last))


def resolved(value: bool = True) -> FieldValue:
    """Settled or not."""
    return FieldValue(field="resolved", flag=value)


def audience(value: Audience.ValueType = AUDIENCE_CLIENT) -> FieldValue:
    """Who may read."""
    return FieldValue(field="audience", audience=value)


def edit(annotation_id: bytes, parts: Edit) -> Operation:
    """Edits the text."""
    return edit_operation(annotation_id, parts)


def deleted(annotation_id: bytes, value: bool = True) -> Operation:
    """Deletes, or brings back."""
    return Operation(set_deleted=SetDeletedOperation(id=annotation_id, deleted=value))


def restore(annotation_id: bytes, value: FieldValue, made: int, stamp: int) -> Operation:
    """Undoes a field."""
    return Operation(restore=RestoreOperation(id=annotation_id, value=value, made_revision=made, stamp_revision=stamp))


def record(
    client: bytes,
    seq: int,
    base: int,
    *operations: Operation,
    permissions: int = MEMBER,
    person: str = "",
    time_ms: int = NOW_MS,
    epoch: int = 1,
    frame_count: int = FRAMES,
) -> Record:
    """A batch as the log holds it."""
    batch = Batch(client_seq=seq, base_revision=base, operations=operations)
    return Record(
        rules=1,
        epoch=epoch,
        video_id=VIDEO,
        tenant_id="tenant",
        person_id=person or PEOPLE.get(client, "somebody"),
        permissions=permissions,
        client_id=client,
        hash=submitted_hash(batch),
        time_ms=time_ms,
        frame_count=frame_count,
        batch=batch,
    )


def fold(*records: Record) -> tuple[Document, list[Result]]:
    """The document after some records, and what became of each."""
    document = Document(VIDEO, 1)
    return document, [apply(document, each) for each in records]
