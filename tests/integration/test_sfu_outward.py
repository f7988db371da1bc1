"""A forwarder asks a STUN server which address its machine has outside."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import cast

import pytest
from aioice import stun

from mesh.config import ConfigError
from svc_sfu.outward import outward_address

OUTSIDE = "203.0.113.7"
SOON_S = 0.2


class Server(asyncio.DatagramProtocol):
    """Answers the questions after the first `deaf` ones, each with something foreign before it."""

    def __init__(self, deaf: int) -> None:
        self.questions = 0
        self._deaf = deaf
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.questions += 1
        if self.questions <= self._deaf:
            return
        asked = stun.parse_message(data)
        assert self._transport is not None
        for datagram in (
            b"",
            b"nothing of ours",
            answer(b"x" * 12, "192.0.2.9"),
            answer(asked.transaction_id, OUTSIDE),
        ):
            self._transport.sendto(datagram, addr)


def answer(transaction_id: bytes, address: str) -> bytes:
    """That the question came from there."""
    message = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id)
    message.attributes["XOR-MAPPED-ADDRESS"] = (address, 40_000)
    return bytes(message)


@contextlib.asynccontextmanager
async def server(deaf: int = 0) -> AsyncIterator[str]:
    """One on loopback; its address."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: Server(deaf), local_addr=("127.0.0.1", 0))
    try:
        yield f"stun:127.0.0.1:{transport.get_extra_info('sockname')[1]}"
    finally:
        transport.close()


async def test_the_address_outside_is_what_the_server_says_and_nobody_else() -> None:
    async with server() as address:
        assert await outward_address(address) == OUTSIDE


async def test_a_question_that_is_lost_is_asked_again() -> None:
    async with server(deaf=2) as address:
        assert await outward_address(address, wait_s=SOON_S) == OUTSIDE


async def test_a_server_that_says_nothing_is_told_of() -> None:
    async with server(deaf=9) as address:
        with pytest.raises(ConfigError, match="does not answer"):
            await outward_address(address, wait_s=SOON_S / 4)


@pytest.mark.parametrize(
    "wrong",
    ["stun.example.com:3478", "stun:", "stun:x:port", "stun:127.0.0.1:99999", "turn:x:3478", "stun:nobody.invalid"],
)
async def test_what_is_no_server_is_told_of(wrong: str) -> None:
    with pytest.raises(ConfigError, match=r"sfu\.stun"):
        await outward_address(wrong)
