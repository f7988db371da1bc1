"""Who else is here."""

from collections.abc import Callable

import pytest

from rushes.annotation.v1 import annotation_pb2
from rushes.annotation.v1 import annotation_service_pb2 as service
from svc_annotation.core.landed import CLIENT, INTERNAL, Audience
from svc_annotation.core.presence import MAX_PEOPLE, Onlooker, Presence, PresenceInvalid, check
from tests.unit.svc_annotation.annotation_kit import identity


def everybody(_: bytes) -> bool:
    return True


class Room:
    """People on a video, and what each of them was sent last."""

    def __init__(self) -> None:
        self.presence = Presence()
        self.received: dict[int, service.Presence] = {}
        self.raw: dict[int, bytes] = {}
        self.messages = 0

    def join(
        self,
        key: int,
        *,
        audience: Audience = INTERNAL,
        frame: int = 0,
        shown: bool = True,
        client_sees: Callable[[bytes], bool] | None = None,
    ) -> None:
        client_id = identity(str(key)) if shown else b""
        onlooker = Onlooker(key, client_id, f"p{key}", f"Person {key}", audience, frame)
        if client_sees is not None:
            onlooker.client_sees = client_sees
        self.presence.join(onlooker)

    def update(self, key: int, **state: object) -> None:
        self.presence.update(key, service.PresenceState(**state), may_draw=True)  # type: ignore[arg-type]

    def tick(self) -> None:
        for keys, payload in self.presence.tick():
            self.messages += 1
            for key in keys:
                self.received[key] = service.CollaborateResponse.FromString(payload).presence
                self.raw[key] = payload

    def sees(self, key: int) -> set[str]:
        return {person.name for person in self.received[key].people}


def test_everybody_sees_who_is_here_and_who_moved() -> None:
    room = Room()
    room.join(1)
    room.join(2)
    room.join(3, shown=False)
    room.tick()
    assert room.sees(1) == room.sees(2) == room.sees(3) == {"Person 1", "Person 2"}
    room.update(2, frame=9, cursor=annotation_pb2.Position(x=4))
    room.tick()
    [moved] = [person for person in room.received[1].people if person.client_id == identity("2")]
    assert (moved.state.frame, moved.state.cursor.x) == (9, 4)
    room.presence.leave(2)
    room.presence.leave(2)
    room.tick()
    assert room.sees(1) == {"Person 1"}


def test_nothing_is_sent_to_whom_nothing_changed() -> None:
    room = Room()
    room.join(1)
    room.join(2)
    room.tick()
    before = room.messages
    assert not room.presence.dirty
    room.update(1, frame=0)
    assert room.presence.dirty
    room.tick()
    assert room.messages == before


def test_a_viewer_gets_thirty_others_at_most_those_on_the_same_frame_first_and_the_rest_as_a_count() -> None:
    room = Room()
    for key in range(50):
        room.join(key, frame=key % 2)
    room.join(100, frame=5)
    room.join(101, frame=5)
    room.tick()
    received = room.received[100]
    assert len(received.people) == MAX_PEOPLE
    assert received.more == 52 - MAX_PEOPLE
    assert {person.state.frame for person in received.people[:2]} == {5}
    assert {person.state.frame for person in room.received[1].people[:25]} == {1}


def test_those_who_look_at_one_frame_share_one_message() -> None:
    room = Room()
    for key in range(20):
        room.join(key, frame=3)
    for key in range(20, 40):
        room.join(key, frame=key)
    room.tick()
    assert room.messages == 2


def test_whom_one_follows_and_the_presenter_are_always_among_them() -> None:
    room = Room()
    for key in range(60):
        room.join(key, frame=1)
    room.join(70, frame=9)
    room.join(71, frame=9)
    room.update(5, frame=1, following=identity("70"))
    room.update(6, frame=1, following=identity("71"))
    room.update(7, frame=1, following=identity("71"))
    room.tick()
    assert "Person 70" in room.sees(5)
    assert "Person 71" in room.sees(30)
    assert "Person 70" not in room.sees(30)


def test_what_is_drawn_as_internal_never_reaches_the_client_audience() -> None:
    room = Room()
    room.join(1)
    room.join(2, audience=CLIENT)
    canary = annotation_pb2.Annotation(id=identity("x"), text="canary", points=[1, 2])
    for state in (
        {"audience": INTERNAL, "transient": [canary]},
        {"transient": [canary]},
        {"audience": CLIENT, "transient": [annotation_pb2.Annotation(text="canary", audience=INTERNAL)]},
        {"audience": INTERNAL, "laser": [7, 7], "tool": "canary"},
        {"audience": CLIENT, "moving": [service.TransientMove(id=identity("canary"))]},
    ):
        room.update(1, frame=0, cursor=annotation_pb2.Position(x=7), **state)
        room.tick()
        assert b"canary" not in room.raw[2]
        assert identity("canary") not in room.raw[2]
        [other] = [person for person in room.received[2].people if person.client_id == identity("1")]
        assert not other.state.HasField("cursor")
        assert room.raw[1] != room.raw[2]


def test_what_is_drawn_for_clients_reaches_them() -> None:
    room = Room()
    room.join(1, client_sees=everybody)
    room.join(2, audience=CLIENT)
    drawn = annotation_pb2.Annotation(text="hello", audience=CLIENT)
    move = service.TransientMove(id=identity("shown"), to=annotation_pb2.Position(x=3))
    state = service.PresenceState(audience=CLIENT, transient=[drawn], moving=[move])
    room.presence.update(1, state, may_draw=True)
    room.tick()
    [other] = [person for person in room.received[2].people if person.client_id == identity("1")]
    assert other.state.transient[0].text == "hello"
    assert other.state.moving[0].to.x == 3


def test_what_a_client_draws_everybody_sees() -> None:
    room = Room()
    room.join(1, audience=CLIENT)
    room.join(2, audience=CLIENT)
    room.update(1, audience=INTERNAL, transient=[annotation_pb2.Annotation(text="mine")])
    room.tick()
    [other] = [person for person in room.received[2].people if person.client_id == identity("1")]
    assert other.state.transient[0].text == "mine"


def test_who_may_not_write_shows_no_drawing() -> None:
    room = Room()
    room.join(1)
    room.join(2)
    state = service.PresenceState(transient=[annotation_pb2.Annotation(text="mine")], laser=[1, 2])
    room.presence.update(1, state, may_draw=False)
    room.presence.update(99, state, may_draw=True)
    room.tick()
    [other] = [person for person in room.received[2].people if person.client_id == identity("1")]
    assert not other.state.transient
    assert list(other.state.laser) == [1, 2]


def test_a_reader_without_a_client_is_not_shown_but_may_follow() -> None:
    room = Room()
    room.join(1, shown=False)
    room.join(2, frame=5)
    room.update(1, frame=5)
    room.tick()
    assert room.sees(1) == {"Person 2"}


@pytest.mark.parametrize(
    "state",
    [
        service.PresenceState(tool="x" * 17),
        service.PresenceState(transient=[annotation_pb2.Annotation(points=[1] * 4_002)]),
        service.PresenceState(transient=[annotation_pb2.Annotation() for _ in range(9)]),
        service.PresenceState(transient=[annotation_pb2.Annotation(text="x" * 50_000)]),
        service.PresenceState(laser=[1] * 129),
        service.PresenceState(moving=[service.TransientMove() for _ in range(65)]),
        service.PresenceState(following=b"short"),
    ],
)
def test_a_presence_that_is_too_large_is_refused(state: service.PresenceState) -> None:
    with pytest.raises(PresenceInvalid):
        check(state)


def test_the_tick_stretches_with_the_number_of_people() -> None:
    room = Room()
    ticks = []
    for count in (1, 50, 100, 200, 400):
        for key in range(len(room.presence), count):
            room.join(key)
        ticks.append(room.presence.tick_s())
    assert ticks == pytest.approx([0.05, 0.05, 0.1, 0.2, 0.2])


def test_a_message_is_bounded_in_bytes() -> None:
    room = Room()
    room.presence = Presence(max_bytes=10_000)
    for key in range(10):
        room.join(key)
        room.update(key, transient=[annotation_pb2.Annotation(text="x" * 3_000)])
    room.tick()
    assert len(room.raw[0]) <= 10_100
    assert room.received[0].more == 10 - len(room.received[0].people)


def test_a_second_session_of_a_client_takes_its_place() -> None:
    room = Room()
    room.join(1)
    room.presence.join(Onlooker(2, identity("1"), "p1", "Person 1", INTERNAL, 4))
    room.presence.leave(1)
    room.tick()
    assert [person.state.frame for person in room.received[2].people] == [4]
