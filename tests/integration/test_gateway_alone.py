"""The gateway alone before any gRPC server: what browsers' clients send and get, byte for byte."""

import asyncio
import base64
import gzip
import sys
from collections.abc import AsyncIterator

import aiohttp
import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from gateway import standalone
from gateway.core import grpcweb
from gateway.standalone import Alone
from gateway.upstream import MAX_CONNECTIONS
from tests.integration.echo_server import BOTH, ECHO, FAIL, LARGE, LATE, MANY, WAIT, EchoServer
from tests.waiting import until
from tests.web_client import TYPE, Browser, Call, read_frames

WAIT_S = 30.0
LIMIT = 900_000


@pytest.fixture
async def server() -> AsyncIterator[EchoServer]:
    """The server behind."""
    async with EchoServer() as running:
        yield running


@pytest.fixture
async def alone(server: EchoServer) -> AsyncIterator[Alone]:
    """The gateway before it."""
    gateway = Alone("127.0.0.1:0", f"127.0.0.1:{server.port}", max_receive_bytes=LIMIT)
    await gateway.start()
    yield gateway
    await gateway.stop()


@pytest.fixture
async def browser(alone: Alone) -> AsyncIterator[Browser]:
    """Somebody."""
    async with Browser(f"http://127.0.0.1:{alone.port}") as opened:
        yield opened


@pytest.mark.parametrize("size", [0, 1, 1_000, 16_379, 16_384, 70_000, LIMIT])
async def test_the_bytes_that_go_in_come_out(browser: Browser, size: int) -> None:
    message = bytes(number * 31 % 251 for number in range(size))
    answer = await browser.post(ECHO, grpcweb.data_frame(message))
    assert (answer.status, answer.code, answer.messages) == (200, 0, [message])


async def test_metadata_goes_both_ways(browser: Browser, server: EchoServer) -> None:
    sent = {"x-one": "1", "x-two-bin": "AAEC", "Authorization": "Bearer abc", "Cookie": "secret=1"}
    answer = await browser.post(ECHO, grpcweb.data_frame(b""), sent)
    seen = server.metadata[0]
    assert (seen["x-one"], seen["x-two-bin"], seen["authorization"]) == ("1", b"\0\1\2", "Bearer abc")
    assert "cookie" not in seen
    assert (answer.headers["x-first"], answer.headers["x-first-bin"]) == ("1", "AAEC")
    assert (answer.trailers["x-last"], answer.trailers["x-last-bin"]) == ("2", "AwQ")


async def test_binary_values_that_a_browser_joins_are_all_there(browser: Browser, server: EchoServer) -> None:
    answer = await browser.post(ECHO, grpcweb.data_frame(b""), {"x-two-bin": "AAE, AAEC"})
    assert (answer.code, server.values["x-two-bin"]) == (0, [b"\0\1", b"\0\1\2"])


async def test_the_time_that_a_call_has_is_passed_on(browser: Browser, server: EchoServer) -> None:
    await browser.post(ECHO, grpcweb.data_frame(b""), {"grpc-timeout": "5S"})
    await browser.post(ECHO, grpcweb.data_frame(b""))
    first, second = server.remaining_s
    assert first is not None
    assert 0 < first <= 5
    assert second is None


async def test_an_error_keeps_its_details(browser: Browser) -> None:
    answer = await browser.post(FAIL, grpcweb.data_frame(b""))
    assert (answer.code, answer.message, answer.reason, answer.messages) == (5, "nothing hère", "NOTHING", [])


@pytest.mark.parametrize("count", [0, 1, 3_000])
async def test_a_stream_has_all_its_messages_in_order(browser: Browser, count: int) -> None:
    answer = await browser.post(MANY, grpcweb.data_frame(b"%d" % count))
    assert answer.messages == [b"%d" % number for number in range(count)]
    assert answer.code == 0


async def test_text_mode_gives_the_same_in_base64(browser: Browser) -> None:
    body = base64.b64encode(grpcweb.data_frame(b"12"))
    headers = {"Content-Type": "application/grpc-web-text"}
    async with browser.request("POST", MANY, headers=headers, data=body) as answer:
        messages, trailers = read_frames(grpcweb.decode_text(await answer.read()))
    assert (messages, trailers["grpc-status"]) == ([b"%d" % number for number in range(12)], "0")


async def test_a_method_that_is_not_there_is_unimplemented(browser: Browser) -> None:
    assert (await browser.post(ECHO + "Too", grpcweb.data_frame(b""))).code == 12


async def test_health_passes(browser: Browser) -> None:
    answer = await browser.rpc("/grpc.health.v1.Health/Check", health_pb2.HealthCheckRequest())
    assert health_pb2.HealthCheckResponse.FromString(answer.messages[0]).status == 1


async def test_reflection_passes(browser: Browser) -> None:
    call = await browser.connect("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
    await call.begin()
    await call.send(reflection_pb2.ServerReflectionRequest(list_services=""))
    raw = await call.receive()
    assert raw is not None
    found = reflection_pb2.ServerReflectionResponse.FromString(raw)
    assert [one.name for one in found.list_services_response.service] == ["grpc.health.v1.Health"]
    await call.ws.send_bytes(b"\1")
    assert (await call.ended()).code == 0


async def test_without_a_server_behind_one_is_told_so_and_it_is_found_when_it_comes(
    browser: Browser, server: EchoServer
) -> None:
    await server.stop()
    answer = await browser.post(ECHO, grpcweb.data_frame(b"x"))
    assert (answer.status, answer.code, answer.message) == (200, 14, "The server behind cannot be reached.")
    await server.start()

    async def answered() -> bool:
        return (await browser.post(ECHO, grpcweb.data_frame(b"x"))).code == 0

    await until(answered)


async def test_a_place_that_is_taken_is_said_in_a_line(alone: Alone) -> None:
    listen = f"127.0.0.1:{alone.port}"
    command = [sys.executable, "-m", "gateway", "--listen", listen, "--upstream", "127.0.0.1:1"]
    child = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, said = await child.communicate()
    assert child.returncode == 1
    assert said.decode().startswith(f"python -m gateway: cannot listen at {listen}: ")
    assert said.count(b"\n") == 1


async def test_calls_in_both_directions_go_on_a_socket(browser: Browser) -> None:
    call = await browser.connect(BOTH)
    await call.begin()
    for text in (b"one", b"two", bytes(100_000)):
        await call.ws.send_bytes(b"\0" + grpcweb.data_frame(text))
        assert await call.receive() == text[::-1]
    await call.ws.send_bytes(b"\1")
    assert (await call.ended()).code == 0


async def test_on_a_socket_an_encoding_that_is_not_known_is_refused(browser: Browser, server: EchoServer) -> None:
    call = await browser.connect(BOTH)
    await call.begin("grpc-encoding: snappy\r\n")
    await call.ws.send_bytes(b"\0" + grpcweb.data_frame(b"abc"))
    assert (await call.ended()).code == 12
    assert server.metadata == []


async def test_a_gateway_takes_so_many_sockets(server: EchoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standalone, "MAX_SOCKETS", 1)
    gateway = Alone("127.0.0.1:0", f"127.0.0.1:{server.port}")
    await gateway.start()
    async with Browser(f"http://127.0.0.1:{gateway.port}") as somebody:
        first = await somebody.connect(BOTH)
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await somebody.connect("/streams", protocols=("rushes-streams",))
        assert (refused.value.status, dict(refused.value.headers or {})["Retry-After"]) == (503, "5")
        await first.close()
        again = await until(lambda: anew(somebody), "there is room again")
        await again.begin()
        await again.ws.send_bytes(b"\0" + grpcweb.data_frame(b"abc"))
        assert await again.receive() == b"cba"
        await again.close()
    await gateway.stop()


async def anew(somebody: Browser) -> Call | None:
    """A socket, if one is taken."""
    try:
        return await somebody.connect(BOTH)
    except aiohttp.WSServerHandshakeError:
        return None


async def test_who_goes_is_not_worked_for_any_longer(alone: Alone, server: EchoServer) -> None:
    frame = grpcweb.data_frame(b"")
    head = (
        f"POST {WAIT} HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc-web\r\nContent-Length: {len(frame)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", alone.port)
    writer.write(head.encode() + frame)
    async with asyncio.timeout(WAIT_S):
        await reader.readuntil(b"waiting")
        await server.waiting.wait()
        writer.transport.abort()
        assert await server.cancelled.wait()


async def test_who_closes_a_socket_is_not_worked_for_any_longer(browser: Browser, server: EchoServer) -> None:
    call = await browser.connect(WAIT)
    await call.begin()
    await call.ws.send_bytes(b"\0" + grpcweb.data_frame(b""))
    assert await call.receive() == b"waiting"
    await call.close()
    async with asyncio.timeout(WAIT_S):
        assert await server.cancelled.wait()


async def test_a_deadline_ends_a_stream_and_the_work_for_it(browser: Browser, server: EchoServer) -> None:
    answer = await browser.post(WAIT, grpcweb.data_frame(b""), {"grpc-timeout": "300m"})
    assert (answer.code, answer.messages) == (4, [b"waiting"])
    async with asyncio.timeout(WAIT_S):
        assert await server.cancelled.wait()


async def test_more_than_all_windows_comes_through(browser: Browser) -> None:
    answer = await browser.post(LARGE, grpcweb.data_frame(b"40"))
    assert [len(message) for message in answer.messages] == [1 << 20] * 40


async def test_a_server_that_was_away_is_found_again(browser: Browser, server: EchoServer) -> None:
    assert (await browser.post(ECHO, grpcweb.data_frame(b"a"))).code == 0
    await server.stop()
    assert (await browser.post(ECHO, grpcweb.data_frame(b"a"))).code == 14
    await server.start()
    async with asyncio.timeout(WAIT_S):
        while (await browser.post(ECHO, grpcweb.data_frame(b"a"))).code != 0:
            pass


async def test_a_server_that_goes_away_finishes_what_it_has_begun(browser: Browser, server: EchoServer) -> None:
    waiting = asyncio.create_task(browser.post(WAIT, grpcweb.data_frame(b"")))
    async with asyncio.timeout(WAIT_S):
        await server.waiting.wait()
        stopping = asyncio.create_task(server.stop(10))
        await asyncio.sleep(0)
        server.release.set()
        assert (await waiting).code == 0
        await stopping


async def test_a_server_has_no_more_calls_on_a_connection_than_it_takes_and_the_others_wait() -> None:
    async with EchoServer(most_calls=2) as server:
        gateway = Alone("127.0.0.1:0", f"127.0.0.1:{server.port}")
        await gateway.start()
        try:
            async with Browser(f"http://127.0.0.1:{gateway.port}") as browser:
                messages = [b"%d" % number for number in range(4 * MAX_CONNECTIONS)]
                calls = [asyncio.create_task(browser.post(LATE, grpcweb.data_frame(one))) for one in messages]
                await until(lambda: server.begun == 2 * MAX_CONNECTIONS, "all connections are full")
                server.release.set()
                answers = await asyncio.gather(*calls)
        finally:
            await gateway.stop()
    assert [(answer.code, answer.messages) for answer in answers] == [(0, [one]) for one in messages]


async def test_who_did_not_ask_for_compression_gets_none() -> None:
    async with EchoServer(compression=grpc.Compression.Gzip) as server:
        gateway = Alone("127.0.0.1:0", f"127.0.0.1:{server.port}")
        await gateway.start()
        try:
            async with Browser(f"http://127.0.0.1:{gateway.port}") as browser:
                plain = await browser.post(ECHO, grpcweb.data_frame(bytes(10_000)))
                assert plain.messages == [bytes(10_000)]
                call = await browser.connect(BOTH)
                await call.begin()
                await call.ws.send_bytes(b"\0" + grpcweb.data_frame(bytes(10_000)))
                assert await call.receive() == bytes(10_000)
                await call.ws.send_bytes(b"\1")
                assert (await call.ended()).code == 0
                asked = {**TYPE, "grpc-accept-encoding": "gzip", "Origin": "https://elsewhere.example.com"}
                body = grpcweb.data_frame(bytes(10_000))
                async with browser.request("POST", ECHO, headers=asked, data=body) as answer:
                    assert answer.headers["grpc-encoding"] == "gzip"
                    assert "grpc-encoding" in answer.headers["Access-Control-Expose-Headers"].split(", ")
                    raw = await answer.read()
        finally:
            await gateway.stop()
    assert raw[0] == grpcweb.COMPRESSED
    size = int.from_bytes(raw[1:5], "big")
    assert gzip.decompress(raw[5 : 5 + size]) == bytes(10_000)


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (grpcweb.data_frame(bytes(LIMIT + 1)), {}, 8),
        (grpcweb.data_frame(b"") * 2, {}, 3),
        (b"", {}, 3),
        (grpcweb.frame(1, gzip.compress(bytes(2 << 20))), {"grpc-encoding": "gzip"}, 8),
        (grpcweb.frame(1, b"no gzip"), {"grpc-encoding": "gzip"}, 3),
        (grpcweb.frame(1, gzip.compress(b"x")), {}, 3),
        (grpcweb.data_frame(b""), {"grpc-encoding": "snappy"}, 12),
        (grpcweb.data_frame(b""), {"x-bin": "not base64!"}, 3),
    ],
)
async def test_what_is_no_call_gets_a_defined_answer(
    browser: Browser, server: EchoServer, body: bytes, headers: dict[str, str], code: int
) -> None:
    answer = await browser.post(ECHO, body, headers)
    assert (answer.status, answer.code) == (200, code)
    assert server.metadata == []


async def test_calls_side_by_side_get_their_own_answers(browser: Browser) -> None:
    messages = [b"%d" % number * (number % 50) for number in range(400)]
    answers = await asyncio.gather(*(browser.post(ECHO, grpcweb.data_frame(one)) for one in messages))
    assert [answer.messages for answer in answers] == [[one] for one in messages]


# -- the connection -----------------------------------------------------------------------------------------------


async def said(alone: Alone, *pieces: bytes) -> bytes:
    """What a connection gets for these bytes, until it ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", alone.port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        async with asyncio.timeout(WAIT_S):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.transport.abort()


def request(message: bytes = b"", path: str = ECHO, more: str = "") -> bytes:
    """A call as it is on the wire."""
    frame = grpcweb.data_frame(message)
    lines = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc-web\r\nContent-Length: {len(frame)}\r\n"
    return (lines + more + "\r\n").encode() + frame


HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def test_requests_that_are_sent_ahead_are_answered_in_their_order(alone: Alone) -> None:
    answers = await said(alone, request(b"one") + HEALTHZ + request(b"two") + HEALTHZ + request(b"three") + LAST)
    order = [answers.index(mark) for mark in (b"one", b"two", b"three")]
    assert order == sorted(order)
    assert answers.count(b"HTTP/1.1 200 OK") == 6


async def test_a_call_can_come_byte_by_byte(alone: Alone) -> None:
    whole = request(b"slowly") + LAST
    answers = await said(alone, *(whole[at : at + 1] for at in range(len(whole))))
    assert b"slowly" in answers
    assert answers.endswith(b"ok")


async def test_a_body_in_chunks_is_one_message(alone: Alone) -> None:
    frame = grpcweb.data_frame(b"in chunks")
    head = (
        f"POST {ECHO} HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc-web\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunks = b"".join(b"1\r\n" + frame[at : at + 1] + b"\r\n" for at in range(len(frame)))
    assert b"in chunks" in await said(alone, head.encode() + chunks + b"0\r\n\r\n" + LAST)


async def test_http_1_0_and_connections_that_close_are_served(alone: Alone) -> None:
    old = request(b"old").replace(b"HTTP/1.1", b"HTTP/1.0")
    assert b"old" in await said(alone, old)
    assert b"once" in await said(alone, request(b"once", more="Connection: close\r\n"))


async def test_who_waits_to_be_told_to_go_on_is_told(alone: Alone) -> None:
    whole = request(b"hello", more="Expect: 100-continue\r\nConnection: close\r\n")
    head, frame = whole[:-10], whole[-10:]
    answers = await said(alone, head, frame)
    assert b"hello" in answers


SMUGGLED = {
    "two lengths": "Content-Length: 3\r\n",
    "length and chunks": "Transfer-Encoding: chunked\r\n",
    "a folded line": "X-One: 1\r\n two\r\n",
    "a space before the colon": "Transfer-Encoding : chunked\r\n",
    "a line feed alone": "X-One: 1\nContent-Length: 2\r\n",
    "a zero byte": "X-One: \0\r\n",
}


@pytest.mark.parametrize("line", SMUGGLED.values(), ids=SMUGGLED.keys())
async def test_what_could_be_read_in_two_ways_ends_the_connection(alone: Alone, line: str) -> None:
    answers = await said(alone, request(b"evil", more=line) + HEALTHZ)
    assert answers.startswith(b"HTTP/1.1 400 ")
    assert b"HTTP/1.1 200" not in answers
    assert b"connection: close" in answers


@pytest.mark.parametrize(
    ("beginning", "status"),
    [
        (b"\x00\xff\x00\xff" * 10 + b"\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 40_000, b"431"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: 1\r\n" * 200 + b"\r\n", b"431"),
        (request(b"x").replace(b"Content-Length: 6", b"Content-Length: 99999999"), b"200"),
    ],
    ids=["garbage", "a long head", "many headers", "a long body"],
)
async def test_what_is_too_much_is_refused_before_it_is_read(alone: Alone, beginning: bytes, status: bytes) -> None:
    assert (await said(alone, beginning)).startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize("chunks", [False, True])
async def test_a_body_larger_than_any_message_ends_the_call_and_says_that_the_connection_ends(
    alone: Alone, chunks: bool
) -> None:
    whole = request(bytes(LIMIT + 1))
    if chunks:
        size = LIMIT + 1 + grpcweb.HEADER_BYTES
        lines, body = whole.split(b"\r\n\r\n", 1)
        lines = lines.replace(b"Content-Length: %d" % size, b"Transfer-Encoding: chunked")
        whole = lines + b"\r\n\r\n%x\r\n" % size + body + b"\r\n0\r\n\r\n"
    answer = await said(alone, whole)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nconnection: close\r\n" in answer
    assert b"grpc-status: 8\r\n" in answer


async def test_pages_of_other_origins_are_let_in_and_told_what_they_may_read(browser: Browser) -> None:
    origin = {"Origin": "https://elsewhere.example.com"}
    asked = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-grpc-web,x-a"}
    async with browser.request("OPTIONS", ECHO, headers=asked) as preflight:
        assert preflight.headers["Access-Control-Allow-Headers"] == "x-grpc-web,x-a"
        assert preflight.headers["Access-Control-Allow-Origin"] == origin["Origin"]
        assert int(preflight.headers["Access-Control-Max-Age"]) > 0
    answer = await browser.post(ECHO, grpcweb.data_frame(b""), origin)
    assert answer.headers["Access-Control-Allow-Origin"] == origin["Origin"]
    exposed = answer.headers["Access-Control-Expose-Headers"]
    assert {"grpc-status", "grpc-message", "x-first", "x-first-bin"} <= set(exposed.split(", "))


async def test_what_is_no_call_is_told_so(browser: Browser) -> None:
    async with browser.request("GET", ECHO) as answer:
        assert answer.status == 405
    async with browser.request("POST", ECHO, headers={"Content-Type": "text/plain"}, data=b"") as answer:
        assert answer.status == 415
    async with browser.request("GET", "/metrics") as answer:
        assert "rushes_gateway_requests_total" in await answer.text()
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await browser._http.ws_connect(browser.address + ECHO, protocols=("something-else",))


async def test_methods_that_nobody_knows_are_counted_together(browser: Browser) -> None:
    await browser.post(ECHO, grpcweb.data_frame(b""))
    for number in range(3):
        await browser.post(f"{ECHO}{number}", grpcweb.data_frame(b""))
        await browser.post(f"/made.Up/M{number}", b"")
    async with browser.request("GET", "/metrics") as answer:
        lines = [line for line in (await answer.text()).splitlines() if "requests_total{" in line]
    assert any(f'method="{ECHO}"' in line for line in lines)
    assert any('method="other"' in line for line in lines)
    assert not [line for line in lines if f"{ECHO}0" in line or "made.Up" in line]


async def test_two_gateways_share_a_port(server: EchoServer) -> None:
    first = Alone("127.0.0.1:0", f"127.0.0.1:{server.port}", reuse_port=True)
    await first.start()
    second = Alone(f"127.0.0.1:{first.port}", f"127.0.0.1:{server.port}", reuse_port=True)
    await second.start()
    try:
        async with Browser(f"http://127.0.0.1:{first.port}") as browser:
            assert (await browser.post(ECHO, grpcweb.data_frame(b"a"))).code == 0
        await first.stop()
        async with Browser(f"http://127.0.0.1:{second.port}") as browser:
            assert (await browser.post(ECHO, grpcweb.data_frame(b"a"))).code == 0
    finally:
        await second.stop()
