"""Errors and gRPC's status codes: which code an error has, and what a failed call becomes for whoever made it."""

from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2

from rushes import errors

DETAILS_METADATA = "grpc-status-details-bin"

CODES: tuple[tuple[type[errors.RushesError], int], ...] = (
    (errors.InvalidArgument, code_pb2.INVALID_ARGUMENT),
    (errors.NotFound, code_pb2.NOT_FOUND),
    (errors.Conflict, code_pb2.ABORTED),
    (errors.FailedPrecondition, code_pb2.FAILED_PRECONDITION),
    (errors.OutOfRange, code_pb2.OUT_OF_RANGE),
    (errors.PermissionDenied, code_pb2.PERMISSION_DENIED),
    (errors.Unauthenticated, code_pb2.UNAUTHENTICATED),
    (errors.ResourceExhausted, code_pb2.RESOURCE_EXHAUSTED),
    (errors.Unavailable, code_pb2.UNAVAILABLE),
)
_CATEGORIES: dict[int, type[errors.RushesError]] = {code: kind for kind, code in CODES} | {
    code_pb2.ALREADY_EXISTS: errors.Conflict,
    code_pb2.DEADLINE_EXCEEDED: errors.Unavailable,
    code_pb2.CANCELLED: errors.Unavailable,
}


def code_of(error: errors.RushesError) -> int:
    """google.rpc.Code of an error's category."""
    return next((code for kind, code in CODES if isinstance(error, kind)), code_pb2.INTERNAL)


def from_status(status: status_pb2.Status) -> errors.RushesError:
    """An error of the category, with the reason and metadata that the status carries; RushesError itself for a bug."""
    error = _CATEGORIES.get(status.code, errors.RushesError)(status.message)
    if status.code == code_pb2.DEADLINE_EXCEEDED:
        error.reason = "DEADLINE_EXCEEDED"  # type: ignore[misc]  # an instance's: the far side's class is not here
    for detail in status.details:
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            error.metadata = dict(info.metadata)
            error.reason = info.reason  # type: ignore[misc]  # as above
        elif detail.Unpack(retry):
            error.retry_after_s = retry.retry_delay.ToMilliseconds() / 1000
    return error


def from_call(code: int, message: str, details: bytes | None) -> errors.RushesError:
    """A failed call by its code, message and `grpc-status-details-bin`. What gRPC itself says counts."""
    status = status_pb2.Status()
    if details:
        try:
            status.ParseFromString(details)
        except DecodeError:
            status.Clear()
    status.code, status.message = code, message or status.message
    return from_status(status)
