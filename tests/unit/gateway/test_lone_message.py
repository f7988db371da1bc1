"""The short way that nearly every read of a viewer's socket takes: it gives what the long way gives, for any bytes."""

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable
from typing import cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.core import grpcweb
from gateway.core.socket import Event, Finish, ServerSocket, lone_message
from gateway.core.websocket import MessageReader, WebSocketError
from gateway.http.websocket import TURN_FRAMES, TURN_S, WebSocketStream
from tests.unit.gateway.test_websocket import MASK
from tests.unit.gateway.test_websocket import masked as client_frame

MOST = 70_000
HEADERS = b"content-type: application/grpc-web+proto\r\n"


def masked(payload: bytes, first: int = 0x82, mask: bytes = MASK) -> bytes:
    """A client's frame that begins with any byte."""
    return bytes((first,)) + client_frame(payload, mask=mask)[1:]


def said(message: bytes) -> bytes:
    """What a client sends with a message of its call in it."""
    return b"\0" + grpcweb.data_frame(message)


def long_way(data: bytes, most: int) -> list[Event]:
    """What the bytes are by all the rules, in a call that is open; nothing, if something is left of them."""
    reader, call = MessageReader(most), ServerSocket(most)
    call.receive(HEADERS)
    try:
        events = [event for each in reader.feed(data) if isinstance(each, bytes) for event in call.receive(each)]
    except (WebSocketError, grpcweb.ProtocolError):
        return []
    return events if reader.between_messages and call.between_messages else []


SIZES = st.one_of(st.integers(0, 300), st.integers(65_500, 65_600), st.sampled_from([119, 120, MOST - 6, MOST - 5]))
MASKS = st.binary(min_size=4, max_size=4)


@given(SIZES, MASKS, st.binary(min_size=1, max_size=9))
def test_one_message_is_found_and_what_is_longer_goes_the_long_way(size: int, mask: bytes, word: bytes) -> None:
    message = (word * (size // len(word) + 1))[:size]
    found = lone_message(masked(said(message), mask=mask), MOST)
    assert found == (message if size + 6 < 65_536 else None)


@given(SIZES, MASKS, st.integers(0, 400))
def test_a_frame_that_is_too_large_goes_the_long_way(size: int, mask: bytes, most: int) -> None:
    data = masked(said(bytes(size)), mask=mask)
    assert (lone_message(data, most) is None) == (size + 6 > min(most, 65_535))


@given(SIZES, MASKS, st.integers(0, 13), st.integers(1, 255), st.integers(-3, 3))
def test_whatever_is_found_is_what_all_the_rules_say(size: int, mask: bytes, at: int, other: int, more: int) -> None:
    right = masked(said(bytes(size)), mask=mask)
    wrong = right[:at] + bytes((right[at % len(right)] ^ other,)) + right[at + 1 :]
    for data in (wrong, wrong[: len(wrong) + min(more, 0)], wrong + bytes(max(more, 0)), right + right):
        found = lone_message(data, MOST)
        assert found is None or long_way(data, MOST) == [found]


@given(st.binary(max_size=40))
@example(b"\x82\xfe\x00\x7c\x00\x00\x00\x7c\x00\x00\x00\x04" + bytes(120))  # a size of two bytes, taken for one
def test_any_bytes_are_one_message_or_go_the_long_way(data: bytes) -> None:
    found = lone_message(data, MOST)
    assert found is None or long_way(data, MOST) == [found]


class Wire:
    """A transport of which nothing goes out, with all that was asked of it."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.closing = False

    def get_extra_info(self, _name: str) -> object:
        """It has TLS: what is written comes here."""
        return self

    def is_closing(self) -> bool:
        """See asyncio.Transport."""
        return self.closing

    def get_write_buffer_size(self) -> int:
        """See asyncio.Transport."""
        return 0

    def can_write_eof(self) -> bool:
        """See asyncio.Transport."""
        return False

    def write(self, data: bytes) -> None:
        """See asyncio.Transport."""
        self.asked.append(data)

    def close(self) -> None:
        """See asyncio.Transport."""
        self.closing = True

    def abort(self) -> None:
        """See asyncio.Transport."""
        self.closing = True

    def pause_reading(self) -> None:
        """See asyncio.Transport."""
        self.asked.append("pause")

    def resume_reading(self) -> None:
        """See asyncio.Transport."""
        self.asked.append("resume")


class LongWay(WebSocketStream):
    """Never takes the short one."""

    __slots__ = ()

    def _look_ahead(self) -> None:
        pass


class Call:
    """A call whose messages flow. One that begins with ! is not taken."""

    def __init__(self, kind: type[WebSocketStream]) -> None:
        self.wire = Wire()
        self.stream = kind(cast(asyncio.Transport, self.wire), MOST, lambda _: None)
        self.events: list[Event] = []
        self.stream.data_received(masked(HEADERS))
        self.stream._events.clear()
        self.stream.flow(self._take)

    def _take(self, event: Event) -> None:
        if isinstance(event, bytes) and event[:1] == b"!":
            raise grpcweb.ProtocolError("not that")
        self.events.append(event)

    def end(self) -> tuple[object, ...]:
        """It is over: what came of it."""
        self.stream.connection_lost(None)
        return self.events, repr(self.stream.finished.exception()), self.wire.asked, self.wire.closing


def inside(message: bytes) -> tuple[bytes, bytes]:
    """A message in which another is, in two pieces: the second looks like a read of its own."""
    inner = masked(said(message))
    outer = masked(said(inner), mask=bytes(4))
    return outer.removesuffix(inner), inner


WORDS = st.sampled_from([b"", b"one", b"two", bytes(130), b"!"])
ONE = WORDS.map(lambda word: (masked(said(word)),))
READS = st.one_of(
    ONE,
    ONE,
    WORDS.map(inside),
    WORDS.map(lambda word: (masked(said(word)[:6]), masked(b"\0" + said(word)[6:]))),
    WORDS.map(lambda word: (masked(said(word), 0x02), masked(b"", 0x80))),
    st.sampled_from([(masked(b"?", 0x89),), (masked(b"", 0x8A),)]),
)
"""What a client may send, in the pieces in which it is read."""
LAST = st.one_of(
    st.sampled_from([masked(b"\x01"), masked(b"", 0x88), masked(b"text", 0x81), masked(said(b"one"), 0x02)]),
    st.sampled_from([masked(said(b"two")[:6]), masked(said(b"two"))[:-1], masked(b"\0\x80\0\0\0\0"), b""]),
    st.builds(masked, st.binary(max_size=20), st.integers(0, 255)),
    st.binary(max_size=9),
)
"""What ends it, or leaves something open."""


@pytest.mark.asyncio
@given(st.lists(READS, max_size=4), LAST, st.lists(READS, max_size=3), st.sets(st.integers(0, 8)))
@example([], masked(said(b"one"), 0x02), [(masked(said(b"two")),)], set())
async def test_a_socket_does_the_same_whichever_way_its_bytes_take(
    before: list[tuple[bytes, ...]], last: bytes, after: list[tuple[bytes, ...]], joined: set[int]
) -> None:
    calls = [Call(WebSocketStream), Call(LongWay)]
    held = b""
    for number, read in enumerate([*sum(before, ()), last, *sum(after, ())]):
        held += read
        if number not in joined:  # else it comes with the next
            for call in calls:
                call.stream.data_received(held)
            held = b""
    short, long = (call.end() for call in calls)
    assert short == long


class Clock:
    """A loop's clock that goes as it is told."""

    def __init__(self) -> None:
        self.now = asyncio.get_running_loop().time() + 1
        self.called: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        """See asyncio.AbstractEventLoop."""
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> asyncio.Handle:
        """See asyncio.AbstractEventLoop."""
        self.called.append((when, callback))
        return asyncio.get_running_loop().call_soon(lambda: None)


@pytest.fixture
async def hasty() -> AsyncIterator[tuple[Call, Clock]]:
    """A call, and its clock."""
    call, clock = Call(WebSocketStream), Clock()
    call.stream._loop = cast(asyncio.AbstractEventLoop, clock)
    yield call, clock
    call.end()


async def test_who_says_more_than_is_taken_at_a_time_waits_however_it_comes(hasty: tuple[Call, Clock]) -> None:
    call, clock = hasty
    sent = [b"%d" % number for number in range(2 * TURN_FRAMES)]
    for each in sent:
        call.stream.data_received(masked(said(each)))
    # As many before the clock is looked at, of which the headers were one, and as many after it.
    assert call.events == sent[:-1]
    assert call.wire.asked == ["pause"]
    clock.now += TURN_S
    next(callback for when, callback in clock.called if when == clock.now)()
    assert call.wire.asked == ["pause", "resume"]
    assert call.events == sent


async def test_who_says_much_without_haste_does_not_wait(hasty: tuple[Call, Clock]) -> None:
    call, clock = hasty
    for _ in range(5 * TURN_FRAMES):
        call.stream.data_received(masked(said(b"word")))
        clock.now += 2 * TURN_S / TURN_FRAMES
    assert call.events == [b"word"] * 5 * TURN_FRAMES
    assert call.wire.asked == []


async def test_who_has_said_the_last_word_is_not_heard_by_the_short_way_either(hasty: tuple[Call, Clock]) -> None:
    call, _ = hasty
    call.stream.data_received(masked(b"\x01"))
    call.stream.data_received(masked(said(b"more")))
    assert call.events == [Finish()]
    assert isinstance(call.stream.finished.exception(), grpcweb.ProtocolError)


async def test_who_took_the_events_of_a_socket_is_let_go_of_with_it() -> None:
    call = Call(WebSocketStream)
    stream, left = call.stream, weakref.ref(call)
    stream.connection_lost(None)
    del call
    assert left() is None
    assert stream.finished.done()


async def test_who_takes_the_events_of_a_socket_after_its_end_is_not_kept() -> None:
    stream, late = Call(WebSocketStream).stream, Call(WebSocketStream)
    for each in (stream, late.stream):
        each.connection_lost(None)
    left = weakref.ref(late)
    stream.flow(late._take)
    del late, each
    assert left() is None
