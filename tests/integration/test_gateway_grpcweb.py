"""gRPC-Web through the gateway: unary calls, server streams, and what is not taken."""

import asyncio
import base64
import contextlib
import gzip

import grpc
import pytest
from google.protobuf.message import Message

import rushes
from gateway.core import grpcweb
from rushes.annotation.v1.annotation_service_pb2 import DELIVERY_FULL, FollowRequest, FollowResponse
from rushes.media.v1.media_service_pb2 import GetVideoRequest, GetVideoResponse
from rushes.project.v1.access_service_pb2 import ResolveAccessRequest
from rushes.project.v1.identity_service_pb2 import GetInvitationRequest, GetMeRequest, GetMeResponse
from tests.product import Product
from tests.web_client import TYPE, Answer, Browser, read_frames

GET_VIDEO = "/rushes.media.v1.MediaService/GetVideo"
GET_ME = "/rushes.project.v1.IdentityService/GetMe"
GET_INVITATION = "/rushes.project.v1.IdentityService/GetInvitation"
FOLLOW = "/rushes.annotation.v1.AnnotationService/Follow"
RESOLVE = "/rushes.project.v1.AccessService/ResolveAccess"
RELAY = "/rushes.annotation.v1.RelayService/Relay"
UNKNOWN_FIELD = b"\xba\x3e\x05hello"  # field 999


async def test_the_bytes_of_an_answer_are_those_of_the_service(product: Product, browser: Browser) -> None:
    request = GetVideoRequest(video_id=product.video_id).SerializeToString() + UNKNOWN_FIELD
    answer = await browser.post(GET_VIDEO, grpcweb.data_frame(request))
    assert (answer.status, answer.code, answer.reason) == (200, 0, "")
    async with grpc.aio.insecure_channel(f"{product.host}:{product.port}") as channel:
        metadata = (("authorization", f"Bearer {product.token()}"),)
        method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(GET_VIDEO)
        native = await method(request, metadata=metadata)
    assert answer.messages == [native]
    assert GetVideoResponse.FromString(native).video.frame_count == 250


async def test_a_stream_sends_what_is_there_and_then_what_comes(product: Product, browser: Browser) -> None:
    request = FollowRequest(video_id=product.video_id, delivery=DELIVERY_FULL)
    frames = browser.stream(FOLLOW, request)
    async with asyncio.timeout(30), contextlib.aclosing(frames):  # type: ignore[type-var]
        async for flag, payload in frames:
            assert flag == grpcweb.DATA
            message = FollowResponse.FromString(payload).message
            if message.WhichOneof("message") == "snapshot_part" and message.snapshot_part.last:
                break
        async with (
            rushes.connect(product.address, session=product.secret) as client,
            client.collaborate(product.video_id) as session,
        ):
            await session.comment(3, "seen on the stream")
        async for _, payload in frames:
            commits = FollowResponse.FromString(payload).message.committed.commits
            if any(op.create.annotation.text == "seen on the stream" for c in commits for op in c.operations):
                return
    pytest.fail("the stream ended before the comment came")


async def test_an_error_comes_in_the_trailers_with_its_details(browser: Browser) -> None:
    answer = await browser.rpc(GET_VIDEO, GetVideoRequest(video_id=987_654))
    assert (answer.status, answer.code, answer.reason) == (200, 5, "NOT_FOUND")
    assert answer.message
    assert answer.messages == []


@pytest.mark.parametrize("content_type", ["text/plain", "application/grpc", "application/grpc-webs", "x"])
async def test_another_content_type_is_not_taken(browser: Browser, content_type: str) -> None:
    answer = await browser.post(GET_ME, grpcweb.data_frame(b""), {"Content-Type": content_type})
    assert answer.status == 415


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0\0\0",
        grpcweb.data_frame(b"")[:4],
        grpcweb.data_frame(b"abc")[:-1],
        grpcweb.data_frame(b"") * 2,
        grpcweb.data_frame(b"") + b"\0",
        grpcweb.frame(grpcweb.COMPRESSED, b"\x1f\x8b"),
        grpcweb.frame(grpcweb.TRAILER, b"grpc-status: 0\r\n"),
        grpcweb.frame(0x40, b""),
    ],
    ids=["nothing", "cut", "header alone", "cut message", "two", "one and a bit", "compressed", "trailers", "unknown"],
)
async def test_a_body_that_is_not_one_message_is_refused(browser: Browser, body: bytes) -> None:
    answer = await browser.post(GET_ME, body)
    assert (answer.status, answer.code) == (200, 3)


async def test_bytes_that_are_no_message_are_refused_by_the_service(browser: Browser) -> None:
    answer = await browser.post(GET_VIDEO, grpcweb.data_frame(b"\xff\xff\xff"))
    assert (answer.code, answer.reason) == (3, "MESSAGE_MALFORMED")


async def raw(product: Product, head: str, body: bytes = b"") -> Answer:
    """A call on a connection of its own, as bytes; the answer is read while the body is not all sent."""
    reader, writer = await asyncio.open_connection(product.host, product.port)
    try:
        lines = f"POST {GET_ME} HTTP/1.1\r\nHost: {product.host}:{product.port}\r\n{head}\r\n"
        writer.write(lines.encode("latin-1") + body)
        async with asyncio.timeout(30):
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            frames = read_frames(await reader.readexactly(length)) if answer.split()[1] == b"200" else ([], {})
            return Answer(int(answer.split()[1]), {}, *frames)
    finally:
        writer.transport.abort()


async def test_a_message_too_large_is_refused_before_it_is_sent(product: Product) -> None:
    head = f"Cookie: rushes_session={product.secret}\r\nContent-Type: {TYPE['Content-Type']}\r\n"
    size = 5 * 1024 * 1024
    answer = await raw(product, f"{head}Content-Length: {size + 5}\r\n", b"\0" + size.to_bytes(4, "big"))
    assert answer.code == 8
    assert "larger" in answer.message


async def test_a_message_that_comes_byte_by_byte_is_one_message(product: Product) -> None:
    head = f"Cookie: rushes_session={product.secret}\r\nContent-Type: {TYPE['Content-Type']}\r\n"
    chunks = b"".join(b"1\r\n" + bytes([byte]) + b"\r\n" for byte in grpcweb.data_frame(b""))
    answer = await raw(product, f"{head}Transfer-Encoding: chunked\r\n", chunks + b"0\r\n\r\n")
    assert answer.code == 0
    assert GetMeResponse.FromString(answer.messages[0]).person.administrator


@pytest.mark.parametrize(("timeout", "code"), [("0n", 4), ("2H", 0), ("S", 3), ("1x", 3), ("123456789S", 3)])
async def test_a_deadline_is_kept(browser: Browser, timeout: str, code: int) -> None:
    answer = await browser.rpc(GET_ME, GetMeRequest(), {"grpc-timeout": timeout})
    assert answer.code == code


async def test_a_stream_ends_at_its_deadline(product: Product, browser: Browser) -> None:
    frames = browser.stream(FOLLOW, FollowRequest(video_id=product.video_id), {"grpc-timeout": "700m"})
    last = [frame async for frame in frames][-1]
    assert last[0] == grpcweb.TRAILER
    assert dict(grpcweb.parse_fields(last[1]))["grpc-status"] == "4"


@pytest.mark.parametrize("path", [GET_ME + "Too", "/rushes.nothing.v1.Nothing/Get", RESOLVE, RELAY])
async def test_a_method_that_is_not_open_to_the_outside_does_not_exist(browser: Browser, path: str) -> None:
    answer = await browser.rpc(path, ResolveAccessRequest())
    assert (answer.status, answer.code) == (200, 12)


async def test_without_a_session_one_is_told_to_sign_in(stranger: Browser) -> None:
    answer = await stranger.rpc(GET_ME, GetMeRequest())
    assert (answer.code, answer.reason) == (16, "TOKEN_MISSING")


async def test_a_session_that_has_ended_is_said_so(product: Product) -> None:
    async with Browser(product.address, "a-session-that-never-was") as browser:
        answer = await browser.rpc(GET_ME, GetMeRequest())
        assert (answer.code, answer.reason) == (16, "SESSION_ENDED")


async def test_a_link_opens_for_somebody_whose_session_has_ended(product: Product) -> None:
    request = GetInvitationRequest(secret=product.studio.invitation("guest"))
    async with Browser(product.address, "a-session-that-never-was") as browser:
        assert (await browser.rpc(GET_INVITATION, request)).code == 0


async def test_a_program_signs_in_with_a_token_instead_of_a_cookie(product: Product, stranger: Browser) -> None:
    token = {"Authorization": f"Bearer {product.token()}"}
    assert (await stranger.rpc(GET_ME, GetMeRequest(), token)).code == 0


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("rushes-service", "svc_project.0123", 0),
        ("rushes-client", "198.51.100.1", 0),
        ("x-plain", "said", 0),
        ("x-accents", "é", 0),
        ("x-!odd", "said", 0),
        ("grpc-encoding", "gzip", 0),
        ("grpc-encoding", "brotli", 12),
        ("x-binary-bin", "not base64!", 3),
    ],
)
async def test_a_header_of_any_kind_hurts_nobody(browser: Browser, name: str, value: str, code: int) -> None:
    assert (await browser.rpc(GET_ME, GetMeRequest(), {name: value})).code == code


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
@pytest.mark.parametrize("path", [GET_ME, FOLLOW, GET_ME + "Too"])
async def test_calls_are_made_with_post_alone(browser: Browser, path: str, method: str) -> None:
    async with browser.request(method, path, headers=TYPE) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")


async def test_text_mode_gives_the_same_answer_in_base64(browser: Browser) -> None:
    headers = {"Content-Type": "application/grpc-web-text+proto"}
    body = base64.b64encode(grpcweb.data_frame(GetMeRequest().SerializeToString()))
    async with browser.request("POST", GET_ME, headers=headers, data=body) as answer:
        assert answer.headers["Content-Type"] == "application/grpc-web-text+proto"
        messages, trailers = read_frames(grpcweb.decode_text(await answer.read()))
    assert trailers["grpc-status"] == "0"
    assert messages == (await browser.rpc(GET_ME, GetMeRequest())).messages


@pytest.mark.parametrize("body", [b"AAAAA", b"AAAAAAA", b"AA=A", b"....", b"=AAA"])
async def test_text_mode_that_is_cut_is_refused(browser: Browser, body: bytes) -> None:
    headers = {"Content-Type": "application/grpc-web-text"}
    async with browser.request("POST", GET_ME, headers=headers, data=body) as answer:
        _, trailers = read_frames(grpcweb.decode_text(await answer.read()))
    assert trailers["grpc-status"] == "3"


async def test_a_compressed_message_is_inflated_for_the_service(browser: Browser) -> None:
    packed = gzip.compress(GetMeRequest().SerializeToString() + UNKNOWN_FIELD)
    answer = await browser.post(GET_ME, grpcweb.frame(grpcweb.COMPRESSED, packed), {"grpc-encoding": "gzip"})
    assert answer.code == 0


async def test_a_small_message_that_would_be_a_large_one_is_refused(browser: Browser) -> None:
    packed = gzip.compress(bytes(64 << 20))
    answer = await browser.post(GET_ME, grpcweb.frame(grpcweb.COMPRESSED, packed), {"grpc-encoding": "gzip"})
    assert answer.code == 8


async def test_many_headers_fail_that_call_alone(browser: Browser) -> None:
    many = {f"x-long-{number}": "x" * 4_000 for number in range(12)}
    refused = await browser.rpc(GET_ME, GetMeRequest(), many)
    assert refused.status in (400, 431) or refused.code == 8
    assert (await browser.rpc(GET_ME, GetMeRequest())).code == 0


async def test_calls_side_by_side_get_their_own_answers(product: Product, browser: Browser) -> None:
    requests: list[tuple[str, Message]] = [
        (GET_VIDEO, GetVideoRequest(video_id=product.video_id if number % 2 else 987_654)) for number in range(60)
    ]
    answers = await asyncio.gather(*(browser.rpc(path, request) for path, request in requests))
    assert [answer.code for answer in answers] == [0 if number % 2 else 5 for number in range(60)]
