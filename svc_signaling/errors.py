"""Errors of svc_signaling that a caller may see."""

from rushes.errors import NotFound, ResourceExhausted, Unavailable


class RoomUnknown(NotFound):
    """There is no such room in this project."""

    reason = "ROOM_NOT_FOUND"


class TooManyRooms(ResourceExhausted):
    """This project has as many open rooms as it may have."""

    reason = "TOO_MANY_ROOMS"


class SlowListener(ResourceExhausted):
    """Whoever signals does not read; it may come back."""

    reason = "SLOW_LISTENER"


class Draining(Unavailable):
    """This instance stops: come back to another."""

    reason = "SIGNALING_DRAINING"
