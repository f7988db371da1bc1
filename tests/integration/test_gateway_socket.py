"""WebSockets in the `grpc-websockets` subprotocol: Collaborate on the hub, other streams passed through."""

import asyncio
import os
from collections.abc import Mapping

import aiohttp
import pytest

from gateway.core import grpcweb
from rushes.annotation.v1.annotation_pb2 import ANNOTATION_KIND_COMMENT, Annotation
from rushes.annotation.v1.annotation_service_pb2 import (
    DELIVERY_FULL,
    CollaborateOpen,
    CollaborateRequest,
    FollowRequest,
    FollowResponse,
)
from rushes.annotation.v1.operation_pb2 import Batch, Commit, CreateOperation, Operation
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT
from tests.product import Product
from tests.web_client import COLLABORATE, Browser, Call, reason_of

FOLLOW = "/rushes.annotation.v1.AnnotationService/Follow"
HEADERS = b"content-type: application/grpc-web+proto\r\n"


def comment(text: str, client_seq: int = 1, base_revision: int = 0) -> CollaborateRequest:
    """A batch with one comment."""
    annotation = Annotation(
        id=os.urandom(16),
        kind=ANNOTATION_KIND_COMMENT,
        first_frame=5,
        last_frame=5,
        text=text,
        audience=AUDIENCE_CLIENT,
    )
    create = Operation(create=CreateOperation(annotation=annotation))
    return CollaborateRequest(submit=Batch(client_seq=client_seq, base_revision=base_revision, operations=[create]))


async def opened(browser: Browser, video_id: int, *, packs: bool = False, **fields: object) -> tuple[Call, int]:
    """A session that is open, and the revision that it begins at."""
    call = await browser.connect(packs=packs)
    await call.open(video_id, client_id=os.urandom(16), delivery=DELIVERY_FULL, **fields)
    revision = (await call.next("opened")).opened.revision
    return call, revision


async def test_what_one_writes_reaches_the_other(product: Product, browser: Browser) -> None:
    one, revision = await opened(browser, product.video_id)
    async with Browser(product.address, product.person("guest")) as guest:
        other, _ = await opened(guest, product.video_id)
        await one.send(comment("from one to the other", base_revision=revision))
        for call in (one, other):
            commit = (await call.next("committed")).committed.commits[0]
            assert commit.operations[0].create.annotation.text == "from one to the other"
        await one.ws.send_bytes(b"\1")
        assert (await one.ended()).code == 0
        await other.close()
    assert one.headers["content-type"] == "application/grpc-web+proto"


async def test_who_packs_its_messages_and_who_does_not_read_the_same(product: Product, browser: Browser) -> None:
    one, revision = await opened(browser, product.video_id, packs=True)
    others = [(await opened(browser, product.video_id, packs=packs))[0] for packs in (True, False)]
    assert [each.ws.compress for each in (one, *others)] == [15, 15, 0]
    said = "again and again " * 200
    await one.send(comment(said, base_revision=revision))
    for call in (one, *others):
        commit = await landed_after(call, revision)
        assert commit.operations[0].create.annotation.text == said
    for call in (one, *others):
        await call.close()


async def landed_after(call: Call, revision: int) -> Commit:
    """The first commit after a revision: what is told before it belongs to the document as it was found."""
    while True:
        for commit in (await call.next("committed")).committed.commits:
            if commit.revision > revision:
                return commit


async def test_a_ping_is_answered_with_its_number(product: Product, browser: Browser) -> None:
    call, _ = await opened(browser, product.video_id)
    await call.send(CollaborateRequest(ping_ms=12_345))
    assert (await call.next("pong")).pong.ping_ms == 12_345
    await call.close()


async def test_a_frame_may_be_cut_over_messages_and_a_message_may_hold_many(product: Product, browser: Browser) -> None:
    call, _ = await opened(browser, product.video_id)
    frames = [grpcweb.data_frame(CollaborateRequest(ping_ms=number).SerializeToString()) for number in (1, 2, 3)]
    await call.ws.send_bytes(b"\0" + frames[0] + frames[1] + frames[2][:3])
    await call.ws.send_bytes(b"\0" + frames[2][3:])
    assert [(await call.next("pong")).pong.ping_ms for _ in range(3)] == [1, 2, 3]
    await call.close()


def _open(video_id: int) -> bytes:
    return CollaborateRequest(open=CollaborateOpen(video_id=video_id)).SerializeToString()


@pytest.mark.parametrize(
    "messages",
    [
        [b"no header at all"],
        [b"x" * 20_000],
        [HEADERS, b"\7"],
        [HEADERS, b""],
        [HEADERS, b"\0" + grpcweb.data_frame(b"\xff\xff\xff")],
        [HEADERS, b"\0" + grpcweb.data_frame(b"")],
        [HEADERS, b"\0" + grpcweb.frame(grpcweb.COMPRESSED, _open(1))],
        [HEADERS, b"\0" + grpcweb.trailer_frame([("grpc-status", "0")])],
        [HEADERS, b"\0" + grpcweb.data_frame(CollaborateRequest(ping_ms=1).SerializeToString())],
        [HEADERS, b"\0" + grpcweb.data_frame(_open(0))],
        [HEADERS, b"\0" + grpcweb.data_frame(_open(-1))],
        [HEADERS, b"\0" + grpcweb.data_frame(_open(1))[:5], b"\1"],
        [HEADERS, b"\1"],
    ],
    ids=[
        "headers that are none",
        "large headers",
        "unknown byte",
        "empty",
        "no message",
        "message without content",
        "compressed",
        "trailers",
        "ping first",
        "no video",
        "negative video",
        "end inside a message",
        "end at once",
    ],
)
async def test_what_is_not_understood_is_refused(browser: Browser, messages: list[bytes]) -> None:
    call = await browser.connect()
    for message in messages:
        await call.ws.send_bytes(message)
    answer = await call.ended()
    assert (answer.code, answer.reason) == (3, "INVALID_ARGUMENT")


async def test_text_is_refused(browser: Browser) -> None:
    call = await browser.connect()
    await call.ws.send_str("content-type: application/grpc-web+proto")
    assert (await call.ended()).code == 3


@pytest.mark.parametrize(
    "late",
    [b"\xff\xff", b"\x3a\xff", b"\x20", b"\x30\xff", _open(1)],
    ids=["garbage", "cut field", "ack without a number", "cut ping", "open again"],
)
async def test_nonsense_on_an_open_session_ends_that_session(product: Product, browser: Browser, late: bytes) -> None:
    other, _ = await opened(browser, product.video_id)
    call, _ = await opened(browser, product.video_id)
    await call.ws.send_bytes(b"\0" + grpcweb.data_frame(late))
    assert (await call.ended()).code == 3
    await other.send(CollaborateRequest(ping_ms=1))
    assert (await other.next("pong")).pong.ping_ms == 1
    await other.close()


async def test_a_message_of_a_megabyte_ends_the_session(product: Product, browser: Browser) -> None:
    call, _ = await opened(browser, product.video_id)
    await call.ws.send_bytes(b"\0" + grpcweb.data_frame(bytes(1 << 20)))
    await call.ended()
    assert call.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


async def test_a_frame_that_says_it_is_large_is_refused_before_it_comes(product: Product, browser: Browser) -> None:
    call, _ = await opened(browser, product.video_id)
    await call.ws.send_bytes(b"\0\0\xff\xff\xff\xff")
    assert (await call.ended()).code == 8


@pytest.mark.parametrize("protocols", [(), ("graphql-ws",), ("grpc-websockets2",)])
async def test_another_subprotocol_is_refused(browser: Browser, protocols: tuple[str, ...]) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await browser.connect(protocols=protocols)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example.com"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
async def test_pages_of_other_sites_are_refused(browser: Browser, headers: Mapping[str, str], status: int) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await browser.connect(headers=headers)
    assert caught.value.status == status


async def test_without_a_session_one_is_told_to_sign_in(product: Product, stranger: Browser) -> None:
    call = await stranger.connect()
    await call.open(product.video_id)
    assert (await call.ended()).code == 16


async def test_a_program_gives_its_token_in_the_headers(product: Product, stranger: Browser) -> None:
    call = await stranger.connect()
    await call.begin(f"authorization: Bearer {product.token()}\r\n")
    await call.send(CollaborateRequest(open=CollaborateOpen(video_id=product.video_id)))
    assert (await call.next("opened")).opened.person_id
    await call.close()


async def test_a_token_in_the_address_is_none(product: Product, stranger: Browser) -> None:
    for query in (f"access_token={product.token()}", f"authorization=Bearer%20{product.token()}"):
        call = await stranger.connect(f"{COLLABORATE}?{query}")
        await call.open(product.video_id)
        assert (await call.ended()).code == 16
        await call.close()


async def test_a_forged_token_is_refused(product: Product, stranger: Browser) -> None:
    call = await stranger.connect()
    await call.begin(f"authorization: Bearer {product.token()[:-4]}AAAA\r\n")
    await call.send(CollaborateRequest(open=CollaborateOpen(video_id=product.video_id)))
    answer = await call.ended()
    assert (answer.code, answer.reason) == (16, "TOKEN_INVALID")


async def test_a_video_that_is_not_there_is_not_found(browser: Browser) -> None:
    call = await browser.connect()
    await call.open(987_654)
    assert (await call.ended()).code == 5


async def test_work_that_is_refused_is_answered_on_the_open_session(product: Product, browser: Browser) -> None:
    call, revision = await opened(browser, product.video_id)
    request = comment("outside", base_revision=revision)
    request.submit.operations[0].create.annotation.first_frame = 100_000
    request.submit.operations[0].create.annotation.last_frame = 100_000
    await call.send(request)
    refused = (await call.next("refused")).refused
    assert (refused.client_seq, refused.status.code) == (1, 3)
    await call.send(CollaborateRequest(ping_ms=7))
    assert (await call.next("pong")).pong.ping_ms == 7
    await call.close()


async def test_signing_out_ends_the_session_s_sockets(product: Product) -> None:
    secret = product.studio.people(1, "guest")[0]
    async with Browser(product.address, secret) as guest:
        call, _ = await opened(guest, product.video_id)
        async with guest.request("POST", "/auth/sign-out", headers={"Content-Type": "application/json"}) as answer:
            assert answer.status == 200
        ended = await call.ended()
        assert ended.code == 16


async def test_a_server_stream_goes_over_a_socket_too(product: Product, browser: Browser) -> None:
    call = await browser.connect(FOLLOW)
    await call.begin()
    await call.send(FollowRequest(video_id=product.video_id))
    first = await call.receive()
    assert first is not None
    assert FollowResponse.FromString(first).message.opened.epoch
    await call.close()


async def test_an_error_of_a_stream_that_is_passed_through_is_in_its_trailers(browser: Browser) -> None:
    call = await browser.connect(FOLLOW)
    await call.begin()
    await call.send(FollowRequest(video_id=987_654))
    answer = await call.ended()
    assert (answer.code, reason_of(answer.trailers)) == (5, "NOT_FOUND")


async def test_a_plain_request_to_a_socket_s_path_is_told_so(browser: Browser) -> None:
    async with browser.request("GET", COLLABORATE) as answer:
        assert answer.status == 405
        assert "WebSocket" in await answer.text()


def masked(first: int, payload: bytes) -> bytes:
    """A client's short WebSocket frame, masked with zeros."""
    return bytes((first, len(payload) | 0x80)) + bytes(4) + payload


async def test_pieces_pings_and_the_close_are_as_the_rules_of_websockets_say(product: Product) -> None:
    head = (
        f"GET {COLLABORATE} HTTP/1.1\r\nHost: {product.host}:{product.port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        f"Sec-WebSocket-Protocol: grpc-websockets\r\nCookie: rushes_session={product.secret}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(product.host, product.port)
    opening = b"\0" + grpcweb.data_frame(_open(product.video_id))
    pieces = masked(0x02, opening[:3]) + masked(0x89, b"there?") + masked(0x80, opening[3:])
    writer.write(head.encode() + masked(0x82, HEADERS) + pieces)  # without waiting for the answer to the head
    async with asyncio.timeout(60):
        await reader.readuntil(b"\r\n\r\n")
        await reader.readuntil(b"\x8a\x06there?")
        writer.write(masked(0x88, b"\x03\xe9"))
        assert (await reader.read()).endswith(b"\x88\x02\x03\xe9")
    writer.close()


async def test_a_hundred_sockets_open_and_close_at_once(product: Product, browser: Browser) -> None:
    calls = [call for call, _ in await asyncio.gather(*(opened(browser, product.video_id) for _ in range(100)))]
    await asyncio.gather(*(call.send(CollaborateRequest(ping_ms=9)) for call in calls))
    for call in calls:
        assert (await call.next("pong")).pong.ping_ms == 9
    await asyncio.gather(*(call.close() for call in calls))
