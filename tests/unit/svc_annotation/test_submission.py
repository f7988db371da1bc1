"""A batch on its way into the log: the record of it, put together from bytes, is the message that it says it is, and
what is handed on beside the log is what the log says.
"""

from dataclasses import replace

import pytest
from google.protobuf.message import DecodeError

from rushes.annotation.v1.operation_pb2 import Batch
from rushes.annotation.v1.record_pb2 import Record
from rushes.document import Applied, Document, Refused, apply, submitted_hash
from rushes.document.submitted import Sender, Submitted
from svc_annotation.core import submission as module
from svc_annotation.core.submission import Head, Submission, Underway, submission
from tests.unit.svc_annotation.annotation_kit import ALL, FRAMES, VIDEO, create, identity, move

SENDER = Sender(
    rules=1,
    epoch=0,
    video_id=VIDEO,
    tenant_id="t",
    person_id="ann",
    permissions=ALL,
    client_id=identity("a"),
    frame_count=FRAMES,
)
HEAD = Head.of(SENDER)
BATCHES = {
    "taken": Batch(client_seq=1, operations=[create("note"), move("note", 3, 4)]),
    "on a base": Batch(client_seq=300, base_revision=70_000, operations=[create("note")]),
    "refused": Batch(client_seq=1, base_revision=5, operations=[move("note", 1 << 24, 0)]),
    "empty": Batch(),
}


def submit(batch: Batch) -> Submission:
    return submission(HEAD, batch, time_ms=1000, service=False)


def plain(record: Submitted) -> Submitted:
    """Without what is known of it beside what the log says."""
    return replace(record, checked=False, parts=list(record.parts))


@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES)
def test_what_is_handed_on_is_what_the_log_says(batch: Batch) -> None:
    submitted = submit(batch)
    read = Submitted.of(Record.FromString(submitted.payload))
    assert submitted.record.checked
    assert plain(submitted.record) == read
    on, other = Document(VIDEO, 1), Document(VIDEO, 1)
    assert type(apply(on, submitted.record)) is type(apply(other, read))
    assert on.to_bytes() == other.to_bytes()


def test_what_comes_back_is_known_once_and_read_from_then_on() -> None:
    underway, submitted = Underway(), submit(BATCHES["taken"])
    underway.put(submitted)
    assert underway.take(bytes(submitted.payload)) is submitted.record
    again = underway.take(submitted.payload)
    assert not again.checked
    assert again == plain(submitted.record)
    with pytest.raises(DecodeError):
        underway.take(b"no record")


def test_what_is_known_of_what_comes_back_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_UNDERWAY_BYTES", 10_000)
    underway = Underway()
    sent = [submit(Batch(client_seq=number, operations=[create("note")])) for number in range(1, 50)]
    for each in sent:
        underway.put(each)
    known = [underway.take(each.payload).checked for each in sent]
    assert 0 < sum(known) < 10
    assert known[-1]


def test_what_is_sent_twice_is_counted_once() -> None:
    underway, submitted = Underway(), submit(BATCHES["taken"])
    for _ in range(2):
        underway.put(submitted)
    underway.take(submitted.payload)
    assert underway._bytes == 0


def test_the_payload_is_the_record_with_its_batch() -> None:
    batch = Batch(client_seq=1, operations=[create("note")])
    submitted = submit(batch)
    record = Record.FromString(submitted.payload)
    assert record.batch == batch
    assert record.hash == submitted_hash(batch)
    assert (record.person_id, record.client_id, record.tenant_id) == ("ann", identity("a"), "t")
    assert (record.rules, record.video_id, record.permissions) == (1, VIDEO, ALL)
    assert (record.time_ms, record.frame_count) == (1000, FRAMES)
    assert record.SerializeToString(deterministic=True) == submitted.payload
    assert isinstance(apply(Document(VIDEO, 1), record), Applied)


def test_what_a_newer_program_added_is_left_out() -> None:
    batch = Batch(client_seq=1, operations=[create("note")])
    newer = Batch.FromString(batch.SerializeToString() + b"\xf8\x07\x01")
    assert submit(newer) == submit(batch)


def test_a_batch_that_no_document_can_take_goes_without_its_operations() -> None:
    document = Document(VIDEO, 1)
    batch = Batch(client_seq=1, operations=[move("note", 1 << 24, 0)])
    submitted = submit(batch)
    record = Record.FromString(submitted.payload)
    assert not record.batch.operations
    assert record.batch.client_seq == 1
    assert record.refused.reason == "INVALID_POSITION"
    assert record.SerializeToString(deterministic=True) == submitted.payload
    assert record.hash == submitted_hash(batch)
    assert isinstance(apply(document, record), Refused)
