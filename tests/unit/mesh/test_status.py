"""Errors as they travel between services."""

import grpc
import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2

from mesh.rpc import internal_status, to_error, to_status
from rushes import errors
from rushes.status import DETAILS_METADATA, code_of, from_status

CATEGORIES = {
    errors.InvalidArgument: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.Conflict: grpc.StatusCode.ABORTED,
    errors.FailedPrecondition: grpc.StatusCode.FAILED_PRECONDITION,
    errors.OutOfRange: grpc.StatusCode.OUT_OF_RANGE,
    errors.PermissionDenied: grpc.StatusCode.PERMISSION_DENIED,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.ResourceExhausted: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
}


def failed(code: grpc.StatusCode, details: str, trailing: bytes | None = None) -> grpc.aio.AioRpcError:
    """A failed call."""
    metadata = grpc.aio.Metadata(*([(DETAILS_METADATA, trailing)] if trailing is not None else []))
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), metadata, details=details)


@pytest.mark.parametrize("category", CATEGORIES)
def test_an_error_arrives_as_it_was_raised(category: type[errors.RushesError]) -> None:
    class Special(category):  # type: ignore[valid-type,misc]
        """Of a service."""

        reason = "SPECIAL"

    error = Special("It went wrong.", field="x")
    error.retry_after_s = 1.5
    status = to_status(error, "r1")
    assert CATEGORIES[category].value[0] == status.code == code_of(error)
    arrived = to_error(failed(CATEGORIES[category], status.message, status.SerializeToString()))
    assert type(arrived) is category
    assert (arrived.message, arrived.reason, arrived.retry_after_s) == ("It went wrong.", "SPECIAL", 1.5)
    assert arrived.metadata == {"field": "x", "request_id": "r1"}


def test_the_details_say_whose_reason_it_is() -> None:
    status = to_status(errors.NotFound("no"), "")
    info = error_details_pb2.ErrorInfo()
    assert len(status.details) == 1
    assert status.details[0].Unpack(info)
    assert (info.domain, info.reason, dict(info.metadata)) == ("rushes", "NOT_FOUND", {})


@pytest.mark.parametrize("details", [b"", b"\xff\xff\xff", status_pb2.Status(code=99).SerializeToString()])
def test_details_that_are_missing_or_broken_do_no_harm(details: bytes) -> None:
    error = to_error(failed(grpc.StatusCode.NOT_FOUND, "gone", details))
    assert isinstance(error, errors.NotFound)
    assert error.message == "gone"


def test_a_deadline_that_passed_is_unavailable() -> None:
    error = to_error(failed(grpc.StatusCode.DEADLINE_EXCEEDED, "late"))
    assert isinstance(error, errors.Unavailable)
    assert error.reason == "DEADLINE_EXCEEDED"
    assert errors.Unavailable.reason == "UNAVAILABLE"


@pytest.mark.parametrize("code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNIMPLEMENTED])
def test_a_bug_of_another_service_is_of_no_category(code: grpc.StatusCode) -> None:
    assert type(to_error(failed(code, "secret"))) is errors.RushesError


def test_a_bug_says_where_to_look_and_not_what_it_is() -> None:
    status = internal_status("r1")
    assert status.code == code_pb2.INTERNAL
    assert "r1" in status.message
    assert from_status(status).metadata == {"request_id": "r1"}


def test_a_long_message_is_cut() -> None:
    assert len(to_status(errors.NotFound("x" * 100_000), "").message) <= 1_000
