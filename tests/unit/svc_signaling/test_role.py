"""Roles of people in a room."""

import pytest

from rushes.signaling.v1 import room_service_pb2 as pb
from rushes.type.v1.access_pb2 import PERMISSION_VIEW
from svc_signaling.core import participant, role
from svc_signaling.core import room as rooms
from tests.unit.svc_signaling.test_room import CHAIR, DRIVER, GUEST, happens, live, with_people

TAKE = pb.Present(take=True)


def given(room: rooms.Live, participant_id: str, wanted: "pb.RoomRole.ValueType") -> list[pb.Event]:
    return happens(room, room.moderate("ada", pb.Moderate(participant_id=participant_id, role=wanted), CHAIR))


def test_only_who_moderates_gives_roles_and_feeds_have_none() -> None:
    room = with_people(live(), ada=CHAIR, bob=DRIVER)
    with pytest.raises(rooms.NotModerator):
        room.moderate("bob", pb.Moderate(participant_id="bob", role=pb.ROOM_ROLE_DRIVER), DRIVER)
    feed = pb.Participant(participant_id="f", state=participant.JOINED, kind=pb.PARTICIPANT_KIND_PROGRAMME)
    happens(room, [pb.Event(participant=feed)])
    with pytest.raises(role.RoleInvalid):
        given(room, "f", pb.ROOM_ROLE_VIEW)
    with pytest.raises(role.RoleInvalid):
        given(room, "bob", 77)  # type: ignore[arg-type]


def test_a_driver_presents_without_the_right_and_whoever_may_only_draw_does_not() -> None:
    room = with_people(live(), ada=CHAIR, bob=DRIVER, gus=GUEST)
    with pytest.raises(rooms.NotPresenter):
        room.present("gus", TAKE, GUEST)
    given(room, "gus", pb.ROOM_ROLE_DRIVER)
    assert happens(room, room.present("gus", TAKE, GUEST))
    given(room, "bob", pb.ROOM_ROLE_ANNOTATE)
    with pytest.raises(rooms.NotPresenter):
        room.present("bob", TAKE, DRIVER)
    with pytest.raises(rooms.NotPresenter):
        room.present("gus", pb.Present(grant="bob"), GUEST)


def test_whoever_presents_and_may_only_look_on_from_now_on_presents_no_more() -> None:
    room = with_people(live(), ada=CHAIR, bob=DRIVER)
    happens(room, room.present("bob", TAKE, DRIVER))
    given(room, "bob", pb.ROOM_ROLE_LASER)
    assert room.presenter.participant_id == ""
    assert given(room, "bob", pb.ROOM_ROLE_LASER) == []


def test_a_role_is_of_the_person_on_every_device_and_when_they_come_again() -> None:
    room = with_people(live(), ada=CHAIR, gus=GUEST)
    happens(room, room.join("phone", "person-gus", "Gus", GUEST))
    given(room, "gus", pb.ROOM_ROLE_VIEW)
    assert room.people["phone"].role == pb.ROOM_ROLE_VIEW
    happens(room, room.leave("gus"))
    happens(room, room.leave("phone"))
    happens(room, room.join("again", "person-gus", "Gus", GUEST))
    assert room.people["again"].role == pb.ROOM_ROLE_VIEW
    assert role.limits(room.roles) == {"person-gus": 1 << PERMISSION_VIEW}
    given(room, "again", pb.ROOM_ROLE_UNSPECIFIED)
    assert role.limits(room.roles) == {}
