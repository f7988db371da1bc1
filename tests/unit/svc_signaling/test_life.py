"""Lives of rooms, of people in them, and of splits: what is in the tables happens, and nothing else does."""

from collections.abc import Callable
from itertools import product
from typing import get_args

import pytest

from rushes.errors import RushesError
from rushes.signaling.v1 import room_service_pb2 as pb
from svc_signaling.core import breakout, feed, life, participant
from svc_signaling.core.room import Live
from tests.unit.svc_signaling.test_room import CHAIR, GUEST, live, with_people

Act = Callable[[Live], list[pb.Event] | None]

_DONE: dict[str, Act] = {
    "come": lambda room: feed.come(room, "bob", "Bob", feed.PROGRAMME),
    "wait": lambda room: room.join("new", "person-new", "New", GUEST),
    "admit": lambda room: room.moderate("ada", pb.Moderate(participant_id="bob", admit=True), CHAIR),
    "reject": lambda room: room.moderate("ada", pb.Moderate(participant_id="bob", admit=False), CHAIR),
    "remove": lambda room: breakout.decided(room, "person-bob", pb.Moderate(remove=True)),
    "cut": lambda room: room.cut("bob"),
    "return": lambda room: room.returns("bob", "person-bob") or [],
    "expire": lambda room: room.expired(10**9),
    "leave": lambda room: room.leave("bob"),
}
"""What is done to bob, by each step of the table."""


@pytest.mark.parametrize(("state", "step"), [*product(pb.ParticipantState.values(), get_args(participant.Step))])
def test_every_step_of_somebody_in_a_room_is_one_of_the_table(
    state: "pb.ParticipantState.ValueType", step: participant.Step
) -> None:
    room = with_people(live(waiting_room=True), ada=CHAIR, bob=CHAIR)
    room.people["bob"].state = state
    if state == participant.AWAY:
        room.away_since["bob"] = 0
    if state == participant.NEW:
        del room.people["bob"]
    known = participant.LIFE.get((state, step))
    try:
        events = _DONE[step](room) or []
    except RushesError:
        events = []
    became = [each.participant.state for each in events if each.participant.participant_id in ("bob", "new")]
    if step == "wait":
        assert became == [participant.WAITING]
    else:
        assert became == ([known] if known is not None else [])


@pytest.mark.parametrize(("state", "step"), [*product(pb.ParticipantState.values(), get_args(participant.Step))])
def test_what_is_not_in_the_table_of_people_is_refused(
    state: "pb.ParticipantState.ValueType", step: participant.Step
) -> None:
    somebody = pb.Participant(state=state, hand=True, camera=True)
    if (state, step) in participant.LIFE:
        after = participant.moved(somebody, step)
        assert after.state == participant.LIFE[state, step]
        assert after.hand == after.camera == (after.state not in participant.GONE)
    else:
        with pytest.raises(participant.ParticipantGone):
            participant.moved(somebody, step)
    assert somebody.state == state


_IN_ROOM: dict[str, Act] = {
    "come": lambda room: room.join("cid", "person-cid", "Cid", GUEST),
    "return": lambda room: room.returns("bob", "person-bob"),
    "act": lambda room: room.say("ada", "hello"),
    "go": lambda room: room.leave("ada"),
    "end": Live.end,
}


@pytest.mark.parametrize(("state", "step"), [*product(pb.RoomState.values()[1:], get_args(life.Step))])
def test_every_step_of_a_room_is_one_of_the_table(state: "pb.RoomState.ValueType", step: life.Step) -> None:
    room = with_people(live(), ada=CHAIR, bob=GUEST)
    room.people["bob"].state = participant.AWAY
    room.room.state = state
    if (state, step) in life.LIFE:
        events = _IN_ROOM[step](room)
        assert events
        for event in room.stamp(events, 5):
            room.apply(event)
        assert room.room.state == life.LIFE[state, step]
    else:
        try:
            assert not _IN_ROOM[step](room)
        except life.RoomEnded:
            assert step in ("come", "act")
        with pytest.raises(life.RoomEnded):
            life.after(state, step)


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("step", ["split", "regroup", "unite"])
def test_every_step_of_a_split_is_one_of_the_table(split: bool, step: str) -> None:
    room = with_people(live(), ada=CHAIR, bob=GUEST)
    asked = pb.Split(rooms=[pb.Breakout(title="One")])
    if split:
        room.breakouts = breakout.split(room, "ada", asked, ["one"], CHAIR, 0)[0].breakouts
    acts: dict[str, Callable[[], list[pb.Event]]] = {
        "split": lambda: breakout.split(room, "ada", asked, ["two"], CHAIR, 0),
        "regroup": lambda: breakout.regroup(room, "Ada", pb.Regroup(say="hello"), CHAIR, 0),
        "unite": lambda: breakout.unite(room),
    }
    done = acts[step]
    known = next((now for each, now in breakout.LIFE.items() if each == (split, step)), None)
    if known is None:
        with pytest.raises(breakout.NotSplit):
            done()
    else:
        room.breakouts = done()[0].breakouts
        assert room.is_split == known
