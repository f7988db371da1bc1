"""A client's end when its page, its number or the log is lost: in doubt, anew, or kept."""

import pytest

from rushes.annotation.v1.annotation_service_pb2 import (
    CollaborateOpened,
    CollaborateResponse,
)
from rushes.document import limit as limits
from rushes.document.pending_event import (
    Reconnect,
)
from rushes.errors import InvalidArgument
from rushes.type.v1.access_pb2 import AUDIENCE_INTERNAL
from tests.unit.rushes.builder import (
    A,
    B,
    color,
    create,
    fields,
    move,
)
from tests.unit.rushes.desk import Desk
from tests.unit.rushes.simulated_server import ALL


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    made.do(create(A, text="hello"))
    made.settle()
    return made


def test_what_was_sent_by_a_forgotten_client_is_in_doubt(desk: Desk) -> None:
    desk.do(create(B, text="b"), move(A, 1, 1))
    desk.sent()
    desk.edit(B, "bc")
    desk.do(fields(A, color(9)))
    desk.me.cut(desk.server)
    desk.server.now_ms += 31 * limits.DAY_MS
    desk.me.connect(desk.server)
    desk.deliver()
    kinds = [operation.WhichOneof("kind") for operation in desk.client.doubt]
    assert kinds == ["create", "move", "edit_text"]
    assert desk.client.pending_count == 1
    desk.settle()
    assert desk.client.screen.get(B) is None
    desk.me.heed(desk.client.resend_doubt(desk.me.now_s), desk.server)
    assert desk.client.doubt == []
    desk.settle()
    assert desk.text(B) == "bc"
    assert desk.place(A) == (1, 1)


def test_what_is_in_doubt_can_be_forgotten(desk: Desk) -> None:
    desk.do(move(A, 1, 1))
    desk.sent()
    desk.me.cut(desk.server)
    desk.server.now_ms += 31 * limits.DAY_MS
    desk.me.connect(desk.server)
    desk.deliver()
    assert len(desk.me.doubted) == 1
    desk.client.discard_doubt()
    assert desk.client.doubt == []
    desk.settle()
    assert desk.place(A) == (100, -200)


def test_after_a_restore_what_is_not_known_to_be_saved_is_new_work(desk: Desk) -> None:
    desk.edit(A, "hello you")
    desk.settle()
    desk.do(move(A, 5, 5), create(B))
    desk.sent()
    desk.me.cut(desk.server)
    desk.server.lose_tail(1)
    desk.me.connect(desk.server)
    desk.other.connect(desk.server)
    desk.settle()
    assert "EPOCH" in desk.me.reasons
    assert desk.text(A) == "hello"
    assert desk.place(A) == (5, 5)
    assert desk.client.screen.get(B) is not None
    assert not desk.client.can_undo or desk.server.document.revision == 2


def test_work_outlives_the_page(desk: Desk) -> None:
    desk.edit(A, "hello you")
    desk.do(move(A, 3, 3))
    desk.sent()
    desk.edit(A, "hello you two")
    desk.do(create(B, text="b"))
    desk.edit(B, "bc")
    desk.edit(A, "oh hello", who=desk.other)
    desk.other.now_s += 0.06
    desk.other.send()
    desk.me.reload(desk.server)
    assert desk.client.pending_count == 5
    desk.me.connect(desk.server)
    desk.settle()
    assert desk.text(A) == "oh hello you two"
    assert desk.text(B) == "bc"
    assert desk.place(A) == (3, 3)


def test_moves_kept_over_a_reload_do_not_meet_themselves_half_way(desk: Desk) -> None:
    desk.do(move(A, 100, 0))
    desk.sent()
    desk.do(move(A, 300, 0))
    desk.deliver()
    desk.me.reload(desk.server)
    desk.me.connect(desk.server)
    desk.settle()
    assert desk.place(A) == (300, 0)


def test_the_work_of_somebody_else_is_not_sent_in_ones_own_name(desk: Desk) -> None:
    desk.do(move(A, 3, 3))
    desk.me.cut(desk.server)
    desk.me.person_id = "eve"
    desk.me.connect(desk.server)
    desk.deliver()
    assert len(desk.client.doubt) == 1
    assert desk.client.pending_count == 0


def test_stored_work_of_another_video_is_refused(desk: Desk) -> None:
    stored = desk.client.dump()
    stored.video_id += 1
    with pytest.raises(InvalidArgument):
        desk.me.make(stored)


def test_a_client_closed_without_a_word_begins_anew(desk: Desk) -> None:
    desk.do(move(A, 5, 5))
    desk.sent()
    before = desk.client.client_id
    desk.me.cut(desk.server)
    desk.client.connect(0)
    opened = CollaborateOpened(
        epoch=1, revision=1, known=True, closed=True, person_id="ann", permissions=ALL, audience=AUDIENCE_INTERNAL
    )
    opened.outcomes.add(client_seq=1, revision=1)
    assert Reconnect("ABORTED") in desk.tell(CollaborateResponse(opened=opened))
    assert desk.client.client_id != before
    assert desk.client.pending_count == 1


def test_an_undo_does_not_outlive_its_log(desk: Desk) -> None:
    desk.do(move(A, 5, 5))
    desk.settle()
    desk.undo()
    desk.sent()
    desk.do(fields(A, color(1)))
    desk.me.cut(desk.server)
    desk.server.lose_tail(1)
    desk.me.connect(desk.server)
    desk.other.connect(desk.server)
    desk.settle()
    assert desk.me.reasons == ["STALE_BASE", "EPOCH"]
    assert not desk.client.can_redo
