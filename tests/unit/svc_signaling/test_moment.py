"""A room read from a moment of it is the room."""

import dataclasses
from collections.abc import Callable

from rushes.signaling.v1 import recording_pb2
from rushes.signaling.v1 import room_service_pb2 as pb
from rushes.signaling.v1.stored_pb2 import StoredMoment
from svc_signaling.core import breakout, moment
from svc_signaling.core.room import Live
from tests.unit.svc_signaling.test_room import CHAIR, DRIVER, GUEST, happens, live, playback, with_people

Decide = Callable[[], list[pb.Event]]


def busy() -> list[pb.Event]:
    """What happened in a room in which everything happened."""
    room = with_people(live(), ada=CHAIR, bob=DRIVER, gus=GUEST, eve=GUEST)
    happened: list[pb.Event] = []
    poll = pb.Poll(question="Which?", options=["one", "two"])
    decisions: tuple[Decide, ...] = (
        lambda: room.present("ada", pb.Present(take=True), CHAIR),
        lambda: room.play("ada", playback(), 10),
        lambda: room.present("bob", pb.Present(request=True), DRIVER),
        lambda: room.say("gus", "hello"),
        lambda: room.hand("gus", up=True),
        lambda: room.ask("ada", poll, "poll", CHAIR),
        lambda: room.choose("gus", pb.Choice(poll_id="poll", option=1)),
        lambda: room.mark("ada", recording_pb2.RevisionMark(video_id=1, revision=7)),
        lambda: room.record("ada", True, "recording", CHAIR),
        lambda: room.moderate("ada", pb.Moderate(participant_id="bob", role=pb.ROOM_ROLE_VIEW), CHAIR),
        lambda: room.moderate("ada", pb.Moderate(participant_id="gus", mute_audio=True), CHAIR),
        lambda: room.moderate("ada", pb.Moderate(participant_id="eve", remove=True), CHAIR),
        lambda: room.change("ada", pb.RoomSettings(title="Later", capacity=5), CHAIR),
        lambda: breakout.split(room, "ada", pb.Split(rooms=[pb.Breakout(title="One")]), ["one"], CHAIR, 0),
        lambda: room.cut("bob", "gus"),
        lambda: room.returns("bob", "person-bob") or [],
        lambda: room.expired(10**6),
        lambda: room.end(),
    )
    for decide in decisions:
        happened += happens(room, decide(), 20)
    return happened


def test_whatever_happened_a_moment_is_the_room_and_what_follows_does_the_same_to_it() -> None:
    one = with_people(live(), ada=CHAIR, bob=DRIVER, gus=GUEST, eve=GUEST)
    other = one
    for number, event in enumerate(busy()):
        one.apply(event)
        if other is not one:
            other.apply(event)
        one.done["gus"] = number
        kept = moment.of(one, event).SerializeToString()
        again = moment.room_of(StoredMoment.FromString(kept))
        other.done["gus"] = number
        assert again == one
        assert other == one
        other = again


def test_a_moment_has_all_that_a_room_remembers() -> None:
    """With something new in it the form is another, or instances of two releases would forget it."""
    remembered = {each.name for each in dataclasses.fields(Live)}
    kept = {each.name for each in StoredMoment.DESCRIPTOR.fields} - {"form", "last"}
    assert remembered == kept | {"ordinal", "time_ms"}
    assert moment.FORM == 3
