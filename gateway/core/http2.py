"""The client's side of an HTTP/2 connection (RFC 9113) to a gRPC server: bytes in, calls of a receiver and bytes out.

Small on purpose: it has what gRPC needs, no table of headers, no push, no priorities.
"""

import struct
from collections import deque
from typing import Final, Protocol

from gateway.core.hpack import Decoder, Field, HeaderError

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEAD = struct.Struct(">HBBBI")
_DATA, _HEADERS, _RST, _SETTINGS, _PUSH, _PING, _GOAWAY, _WINDOW, _CONTINUATION = 0, 1, 3, 4, 5, 6, 7, 8, 9
_END_STREAM, _ACK, _END_HEADERS, _PADDED, _PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
_SET_TABLE, _SET_PUSH, _SET_STREAMS, _SET_WINDOW, _SET_FRAME, _SET_HEADERS = 1, 2, 3, 4, 5, 6

NO_ERROR, PROTOCOL_ERROR, FLOW_ERROR, FRAME_SIZE_ERROR, REFUSED, CANCEL = 0, 1, 3, 6, 7, 8
FRAME_BYTES: Final = 16_384
MAX_BLOCK_BYTES: Final = 64 * 1024
STREAM_WINDOW: Final = 1024 * 1024
CONNECTION_WINDOW: Final = 16 * 1024 * 1024
_FIRST_WINDOW: Final = 65_535
_HALF_WINDOW: Final = STREAM_WINDOW // 2
_HALF_CONNECTION: Final = CONNECTION_WINDOW // 2
MAX_WINDOW: Final = 2**31 - 1
MAX_STREAM_ID: Final = 2**31 - 1
DEFAULT_STREAMS: Final = 100


class Http2Error(Exception):
    """The peer does not speak HTTP/2; the connection is of no use any more."""

    def __init__(self, message: str, code: int = PROTOCOL_ERROR) -> None:
        super().__init__(message)
        self.code = code


class Receiver(Protocol):
    """What a stream's events go to."""

    def on_headers(self, fields: tuple[Field, ...], end: bool) -> None:
        """The first headers, or the trailers; with `end` nothing follows."""

    def on_data(self, data: bytes) -> None:
        """Bytes of the body, cut anywhere."""

    def on_end(self) -> None:
        """The body ended without trailers."""

    def on_reset(self, code: int) -> None:
        """The peer gave the stream up, with an error code of HTTP/2."""

    def on_unprocessed(self) -> None:
        """The peer did nothing for this stream, and says so: it can be sent again elsewhere."""

    def on_lost(self) -> None:
        """The connection is gone; whether the peer did something is not known."""

    def flush(self) -> None:
        """All events of one read are here."""


class Stream:
    """One call."""

    __slots__ = ("answered", "ended", "ending", "held", "id", "receiver", "taken", "waiting", "window")

    def __init__(self, receiver: Receiver, number: int, window: int) -> None:
        self.receiver = receiver
        self.id = number
        self.waiting: deque[bytes] = deque()
        self.ending = False
        """Our side ends once nothing waits."""
        self.ended = False
        """Our side has ended."""
        self.window = window
        self.taken = 0
        self.held = False
        """Its receiver is full: the peer gets no more room."""
        self.answered = False


class Connection:
    """One connection. What is to be sent is gathered in `out`."""

    def __init__(self) -> None:
        self.out: list[bytes] = [
            PREFACE,
            _settings(((_SET_TABLE, 0), (_SET_PUSH, 0), (_SET_WINDOW, STREAM_WINDOW), (_SET_HEADERS, MAX_BLOCK_BYTES))),
            _window_update(0, CONNECTION_WINDOW - _FIRST_WINDOW),
        ]
        self.max_streams = DEFAULT_STREAMS
        self.closing = False
        """The peer takes no more streams."""
        self.settled = False
        """The peer's settings are known."""
        self.answered = False
        """Something of a call has come since this was last set to False."""
        self._decoder = Decoder()
        self._streams: dict[int, Stream] = {}
        self._next = 1
        self._buffer = b""
        self._block: tuple[int, int, bytearray] | None = None
        self._window = _FIRST_WINDOW
        self._stream_window = _FIRST_WINDOW
        self._frame_bytes = FRAME_BYTES
        self._taken = 0
        self._touched: dict[int, Stream] = {}
        self._blocked: dict[int, Stream] = {}

    @property
    def open_streams(self) -> int:
        """Streams in use."""
        return len(self._streams)

    @property
    def available(self) -> bool:
        """Whether one more stream may be opened."""
        return not self.closing and len(self._streams) < self.max_streams and self._next <= MAX_STREAM_ID

    # -- sending ---------------------------------------------------------------------------------------------

    def open(self, block: bytes, body: bytes, receiver: Receiver, *, end: bool = True) -> Stream:
        """Begins a call with its header block and as much of the body as is there."""
        stream = Stream(receiver, self._next, self._stream_window)
        self._streams[self._next] = stream
        self._next += 2
        size = len(body)
        # gRPC has an end of its own even for a body that is empty.
        if end and len(block) <= FRAME_BYTES and size <= FRAME_BYTES and size <= min(self._window, stream.window):
            number = stream.id
            self._window -= size
            stream.window -= size
            stream.ending = stream.ended = True
            self.out.append(
                b"".join(
                    (
                        _HEAD.pack(len(block) >> 8, len(block) & 0xFF, _HEADERS, _END_HEADERS, number),
                        block,
                        _HEAD.pack(size >> 8, size & 0xFF, _DATA, _END_STREAM, number),
                        body,
                    )
                )
            )
            return stream
        self._headers(stream.id, block)
        self.send(stream, body, end=end)
        return stream

    def _headers(self, number: int, block: bytes) -> None:
        kind = _HEADERS
        for at in range(0, len(block), FRAME_BYTES):
            piece = block[at : at + FRAME_BYTES]
            self.out.append(_frame(kind, _END_HEADERS if at + FRAME_BYTES >= len(block) else 0, number, piece))
            kind = _CONTINUATION

    def send(self, stream: Stream, data: bytes, *, end: bool = False) -> None:
        """More of the body, as fast as the peer takes it."""
        if data:
            stream.waiting.append(data)
        stream.ending = stream.ending or end
        self._drain(stream)

    def waiting_bytes(self, stream: Stream) -> int:
        """Bytes of the body that the peer has no room for yet."""
        return sum(map(len, stream.waiting))

    def _drain(self, stream: Stream) -> None:
        waiting = stream.waiting
        while waiting:
            room = min(self._window, stream.window, self._frame_bytes)
            if room <= 0:
                self._blocked[stream.id] = stream
                return
            data = waiting[0]
            if len(data) > room:
                waiting[0] = data[room:]
                data = data[:room]
            else:
                waiting.popleft()
            self._window -= len(data)
            stream.window -= len(data)
            last = stream.ending and not waiting
            stream.ended = stream.ended or last
            self.out.append(_frame(_DATA, _END_STREAM if last else 0, stream.id, data))
        self._blocked.pop(stream.id, None)
        if stream.ending and not stream.ended:
            stream.ended = True
            self.out.append(_frame(_DATA, _END_STREAM, stream.id, b""))

    def cancel(self, stream: Stream, code: int = CANCEL) -> None:
        """Gives a stream up; its receiver hears nothing more."""
        if self._streams.pop(stream.id, None) is not None:
            self._blocked.pop(stream.id, None)
            self._touched.pop(stream.id, None)
            self.out.append(_frame(_RST, 0, stream.id, code.to_bytes(4, "big")))

    def hold(self, stream: Stream, held: bool) -> None:
        """While held, the peer gets no more room for this stream than it has."""
        stream.held = held
        if not held:
            self._give_room(stream)

    def ping(self, payload: bytes) -> None:
        """Asks whether the peer is there."""
        self.out.append(_frame(_PING, 0, 0, payload))

    def lost(self) -> None:
        """The connection is gone: every stream hears it."""
        self.closing = True
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            stream.receiver.on_lost()
            stream.receiver.flush()

    # -- receiving -------------------------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Takes bytes in and calls the receivers. Raises Http2Error."""
        buffer = self._buffer + data if self._buffer else data
        at, end, unpack = 0, len(buffer), _HEAD.unpack_from
        busy: Stream | None = None
        while end - at >= 9:
            high, low, kind, flags, number = unpack(buffer, at)
            size = high << 8 | low
            if size > FRAME_BYTES:
                raise Http2Error("a frame is larger than was offered", FRAME_SIZE_ERROR)
            begin = at + 9
            if end - begin < size:
                break
            at = begin + size
            if not kind and not flags and size and self._block is None:
                # The common case by far: another message of a stream.
                if busy is None or busy.id != number:
                    busy = self._streams.get(number)
                    if busy is not None:
                        self._touched[number] = busy
                if busy is not None and busy.taken + size <= _HALF_WINDOW and self._taken + size <= _HALF_CONNECTION:
                    busy.taken += size
                    self._taken += size
                    busy.receiver.on_data(buffer[begin:at])
                    continue
            else:
                busy = None
            self._take(kind, flags, number & MAX_STREAM_ID, buffer[begin:at])
        self._buffer = buffer[at:]
        touched, self._touched = self._touched, {}
        if touched:
            self.answered = True
        for stream in touched.values():
            stream.receiver.flush()

    def _take(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        if self._block is not None and kind != _CONTINUATION:
            raise Http2Error("a header block is interrupted")
        if kind == _DATA:
            self._on_data(number, flags, payload)
        elif kind == _HEADERS:
            self._on_headers(number, flags, payload)
        elif kind == _CONTINUATION:
            self._on_continuation(number, flags, payload)
        elif kind == _WINDOW:
            self._on_window(number, payload)
        else:
            self._take_rare(kind, flags, number, payload)

    def _take_rare(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        if kind == _PING:
            self._on_ping(flags, payload)
        elif kind == _SETTINGS:
            if not flags & _ACK:
                self._on_settings(payload)
        elif kind == _RST:
            self._on_rst(number, payload)
        elif kind == _GOAWAY:
            self._on_goaway(payload)
        elif kind == _PUSH:
            raise Http2Error("a push that was not offered")

    def _on_ping(self, flags: int, payload: bytes) -> None:
        if len(payload) != 8:
            raise Http2Error("a ping of another size", FRAME_SIZE_ERROR)
        if not flags & _ACK:
            self.out.append(_frame(_PING, _ACK, 0, payload))

    def _on_data(self, number: int, flags: int, payload: bytes) -> None:
        self._taken += len(payload)
        if self._taken > CONNECTION_WINDOW // 2:
            self.out.append(_window_update(0, self._taken))
            self._taken = 0
        stream = self._streams.get(number)
        if stream is None:
            if number >= self._next or not number:
                raise Http2Error("data of a stream that was never opened")
            return
        stream.taken += len(payload)
        if stream.taken > STREAM_WINDOW:
            raise Http2Error("more data than there was room for", FLOW_ERROR)
        if flags & _PADDED:
            payload = _unpadded(payload)
        if payload:
            stream.receiver.on_data(payload)
        self._touched[number] = stream
        if flags & _END_STREAM:
            self._ended(stream)
            stream.receiver.on_end()
        elif stream.taken > STREAM_WINDOW // 2 and not stream.held:
            self._give_room(stream)

    def _give_room(self, stream: Stream) -> None:
        if stream.taken > STREAM_WINDOW // 2 and stream.id in self._streams:
            self.out.append(_window_update(stream.id, stream.taken))
            stream.taken = 0

    def _on_headers(self, number: int, flags: int, payload: bytes) -> None:
        if flags & _PADDED:
            payload = _unpadded(payload)
        if flags & _PRIORITY:
            if len(payload) < 5:
                raise Http2Error("headers are cut", FRAME_SIZE_ERROR)
            payload = payload[5:]
        if flags & _END_HEADERS:
            self._on_block(number, flags, payload)
        else:
            self._block = (number, flags, bytearray(payload))

    def _on_continuation(self, number: int, flags: int, payload: bytes) -> None:
        if self._block is None or self._block[0] != number:
            raise Http2Error("a continuation of nothing")
        _, first_flags, block = self._block
        block += payload
        if len(block) > MAX_BLOCK_BYTES:
            raise Http2Error("headers are larger than was offered")
        if flags & _END_HEADERS:
            self._block = None
            self._on_block(number, first_flags, bytes(block))

    def _on_block(self, number: int, flags: int, block: bytes) -> None:
        try:
            fields = self._decoder.decode(block)
        except HeaderError as error:
            raise Http2Error(str(error)) from error
        stream = self._streams.get(number)
        if stream is None:
            if number >= self._next or not number:
                raise Http2Error("headers of a stream that was never opened")
            return
        end = bool(flags & _END_STREAM)
        if not stream.answered and not end and fields and fields[0][0] == ":status" and fields[0][1][0] == "1":
            return  # informational: the answer follows
        stream.answered = True
        self._touched[number] = stream
        if end:
            self._ended(stream)
        stream.receiver.on_headers(fields, end)

    def _ended(self, stream: Stream) -> None:
        """The peer has said all. What it does not want to hear any more is not sent."""
        del self._streams[stream.id]
        self._blocked.pop(stream.id, None)
        if not stream.ended:
            stream.ended = True
            self.out.append(_frame(_RST, 0, stream.id, CANCEL.to_bytes(4, "big")))

    def _on_rst(self, number: int, payload: bytes) -> None:
        if len(payload) != 4:
            raise Http2Error("a reset of another size", FRAME_SIZE_ERROR)
        stream = self._streams.pop(number, None)
        if stream is None:
            return
        self._blocked.pop(number, None)
        self._touched[number] = stream
        code = int.from_bytes(payload, "big")
        if code == REFUSED and not stream.answered:
            stream.receiver.on_unprocessed()
        else:
            stream.receiver.on_reset(code)

    def _on_goaway(self, payload: bytes) -> None:
        if len(payload) < 8:
            raise Http2Error("a goaway that is cut", FRAME_SIZE_ERROR)
        last = int.from_bytes(payload[:4], "big") & MAX_STREAM_ID
        self.closing = True
        for number in [number for number in self._streams if number > last]:
            stream = self._streams.pop(number)
            self._blocked.pop(number, None)
            self._touched[number] = stream
            stream.receiver.on_unprocessed()

    def _on_window(self, number: int, payload: bytes) -> None:
        if len(payload) != 4:
            raise Http2Error("a window update of another size", FRAME_SIZE_ERROR)
        more = int.from_bytes(payload, "big") & MAX_WINDOW
        if not number:
            self._window += more
            if self._window > MAX_WINDOW:
                raise Http2Error("a window without end", FLOW_ERROR)
            for stream in list(self._blocked.values()):
                self._drain(stream)
            return
        found = self._streams.get(number)
        if found is not None:
            found.window += more
            if found.waiting:
                self._drain(found)

    def _on_settings(self, payload: bytes) -> None:
        if len(payload) % 6:
            raise Http2Error("settings of another size", FRAME_SIZE_ERROR)
        for at in range(0, len(payload), 6):
            name, value = struct.unpack_from(">HI", payload, at)
            if name == _SET_STREAMS:
                self.max_streams = value
            elif name == _SET_WINDOW:
                self._on_stream_window(value)
            elif name == _SET_FRAME:
                self._frame_bytes = max(FRAME_BYTES, min(value, 1 << 20))
        if not self.settled:
            self.settled = True
            if not any(payload[at : at + 2] == b"\0\3" for at in range(0, len(payload), 6)):
                self.max_streams = MAX_STREAM_ID  # no word of a limit: there is none
        self.out.append(_frame(_SETTINGS, _ACK, 0, b""))

    def _on_stream_window(self, value: int) -> None:
        if value > MAX_WINDOW:
            raise Http2Error("a window without end", FLOW_ERROR)
        more = value - self._stream_window
        self._stream_window = value
        for stream in self._streams.values():
            stream.window += more
            if stream.waiting and more > 0:
                self._drain(stream)


def _frame(kind: int, flags: int, number: int, payload: bytes) -> bytes:
    size = len(payload)
    return _HEAD.pack(size >> 8, size & 0xFF, kind, flags, number) + payload


def _settings(pairs: tuple[tuple[int, int], ...]) -> bytes:
    return _frame(_SETTINGS, 0, 0, b"".join(struct.pack(">HI", name, value) for name, value in pairs))


def _window_update(number: int, more: int) -> bytes:
    return _frame(_WINDOW, 0, number, more.to_bytes(4, "big"))


def _unpadded(payload: bytes) -> bytes:
    if not payload or payload[0] >= len(payload):
        raise Http2Error("padding without end")
    return payload[1 : len(payload) - payload[0]]
