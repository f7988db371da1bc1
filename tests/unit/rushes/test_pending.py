"""A client's end: what it sends and when, and what it does when things go wrong."""

import pytest

from rushes.annotation.v1.annotation_service_pb2 import (
    RESET_REASON_EPOCH,
    CollaborateResponse,
    Committed,
    Merged,
    OwnOutcome,
    Pong,
    Presence,
    Refused,
    Reset,
    Rights,
)
from rushes.annotation.v1.operation_pb2 import Batch, Commit, FieldValue, Outcome
from rushes.annotation.v1.record_pb2 import Record
from rushes.document import limit as limits
from rushes.document import rebase, refusal
from rushes.document.change import Change
from rushes.document.pending_event import (
    Changed,
    Dropped,
    InDoubt,
    NotSaved,
    PongReceived,
    PresenceReceived,
    Reconnect,
    RightsChanged,
    Saved,
    TextMoved,
    Trouble,
)
from rushes.document.pending_item import DO, make_item
from rushes.document.pending_state import Phase
from rushes.errors import InvalidArgument, NotFound
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT
from tests.unit.rushes.builder import (
    VIEWER,
    A,
    B,
    C,
    color,
    create,
    deleted,
    edit,
    fields,
    frames,
    key,
    link,
    move,
    reply,
)
from tests.unit.rushes.desk import Desk
from tests.unit.rushes.simulated_server import FRAMES


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    made.do(create(A, text="hello"))
    made.settle()
    return made


def test_the_first_batch_goes_at_once_and_the_next_50_ms_later(desk: Desk) -> None:
    desk.do(fields(A, color(1)))
    assert len(desk.sent()) == 1
    desk.do(fields(A, color(2)))
    assert desk.sent(after_s=0.02) == []
    assert desk.client.wake_at(desk.me.now_s) == pytest.approx(desk.me.now_s + 0.03)
    desk.do(fields(A, color(3)))
    (second,) = desk.sent(after_s=0.03)
    assert len(second.operations) == 2


def test_a_batch_has_at_most_twenty_operations_and_keeps_actions_whole(desk: Desk) -> None:
    for number in range(3):
        desk.do(*(fields(A, color(number)) for _ in range(8)))
    assert [len(batch.operations) for batch in desk.sent() + desk.sent()] == [16, 8]
    desk.do(*(fields(A, color(4)) for _ in range(45)))
    desk.do(fields(A, color(5)))
    assert [len(batch.operations) for _ in range(4) for batch in desk.sent()] == [20, 20, 5, 1]


def test_at_most_eight_batches_are_in_flight(desk: Desk) -> None:
    for number in range(10):
        desk.do(fields(A, color(number)))
        desk.sent()
    assert desk.client.in_flight == 8
    assert desk.client.pending_count == 10
    assert desk.client.wake_at(desk.me.now_s) is None
    desk.settle()
    assert desk.client.pending_count == 0


def test_typing_becomes_one_edit_while_one_is_in_flight(desk: Desk) -> None:
    desk.edit(A, "hello y")
    assert len(desk.sent()) == 1
    for text in ("hello yo", "hello you", "hello you!"):
        desk.edit(A, text)
        assert desk.sent() == []
    assert desk.text(A) == "hello you!"
    desk.deliver()
    (batch,) = desk.sent()
    assert len(batch.operations) == 1
    desk.settle()
    assert desk.text(A) == "hello you!"
    assert desk.server.document.revision == 3


def test_typing_that_is_taken_back_before_it_is_sent_is_nothing(desk: Desk) -> None:
    desk.edit(A, "hello!")
    desk.edit(A, "hello")
    assert desk.client.pending_count == 0
    assert desk.sent() == []


def test_a_long_text_goes_in_parts(desk: Desk) -> None:
    long = "漢" * 3000
    desk.edit(A, long)
    assert desk.text(A) == long
    desk.settle()
    assert desk.text(A) == long
    assert desk.server.document.revision == 1 + 3


def test_what_is_typed_behind_an_edit_as_large_as_may_be_is_an_edit_of_its_own(desk: Desk) -> None:
    full = "hello" + "x" * limits.MAX_OPERATION_TEXT_BYTES
    desk.edit(A, full)
    desk.edit(A, full + "!")
    assert (desk.text(A), desk.client.pending_count) == (full + "!", 2)
    desk.settle()
    assert (desk.text(A), desk.server.document.revision) == (full + "!", 1 + 2)


def test_what_no_server_would_take_is_refused_at_once(desk: Desk) -> None:
    before = desk.client.pending_count
    with pytest.raises(InvalidArgument) as raised:
        desk.do(fields(A, color(-1)))
    assert raised.value.metadata["reason"] == "INVALID_STYLE"
    with pytest.raises(InvalidArgument):
        desk.do(edit(A, [1, "x"]))
    with pytest.raises(InvalidArgument):
        desk.edit(A, "half \ud83c")
    with pytest.raises(InvalidArgument):
        desk.edit(A, "x" * (limits.MAX_TEXT_BYTES + 1))
    with pytest.raises(NotFound):
        desk.edit(B, "x")
    with pytest.raises(InvalidArgument):
        desk.do(fields(A, *(_large(number) for number in range(9))))
    assert desk.client.pending_count == before


def _large(number: int) -> FieldValue:
    return link(f"a{number}", "x" * 2040)


def test_after_a_cut_the_same_bytes_go_again_and_land_once(desk: Desk) -> None:
    desk.do(move(A, 1, 1))
    first = desk.sent()
    desk.do(move(A, 2, 2))
    first += desk.sent()
    session = desk.me.session
    assert session is not None
    desk.server.take(session, session.up.pop(0))
    desk.server.fold()
    desk.me.cut(desk.server)
    desk.me.connect(desk.server)
    desk.deliver()
    assert [batch.client_seq for batch in desk.sent()] == [first[1].client_seq]
    desk.settle()
    assert desk.place(A) == (2, 2)
    assert desk.server.document.revision == 3


def test_a_resend_is_heeded(desk: Desk) -> None:
    desk.do(move(A, 1, 1))
    (batch,) = desk.sent()
    response = CollaborateResponse()
    response.resend.SetInParent()
    desk.tell(response)
    assert desk.client.wake_at(desk.me.now_s) == desk.me.now_s
    assert desk.sent() == [batch]


def test_with_nothing_in_flight_a_new_stream_has_a_new_client_id(desk: Desk) -> None:
    before = desk.client.client_id
    desk.me.connect(desk.server)
    assert desk.client.client_id != before
    again = desk.client.client_id
    desk.deliver()
    desk.me.connect(desk.server)
    assert desk.client.client_id == again


def test_a_day_of_silence_gives_a_new_client_id(desk: Desk) -> None:
    before = desk.client.client_id
    desk.me.now_s += 24 * 3600 + 1
    desk.do(move(A, 1, 1))
    assert desk.me.reasons == ["IDLE"]
    assert desk.client.client_id != before
    desk.settle()
    assert desk.place(A) == (1, 1)


def test_a_refusal_drops_what_was_built_on_it_and_sends_the_rest_again(desk: Desk) -> None:
    before = desk.client.client_id
    desk.do(create(B, last_frame=FRAMES, text="b"))
    desk.do(reply(C, B), move(B, 1, 1), move(A, 7, 7))
    desk.sent()
    desk.edit(B, "bc")
    desk.do(reply(key(9), C), fields(A, color(5)))
    desk.settle()
    kinds = [operation.WhichOneof("kind") for operation in desk.me.dropped]
    assert kinds == ["create", "create", "move", "edit_text", "create"]
    assert desk.me.reasons == ["FRAME_OUTSIDE", "FRAME_OUTSIDE"]
    assert desk.client.client_id != before
    assert desk.place(A) == (7, 7)
    state = desk.server.document.get(A)
    assert state is not None
    assert state.annotation.style.color == 5
    assert [each.annotation.id for each in desk.client.screen.annotations] == [A]


def test_a_refused_text_edit_drops_the_later_ones_of_that_text(desk: Desk) -> None:
    desk.do(create(B, text="b"))
    desk.settle()
    desk.other.permissions = VIEWER | 0b000100
    desk.other.connect(desk.server)
    desk.deliver()
    other = desk.other
    desk.edit(B, "bc", who=other)
    other.now_s += 0.06
    other.send()
    desk.edit(B, "bcd", who=other)
    desk.do(create(C, audience=AUDIENCE_CLIENT), who=other)
    desk.settle()
    assert [operation.WhichOneof("kind") for operation in other.dropped] == ["edit_text", "edit_text"]
    assert other.client.screen.get(C) is not None


def test_moves_are_restated_after_a_refusal(desk: Desk) -> None:
    desk.do(move(A, 100, 0))
    desk.do(fields(A, frames(0, FRAMES)))
    desk.sent()
    desk.do(move(A, 300, 0), who=desk.other)
    desk.other.now_s += 0.06
    desk.other.send()
    other = desk.other.session
    assert other is not None
    desk.server.take(other, other.up.pop(0))
    desk.deliver()
    (batch,) = desk.sent()
    assert (batch.operations[0].move.to.x, batch.operations[0].move.seen_revision) == (200, 2)
    desk.settle()
    assert desk.place(A) == (200, 0)


def test_who_may_not_write_any_more_keeps_the_work_unsaved(desk: Desk) -> None:
    desk.do(move(A, 5, 5))
    events = desk.tell(CollaborateResponse(rights=Rights(permissions=VIEWER)))
    assert events == [RightsChanged(VIEWER), NotSaved()]
    assert not desk.client.writable
    assert desk.sent() == []
    assert desk.client.wake_at(desk.me.now_s) is None
    desk.tell(CollaborateResponse(rights=Rights(permissions=0b111110)))
    desk.settle()
    assert desk.place(A) == (5, 5)


def test_a_batch_refused_for_want_of_rights_is_kept(desk: Desk) -> None:
    desk.do(move(A, 5, 5))
    desk.sent()
    desk.me.permissions = VIEWER
    desk.deliver()
    assert desk.me.reasons == ["MAY_NOT_ANNOTATE"]
    assert desk.client.pending_count == 1
    assert not desk.client.writable
    assert desk.place(A) == (5, 5)
    desk.me.permissions = 0b111110
    desk.me.connect(desk.server)
    desk.settle()
    assert desk.me.dropped == []
    assert desk.place(A) == (5, 5)


def test_a_batch_that_is_refused_as_a_whole_is_dropped_as_a_whole(desk: Desk) -> None:
    desk.do(move(A, 5, 5), deleted(A))
    (batch,) = desk.sent()
    events = desk.tell(_refused(desk, "BATCH_TOO_LARGE", batch.client_seq, 1))
    assert [type(event) for event in events] == [Dropped, Reconnect]
    assert desk.client.pending_count == 0


def _refused(desk: Desk, reason: str, seq: int, at: int) -> CollaborateResponse:
    record = Record(client_id=desk.client.client_id, batch=Batch(client_seq=seq))
    return CollaborateResponse(refused=desk.server.refused(record, refusal(reason), at))


def test_a_refusal_waits_until_all_before_it_is_here(desk: Desk) -> None:
    desk.do(move(A, 5, 5))
    (batch,) = desk.sent()
    assert desk.tell(_refused(desk, "STALE_BASE", batch.client_seq, 2)) == []
    desk.do(fields(A, color(1)))
    assert desk.sent() == []
    events = desk.tell(CollaborateResponse(progress_revision=2))
    assert Reconnect("STALE_BASE") in events
    assert desk.client.pending_count == 2


def test_a_refusal_of_another_client_is_none_of_ours(desk: Desk) -> None:
    assert desk.tell(CollaborateResponse(refused=Refused(client_id=key(5), client_seq=1))) == []
    assert desk.client.phase is Phase.OPEN


def test_a_hole_means_resuming(desk: Desk) -> None:
    committed = Committed(commits=[Commit(revision=3)])
    assert desk.tell(CollaborateResponse(committed=committed)) == [Reconnect("HOLE")]
    assert desk.client.phase is Phase.LEAVING
    assert desk.tell(CollaborateResponse(progress_revision=9)) == []
    assert desk.client.poll(99.0) == []
    desk.me.connect(desk.server)
    desk.deliver()
    merged = Merged(from_revision=3, to_revision=5)
    assert desk.tell(CollaborateResponse(merged=merged)) == [Reconnect("HOLE")]


def test_a_commit_that_does_not_fit_means_beginning_anew(desk: Desk) -> None:
    commit = Commit(revision=2, person_id="bob", operations=[edit(A, [99])])
    events = desk.tell(CollaborateResponse(committed=Committed(commits=[commit])))
    assert events == [Reconnect("DIVERGED")]
    assert not desk.client.connect(0).open.HasField("resume_revision")


def test_what_was_received_before_is_left_alone(desk: Desk) -> None:
    desk.do(move(A, 5, 5))
    desk.settle()
    old = Committed(commits=[Commit(revision=1)])
    assert desk.tell(CollaborateResponse(committed=old)) == []
    assert desk.tell(CollaborateResponse(merged=Merged(from_revision=0, to_revision=1))) == []


def test_receipt_is_acknowledged_now_and_then(desk: Desk) -> None:
    desk.do(move(A, 5, 5), who=desk.other)
    desk.settle()
    requests = desk.client.poll(desk.me.now_s + 3)
    assert [request.ack_revision for request in requests] == [2]
    assert desk.client.poll(desk.me.now_s + 6) == []
    assert desk.client.wake_at(desk.me.now_s + 6) is None


def test_clients_that_begin_together_do_not_acknowledge_together_for_ever(desk: Desk) -> None:
    waits = []
    for last in (0, 255):
        desk.client.client_id = desk.client.client_id[:-1] + bytes((last,))
        began_s = desk.me.now_s + 10 * (last + 1)
        desk.do(move(A, 5, 5), who=desk.other)
        desk.settle()
        assert desk.client.poll(began_s)[-1].ack_revision
        desk.do(move(A, 6, 6), who=desk.other)
        desk.settle()
        woken_s = desk.client.wake_at(began_s)
        assert woken_s is not None
        waits.append(woken_s - began_s)
    assert waits == pytest.approx([1.5, 2.5])


def test_others_and_the_clock_are_passed_on(desk: Desk) -> None:
    assert desk.tell(CollaborateResponse(presence=Presence(more=3))) == [PresenceReceived(Presence(more=3))]
    assert desk.tell(CollaborateResponse(pong=Pong(time_ms=3))) == [PongReceived(Pong(time_ms=3))]
    trouble = CollaborateResponse()
    trouble.trouble.code = 14
    assert desk.tell(trouble) == [Trouble(trouble.trouble)]
    assert desk.tell(CollaborateResponse()) == []


def test_on_the_merged_lane_a_batch_is_in_flight_until_its_frame(desk: Desk) -> None:
    assert desk.me.session is not None
    desk.me.session.merged = True
    desk.edit(A, "hello you")
    desk.do(move(A, 9, 9))
    desk.sent()
    session = desk.me.session
    desk.server.take(session, session.up.pop(0))
    desk.server.fold()
    desk.server.pump(session)
    desk.me.receive(desk.server)
    assert (desk.client.pending_count, desk.client.in_flight) == (0, 1)
    events = desk.client.receive(session.down.pop(0), 0.0)
    assert Saved(2, 2) in events
    assert desk.client.in_flight == 0
    desk.undo()
    desk.settle()
    assert (desk.text(A), desk.place(A)) == ("hello", (100, -200))


def test_a_caret_learns_what_others_typed(desk: Desk) -> None:
    desk.edit(A, "hello you")
    desk.edit(A, "oh hello", who=desk.other)
    desk.other.now_s += 0.06
    desk.other.send()
    session = desk.other.session
    assert session is not None
    desk.server.take(session, session.up.pop(0))
    desk.server.fold()
    assert desk.me.session is not None
    desk.server.pump(desk.me.session)
    events = desk.client.receive(desk.me.session.down.pop(0), 0.0)
    assert TextMoved(A, ["oh ", 9]) in events
    assert Changed(frozenset((A,))) in events
    assert InDoubt([]) not in events


def test_a_new_epoch_on_an_open_stream_means_opening_anew(desk: Desk) -> None:
    reset = CollaborateResponse(reset=Reset(reason=RESET_REASON_EPOCH, epoch=2))
    assert desk.tell(reset) == [Reconnect("EPOCH")]


def test_a_refusal_without_reason_drops_the_batch(desk: Desk) -> None:
    desk.do(move(A, 5, 5), deleted(A))
    (batch,) = desk.sent()
    bare = Refused(client_id=desk.client.client_id, client_seq=batch.client_seq, at_revision=1)
    (dropped, reconnect) = desk.tell(CollaborateResponse(refused=bare))
    assert isinstance(dropped, Dropped)
    assert (dropped.reason, len(dropped.operations)) == ("UNKNOWN", 2)
    assert reconnect == Reconnect("UNKNOWN")


def test_a_number_used_for_something_else_has_that_outcome(desk: Desk) -> None:
    desk.do(move(A, 5, 5))
    (batch,) = desk.sent()
    outcome = Outcome(client_seq=batch.client_seq, refusal=refusal("NOT_FOUND", 0), at_revision=1)
    events = desk.tell(CollaborateResponse(outcome=OwnOutcome(outcome=outcome)))
    assert [type(event) for event in events] == [Dropped, Reconnect]


def test_an_edit_of_a_text_that_was_hidden_for_a_while_waits_for_the_server(desk: Desk) -> None:
    item = make_item(edit(A, [3, "x"]), 1, DO)
    assert rebase.move_past([item], A, [5, "y"]) == [5, "y"]
    assert item.edit == [3, "x"]
    other = make_item(edit(A, [5, "x"]), 1, DO)
    rebase.stack_on([item], [other])
    assert other.edit == [5, "x"]
    change = Change(desk.client.confirmed, revision=9, person_id="ann", client_id=key(1), time_ms=0)
    rebase.show_one(change, item, 0)
    assert change.touched == {}


def test_at_one_place_what_landed_first_stands_first_before_and_after_ones_own_comes_back(desk: Desk) -> None:
    desk.edit(A, "helloB")
    desk.sent()
    desk.edit(A, "helloBB")
    desk.edit(A, "helloA", who=desk.other)
    desk.other.now_s += 0.06
    desk.other.send()
    other, mine = desk.other.session, desk.me.session
    assert other is not None
    assert mine is not None
    desk.server.take(other, other.up.pop(0))
    desk.server.fold()
    desk.server.pump(mine)
    desk.me.receive(desk.server)
    assert desk.text(A) == "helloABB"
    desk.settle()
    assert desk.text(A) == "helloABB"
