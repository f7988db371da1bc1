"""Who asks ahead and does not read: held back, let go of, and served as before once it reads."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from gateway.standalone import Alone
from tests.integration.echo_server import ECHO, EchoServer

WAIT_S = 30.0
SLOW_S = 2.0
NO_MESSAGE = (
    f"POST {ECHO} HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc-web\r\nContent-Length: 0\r\n\r\n".encode()
)
"""A call that is answered at once, with more bytes than it has."""
HELD_BYTES = 16 << 20
"""Far more than sockets and the gateway keep of what was not read."""


@pytest.fixture
async def alone(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Alone]:
    """A gateway that does not wait long for who reads nothing."""
    monkeypatch.setattr("gateway.standalone.SLOW_READER_S", SLOW_S)
    async with EchoServer() as server:
        gateway = Alone("127.0.0.1:0", f"127.0.0.1:{server.port}")
        await gateway.start()
        yield gateway
        await gateway.stop()


def deaf(port: int) -> socket.socket:
    """A connection with small buffers."""
    joined = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    joined.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    joined.connect(("127.0.0.1", port))
    joined.setblocking(False)
    return joined


async def fill(joined: socket.socket) -> None:
    """Asks as much as is taken. Raises TimeoutError once nothing more is."""
    for _ in range(HELD_BYTES // len(NO_MESSAGE) // 1_000):
        async with asyncio.timeout(SLOW_S / 2):
            await asyncio.get_running_loop().sock_sendall(joined, NO_MESSAGE * 1_000)


async def test_who_asks_ahead_and_reads_nothing_is_held_back_and_let_go(alone: Alone) -> None:
    with deaf(alone.port) as joined:
        with pytest.raises(TimeoutError):
            await fill(joined)
        async with asyncio.timeout(WAIT_S):
            with pytest.raises(ConnectionError):
                await asyncio.get_running_loop().sock_sendall(joined, NO_MESSAGE * 100_000)


async def test_who_reads_after_a_while_gets_every_answer_and_stays(alone: Alone) -> None:
    count = 40_000
    reader, writer = await asyncio.open_connection("127.0.0.1", alone.port, limit=4096)

    async def answers(number: int) -> int:
        found = 0
        for _ in range(number):
            head = await reader.readuntil(b"\r\n\r\n")
            size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            found += b"grpc-status: 3" in await reader.readexactly(size)
        return found

    async with asyncio.timeout(WAIT_S):
        writer.write(NO_MESSAGE * count)
        await asyncio.sleep(SLOW_S / 3)  # the gateway is full by then
        assert await answers(count) == count
        await asyncio.sleep(SLOW_S * 1.5)  # nobody counts it as slow any more
        writer.write(NO_MESSAGE)
        assert await answers(1) == 1
    writer.close()
    await writer.wait_closed()
