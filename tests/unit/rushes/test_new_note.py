"""A new note put together from the bytes of its batch is what the message says that a Create makes of it."""

from dataclasses import replace

import pytest

from rushes.annotation.v1.annotation_pb2 import (
    ANNOTATION_KIND_COMMENT,
    ANNOTATION_KIND_STROKE,
    Annotation,
    AnnotationState,
    Attachment,
    Box,
    Position,
    Style,
    View,
)
from rushes.annotation.v1.operation_pb2 import Batch, CreateOperation, Operation
from rushes.annotation.v1.record_pb2 import Record
from rushes.document import Applied, Document, apply
from rushes.document.operation import split_checked
from rushes.document.submitted import Submitted
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, PERMISSION_ANNOTATE

ID = b"\x0a\x10" * 8
"""Like the beginning of the field that it is in."""
NOTES = {
    "bare": Annotation(kind=ANNOTATION_KIND_COMMENT),
    "stroke": Annotation(kind=ANNOTATION_KIND_STROKE, position=Position(), points=[1, -2] * 30, style=Style(color=9)),
    "framed": Annotation(kind=ANNOTATION_KIND_COMMENT, first_frame=3, last_frame=300, box=Box(left=-4)),
    "of 128 bytes": Annotation(kind=ANNOTATION_KIND_COMMENT, text="x" * 100),
    "long": Annotation(kind=ANNOTATION_KIND_COMMENT, text="x" * 300),
    "as long as may be": Annotation(kind=ANNOTATION_KIND_COMMENT, text="x" * 4096, tags=["a", "b"]),
    "of many bytes": Annotation(kind=ANNOTATION_KIND_STROKE, points=[300_000, 3, -300_000, -3] * 950),
    "last fields": Annotation(kind=ANNOTATION_KIND_COMMENT, resolved=True, view=View(zoom_permille=1000)),
    "attached": Annotation(kind=ANNOTATION_KIND_COMMENT, attachments=[Attachment(id="a", link="b", title="c")]),
}
SIMPLE = list(NOTES)
NOTES["by somebody else"] = Annotation(kind=ANNOTATION_KIND_COMMENT, author_id="eve")
NOTES["of another time"] = Annotation(kind=ANNOTATION_KIND_COMMENT, created_ms=5, updated_ms=1 << 40)
NOTES["changed"] = Annotation(kind=ANNOTATION_KIND_COMMENT, updated_ms=7)
NOTES["deleted"] = Annotation(kind=ANNOTATION_KIND_COMMENT, deleted=True)


def record(note: Annotation, *, person: str, number: int, base: int, time_ms: int) -> Record:
    made = Annotation(id=ID, audience=AUDIENCE_CLIENT)
    made.MergeFrom(note)
    operations = [Operation(create=CreateOperation(annotation=made))]
    return Record(
        rules=1,
        time_ms=time_ms,
        person_id=person,
        client_id=b"c" * 16,
        permissions=1 << PERMISSION_ANNOTATE,
        batch=Batch(client_seq=number, base_revision=base, operations=operations),
    )


def met(record: Record) -> Submitted:
    """As the service meets a record that it has checked."""
    submitted = Submitted.of(record)
    parts = split_checked(submitted.batch, len(submitted.data), frame_count=0, service=False)
    assert isinstance(parts, list)
    return replace(submitted, parts=parts, checked=True)


def filled(revision: int) -> Document:
    """A document that has got so far."""
    document = Document(7, 1)
    document.revision = revision
    return document


@pytest.mark.parametrize("person", ["ann", "", "a person whose name takes " + "x" * 120])
@pytest.mark.parametrize("revision", [0, 127, 70_000])
@pytest.mark.parametrize("kind", NOTES)
def test_a_new_note_is_what_the_message_says(kind: str, revision: int, person: str) -> None:
    for time_ms in (0, 1_700_000_000_000):
        sent = record(NOTES[kind], person=person, number=1, base=revision, time_ms=time_ms)
        plain, served = filled(revision), filled(revision)
        told, result = apply(plain, sent), apply(served, met(sent))
        assert isinstance(told, Applied)
        assert isinstance(result, Applied)
        [state] = result.states.values()
        assert isinstance(state, bytes) is (kind in SIMPLE)
        [expected] = told.after.values()
        assert expected.annotation.author_id == person
        assert (state if isinstance(state, bytes) else state.SerializeToString()) == expected.SerializeToString()
        assert result.after == told.after
        assert result.commit_bytes == told.commit_bytes
        assert served.to_bytes() == plain.to_bytes()
        assert isinstance(served.get(ID), AnnotationState)
