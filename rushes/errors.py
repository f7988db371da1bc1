"""What can go wrong, as categories that every part shares.

::

    RushesError
    ├── InvalidArgument       the request is wrong, whatever the state
    ├── NotFound              no such thing, or not visible to the caller
    ├── Conflict              somebody else was first: read again, then retry
    ├── FailedPrecondition    not in this state; retrying alone does not help
    ├── OutOfRange            past an end that may move
    ├── PermissionDenied      known, but not allowed
    ├── Unauthenticated       not known
    ├── ResourceExhausted     a limit or quota is reached
    └── Unavailable           not now; the same request may succeed later

A part subclasses a category and gives it a `reason` that no other class has. Nothing here knows gRPC: one
interceptor maps categories to status codes.
"""

from typing import ClassVar


class RushesError(Exception):
    """An error that a caller may see: `message` is for people, `reason` and `metadata` are for programs."""

    reason: ClassVar[str] = "UNKNOWN"

    def __init__(self, message: str, **metadata: str) -> None:
        super().__init__(message)
        self.message = message
        self.metadata = metadata
        self.retry_after_s: float | None = None
        """When to try again, if that is known."""


class InvalidArgument(RushesError):
    """The request is wrong, whatever the state of the system."""

    reason = "INVALID_ARGUMENT"


class NotFound(RushesError):
    """There is no such thing, or the caller may not know that there is."""

    reason = "NOT_FOUND"


class Conflict(RushesError):
    """Somebody else was first: read again, then retry."""

    reason = "CONFLICT"


class FailedPrecondition(RushesError):
    """The system is not in a state for this; retrying alone does not help."""

    reason = "FAILED_PRECONDITION"


class OutOfRange(RushesError):
    """The request points past an end that may move."""

    reason = "OUT_OF_RANGE"


class PermissionDenied(RushesError):
    """The caller is known, but may not do this."""

    reason = "PERMISSION_DENIED"


class Unauthenticated(RushesError):
    """The caller has not shown who it is."""

    reason = "UNAUTHENTICATED"


class ResourceExhausted(RushesError):
    """A limit or a quota is reached."""

    reason = "RESOURCE_EXHAUSTED"


class Unavailable(RushesError):
    """Not now: the same request may succeed later."""

    reason = "UNAVAILABLE"
