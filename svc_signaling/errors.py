"""Errors of svc_signaling that a caller may see."""

from rushes.errors import InvalidArgument, NotFound, ResourceExhausted, Unauthenticated, Unavailable


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


class RoomMoved(Unavailable):
    """Another instance serves this room now: come again."""

    reason = "ROOM_MOVED"


class KeyInvalid(InvalidArgument):
    """A key of a room that cannot be made."""

    reason = "INVALID_KEY"


class KeyUnknown(Unauthenticated):
    """No key of a room that lets anybody in, or one for something else."""

    reason = "KEY_UNKNOWN"


class TooManyKeys(ResourceExhausted):
    """This room has as many keys as it may have."""

    reason = "TOO_MANY_KEYS"


class FeedUnknown(NotFound):
    """There is no such feed of this key (any more)."""

    reason = "FEED_NOT_FOUND"
