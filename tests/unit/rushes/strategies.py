"""What Hypothesis makes of texts, edits, operations and records: sound ones, and any at all."""

from hypothesis import strategies as st

from rushes.annotation.v1.annotation_pb2 import Annotation, Attachment, Box, Origin, Position, Style, View
from rushes.annotation.v1.operation_pb2 import (
    Batch,
    CreateOperation,
    EditTextOperation,
    FieldValue,
    FrameRange,
    MoveOperation,
    Operation,
    PresentOperation,
    Refusal,
    ResizeOperation,
    RestoreOperation,
    SetDeletedOperation,
    SetFieldsOperation,
    TextPiece,
)
from rushes.annotation.v1.record_pb2 import Record
from rushes.document.field import MEMBERS
from rushes.document.text import Edit, add
from tests.unit.rushes.builder import ANN, BOB, GIL, GUEST, MEMBER, OWN_ONLY, VIEWER, A, B, C, key

texts = st.text(st.sampled_from("abxä漢🎬\n"), max_size=12)


@st.composite
def edits_of(draw: st.DrawFn, text: str) -> Edit:
    """A canonical edit of a text."""
    edit: Edit = []
    left = len(text)
    while left:
        count = draw(st.integers(1, left))
        add(edit, draw(st.sampled_from(("", "", "q", "rs", "漢"))))
        add(edit, count if draw(st.booleans()) else -count)
        left -= count
    add(edit, draw(st.sampled_from(("", "", "t", "uv"))))
    return edit


ids = st.sampled_from((A, B, C, key(4), b"", b"short"))
numbers = st.one_of(st.integers(-100, 100), st.sampled_from((1 << 20, (1 << 20) + 1, -(1 << 20) - 1, (1 << 31) - 1)))
naturals = st.one_of(st.integers(0, 300), st.sampled_from((1 << 20, (1 << 32) - 1)))
revisions = st.one_of(st.integers(0, 12), st.sampled_from((-1, 1 << 40, (1 << 63) - 1, -(1 << 63))))
names = st.one_of(
    st.sampled_from((*MEMBERS, "tags/a", "tags/", "attachments/a1", "text", "author_id", "")), st.text(max_size=4)
)
places = st.builds(Position, x=numbers, y=numbers)
attachments = st.builds(Attachment, id=st.sampled_from(("a1", "A", "")), link=st.text(max_size=3), title=texts)
ranges = st.builds(FrameRange, first=naturals, last=naturals)
field_values = st.one_of(
    st.builds(FieldValue, field=names, number=numbers),
    st.builds(FieldValue, field=names, flag=st.booleans()),
    st.builds(FieldValue, field=names, position=places),
    st.builds(FieldValue, field=names, frames=ranges),
    st.builds(FieldValue, field=names, audience=st.integers(0, 5)),
    st.builds(FieldValue, field=names, attachment=attachments),
    st.builds(FieldValue, field=names),
)
annotations = st.builds(
    Annotation,
    id=ids,
    kind=st.integers(0, 9),
    first_frame=naturals,
    last_frame=naturals,
    position=places,
    box=st.builds(Box, left=numbers, top=numbers),
    points=st.lists(numbers, max_size=6),
    pressure=st.binary(max_size=3),
    mode=st.integers(0, 4),
    style=st.builds(Style, color=naturals, opacity=naturals, align=st.integers(0, 5)),
    text=texts,
    parent_id=ids,
    tags=st.lists(st.sampled_from(("a", "b", "")), max_size=2),
    attachments=st.lists(attachments, max_size=2),
    origin=st.one_of(st.none(), st.builds(Origin, video_id=revisions)),
    view=st.one_of(st.none(), st.builds(View, zoom_permille=naturals, center=places)),
    audience=st.integers(0, 4),
    deleted=st.booleans(),
    author_id=st.text(max_size=2),
)
pieces = st.one_of(
    st.builds(TextPiece, retain=st.integers(0, 6)),
    st.builds(TextPiece, insert=texts),
    st.builds(TextPiece, delete=st.integers(0, 6)),
    st.builds(TextPiece),
)
operations = st.one_of(
    st.builds(Operation),
    st.builds(Operation, create=st.builds(CreateOperation, annotation=annotations)),
    st.builds(Operation, create=st.builds(CreateOperation)),
    st.builds(Operation, move=st.builds(MoveOperation, id=ids, to=places, seen_revision=revisions)),
    st.builds(Operation, resize=st.builds(ResizeOperation, id=ids, left=numbers)),
    st.builds(Operation, set_fields=st.builds(SetFieldsOperation, id=ids, fields=st.lists(field_values, max_size=3))),
    st.builds(Operation, edit_text=st.builds(EditTextOperation, id=ids, pieces=st.lists(pieces, max_size=4))),
    st.builds(Operation, set_deleted=st.builds(SetDeletedOperation, id=ids, deleted=st.booleans())),
    st.builds(
        Operation,
        restore=st.builds(
            RestoreOperation, id=ids, value=field_values, stamp_revision=revisions, made_revision=revisions
        ),
    ),
    st.builds(Operation, present=st.builds(PresentOperation)),
)
records = st.builds(
    Record,
    rules=st.just(1),
    epoch=st.sampled_from((0, 1, 1, 1, 2)),
    person_id=st.sampled_from(("ann", "bob", "")),
    permissions=st.sampled_from((MEMBER, MEMBER, MEMBER, OWN_ONLY, GUEST, VIEWER, 0, (1 << 32) - 1)),
    client_id=st.sampled_from((ANN, BOB, GIL, b"", b"long" * 9)),
    hash=st.integers(0, 3),
    time_ms=st.one_of(st.integers(0, 1 << 40), revisions),
    frame_count=st.sampled_from((0, 1, 240)),
    batch=st.builds(
        Batch,
        client_seq=st.one_of(st.integers(0, 4), st.just((1 << 64) - 1)),
        base_revision=revisions,
        operations=st.lists(operations, max_size=3),
    ),
    refused=st.one_of(*[st.none()] * 5, st.builds(Refusal, code=st.integers(0, 20), reason=st.text(max_size=3))),
)
