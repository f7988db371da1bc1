"""gRPC-Web framing and the grpc-websockets subprotocol."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import grpcweb, socket
from gateway.core.grpcweb import DATA, TRAILER, FrameReader, ProtocolError
from gateway.core.socket import Finish, Headers, ServerSocket


@given(st.lists(st.binary(max_size=300), max_size=8), st.data())
def test_frames_come_out_as_they_went_in_however_they_are_cut(messages: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(grpcweb.data_frame(message) for message in messages)
    reader, out, at = FrameReader(300), [], 0
    while at < len(stream):
        step = data.draw(st.integers(1, len(stream) - at))
        out += reader.feed(stream[at : at + step])
        at += step
    assert out == [(DATA, message) for message in messages]
    assert reader.pending == 0


@given(st.binary(max_size=200))
def test_any_bytes_give_frames_or_a_protocol_error(data: bytes) -> None:
    reader = FrameReader(64)
    try:
        frames = reader.feed(data)
    except ProtocolError:
        return
    assert all(len(payload) <= 64 for _, payload in frames)


def test_a_frame_larger_than_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(ProtocolError, match="larger"):
        FrameReader(10).feed(b"\x00\xff\xff\xff\xff")


def test_a_compressed_frame_is_refused() -> None:
    with pytest.raises(ProtocolError, match="compressed"):
        FrameReader(10).feed(grpcweb.frame(grpcweb.COMPRESSED, b"x"))


def test_trailers_say_status_message_and_details() -> None:
    fields = grpcweb.status_trailers(5, "not här\n", b"\x08\x05")
    ((flag, block),) = FrameReader(1000).feed(grpcweb.trailer_frame(fields))
    assert flag == TRAILER
    parsed = dict(grpcweb.parse_fields(block))
    assert parsed["grpc-status"] == "5"
    assert parsed["grpc-message"] == "not h%C3%A4r%0A"
    assert grpcweb.decode_binary(parsed["grpc-status-details-bin"]) == b"\x08\x05"


def test_a_status_without_words_is_its_code_alone() -> None:
    assert grpcweb.status_trailers(0, "") == [("grpc-status", "0")]


@given(st.binary(max_size=64))
def test_binary_metadata_survives(value: bytes) -> None:
    assert grpcweb.decode_binary(grpcweb.encode_binary(value)) == value


def test_metadata_that_is_not_base64_is_refused() -> None:
    with pytest.raises(ProtocolError):
        grpcweb.decode_binary("!!!")


def test_a_value_cannot_begin_a_line_of_its_own() -> None:
    block = grpcweb.trailer_frame([("grpc-message", "a\r\ngrpc-status: 0")])
    assert len(grpcweb.parse_fields(block[5:])) == 1


def test_a_header_line_without_a_name_is_refused() -> None:
    with pytest.raises(ProtocolError):
        grpcweb.parse_fields(b"no colon here\r\n")


def open_socket(limit: int = 100) -> ServerSocket:
    call = ServerSocket(limit)
    (event,) = call.receive(b"content-type: application/grpc-web+proto\r\nX-Grpc-Web: 1\r\n")
    assert event == Headers([("content-type", "application/grpc-web+proto"), ("x-grpc-web", "1")])
    return call


def test_a_call_is_headers_then_messages_then_finish() -> None:
    call = open_socket()
    one = grpcweb.data_frame(b"one")
    assert call.receive(b"\x00" + one + grpcweb.data_frame(b"")) == [b"one", b""]
    assert call.receive(b"\x00" + one[:4]) == []
    assert call.receive(b"\x00" + one[4:]) == [b"one"]
    assert call.receive(b"\x01") == [Finish()]


@given(st.binary(max_size=300))
def test_a_frame_in_a_message_is_a_message(payload: bytes) -> None:
    call = open_socket()
    assert call.receive(b"\0" + grpcweb.data_frame(payload)) == [payload]


@pytest.mark.parametrize(
    "messages",
    [
        [b""],
        [b"\x02x"],
        [b"\x01more"],
        [b"\x00\x00\x00\x00\x00\x05ab", b"\x01"],
        [b"\x01", b"\x01"],
        [b"\x00" + grpcweb.trailer_frame([("a", "b")])],
        [b"\x00\x00\x00\x01\x00\x00"],
    ],
)
def test_messages_out_of_place_are_refused(messages: list[bytes]) -> None:
    call = open_socket()
    with pytest.raises(ProtocolError):
        _receive_all(call, messages)


def _receive_all(call: ServerSocket, messages: list[bytes]) -> None:
    for message in messages:
        call.receive(message)


def test_headers_that_are_too_large_are_refused() -> None:
    with pytest.raises(ProtocolError):
        ServerSocket(10).receive(b"a: b\r\n" * 4000)


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_any_messages_give_events_or_a_protocol_error(messages: list[bytes]) -> None:
    call = ServerSocket(32)
    for message in messages:
        try:
            events = call.receive(message)
        except ProtocolError:
            return
        assert all(isinstance(event, Headers | bytes | Finish) for event in events)


@pytest.mark.parametrize(("size", "head"), [(0, 2), (125, 2), (126, 4), (65535, 4), (65536, 10)])
def test_a_websocket_frame_has_the_shortest_length_that_fits(size: int, head: int) -> None:
    frame = socket.binary_frame(b"x" * size)
    assert frame[0] == 0x82
    assert len(frame) == head + size
    length = frame[1] if head == 2 else int.from_bytes(frame[2:head], "big")
    assert length == size


def test_a_servers_first_message_is_its_headers() -> None:
    ((flag, block),) = FrameReader(1000).feed(socket.headers())
    assert flag == TRAILER
    assert grpcweb.parse_fields(block) == [("content-type", "application/grpc-web+proto")]


# -- one message, text mode, compression --------------------------------------------------------------------------


@given(st.binary(max_size=300))
def test_the_only_message_passes_as_it_is(message: bytes) -> None:
    frame = grpcweb.data_frame(message)
    assert grpcweb.only_message(frame, 300) is frame


@pytest.mark.parametrize(
    "body",
    [b"", b"\0\0\0\0", b"\0\0\0\0\1", b"\0\0\0\0\1ab", b"\0\0\0\0\0" * 2, b"\2\0\0\0\0", b"\x80\0\0\0\0"],
)
def test_a_body_that_is_not_one_message_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError, match="exactly one"):
        grpcweb.only_message(body, 100)


def test_a_message_is_too_large_as_it_comes_or_once_it_is_inflated() -> None:
    with pytest.raises(grpcweb.TooLarge):
        grpcweb.only_message(grpcweb.data_frame(bytes(101)), 100)
    packed = grpcweb.frame(grpcweb.COMPRESSED, gzip.compress(bytes(101)))
    with pytest.raises(grpcweb.TooLarge):
        grpcweb.only_message(packed, 100, "gzip")
    assert grpcweb.only_message(packed, 101, "gzip") == grpcweb.data_frame(bytes(101))


def test_a_compressed_message_that_nothing_explains_is_refused() -> None:
    with pytest.raises(ProtocolError, match="says how"):
        grpcweb.only_message(grpcweb.frame(grpcweb.COMPRESSED, b"x"), 100)


@pytest.mark.parametrize(("text", "known"), [("", "identity"), (" GZIP ", "gzip"), ("deflate", "deflate")])
def test_encodings_are_known_by_name(text: str, known: str) -> None:
    assert grpcweb.check_encoding(text) == known


def test_an_encoding_that_is_not_known_is_refused() -> None:
    with pytest.raises(grpcweb.UnknownEncoding):
        grpcweb.check_encoding("snappy")


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_text_mode_takes_pieces_each_with_its_padding(pieces: list[bytes]) -> None:
    text = b"".join(grpcweb.encode_text(piece) for piece in pieces)
    assert grpcweb.decode_text(text) == b"".join(pieces)


@given(st.binary(max_size=60))
def test_any_text_is_read_or_refused(text: bytes) -> None:
    try:
        out = grpcweb.decode_text(text)
    except ProtocolError:
        return
    assert len(out) <= len(text)


@given(st.binary(max_size=100), st.sampled_from(["gzip", "deflate"]))
def test_any_bytes_are_inflated_or_refused(payload: bytes, encoding: str) -> None:
    try:
        plain = grpcweb.inflate(payload, encoding, 50)
    except ProtocolError:
        return
    assert len(plain) <= 50


def test_a_bomb_that_hides_its_size_is_not_inflated_past_the_limit() -> None:
    honest = gzip.compress(bytes(10_000))
    hidden = honest[:-4] + (10).to_bytes(4, "little")
    for bomb in (honest, hidden):
        with pytest.raises(grpcweb.TooLarge):
            grpcweb.inflate(bomb, "gzip", 5_000)
    with pytest.raises(grpcweb.ProtocolError):
        grpcweb.inflate(hidden, "gzip", 10_000)
    assert grpcweb.inflate(honest, "gzip", 10_000) == bytes(10_000)
