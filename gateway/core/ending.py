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
    "GATEWAY_DRAINING": (code_pb2.UNAVAILABLE, "This gateway is going away; open again, nothing is lost."),
    "SESSION_ENDED": (code_pb2.UNAUTHENTICATED, "The session has ended; sign in again."),
}
"""Reason -> (google.rpc.Code, what a person may read)."""


def ending(reason: str, **metadata: str) -> status_pb2.Status:
    """The status that says so, with an ErrorInfo."""
    code, message = ENDINGS[reason]
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="rushes", metadata=metadata))
    return status_pb2.Status(code=code, message=message, details=[detail])
