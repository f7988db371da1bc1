"""A program's way to the native door: whole, in order, and not more calls at once than others can bear."""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from gateway.door import PREFACE, Connections, FrontProtocol, Release
from tests.integration.echo_server import BOTH, ECHO, LARGE, EchoServer
from tests.waiting import until

OPTIONS = (("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", 1 << 26))


class Door(EchoServer):
    """A server of bytes at a path."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    async def start(self) -> None:
        """See EchoServer."""
        self._server = grpc.aio.server(handlers=[self])
        self._server.add_insecure_port(f"unix:{self._path}")
        await self._server.start()


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    """What is behind."""
    async with Door(tmp_path / "door") as running:
        yield running


def no_web(transport: asyncio.Transport, gone: Release) -> asyncio.Protocol:
    """Nobody speaks HTTP/1.1 here."""
    raise AssertionError


@pytest.fixture
async def connect(door: Door, tmp_path: Path) -> AsyncIterator[Callable[[], Any]]:
    """Connections of programs, each its own."""
    async with contextlib.AsyncExitStack() as stack:
        server = await asyncio.get_running_loop().create_server(
            lambda: FrontProtocol(no_web, str(tmp_path / "door"), 10.0, Connections()), "127.0.0.1", 0
        )
        stack.callback(server.close)
        port = server.sockets[0].getsockname()[1]
        channels = [grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=OPTIONS) for _ in range(2)]
        for channel in channels:
            await stack.enter_async_context(channel)
        yield iter(channels).__next__


async def test_all_bytes_come_through_both_ways(connect: Callable[[], Any]) -> None:
    channel = connect()
    sent = [bytes((number % 251,)) * (number * 700) for number in range(300)]
    answers = await asyncio.gather(*(channel.unary_unary(ECHO)(message, timeout=60) for message in sent))
    assert list(answers) == sent
    call = channel.stream_stream(BOTH)(timeout=60)
    for text in (b"one", b"two", bytes(3 << 20)):
        await call.write(text)
        assert await call.read() == text[::-1]
    await call.done_writing()
    large = channel.unary_stream(LARGE)(b"10", timeout=60)
    assert [len(message) async for message in large] == [1 << 20] * 10


async def test_a_connection_that_there_is_no_descriptor_for_ends_and_counts_no_more(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_descriptor(address: str, door_path: str) -> socket.socket:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr("gateway.door._socket_from", no_descriptor)
    connections = Connections(1)
    server = await asyncio.get_running_loop().create_server(
        lambda: FrontProtocol(no_web, str(tmp_path / "door"), 60.0, connections), "127.0.0.1", 0
    )
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(PREFACE)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 60) == b""
        writer.transport.abort()
        await until(lambda: connections.begin("127.0.0.1") is not None, "its place is free again")


async def test_of_one_connection_some_calls_are_begun_at_a_time_and_of_others_meanwhile(
    door: Door, connect: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.door.TURN_CALLS", 5)
    monkeypatch.setattr("gateway.door.TURN_S", 600.0)
    eager, other = connect(), connect()
    asked = [asyncio.ensure_future(eager.unary_unary(ECHO)(b"%d" % number)) for number in range(20)]
    await until(lambda: sum(one.done() for one in asked) == 5, "five are answered")
    assert await other.unary_unary(ECHO)(b"me too", timeout=60) == b"me too"
    assert (len(door.metadata), sum(one.done() for one in asked)) == (6, 5)
    for one in asked:
        one.cancel()
    await asyncio.gather(*asked, return_exceptions=True)


async def test_those_that_wait_are_begun_in_their_turn(
    connect: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.door.TURN_CALLS", 5)
    monkeypatch.setattr("gateway.door.TURN_S", 0.02)
    channel = connect()
    sent = [b"%d" % number for number in range(60)]
    assert list(await asyncio.gather(*(channel.unary_unary(ECHO)(one, timeout=60) for one in sent))) == sent
