"""Many calls on one socket, before a server of bytes and in the product."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest

from gateway.core import grpcweb
from gateway.core.message import Message
from gateway.core.mux import CANCEL, DATA, END, OPEN, ROOM, SUBPROTOCOL, ServerMux
from gateway.core.socket import binary_frame
from gateway.http.call import SocketCalls
from gateway.http.mux import MuxSocket, MuxWriter
from gateway.http.session import Caller
from gateway.http.websocket import WebSocketConnection
from gateway.standalone import Alone
from rushes.annotation.v1.annotation_service_pb2 import CollaborateOpen, CollaborateRequest, CollaborateResponse
from rushes.project.v1.identity_service_pb2 import GetMeRequest, GetMeResponse
from tests.integration.echo_server import BOTH, ECHO, FAIL, LARGE, MANY, WAIT, EchoServer
from tests.integration.hostile import DeafTransport
from tests.product import Product
from tests.web_client import COLLABORATE, reason_of

WAIT_S = 30.0
GET_ME = "/rushes.project.v1.IdentityService/GetMe"


@dataclass
class Streams:
    """A browser's side of the socket."""

    ws: aiohttp.ClientWebSocketResponse
    readers: dict[int, grpcweb.FrameReader] = field(default_factory=dict)
    messages: dict[int, list[bytes]] = field(default_factory=dict)
    trailers: dict[int, dict[str, str]] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)
    got_bytes: dict[int, int] = field(default_factory=dict)
    generous: bool = True

    async def say(self, kind: int, number: int, rest: bytes = b"") -> None:
        """One message."""
        await self.ws.send_bytes(bytes((kind,)) + number.to_bytes(4, "big") + rest)

    async def open(self, number: int, path: str, *messages: bytes, end: bool = True) -> None:
        """A call with its messages."""
        self.readers[number] = grpcweb.FrameReader(1 << 26)
        self.messages[number] = []
        await self.say(OPEN, number, path.encode() + b"\r\n")
        for message in messages:
            await self.say(DATA, number, grpcweb.data_frame(message))
        if end:
            await self.say(END, number)

    async def hear(self) -> int:
        """The next message; gives its call. Room is given back unless we are not `generous`."""
        message = await self.ws.receive_bytes(timeout=WAIT_S)
        number, rest = int.from_bytes(message[1:5], "big"), message[5:]
        if message[0] == END:
            self.ended.add(number)
        elif message[0] == DATA:
            self.got_bytes[number] = self.got_bytes.get(number, 0) + len(rest)
            for flag, payload in self.readers[number].feed(rest):
                if flag == grpcweb.DATA:
                    self.messages[number].append(payload)
                else:
                    self.trailers[number] = dict(grpcweb.parse_fields(payload))
            if self.generous:
                await self.say(ROOM, number, len(rest).to_bytes(4, "big"))
        return number

    async def until_ended(self, *numbers: int) -> None:
        """Hears until these calls are over."""
        async with asyncio.timeout(WAIT_S):
            while not set(numbers) <= self.ended:
                await self.hear()

    def code(self, number: int) -> int:
        """Status of a call."""
        return int(self.trailers[number]["grpc-status"])


@pytest.fixture
async def server() -> AsyncIterator[EchoServer]:
    """The server behind."""
    async with EchoServer() as running:
        yield running


@pytest.fixture
async def streams(server: EchoServer) -> AsyncIterator[Streams]:
    """A socket to a gateway before it."""
    gateway = Alone("127.0.0.1:0", f"127.0.0.1:{server.port}")
    await gateway.start()
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{gateway.port}/streams", protocols=(SUBPROTOCOL,)) as ws,
    ):
        yield Streams(ws)
    await gateway.stop()


async def test_calls_of_all_kinds_share_a_socket(streams: Streams) -> None:
    await streams.open(1, ECHO, b"hello")
    await streams.open(2, MANY, b"500")
    await streams.open(3, FAIL, b"")
    await streams.open(4, BOTH, b"abc", b"def")
    await streams.open(5, ECHO + "Too", b"")
    await streams.until_ended(1, 2, 3, 4, 5)
    assert streams.messages[1] == [b"hello"]
    assert streams.messages[2] == [b"%d" % number for number in range(500)]
    assert streams.messages[4] == [b"cba", b"fed"]
    assert [streams.code(number) for number in (1, 2, 3, 4, 5)] == [0, 0, 5, 0, 12]
    assert reason_of(streams.trailers[3]) == "NOTHING"


async def test_a_call_without_room_holds_up_no_other(streams: Streams) -> None:
    streams.generous = False
    await streams.open(1, LARGE, b"20")
    await streams.open(2, BOTH, b"first", end=False)
    async with asyncio.timeout(WAIT_S):
        while streams.got_bytes.get(1, 0) < 256 * 1024 or not streams.messages[2]:
            await streams.hear()
    for number in range(20):
        await streams.say(DATA, 2, grpcweb.data_frame(b"%d" % number))
    async with asyncio.timeout(WAIT_S):
        while len(streams.messages[2]) < 21:
            await streams.hear()
    assert streams.got_bytes[1] == 256 * 1024
    streams.generous = True
    await streams.say(ROOM, 1, (1 << 20).to_bytes(4, "big"))
    await streams.say(END, 2)
    await streams.until_ended(1, 2)
    assert [len(message) for message in streams.messages[1]] == [1 << 20] * 20


async def test_a_call_that_is_cancelled_is_not_worked_for_any_longer(streams: Streams, server: EchoServer) -> None:
    await streams.open(1, WAIT, b"")
    while not streams.messages[1]:
        await streams.hear()
    await streams.say(CANCEL, 1)
    async with asyncio.timeout(WAIT_S):
        await server.cancelled.wait()
    await streams.until_ended(1)
    assert 1 not in [number for number, fields in streams.trailers.items() if "grpc-status" in fields]
    streams.ended.clear()
    await streams.open(1, ECHO, b"again")
    await streams.until_ended(1)
    assert streams.messages[1] == [b"again"]


async def test_a_call_that_is_cancelled_says_nothing_into_the_next_of_its_number(streams: Streams) -> None:
    await streams.open(1, LARGE, b"20")
    while not streams.got_bytes.get(1):
        await streams.hear()
    await streams.say(CANCEL, 1)
    await streams.say(OPEN, 1, ECHO.encode() + b"\r\n")
    await streams.until_ended(1)
    streams.ended.clear()
    streams.readers[1], streams.messages[1] = grpcweb.FrameReader(1 << 26), []
    await streams.say(DATA, 1, grpcweb.data_frame(b"new"))
    await streams.say(END, 1)
    await streams.until_ended(1)
    assert (streams.messages[1], streams.code(1)) == ([b"new"], 0)


async def test_the_writer_of_a_call_that_is_over_writes_nothing() -> None:
    out, mux = Deaf(), ServerMux(1_000)
    opening = bytes((OPEN, 0, 0, 0, 1)) + ECHO.encode()
    mux.receive(opening)
    old = MuxWriter(mux, 1, out)
    mux.receive(bytes((CANCEL, 0, 0, 0, 1)))
    old.close()
    written = out.written
    mux.receive(opening)
    old.write(binary_frame(b"late"))
    old.give(100)
    old.close()
    assert (out.written, old.buffered(), mux.open_calls) == (written, written, 1)


@pytest.mark.parametrize("message", [b"", b"\x09\0\0\0\1", b"\0\0\0\0\1/a\r\nno colon"])
async def test_what_breaks_the_rules_closes_the_socket_with_a_code(streams: Streams, message: bytes) -> None:
    await streams.ws.send_bytes(message)
    closed = await streams.ws.receive(WAIT_S)
    assert closed.type is aiohttp.WSMsgType.CLOSE
    assert (closed.data, bool(closed.extra)) == (1002, True)


async def test_what_is_no_message_fails_that_call_alone(streams: Streams) -> None:
    await streams.open(1, BOTH, end=False)
    await streams.open(2, BOTH, b"fine", end=False)
    await streams.say(DATA, 1, b"\xff\0\0\0\0")
    await streams.until_ended(1)
    assert streams.code(1) == 3
    await streams.say(END, 2)
    await streams.until_ended(2)
    assert (streams.messages[2], streams.code(2)) == ([b"enif"], 0)


async def test_in_the_product_notes_and_calls_share_a_socket(product: Product) -> None:
    cookie = {"Cookie": f"rushes_session={product.secret}"}
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.ws_connect(product.address + "/streams", protocols=(SUBPROTOCOL,), headers=cookie) as ws,
    ):
        streams = Streams(ws)
        opening = CollaborateRequest(open=CollaborateOpen(video_id=product.video_id))
        await streams.open(1, COLLABORATE, opening.SerializeToString(), end=False)
        await streams.open(2, GET_ME, GetMeRequest().SerializeToString())
        await streams.until_ended(2)
        assert GetMeResponse.FromString(streams.messages[2][0]).person.administrator
        async with asyncio.timeout(WAIT_S):
            while not streams.messages[1]:
                await streams.hear()
        assert CollaborateResponse.FromString(streams.messages[1][0]).WhichOneof("message") == "opened"
        await streams.say(END, 1)
        await streams.until_ended(1)
        assert streams.code(1) == 0


async def test_in_the_product_a_stranger_is_told_to_sign_in(product: Product) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(product.address + "/streams", protocols=(SUBPROTOCOL,)) as ws,
    ):
        streams = Streams(ws)
        await streams.open(1, GET_ME, b"")
        await streams.until_ended(1)
        assert streams.code(1) == 16


@dataclass
class Deaf:
    """The writing side to a browser that never reads."""

    written: int = 0
    descriptor: int = -1

    def direct(self, message: Message, head: bytes) -> None:
        """See Out."""

    def rest(self, left: bytes) -> None:
        """See Out."""
        self.written += len(left)

    def write(self, frame: bytes) -> None:
        """See Writer."""
        self.written += len(frame)

    def buffered(self) -> int:
        """See Writer."""
        return self.written


async def test_who_opens_calls_and_reads_nothing_is_not_listened_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.http.mux.SLOW_S", 0.1)
    monkeypatch.setattr("gateway.http.mux.HIGH_BYTES", 20_000)
    calls = SocketCalls(lambda _: None, lambda *_: b"", lambda *_: None, keep=frozenset())
    transport = DeafTransport()
    left: list[WebSocketConnection] = []
    mux = MuxSocket(transport, calls, Caller("", "", "", ""), 1_000, left.append)
    opening = b"\x82\x94" + bytes(4) + b"%b/no.such/Method"
    for number in range(5_000):
        mux.data_received(opening % (bytes((OPEN,)) + number.to_bytes(4, "big")))
        for _ in range(3):
            await asyncio.sleep(0)
        if not transport.reads:
            break
    assert 20_000 < transport.written < 22_000
    async with asyncio.timeout(WAIT_S):
        await transport.ended.wait()
    mux.connection_lost(None)
    assert left == [mux]
