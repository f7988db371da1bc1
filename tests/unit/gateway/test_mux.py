"""Many calls on one socket: what is said on each, and room that none can do without."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import grpcweb, socket
from gateway.core.mux import (
    CANCEL,
    DATA,
    END,
    FIRST_ROOM,
    GIVEN_BYTES,
    MAX_CALLS,
    OPEN,
    ROOM,
    Cancelled,
    Failed,
    MuxError,
    Opened,
    Roomier,
    Said,
    ServerMux,
    unframed,
)
from gateway.core.socket import Finish, Headers

PATH = b"/a.B/C\r\nx-one: 1\r\n"


def said(kind: int, number: int, rest: bytes = b"") -> bytes:
    """A browser's message."""
    return bytes((kind,)) + number.to_bytes(4, "big") + rest


@pytest.fixture
def mux() -> ServerMux:
    """One with a call, number 7."""
    made = ServerMux(1_000_000)
    assert made.receive(said(OPEN, 7, PATH)) == Opened(7, "/a.B/C", Headers([("x-one", "1")]))
    return made


def test_messages_and_the_end_are_heard(mux: ServerMux) -> None:
    frame = grpcweb.data_frame(b"hello")
    assert mux.receive(said(DATA, 7, frame[:3])) == Said(7, [], 3)
    assert mux.receive(said(DATA, 7, frame[3:])) == Said(7, [b"hello"], len(frame) - 3)
    assert mux.receive(said(END, 7)) == Said(7, [Finish()], 0)


def test_what_is_no_message_fails_that_call_alone(mux: ServerMux) -> None:
    mux.receive(said(OPEN, 8, PATH))
    assert isinstance(mux.receive(said(DATA, 7, b"\xff\0\0\0\0")), Failed)
    assert isinstance(mux.receive(said(DATA, 8, grpcweb.trailer_frame([]))), Failed)
    mux.receive(said(OPEN, 9, PATH))
    mux.receive(said(DATA, 9, b"\0"))
    assert isinstance(mux.receive(said(END, 9)), Failed)
    mux.receive(said(OPEN, 10, PATH))
    mux.receive(said(END, 10))
    assert isinstance(mux.receive(said(DATA, 10, b"\0")), Failed)
    mux.receive(said(OPEN, 11, PATH))
    mux.receive(said(END, 11))
    assert isinstance(mux.receive(said(END, 11)), Failed)
    assert mux.open_calls == 5


def test_a_call_fails_once_however_much_else_is_said(mux: ServerMux) -> None:
    mux.receive(said(END, 7))
    assert isinstance(mux.receive(said(END, 7)), Failed)
    assert [mux.receive(said(kind, 7, rest)) for kind, rest in ((END, b""), (DATA, b"\0"), (END, b""))] == [None] * 3


def test_a_cancelled_call_is_forgotten_and_its_number_is_free(mux: ServerMux) -> None:
    assert mux.receive(said(CANCEL, 7)) == Cancelled(7)
    assert mux.receive(said(DATA, 7, b"late")) is None
    assert (mux.send(7, b"late"), mux.end(7), mux.give(7, 5), mux.waiting_bytes(7)) == ([], b"", b"", 0)
    assert isinstance(mux.receive(said(OPEN, 7, PATH)), Opened)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\1\0\0\0",
        said(9, 7),
        said(9, 8),
        said(OPEN, 7, PATH),
        said(OPEN, 8, b"/a.B/C\r\n" + b"x" * 20_000),
        said(OPEN, 8, b"/a.B/C\r\nno colon"),
        said(ROOM, 7, b"\0"),
        said(ROOM, 7, b"\xff\xff\xff\xff"),
        said(DATA, 7, bytes(FIRST_ROOM + 1)),
        said(DATA, 7),
    ],
)
def test_what_breaks_the_rules_of_the_socket_ends_it(mux: ServerMux, message: bytes) -> None:
    with pytest.raises(MuxError):
        mux.receive(message)


def test_a_socket_has_so_many_calls_at_once(mux: ServerMux) -> None:
    for number in range(100, 100 + MAX_CALLS - 1):
        mux.receive(said(OPEN, number, PATH))
    with pytest.raises(MuxError, match="too many"):
        mux.receive(said(OPEN, 1, PATH))


def test_room_is_given_back_as_messages_are_taken(mux: ServerMux) -> None:
    message = grpcweb.data_frame(bytes(100_000))
    mux.receive(said(DATA, 7, message))
    mux.receive(said(DATA, 7, message))
    assert mux.give(7, len(message)) == said(ROOM, 7, len(message).to_bytes(4, "big"))
    mux.receive(said(DATA, 7, message))
    with pytest.raises(MuxError, match="room"):
        mux.receive(said(DATA, 7, message))


def test_room_for_small_messages_is_given_back_in_larger_pieces_and_there_is_always_some(mux: ServerMux) -> None:
    message, room, told = grpcweb.data_frame(bytes(1_000)), FIRST_ROOM, 0
    for _ in range(2_000):
        mux.receive(said(DATA, 7, message))
        given_back = mux.give(7, len(message))
        room -= len(message)
        if given_back:
            told += 1
            room += int.from_bytes(given_back[5:], "big")
        assert room > FIRST_ROOM // 2
    assert told == 2_000 * len(message) // GIVEN_BYTES


@given(st.lists(st.binary(min_size=1, max_size=100_000), max_size=12), st.lists(st.integers(1, 200_000), max_size=12))
def test_a_browser_gets_what_it_has_room_for_and_in_the_end_all(pieces: list[bytes], rooms: list[int]) -> None:
    mux = ServerMux(1_000)
    mux.receive(said(OPEN, 7, PATH))
    got, room = b"", FIRST_ROOM

    def take(messages: list[bytes]) -> None:
        nonlocal got, room
        for message in messages:
            assert message[:5] == said(DATA, 7)
            room -= len(message) - 5
            got += message[5:]
        assert room >= 0

    for piece in pieces:
        take(mux.send(7, piece))
    for more in [*rooms, 2_000_000]:
        room += more
        assert mux.receive(said(ROOM, 7, more.to_bytes(4, "big"))) == Roomier(7)
        take(mux.ready(7))
    assert got == b"".join(pieces)
    assert mux.waiting_bytes(7) == 0
    assert mux.end(7) == said(END, 7)


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_any_bytes_mean_something_or_end_the_socket(messages: list[bytes]) -> None:
    mux = ServerMux(100)
    mux.receive(said(OPEN, 0, PATH))
    for message in messages:
        try:
            mux.receive(message)
        except MuxError:
            return
    assert mux.open_calls <= MAX_CALLS


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_what_is_in_a_frame_comes_out(size: int) -> None:
    assert unframed(socket.binary_frame(bytes(size))) == bytes(size)


def test_frames_that_were_joined_are_unframed_one_by_one() -> None:
    words = [b"", b"a", bytes(200), bytes(range(256)) * 300]
    assert unframed(b"".join(socket.binary_frame(word) for word in words)) == b"".join(words)
