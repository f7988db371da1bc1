"""What a person may do in a room, of what their rights allow: a moderator sets it."""

from collections.abc import Iterable, Mapping
from typing import Final

from rushes.errors import InvalidArgument
from rushes.signaling.v1 import room_service_pb2 as pb
from rushes.type.v1.access_pb2 import PERMISSION_DRIVE, PERMISSION_VIEW

LOOKS_ON: Final = frozenset((pb.ROOM_ROLE_LASER, pb.ROOM_ROLE_VIEW))
"""Roles in which nothing is drawn or written."""
MAX_LIMITS: Final = 1_000
Roles = Mapping[str, "pb.RoomRole.ValueType"]


class RoleInvalid(InvalidArgument):
    """A role that there is not, or for somebody who has none."""

    reason = "INVALID_ROOM_ROLE"


def may_drive(role: "pb.RoomRole.ValueType", mask: int) -> bool:
    """Whether somebody with these permissions may present."""
    return role == pb.ROOM_ROLE_DRIVER or (role == pb.ROOM_ROLE_UNSPECIFIED and bool(mask >> PERMISSION_DRIVE & 1))


def may_be_given(role: "pb.RoomRole.ValueType") -> bool:
    """Whether who presents may hand over to somebody."""
    return role in (pb.ROOM_ROLE_UNSPECIFIED, pb.ROOM_ROLE_DRIVER)


def changed(
    people: Iterable[pb.Participant], person_id: str, role: "pb.RoomRole.ValueType", presenter: pb.Presenter
) -> list[pb.Event]:
    """A person has that role from now on, wherever they are in the room. Who may not present any more, does not."""
    if role not in pb.RoomRole.values():
        raise RoleInvalid("there is no such role")
    theirs = [each for each in people if each.person_id == person_id and each.role != role]
    events = []
    for each in theirs:
        now = pb.Participant()
        now.CopyFrom(each)
        now.role = role
        events.append(pb.Event(participant=now))
    if not may_be_given(role) and any(each.participant_id == presenter.participant_id for each in theirs):
        events.append(pb.Event(presenter=pb.Presenter(requests=presenter.requests)))
    return events


def limits(roles: Roles) -> dict[str, int]:
    """The most that people may do in the room's project by their roles; of others there is nothing to say."""
    narrowed = [person_id for person_id, role in roles.items() if role in LOOKS_ON]
    return dict.fromkeys(narrowed[-MAX_LIMITS:], 1 << PERMISSION_VIEW)
