"""The native gRPC door: programs on the same port as browsers."""

import asyncio
import collections
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

import rushes
from gateway.core import grpcweb
from gateway.core.hpack import encode
from gateway.core.http2 import Connection
from mesh.rpc import to_error
from rushes.annotation.v1.annotation_service_pb2 import FollowRequest
from rushes.media.v1.media_service_pb2 import GetVideoRequest
from rushes.project.v1.identity_service_pb2 import GetMeRequest, GetMeResponse
from rushes.project.v1.project_service_pb2 import CreateProjectRequest
from tests.product import Product
from tests.waiting import until
from tests.web_client import Browser

GET_ME = "/rushes.project.v1.IdentityService/GetMe"
FOLLOW = "/rushes.annotation.v1.AnnotationService/Follow"
GET_VIDEO = "/rushes.media.v1.MediaService/GetVideo"
CREATE_PROJECT = "/rushes.project.v1.ProjectService/CreateProject"


@contextlib.asynccontextmanager
async def opened(product: Product) -> AsyncIterator[Any]:
    """A channel without messages' types: bytes go in and come out."""
    async with grpc.aio.insecure_channel(f"{product.host}:{product.port}") as channel:
        yield channel


@pytest.fixture
async def channel(product: Product) -> AsyncIterator[Any]:
    async with opened(product) as one:
        yield one


@pytest.fixture
def signed(product: Product) -> tuple[tuple[str, str], ...]:
    """Metadata of the administrator."""
    return (("authorization", f"Bearer {product.token()}"),)


async def failure(call: Any) -> tuple[str, str]:
    """Code and reason that a call ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code().name, to_error(caught.value).reason


@pytest.mark.parametrize(
    "path",
    [
        GET_ME + "Too",
        "/nothing/At",
        "/rushes.project.v1.AccessService/ResolveAccess",
        "/rushes.project.v1.AuditService/RecordEvents",
        "/rushes.media.v1.MediaService/LookUpVideo",
    ],
)
async def test_a_method_that_is_not_open_is_unimplemented(channel: Any, path: str) -> None:
    code, _ = await failure(channel.unary_unary(path)(b"", timeout=20))
    assert code == "UNIMPLEMENTED"


async def test_the_relay_of_gateways_is_not_open(channel: Any) -> None:
    call = channel.stream_stream("/rushes.annotation.v1.RelayService/Relay")(timeout=20)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_unary_call_without_a_message_is_answered(channel: Any, signed: tuple[tuple[str, str], ...]) -> None:
    call = channel.stream_unary(GET_ME)(metadata=signed, timeout=20)
    await call.done_writing()
    assert await failure(call) == ("INVALID_ARGUMENT", "ONE_MESSAGE")


async def test_a_unary_call_with_two_messages_does_nothing(
    product: Product, channel: Any, signed: tuple[tuple[str, str], ...]
) -> None:
    async def twice() -> AsyncIterator[bytes]:
        for name in ("Made by half a call", "And by the other half"):
            yield CreateProjectRequest(name=name).SerializeToString()

    call = channel.stream_unary(CREATE_PROJECT)(twice(), metadata=signed, timeout=20)
    assert await failure(call) == ("INVALID_ARGUMENT", "ONE_MESSAGE")
    async with rushes.connect(product.address, session=product.secret) as client:
        assert not [project for project in await client.projects() if "half" in project.name]


async def test_a_compressed_call_is_taken_and_answered_plainly(
    channel: Any, signed: tuple[tuple[str, str], ...]
) -> None:
    call = channel.unary_unary(GET_ME)(b"", metadata=signed, compression=grpc.Compression.Gzip, timeout=20)
    assert GetMeResponse.FromString(await call).person.administrator


async def test_a_message_too_large_is_refused(channel: Any, signed: tuple[tuple[str, str], ...]) -> None:
    call = channel.unary_unary(GET_ME)(bytes(5 << 20), metadata=signed, timeout=20)
    assert (await failure(call))[0] == "RESOURCE_EXHAUSTED"
    assert await channel.unary_unary(GET_ME)(b"", metadata=signed, timeout=20)


async def test_a_small_message_that_unpacks_to_a_large_one_is_refused(
    channel: Any, signed: tuple[tuple[str, str], ...]
) -> None:
    call = channel.unary_unary(GET_ME)(bytes(64 << 20), metadata=signed, compression=grpc.Compression.Gzip, timeout=20)
    assert (await failure(call))[0] == "RESOURCE_EXHAUSTED"


async def test_metadata_too_large_is_refused_and_others_go_on(
    product: Product, channel: Any, signed: tuple[tuple[str, str], ...]
) -> None:
    large = (*signed, ("x-large", "x" * 60_000))
    async with opened(product) as another:
        code, _ = await failure(another.unary_unary(GET_ME)(b"", metadata=large, timeout=20))
        assert code in ("RESOURCE_EXHAUSTED", "UNAVAILABLE")
    assert await channel.unary_unary(GET_ME)(b"", metadata=signed, timeout=20)


async def test_a_caller_cannot_say_that_it_is_a_service(channel: Any, signed: tuple[tuple[str, str], ...]) -> None:
    forged = (*signed, ("rushes-service", "svc_annotation.00ff"))
    assert await channel.unary_unary(GET_ME)(b"", metadata=forged, timeout=20)


async def test_a_deadline_is_kept(product: Product, channel: Any, signed: tuple[tuple[str, str], ...]) -> None:
    request = FollowRequest(video_id=product.video_id).SerializeToString()
    call = channel.unary_stream(FOLLOW)(request, metadata=signed, timeout=0.7)
    assert (await failure(read_all(call)))[0] == "DEADLINE_EXCEEDED"


async def read_all(call: Any) -> None:
    """Reads a stream to its end."""
    while await call.read() is not grpc.aio.EOF:
        pass


async def test_an_error_of_a_service_comes_with_its_details(channel: Any, signed: tuple[tuple[str, str], ...]) -> None:
    request = GetVideoRequest(video_id=987_654).SerializeToString()
    assert await failure(channel.unary_unary(GET_VIDEO)(request, metadata=signed, timeout=20)) == (
        "NOT_FOUND",
        "NOT_FOUND",
    )
    assert await failure(channel.unary_unary(GET_ME)(GetMeRequest().SerializeToString(), timeout=20)) == (
        "UNAUTHENTICATED",
        "TOKEN_MISSING",
    )


@pytest.mark.parametrize(
    "bytes_after",
    [b"\x00" * 64, b"\xff" * 64, b"GET / HTTP/1.1\r\n\r\n", b"\x7f\xff\xff\x04\x00\x00\x00\x00\x00"],
)
async def test_garbage_behind_the_preface_ends_that_connection_alone(
    product: Product, channel: Any, signed: tuple[tuple[str, str], ...], bytes_after: bytes
) -> None:
    reader, writer = await asyncio.open_connection(product.host, product.port)
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes_after)
    try:
        async with asyncio.timeout(30):
            with contextlib.suppress(ConnectionError):
                await reader.read()
    finally:
        writer.transport.abort()
    assert await channel.unary_unary(GET_ME)(b"", metadata=signed, timeout=20)


# -- health and reflection ----------------------------------------------------------------------------------------


async def test_a_program_asks_how_it_is_and_what_there_is(channel: Any) -> None:
    raw = await channel.unary_unary("/grpc.health.v1.Health/Check")(b"")
    assert health_pb2.HealthCheckResponse.FromString(raw).status == health_pb2.HealthCheckResponse.SERVING
    asked = reflection_pb2.ServerReflectionRequest(list_services="").SerializeToString()
    answers = channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")(iter([asked]))
    answer = reflection_pb2.ServerReflectionResponse.FromString(await answers.read())
    names = {service.name for service in answer.list_services_response.service}
    assert {"rushes.annotation.v1.AnnotationService", "grpc.health.v1.Health"} <= names
    assert "rushes.annotation.v1.RelayService" not in names


async def test_a_browser_asks_how_it_is(stranger: Browser) -> None:
    answer = await stranger.rpc("/grpc.health.v1.Health/Check", health_pb2.HealthCheckRequest())
    assert health_pb2.HealthCheckResponse.FromString(answer.messages[0]).status == 1


async def test_resetting_calls_as_fast_as_one_can_disturbs_nobody_else(product: Product, browser: Browser) -> None:
    """Opens and resets 5,000 calls on one connection, as no client does."""
    _, writer = await asyncio.open_connection(product.host, product.port)
    try:
        connection = Connection()
        block = encode([(":method", "POST"), (":scheme", "http"), (":path", GET_ME), (":authority", "x"),
                        ("content-type", "application/grpc"), ("te", "trailers")])  # fmt: skip
        for _ in range(5_000):
            connection.cancel(connection.open(block, grpcweb.data_frame(b""), Nobody()))
        with contextlib.suppress(ConnectionError):
            for at in range(0, len(connection.out), 100):
                writer.write(b"".join(connection.out[at : at + 100]))
                await writer.drain()
                assert (await browser.rpc(GET_ME, GetMeRequest())).code == 0
    finally:
        writer.transport.abort()
    assert (await browser.rpc(GET_ME, GetMeRequest())).code == 0


class Nobody:
    """Hears nothing."""

    def on_headers(self, fields: object, end: bool) -> None: ...
    def on_data(self, data: bytes) -> None: ...
    def on_end(self) -> None: ...
    def on_reset(self, code: int) -> None: ...
    def on_unprocessed(self) -> None: ...
    def on_lost(self) -> None: ...
    def flush(self) -> None: ...


async def test_five_thousand_calls_on_a_connection_are_refused_but_for_a_hundred(
    product: Product, browser: Browser, channel: Any, signed: tuple[tuple[str, str], ...]
) -> None:
    """Opens calls whose message never comes, as many at once as no client may."""
    reader, writer = await asyncio.open_connection(product.host, product.port)
    connection, answers = Connection(), collections.Counter[str]()
    block = encode([(":method", "POST"), (":scheme", "http"), (":path", GET_ME), (":authority", "x"),
                    ("content-type", "application/grpc"), ("te", "trailers"), *signed])  # fmt: skip
    for _ in range(5_000):
        connection.open(block, b"", Counted(answers), end=False)

    async def hear() -> None:
        while not answers["lost"]:
            data = await reader.read(65_536)
            connection.receive(data) if data else connection.lost()

    hearing = asyncio.create_task(hear())
    try:
        for at in range(0, len(connection.out), 100):
            writer.write(b"".join(connection.out[at : at + 100]))
            await writer.drain()
            assert (await browser.rpc(GET_ME, GetMeRequest())).code == 0
        await until(lambda: answers.total() >= 4_900, "all but a hundred are answered")
        assert set(answers) <= {"refused", "reset 11"}  # ENHANCE_YOUR_CALM
        assert (await browser.rpc(GET_ME, GetMeRequest())).code == 0
        assert await channel.unary_unary(GET_ME)(b"", metadata=signed, timeout=20)
    finally:
        hearing.cancel()
        writer.transport.abort()


class Counted(Nobody):
    """Counts how calls end."""

    def __init__(self, ends: collections.Counter[str]) -> None:
        self._ends = ends

    def on_headers(self, fields: object, end: bool) -> None:
        if end:
            self._ends["answered"] += 1

    def on_reset(self, code: int) -> None:
        self._ends[f"reset {code}"] += 1

    def on_unprocessed(self) -> None:
        self._ends["refused"] += 1

    def on_lost(self) -> None:
        self._ends["lost"] += 1
