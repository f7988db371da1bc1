"""Those who send bad input to a gateway, and those who work beside them."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import cast

from gateway.core import grpcweb
from gateway.core.mux import OPEN
from gateway.core.websocket import unmasked
from tests.integration.echo_server import BOTH, ECHO
from tests.waiting import until
from tests.web_client import Browser

WAIT_S = 60.0
MANY = 40
"""Offenders at once."""


class Others:
    """People who work meanwhile: calls, and a call in both directions. What they get is compared and counted."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}"
        self._rounds = 0
        self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        async with Browser(self._address) as browser:
            call = await browser.connect(BOTH)
            await call.begin()
            while True:
                message = b"%d." % self._rounds
                assert (await browser.post(ECHO, grpcweb.data_frame(message))).messages == [message]
                await call.ws.send_bytes(b"\0" + grpcweb.data_frame(message))
                assert await call.receive() == message[::-1]
                self._rounds += 1

    async def served(self, rounds: int = 10) -> None:
        """Returns once so many more rounds have been answered."""
        wanted = self._rounds + rounds

        def there() -> bool:
            if self._task.done():
                self._task.result()
            return self._rounds >= wanted

        await until(there, "others are served")

    async def end(self) -> None:
        """Stops; fails if something was wrong."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


class Offender:
    """A connection that sends what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def says(self, data: bytes) -> None:
        """Sends, as far as it is taken."""
        with contextlib.suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()

    async def hears(self) -> bytes:
        """All that comes until the gateway ends the connection."""
        try:
            async with asyncio.timeout(WAIT_S):
                return await self._reader.read()
        except ConnectionError:
            return b""
        finally:
            self.goes()

    def goes(self) -> None:
        """Ends it without a word."""
        self._writer.transport.abort()

    async def hears_until(self, mark: bytes) -> bytes:
        """What comes up to a mark."""
        async with asyncio.timeout(WAIT_S):
            return await self._reader.readuntil(mark)

    async def trickles(self, data: bytes, until_ended: Callable[[], bool]) -> None:
        """Sends a byte now and then."""
        for at in range(len(data)):
            if until_ended():
                return
            await self.says(data[at : at + 1])
            await asyncio.sleep(0.05)


class Offenders:
    """Connections of those who send bad input."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._all: list[Offender] = []

    async def one(self, *said: bytes) -> Offender:
        """A new connection, on which this is said."""
        offender = Offender(*await asyncio.open_connection("127.0.0.1", self._port))
        self._all.append(offender)
        for data in said:
            await offender.says(data)
        return offender

    async def many(self, *said: bytes) -> list[Offender]:
        """The same of many."""
        return [await self.one(*said) for _ in range(MANY)]

    async def socket(self, opening: bytes) -> Offender:
        """A WebSocket that is open, with a call on it."""
        offender = await self.one(opening)
        assert (await offender.hears_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        first = HEADERS if opening == ONE else bytes((OPEN, 0, 0, 0, 1)) + BOTH.encode() + b"\r\n"
        await offender.says(masked(first))
        return offender

    def go(self) -> None:
        """Ends all."""
        for offender in self._all:
            offender.goes()


def post(body: bytes, *, size: int | None = None, more: str = "") -> bytes:
    """A call on the wire, which says that it has `size` bytes."""
    length = f"Content-Length: {len(body) if size is None else size}\r\n"
    head = f"POST {ECHO} HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc-web\r\n{length}{more}\r\n"
    return head.encode() + body


def upgrade(path: str, protocol: str, more: str = "") -> bytes:
    """The head of a WebSocket."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: {protocol}\r\n{more}\r\n"
    ).encode()


ONE, MUX = upgrade(BOTH, "grpc-websockets"), upgrade("/streams", "rushes-streams")
HEADERS = b"content-type: application/grpc-web+proto\r\n"


def masked(payload: bytes, opcode: int = 2, *, fin: bool = True) -> bytes:
    """A client's frame."""
    size = len(payload)
    if size < 126:
        length = bytes((0x80 | size,))
    else:
        length = b"\xfe" + size.to_bytes(2, "big") if size < 65_536 else b"\xff" + size.to_bytes(8, "big")
    return bytes((opcode | (0x80 if fin else 0),)) + length + b"\1\2\3\4" + unmasked(payload, b"\1\2\3\4")


def close_code(said: bytes) -> int:
    """The code of the close frame that these frames end with."""
    at = said.rindex(b"\x88")
    assert len(said) == at + 2 + said[at + 1], said
    return int.from_bytes(said[at + 2 : at + 4], "big")


class DeafTransport(asyncio.Transport):
    """A connection that takes what is written for it, and sends none of it."""

    def __init__(self) -> None:
        super().__init__({"sslcontext": True})
        self.written = 0
        self.reads = True
        self.ended = asyncio.Event()

    def write(self, data: object) -> None:
        """See Transport."""
        self.written += len(cast(bytes, data))

    def get_write_buffer_size(self) -> int:
        """See Transport."""
        return self.written

    def is_closing(self) -> bool:
        """See Transport."""
        return self.ended.is_set()

    def pause_reading(self) -> None:
        """See Transport."""
        self.reads = False

    def resume_reading(self) -> None:
        """See Transport."""
        self.reads = True

    def abort(self) -> None:
        """See Transport."""
        self.ended.set()
