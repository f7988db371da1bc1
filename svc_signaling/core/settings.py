"""What of a room can be changed while it is open."""

from typing import Final

from rushes.errors import InvalidArgument
from rushes.signaling.v1 import room_service_pb2 as pb

CAPACITY: Final = 100
CAPACITIES: Final = range(2, 1_001)
MAX_TITLE: Final = 200
MAX_TIME_MS: Final = 1 << 45


class RoomInvalid(InvalidArgument):
    """A room that cannot be made, or a page that cannot be asked for."""

    reason = "INVALID_ROOM"


def checked(wanted: pb.RoomSettings) -> pb.RoomSettings:
    """The settings as they are kept. Raises RoomInvalid."""
    made = pb.RoomSettings(
        title=wanted.title.strip(),
        capacity=wanted.capacity or CAPACITY,
        waiting_room=wanted.waiting_room,
        start_time_ms=wanted.start_time_ms,
    )
    if not 0 < len(made.title) <= MAX_TITLE or made.capacity not in CAPACITIES:
        raise RoomInvalid(f"a room has a title of 1 to {MAX_TITLE} characters and room for 2 to 1,000")
    if not 0 <= made.start_time_ms < MAX_TIME_MS:
        raise RoomInvalid("a room begins at a time in milliseconds since 1970")
    return made


def apply(room: pb.Room, now: pb.RoomSettings) -> None:
    """How the room is with them."""
    room.title, room.capacity = now.title, now.capacity
    room.waiting_room, room.start_time_ms = now.waiting_room, now.start_time_ms


def of(room: pb.Room) -> pb.RoomSettings:
    """How it is now."""
    return pb.RoomSettings(
        title=room.title, capacity=room.capacity, waiting_room=room.waiting_room, start_time_ms=room.start_time_ms
    )
