"""Answers of gRPC-Web calls: bytes in are bytes out, and the status is always at the end of the body."""

import gzip
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import grpcweb, reply
from gateway.core.hpack import Field
from gateway.core.reply import Reply, Shape

OPENING: tuple[Field, ...] = ((":status", "200"), ("content-type", "application/grpc"))
OK: tuple[Field, ...] = (("grpc-status", "0"),)
UNARY = Shape(unary=True)
STREAM = Shape(unary=False)


@dataclass
class Written:
    """A sink that writes down."""

    out: bytes = b""
    code: int | None = None
    cut: int | None = None
    tries: list[bool] = field(default_factory=list)
    retry: bool = False
    ends: bool = False

    def write(self, data: bytes) -> None:
        self.out += data

    def ended(self, code: int) -> None:
        self.code = code

    def broken(self, code: int) -> None:
        self.cut = code

    def last(self) -> bool:
        return self.ends

    def again(self, processed: bool) -> bool:
        self.tries.append(processed)
        return self.retry

    @property
    def head(self) -> dict[str, str]:
        """Headers of the answer."""
        lines = self.out.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        assert lines[0] == "HTTP/1.1 200 OK"
        return dict(line.split(": ", 1) for line in lines[1:])

    @property
    def body(self) -> bytes:
        """Its body, without chunks."""
        body = self.out.partition(b"\r\n\r\n")[2]
        if self.head.get("transfer-encoding") != "chunked":
            assert int(self.head.get("content-length", str(len(body)))) == len(body)
            return body
        whole = b""
        while body:
            size, _, body = body.partition(b"\r\n")
            whole += body[: int(size, 16)]
            body = body[int(size, 16) + 2 :]
        return whole

    def frames(self) -> tuple[list[bytes], dict[str, str]]:
        """Messages and trailers."""
        reader = grpcweb.FrameReader(1 << 30)
        frames = reader.feed(self.body)
        assert not reader.pending
        assert frames[-1][0] == grpcweb.TRAILER
        return [payload for _, payload in frames[:-1]], dict(grpcweb.parse_fields(frames[-1][1]))


def answered(
    shape: Shape, *pieces: bytes, opening: tuple[Field, ...] = OPENING, trailers: tuple[Field, ...] = OK
) -> Written:
    """An answer whose data comes in these reads."""
    sink = Written()
    made = Reply(shape, sink)
    made.on_headers(opening, False)
    for piece in pieces:
        made.on_data(piece)
        made.flush()
    made.on_headers(trailers, True)
    made.flush()
    return sink


def test_a_unary_answer_is_one_message_with_a_length() -> None:
    sink = answered(UNARY, grpcweb.data_frame(b"hello"))
    assert sink.head == {"content-type": "application/grpc-web+proto", "content-length": str(len(sink.body))}
    assert sink.frames() == ([b"hello"], {"grpc-status": "0"})
    assert sink.code == 0


@given(st.lists(st.binary(max_size=200), max_size=8), st.booleans(), st.data())
def test_messages_come_out_as_they_went_in_however_they_are_cut(
    messages: list[bytes], text: bool, data: st.DataObject
) -> None:
    stream = b"".join(grpcweb.data_frame(message) for message in messages)
    pieces, at = [], 0
    while at < len(stream):
        step = data.draw(st.integers(1, len(stream) - at))
        pieces.append(stream[at : at + step])
        at += step
    sink = answered(replace(STREAM, text=text), *pieces)
    body = grpcweb.decode_text(sink.body) if text else sink.body
    assert body == stream + grpcweb.trailer_frame(OK)


def test_what_is_there_goes_out_before_the_end() -> None:
    sink = Written()
    made = Reply(STREAM, sink)
    made.flush()
    assert sink.out == b""
    made.on_headers(OPENING, False)
    made.flush()
    assert sink.head["transfer-encoding"] == "chunked"
    assert sink.body == b""
    made.on_data(grpcweb.data_frame(b"one"))
    made.flush()
    assert sink.body == grpcweb.data_frame(b"one")
    assert sink.code is None
    assert made.started


def test_nothing_new_is_nothing_to_send() -> None:
    sink = Written()
    made = Reply(STREAM, sink)
    made.on_headers(OPENING, False)
    made.on_data(grpcweb.data_frame(b"hello"))
    made.flush()
    before = sink.out
    made.flush()
    assert sink.out == before
    made.on_headers(OK, True)
    made.flush()
    assert sink.frames() == ([b"hello"], {"grpc-status": "0"})


def test_an_answer_of_nothing_but_trailers_has_them_in_its_body() -> None:
    sink = Written()
    made = Reply(UNARY, sink)
    trailers = (*OPENING, ("grpc-status", "5"), ("grpc-message", "no%20such"), ("x-more", "1"))
    made.on_headers(trailers, True)
    made.flush()
    assert sink.frames() == ([], {"grpc-status": "5", "grpc-message": "no%20such", "x-more": "1"})
    assert sink.head["x-more"] == "1"
    assert sink.code == 5


def test_metadata_is_passed_on_and_named_to_pages_of_other_origins() -> None:
    opening = (*OPENING, ("x-one", "1"), ("x-two-bin", "AAE"), ("connection", "close"), ("access-control-x", "no"))
    sink = answered(replace(UNARY, expose="grpc-status"), grpcweb.data_frame(b""), opening=opening)
    assert (sink.head["x-one"], sink.head["x-two-bin"]) == ("1", "AAE")
    assert sink.head["access-control-expose-headers"] == "grpc-status, x-one, x-two-bin"
    assert "connection" not in sink.head
    assert "access-control-x" not in sink.head


def test_header_lines_cannot_be_slipped_in() -> None:
    opening = (*OPENING, ("x-one", "1\r\nset-cookie: a"), ("x two", "1"))
    sink = answered(UNARY, grpcweb.data_frame(b""), opening=opening, trailers=(*OK, ("x-end", "1\r\nx-evil: 2")))
    assert set(sink.head) == {"content-type", "content-length"}
    assert sink.frames()[1] == {"grpc-status": "0"}


def test_http_1_0_gets_no_chunks_and_the_end_of_the_connection() -> None:
    sink = answered(
        replace(STREAM, chunked=False, keep_alive=False), grpcweb.data_frame(b"a"), grpcweb.data_frame(b"b")
    )
    assert sink.head["connection"] == "close"
    assert "transfer-encoding" not in sink.head
    assert sink.frames() == ([b"a", b"b"], {"grpc-status": "0"})


def test_the_kind_of_message_is_told() -> None:
    opening = ((":status", "200"), ("content-type", "application/grpc+json"))
    assert answered(UNARY, grpcweb.data_frame(b""), opening=opening).head["content-type"] == "application/grpc-web+json"


# -- compression --------------------------------------------------------------------------------------------------

PACKED: tuple[Field, ...] = (*OPENING, ("grpc-encoding", "gzip"))


def test_who_asked_for_gzip_gets_it_as_it_came() -> None:
    packed = grpcweb.frame(grpcweb.COMPRESSED, gzip.compress(b"hello"))
    sink = answered(replace(UNARY, gzip=True), packed, opening=PACKED)
    assert sink.head["grpc-encoding"] == "gzip"
    assert sink.body == packed + grpcweb.trailer_frame(OK)


def test_who_did_not_gets_it_inflated() -> None:
    packed = grpcweb.frame(grpcweb.COMPRESSED, gzip.compress(b"hello")) + grpcweb.data_frame(b"plain")
    sink = answered(STREAM, packed[:9], packed[9:], opening=PACKED)
    assert "grpc-encoding" not in sink.head
    assert sink.frames() == ([b"hello", b"plain"], {"grpc-status": "0"})


@pytest.mark.parametrize("payload", [b"no gzip", gzip.compress(b"hello")[:-3], gzip.compress(b"hello") + b"more"])
def test_what_cannot_be_inflated_is_the_server_s_fault(payload: bytes) -> None:
    sink = answered(UNARY, grpcweb.frame(grpcweb.COMPRESSED, payload), b"more", opening=PACKED)
    assert sink.frames()[0] == []
    assert sink.code == 13


@pytest.mark.parametrize("shape", [UNARY, STREAM])
def test_half_of_a_compressed_message_is_not_a_call_that_went_well(shape: Shape) -> None:
    packed = grpcweb.frame(grpcweb.COMPRESSED, gzip.compress(b"hello"))
    assert answered(shape, packed[:-1], opening=PACKED).code == 13
    assert answered(shape, packed[:-1], opening=PACKED, trailers=(("grpc-status", "9"),)).code == 9


def test_a_compression_that_nobody_knows_is_the_server_s_fault() -> None:
    sink = answered(UNARY, grpcweb.data_frame(b"x"), opening=(*OPENING, ("grpc-encoding", "brotli")))
    assert sink.code == 13


# -- faults -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code"),
    [("400", 13), ("401", 16), ("403", 7), ("404", 12), ("429", 14), ("502", 14), ("503", 14), ("504", 14), ("500", 2),
     ("?", 2)],
)  # fmt: skip
def test_an_http_status_becomes_a_status_of_grpc(status: str, code: int) -> None:
    sink = Written()
    made = Reply(UNARY, sink)
    made.on_headers(((":status", status), ("content-type", "text/html")), False)
    made.on_data(b"<html>")
    made.on_end()
    made.flush()
    assert (sink.code, sink.frames()[0]) == (code, [])


def test_another_content_type_is_no_grpc() -> None:
    assert answered(UNARY, b"<html>", opening=((":status", "200"), ("content-type", "text/html"))).code == 2


@pytest.mark.parametrize(("reset", "code"), [(0, 13), (1, 13), (2, 13), (7, 14), (8, 1), (11, 8), (12, 7), (99, 13)])
def test_a_reset_becomes_a_status(reset: int, code: int) -> None:
    sink = Written()
    made = Reply(UNARY, sink)
    made.on_reset(reset)
    made.on_reset(2)
    made.flush()
    made.flush()
    assert sink.frames()[1]["grpc-status"] == str(code)


@pytest.mark.parametrize(
    ("body", "trailers"),
    [(b"", OK), (grpcweb.data_frame(b"") * 2, OK), (grpcweb.data_frame(b"abc")[:-1], OK), (b"\0\0", OK)],
)
def test_a_unary_answer_is_exactly_one_message(body: bytes, trailers: tuple[Field, ...]) -> None:
    sink = answered(UNARY, body, trailers=trailers)
    assert (sink.code, sink.frames()[0]) == (13, [])


def test_of_a_failed_unary_call_no_message_is_passed_on() -> None:
    sink = answered(UNARY, grpcweb.data_frame(b"half"), trailers=(("grpc-status", "9"),))
    assert (sink.code, sink.frames()[0]) == (9, [])


def test_a_method_that_is_not_known_may_have_any_number_of_answers() -> None:
    shape = replace(STREAM, checked=False)
    assert answered(shape, grpcweb.data_frame(b"") * 2).frames()[0] == [b"", b""]
    assert answered(shape).frames()[0] == []


@pytest.mark.parametrize("status", ["", "x", "-1", "1234"])
def test_a_status_that_is_none_is_unknown(status: str) -> None:
    assert answered(UNARY, grpcweb.data_frame(b""), trailers=(("grpc-status", status),)).code == 2


def test_the_end_without_a_status_is_a_fault() -> None:
    sink = Written()
    made = Reply(UNARY, sink)
    made.on_headers(OPENING, False)
    made.on_end()
    made.flush()
    assert sink.code == 13


def test_headers_between_the_messages_are_a_fault() -> None:
    sink = Written()
    made = Reply(STREAM, sink)
    made.on_headers(OPENING, False)
    made.on_headers(OK, False)
    made.flush()
    assert sink.code == 13


def test_a_stream_that_is_lost_between_messages_ends_with_a_status() -> None:
    sink = Written()
    made = Reply(STREAM, sink)
    made.on_headers(OPENING, False)
    made.on_data(grpcweb.data_frame(b"one"))
    made.flush()
    made.on_lost()
    made.flush()
    assert sink.frames() == ([b"one"], {"grpc-status": "14", "grpc-message": "The server behind is gone."})
    assert sink.tries == []


@pytest.mark.parametrize("kept", [3, 7])
def test_a_stream_that_is_lost_inside_a_message_is_cut(kept: int) -> None:
    sink = Written()
    made = Reply(STREAM, sink)
    made.on_headers(OPENING, False)
    made.on_data(grpcweb.data_frame(b"hello")[:kept])
    made.flush()
    made.on_lost()
    made.flush()
    assert (sink.cut, sink.code) == (14, None)


def test_half_a_message_that_was_not_sent_yet_is_no_reason_to_cut() -> None:
    sink = Written()
    made = Reply(STREAM, sink)
    made.on_headers(OPENING, False)
    made.on_data(grpcweb.data_frame(b"hello")[:7])
    made.on_headers(OK, True)
    made.flush()
    assert (sink.frames()[0], sink.code) == ([], 13)


@pytest.mark.parametrize("ends", [True, False])
def test_the_last_answer_of_a_connection_says_so(ends: bool) -> None:
    sink = Written(ends=ends)
    made = Reply(UNARY, sink)
    made.on_headers(OPENING, False)
    made.on_data(grpcweb.data_frame(b"a"))
    made.on_headers(OK, True)
    made.flush()
    assert (sink.code, sink.head.get("connection")) == (0, "close" if ends else None)


@pytest.mark.parametrize(("event", "processed"), [("on_lost", True), ("on_unprocessed", False)])
def test_a_call_that_got_nowhere_may_be_sent_again(event: str, processed: bool) -> None:
    sink = Written(retry=True)
    made = Reply(UNARY, sink)
    getattr(made, event)()
    made.flush()
    assert (sink.tries, sink.out) == ([processed], b"")
    sink.retry = False
    getattr(made, event)()
    made.flush()
    assert sink.code == 14


def test_a_status_of_the_gateway_s_own_has_the_same_form() -> None:
    sink = Written()
    sink.out = reply.whole(replace(UNARY, expose="grpc-status", keep_alive=False), reply.failure(8, "too many", b"\1"))
    assert sink.head["connection"] == "close"
    assert sink.head["access-control-expose-headers"] == "grpc-status"
    assert sink.frames() == (
        [], {"grpc-status": "8", "grpc-message": "too many", "grpc-status-details-bin": "AQ"},
    )  # fmt: skip
    text = Written(out=reply.whole(replace(UNARY, text=True), OK))
    assert grpcweb.decode_text(text.body) == grpcweb.trailer_frame(OK)


def test_trailers_can_be_said_in_other_words() -> None:
    sink = Written()
    made = Reply(UNARY, sink, lambda trailers: (*trailers, ("x-seen", "1")))
    made.on_headers((*OPENING, *OK), True)
    made.on_data(grpcweb.data_frame(b""))
    made.flush()
    assert sink.frames()[1]["x-seen"] == "1"
