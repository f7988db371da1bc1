"""A server behind that is gone without a word, one that takes its time, that keeps no deadline, that cuts a message."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from google.protobuf.empty_pb2 import Empty

from gateway import upstream
from gateway.core import grpcweb, hpack, mux, vigil
from gateway.core.http2 import PREFACE
from gateway.standalone import Alone
from tests.waiting import until
from tests.web_client import Answer, Browser

DATA, HEADERS, RST, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
ACK, END, END_HEADERS = 1, 1, 4
METHOD = "/a.Service/Method"
EMPTY = grpcweb.data_frame(b"")
WAIT_S = 60.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks twenty times as often; what is asked rarely is asked after more than a test takes."""
    monkeypatch.setattr(upstream, "TICK_S", 0.05)
    monkeypatch.setattr(vigil, "QUIET_TICKS", (*vigil.QUIET_TICKS[:-1], 100_000))
    monkeypatch.setattr(vigil, "PROBE_TICKS", 100_000)


def frame(kind: int, flags: int, number: int, payload: bytes) -> bytes:
    """A frame of HTTP/2."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + number.to_bytes(4, "big") + payload


class Slow:
    """A gRPC server that answers no call until it is told to. `gone`: not even pings. `hung`: says nothing at all."""

    def __init__(self, *, gone: bool) -> None:
        self.gone = gone
        self.hung = False
        self.port = 0
        self.pings = self.lines = self.opened = self.resets = 0
        self.calls: list[tuple[int, asyncio.StreamWriter]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.lines += 1
        self.opened += 1
        try:
            await reader.readexactly(len(PREFACE))
            if not self.hung:
                writer.write(frame(SETTINGS, 0, 0, b""))
            while True:
                head = await reader.readexactly(9)
                payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
                if head[3] == HEADERS:
                    self.calls.append((int.from_bytes(head[5:], "big"), writer))
                if head[3] == RST:
                    self.resets += 1
                if head[3] == PING:
                    self.pings += 1
                    if not self.gone and not self.hung:
                        writer.write(frame(PING, ACK, 0, payload))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.transport.abort()
        finally:
            self.lines -= 1

    async def called(self, count: int) -> None:
        """Waits for so many calls in all."""
        await until(lambda: len(self.calls) == count, f"call {count}")

    def answer(self, at: int = 0) -> None:
        """Ends a call well, with an empty message."""
        number, writer = self.calls[at]
        opening = hpack.encode([(":status", "200"), ("content-type", "application/grpc")])
        writer.write(
            frame(HEADERS, END_HEADERS, number, opening)
            + frame(DATA, 0, number, bytes(5))
            + frame(HEADERS, END_HEADERS | END, number, hpack.encode([("grpc-status", "0")]))
        )

    def begin(self, at: int = 0) -> None:
        """Answers a call with a message, and half of another."""
        number, writer = self.calls[at]
        opening = hpack.encode([(":status", "200"), ("content-type", "application/grpc")])
        message = grpcweb.data_frame(b"hello")
        writer.write(frame(HEADERS, END_HEADERS, number, opening) + frame(DATA, 0, number, message + message[:7]))

    def give_up(self, at: int = 0) -> None:
        """Resets a call."""
        number, writer = self.calls[at]
        writer.write(frame(RST, 0, number, (2).to_bytes(4, "big")))

    def leave(self, at: int = 0) -> None:
        """The connection of a call takes no more of them; that one goes on."""
        number, writer = self.calls[at]
        writer.write(frame(GOAWAY, 0, 0, number.to_bytes(4, "big") + bytes(4)))


@asynccontextmanager
async def before(slow: Slow) -> AsyncIterator[Browser]:
    """Somebody at a gateway before that server."""
    server = await asyncio.start_server(slow.serve, "127.0.0.1", 0)
    gateway = Alone("127.0.0.1:0", f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    await gateway.start()
    async with Browser(f"http://127.0.0.1:{gateway.port}") as browser:
        yield browser
    await gateway.stop()
    server.close()
    await until(lambda: not slow.lines)


async def test_calls_end_when_the_server_behind_is_gone_without_a_word() -> None:
    slow = Slow(gone=True)
    async with before(slow) as browser:
        answer = await asyncio.wait_for(browser.post(METHOD, EMPTY), WAIT_S)
    assert (answer.code, slow.pings) == (14, 1)


async def test_a_server_that_takes_its_time_but_answers_pings_is_waited_for() -> None:
    slow = Slow(gone=False)
    async with before(slow) as browser:
        call = asyncio.create_task(browser.post(METHOD, EMPTY))
        await until(lambda: slow.pings == 2)  # the second comes after more silence than a server that is gone has
        assert not call.done()
        slow.answer()
        answer = await asyncio.wait_for(call, WAIT_S)
    assert (answer.code, answer.messages) == (0, [b""])


async def answered(call: asyncio.Task[Answer]) -> tuple[int, list[bytes]]:
    """How a call ended."""
    answer = await asyncio.wait_for(call, WAIT_S)
    return answer.code, answer.messages


async def quiet_stream(slow: Slow, browser: Browser) -> asyncio.Task[Answer]:
    """A call that waits until nothing more may be asked for it for a long time."""
    stream = asyncio.create_task(browser.post(METHOD, EMPTY))
    await until(lambda: slow.pings == 2, "all cheap questions are asked")
    return stream


async def assert_hang_is_noticed(slow: Slow, browser: Browser, stream: asyncio.Task[Answer]) -> None:
    """The server hangs from now on: the next call ends, and the stream with it, long before the rare question."""
    slow.hung = True
    call = asyncio.create_task(browser.post(METHOD, EMPTY))
    assert [await answered(call), await answered(stream)] == [(14, []), (14, [])]


async def test_a_server_that_hangs_while_a_quiet_stream_is_open_is_noticed_by_the_next_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = Slow(gone=False)
    async with before(slow) as browser:
        stream = await quiet_stream(slow, browser)
        monkeypatch.setattr(upstream, "DIAL_S", 0.2)
        await assert_hang_is_noticed(slow, browser, stream)
    assert slow.pings == 2, "nothing more was asked"


async def test_a_server_that_hangs_is_noticed_beside_a_quiet_stream_though_nobody_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = Slow(gone=False)
    async with before(slow) as browser:
        stream = await quiet_stream(slow, browser)
        monkeypatch.setattr(vigil, "PROBE_TICKS", 10)
        for _ in range(2):
            opened = slow.opened
            await until(lambda: slow.opened > opened, "another connection asks")  # noqa: B023
        assert not stream.done()
        monkeypatch.setattr(upstream, "DIAL_S", 0.2)
        slow.hung = True
        assert await answered(stream) == (14, [])
    assert slow.pings == 2, "nothing was asked on the first"


async def test_a_server_that_hangs_is_noticed_by_quiet_streams_on_a_connection_that_takes_no_more_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = Slow(gone=False)
    async with before(slow) as browser:
        stream = await quiet_stream(slow, browser)
        slow.leave()
        for at in (1, 2):
            call = asyncio.create_task(browser.post(METHOD, EMPTY))
            await slow.called(at + 1)
            slow.answer(at)
            assert await answered(call) == (0, [b""])
        monkeypatch.setattr(vigil, "PROBE_TICKS", 10)
        monkeypatch.setattr(upstream, "DIAL_S", 0.2)
        slow.hung = True
        assert await answered(stream) == (14, [])
    first, *others = (writer for _, writer in slow.calls)
    assert first not in others, "it was given no more calls"


async def test_an_idle_connection_from_before_is_no_sign_that_a_server_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = Slow(gone=False)
    async with before(slow) as browser:
        stream = await quiet_stream(slow, browser)
        doubting = asyncio.create_task(browser.post(METHOD, EMPTY))
        await until(lambda: slow.lines == 2, "a second connection")
        slow.answer(1)
        assert await answered(doubting) == (0, [b""])
        await until(lambda: slow.pings == 4, "on the first they are asked again, while the second is idle")
        monkeypatch.setattr(upstream, "DIAL_S", 0.2)
        await assert_hang_is_noticed(slow, browser, stream)


async def test_beside_calls_that_take_their_time_others_go_elsewhere_until_something_is_heard() -> None:
    slow = Slow(gone=False)
    async with before(slow) as browser:
        calls = [asyncio.create_task(browser.post(METHOD, EMPTY))]
        await until(lambda: slow.pings == 2, "all cheap questions are asked")
        calls.append(asyncio.create_task(browser.post(METHOD, EMPTY)))
        await until(lambda: slow.lines == 2, "a second connection")
        for at, answering in ((2, 2), (3, 0)):  # the first connection is heard of before the fourth call's answer
            calls.append(asyncio.create_task(browser.post(METHOD, EMPTY)))
            await slow.called(at + 1)
            slow.answer(answering)
            assert await answered(calls[answering]) == (0, [b""])
        calls.append(asyncio.create_task(browser.post(METHOD, EMPTY)))
        await slow.called(5)
        for at in (1, 3, 4):
            slow.answer(at)
            assert await answered(calls[at]) == (0, [b""])
    first, second = slow.calls[0][1], slow.calls[2][1]
    assert first is not second
    assert [writer for _, writer in slow.calls] == [first, first, second, second, first]


async def test_a_call_has_the_time_that_it_says_though_the_server_behind_takes_more() -> None:
    slow = Slow(gone=False)
    async with before(slow) as browser:
        answer = await asyncio.wait_for(browser.post(METHOD, EMPTY, {"grpc-timeout": "50m"}), WAIT_S)
        await until(lambda: slow.resets == 1, "the call is given up")
    assert answer.code == 4


async def test_a_call_on_a_socket_has_the_time_that_it_says_too() -> None:
    slow = Slow(gone=False)
    async with before(slow) as browser:
        call = await browser.connect(METHOD)
        await call.begin("content-type: application/grpc-web+proto\r\ngrpc-timeout: 50m\r\n")
        assert (await call.ended()).code == 4
        await until(lambda: slow.resets == 1, "the call is given up")


async def test_half_a_message_is_never_taken_for_a_whole_one() -> None:
    slow = Slow(gone=False)
    async with before(slow) as browser, asyncio.timeout(WAIT_S):
        posted = browser.stream(METHOD, Empty())
        posting = asyncio.ensure_future(anext(posted))
        await slow.called(1)
        slow.begin()
        assert await posting == (grpcweb.DATA, b"hello")
        slow.give_up()
        with pytest.raises(aiohttp.ClientPayloadError):
            await anext(posted)
        call = await browser.connect(METHOD)
        await call.begin()
        await slow.called(2)
        slow.begin(1)
        assert await call.receive() == b"hello"
        slow.give_up(1)
        assert await call.receive() is None
        assert (call.close_code, call.trailers) == (1011, {})


async def test_on_a_shared_socket_a_call_that_is_cut_ends_without_a_status_and_others_go_on() -> None:
    slow = Slow(gone=False)
    async with before(slow) as browser, asyncio.timeout(WAIT_S):
        shared = (await browser.connect("/streams", protocols=(mux.SUBPROTOCOL,))).ws
        heard: dict[int, bytes] = {1: b"", 2: b""}
        for number in heard:
            await shared.send_bytes(bytes((mux.OPEN, 0, 0, 0, number)) + METHOD.encode() + b"\r\n")
        await slow.called(2)
        slow.begin()
        ended: list[int] = []
        while len(ended) < 2:
            message = await shared.receive_bytes()
            number = message[4]
            if message[0] == mux.END:
                ended.append(number)
                slow.answer(1)
            elif message[0] == mux.DATA:
                heard[number] += message[5:]
                if heard[number].endswith(b"he"):
                    slow.give_up()
    assert ended == [1, 2]
    assert b"grpc-status" not in heard[1]
    assert heard[2].endswith(EMPTY + grpcweb.trailer_frame([("grpc-status", "0")]))
