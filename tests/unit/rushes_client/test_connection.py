"""Addresses as people write them, and failed calls as errors."""

import grpc
import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc.aio import AioRpcError, Metadata

from rushes import errors
from rushes.client.connection import Connection, address_of, error_of


@pytest.mark.parametrize(
    ("written", "origin", "target"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("review.example.com", "http://review.example.com", "review.example.com:80"),
        ("https://review.example.com", "https://review.example.com", "review.example.com:443"),
        ("https://review.example.com:8443/a/12", "https://review.example.com:8443", "review.example.com:8443"),
        ("http://[::1]:8080", "http://[::1]:8080", "[::1]:8080"),
        ("https://[fe80::1]/", "https://[fe80::1]", "[fe80::1]:443"),
    ],
)
def test_an_address_is_understood_as_people_write_it(written: str, origin: str, target: str) -> None:
    assert address_of(written) == (origin, target)


@pytest.mark.parametrize(
    "written",
    ["", "http://", "ftp://host", "ws://host:1", "http://host:99999", "http://host:port", "http://[::1", "//"],
)
def test_an_address_that_is_none_is_refused(written: str) -> None:
    with pytest.raises(errors.InvalidArgument, match="must be like"):
        address_of(written)


async def test_without_an_email_or_a_session_nobody_is_asked() -> None:
    with pytest.raises(errors.Unauthenticated, match="Give an email"):
        await Connection("127.0.0.1:9", email="", password="", session="", ca=None).open()


def failed(code: grpc.StatusCode, details: str = "", status: status_pb2.Status | None = None) -> AioRpcError:
    """A failed call."""
    trailing = Metadata()
    if status is not None:
        trailing.add("grpc-status-details-bin", status.SerializeToString())
    return AioRpcError(code, Metadata(), trailing, details)


def test_an_error_of_the_server_keeps_its_reason_and_its_metadata() -> None:
    status = status_pb2.Status(code=code_pb2.RESOURCE_EXHAUSTED, message="Too many attempts.")
    info = error_details_pb2.ErrorInfo(reason="TOO_MANY_ATTEMPTS", domain="rushes", metadata={"request_id": "7"})
    retry = error_details_pb2.RetryInfo()
    retry.retry_delay.FromMilliseconds(2_500)
    for detail in (info, retry):
        status.details.add().Pack(detail)
    error = error_of(failed(grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many attempts.", status))
    assert isinstance(error, errors.ResourceExhausted)
    assert (error.reason, error.metadata, error.retry_after_s) == ("TOO_MANY_ATTEMPTS", {"request_id": "7"}, 2.5)
    assert str(error) == "Too many attempts."


def test_what_grpc_says_of_sockets_is_not_what_a_person_reads() -> None:
    error = error_of(failed(grpc.StatusCode.UNAVAILABLE, "failed to connect to all addresses; ipv4:127.0.0.1:9"))
    assert isinstance(error, errors.Unavailable)
    assert str(error) == "The server does not answer."
    assert "ipv4" in error.metadata["cause"]


def test_a_certificate_that_is_not_trusted_is_said_with_what_to_do_and_not_tried_again() -> None:
    said = "failed to connect to all addresses; Tls handshake failed: CERTIFICATE_VERIFY_FAILED: self signed"
    error = error_of(failed(grpc.StatusCode.UNAVAILABLE, said))
    assert isinstance(error, errors.FailedPrecondition)
    assert "--ca" in str(error)


def test_a_message_to_a_connection_that_is_gone_may_be_sent_again() -> None:
    assert isinstance(error_of(failed(grpc.StatusCode.INTERNAL, "Internal error from Core")), errors.Unavailable)


def test_a_stream_that_a_proxy_resets_because_its_server_died_may_be_opened_again() -> None:
    said = "Stream removed (RST_STREAM (Received RST_STREAM with error code 2))"
    assert isinstance(error_of(failed(grpc.StatusCode.UNKNOWN, said)), errors.Unavailable)
    status = status_pb2.Status(code=code_pb2.INTERNAL, message="RST_STREAM is what somebody wrote")
    said_by_server = failed(grpc.StatusCode.INTERNAL, status.message, status)
    assert not isinstance(error_of(said_by_server), errors.Unavailable)


def test_details_that_are_none_are_passed_over() -> None:
    trailing = Metadata(("grpc-status-details-bin", b"\xff\xff\xff"))
    error = error_of(AioRpcError(grpc.StatusCode.NOT_FOUND, Metadata(), trailing, "There is none."))
    assert isinstance(error, errors.NotFound)
    assert str(error) == "There is none."
