"""A gateway that is told to stop: calls in progress are answered, new ones not taken, and it does not wait for ever."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator

import aiohttp
import pytest

from gateway import standalone
from gateway.core import grpcweb
from gateway.core.mux import SUBPROTOCOL
from gateway.core.websocket import GOING_AWAY
from gateway.passage import Target
from gateway.standalone import Alone
from rushes.annotation.v1.annotation_service_pb2 import CollaborateOpen, CollaborateRequest
from rushes.project.v1.identity_service_pb2 import GetMeRequest, GetMeResponse
from tests.integration.echo_server import BOTH, ECHO, LATE, WAIT, EchoServer
from tests.integration.hostile import HEADERS, close_code, masked, upgrade
from tests.integration.test_gateway_mux import GET_ME, Streams
from tests.product import serving
from tests.waiting import until
from tests.web_client import COLLABORATE, Browser, reason_of

WAIT_S = 60.0
FRAME = grpcweb.data_frame(b"abc")


@pytest.fixture
async def server() -> AsyncIterator[EchoServer]:
    """The server behind."""
    async with EchoServer() as running:
        yield running


@pytest.fixture
async def alone(server: EchoServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Alone]:
    """A gateway that waits for calls as long as it takes."""
    monkeypatch.setattr(standalone, "DRAIN_S", WAIT_S)
    gateway = Alone("127.0.0.1:0", f"127.0.0.1:{server.port}")
    await gateway.start()
    yield gateway
    await gateway.stop()


def request(path: str, more: str = "") -> bytes:
    """A call on the wire."""
    kind = "Content-Type: application/grpc-web"
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{kind}\r\nContent-Length: 8\r\n{more}\r\n".encode() + FRAME


async def refused(port: int) -> bool:
    """Whether nobody listens any more."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:  # reset: it was waiting to be accepted
        return True
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return False


@contextlib.asynccontextmanager
async def opened(address: str, secret: str = "") -> AsyncIterator[Streams]:
    """A socket of many calls, of whoever has this session."""
    cookie = {"Cookie": f"rushes_session={secret}"} if secret else {}
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.ws_connect(address + "/streams", protocols=(SUBPROTOCOL,), headers=cookie) as ws,
    ):
        yield Streams(ws)


@contextlib.asynccontextmanager
async def process(server: EchoServer, *command: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """A gateway before the server, and its port."""
    command = (*command, "--listen", "127.0.0.1:0", "--upstream", f"127.0.0.1:{server.port}")
    child = await asyncio.create_subprocess_exec(sys.executable, *command, stderr=asyncio.subprocess.PIPE)
    assert child.stderr is not None
    try:
        async with asyncio.timeout(WAIT_S):
            line = b""
            while b'"ready"' not in line:
                line = await child.stderr.readline()
            yield child, json.loads(line)["port"]
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def test_calls_in_progress_are_answered_and_their_connections_end(alone: Alone, server: EchoServer) -> None:
    async with asyncio.timeout(WAIT_S):
        idle, idle_out = await asyncio.open_connection("127.0.0.1", alone.port)
        idle_out.write(request(ECHO))
        assert b"200 OK" in await idle.readuntil(b"grpc-status: 0")
        late, late_out = await asyncio.open_connection("127.0.0.1", alone.port)
        late_out.write(request(LATE) + request(ECHO))
        half, half_out = await asyncio.open_connection("127.0.0.1", alone.port)
        half_out.write(request(ECHO)[:-3])
        await server.waiting.wait()
        await until(lambda: len(alone._passage._visits) == 3)
        draining = asyncio.create_task(alone.drain())
        await idle.read()
        assert await refused(alone.port)
        half_out.write(FRAME[-3:])
        assert b"connection: close" in await half.read()
        assert not draining.done()
        server.release.set()
        answer = await late.read()
        assert (answer.count(b"HTTP/1.1 200 OK"), answer.count(b"grpc-status: 0")) == (1, 1)
        assert b"connection: close" in answer
        await draining
        for writer in (idle_out, late_out, half_out):
            writer.close()


async def test_calls_on_sockets_go_on_to_their_end_and_new_ones_are_refused(alone: Alone) -> None:
    async with Browser(f"http://127.0.0.1:{alone.port}") as browser, asyncio.timeout(WAIT_S):
        call, late = await browser.connect(BOTH), await browser.connect(BOTH)
        await call.begin()
        await call.ws.send_bytes(b"\0" + FRAME)
        assert await call.receive() == b"cba"
        draining = asyncio.create_task(alone.drain())
        await until(lambda: alone._calls.draining)
        await late.begin()
        refusal = await late.ended()
        assert (refusal.code, refusal.message) == (14, "This gateway is going away.")
        await call.ws.send_bytes(b"\0" + FRAME)
        assert await call.receive() == b"cba"
        await call.ws.send_bytes(b"\1")
        assert (await call.ended()).code == 0
        await draining


async def test_who_does_not_end_is_not_waited_for(
    alone: Alone, server: EchoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standalone, "DRAIN_S", 0.1)
    async with Browser(f"http://127.0.0.1:{alone.port}") as browser, asyncio.timeout(WAIT_S):
        waiting = asyncio.create_task(browser.post(WAIT, FRAME))
        await server.waiting.wait()
        await alone.drain()
        await alone.stop()
        assert (await waiting).code == 14


async def test_a_stream_that_is_known_to_be_one_is_not_waited_for(
    server: EchoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standalone, "DRAIN_S", WAIT_S)
    monkeypatch.setattr(Alone, "_target", lambda self, path: Target(path, self._upstream, unary=path == LATE))
    gateway = Alone("127.0.0.1:0", f"127.0.0.1:{server.port}")
    await gateway.start()
    async with Browser(f"http://127.0.0.1:{gateway.port}") as browser, asyncio.timeout(WAIT_S):
        calls = []
        for path in (WAIT, LATE):
            server.waiting.clear()
            calls.append(asyncio.create_task(browser.post(path, FRAME)))
            await server.waiting.wait()
        draining = asyncio.create_task(gateway.drain())
        await until(lambda: len(gateway._passage._visits) == 1, "the other is waited for")
        server.release.set()
        assert [(await call).code for call in calls] == [0, 0]
        await draining
    await gateway.stop()


async def test_an_answer_on_a_socket_is_waited_for_until_it_was_taken(alone: Alone, server: EchoServer) -> None:
    request = bytes(4_000_000)
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # or the kernel would take it all for it
    slow.connect(("127.0.0.1", alone.port))
    async with asyncio.timeout(WAIT_S):
        reader, writer = await asyncio.open_connection(sock=slow, limit=1024)
        writer.write(upgrade(LATE, "grpc-websockets"))
        await reader.readuntil(b"\r\n\r\n")
        writer.write(masked(HEADERS) + masked(b"\0" + grpcweb.data_frame(request)))
        await server.waiting.wait()
        ending = asyncio.create_task(_end(alone))
        await until(lambda: alone._calls.draining)
        server.release.set()
        # The call may be over for the gateway now, or wait for its reader, as the answer came.
        await until(lambda: not alone._sockets._open or any(one.out.buffered() for one in alone._sockets._open))
        said = await reader.read(-1)
        assert len(said) > len(request)
        assert (said.count(b"grpc-status: 0"), close_code(said)) == (1, 1000)
        await ending
        writer.close()
        await writer.wait_closed()


async def _end(gateway: Alone) -> None:
    await gateway.drain()
    await gateway.stop()


async def test_a_socket_whose_calls_are_known_to_be_streams_is_not_waited_for(
    alone: Alone, server: EchoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def target(path: str) -> Target:
        return Target(path, alone._upstream, unary=path == LATE, single=path == LATE)

    monkeypatch.setattr(alone._calls, "_resolve", target)
    async with (
        Browser(f"http://127.0.0.1:{alone.port}") as browser,
        opened(f"http://127.0.0.1:{alone.port}") as streams,
        asyncio.timeout(WAIT_S),
    ):
        call = await browser.connect(BOTH)
        await call.begin()
        await call.ws.send_bytes(b"\0" + FRAME)
        assert await call.receive() == b"cba"
        await streams.open(1, BOTH, b"abc", end=False)
        await streams.open(2, LATE, b"abc")
        await server.waiting.wait()
        while not streams.messages[1]:
            await streams.hear()
        ending = asyncio.create_task(_end(alone))
        await until(lambda: alone._calls.draining)
        server.release.set()
        await streams.until_ended(2)
        assert (streams.messages[2], streams.code(2)) == ([b"abc"], 0)
        assert (await streams.ws.receive()).data == GOING_AWAY
        assert (await call.ws.receive()).data == GOING_AWAY
        await ending


async def test_a_gateway_of_the_product_answers_calls_on_sockets_before_they_are_closed() -> None:
    me = GetMeRequest()
    with serving() as product:
        pids = product.stack.pids()
        async with (
            Browser(product.address, product.secret) as browser,
            opened(product.address, product.secret) as streams,
            opened(product.address, product.secret) as idle,
            asyncio.timeout(WAIT_S),
        ):
            opening = CollaborateRequest(open=CollaborateOpen(video_id=product.video_id))
            await streams.open(1, COLLABORATE, opening.SerializeToString(), end=False)
            await streams.open(2, GET_ME, me.SerializeToString())
            await streams.until_ended(2)
            call, late = await browser.connect(GET_ME), await browser.connect(GET_ME)
            os.kill(pids["svc_project"], signal.SIGSTOP)  # whoever asks it waits
            await call.begin()
            await call.send(me)
            await streams.open(3, GET_ME, me.SerializeToString())
            await streams.open(4, "/no.such/Method")
            await streams.until_ended(4)  # what was said before has been heard
            os.kill(pids["gateway"], signal.SIGTERM)
            await streams.until_ended(1)
            assert reason_of(streams.trailers[1]) == "GATEWAY_DRAINING"
            await streams.open(5, GET_ME, me.SerializeToString())
            await streams.until_ended(5)
            await idle.open(1, GET_ME)
            await late.begin()
            assert (streams.code(5), (await late.ended()).code) == (14, 14)
            assert (await idle.ws.receive()).data == GOING_AWAY, "nothing is waited for there"
            assert 3 not in streams.ended
            os.kill(pids["svc_project"], signal.SIGCONT)
            await streams.until_ended(3)
            assert GetMeResponse.FromString(streams.messages[3][0]).person.administrator
            answer = await call.receive()
            assert answer is not None
            assert GetMeResponse.FromString(answer).person.administrator
            assert (streams.code(3), (await call.ended()).code) == (0, 0)
            assert (await streams.ws.receive()).data == GOING_AWAY
        product.stack.wait_restarted("gateway", pids["gateway"])


async def test_a_process_that_is_told_to_stop_answers_first(server: EchoServer) -> None:
    async with process(server, "-m", "gateway") as (child, port):
        async with Browser(f"http://127.0.0.1:{port}") as browser:
            waiting = asyncio.create_task(browser.post(LATE, FRAME))
            await server.waiting.wait()
            child.send_signal(signal.SIGTERM)
            await until(lambda: refused(port), "nobody new is taken")
            server.release.set()
            answer = await waiting
        assert (answer.code, answer.messages) == (0, [b"abc"])
        assert await child.wait() == 0


PATIENT = """import sys
from gateway import standalone
standalone.DRAIN_S = 1e6
standalone.main(sys.argv[1:])
"""


@pytest.mark.parametrize(
    ("second", "together"), [(signal.SIGTERM, False), (signal.SIGINT, False), (signal.SIGINT, True)]
)
async def test_a_process_that_is_told_again_waits_for_nothing(
    server: EchoServer, second: signal.Signals, together: bool
) -> None:
    async with (
        process(server, "-c", PATIENT) as (child, port),
        Browser(f"http://127.0.0.1:{port}") as browser,
        opened(f"http://127.0.0.1:{port}") as streams,
    ):
        posted = asyncio.create_task(browser.post(LATE, FRAME))
        await server.waiting.wait()
        await streams.open(1, BOTH, b"abc", end=False)
        while not streams.messages[1]:
            await streams.hear()
        if together:
            child.send_signal(signal.SIGSTOP)
        child.send_signal(signal.SIGTERM)
        if not together:
            await until(lambda: refused(port), "nobody new is taken")
        child.send_signal(second)
        child.send_signal(signal.SIGCONT)
        assert (await streams.ws.receive()).data == GOING_AWAY
        assert (await posted).code == 14
        assert child.stderr is not None
        said = await child.stderr.read()
        assert (await child.wait(), b"Traceback" in said) == (0, False), said.decode()
