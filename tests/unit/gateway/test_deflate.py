"""Packed messages of WebSockets: what is agreed, what comes back, and what nobody gets to unpack."""

import contextlib
import zlib
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.deflate import AGREED, KEPT_BYTES, SMALL_BYTES, Pace, Pieces, agrees, packed_frame, stored, unpacked
from gateway.core.websocket import PACKED, PROTOCOL_ERROR, TOO_BIG, MessageReader, Text, WebSocketError
from tests.unit.gateway.test_websocket import masked

MOST = 70_000
TEXT = b"the same again and again, " * 200


def packed(payload: bytes, *, final: bool = False) -> bytes:
    """As a browser packs a message; `final`: with a last block, as RFC 7692 allows (7.2.3.4)."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    if final:
        return squeeze.compress(payload) + squeeze.flush() + b"\0"
    return (squeeze.compress(payload) + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]


def client(payload: bytes, *, first: bool = True, last: bool = True, opcode: int = 2) -> bytes:
    """A client's frame of a packed message."""
    data = bytearray(masked(payload, opcode if first else 0, fin=last))
    if first:
        data[0] |= 0x40
    return bytes(data)


def reader() -> MessageReader:
    """Of a client that may pack."""
    return MessageReader(MOST, unpacked)


@pytest.mark.parametrize(
    ("offered", "taken"),
    [
        ("permessage-deflate", True),
        ("permessage-deflate; client_max_window_bits", True),
        ("Permessage-Deflate; client_max_window_bits=12; server_no_context_takeover", True),
        ("x-other, permessage-deflate; client_no_context_takeover", True),
        ("permessage-deflate; server_max_window_bits=10", False),
        ("permessage-deflate; server_max_window_bits=10, permessage-deflate", True),
        ("permessage-deflate; server_max_window_bits=15", False),
        ("permessage-deflate; unheard_of", False),
        ("permessage-deflate; client_max_window_bits; client_max_window_bits=9", False),
        ("x-webkit-deflate-frame", False),
        ("", False),
    ],
)
def test_an_offer_is_taken_that_every_viewer_can_share_bytes_with(offered: str, taken: bool) -> None:
    assert agrees(offered) == taken
    assert agrees(AGREED)


def payload_of(frame: bytes) -> bytes:
    """What a browser makes of a packed frame."""
    assert frame[0] == PACKED
    return unpacked(frame[{126: 4, 127: 10}.get(frame[1], 2) :], 1 << 20)


@given(st.lists(st.tuples(st.binary(max_size=300).map(lambda each: each * 20), st.booleans()), min_size=1, max_size=12))
def test_a_message_of_pieces_reads_as_what_they_were(said: list[tuple[bytes, bool]]) -> None:
    pieces = Pieces()
    frame = packed_frame([pieces.of(data) if small else stored(data) for data, small in said])
    assert payload_of(frame) == b"".join(data for data, _ in said)


@pytest.mark.parametrize("size", [SMALL_BYTES, 65_535, 65_536, 200_000])
def test_a_piece_of_any_size_is_packed(size: int) -> None:
    data = (TEXT * 50)[:size]
    assert len(Pieces().of(data)) < size
    assert payload_of(packed_frame([Pieces().of(data)])) == data


@pytest.mark.parametrize("data", [b"a" * (SMALL_BYTES - 1), Random(1).randbytes(5_000), Random(1).randbytes(200_000)])
def test_what_is_small_or_gets_no_smaller_is_stored(data: bytes) -> None:
    assert Pieces().of(data) == stored(data)
    assert payload_of(packed_frame([stored(data)])) == data


@pytest.mark.parametrize("noise", [False, True], ids=["smaller", "not smaller"])
def test_what_goes_out_again_is_not_packed_again_and_not_all_is_kept(noise: bool) -> None:
    asked: list[int] = []

    def may(size_bytes: int) -> bool:
        asked.append(size_bytes)
        return True

    pieces = Pieces(may)
    size = KEPT_BYTES // 8
    many = [Random(seed).randbytes(size) if noise else bytes((seed,)) * size for seed in range(10)]
    assert [pieces.of(many[0]) for _ in range(3)] == [pieces.of(many[0])] * 3
    assert len(asked) == 1
    for data in many:
        pieces.of(data)
    pieces.of(many[0])
    assert len(asked) == len(many) + 1


def test_what_is_more_than_may_be_packed_is_stored() -> None:
    pace = Pace(10_000)
    assert [pace.take(4_000, 1.0) for _ in range(3)] == [True, True, False]
    assert pace.take(2_000, 1.0)
    assert [pace.take(5_000, 1.5), pace.take(1, 1.5)] == [True, False]
    assert [pace.take(10_000, 99.0), pace.take(1, 99.0)] == [True, False]
    assert Pieces(lambda size_bytes: size_bytes > len(TEXT)).of(TEXT) == stored(TEXT)


@pytest.mark.parametrize("final", [False, True])
def test_a_clients_packed_message_comes_whole_in_one_frame_or_in_pieces(final: bool) -> None:
    data = packed(TEXT, final=final)
    assert reader().feed(client(data)) == [TEXT]
    pieces = [
        client(data[:5], last=False),
        masked(data[5:9], 0, fin=False),
        client(data[9:], first=False),
    ]
    assert reader().feed(b"".join(pieces) + masked(b"as it is") + client(packed(b""))) == [TEXT, b"as it is", b""]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (client(packed(bytes(MOST + 1))), TOO_BIG),
        (client(packed(bytes(50_000_000))), TOO_BIG),
        (client(b"\xff" * 20), PROTOCOL_ERROR),
        (b"\xc0" + masked(b"")[1:], PROTOCOL_ERROR),
        (b"\xc9" + masked(b"ping")[1:], PROTOCOL_ERROR),
        (b"\xa2" + masked(b"other bits")[1:], PROTOCOL_ERROR),
    ],
    ids=["a byte too many", "a bomb", "not packed", "a packed continuation", "a packed ping", "another bit"],
)
def test_what_unpacks_to_too_much_or_to_nothing_is_refused(data: bytes, code: int) -> None:
    with pytest.raises(WebSocketError) as caught:
        reader().feed(data)
    assert caught.value.code == code


@given(st.binary(max_size=100), st.integers(0, len(packed(TEXT))), st.integers(0, 100))
def test_any_bytes_that_are_said_to_be_packed_give_a_message_or_an_error(noise: bytes, cut: int, most: int) -> None:
    whole = packed(TEXT)
    for data in (noise, whole[:cut], whole[:cut] + noise, noise + whole):
        with contextlib.suppress(WebSocketError):
            assert len(unpacked(data, most)) <= most


@given(st.text(st.sampled_from("permsag-dflt;=,_ 019"), max_size=40) | st.text(max_size=40))
def test_any_offer_is_taken_or_not(offered: str) -> None:
    assert agrees(offered) in (True, False)
    assert agrees(f"{offered}, permessage-deflate")


def test_who_has_not_agreed_to_it_does_not_pack() -> None:
    with pytest.raises(WebSocketError):
        MessageReader(MOST).feed(client(packed(TEXT)))


def test_packed_text_is_text() -> None:
    assert reader().feed(client(packed(b"hello"), opcode=1)) == [Text()]


def test_what_unpacks_to_much_counts_as_many_frames() -> None:
    bombs = client(packed(bytes(MOST))) * 10
    bounded = reader()
    taken = [len(bounded.feed(bombs if not turn else b"", 10)) for turn in range(10)]
    assert max(taken) < 4
    assert sum(taken) == 10
    assert bounded.feed(client(packed(b"small")) * 5, 10) == [b"small"] * 5
