"""Errors of svc_annotation that a caller may see."""

from rushes.annotation.v1 import operation_pb2
from rushes.errors import (
    Conflict,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    OutOfRange,
    PermissionDenied,
    ResourceExhausted,
    RushesError,
    Unauthenticated,
    Unavailable,
)


class VideoUnknown(NotFound):
    """There is no such video, or it is another tenant's."""

    reason = "VIDEO_NOT_FOUND"


class VideoNotReady(FailedPrecondition):
    """The video's facts are not known yet, so nothing can be written on it."""

    reason = "VIDEO_NOT_READY"


class VideoQuarantined(Unavailable):
    """The video's records could not be folded: an operator has to look at it. Other videos are not affected."""

    reason = "VIDEO_QUARANTINED"


class OpenInvalid(InvalidArgument):
    """The first message of a stream is not an open, or what it holds is wrong."""

    reason = "INVALID_OPEN"


class MessageInvalid(InvalidArgument):
    """A message of a stream that cannot be understood, or does not belong there."""

    reason = "INVALID_MESSAGE"


class Superseded(Conflict):
    """The same client opened another session."""

    reason = "SUPERSEDED"


class AudienceChanged(Conflict):
    """The session may not read internal notes any more: open again, without resume_revision."""

    reason = "AUDIENCE_CHANGED"


class AccessLost(PermissionDenied):
    """The right to see the video was taken away."""

    reason = "ACCESS_LOST"


class PersonChanged(Unauthenticated):
    """A newer token is another person's."""

    reason = "PERSON_CHANGED"


class TooManyInFlight(ResourceExhausted):
    """More batches wait than a client may have in flight."""

    reason = "TOO_MANY_IN_FLIGHT"


class TooFast(ResourceExhausted):
    """More batches a second than a person may send."""

    reason = "TOO_MANY_BATCHES"


class Draining(Unavailable):
    """This instance stops: open again, another one goes on."""

    reason = "DRAINING"


class SlowGateway(Unavailable):
    """A gateway does not read its stream."""

    reason = "SLOW_GATEWAY"


class AlreadyUsed(Conflict):
    """The number was used for another batch, whose outcome is in the metadata."""

    reason = "ALREADY_USED"


class NumberPast(OutOfRange):
    """The number is at or below the client's last, and its outcome is not kept any more."""

    reason = "NUMBER_PAST"


class ClientClosed(Conflict):
    """A batch of this client_id was refused: take a new one."""

    reason = "ABORTED"


class OutOfOrder(OutOfRange):
    """The number is above the client's next."""

    reason = "OUT_OF_ORDER"


class UnknownClient(FailedPrecondition):
    """The client is not known, or not any more, and its base is too old to begin with."""

    reason = "UNKNOWN_CLIENT"


class ClientInvalid(InvalidArgument):
    """The client_id is not 16 bytes."""

    reason = "INVALID_CLIENT"


_BY_REASON: dict[str, type[RushesError]] = {
    error.reason: error for error in (ClientClosed, OutOfOrder, UnknownClient, ClientInvalid)
}


def of_ignored(refusal: operation_pb2.Refusal | None) -> RushesError:
    """The error for a batch that took no number."""
    if refusal is None:
        return NumberPast("this number is past, and its outcome is not kept any more")
    return _BY_REASON.get(refusal.reason, FailedPrecondition)(refusal.message)
