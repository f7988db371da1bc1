"""What a failed call behind the gateway becomes for whoever is in front of it."""

import grpc
from google.rpc import code_pb2, status_pb2

from gateway.core import reply
from gateway.core.hpack import Field
from mesh.rpc import to_error, to_status
from rushes import errors
from rushes.status import DETAILS_METADATA


class ServiceAway(errors.Unavailable):
    """A service behind the gateway does not answer right now: it starts again, try in a moment."""

    reason = "SERVICE_AWAY"


class StreamEnded(errors.Unavailable):
    """The service ended the stream while more was being sent to it; opened again, it says why."""

    reason = "STREAM_ENDED"


BROKEN = "Internal error from Core"
"""What gRPC says of a call that it wrote to after its end, in the place of how it ended."""

AWAY = (code_pb2.UNAVAILABLE, code_pb2.CANCELLED)
"""What gRPC itself says for a server that is gone, or that stops: it cancels calls that it has not begun. Of a call
that was cancelled in front of the gateway nobody reads the end.
"""

_WORDS: dict[int, str] = {
    code_pb2.DEADLINE_EXCEEDED: "The call took longer than it may.",
    code_pb2.RESOURCE_EXHAUSTED: "The message, or what comes with it, is larger than is taken.",
    code_pb2.UNIMPLEMENTED: "There is no such method.",
}
"""What is said where gRPC itself failed a call: its own words name sockets and processes, which are nobody's to see."""


def details_of(error: grpc.aio.AioRpcError) -> bytes | None:
    """The google.rpc.Status that a service gave; None: gRPC itself failed the call."""
    trailing = error.trailing_metadata() or ()
    return next((value for key, value in trailing if key == DETAILS_METADATA and isinstance(value, bytes)), None)


def error_of(error: grpc.aio.AioRpcError) -> errors.RushesError:
    """The failed call as one of our errors."""
    if details_of(error) is not None:
        return to_error(error)
    code: int = error.code().value[0]
    if code in AWAY or error.details() == BROKEN:
        return _away(error)
    known = to_error(error)
    known.args = (_WORDS.get(code, "Something went wrong."),)
    known.message = known.args[0]
    return known


def status_of(error: grpc.aio.AioRpcError, request_id: str) -> status_pb2.Status:
    """The failed call as a status: a service's own as it came."""
    details = details_of(error)
    if details is not None:
        status = status_pb2.Status.FromString(details)
        status.code, status.message = error.code().value[0], error.details() or status.message
        return status
    code: int = error.code().value[0]
    if code in AWAY or error.details() == BROKEN:
        return to_status(_away(error), request_id)
    return status_pb2.Status(code=code, message=_WORDS.get(code, "Something went wrong."))


def _away(error: grpc.aio.AioRpcError) -> errors.RushesError:
    if error.details() == BROKEN:
        return StreamEnded("The call has ended; open it again.")
    return _service_away()


def _service_away() -> ServiceAway:
    away = ServiceAway("That part of the server does not answer right now; try again in a moment.")
    away.retry_after_s = 1.0
    return away


def outside(trailers: tuple[Field, ...]) -> tuple[Field, ...]:
    """Trailers of a call that passed as bytes, as the outside sees them: a service's own as they came."""
    values = dict(trailers)
    text = values.get("grpc-status", "")
    if text == "0" or DETAILS_METADATA in values:
        return trailers
    code = int(text) if text.isdecimal() and len(text) < 3 else code_pb2.UNKNOWN
    if code in AWAY:
        status = to_status(_service_away(), "")
        return reply.failure(status.code, status.message, status.SerializeToString())
    return reply.failure(code, _WORDS.get(code, "Something went wrong."))
