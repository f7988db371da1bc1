"""Why the gateway itself ends a session, in words and as a status."""

from typing import Final

from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

ENDINGS: Final[dict[str, tuple[int, str]]] = {
    "SLOW_READER": (
        code_pb2.RESOURCE_EXHAUSTED,
        "This session was cut since it is slower than the notes come; nothing is lost, open again to go on.",
    ),
    "TOO_FAST": (code_pb2.RESOURCE_EXHAUSTED, "This session sends faster than it can be taken; open it again."),
    "AUDIENCE_CHANGED": (code_pb2.ABORTED, "Other notes than before may be read now: open again, without a revision."),
    "GATEWAY_DRAINING": (code_pb2.UNAVAILABLE, "This gateway is going away; open again, nothing is lost."),
    "NOTES_AWAY": (code_pb2.UNAVAILABLE, "The notes cannot be reached for now; open again, nothing is lost."),
    "NOT_WRITTEN": (code_pb2.UNAVAILABLE, "Something could not be sent to you; open again, nothing is lost."),
    "SESSION_ENDED": (code_pb2.UNAUTHENTICATED, "The session has ended; sign in again."),
}
"""Reason -> (google.rpc.Code, what a person may read)."""


JOIN_S: Final = 0.002
"""What one viewer who comes back costs all services together, and a little more."""
MAX_SPREAD_S: Final = 5.0


def ending(reason: str, *, retry_s: float | None = None, **metadata: str) -> status_pb2.Status:
    """The status that says so, with an ErrorInfo; with a RetryInfo where it is said when to come back."""
    code, message = ENDINGS[reason]
    info, retry = any_pb2.Any(), any_pb2.Any()
    info.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="rushes", metadata=metadata))
    status = status_pb2.Status(code=code, message=message, details=[info])
    if retry_s is not None:
        delay = error_details_pb2.RetryInfo()
        delay.retry_delay.FromMilliseconds(int(retry_s * 1000))
        retry.Pack(delay)
        status.details.append(retry)
    return status


def draining(viewers: int, at: float) -> status_pb2.Status:
    """For one of so many viewers who are all told to open again: not all in one moment. `at`: in [0, 1), by chance."""
    return ending("GATEWAY_DRAINING", retry_s=_spread_s(viewers, at))


def away(viewers: int, at: float) -> status_pb2.Status:
    """The same for those whose video nobody serves."""
    return ending("NOTES_AWAY", retry_s=_spread_s(viewers, at))


def _spread_s(viewers: int, at: float) -> float:
    return at * min(MAX_SPREAD_S, viewers * JOIN_S)
