"""Whether a session's next batch is taken, and what it is told."""

from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1 import operation_pb2
from rushes.document import Document
from rushes.document.submitted import Submitted
from svc_annotation.core.fold import Folded, fold
from svc_annotation.core.landed import INTERNAL
from svc_annotation.core.member import RECOVERED, RESEND, Member, Note, Take, new_presence_bucket, trouble
from svc_annotation.core.policy import AFTER_CHANGE_S, SnapshotPolicy
from tests.unit.svc_annotation.annotation_kit import VIDEO, Writer, create, identity, move


def member() -> Member:
    return Member(1, "ann", "t", identity("a"), INTERNAL, 0, new_presence_bucket(0.0))


def numbered(number: int) -> operation_pb2.Batch:
    return operation_pb2.Batch(client_seq=number)


def decode(note: Note | None) -> service.CollaborateResponse:
    assert note is not None
    return service.CollaborateResponse.FromString(note.payload)


def told(each: Member, folded: Folded) -> Note | None:
    return each.told(folded.result, folded.record.batch.client_seq)


def test_after_a_failed_append_what_followed_is_dropped_until_it_is_sent_again() -> None:
    each = member()
    assert each.check(numbered(4)) is Take.APPEND
    each.lost(6)
    each.lost(5)
    each.lost(7)
    assert each.check(numbered(8)) is Take.DROP
    assert each.check(numbered(6)) is Take.DROP
    assert each.check(numbered(4)) is Take.APPEND
    assert each.check(numbered(5)) is Take.APPEND
    assert each.check(numbered(6)) is Take.APPEND


def test_a_session_that_was_stopped_takes_no_more() -> None:
    each = member()
    each.stopped = True
    assert each.check(numbered(1)) is Take.DROP


def test_on_the_full_lane_the_commit_itself_is_the_answer() -> None:
    each, writer = member(), Writer(Document(VIDEO, 1))
    assert told(each, writer.fold(create("x"))) is None


def test_on_the_merged_lane_the_author_is_told_with_what_the_fields_were() -> None:
    each, writer = member(), Writer(Document(VIDEO, 1))
    each.outcomes = True
    writer.fold(create("x"))
    note = told(each, writer.fold(move("x", 5, 6, 1)))
    outcome = decode(note).outcome
    assert note is not None
    assert note.after_revision == 0
    assert outcome.outcome.revision == 2
    assert outcome.before[0].value.field == "position"
    assert outcome.before[0].stamp_revision == 1


def test_a_batch_sent_twice_is_answered_after_its_commit() -> None:
    each, writer = member(), Writer(Document(VIDEO, 1))
    record = writer.record([create("x")])
    fold(writer.document, Submitted.of(record), 0)
    note = told(each, fold(writer.document, Submitted.of(record), 1))
    assert decode(note).outcome.outcome.revision == 1
    assert note is not None
    assert note.after_revision == 1
    each.outcomes = True
    again = told(each, fold(writer.document, Submitted.of(record), 2))
    assert again is not None
    assert again.after_revision == 0


def test_a_refusal_waits_for_the_revision_it_names_and_says_the_same_twice() -> None:
    each, writer = member(), Writer(Document(VIDEO, 1))
    writer.fold(create("x"))
    record = writer.record([create("x")])
    notes = [told(each, fold(writer.document, Submitted.of(record), offset)) for offset in (1, 2)]
    assert [note.after_revision for note in notes if note is not None] == [1, 1]
    assert decode(notes[0]) == decode(notes[1])
    refused = decode(notes[0]).refused
    assert (refused.client_seq, refused.at_revision, refused.index) == (2, 1, 0)
    assert refused.HasField("index")


def test_what_takes_no_number_is_answered_unless_it_is_past() -> None:
    each, writer = member(), Writer(Document(VIDEO, 1))
    writer.number = 4
    gap = writer.fold(create("x"))
    assert b"OUT_OF_ORDER" in decode(told(each, gap)).refused.status.details[0].value
    writer.number = 0
    for number in range(10):
        writer.fold(create(str(number)))
    writer.number = 0
    assert told(each, writer.fold(create("0"))) is None


def test_trouble_with_the_log_is_said_and_taken_back() -> None:
    said = service.CollaborateResponse.FromString(trouble("LOG_FULL", "the disk is full"))
    assert said.trouble.code == 14
    recovered = service.CollaborateResponse.FromString(RECOVERED)
    assert recovered.WhichOneof("message") == "trouble"
    assert recovered.trouble.code == 0
    assert service.CollaborateResponse.FromString(RESEND).WhichOneof("message") == "resend"


def test_a_snapshot_is_due_after_many_records_but_not_too_often() -> None:
    policy = SnapshotPolicy(0, 0, 0.0)
    assert not policy.due(0, 100.0)
    policy.changed(100.0)
    assert not policy.due(999, 101.0)
    assert policy.due(1_000, 101.0)
    policy.taken(1_000, 101.0)
    assert not policy.behind
    policy.changed(102.0)
    assert not policy.due(5_000, 110.0)
    assert policy.due(5_000, 111.5)


def test_a_snapshot_is_due_a_while_after_any_change() -> None:
    policy = SnapshotPolicy(5, 5, 0.0)
    policy.changed(10.0)
    policy.changed(30.0)
    assert not policy.due(6, 10.0 + AFTER_CHANGE_S - 1)
    assert policy.due(6, 10.0 + AFTER_CHANGE_S)
    opened = SnapshotPolicy(5, 9, 0.0)
    assert opened.behind
    assert opened.due(9, AFTER_CHANGE_S)
