"""A batch on its way into the log: the record of it, put together from bytes, is the message that it says it is."""

from rushes.annotation.v1.operation_pb2 import Batch
from rushes.annotation.v1.record_pb2 import Record
from rushes.document import Applied, Document, Refused, apply, submitted_hash
from svc_annotation.core.submission import Head, Submission, submission
from tests.unit.svc_annotation.annotation_kit import ALL, FRAMES, VIDEO, create, identity, move

HEAD = Head.of(
    rules=1,
    epoch=0,
    video_id=VIDEO,
    tenant_id="t",
    person_id="ann",
    permissions=ALL,
    client_id=identity("a"),
    frame_count=FRAMES,
)


def submit(document: Document, batch: Batch) -> Submission:
    return submission(document, HEAD, batch, time_ms=1000, service=False)


def test_the_payload_is_the_record_with_its_batch() -> None:
    batch = Batch(client_seq=1, operations=[create("note")])
    submitted = submit(Document(VIDEO, 1), batch)
    record = Record.FromString(submitted.payload)
    assert (submitted.client_seq, submitted.hash) == (1, submitted_hash(batch))
    assert record.batch == batch
    assert record.hash == submitted.hash
    assert (record.person_id, record.client_id, record.tenant_id) == ("ann", identity("a"), "t")
    assert (record.rules, record.video_id, record.permissions) == (1, VIDEO, ALL)
    assert (record.time_ms, record.frame_count) == (1000, FRAMES)
    assert record.SerializeToString(deterministic=True) == submitted.payload
    assert isinstance(apply(Document(VIDEO, 1), record), Applied)


def test_what_a_newer_program_added_is_left_out() -> None:
    batch = Batch(client_seq=1, operations=[create("note")])
    newer = Batch.FromString(batch.SerializeToString() + b"\xf8\x07\x01")
    one = submit(Document(VIDEO, 1), batch)
    assert submit(Document(VIDEO, 1), newer) == one


def test_a_batch_that_no_document_can_take_goes_without_its_operations() -> None:
    document = Document(VIDEO, 1)
    batch = Batch(client_seq=1, operations=[move("note", 1 << 24, 0)])
    submitted = submit(document, batch)
    record = Record.FromString(submitted.payload)
    assert not record.batch.operations
    assert record.batch.client_seq == 1
    assert record.refused.reason == "INVALID_POSITION"
    assert record.SerializeToString(deterministic=True) == submitted.payload
    assert record.hash == submitted_hash(batch)
    assert isinstance(apply(document, record), Refused)
