"""Sockets whose people are gone without a word: they are asked for, and let go of; all others stay."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from gateway.core import grpcweb
from gateway.core.mux import DATA, OPEN, SUBPROTOCOL
from gateway.standalone import Alone
from tests.integration.echo_server import BOTH, EchoServer

WAIT_S = 60.0
HEADERS = b"content-type: application/grpc-web+proto\r\n"


@pytest.fixture
async def alone(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Alone]:
    """A gateway that misses who talked after a moment, and nobody else."""
    monkeypatch.setattr("gateway.core.pulse.TALKING_S", 0.3)
    monkeypatch.setattr("gateway.core.pulse.TALKING_GONE_S", 2.0)
    async with EchoServer() as server:
        gateway = Alone("127.0.0.1:0", f"127.0.0.1:{server.port}")
        await gateway.start()
        yield gateway
        await gateway.stop()


def mux_words(number: int) -> list[bytes]:
    """A call of many messages, begun on a socket of many calls."""
    head = number.to_bytes(4, "big")
    said = bytes((DATA,)) + head + grpcweb.data_frame(b"hello")
    return [bytes((OPEN,)) + head + BOTH.encode() + b"\r\n", said]


@pytest.mark.parametrize(
    ("path", "protocol", "words"),
    [
        (BOTH, "grpc-websockets", [HEADERS, b"\0" + grpcweb.data_frame(b"hello")]),
        ("/streams", SUBPROTOCOL, mux_words(1)),
    ],
    ids=["one call", "many calls"],
)
async def test_who_talked_and_is_gone_is_missed_and_who_only_falls_silent_is_not(
    alone: Alone, path: str, protocol: str, words: list[bytes]
) -> None:
    address = f"http://127.0.0.1:{alone.port}{path}"
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(address, protocols=[protocol], autoping=False) as gone,
        http.ws_connect(address, protocols=[protocol]) as silent,
    ):
        for word in words:
            await gone.send_bytes(word)
            await silent.send_bytes(word)
        reading = asyncio.create_task(heard(silent, b"olleh", 2))  # answers pings meanwhile
        asked = 0
        async with asyncio.timeout(WAIT_S):
            while (message := await gone.receive()).type not in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
                asked += message.type is aiohttp.WSMsgType.PING
        assert asked == 1
        await silent.ping(b"me too")
        await silent.send_bytes(words[-1])
        async with asyncio.timeout(WAIT_S):
            await reading


async def heard(ws: aiohttp.ClientWebSocketResponse, word: bytes, times: int) -> None:
    """Returns once a word has come so often."""
    found = 0
    while found < times:
        found += (await ws.receive_bytes()).count(word)
