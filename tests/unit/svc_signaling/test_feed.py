"""Encoders and monitors in a room."""

import base64

import pytest

from rushes.signaling.v1 import room_service_pb2 as pb
from svc_signaling.core import feed, life, participant
from svc_signaling.core import room as rooms
from svc_signaling.core.feed import MONITOR, PROGRAMME, SlotNow
from svc_signaling.core.room import Live
from svc_signaling.core.turn import credentials
from tests.unit.svc_signaling.test_room import CHAIR, GUEST, happens, live, with_people


def with_programme(room: Live) -> Live:
    happens(room, feed.come(room, "obs", "Programme", PROGRAMME))
    return room


def test_a_programme_needs_nobody_to_let_it_in_and_comes_again_to_its_own_place() -> None:
    room = with_programme(with_people(live(waiting_room=True), ada=CHAIR))
    me = room.people["obs"]
    assert (me.state, me.kind, me.camera, me.microphone) == (participant.JOINED, PROGRAMME, True, True)
    assert feed.come(room, "obs", "Programme", PROGRAMME) == []
    happens(room, feed.go(room, "obs"))
    assert feed.feeds(room) == []
    assert feed.go(room, "obs") == []
    happens(room, feed.come(room, "obs", "Programme", PROGRAMME))
    assert [each.participant_id for each in feed.feeds(room)] == ["obs"]


def test_nobody_hands_the_presenting_over_to_an_encoder() -> None:
    room = with_programme(with_people(live(), ada=CHAIR))
    with pytest.raises(participant.ParticipantGone):
        room.present("ada", pb.Present(grant="obs"), CHAIR)


def test_a_feed_that_was_sent_away_does_not_come_again() -> None:
    room = with_programme(with_people(live(), ada=CHAIR))
    happens(room, room.moderate("ada", pb.Moderate(participant_id="obs", remove=True), CHAIR))
    with pytest.raises(rooms.WasRemoved):
        feed.come(room, "obs", "Programme", PROGRAMME)


def test_no_feed_comes_into_a_full_room_or_one_that_is_over() -> None:
    room = with_people(live(2), ada=CHAIR, gus=GUEST)
    with pytest.raises(rooms.RoomIsFull):
        feed.come(room, "obs", "Programme", PROGRAMME)
    happens(room, room.end())
    with pytest.raises(life.RoomEnded):
        feed.come(room, "obs", "Programme", PROGRAMME)


def test_a_room_that_is_over_has_no_feeds_that_could_leave_it() -> None:
    room, missing = with_programme(live()), feed.Missing({})
    missing.late(room, [], 0)
    happens(room, room.end())
    assert feed.feeds(room) == []
    assert missing.late(room, [], 60_000) == []
    assert feed.go(room, "obs") == []


def test_a_feed_that_the_forwarder_forgot_is_gone_after_a_while_and_only_then() -> None:
    room, missing = with_programme(live()), feed.Missing({})
    assert missing.late(room, [], 1_000) == []
    assert missing.late(room, ["obs"], 9_000) == []
    assert missing.late(room, [], 10_000) == []
    assert missing.late(room, [], 20_000) == []
    assert missing.late(room, [], 20_001) == ["obs"]


def track(name: str, *, audio: bool = False, level: int = 0) -> pb.Track:
    kind = "a" if audio else "v"
    return pb.Track(track_id=f"{name}.{kind}", participant_id=name, audio=audio, layers=["h"], level=level)


def slots(*shown: str) -> list[SlotNow]:
    return [SlotNow(str(at), each.endswith("a"), each if "." in each else "") for at, each in enumerate(shown)]


def test_a_monitor_is_shown_the_programme_then_who_presents_then_who_is_louder() -> None:
    room = with_programme(with_people(live(), ada=CHAIR, bob=CHAIR, cid=CHAIR))
    happens(room, room.present("bob", pb.Present(take=True), CHAIR))
    tracks = [track(name, audio=audio) for name in ("ada", "bob", "cid", "obs") for audio in (True, False)]
    assert feed.watched(room, tracks, slots("a", "v")) == {"0": "obs.a", "1": "obs.v"}
    tracks[4].level = 90
    assert feed.watched(room, tracks, slots("a", "a", "a", "v")) == {
        "0": "obs.a",
        "1": "bob.a",
        "2": "cid.a",
        "3": "obs.v",
    }
    happens(room, feed.go(room, "obs"))
    assert feed.watched(room, tracks, slots("obs.a", "obs.v")) == {"0": "bob.a", "1": "bob.v"}
    assert feed.watched(room, [], slots("bob.a", "v")) == {"0": ""}


def test_a_slot_does_not_go_to_and_fro_between_two_who_are_about_as_loud() -> None:
    room = with_people(live(), ada=CHAIR, bob=CHAIR)
    both = [track("ada", audio=True, level=60), track("bob", audio=True, level=85)]
    assert feed.watched(room, both, slots("ada.a")) == {}
    both[1].level = 125
    assert feed.watched(room, both, slots("ada.a")) == {"0": "bob.a"}


def test_whoever_is_muted_is_not_shown_to_a_monitor() -> None:
    room = with_programme(with_people(live(), ada=CHAIR))
    happens(room, room.moderate("ada", pb.Moderate(participant_id="obs", mute_video=True), CHAIR))
    shown = feed.watched(room, [track("obs"), track("obs", audio=True)], slots("a", "v"))
    assert shown == {"0": "obs.a"}


def test_monitors_publish_nothing() -> None:
    (event,) = feed.come(live(), "wall", "Wall", MONITOR)
    assert not event.participant.camera
    assert not event.participant.microphone


def test_credentials_are_those_that_coturn_makes_of_the_same_secret() -> None:
    # As `printf %s 1433065916:ada | openssl dgst -sha1 -hmac north -binary | base64` gives it.
    username, credential = credentials("north", 1_433_065_916, "ada")
    assert username == "1433065916:ada"
    assert credential == "Gk+ugweHb0wIUpX+cwCdQXhMs+o="
    assert len(base64.b64decode(credential)) == 20
