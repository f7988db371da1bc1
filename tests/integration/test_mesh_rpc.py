"""Errors, deadlines, ids and retries of calls between services."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from mesh import telemetry
from mesh.rpc import REQUEST_ID_METADATA, to_error
from rushes import errors
from rushes.project.v1 import access_service_pb2 as access_pb
from rushes.project.v1 import identity_service_pb2 as pb
from rushes.project.v1.access_service_pb2_grpc import AccessServiceStub
from rushes.project.v1.identity_service_pb2_grpc import IdentityServiceStub
from rushes.status import DETAILS_METADATA
from tests.integration.mesh_server import People, Served, Signer, refused, run_folder
from tests.waiting import until

GET_KEYS = "/rushes.project.v1.IdentityService/GetKeys"
WATCH = "/rushes.project.v1.AccessService/WatchAccess"


class Failing:
    """GetKeys that raises what it is told to; WatchAccess that does so after one answer."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.calls = 0

    async def get_keys(self, request: Any, context: Any) -> Any:
        """Raises, or answers."""
        self.calls += 1
        if self.error is not None:
            raise self.error
        return pb.GetKeysResponse()

    async def watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        """One answer, then it raises."""
        yield access_pb.WatchAccessResponse()
        if self.error is not None:
            raise self.error


@pytest.fixture
def failing() -> Failing:
    """What fails."""
    return Failing()


@pytest.fixture
async def served(failing: Failing) -> AsyncIterator[Served]:
    """A server of it."""
    served = Served(People(Signer()), {GET_KEYS: failing.get_keys, WATCH: failing.watch})
    async with served.serving("127.0.0.1:0"):
        yield served


def details_of(error: grpc.aio.AioRpcError) -> list[any_pb2.Any]:
    """The details that came with an error."""
    for name, value in error.trailing_metadata() or ():
        if name == DETAILS_METADATA and isinstance(value, bytes):
            return list(status_pb2.Status.FromString(value).details)
    return []


async def test_an_error_of_a_servicer_arrives_with_reason_metadata_and_when_to_retry(
    served: Served, failing: Failing
) -> None:
    class Full(errors.ResourceExhausted):
        """Of a service."""

        reason = "QUITE_FULL"

    failing.error = Full("Nothing more fits: Größe 5.", limit="5")
    failing.error.retry_after_s = 2.5
    async with served.channels() as channels:
        call = channels.stub(IdentityServiceStub, "it").GetKeys(
            pb.GetKeysRequest(), metadata=((REQUEST_ID_METADATA, "r-7"),)
        )
        error = await refused(call)
    assert (error.code(), error.details()) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "Nothing more fits: Größe 5.")
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    first, second = details_of(error)
    assert first.Unpack(info)
    assert second.Unpack(retry)
    assert (info.reason, info.domain, dict(info.metadata)) == (
        "QUITE_FULL",
        "rushes",
        {"limit": "5", "request_id": "r-7"},
    )
    assert retry.retry_delay.ToMilliseconds() == 2500


async def test_an_error_ends_a_stream_after_what_was_sent(served: Served, failing: Failing) -> None:
    failing.error = errors.NotFound("gone")
    async with served.channels() as channels:
        call = channels.stub(AccessServiceStub, "it").WatchAccess(access_pb.WatchAccessRequest())
        assert await call.read() == access_pb.WatchAccessResponse()
        error = await refused(call)
    assert error.code() is grpc.StatusCode.NOT_FOUND


async def test_an_error_that_nobody_foresaw_tells_where_it_is_logged_and_nothing_else(
    served: Served, failing: Failing, caplog: pytest.LogCaptureFixture
) -> None:
    failing.error = KeyError("canary")
    async with served.channels() as channels:
        error = await refused(channels.stub(IdentityServiceStub, "it").GetKeys(pb.GetKeysRequest()))
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "canary" not in f"{error.details()}{error.trailing_metadata()}{error.debug_error_string()}"
    request_id = (error.details() or "").rpartition(" ")[2].rstrip(".")
    [record] = [record for record in caplog.records if record.message == "rpc_failed"]
    token = telemetry.REQUEST_ID.set(request_id)
    line = json.loads(telemetry.JsonFormatter("x").format(record))
    telemetry.REQUEST_ID.reset(token)
    assert line["method"] == GET_KEYS
    assert "canary" in line["exception"]
    assert record.levelno == logging.ERROR


async def test_an_error_of_the_service_behind_is_passed_on(served: Served, failing: Failing) -> None:
    failing.error = errors.FailedPrecondition("not yet")

    async with served.channels() as channels:
        stub = channels.stub(IdentityServiceStub, "it", as_person=False)

        async def ask(request: Any, context: Any) -> Any:
            return await stub.GetKeys(pb.GetKeysRequest())

        front = Served(People(Signer()), {GET_KEYS: ask})
        async with front.serving("127.0.0.1:0"), front.channels() as to_front:
            error = await refused(to_front.stub(IdentityServiceStub, "it").GetKeys(pb.GetKeysRequest()))
            assert (error.code(), error.details()) == (grpc.StatusCode.FAILED_PRECONDITION, "not yet")
            failing.error = ValueError("canary")
            error = await refused(to_front.stub(IdentityServiceStub, "it").GetKeys(pb.GetKeysRequest()))
            assert error.code() is grpc.StatusCode.INTERNAL


async def test_an_id_that_is_no_id_is_replaced(served: Served, failing: Failing) -> None:
    failing.error = errors.NotFound("no")
    async with served.channels() as channels:
        for given in ("x" * 65, "a b", "<script>"):
            raw: Any = channels.raw("it")
            call = raw.unary_unary(GET_KEYS)(b"", metadata=((REQUEST_ID_METADATA, given),))
            assert to_error(await refused(call)).metadata["request_id"] != given


async def test_a_call_ends_at_its_deadline_on_both_sides(served: Served) -> None:
    cancelled = asyncio.Event()

    async def hang(request: Any, context: Any) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    slow = Served(served.people, {GET_KEYS: hang})
    async with slow.serving("127.0.0.1:0"), slow.channels() as channels:
        error = await refused(channels.stub(IdentityServiceStub, "it").GetKeys(pb.GetKeysRequest(), timeout=0.2))
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        async with asyncio.timeout(20):
            await cancelled.wait()


async def test_a_unary_call_has_a_deadline_though_nobody_set_one(served: Served) -> None:
    left_s: list[float] = []

    async def look(request: Any, context: Any) -> Any:
        left_s.append(context.time_remaining())
        return pb.GetKeysResponse()

    looking = Served(served.people, {GET_KEYS: look})
    async with looking.serving("127.0.0.1:0"), looking.channels() as channels:
        await channels.stub(IdentityServiceStub, "it").GetKeys(pb.GetKeysRequest())
        raw: Any = channels.raw("it")
        await raw.unary_unary(GET_KEYS)(b"")
    # gRPC rounds up what it tells the other side.
    assert all(0 < left <= 11.0 for left in left_s)
    assert len(left_s) == 2


async def test_a_service_that_is_just_restarting_is_waited_for(failing: Failing) -> None:
    served = Served(People(Signer()), {GET_KEYS: failing.get_keys})
    with run_folder() as folder:
        served.target = f"unix:{folder}/it.sock"
        async with served.channels() as channels:
            stub = channels.stub(IdentityServiceStub, "it")
            error = await refused(stub.GetKeys(pb.GetKeysRequest(), timeout=0.3))
            assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
            call = asyncio.ensure_future(stub.GetKeys(pb.GetKeysRequest()))
            await asyncio.sleep(0)
            async with served.serving(served.target):
                assert await call == pb.GetKeysResponse()


async def test_a_call_that_reaches_a_server_as_it_stops_is_unavailable_never_cancelled() -> None:
    begun = 0

    async def look(request: Any, context: Any) -> Any:
        nonlocal begun
        begun += 1
        await asyncio.sleep(0.001)
        return pb.GetKeysResponse()

    async def ask(served: Served) -> grpc.StatusCode:
        async with served.channels() as channels:
            stub = channels.stub(IdentityServiceStub, "it")
            while True:
                try:
                    await stub.GetKeys(pb.GetKeysRequest())
                except grpc.aio.AioRpcError as error:
                    return error.code()

    with run_folder() as folder:
        served = Served(People(Signer()), {GET_KEYS: look})
        async with served.serving(f"unix:{folder}/it.sock"):
            asking = [asyncio.create_task(ask(served)) for _ in range(16)]
            await until(lambda: begun > 64)
        assert set(await asyncio.gather(*asking)) == {grpc.StatusCode.UNAVAILABLE}


async def test_a_call_that_waited_for_what_was_given_up_is_answered(failing: Failing, served: Served) -> None:
    failing.error = asyncio.CancelledError()
    async with served.channels() as channels:
        error = to_error(await refused(channels.stub(IdentityServiceStub, "it").GetKeys(pb.GetKeysRequest())))
        assert (type(error), error.reason) == (errors.Unavailable, "INTERRUPTED")
        stream = channels.stub(AccessServiceStub, "it").WatchAccess(access_pb.WatchAccessRequest())
        assert await stream.read() == access_pb.WatchAccessResponse()
        assert to_error(await refused(stream)).reason == "INTERRUPTED"


async def test_an_unavailable_answer_is_tried_again_but_not_for_ever(served: Served, failing: Failing) -> None:
    failing.error = errors.Unavailable("not now")
    async with served.channels() as channels:
        stub = channels.stub(IdentityServiceStub, "it")
        assert (await refused(stub.GetKeys(pb.GetKeysRequest()))).code() is grpc.StatusCode.UNAVAILABLE
        assert failing.calls == 5
        failing.error = errors.NotFound("no")
        await refused(stub.GetKeys(pb.GetKeysRequest()))
        assert failing.calls == 6


async def test_retries_have_a_budget(served: Served, failing: Failing) -> None:
    failing.error = errors.Unavailable("not now")
    async with served.channels() as channels:
        stub = channels.stub(IdentityServiceStub, "it")
        calls = [refused(stub.GetKeys(pb.GetKeysRequest(), timeout=20.0)) for _ in range(200)]
        await asyncio.gather(*calls)
    # Without a budget there would be a thousand.
    assert failing.calls < 400


async def test_calls_are_counted_by_method_and_code(served: Served, failing: Failing) -> None:
    def count(code: str) -> float:
        return float(telemetry.RPC_TOTAL.labels(GET_KEYS, code)._value.get())

    before = {code: count(code) for code in ("OK", "NOT_FOUND", "INTERNAL")}
    async with served.channels() as channels:
        stub = channels.stub(IdentityServiceStub, "it")
        await stub.GetKeys(pb.GetKeysRequest())
        failing.error = errors.NotFound("no")
        await refused(stub.GetKeys(pb.GetKeysRequest()))
        failing.error = KeyError("x")
        await refused(stub.GetKeys(pb.GetKeysRequest()))
    # Counted on the server's side, perhaps a moment after the answer is here.
    await until(lambda: all(count(code) == before[code] + 1 for code in before))


async def test_a_channel_to_nowhere_says_so(served: Served) -> None:
    async with served.channels() as channels:
        with pytest.raises(KeyError, match="svc_nothing"):
            channels.stub(IdentityServiceStub, "svc_nothing")
