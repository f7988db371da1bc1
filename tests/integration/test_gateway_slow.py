"""Who says nothing, who reads nothing, who asks too often, who has too many: none of them costs others anything."""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator, Iterator
from typing import TypeAlias, cast
from urllib.request import urlopen

import grpc
import psutil
import pytest
from google.protobuf.message import Message
from multidict import CIMultiDict

from gateway.core import grpcweb
from gateway.door import PREFACE, RETRY_S, TOO_MANY_HTTP2
from mesh.rpc import to_error
from rushes.annotation.v1.annotation_pb2 import ANNOTATION_KIND_COMMENT, Annotation
from rushes.annotation.v1.annotation_service_pb2 import (
    DELIVERY_FULL,
    CollaborateOpen,
    CollaborateRequest,
    CollaborateResponse,
    FollowRequest,
)
from rushes.annotation.v1.operation_pb2 import Batch, CreateOperation, Operation
from rushes.project.v1.identity_service_pb2 import GetMeRequest, ListPeopleRequest, SignInRequest
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT
from tests.product import Product, serving
from tests.waiting import until
from tests.web_client import COLLABORATE, TYPE, Browser, Call, reason_of, retry_after_s, together

GET_ME = "/rushes.project.v1.IdentityService/GetMe"
FOLLOW = "/rushes.annotation.v1.AnnotationService/Follow"
LIST_PEOPLE = "/rushes.project.v1.IdentityService/ListPeople"
SIGN_IN = "/rushes.project.v1.IdentityService/SignIn"
CONNECTIONS = 200
STREAMS = 40
WRITERS = 3
DEAF = 8
BATCHES = 60
"""Of each writer: with 20 comments of 4,000 letters each, 14 MB in all."""
KEPT_BYTES = 64 << 20
"""What the gateway may grow by: its cache of two lanes is half of that."""


@pytest.fixture(scope="module")
def hasty(page: object) -> Iterator[Product]:
    """A product that waits for nobody longer than two seconds, and takes few calls of each."""
    with serving(
        RUSHES_GATEWAY__WEB=str(page),
        RUSHES_GATEWAY__BEGIN_S="2",
        RUSHES_GATEWAY__SLOW_READER_S="2",
        RUSHES_ANNOTATION__UNACKED_S="2",
        RUSHES_GATEWAY__PERSON_CALLS_S="30",
        RUSHES_GATEWAY__SIGN_INS_S="1",
        RUSHES_GATEWAY__TRUSTED_PROXIES="127.0.0.21",
        RUSHES_GATEWAY__ADDRESS_CONNECTIONS=str(CONNECTIONS),
        RUSHES_GATEWAY__PERSON_STREAMS=str(STREAMS),
        RUSHES_GATEWAY__METHOD_CALLS_S=json.dumps({LIST_PEOPLE: "0.001"}),
    ) as product:
        yield product


async def ended_by_server(product: Product, beginning: bytes) -> bytes:
    """What comes on a connection until the server ends it."""
    reader, writer = await asyncio.open_connection(product.host, product.port)
    try:
        writer.write(beginning)
        async with asyncio.timeout(30):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.transport.abort()


async def test_who_does_not_say_what_it_wants_is_not_waited_for(hasty: Product) -> None:
    half_head = f"GET / HTTP/1.1\r\nHost: {hasty.host}:{hasty.port}\r\nX-More: ".encode()
    beginnings = [b"", b"P", b"PRI * HTTP/2.0\r\n", half_head, b"\x16\x03\x01"]
    async with Browser(hasty.address, hasty.secret) as browser:
        silent, unopened = await browser.connect(), await browser.connect()
        await unopened.begin()
        answers = await asyncio.gather(*(ended_by_server(hasty, beginning) for beginning in beginnings))
        assert answers == [b""] * len(beginnings)
        for call in (silent, unopened):
            assert (await call.ended()).code == 4


def deaf_socket(product: Product) -> socket.socket:
    """A connection with small buffers, which nobody reads."""
    joined = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    joined.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    joined.connect((product.host, product.port))
    return joined


def masked(payload: bytes) -> bytes:
    """A client's binary WebSocket frame, masked with zeros."""
    size = bytes((len(payload) | 0x80,)) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return b"\x82" + size + bytes(4) + payload


def deaf_viewer(product: Product, video_id: int) -> socket.socket:
    """A viewer that opens a session and never reads."""
    joined = deaf_socket(product)
    head = (
        f"GET {COLLABORATE} HTTP/1.1\r\nHost: {product.host}:{product.port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        f"Sec-WebSocket-Protocol: grpc-websockets\r\nCookie: rushes_session={product.secret}\r\n\r\n"
    )
    opening = CollaborateRequest(open=CollaborateOpen(video_id=video_id, delivery=DELIVERY_FULL))
    message = b"\0" + grpcweb.data_frame(opening.SerializeToString())
    joined.sendall(head.encode() + masked(b"content-type: application/grpc-web+proto\r\n") + masked(message))
    return joined


def deaf_follower(product: Product, video_id: int) -> socket.socket:
    """A reader of a stream over HTTP that never reads."""
    joined = deaf_socket(product)
    request = FollowRequest(video_id=video_id, delivery=DELIVERY_FULL)
    body = grpcweb.data_frame(request.SerializeToString())
    head = (
        f"POST {FOLLOW} HTTP/1.1\r\nHost: {product.host}:{product.port}\r\nContent-Length: {len(body)}\r\n"
        f"Content-Type: {TYPE['Content-Type']}\r\nCookie: rushes_session={product.secret}\r\n\r\n"
    )
    joined.sendall(head.encode() + body)
    return joined


def long_comment() -> Operation:
    """As large as a comment may be."""
    annotation = Annotation(
        id=os.urandom(16), kind=ANNOTATION_KIND_COMMENT, text=os.urandom(2000).hex(), audience=AUDIENCE_CLIENT
    )
    return Operation(create=CreateOperation(annotation=annotation))


async def write(call: Call, batches: int) -> None:
    """Sends batches one after the other, each once the one before it is back."""
    opened = (await call.next("opened")).opened
    base, client_id = opened.revision, b""
    for number in range(1, batches + 1):
        operations = [long_comment() for _ in range(20)]
        await call.send(CollaborateRequest(submit=Batch(client_seq=number, base_revision=base, operations=operations)))
        own = operations[0].create.annotation.id
        while client_id != own:
            committed = (await call.next("committed")).committed
            base = committed.commits[-1].revision
            await call.send(CollaborateRequest(ack_revision=base))
            ids = [op.create.annotation.id for commit in committed.commits for op in commit.operations]
            client_id = own if own in ids else client_id


@pytest.fixture
def video_id(hasty: Product) -> int:
    """A video without notes."""
    return hasty.fresh_video()


@pytest.fixture
async def writers(hasty: Product, video_id: int) -> AsyncIterator[list[Call]]:
    """Sessions of some people, open."""
    secrets = hasty.studio.people(WRITERS, "reviewer")
    browsers = [Browser(hasty.address, secret) for secret in secrets]
    calls = [await browser.connect() for browser in browsers]
    for call in calls:
        await call.open(video_id, client_id=os.urandom(16), delivery=DELIVERY_FULL)
    yield calls
    for call in calls:
        await call.close()
    for browser in browsers:
        await browser.__aexit__(None, None, None)


def measured(product: Product, service: str, name: str) -> int:
    """What a service says of itself; 0: it has not said anything yet."""
    with urlopen(product.stack.ready()["services"][service]["metrics"] + "/metrics", timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    return int(float(next((line for line in lines if line.startswith(name + " ")), "0").split()[-1]))


def viewers(product: Product) -> int:
    """How many the gateway says it has."""
    return measured(product, "gateway", "rushes_gateway_viewers")


async def test_readers_that_read_nothing_are_cut_and_cost_no_memory(
    hasty: Product, video_id: int, writers: list[Call]
) -> None:
    gateway = psutil.Process(hasty.stack.pids()["gateway"])
    deaf = [deaf_viewer(hasty, video_id) for _ in range(DEAF)]
    await until(lambda: viewers(hasty) == WRITERS + DEAF, "all are viewers")
    before_bytes, before_connections = gateway.memory_info().rss, len(gateway.net_connections("tcp"))
    deaf += [deaf_follower(hasty, video_id) for _ in range(2)]
    try:
        await asyncio.gather(*(write(call, BATCHES) for call in writers))
        await until(lambda: viewers(hasty) == WRITERS, "only who reads is left")
        grown = gateway.memory_info().rss - before_bytes
        assert grown < KEPT_BYTES, f"{grown >> 20} MB"
        await until(lambda: len(gateway.net_connections("tcp")) <= before_connections - DEAF, "the connections' end")
    finally:
        for joined in deaf:
            joined.close()
    for call in writers:
        await call.send(CollaborateRequest(ping_ms=5))
        assert (await call.next("pong")).pong.ping_ms == 5


PROGRAMS = 24
PROGRAM_BYTES = 2 << 20
"""What the gateway may grow by for each program that reads nothing: eight times the window of one stream, and less
than a quarter of what is written."""
NativeCall: TypeAlias = "grpc.aio.StreamStreamCall[bytes, bytes]"


def sessions(product: Product) -> int:
    """How many programs the service says it has."""
    return measured(product, "svc_annotation", 'rushes_annotation_sessions{way="direct"}')


@contextlib.asynccontextmanager
async def programs(product: Product, video_id: int, count: int, **fields: object) -> AsyncIterator[list[NativeCall]]:
    """Sessions of native gRPC, each over a connection of its own, that have said what they want and read nothing.

    They themselves hold no more than 64 KB of what they do not read.
    """
    opening = CollaborateOpen(video_id=video_id, delivery=DELIVERY_FULL, **fields)  # type: ignore[arg-type]
    metadata = (("authorization", f"Bearer {product.token()}"),)
    options = (("grpc.use_local_subchannel_pool", 1), ("grpc.http2.bdp_probe", 0))
    async with contextlib.AsyncExitStack() as stack:
        calls: list[NativeCall] = []
        for _ in range(count):
            channel = grpc.aio.insecure_channel(f"{product.host}:{product.port}", options=options)
            await stack.enter_async_context(channel)
            method: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(COLLABORATE)
            calls.append(method(metadata=metadata))
            await calls[-1].write(CollaborateRequest(open=opening).SerializeToString())
        yield calls


async def hear(call: NativeCall, revisions: list[int], last: int = 1 << 60) -> None:
    """Adds the revisions that come, up to one or to the end of the stream, which it raises."""
    while not revisions or revisions[-1] < last:
        message = await call.read()
        assert message is not grpc.aio.EOF
        response = CollaborateResponse.FromString(cast(bytes, message))
        revisions += [commit.revision for commit in response.committed.commits]


async def test_programs_that_read_nothing_are_cut_with_where_to_resume(
    hasty: Product, video_id: int, writers: list[Call]
) -> None:
    gateway = psutil.Process(hasty.stack.pids()["gateway"])
    revisions: list[int] = []
    async with programs(hasty, video_id, PROGRAMS) as deaf:
        await until(lambda: sessions(hasty) == PROGRAMS, "all are there")
        before_bytes = gateway.memory_info().rss
        # Each write is back at its writer before the next: nobody waits for who does not read.
        await asyncio.gather(*(write(call, BATCHES) for call in writers))
        grown = gateway.memory_info().rss - before_bytes
        assert grown < KEPT_BYTES + PROGRAMS * PROGRAM_BYTES, f"{grown >> 20} MB"
        await until(lambda: sessions(hasty) == 0, "their sessions are over")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await hear(deaf[0], revisions)
    error = to_error(caught.value)
    assert (caught.value.code(), error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_READER")
    resume = int(error.metadata["resume_revision"])
    last = resume + WRITERS * BATCHES
    assert revisions == list(range(resume + 1, resume + 1 + len(revisions)))
    assert len(revisions) < WRITERS * BATCHES
    async with programs(hasty, video_id, 1, resume_revision=revisions[-1], epoch=1) as again:
        await hear(again[0], revisions, last)
        assert revisions == list(range(resume + 1, last + 1))
    async with programs(hasty, video_id, 2):
        await until(lambda: sessions(hasty) == 2, "they are there, and get the whole document")
        await until(lambda: sessions(hasty) == 0, "who does not even read the beginning is cut too")


# -- who asks too often -------------------------------------------------------------------------------------------


async def test_who_asks_too_often_is_told_when_to_come_again_and_others_are_not(hasty: Product) -> None:
    guest = hasty.person("guest")
    async with Browser(hasty.address, guest) as eager, Browser(hasty.address, hasty.secret) as other:
        assert (await eager.rpc(GET_ME, GetMeRequest())).code == 0
        answers = await asyncio.gather(*(eager.rpc(GET_ME, GetMeRequest()) for _ in range(150)))
        refused = [answer for answer in answers if answer.code]
        assert len(answers) - len(refused) >= 50
        assert {(answer.code, answer.reason) for answer in refused} == {(8, "RATE_LIMITED")}
        assert all(0 < retry_after_s(answer) <= 5 for answer in refused)
        assert (await other.rpc(GET_ME, GetMeRequest())).code == 0


async def test_programs_count_too(hasty: Product) -> None:
    metadata = (("authorization", f"Bearer {hasty.token(hasty.person('guest'))}"),)
    async with grpc.aio.insecure_channel(f"{hasty.host}:{hasty.port}") as channel:
        method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(GET_ME)
        codes: list[grpc.StatusCode] = []
        async with asyncio.timeout(60):
            while len(set(codes)) < 2:  # fewer at once than the door takes streams on a connection
                calls = [method(b"", metadata=metadata) for _ in range(50)]
                await asyncio.gather(*calls, return_exceptions=True)
                codes = [await call.code() for call in calls]
        assert set(codes) == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
        refused = calls[codes.index(grpc.StatusCode.RESOURCE_EXHAUSTED)]
        assert "grpc-status-details-bin" in dict(await refused.trailing_metadata())


async def test_a_method_counts_however_its_path_is_written(hasty: Product) -> None:
    reviewer = hasty.person("reviewer")

    async def ask(browser: Browser, method: str, path: str) -> int:
        headers = {"Content-Type": "application/json"}
        async with browser.request(method, path, headers=headers, data=b"{}" if method == "POST" else None) as answer:
            if answer.status == 429:
                assert (await answer.json())["code"] == "resource_exhausted"
                assert int(answer.headers["Retry-After"]) >= 1
            return answer.status

    async with Browser(hasty.address, reviewer) as browser:
        assert (await browser.rpc(LIST_PEOPLE, ListPeopleRequest())).reason != "RATE_LIMITED"
        assert await ask(browser, "GET", "/api/v1/people") == 429
        assert await ask(browser, "POST", LIST_PEOPLE) == 429
        assert (await browser.rpc(LIST_PEOPLE, ListPeopleRequest())).reason == "RATE_LIMITED"
        assert await ask(browser, "GET", "/api/v1/me") == 200


async def test_calls_on_sockets_of_their_own_count_too(hasty: Product) -> None:
    async def ask(browser: Browser, path: str, request: Message) -> str:
        call = await browser.connect(path)
        await call.begin()
        await call.send(request)
        return (await call.ended()).reason

    async with Browser(hasty.address, hasty.studio.people(1, "guest")[0], source="127.0.0.23") as guest:
        asked = [await ask(guest, LIST_PEOPLE, ListPeopleRequest()) for _ in range(2)]
        assert [reason == "RATE_LIMITED" for reason in asked] == [False, True]
    async with Browser(hasty.address, source="127.0.0.24") as stranger:
        wrong = SignInRequest(email="nobody@rushes.local", password="x")
        asked = await asyncio.gather(*(ask(stranger, SIGN_IN, wrong) for _ in range(12)))
        assert 0 < asked.count("RATE_LIMITED") < 12


async def test_calls_that_share_a_socket_count_too(hasty: Product) -> None:
    async with Browser(hasty.address, hasty.studio.people(1, "guest")[0], source="127.0.0.25") as guest:
        asked = await together(guest, LIST_PEOPLE, *[ListPeopleRequest()] * 2)
        assert sorted(reason_of(trailers) == "RATE_LIMITED" for trailers in asked) == [False, True]
    async with Browser(hasty.address, source="127.0.0.26") as stranger:
        wrong = SignInRequest(email="nobody@rushes.local", password="x")
        reasons = [reason_of(trailers) for trailers in await together(stranger, SIGN_IN, *[wrong] * 12)]
        assert 0 < reasons.count("RATE_LIMITED") < 12


async def test_posters_and_media_do_not_count(hasty: Product) -> None:
    async with Browser(hasty.address, hasty.secret) as browser:
        for _ in range(100):
            async with browser.request("GET", f"/media/{hasty.video_id}/poster.jpg") as answer:
                assert answer.status == 200


async def test_sign_ins_count_by_the_address_that_a_trusted_proxy_names(hasty: Product) -> None:
    async def sign_in(browser: Browser, *lines: str) -> int:
        headers = CIMultiDict({"Content-Type": "application/json"})
        for line in lines:
            headers.add("X-Forwarded-For", line)
        body = b'{"email": "nobody@rushes.local", "password": "x"}'
        async with browser.request("POST", "/auth/sign-in", headers=headers, data=body) as answer:
            if (await answer.json())["reason"] == "RATE_LIMITED":
                assert int(answer.headers["Retry-After"]) >= 1
                return 1
            return 0

    async with (
        Browser(hasty.address, source="127.0.0.21") as proxied,
        Browser(hasty.address, source="127.0.0.22") as pretender,
    ):
        assert [await sign_in(proxied, f"203.0.113.1, 198.51.100.{number}") for number in range(12)] == [0] * 12
        limited = await asyncio.gather(*(sign_in(pretender, f"198.51.100.{number}") for number in range(12)))
        assert sum(limited) >= 6
        # What the one who asks wrote stays in a line before that of the proxy.
        limited = await asyncio.gather(*(sign_in(proxied, f"192.0.2.{one}", "198.51.100.99") for one in range(12)))
        assert sum(limited) >= 6


# -- who has too many ---------------------------------------------------------------------------------------------


async def follow(browser: Browser, video_id: int, headers: dict[str, str] | None = None) -> Call:
    """A stream on a socket of its own."""
    call = await browser.connect(FOLLOW, headers=headers)
    await call.begin()
    await call.send(FollowRequest(video_id=video_id))
    return call


async def test_one_person_has_so_many_streams_whatever_they_come_by(hasty: Product, video_id: int) -> None:
    secret = hasty.studio.people(1, "reviewer")[0]
    async with Browser(hasty.address, secret, source="127.0.0.31") as browser:
        calls = [await follow(browser, video_id) for _ in range(STREAMS)]
        assert all(await asyncio.gather(*(call.receive() for call in calls))), "all are there"
        one_more = await follow(browser, video_id)
        refused = await one_more.ended()
        await one_more.close()
        assert (refused.code, refused.reason) == (8, "TOO_MANY_STREAMS")
        assert retry_after_s(refused) > 0
        web = await browser.rpc(FOLLOW, FollowRequest(video_id=video_id))
        assert (web.code, web.reason) == (8, "TOO_MANY_STREAMS")
        shared = await together(browser, FOLLOW, FollowRequest(video_id=video_id))
        assert [reason_of(trailers) for trailers in shared] == ["TOO_MANY_STREAMS"]
        metadata = (("authorization", f"Bearer {hasty.token(secret)}"),)
        async with grpc.aio.insecure_channel(f"{hasty.host}:{hasty.port}") as channel:
            native: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream(FOLLOW)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await native(FollowRequest(video_id=video_id).SerializeToString(), metadata=metadata).read()
            assert to_error(caught.value).reason == "TOO_MANY_STREAMS"
        assert (await browser.rpc(GET_ME, GetMeRequest())).code == 0, "what ends at once is no stream"
        at_once = await browser.connect(GET_ME)
        await at_once.begin()
        await at_once.send(GetMeRequest())
        assert (await at_once.ended()).code == 0, "nor is it on a socket"
        await at_once.close()
        await asyncio.gather(*(call.close() for call in calls))

        async def again() -> bool:
            call = await follow(browser, video_id)
            try:
                return await call.receive() is not None
            finally:
                await call.close()

        await until(again, "whoever has ended theirs may have others")


@contextlib.asynccontextmanager
async def asked(product: Product, source: str, path: str = "/healthz", more: str = "") -> AsyncIterator[bytes]:
    """A connection from there with a request on it, and the head of its answer."""
    reader, writer = await asyncio.open_connection(product.host, product.port, local_addr=(source, 0))
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {product.host}:{product.port}\r\n{more}\r\n".encode())
        async with asyncio.timeout(30):
            yield await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def status(head: bytes) -> tuple[int, bool]:
    """Of an answer, and whether it says when to come again."""
    return int(head[9:12]), f"\r\nretry-after: {RETRY_S}\r\n".encode() in head.lower()


async def test_one_address_has_so_many_connections_and_is_told_so(hasty: Product) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(CONNECTIONS):
            assert status(await stack.enter_async_context(asked(hasty, "127.0.0.32"))) == (200, False)
        async with asked(hasty, "127.0.0.32") as head:
            assert status(head) == (429, True)
        reader, writer = await asyncio.open_connection(hasty.host, hasty.port, local_addr=("127.0.0.32", 0))
        writer.write(PREFACE)
        assert await reader.readexactly(len(TOO_MANY_HTTP2)) == TOO_MANY_HTTP2
        writer.close()
        await writer.wait_closed()
        async with asked(hasty, "127.0.0.33") as head:
            assert status(head) == (200, False)

    async def again() -> bool:
        async with asked(hasty, "127.0.0.32") as head:
            return status(head) == (200, False)

    await until(again, "the others have ended")


async def test_behind_a_proxy_sockets_count_by_the_address_that_it_says(hasty: Product) -> None:
    upgrade = (
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: rushes-streams\r\n"
    )

    def opened(address: str) -> contextlib.AbstractAsyncContextManager[bytes]:
        return asked(hasty, "127.0.0.21", "/streams", f"{upgrade}X-Forwarded-For: {address}\r\n")

    async with contextlib.AsyncExitStack() as stack:
        for _ in range(CONNECTIONS):
            assert status(await stack.enter_async_context(opened("203.0.113.7"))) == (101, False)
        async with opened("203.0.113.7") as head:
            assert status(head) == (429, True)
        async with opened("203.0.113.8") as head:
            assert status(head) == (101, False)

    async def again() -> bool:
        async with opened("203.0.113.7") as head:
            return status(head) == (101, False)

    await until(again, "the others have ended")
