"""What the browser of a call on `rushes-streams` says: in order, held where it is too much, with room given for it."""

import asyncio
import weakref
from typing import cast

import pytest

from gateway.core import grpcweb
from gateway.core.grpcweb import ProtocolError
from gateway.core.mux import END, GIVEN_BYTES, OPEN, ROOM, Failed, Said, ServerMux
from gateway.core.socket import Event, Finish
from gateway.http.mux import MuxEvents, MuxWriter, Out

LARGE = bytes(GIVEN_BYTES)


class Wire:
    """A socket of which nothing goes out; how often room was given is counted."""

    descriptor = -1
    rooms = 0

    def write(self, frame: bytes) -> None:
        """See Out."""
        assert frame[2] == ROOM
        self.rooms += 1


class Call:
    """One call, and what it says to whom its events flow."""

    def __init__(self) -> None:
        self.mux, self.wire = ServerMux(1 << 20), Wire()
        self.mux.receive(bytes((OPEN, 0, 0, 0, 7)) + b"/a/B\r\n")
        self.events = MuxEvents(MuxWriter(self.mux, 7, cast(Out, self.wire)))
        self.heard: list[Event] = []

    def say(self, *messages: bytes) -> None:
        """The browser says these at once."""
        rest = b"".join(map(grpcweb.data_frame, messages))
        said = self.mux.receive(bytes((1, 0, 0, 0, 7)) + rest)
        assert isinstance(said, Said)
        self.events.say(said)

    def take(self, event: Event) -> None:
        """One that begins with ! is not taken."""
        if isinstance(event, bytes) and event[:1] == b"!":
            raise ProtocolError("not that")
        self.heard.append(event)


@pytest.fixture
async def call() -> Call:
    """A call that has begun."""
    return Call()


async def test_what_came_before_it_flows_comes_first_and_nothing_is_lost(call: Call) -> None:
    call.say(b"one", b"two", b"three")
    assert await anext(call.events) == b"one"
    call.say(b"four")
    call.events.flow(call.take)
    call.say(b"five")
    said = call.mux.receive(bytes((END, 0, 0, 0, 7)))
    assert isinstance(said, Said)
    call.events.say(said)
    assert call.heard == [b"two", b"three", b"four", b"five", Finish()]


async def test_room_is_given_for_what_was_taken_and_not_before(call: Call) -> None:
    call.say(LARGE)
    assert await anext(call.events) == LARGE
    assert call.wire.rooms == 0
    call.events.flow(call.take)
    assert call.wire.rooms == 1
    call.say(LARGE)
    assert call.wire.rooms == 2


async def test_who_is_held_waits_and_gets_no_room_until_it_goes_on(call: Call) -> None:
    call.events.flow(call.take)
    assert call.events.hold()
    assert not call.events.hold()
    call.say(b"one")
    call.say(LARGE)
    assert (call.heard, call.wire.rooms) == ([], 0)
    call.events.go_on()
    assert (call.heard, call.wire.rooms) == ([b"one", LARGE], 1)


async def test_who_is_held_while_it_is_taken_waits_with_the_rest(call: Call) -> None:
    def take(event: Event) -> None:
        call.take(event)
        call.events.hold()

    call.events.flow(take)
    call.say(b"one", b"two")
    assert call.heard == [b"one"]
    call.events.go_on()
    assert call.heard == [b"one", b"two"]


@pytest.mark.parametrize("messages", [[LARGE], [LARGE, b"more"]], ids=["alone", "with more"])
async def test_for_what_held_its_call_room_is_given_once_that_goes_on(call: Call, messages: list[bytes]) -> None:
    call.events.flow(lambda _: cast(None, call.events.hold()))
    call.say(*messages)
    assert call.wire.rooms == 0
    call.events.go_on()
    if messages[1:]:
        call.events.go_on()
    assert call.wire.rooms == 1


async def test_for_what_ended_its_call_no_room_is_given(call: Call) -> None:
    finished = call.events.flow(lambda _: finished.set_result(None))
    call.say(LARGE)
    assert call.wire.rooms == 0


@pytest.mark.parametrize("messages", [[b"!" + LARGE], [b"!", b"more"]], ids=["alone", "with more"])
async def test_what_is_not_taken_is_the_end_and_no_room_is_given_any_more(call: Call, messages: list[bytes]) -> None:
    finished = call.events.flow(call.take)
    call.say(*messages)
    call.say(LARGE)
    assert (call.heard, call.wire.rooms) == ([], 0)
    with pytest.raises(ProtocolError, match="not that"):
        await finished


@pytest.mark.parametrize("flows", [False, True])
async def test_what_is_no_message_is_told_in_its_turn(call: Call, flows: bool) -> None:
    call.say(b"one")
    call.events.say(Failed(7, "a message after the end"))
    if flows:
        with pytest.raises(ProtocolError, match="after the end"):
            await call.events.flow(call.take)
        assert call.heard == [b"one"]
        return
    assert await anext(call.events) == b"one"
    with pytest.raises(ProtocolError, match="after the end"):
        await anext(call.events)


async def test_who_took_the_events_of_a_call_is_let_go_of_with_it(call: Call) -> None:
    taker = Call()
    left = weakref.ref(taker)
    call.events.flow(taker.take).cancel()
    del taker
    await asyncio.sleep(0)
    assert left() is None
