"""Header blocks without a dynamic table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import huffman
from gateway.core.hpack import MAX_CACHED, MAX_CACHED_BYTES, Decoder, HeaderError, encode

TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=200)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=150)


@given(st.lists(st.tuples(NAMES, TEXT), max_size=8))
def test_fields_come_out_as_they_went_in(fields: list[tuple[str, str]]) -> None:
    assert list(Decoder().decode(encode(fields))) == fields


@given(st.lists(st.tuples(NAMES, TEXT), max_size=4), st.lists(st.tuples(NAMES, TEXT), max_size=4))
def test_parts_of_a_block_can_be_joined(one: list[tuple[str, str]], two: list[tuple[str, str]]) -> None:
    assert encode(one) + encode(two) == encode([*one, *two])


def test_what_the_static_table_has_is_short() -> None:
    fields = [(":method", "POST"), ("content-type", "application/grpc")]
    assert encode(fields)[0] == 0x83
    assert list(Decoder().decode(encode(fields))) == fields


def test_a_secret_is_never_to_be_put_into_a_table() -> None:
    assert encode([("authorization", "Bearer x")])[0] & 0xF0 == 0x10


def test_a_block_seen_before_is_the_same_tuple() -> None:
    decoder = Decoder()
    block = encode([("grpc-status", "0")])
    assert decoder.decode(block) is decoder.decode(block)


def test_memory_of_blocks_is_bounded_and_large_ones_are_not_kept() -> None:
    decoder = Decoder()
    large = encode([("x-large", "y" * MAX_CACHED_BYTES)])
    assert decoder.decode(large) is not decoder.decode(large)
    first = encode([("x-number", "first")])
    kept = decoder.decode(first)
    for number in range(MAX_CACHED):
        decoder.decode(encode([("x-number", str(number))]))
    again = decoder.decode(first)
    assert again == kept
    assert again is not kept


def test_fields_of_the_rfc_with_huffman_are_read() -> None:
    # RFC 7541, C.4.1
    block = bytes.fromhex("828684418cf1e3c2e5f23a6ba0ab90f4ff")
    assert dict(Decoder().decode(block)) == {
        ":method": "GET", ":scheme": "http", ":path": "/", ":authority": "www.example.com",
    }  # fmt: skip


def test_a_table_of_no_size_is_agreed_to() -> None:
    assert Decoder().decode(b"\x20\x88") == ((":status", "200"),)


@pytest.mark.parametrize(
    "block",
    [
        b"\x3f\xe1\x1f",  # a table of 4,096 bytes
        b"\xbe",  # the first entry of a table that is empty
        b"\x80",
        b"\x00",
        b"\x00\x05abc",
        b"\x00\x03abc",
        b"\x7f",
        b"\x7f\xff\xff\xff\xff\xff\x01",
        b"\x00\x81\x00\x00",  # Huffman: a code that is not whole
        b"\x00\x84\xff\xff\xff\xff\x00",  # Huffman: the end of all texts, inside of one
    ],
)
def test_a_block_that_is_broken_or_needs_a_table_is_refused(block: bytes) -> None:
    with pytest.raises(HeaderError):
        Decoder().decode(block)


@given(st.binary(max_size=100))
def test_any_bytes_give_fields_or_an_error(block: bytes) -> None:
    try:
        fields = Decoder().decode(block)
    except HeaderError:
        return
    assert all(isinstance(name, str) and isinstance(value, str) for name, value in fields)


@given(st.binary(max_size=40))
def test_any_bits_give_a_text_or_an_error(data: bytes) -> None:
    try:
        text = huffman.decode(data)
    except huffman.HuffmanError:
        return
    assert len(text) <= len(data) * 8 / 5
