"""A room that is split: who belongs where, what holds there too, and when everybody is called back."""

import pytest

from rushes.signaling.v1 import room_service_pb2 as pb
from svc_signaling.core import breakout
from svc_signaling.core.life import RoomEnded
from svc_signaling.core.room import Live, NotModerator, WasRemoved
from svc_signaling.core.standing import Muted, Standing
from tests.unit.svc_signaling.test_room import CHAIR, GUEST, happens, live, with_people

TWO = pb.Split(
    rooms=[pb.Breakout(title=" Sound ", person_ids=["person-bob"]), pb.Breakout(title="Grade", asset_id=7)], seconds=600
)


def parent(*, waiting_room: bool = False) -> Live:
    room = with_people(live(waiting_room=waiting_room), ada=CHAIR, bob=GUEST)
    if waiting_room:
        happens(room, room.moderate("ada", pb.Moderate(participant_id="bob", admit=True), CHAIR))
    return room


def split(room: Live, wanted: pb.Split = TWO, now_ms: int = 1_000) -> pb.Breakouts:
    ids = [f"b{index}" for index in range(len(wanted.rooms))]
    (event,) = happens(room, breakout.split(room, "ada", wanted, ids, CHAIR, now_ms), now_ms)
    return event.breakouts


def regroup(room: Live, now_ms: int = 2_000, **what: object) -> pb.Breakouts:
    wanted = pb.Regroup(**what)  # type: ignore[arg-type]
    happens(room, breakout.regroup(room, "Ada", wanted, CHAIR, now_ms), now_ms)
    assert room.breakouts is not None
    return room.breakouts


def child() -> Live:
    return Live(pb.Room(room_id="b0", parent_room_id="r", project_id=1, capacity=9, state=pb.ROOM_STATE_OPEN))


def test_who_moderates_splits_a_room_and_the_split_says_who_belongs_where_and_until_when() -> None:
    room = parent()
    with pytest.raises(NotModerator):
        breakout.split(room, "bob", TWO, ["b0", "b1"], GUEST, 0)
    now = split(room)
    assert [(each.room_id, each.title, each.asset_id, list(each.person_ids)) for each in now.rooms] == [
        ("b0", "Sound", 0, ["person-bob"]),
        ("b1", "Grade", 7, []),
    ]
    assert (now.split_id, now.parent_room_id, now.end_time_ms, now.version) == ("b0", "r", 601_000, 1)


@pytest.mark.parametrize(
    "wanted",
    [
        pb.Split(),
        pb.Split(rooms=[pb.Breakout(title="x")] * 51),
        pb.Split(rooms=[pb.Breakout(title=" ")]),
        pb.Split(rooms=[pb.Breakout(title="x" * 201)]),
        pb.Split(rooms=[pb.Breakout(title="x", asset_id=-1)]),
        pb.Split(rooms=[pb.Breakout(title="x")], seconds=86_401),
        pb.Split(rooms=[pb.Breakout(title="x", person_ids=["person-bob", "person-bob"])]),
        pb.Split(rooms=[pb.Breakout(title="x", person_ids=["somebody"])]),
    ],
)
def test_a_split_that_cannot_be_made_is_refused(wanted: pb.Split) -> None:
    with pytest.raises(breakout.BreakoutInvalid):
        split(parent(), wanted)


def test_who_waits_to_be_let_in_belongs_to_no_breakout() -> None:
    room = with_people(live(waiting_room=True), ada=CHAIR, bob=GUEST)
    with pytest.raises(breakout.BreakoutInvalid):
        split(room)


def test_a_breakout_is_not_split_again() -> None:
    room = with_people(child(), ada=CHAIR)
    with pytest.raises(breakout.NotSplit):
        breakout.split(room, "ada", pb.Split(rooms=[pb.Breakout(title="x")]), ["c0"], CHAIR, 0)


def test_somebody_belongs_elsewhere_and_something_is_said_to_all() -> None:
    room = parent()
    split(room)
    now = regroup(room, assign=pb.Assignment(person_id="person-bob", room_id="b1"))
    assert [list(each.person_ids) for each in now.rooms] == [[], ["person-bob"]]
    version = now.version
    assert regroup(room, assign=pb.Assignment(person_id="person-bob", room_id="b1")).version == version
    now = regroup(room, assign=pb.Assignment(person_id="person-bob"))
    assert [list(each.person_ids) for each in now.rooms] == [[], []]
    for number in range(25):
        now = regroup(room, say=f" {number} ", now_ms=number)
    assert [each.text for each in now.lines] == [str(number) for number in range(5, 25)]
    assert now.lines[-1] == pb.Line(number=25, name="Ada", text="24", time_ms=24)
    assert regroup(room, seconds=60).end_time_ms == 62_000
    assert regroup(room, seconds=0).end_time_ms == 0


@pytest.mark.parametrize(
    "wanted",
    [
        pb.Regroup(),
        pb.Regroup(say=" "),
        pb.Regroup(say="x" * 2_001),
        pb.Regroup(seconds=86_401),
        pb.Regroup(assign=pb.Assignment(person_id="somebody", room_id="b0")),
        pb.Regroup(assign=pb.Assignment(person_id="person-bob", room_id="elsewhere")),
    ],
)
def test_a_change_of_a_split_that_says_nothing_or_too_much_is_refused(wanted: pb.Regroup) -> None:
    room = parent()
    split(room)
    with pytest.raises(breakout.BreakoutInvalid):
        breakout.regroup(room, "Ada", wanted, CHAIR, 0)
    with pytest.raises(NotModerator):
        breakout.regroup(room, "Bob", pb.Regroup(say="hello"), GUEST, 0)


def test_time_calls_everybody_back_once() -> None:
    room = parent()
    split(room)
    assert not breakout.is_due(room, 600_999)
    assert breakout.is_due(room, 601_000)
    happens(room, room.call_back(), 601_000)
    assert not breakout.is_due(room, 601_001)
    assert room.call_back() == []
    assert split(room).version == 3, "a room is split again after that"


def test_a_breakout_is_told_of_each_state_once_and_ends_with_the_last() -> None:
    room, other = parent(), with_people(child(), bob=GUEST)
    state = split(room)
    assert happens(other, breakout.told(other, state))
    assert breakout.told(other, state) == []
    assert not other.is_split
    regroup(room, say="two minutes")
    regroup(room, unite=True)
    assert room.breakouts is not None
    events = happens(other, breakout.told(other, room.breakouts))
    assert [event.WhichOneof("what") for event in events] == ["breakouts", "ended"]
    assert breakout.told(other, room.breakouts) == []


def test_a_room_that_ends_is_not_split_any_more() -> None:
    room = parent()
    split(room)
    kinds = [event.WhichOneof("what") for event in happens(room, room.end())]
    assert kinds == ["breakouts", "ended"]
    assert not room.is_split


def test_what_was_decided_of_somebody_holds_in_a_breakout() -> None:
    room = parent(waiting_room=True)
    happens(room, room.moderate("ada", pb.Moderate(participant_id="bob", role=pb.ROOM_ROLE_LASER), CHAIR))
    happens(room, room.moderate("ada", pb.Moderate(participant_id="bob", mute_audio=True), CHAIR))
    split(room)
    brought = breakout.carried(room, "b0", "person-bob", GUEST)
    assert brought == Standing(pb.ROOM_ROLE_LASER, Muted(audio=True))
    other = child()
    (joined,) = happens(other, other.join("bob2", "person-bob", "Bob", GUEST, brought))
    assert (joined.participant.role, joined.participant.state) == (pb.ROOM_ROLE_LASER, pb.PARTICIPANT_STATE_JOINED)
    assert (joined.participant.audio_muted, joined.participant.video_muted) == (True, False)
    with pytest.raises(breakout.NotAssigned):
        breakout.carried(room, "b1", "person-bob", GUEST)
    with pytest.raises(breakout.NotAssigned):
        breakout.carried(room, "b0", "person-cid", GUEST)
    assert breakout.carried(room, "b0", "person-ada", CHAIR) == Standing()
    happens(room, room.moderate("ada", pb.Moderate(participant_id="bob", remove=True), CHAIR))
    with pytest.raises(WasRemoved):
        breakout.carried(room, "b0", "person-bob", GUEST)
    regroup(room, unite=True)
    with pytest.raises(RoomEnded):
        breakout.carried(room, "b0", "person-ada", CHAIR)


def test_who_was_unmuted_in_the_room_is_not_muted_on_coming_again_to_the_breakout_where_they_were() -> None:
    room, other = parent(), child()
    happens(other, other.join("bob2", "person-bob", "Bob", GUEST, Standing(muted=Muted(audio=True))))
    happens(other, other.leave("bob2"))
    split(room)
    brought = breakout.carried(room, "b0", "person-bob", GUEST)
    (again,) = other.join("bob3", "person-bob", "Bob", GUEST, brought)
    assert not again.participant.audio_muted


def test_what_is_decided_of_somebody_in_a_breakout_holds_in_the_room_they_left_for_it() -> None:
    room = parent()
    split(room)
    happens(room, room.leave("bob"))
    happens(room, breakout.decided(room, "person-bob", pb.Moderate(role=pb.ROOM_ROLE_VIEW)))
    assert room.roles["person-bob"] == pb.ROOM_ROLE_VIEW
    assert breakout.decided(room, "person-bob", pb.Moderate(role=pb.ROOM_ROLE_VIEW)) == []
    happens(room, breakout.decided(room, "person-bob", pb.Moderate(mute_audio=True)))
    assert breakout.decided(room, "person-bob", pb.Moderate(mute_audio=True)) == []
    (again,) = room.join("bob3", "person-bob", "Bob", GUEST)
    assert again.participant.audio_muted, "who comes back to the room is still muted"
    happens(room, breakout.decided(room, "person-bob", pb.Moderate(mute_audio=False)))
    assert room.standing("person-bob").muted == Muted()
    assert breakout.decided(room, "", pb.Moderate(remove=True)) == [], "encoders are nobody"
    happens(room, breakout.decided(room, "person-bob", pb.Moderate(remove=True)))
    assert breakout.decided(room, "person-bob", pb.Moderate(remove=True)) == []
    with pytest.raises(WasRemoved):
        room.join("again", "person-bob", "Bob", GUEST)


def test_what_is_decided_in_a_breakout_outlives_an_older_place_in_the_room_that_is_kept_still() -> None:
    room = parent()
    happens(room, room.cut("bob"), 1_000)
    happens(room, room.join("bob2", "person-bob", "Bob", GUEST), 2_000)
    split(room, now_ms=3_000)
    happens(room, room.leave("bob2"), 4_000)
    happens(room, breakout.decided(room, "person-bob", pb.Moderate(mute_audio=True)), 5_000)
    happens(room, breakout.decided(room, "person-bob", pb.Moderate(role=pb.ROOM_ROLE_VIEW)), 5_000)
    assert [event.participant.participant_id for event in happens(room, room.expired(70_000), 70_000)] == ["bob"]
    assert room.standing("person-bob") == Standing(pb.ROOM_ROLE_VIEW, Muted(audio=True))


def test_who_is_muted_in_a_breakout_is_muted_on_the_telephone_that_stays_in_the_room() -> None:
    room = parent()
    happens(room, room.join("laptop", "person-bob", "Bob", GUEST))
    split(room)
    happens(room, room.leave("laptop"))
    happens(room, breakout.decided(room, "person-bob", pb.Moderate(mute_audio=True)))
    assert room.people["bob"].audio_muted
    happens(room, breakout.decided(room, "person-bob", pb.Moderate(role=pb.ROOM_ROLE_VIEW)))
    assert room.people["bob"].role == pb.ROOM_ROLE_VIEW


def test_what_was_decided_in_a_breakout_of_somebody_who_never_was_in_its_room_holds_when_they_come_again() -> None:
    room, other = parent(), with_people(child(), ada=CHAIR)
    split(room)
    happens(other, other.join("cid", "person-cid", "Cid", CHAIR, breakout.carried(room, "b0", "person-cid", CHAIR)))
    wanted = pb.Moderate(participant_id="cid", mute_audio=True)
    happens(room, breakout.decided(room, "person-cid", wanted))
    happens(other, other.moderate("ada", wanted, CHAIR))
    happens(other, other.leave("cid"))
    (again,) = other.join("cid2", "person-cid", "Cid", CHAIR, breakout.carried(room, "b0", "person-cid", CHAIR))
    assert again.participant.audio_muted


def test_who_comes_back_does_not_wait_again_nor_finds_the_place_taken() -> None:
    room = parent(waiting_room=True)
    split(room)
    happens(room, room.leave("bob"))
    room.room.capacity = 1
    (back,) = room.join("bob2", "person-bob", "Bob", GUEST)
    assert back.participant.state == pb.PARTICIPANT_STATE_JOINED
