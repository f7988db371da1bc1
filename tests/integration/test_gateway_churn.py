"""Callers that come, break off and go leave nothing behind: descriptors, tasks and memory are as they were."""

import asyncio
import gc
import os
import random
from collections import Counter

import psutil

from gateway.core import grpcweb
from gateway.core.http2 import Stream
from gateway.core.reply import Reply
from gateway.door import FrontProtocol
from gateway.http.passing import SocketReply
from gateway.http.websocket import WebSocketConnection
from gateway.passage import Exchange
from gateway.standalone import Alone
from gateway.upstream import Passing
from gateway.web import WebProtocol
from tests.integration.echo_server import BOTH, ECHO, LARGE, MANY, WAIT, EchoServer
from tests.waiting import until
from tests.web_client import Browser

ROUNDS = 40
UNFINISHED = (
    b"POST ",
    b"\x16\x03\x01\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /a.B/C HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
)
"""What is no call, or not a whole one."""
PASSING_KINDS = (FrontProtocol, WebProtocol, WebSocketConnection, Exchange, Reply, SocketReply, Passing, Stream)
GROWN_BYTES = 24 << 20


def call(path: str, message: bytes) -> bytes:
    """A call on the wire."""
    frame = grpcweb.data_frame(message)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc-web\r\nContent-Length: {len(frame)}\r\n\r\n"
    )
    return head.encode() + frame


async def break_off(port: int, chance: random.Random) -> None:
    """A caller that goes at a moment of its own: inside of its request, or of the answer."""
    whole = call(chance.choice((ECHO, MANY, WAIT, LARGE)), b"7")
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(whole[: chance.randrange(len(whole) + 1)])
    for _ in range(chance.randrange(4)):
        await asyncio.sleep(0)
    writer.transport.abort()


async def come_and_go(port: int, chance: random.Random) -> None:
    """Twenty that break off, two that stay until they are answered, one on a socket that is not closed."""
    await asyncio.gather(*(break_off(port, chance) for _ in range(20)))
    async with Browser(f"http://127.0.0.1:{port}") as browser:
        assert (await browser.post(ECHO, grpcweb.data_frame(b"x"))).messages == [b"x"]
        assert len((await browser.post(MANY, grpcweb.data_frame(b"50"))).messages) == 50
        socket = await browser.connect(BOTH)
        await socket.begin()
        await socket.ws.send_bytes(b"\0" + grpcweb.data_frame(b"ab"))
        assert await socket.receive() == b"ba"


def left() -> Counter[str]:
    """Connections and calls that are still in memory."""
    return Counter(type(one).__name__ for one in gc.get_objects() if isinstance(one, PASSING_KINDS))


async def test_what_is_over_is_gone_at_once_and_does_not_wait_for_the_collector() -> None:
    async with EchoServer() as server:
        gateway = Alone("127.0.0.1:0", f"127.0.0.1:{server.port}")
        await gateway.start()
        chance = random.Random(7)
        gc.collect()
        gc.disable()
        try:
            for said in UNFINISHED:
                _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
                writer.write(said)
                await asyncio.sleep(0)
                writer.transport.abort()
            for _ in range(4):
                await come_and_go(gateway.port, chance)
            await until(lambda: not left(), "all is gone")
        finally:
            gc.enable()
            await gateway.stop()


async def test_callers_that_come_and_go_leave_nothing_behind() -> None:
    chance, process = random.Random(7), psutil.Process(os.getpid())
    async with EchoServer() as server:
        gateway = Alone("127.0.0.1:0", f"127.0.0.1:{server.port}")
        await gateway.start()
        try:
            for _ in range(5):
                await come_and_go(gateway.port, chance)
            tasks, descriptors, memory = len(asyncio.all_tasks()), process.num_fds(), process.memory_info().rss
            for _ in range(ROUNDS):
                await come_and_go(gateway.port, chance)
            await until(lambda: process.num_fds() <= descriptors + 4)
            await until(lambda: len(asyncio.all_tasks()) <= tasks + 4)
            gc.collect()
            assert process.memory_info().rss - memory < GROWN_BYTES
        finally:
            await gateway.stop()
