"""What may happen in a room, and how it is afterwards."""

from collections.abc import Iterable

import pytest

from rushes.signaling.v1 import recording_pb2
from rushes.signaling.v1 import room_service_pb2 as pb
from rushes.type.v1.access_pb2 import PERMISSION_DRIVE, PERMISSION_MODERATE, PERMISSION_VIEW
from svc_signaling.core import life, participant
from svc_signaling.core import room as rooms
from svc_signaling.core.room import AWAY_MS, Live

GUEST = 1 << PERMISSION_VIEW
DRIVER = GUEST | 1 << PERMISSION_DRIVE
CHAIR = DRIVER | 1 << PERMISSION_MODERATE


def live(capacity: int = 100, *, waiting_room: bool = False) -> Live:
    made = pb.Room(room_id="r", project_id=1, capacity=capacity, waiting_room=waiting_room, state=pb.ROOM_STATE_OPEN)
    return Live(made)


def happens(room: Live, whats: Iterable[pb.Event], now_ms: int = 0) -> list[pb.Event]:
    events = room.stamp(whats, now_ms)
    for event in events:
        room.apply(event)
    return events


def with_people(room: Live, **masks: int) -> Live:
    for name, mask in masks.items():
        happens(room, room.join(name, f"person-{name}", name.title(), mask))
    return room


def playback(**changed: object) -> pb.Playback:
    state = pb.Playback(video_id=1, frame=10, playing=True, speed=1.0)
    for name, value in changed.items():
        setattr(state, name, value)
    return state


def test_events_are_numbered_and_their_times_never_go_back() -> None:
    room = with_people(live(), ada=CHAIR)
    happens(room, room.say("ada", "later"), 500)
    (event,) = happens(room, room.say("ada", " now "), 100)
    assert (event.ordinal, event.time_ms, event.chat.text) == (3, 500, "now")
    assert [each.chat.text for each in room.chats] == ["later", "now"]


def test_a_guest_waits_and_sees_the_room_once_let_in() -> None:
    room = with_people(live(waiting_room=True), ada=CHAIR, gus=GUEST)
    assert room.people["gus"].state == participant.WAITING
    with pytest.raises(rooms.NotInRoom):
        room.say("gus", "hello")
    happens(room, room.moderate("ada", pb.Moderate(participant_id="gus", admit=True), CHAIR))
    assert happens(room, room.say("gus", "hello"))


def test_who_is_not_let_in_or_is_removed_does_not_come_back() -> None:
    room = with_people(live(waiting_room=True), ada=CHAIR, gus=GUEST)
    happens(room, room.moderate("ada", pb.Moderate(participant_id="gus", admit=False), CHAIR))
    with pytest.raises(rooms.WasRemoved):
        room.join("again", "person-gus", "Gus", GUEST)
    assert room.returns("gus", "person-gus") is None


def test_only_who_may_moderates() -> None:
    room = with_people(live(), ada=CHAIR, bob=DRIVER)
    with pytest.raises(rooms.NotModerator):
        room.moderate("bob", pb.Moderate(participant_id="ada", remove=True), DRIVER)
    happens(room, room.moderate("ada", pb.Moderate(participant_id="bob", mute_audio=True), CHAIR))
    assert room.people["bob"].audio_muted
    assert room.moderate("ada", pb.Moderate(participant_id="bob", mute_audio=True), CHAIR) == []


def test_a_moderator_mutes_a_person_on_every_device_and_when_they_come_again_until_it_is_taken_back() -> None:
    room = with_people(live(), ada=CHAIR, gus=GUEST)
    happens(room, room.join("phone", "person-gus", "Gus", GUEST))
    happens(room, room.moderate("ada", pb.Moderate(participant_id="gus", mute_audio=True), CHAIR))
    happens(room, room.moderate("ada", pb.Moderate(participant_id="gus", mute_video=True), CHAIR))
    assert room.moderate("ada", pb.Moderate(participant_id="phone", mute_video=True), CHAIR) == []
    for each in ("gus", "phone"):
        assert (room.people[each].audio_muted, room.people[each].video_muted) == (True, True)
        happens(room, room.leave(each))
    happens(room, room.join("again", "person-gus", "Gus", GUEST))
    assert (room.people["again"].audio_muted, room.people["again"].video_muted) == (True, True)
    happens(room, room.moderate("ada", pb.Moderate(participant_id="again", mute_audio=False), CHAIR))
    happens(room, room.leave("again"))
    happens(room, room.join("later", "person-gus", "Gus", GUEST))
    assert (room.people["later"].audio_muted, room.people["later"].video_muted) == (False, True)
    assert not room.people["ada"].audio_muted


def test_a_feed_that_is_muted_mutes_no_other() -> None:
    room = with_people(live(), ada=CHAIR)
    for name in ("one", "two"):
        feed = pb.Participant(participant_id=name, state=participant.JOINED, kind=pb.PARTICIPANT_KIND_PROGRAMME)
        happens(room, [pb.Event(participant=feed)])
    happens(room, room.moderate("ada", pb.Moderate(participant_id="one", mute_audio=True), CHAIR))
    assert [room.people[each].audio_muted for each in ("one", "two")] == [True, False]
    assert room.muted == {}


def test_presenting_is_taken_asked_for_and_handed_over() -> None:
    room = with_people(live(), ada=CHAIR, bob=DRIVER, gus=GUEST)
    happens(room, room.present("bob", pb.Present(take=True), DRIVER))
    with pytest.raises(rooms.NotPresenter):
        room.present("gus", pb.Present(take=True), GUEST)
    happens(room, room.present("gus", pb.Present(request=True), GUEST))
    assert list(room.presenter.requests) == ["gus"]
    with pytest.raises(rooms.NotPresenter):
        room.present("gus", pb.Present(grant="gus"), GUEST)
    happens(room, room.present("bob", pb.Present(grant="gus"), DRIVER))
    assert (room.presenter.participant_id, list(room.presenter.requests)) == ("gus", [])
    happens(room, room.present("ada", pb.Present(take=True), CHAIR))
    assert room.presenter.participant_id == "ada"
    happens(room, room.present("ada", pb.Present(release=True), CHAIR))
    assert room.presenter.participant_id == ""


def test_the_presenter_alone_drives_and_a_start_lies_ahead() -> None:
    room = with_people(live(), ada=CHAIR, bob=DRIVER)
    happens(room, room.present("bob", pb.Present(take=True), DRIVER))
    with pytest.raises(rooms.NotPresenter):
        room.play("ada", playback(), 1000)
    happens(room, room.play("bob", playback(), 1000), 1000)
    assert room.playback is not None
    assert (room.playback.at_ms, room.playback.version) == (1250, 1)
    happens(room, room.play("bob", playback(playing=False, frame=99), 2000), 2000)
    assert (room.playback.at_ms, room.playback.version, room.playback.frame) == (2000, 2, 99)


def test_whose_player_plays_already_says_since_when() -> None:
    room = with_people(live(), bob=DRIVER)
    happens(room, room.present("bob", pb.Present(take=True), DRIVER))
    for told, kept in ((9_940, 9_940), (10_300, 10_300), (8_000, 10_000), (60_000, 10_000), (-5, 10_000)):
        happens(room, room.play("bob", playback(playing=False), 9_990), 9_990)
        happens(room, room.play("bob", playback(at_ms=told), 10_000), 10_000)
        assert room.playback is not None
        assert room.playback.at_ms == (kept if kept != 10_000 else 10_250), told
    happens(room, room.play("bob", playback(playing=False, at_ms=9_940), 10_000), 10_000)
    assert room.playback is not None
    assert room.playback.at_ms == 10_000, "what stands still does so from now on"


@pytest.mark.parametrize(
    "changed",
    [
        {"video_id": 0},
        {"frame": -1},
        {"speed": float("nan")},
        {"speed": 9.0},
        {"loop_first": 5, "loop_last": 4},
        {"frame": 1 << 50},
    ],
)
def test_playback_out_of_range_is_refused(changed: dict[str, object]) -> None:
    room = with_people(live(), ada=CHAIR)
    happens(room, room.present("ada", pb.Present(take=True), CHAIR))
    with pytest.raises(rooms.SignalInvalid):
        room.play("ada", playback(**changed), 0)


def test_a_place_is_kept_over_a_cut_but_not_for_ever() -> None:
    room = with_people(live(), ada=CHAIR, bob=DRIVER)
    happens(room, room.present("bob", pb.Present(take=True), DRIVER))
    happens(room, room.cut("bob"), 1000)
    assert room.people["bob"].state == participant.AWAY
    assert room.presenter.participant_id == "bob"
    assert room.returns("bob", "person-ada") is None, "somebody else's place"
    back = room.returns("bob", "person-bob")
    assert back is not None
    happens(room, back, 2000)
    happens(room, room.cut("bob"), 3000)
    assert room.expired(3000 + AWAY_MS) == []
    happens(room, room.expired(3001 + AWAY_MS), 3001 + AWAY_MS)
    assert room.people["bob"].state == participant.LEFT
    assert room.presenter.participant_id == ""
    assert room.returns("bob", "person-bob") is None


def test_a_full_room_still_takes_who_moderates() -> None:
    room = with_people(live(capacity=2), a=GUEST, b=GUEST)
    with pytest.raises(rooms.RoomIsFull):
        room.join("c", "person-c", "C", GUEST)
    assert room.join("ada", "person-ada", "Ada", CHAIR)
    happens(room, room.leave("a"))
    assert room.room.people == 1
    assert room.join("c", "person-c", "C", GUEST)


def test_a_room_that_is_over_takes_nobody() -> None:
    room = with_people(live(), ada=CHAIR)
    happens(room, room.end(), 77)
    assert room.ended
    assert room.room.end_time_ms == 77
    assert room.end() == []
    with pytest.raises(life.RoomEnded):
        room.join("b", "person-b", "B", CHAIR)
    assert room.returns("ada", "person-ada") is None


def test_what_is_said_is_bounded() -> None:
    room = with_people(live(), ada=CHAIR)
    for text in ("", "  ", "x" * 2001):
        with pytest.raises(rooms.SignalInvalid):
            room.say("ada", text)
    for emoji in ("", "ok", "👍" * 5):
        with pytest.raises(rooms.SignalInvalid):
            room.react("ada", emoji)
    assert room.react("ada", "👍")


def test_the_last_thousand_messages_are_kept() -> None:
    room = with_people(live(), ada=CHAIR)
    for number in range(1_003):
        happens(room, room.say("ada", str(number)))
    assert [each.chat.text for each in (room.chats[0], room.chats[-1])] == ["3", "1002"]
    assert len(room.chats) == 1_000


def test_the_state_is_a_fold_of_the_record() -> None:
    room, record = live(waiting_room=True), []

    def act(whats: Iterable[pb.Event], at: int) -> None:
        record.extend(happens(room, whats, at))

    act(room.join("ada", "person-ada", "Ada", CHAIR), 1)
    act(room.join("gus", "person-gus", "Gus", GUEST), 2)
    act(room.moderate("ada", pb.Moderate(participant_id="gus", admit=True), CHAIR), 3)
    act(room.present("ada", pb.Present(take=True), CHAIR), 4)
    act(room.play("ada", playback(), 5), 5)
    act(room.hand("gus", up=True), 6)
    act(room.say("gus", "hello"), 7)
    act(room.cut("gus"), 8)
    again = live(waiting_room=True)
    for event in record:
        again.apply(event)
    assert again == room
    act(room.end(), 9)
    kept = Live(pb.Room.FromString(room.room.SerializeToString()))
    for event in record:
        kept.apply(event)
    assert kept == room, "the room that is kept beside the record is over already"
    assert [each.ordinal for each in record] == list(range(1, len(record) + 1))


def test_who_presents_or_moderates_records_and_everybody_is_told_once() -> None:
    room = with_people(live(), ada=CHAIR, bob=GUEST, cid=DRIVER)
    with pytest.raises(rooms.NotPresenter):
        room.record("bob", True, "r1", GUEST)
    happens(room, room.present("cid", pb.Present(take=True), DRIVER))
    (event,) = happens(room, room.record("cid", True, "r1", DRIVER))
    assert event.recording.recording_id == room.recording_id == "r1"
    assert room.record("ada", True, "r2", CHAIR) == []
    happens(room, room.record("ada", False, "r2", CHAIR))
    assert room.recording_id == ""
    assert room.record("ada", False, "r3", CHAIR) == []


def test_a_room_that_ends_is_not_recorded_any_more() -> None:
    room = with_people(live(), ada=CHAIR)
    happens(room, room.record("ada", True, "r1", CHAIR))
    kinds = [event.WhichOneof("what") for event in happens(room, room.end())]
    assert kinds == ["recording", "ended"]
    assert room.unrecord() == []


def test_revisions_of_what_is_looked_at_are_marked_by_who_presents_and_never_go_back() -> None:
    room = with_people(live(), ada=CHAIR, bob=GUEST)
    happens(room, room.present("ada", pb.Present(take=True), CHAIR))
    mark = recording_pb2.RevisionMark(video_id=1, revision=7)
    with pytest.raises(rooms.SignalInvalid):
        room.mark("ada", mark)
    happens(room, room.play("ada", playback(), 0))
    with pytest.raises(rooms.NotPresenter):
        room.mark("bob", mark)
    (event,) = happens(room, room.mark("ada", mark))
    assert event.mark.revision == 7
    assert room.mark("ada", mark) == []
    with pytest.raises(rooms.SignalInvalid):
        room.mark("ada", recording_pb2.RevisionMark(video_id=2, revision=8))


def test_who_presented_and_who_asked_to_are_both_gone_when_their_time_is_over_at_once() -> None:
    room = with_people(live(), ada=CHAIR, bob=DRIVER, gus=GUEST)
    happens(room, room.present("ada", pb.Present(take=True), CHAIR))
    happens(room, room.present("bob", pb.Present(request=True), DRIVER))
    happens(room, room.cut("ada", "bob", "nobody"), 1)
    assert room.presenter.participant_id == "ada"
    happens(room, room.expired(2 + AWAY_MS), 2 + AWAY_MS)
    assert room.presenter == pb.Presenter()
    assert [each.participant_id for each in room.present_people()] == ["gus"]
