"""A gateway that is told to stop: calls in progress are answered, new ones not taken, and it does not wait for ever."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from gateway import standalone
from gateway.core import grpcweb
from gateway.passage import Target
from gateway.standalone import Alone
from tests.integration.echo_server import BOTH, ECHO, LATE, WAIT, EchoServer
from tests.waiting import until
from tests.web_client import Browser

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
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


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


async def test_a_process_that_is_told_to_stop_answers_first(server: EchoServer) -> None:
    command = [sys.executable, "-m", "gateway", "--listen", "127.0.0.1:0", "--upstream", f"127.0.0.1:{server.port}"]
    child = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert child.stderr is not None
    async with asyncio.timeout(WAIT_S):
        line = b""
        while b'"ready"' not in line:
            line = await child.stderr.readline()
        port = json.loads(line)["port"]
        async with Browser(f"http://127.0.0.1:{port}") as browser:
            waiting = asyncio.create_task(browser.post(LATE, FRAME))
            await server.waiting.wait()
            child.send_signal(signal.SIGTERM)
            await until(lambda: refused(port), "nobody new is taken")
            server.release.set()
            answer = await waiting
        assert (answer.code, answer.messages) == (0, [b"abc"])
        assert await child.wait() == 0
