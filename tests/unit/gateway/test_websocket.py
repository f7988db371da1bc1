"""A server's reading of WebSocket frames: any cut gives the same messages, what breaks the rules has a code."""

import contextlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.websocket import (
    MAX_PIECES,
    PROTOCOL_ERROR,
    TOO_BIG,
    Close,
    Incoming,
    MessageReader,
    Ping,
    Text,
    WebSocketError,
    close_frame,
    ping_frame,
    pong_frame,
    unmasked,
)

MOST = 70_000
MASK = b"\x01\x80\xff\x00"


def masked(payload: bytes, opcode: int = 2, *, fin: bool = True, mask: bytes = MASK) -> bytes:
    """A client's frame."""
    size = len(payload)
    if size < 126:
        length = bytes((size | 0x80,))
    elif size < 65536:
        length = b"\xfe" + size.to_bytes(2, "big")
    else:
        length = b"\xff" + size.to_bytes(8, "big")
    return bytes((opcode | (0x80 if fin else 0),)) + length + mask + unmasked(payload, mask)


def read(data: bytes, cuts: list[int] | None = None) -> list[Incoming]:
    """What comes of bytes that arrive in pieces."""
    reader = MessageReader(MOST)
    places = [0, *sorted(cuts or []), len(data)]
    return [each for start, end in pairwise(places) for each in reader.feed(data[start:end])]


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_a_mask_taken_off_twice_is_no_mask(payload: bytes, mask: bytes) -> None:
    assert unmasked(payload, mask) == bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


@given(
    st.lists(st.one_of(st.binary(max_size=200), st.sampled_from([bytes(125), bytes(126), bytes(65_536)])), max_size=5),
    st.lists(st.integers(0, 1_000), max_size=8),
)
def test_any_cut_gives_the_same_messages(messages: list[bytes], cuts: list[int]) -> None:
    data = b"".join(map(masked, messages))
    assert read(data, [min(cut, len(data)) for cut in cuts]) == messages


def test_a_message_in_pieces_is_one_and_control_frames_come_in_between() -> None:
    data = (
        masked(b"one", fin=False) + masked(b"?", 9) + masked(b"", 0, fin=False) + masked(b" two", 0) + masked(b"next")
    )
    every = list(range(len(data)))
    assert read(data) == read(data, every) == [Ping(b"?"), b"one two", b"next"]


@given(st.integers(1, 4), st.integers(0, 2), st.lists(st.integers(0, 60), max_size=4))
def test_of_many_frames_as_many_are_taken_as_were_asked_for(most: int, turns: int, cuts: list[int]) -> None:
    words = [b"%d" % number for number in range(9)]
    data, reader = b"".join(map(masked, words)), MessageReader(MOST)
    found: list[Incoming] = []
    for start, end in pairwise([0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]):
        found += reader.feed(data[start:end], most)
        assert reader.frames <= most
        for _ in range(turns):  # more may come before all of it was taken
            found += reader.feed(b"", most) if reader.hasty else []
    while reader.hasty:
        found += reader.feed(b"", most)
    assert found == words


def test_a_message_may_come_in_many_pieces_but_not_in_any_number() -> None:
    pieces = masked(b"a", fin=False) + masked(b"a", 0, fin=False) * (MAX_PIECES - 2)
    assert read((pieces + masked(b"a", 0)) * 2) == [b"a" * MAX_PIECES] * 2
    with pytest.raises(WebSocketError) as caught:
        read(pieces + masked(b"", 0, fin=False) + masked(b"", 0))
    assert caught.value.code == TOO_BIG


def test_nothing_counts_after_the_close() -> None:
    assert read(masked(b"\x03\xe8", 8) + masked(b"more")) == [Close(1000)]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"", 1000),
        (b"\x03\xe8bye", 1000),
        (b"\x03", PROTOCOL_ERROR),
        (b"\x03\xed", PROTOCOL_ERROR),
        (b"\0\1", PROTOCOL_ERROR),
    ],
    ids=["nothing", "a code with words", "half a code", "a code that nobody says", "a code that is none"],
)
def test_a_close_has_the_code_that_it_may_have(said: bytes, code: int) -> None:
    assert read(masked(said, 8)) == [Close(code)]


def test_text_is_told_and_a_pong_is_nothing() -> None:
    assert read(masked(b"", 10) + masked(b"word", 1)) == [Text()]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x82\x01a", PROTOCOL_ERROR),
        (masked(b"a", 2 | 0x40), PROTOCOL_ERROR),
        (masked(b"a", 3), PROTOCOL_ERROR),
        (masked(b"a", 11), PROTOCOL_ERROR),
        (masked(b"a", 0), PROTOCOL_ERROR),
        (masked(b"a", fin=False) + masked(b"b"), PROTOCOL_ERROR),
        (masked(b"a", 9, fin=False), PROTOCOL_ERROR),
        (masked(bytes(126), 9), PROTOCOL_ERROR),
        (masked(bytes(MOST + 1)), TOO_BIG),
        (b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff", TOO_BIG),
        (masked(bytes(MOST), fin=False) + masked(b"b", 0), TOO_BIG),
    ],
    ids=[
        "not masked",
        "an extension",
        "an unknown kind",
        "an unknown control frame",
        "a piece of nothing",
        "a message inside another",
        "a ping in pieces",
        "a long ping",
        "too large",
        "says that it is large",
        "too large in pieces",
    ],
)
def test_what_breaks_the_rules_has_a_code(data: bytes, code: int) -> None:
    with pytest.raises(WebSocketError) as caught:
        read(data)
    assert caught.value.code == code


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_any_bytes_give_messages_or_an_error_and_what_is_held_is_bounded(pieces: list[bytes]) -> None:
    reader = MessageReader(100)
    with contextlib.suppress(WebSocketError):
        for piece in pieces:
            assert all(len(each) <= 100 for each in reader.feed(piece) if isinstance(each, bytes))
            assert len(reader._held) <= 200


@pytest.mark.parametrize("size", [5, 126, 65_536])
def test_a_frame_may_come_byte_by_byte(size: int) -> None:
    assert read(masked(bytes(size)), list(range(20))) == [bytes(size)]


def test_a_servers_frames_are_not_masked() -> None:
    assert (ping_frame(), pong_frame(b"a")) == (b"\x89\0", b"\x8a\x01a")
    assert close_frame(1009, "x" * 200) == b"\x88\x7d\x03\xf1" + b"x" * 123
