"""The client's side of HTTP/2, against a peer that is written down frame by frame."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import hpack, http2
from gateway.core.hpack import Field
from gateway.core.http2 import CONNECTION_WINDOW, FRAME_BYTES, STREAM_WINDOW, Connection, Http2Error

DATA, HEADERS, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 5, 6, 7, 8, 9
END, ACK, END_HEADERS, PADDED, PRIORITY = 1, 1, 4, 8, 32
BLOCK = hpack.encode([(":method", "POST"), (":path", "/a.B/C")])
OPENING = hpack.encode([(":status", "200"), ("content-type", "application/grpc")])
TRAILERS = hpack.encode([("grpc-status", "0")])


class Heard:
    """A receiver that writes down what it is told."""

    def __init__(self) -> None:
        self.events: list[object] = []
        self.flushes = 0

    def on_headers(self, fields: tuple[Field, ...], end: bool) -> None:
        self.events.append(("headers", dict(fields), end))

    def on_data(self, data: bytes) -> None:
        self.events.append(data)

    def on_end(self) -> None:
        self.events.append("end")

    def on_reset(self, code: int) -> None:
        self.events.append(("reset", code))

    def on_unprocessed(self) -> None:
        self.events.append("unprocessed")

    def on_lost(self) -> None:
        self.events.append("lost")

    def flush(self) -> None:
        self.flushes += 1


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame of the peer's."""
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def settings(*pairs: tuple[int, int]) -> bytes:
    """The peer's settings."""
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in pairs))


def sent(connection: Connection) -> list[tuple[int, int, int, bytes]]:
    """What the connection has said since: (kind, flags, stream, payload)."""
    stream = b"".join(connection.out).removeprefix(http2.PREFACE)
    connection.out.clear()
    frames = []
    while stream:
        size = int.from_bytes(stream[:3], "big")
        frames.append((stream[3], stream[4], int.from_bytes(stream[5:9], "big"), stream[9 : 9 + size]))
        stream = stream[9 + size :]
    return frames


@pytest.fixture
def connection() -> Connection:
    """One whose peer has given its settings."""
    made = Connection()
    made.receive(settings((3, 100)))
    made.out.clear()
    return made


def test_it_begins_with_the_preface_and_offers_no_table_and_no_push() -> None:
    connection = Connection()
    assert b"".join(connection.out).startswith(http2.PREFACE)
    (kind, _, _, payload), *_ = sent(connection)
    offered = {struct.unpack_from(">HI", payload, at) for at in range(0, len(payload), 6)}
    assert kind == SETTINGS
    assert {(1, 0), (2, 0), (4, STREAM_WINDOW)} <= offered
    assert not connection.settled


def test_settings_are_acknowledged_and_say_how_many_streams() -> None:
    connection = Connection()
    sent(connection)
    connection.receive(settings((3, 7), (99, 1)))
    assert connection.max_streams == 7
    assert sent(connection) == [(SETTINGS, ACK, 0, b"")]
    unlimited = Connection()
    unlimited.receive(settings() + frame(SETTINGS, ACK, 0))
    assert unlimited.max_streams > 1_000_000


def test_a_call_is_one_write_and_its_answer_comes_event_by_event(connection: Connection) -> None:
    heard = Heard()
    connection.open(BLOCK, b"message", heard)
    assert len(connection.out) == 1
    assert sent(connection) == [(HEADERS, END_HEADERS, 1, BLOCK), (DATA, END, 1, b"message")]
    answer = frame(HEADERS, END_HEADERS, 1, OPENING) + frame(DATA, 0, 1, b"re") + frame(DATA, 0, 1, b"ply")
    connection.receive(answer + frame(HEADERS, END_HEADERS | END, 1, TRAILERS))
    assert heard.events == [
        ("headers", {":status": "200", "content-type": "application/grpc"}, False),
        b"re",
        b"ply",
        ("headers", {"grpc-status": "0"}, True),
    ]
    assert heard.flushes == 1
    assert (connection.open_streams, connection.out) == (0, [])


@given(st.data())
def test_an_answer_can_be_cut_anywhere(data: st.DataObject) -> None:
    connection, heard = Connection(), Heard()
    connection.open(BLOCK, b"", heard)
    stream = settings() + frame(HEADERS, END_HEADERS, 1, OPENING)
    stream += b"".join(frame(DATA, 0, 1, bytes([one])) for one in range(20))
    stream += frame(HEADERS, END_HEADERS | END, 1, TRAILERS)
    at = 0
    while at < len(stream):
        step = data.draw(st.integers(1, len(stream) - at))
        connection.receive(stream[at : at + step])
        at += step
    assert b"".join(event for event in heard.events if isinstance(event, bytes)) == bytes(range(20))
    assert heard.events[-1] == ("headers", {"grpc-status": "0"}, True)


def test_padding_priority_and_continuations_are_read(connection: Connection) -> None:
    heard = Heard()
    connection.open(BLOCK, b"", heard)
    connection.receive(frame(HEADERS, PADDED | PRIORITY, 1, b"\2" + bytes(5) + OPENING[:1] + b"\0\0"))
    connection.receive(frame(CONTINUATION, 0, 1, OPENING[1:2]) + frame(CONTINUATION, END_HEADERS, 1, OPENING[2:]))
    connection.receive(frame(DATA, PADDED | END, 1, b"\3abc" + bytes(3)))
    assert heard.events[1:] == [b"abc", "end"]


def test_informational_headers_are_passed_over(connection: Connection) -> None:
    heard = Heard()
    connection.open(BLOCK, b"", heard)
    connection.receive(frame(HEADERS, END_HEADERS, 1, hpack.encode([(":status", "103")])))
    assert heard.events == []


def test_frames_of_kinds_that_are_not_known_are_passed_over(connection: Connection) -> None:
    connection.receive(frame(0x20, 0xFF, 0, b"whatever") + frame(0x20, 0, 99))
    assert sent(connection) == []


def test_room_for_calls_that_are_over_or_wait_for_none_changes_nothing(connection: Connection) -> None:
    stream = connection.open(b"", b"", Heard())
    sent(connection)
    room = struct.pack(">I", 10)
    connection.receive(frame(8, 0, stream.id, room) + frame(8, 0, stream.id + 2, room) + settings((4, 70_000)))
    assert [kind for kind, *_ in sent(connection)] == [SETTINGS]


def test_an_end_without_data_is_an_end(connection: Connection) -> None:
    heard = Heard()
    stream = connection.open(b"", b"", heard)
    connection.receive(frame(0, 1, stream.id))
    assert heard.events == ["end"]


def test_a_large_head_goes_in_pieces(connection: Connection) -> None:
    block = hpack.encode([("x", "y" * 40_000)])
    connection.open(block, b"", Heard())
    frames = sent(connection)
    assert [kind for kind, *_ in frames] == [HEADERS, CONTINUATION, CONTINUATION, DATA]
    assert [flags for _, flags, *_ in frames] == [0, 0, END_HEADERS, END]
    assert b"".join(payload for *_, payload in frames) == block


def test_a_body_goes_as_fast_as_the_peer_takes_it(connection: Connection) -> None:
    body = bytes(200_000)
    stream = connection.open(BLOCK, body, Heard())
    first = sent(connection)
    assert sum(len(payload) for kind, *_, payload in first if kind == DATA) == 65_535
    assert all(len(payload) <= FRAME_BYTES for *_, payload in first)
    assert connection.waiting_bytes(stream) == 200_000 - 65_535
    connection.receive(frame(WINDOW, 0, 1, (100_000).to_bytes(4, "big")))
    assert sent(connection) == []  # the connection's own window is used up
    connection.receive(frame(WINDOW, 0, 0, (1_000_000).to_bytes(4, "big")))
    assert sum(len(payload) for *_, payload in sent(connection)) == 100_000
    connection.receive(settings((4, 1_000_000), (5, 1 << 20)))
    rest = [one for one in sent(connection) if one[0] == DATA]
    assert sum(len(payload) for *_, payload in rest) == 200_000 - 165_535
    assert rest[-1][1] == END


def test_a_call_of_many_messages_ends_when_it_is_told_to(connection: Connection) -> None:
    stream = connection.open(BLOCK, b"one", Heard(), end=False)
    connection.send(stream, b"two")
    connection.send(stream, b"", end=True)
    assert [one[1:] for one in sent(connection) if one[0] == DATA] == [(0, 1, b"one"), (0, 1, b"two"), (END, 1, b"")]


def test_room_is_given_back_as_data_comes(connection: Connection) -> None:
    heard = Heard()
    connection.open(BLOCK, b"", heard)
    sent(connection)
    for _ in range(CONNECTION_WINDOW // FRAME_BYTES):
        connection.receive(frame(DATA, 0, 1, bytes(FRAME_BYTES)))
    given_back = {0: 0, 1: 0}
    for kind, _, stream, payload in sent(connection):
        assert kind == WINDOW
        given_back[stream] += int.from_bytes(payload, "big")
    assert given_back[0] > CONNECTION_WINDOW // 3
    assert given_back[1] > CONNECTION_WINDOW // 3


def test_a_stream_that_is_held_gets_no_more_room(connection: Connection) -> None:
    stream = connection.open(BLOCK, b"", Heard())
    sent(connection)
    connection.hold(stream, True)
    for _ in range(STREAM_WINDOW // FRAME_BYTES):
        connection.receive(frame(DATA, 0, 1, bytes(FRAME_BYTES)))
    assert [one for one in sent(connection) if one[2] == 1] == []
    connection.hold(stream, False)
    assert sent(connection) == [(WINDOW, 0, 1, STREAM_WINDOW.to_bytes(4, "big"))]
    connection.hold(stream, True)
    with pytest.raises(Http2Error, match="room"):
        connection.receive(frame(DATA, 0, 1, bytes(FRAME_BYTES)) * 65)


def test_who_is_let_go_on_without_having_taken_anything_gets_no_more_room(connection: Connection) -> None:
    stream = connection.open(BLOCK, b"", Heard())
    sent(connection)
    connection.hold(stream, True)
    connection.hold(stream, False)
    assert sent(connection) == []


def test_who_is_cancelled_hears_nothing_more(connection: Connection) -> None:
    heard = Heard()
    stream = connection.open(BLOCK, bytes(100_000), heard)
    sent(connection)
    connection.cancel(stream)
    connection.cancel(stream)
    assert sent(connection) == [(RST, 0, 1, (8).to_bytes(4, "big"))]
    connection.receive(frame(DATA, 0, 1, b"late") + frame(HEADERS, END_HEADERS | END, 1, TRAILERS))
    connection.receive(frame(RST, 0, 1, bytes(4)) + frame(WINDOW, 0, 1, b"\0\0\1\0"))
    assert heard.events == []
    assert heard.flushes == 0


def test_an_answer_before_the_question_is_whole_ends_both(connection: Connection) -> None:
    connection.open(BLOCK, bytes(100_000), Heard())
    sent(connection)
    connection.receive(frame(HEADERS, END_HEADERS | END, 1, TRAILERS))
    assert sent(connection) == [(RST, 0, 1, (8).to_bytes(4, "big"))]
    connection.receive(frame(WINDOW, 0, 0, (1_000_000).to_bytes(4, "big")))
    assert sent(connection) == []


@pytest.mark.parametrize(("code", "event"), [(7, "unprocessed"), (2, ("reset", 2)), (8, ("reset", 8))])
def test_a_reset_says_whether_the_call_may_go_elsewhere(connection: Connection, code: int, event: object) -> None:
    heard = Heard()
    connection.open(BLOCK, b"", heard)
    connection.receive(frame(RST, 0, 1, code.to_bytes(4, "big")))
    assert (heard.events, heard.flushes) == ([event], 1)


def test_a_refusal_after_the_answer_began_is_a_reset(connection: Connection) -> None:
    heard = Heard()
    connection.open(BLOCK, b"", heard)
    connection.receive(frame(HEADERS, END_HEADERS, 1, OPENING) + frame(RST, 0, 1, (7).to_bytes(4, "big")))
    assert heard.events[-1] == ("reset", 7)


def test_whoever_goes_away_finishes_what_it_has_begun(connection: Connection) -> None:
    one, two = Heard(), Heard()
    connection.open(BLOCK, b"", one)
    connection.open(BLOCK, b"", two)
    connection.receive(frame(GOAWAY, 0, 0, (1).to_bytes(4, "big") + bytes(4) + b"bye"))
    assert two.events == ["unprocessed"]
    assert not connection.available
    connection.receive(frame(HEADERS, END_HEADERS | END, 1, TRAILERS))
    assert one.events == [("headers", {"grpc-status": "0"}, True)]
    assert connection.open_streams == 0


def test_a_connection_that_is_gone_tells_every_call(connection: Connection) -> None:
    heard = [Heard(), Heard()]
    for one in heard:
        connection.open(BLOCK, b"", one)
    connection.lost()
    assert [one.events for one in heard] == [["lost"], ["lost"]]
    assert not connection.available


def test_as_many_streams_as_the_peer_allows(connection: Connection) -> None:
    connection.receive(settings((3, 2)))
    connection.open(BLOCK, b"", Heard())
    assert connection.available
    connection.open(BLOCK, b"", Heard())
    assert not connection.available


def test_pings_are_answered_and_asked(connection: Connection) -> None:
    connection.receive(frame(PING, 0, 0, b"12345678") + frame(PING, ACK, 0, b"87654321"))
    connection.ping(b"abcdefgh")
    assert sent(connection) == [(PING, ACK, 0, b"12345678"), (PING, 0, 0, b"abcdefgh")]


@pytest.mark.parametrize(
    "bad",
    [
        frame(DATA, 0, 1, bytes(FRAME_BYTES + 1)),
        frame(DATA, 0, 0, b"x"),
        frame(DATA, 0, 9, b"x"),
        frame(DATA, PADDED, 1, b"\5abc"),
        frame(DATA, PADDED, 1, b""),
        frame(HEADERS, END_HEADERS, 9, OPENING),
        frame(HEADERS, END_HEADERS, 0, OPENING),
        frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\xff"),
        frame(HEADERS, END_HEADERS | PRIORITY, 1, b"abc"),
        frame(HEADERS, 0, 1, OPENING) + frame(DATA, 0, 1, b"x"),
        frame(HEADERS, 0, 1, OPENING) + frame(CONTINUATION, 0, 3, b"x"),
        frame(HEADERS, 0, 1, OPENING) + frame(CONTINUATION, 0, 1, bytes(FRAME_BYTES)) * 5,
        frame(CONTINUATION, END_HEADERS, 1, OPENING),
        frame(RST, 0, 1, b"abc"),
        frame(SETTINGS, 0, 0, b"abc"),
        settings((4, 2**31)),
        frame(PUSH, 0, 1, b"abcd"),
        frame(PING, 0, 0, b"abc"),
        frame(GOAWAY, 0, 0, b"abc"),
        frame(WINDOW, 0, 1, b"abc"),
        frame(WINDOW, 0, 0, b"\x7f\xff\xff\xff"),
    ],
)
def test_a_peer_that_breaks_the_protocol_is_found_out(connection: Connection, bad: bytes) -> None:
    connection.open(BLOCK, b"", Heard())
    with pytest.raises(Http2Error):
        connection.receive(bad)


@given(st.binary(max_size=300))
def test_any_bytes_are_taken_or_found_out(data: bytes) -> None:
    connection, heard = Connection(), Heard()
    connection.open(BLOCK, b"", heard)
    try:
        connection.receive(settings() + data)
    except Http2Error:
        return
    assert heard.flushes <= 1
