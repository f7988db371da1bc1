"""Which address this machine has outside: a STUN server says from where a question of ours came (RFC 8489)."""

import asyncio
import contextlib
import ipaddress
import socket
from typing import Final

from aioice import stun

from mesh.config import ConfigError

TRIES: Final = 3
WAIT_S: Final = 1.0
PORT: Final = 3478
_SCHEME: Final = "stun:"


async def outward_address(server: str, *, wait_s: float = WAIT_S) -> str:
    """What a server, stun:HOST or stun:HOST:PORT, says. Raises ConfigError.

    The port that it tells of is of no use: whoever keeps ports for us keeps that of packets.
    """
    host, _, port = server.removeprefix(_SCHEME).partition(":")
    if not server.startswith(_SCHEME) or not host or not (port or "0").isdecimal() or int(port or PORT) > 65_535:
        raise ConfigError([f"sfu.stun: {server} is no server such as stun:stun.example.com:{PORT}"])
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, family=socket.AF_INET, type=socket.SOCK_DGRAM)
        where = (str(found[0][4][0]), int(port or PORT))
        transport, question = await loop.create_datagram_endpoint(_Question, remote_addr=where)
    except OSError as error:
        raise ConfigError([f"sfu.stun: {server} is not found ({error.strerror or error})"]) from error
    try:
        for _ in range(TRIES):
            transport.sendto(bytes(question.message))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    return await asyncio.shield(question.answer)
    finally:
        transport.close()
    raise ConfigError([f"sfu.stun: {server} does not say which address this machine has: it does not answer"])


class _Question(asyncio.DatagramProtocol):
    """Asks, and takes the first answer to what was asked: others may send anything."""

    def __init__(self) -> None:
        self.message = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """See asyncio."""
        with contextlib.suppress(ValueError, KeyError):
            message = stun.parse_message(data)
            told = message.attributes["XOR-MAPPED-ADDRESS"][0]
            ours = message.transaction_id == self.message.transaction_id
            if ours and message.message_class is stun.Class.RESPONSE and not self.answer.done():
                self.answer.set_result(str(ipaddress.IPv4Address(told)))

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there yet: it is asked again."""
