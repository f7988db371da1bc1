"""What of a failed call is seen outside; who a program's connection comes from."""

import grpc
import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc.aio import AioRpcError, Metadata

from gateway.core.ending import ENDINGS, ending
from gateway.door import peer_of
from gateway.fault import BROKEN, error_of, outside, status_of
from mesh.rpc import to_status
from rushes import errors

INSIDE = "failed to connect to all addresses; last error: UNKNOWN: unix:/tmp/rushes-k2/svc_media.sock: No such file"


def failed(code: grpc.StatusCode, details: str, status: status_pb2.Status | None = None) -> AioRpcError:
    """A failed call to a service."""
    trailing = Metadata()
    if status is not None:
        trailing.add("grpc-status-details-bin", status.SerializeToString())
    return AioRpcError(code, Metadata(), trailing, details)


def reason_of(status: status_pb2.Status) -> str:
    """The ErrorInfo's reason; empty: there is none."""
    info = error_details_pb2.ErrorInfo()
    return info.reason if any(detail.Unpack(info) for detail in status.details) else ""


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_nothing_of_the_inside_is_told(code: grpc.StatusCode) -> None:
    error = failed(code, INSIDE)
    assert "unix:" not in status_of(error, "7").message
    assert "unix:" not in str(error_of(error))
    assert "unix:" not in error_of(error).message


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED])
def test_a_service_that_is_away_or_stops_will_be_back(code: grpc.StatusCode) -> None:
    error = error_of(failed(code, INSIDE))
    status = status_of(failed(code, INSIDE), "7")
    trailers = dict(outside((("grpc-status", str(code.value[0])), ("grpc-message", "CANCELLED"))))
    assert isinstance(error, errors.Unavailable)
    assert error.retry_after_s == 1.0
    assert (error.reason, reason_of(status), status.code) == ("SERVICE_AWAY", "SERVICE_AWAY", code_pb2.UNAVAILABLE)
    assert trailers["grpc-status"] == str(code_pb2.UNAVAILABLE)


def test_a_stream_that_broke_may_be_opened_again() -> None:
    status = status_of(failed(grpc.StatusCode.INTERNAL, BROKEN), "7")
    assert (status.code, reason_of(status)) == (code_pb2.UNAVAILABLE, "STREAM_ENDED")
    assert isinstance(error_of(failed(grpc.StatusCode.INTERNAL, BROKEN)), errors.Unavailable)


def test_what_a_service_says_is_passed_on_as_it_is() -> None:
    said = to_status(errors.NotFound("There is no such clip.", video_id="12"), "7")
    call = failed(grpc.StatusCode.NOT_FOUND, "There is no such clip.", said)
    assert status_of(call, "8") == said
    error = error_of(call)
    assert isinstance(error, errors.NotFound)
    assert (str(error), error.metadata) == ("There is no such clip.", {"video_id": "12", "request_id": "7"})


@pytest.mark.parametrize("reason", sorted(ENDINGS))
def test_an_ending_carries_its_reason(reason: str) -> None:
    status = ending(reason, more="said")
    assert (status.code, status.message) == ENDINGS[reason]
    assert reason_of(status) == reason


@pytest.mark.parametrize(
    ("door", "address"),
    [
        ("unix:/tmp/rushes-k2/from-12-127.0.0.1", "127.0.0.1"),
        ("unix:%2Ftmp%2Frushes-k2%2Ffrom-3-fe80::1%25eth0", "fe80::1%eth0"),
        ("unix:/tmp/rushes-k2/from-12-", ""),
        ("unix:", ""),
        ("ipv4:10.0.0.1:99", ""),
    ],
)
def test_a_connection_is_named_after_where_it_comes_from(door: str, address: str) -> None:
    assert peer_of(door) == address
