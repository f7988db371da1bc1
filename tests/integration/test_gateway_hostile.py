"""Bad input of all kinds: who sends it gets a defined answer, and everybody else is served meanwhile."""

import asyncio
import base64
import gc
import gzip
import random
import re
from collections.abc import AsyncIterator

import psutil
import pytest
from aiohttp import web

from gateway.core import grpcweb
from gateway.core.mux import DATA, MAX_CALLS, OPEN
from gateway.http.call import SocketCalls
from gateway.http.mux import MuxSocket
from gateway.http.session import Caller
from gateway.http.websocket import TURN_FRAMES
from gateway.standalone import Alone
from tests.integration.echo_server import BOTH, ECHO, EchoServer
from tests.integration.hostile import (
    HEADERS,
    MANY,
    MUX,
    ONE,
    DeafTransport,
    Offenders,
    Others,
    close_code,
    masked,
    post,
)
from tests.waiting import until
from tests.web_client import Browser

LIMIT = 300_000
BEGIN_S = 0.6
GROWN_BYTES = 48 << 20
KINDS = pytest.mark.parametrize("opening", [ONE, MUX], ids=["one call", "many calls"])


@pytest.fixture
async def alone(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Alone]:
    """A gateway that waits for nobody longer than a second, before a server of bytes. Nothing may fail in it unseen."""
    monkeypatch.setattr("gateway.standalone.BEGIN_S", BEGIN_S)
    monkeypatch.setattr("gateway.web.BODY_S", BEGIN_S)
    monkeypatch.setattr("gateway.http.websocket.CLOSE_S", BEGIN_S)
    async with EchoServer() as server:
        gateway = Alone("127.0.0.1:0", f"127.0.0.1:{server.port}", max_receive_bytes=LIMIT)
        await gateway.start()
        yield gateway
        await gateway.stop()
    gc.collect()
    records = [*caplog.get_records("call"), *caplog.records]
    assert [record.getMessage() for record in records if record.name == "asyncio"] == []


@pytest.fixture
async def others(alone: Alone) -> AsyncIterator[Others]:
    """Who has nothing to do with it."""
    working = Others(alone.port)
    await working.served(1)
    yield working
    await working.served()
    await working.end()


@pytest.fixture
async def offenders(alone: Alone) -> AsyncIterator[Offenders]:
    """Who sends bad input."""
    found = Offenders(alone.port)
    yield found
    found.go()


# -- who is slow --------------------------------------------------------------------------------------------------


SLOW = {
    "a first line": (b"POST ", b"/" + b"x" * 5_000, b""),
    "headers": (post(b"")[:-2], b"X-More: " + b"x" * 5_000, b""),
    "a body": (post(b"", size=LIMIT), b"\0" * 5_000, b"HTTP/1.1 408"),
    "a handshake": (MUX[:-2], b"X-More: " + b"x" * 5_000, b""),
    "a preface": (b"PRI * HTTP/2.0\r\n", b"\r\n", b""),
}
"""What is said at once, what is said slowly, and how the answer begins: nothing, if the connection just ends."""


async def test_who_sends_a_byte_now_and_then_is_not_waited_for(offenders: Offenders, others: Others) -> None:
    async def answers(said: bytes, slowly: bytes, size: int) -> set[bytes]:
        slow = await offenders.many(said)
        hearing = [asyncio.create_task(one.hears()) for one in slow]
        await asyncio.gather(*(one.trickles(slowly, task.done) for one, task in zip(slow, hearing, strict=True)))
        return {heard[: size or None] for heard in await asyncio.gather(*hearing)}

    asking = [asyncio.create_task(answers(said, slowly, len(wanted))) for said, slowly, wanted in SLOW.values()]
    await others.served()
    assert dict(zip(SLOW, await asyncio.gather(*asking), strict=True)) == {name: {way[2]} for name, way in SLOW.items()}


async def test_a_socket_whose_call_does_not_begin_is_told_so(offenders: Offenders, others: Others) -> None:
    slow = await offenders.many(ONE + masked(HEADERS)[:9])  # a frame that is never whole
    await others.served()
    for heard in await asyncio.gather(*(offender.hears() for offender in slow)):
        assert b"grpc-status: 4\r\n" in heard or b"grpc-status:4\r\n" in heard
        assert close_code(heard) == 1000


READ = b"POST /read HTTP/1.1\r\nHost: x\r\n"


async def test_a_body_that_aiohttp_reads_has_to_come_too(alone: Alone, offenders: Offenders, others: Others) -> None:
    async def read(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    assert alone._runner is not None
    heads = {
        "a size": b"Content-Length: 50\r\n\r\n",
        "a size and the end": b"Connection: close\r\nContent-Length: 50\r\n\r\n",
        "chunks": b"Transfer-Encoding: chunked\r\n\r\n32\r\n",
        "another protocol": b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 50\r\n\r\n",
    }
    alone._runner.app._router._frozen = False  # the gateway alone has nothing that reads a body
    alone._runner.app.router.add_post("/read", read)
    slow = {name: await offenders.one(READ + lines + b"x" * 49) for name, lines in heads.items()}
    for name, lines in heads.items():
        end = b"x\r\n0\r\n\r\n" if b"chunked" in lines else b"x"
        whole = await offenders.one(READ + lines + b"x" * 49, end)
        assert (await whole.hears_until(b"50")).startswith(b"HTTP/1.1 200 "), name
    heard = await asyncio.gather(*(one.hears() for one in slow.values()))
    assert dict(zip(slow, heard, strict=True)) == dict.fromkeys(heads, b"")


async def test_who_is_told_that_it_is_too_late_and_stays_is_let_go(offenders: Offenders, others: Others) -> None:
    process = psutil.Process()
    before = process.num_fds()
    slow = await offenders.many(post(b"", size=10))
    for offender in slow:  # each has read that it was too late, and does not go
        await offender.hears_until(b"\r\n\r\n")
    await until(lambda: process.num_fds() <= before + MANY + 4, "only the offenders' own ends are open")


# -- fragments ----------------------------------------------------------------------------------------------------


@KINDS
async def test_fragments_without_end_close_the_socket_at_the_limit(
    offenders: Offenders, others: Others, opening: bytes
) -> None:
    offender = await offenders.socket(opening)
    process = psutil.Process()
    before_bytes = process.memory_info().rss
    await offender.says(masked(b"\0", fin=False))
    pieces = masked(bytes(1_000), 0, fin=False) * 100
    for _ in range(LIMIT // 100_000 + 2):
        await offender.says(pieces)
    await others.served()
    assert close_code(await offender.hears()) == 1009
    assert process.memory_info().rss - before_bytes < GROWN_BYTES


async def test_frames_without_end_are_taken_a_hundred_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.http.websocket.TURN_S", 0.05)
    calls = SocketCalls(lambda _: None, lambda *_: b"", lambda *_: None, keep=frozenset())
    transport, pong = DeafTransport(), len(b"\x8a\0")
    socket = MuxSocket(transport, calls, Caller("", "", "", ""), LIMIT, lambda _: None)
    socket.data_received(masked(b"", 9) * (TURN_FRAMES - 1))
    assert (transport.written, transport.reads) == (pong, True), "pings that come at once have one answer"
    socket.data_received(masked(b"", 9) * (1 + 3 * TURN_FRAMES))
    assert (transport.written, transport.reads) == (2 * pong, False)
    await until(lambda: transport.reads, "it is listened to again")
    assert transport.written == 5 * pong, "three more turns"
    socket.connection_lost(None)


@KINDS
async def test_control_frames_between_fragments_are_answered_at_once(
    offenders: Offenders, others: Others, opening: bytes
) -> None:
    offender = await offenders.socket(opening)
    head = b"\0" if opening == ONE else bytes((DATA, 0, 0, 0, 1))
    message = head + grpcweb.data_frame(b"hello")
    for at in range(len(message)):
        await offender.says(masked(message[at : at + 1], 0 if at else 2, fin=False))
        await offender.says(masked(b"%d" % at, 9))
        assert await offender.hears_until(b"\x8a" + bytes((len(b"%d" % at),)) + b"%d" % at)
    await offender.says(masked(b"", 0))
    await offender.hears_until(b"olleh")
    await others.served()
    await offender.says(masked(b"\x03\xe8", 8))
    assert close_code(await offender.hears()) == 1000


@KINDS
async def test_a_frame_of_a_mebibyte_is_refused_before_it_is_there(
    offenders: Offenders, others: Others, opening: bytes
) -> None:
    large = [await offenders.socket(opening) for _ in range(MANY)]
    head = masked(bytes(1 << 20))[:14]
    for offender in large:
        await offender.says(head)
    await others.served()
    for offender in large:
        assert close_code(await offender.hears()) == 1009


# -- garbage ------------------------------------------------------------------------------------------------------


async def test_garbage_before_a_handshake_is_no_request(offenders: Offenders, others: Others) -> None:
    chance = random.Random(7)
    beginnings = [
        b"\x16\x03\x01" + chance.randbytes(200),
        b"\0" * 200,
        b"\r\n" * 50 + b"\xff" * 50,
        ONE[5:],
        b"x" + ONE,
    ]
    for beginning in beginnings:
        offender = await offenders.one(beginning + b"\r\n\r\n")
        assert (await offender.hears()).startswith(b"HTTP/1.1 400 ")
    await others.served()


GARBAGE = {
    "no mask": b"\x82\x05hello",
    "reserved bits": b"\xf2\x80\1\2\3\4",
    "an unknown kind": b"\x83\x80\1\2\3\4",
    "an end of nothing": b"\x80\x80\1\2\3\4",
    "a request": b"GET / HTTP/1.1\r\n\r\n",
    "ones": b"\xff" * 64,
}


@KINDS
async def test_garbage_after_a_handshake_closes_with_a_code(
    offenders: Offenders, others: Others, opening: bytes
) -> None:
    codes = {}
    for name, garbage in GARBAGE.items():
        offender = await offenders.socket(opening)
        await offender.says(garbage)
        codes[name] = close_code(await offender.hears())
    assert codes == dict.fromkeys(GARBAGE, 1002)
    await others.served()


async def test_garbage_before_the_call_begins_is_answered_with_its_code_alone(
    offenders: Offenders, others: Others
) -> None:
    for offender in [await offenders.one(ONE + garbage) for garbage in GARBAGE.values()]:
        assert (await offender.hears_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        heard = await offender.hears()
        assert (close_code(heard), b"grpc-status" in heard) == (1002, False)
    await others.served()


@KINDS
async def test_random_bytes_after_a_handshake_hurt_nobody(offenders: Offenders, others: Others, opening: bytes) -> None:
    chance = random.Random(11)
    for _ in range(60):
        offender = await offenders.one(opening + chance.randbytes(chance.randrange(400)))
        assert (await offender.hears_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        offender.goes()
    await others.served()


# -- requests that two servers would read differently ---------------------------------------------------------------

HIDDEN = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def chunked(*chunks: bytes, head: str = "Transfer-Encoding: chunked\r\n", path: str = ECHO) -> bytes:
    """A call whose body comes in chunks."""
    kind = "Content-Type: application/grpc-web\r\n"
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{kind}{head}\r\n".encode() + b"".join(chunks)


BODY = grpcweb.data_frame(b"evil")
SMUGGLED = {
    "a length and chunks": (post(BODY, more="Transfer-Encoding: chunked\r\n"), b"400"),
    "chunks and a length": (chunked(b"0\r\n\r\n", head="Transfer-Encoding: chunked\r\nContent-Length: 4\r\n"), b"400"),
    "two lengths": (post(BODY, more="Content-Length: 3\r\n"), b"400"),
    "the same length twice": (post(BODY, more=f"Content-Length: {len(BODY)}\r\n"), b"400"),
    "two lengths in a line": (post(BODY).replace(b"Length: 9", b"Length: 9, 9"), b"400"),
    "a length with a sign": (post(BODY).replace(b"Length: 9", b"Length: +9"), b"400"),
    "a length in hex": (post(BODY).replace(b"Length: 9", b"Length: 0x9"), b"400"),
    "a folded line": (post(BODY, more="Transfer-Encoding:\r\n chunked\r\n"), b"400"),
    "a space before the colon": (post(BODY, more="Transfer-Encoding : chunked\r\n"), b"400"),
    "a line feed alone": (post(BODY, more="X: 1\nTransfer-Encoding: chunked\r\n"), b"400"),
    "line feeds alone": (post(BODY).replace(b"\r\n", b"\n") + b"\r\n\r\n", b"400"),
    "a carriage return alone": (post(BODY, more="X: 1\rTransfer-Encoding: chunked\r\n"), b"400"),
    "an unknown coding": (chunked(b"0\r\n\r\n", head="Transfer-Encoding: xchunked\r\n"), b"501"),
    "two codings": (chunked(b"0\r\n\r\n", head="Transfer-Encoding: gzip, chunked\r\n"), b"501"),
    "chunked twice": (chunked(b"0\r\n\r\n", head="Transfer-Encoding: chunked\r\n" * 2), b"400"),
    "chunks of HTTP/1.0": (chunked(b"0\r\n\r\n").replace(b"HTTP/1.1", b"HTTP/1.0"), b"400"),
    "a chunk's size with a line feed": (chunked(b"9\n" + BODY + b"\r\n0\r\n\r\n"), b"400"),
    "a chunk longer than it says": (chunked(b"3\r\n" + BODY + b"\r\n0\r\n\r\n"), b"400"),
    "a chunk's size with a sign": (chunked(b"+9\r\n" + BODY + b"\r\n0\r\n\r\n"), b"400"),
    "an extension with a line feed": (chunked(b"9;a\nb\r\n" + BODY + b"\r\n0\r\n\r\n"), b"400"),
    "an extension without end": (chunked(b"9;" + b"a" * 2_000), b"400"),
    "two hosts": (post(BODY, more="Host: y\r\n"), b"400"),
}


async def test_what_is_hidden_behind_another_request_is_never_answered(offenders: Offenders, others: Others) -> None:
    statuses, closed = {}, set()
    for name, (sent, _) in SMUGGLED.items():
        offender = await offenders.one(sent + HIDDEN)
        heard = await offender.hears()
        statuses[name] = re.findall(rb"HTTP/1.1 (\d+)", heard)
        closed.add(b"connection: close" in heard)
    assert statuses == {name: [status] for name, (_, status) in SMUGGLED.items()}
    assert closed == {True}
    await others.served()


async def test_an_extension_of_a_chunk_that_can_be_read_in_one_way_means_nothing(
    offenders: Offenders, others: Others
) -> None:
    body = chunked(b'9;name="value"\r\n' + BODY + b"\r\n0;last\r\nX-Trailer: 1\r\n\r\n")
    offender = await offenders.one(body + HIDDEN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    heard = await offender.hears()
    assert heard.count(b"HTTP/1.1 200") == 2
    assert b"evil" in heard


# -- messages -----------------------------------------------------------------------------------------------------


async def test_bombs_are_refused_without_being_unpacked_whole(alone: Alone, others: Others) -> None:
    bomb = grpcweb.frame(1, gzip.compress(bytes(64 << 20)))
    process = psutil.Process()
    before_bytes = process.memory_info().rss
    async with Browser(f"http://127.0.0.1:{alone.port}") as browser:
        answers = await asyncio.gather(*(browser.post(ECHO, bomb, {"grpc-encoding": "gzip"}) for _ in range(MANY)))
    assert {answer.code for answer in answers} == {8}
    assert process.memory_info().rss - before_bytes < GROWN_BYTES


def text(frame: bytes) -> bytes:
    """A body in text mode."""
    return base64.b64encode(frame)


BINARY, TEXT = "application/grpc-web", "application/grpc-web-text"
CUT = {
    "truncated": (BODY[:-1], BINARY, 3),
    "half a head": (BODY[:3], BINARY, 3),
    "oversized": (b"\0\xff\xff\xff\xff" + b"x" * 100, BINARY, 8),
    "more than it says": (b"\0\0\0\0\4" + b"x" * 100, BINARY, 3),
    "three letters": (text(BODY)[:-1], TEXT, 3),
    "two letters": (text(BODY)[:-2], TEXT, 3),
    "one letter": (text(BODY)[:5], TEXT, 3),
    "padding in front": (b"=" + text(BODY), TEXT, 3),
}


async def test_frames_that_are_cut_or_too_large_are_refused(alone: Alone, others: Others) -> None:
    async with Browser(f"http://127.0.0.1:{alone.port}") as browser:
        codes = {
            name: set(await asyncio.gather(*(answer_code(browser, body, kind) for _ in range(MANY))))
            for name, (body, kind, _) in CUT.items()
        }
    assert codes == {name: {code} for name, (_, _, code) in CUT.items()}
    await others.served()


async def answer_code(browser: Browser, body: bytes, kind: str) -> int:
    """The status of a call in either mode."""
    async with browser.request("POST", ECHO, headers={"Content-Type": kind}, data=body) as answer:
        raw = await answer.read()
    frames = grpcweb.FrameReader(LIMIT).feed(grpcweb.decode_text(raw) if kind.endswith("text") else raw)
    return int(dict(grpcweb.parse_fields(frames[-1][1]))["grpc-status"])


async def test_more_calls_on_a_socket_than_it_may_have_close_it(offenders: Offenders, others: Others) -> None:
    offender = await offenders.socket(MUX)
    for number in range(2, MAX_CALLS + 2):
        await offender.says(masked(bytes((OPEN,)) + number.to_bytes(4, "big") + BOTH.encode() + b"\r\n"))
    await others.served()
    assert close_code(await offender.hears()) == 1002


async def test_a_socket_on_a_connection_that_was_used_before_is_one(offenders: Offenders, others: Others) -> None:
    offender = await offenders.one(HIDDEN + post(grpcweb.data_frame(b"before")) + MUX)
    heard = await offender.hears_until(b"101 Switching Protocols\r\n")
    assert (heard.count(b"HTTP/1.1 200"), b"before" in heard) == (2, True)
    await offender.hears_until(b"\r\n\r\n")
    await offender.says(masked(b"there?", 9))
    assert await offender.hears_until(b"there?") == b"\x8a\x06there?"
    await offender.says(masked(b"\x03\xe8", 8))
    assert close_code(await offender.hears()) == 1000


async def test_pages_of_other_origins_get_neither_calls_nor_sockets() -> None:
    friend, foreign = "https://page.example.com", {"Origin": "https://evil.example.com"}
    async with EchoServer() as server:
        gateway = Alone("127.0.0.1:0", f"127.0.0.1:{server.port}", origins=(friend,))
        await gateway.start()
        working, crowd = Others(gateway.port), Offenders(gateway.port)
        try:
            line = f"Origin: {foreign['Origin']}\r\n".encode()
            said = [opening[:-2] + line + b"\r\n" for opening in (ONE, MUX)] + [post(BODY, more=line.decode())]
            for one in said:
                for offender in await crowd.many(one):
                    assert (await offender.hears_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 403 ")
            async with Browser(f"http://127.0.0.1:{gateway.port}") as browser:
                asked = {**foreign, "Access-Control-Request-Method": "POST"}
                async with browser.request("OPTIONS", ECHO, headers=asked) as answer:
                    assert "Access-Control-Allow-Origin" not in answer.headers
                call = await browser.connect(BOTH, headers={"Origin": friend})
                await call.close()
            await working.served()
        finally:
            crowd.go()
            await working.end()
            await gateway.stop()


async def test_an_address_that_has_too_many_connections_is_told_so_and_others_go_on() -> None:
    async with EchoServer() as server:
        gateway = Alone("127.0.0.1:0", f"127.0.0.1:{server.port}", address_connections=MANY)
        await gateway.start()
        crowd = Offenders(gateway.port)
        try:
            kept = await crowd.many(MUX)
            for offender in kept:
                assert (await offender.hears_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
            assert (await (await crowd.one(post(BODY))).hears()).startswith(b"HTTP/1.1 429 ")
            await kept[0].says(masked(b"there?", 9))
            assert await kept[0].hears_until(b"there?")
            kept[-1].goes()

            async def again() -> bool:
                heard = await (await crowd.one(post(BODY, more="Connection: close\r\n"))).hears()
                return b"evil" in heard

            await until(again, "one has ended")
        finally:
            crowd.go()
            await gateway.stop()
