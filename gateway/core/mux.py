"""`rushes-streams`: many calls on one WebSocket, each with room of its own, so that none can hold up the others.

Each message is binary: a byte for what it is, the call's number in four bytes, and the rest. A browser numbers its
calls as it likes; a number is free again once the server has said END, which it says once for each call.

=======  ==========  ===================================================================================
byte     who         rest
=======  ==========  ===================================================================================
0 OPEN   browser     the path, a line end, then header lines as in `grpc-websockets`
1 DATA   both        from the browser gRPC frames; to it what `grpc-websockets` has: headers, data, trailers
2 END    both        nothing: no more from me
3 CANCEL browser     nothing: I do not want it any more; END answers it, and what comes before that is still of it
4 ROOM   both        four bytes: so many more bytes of DATA are taken
=======  ==========  ===================================================================================

A call begins with FIRST_ROOM bytes of room each way; only the rest of DATA counts. What is taken is given back in
pieces: a message that is larger than the room there is goes in parts.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from gateway.core import grpcweb
from gateway.core.grpcweb import ProtocolError
from gateway.core.socket import MAX_HEADER_BYTES, Event, Finish, Headers

SUBPROTOCOL: Final = "rushes-streams"
OPEN, DATA, END, CANCEL, ROOM = range(5)
HEAD_BYTES: Final = 5
FIRST_ROOM: Final = 256 * 1024
GIVEN_BYTES: Final = 64 * 1024
"""Room is given back in pieces of so much at least: each is a message, and most of what browsers say is small."""
MAX_ROOM: Final = 1 << 30
MAX_CALLS: Final = 100


class MuxError(ProtocolError):
    """The socket as a whole cannot go on."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A call begins."""

    number: int
    path: str
    headers: Headers


@dataclass(slots=True)
class Said:
    """A call's browser said something; `size_bytes` is room to be given back once it was taken.

    Not frozen, which would take thrice as long to make: nearly every message is one.
    """

    number: int
    events: list[Event]
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Failed:
    """What a call's browser said is nothing that its method takes."""

    number: int
    why: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The browser wants a call no more."""

    number: int


@dataclass(frozen=True, slots=True)
class Roomier:
    """The browser takes more of a call."""

    number: int


MuxEvent = Opened | Said | Failed | Cancelled | Roomier


@dataclass(slots=True)
class Call:
    """A call that is open."""

    reader: grpcweb.FrameReader
    room_in: int = FIRST_ROOM
    owed: int = 0
    """Bytes that were taken and not given back."""
    room_out: int = FIRST_ROOM
    waiting: list[bytes] = field(default_factory=list)
    waiting_bytes: int = 0
    heard_end: bool = False
    failed: bool = False
    """It was said so; what else its browser says means nothing."""

    def take_room(self, size_bytes: int) -> bool:
        """Whether so much may go now as it is, after `data_head`: nothing waits, and there is room for it all."""
        if self.waiting_bytes or self.room_out < size_bytes:
            return False
        self.room_out -= size_bytes
        return True


class ServerMux:
    """The server's side of a socket."""

    __slots__ = ("_calls", "_max_message_bytes")

    def __init__(self, max_message_bytes: int) -> None:
        self._max_message_bytes = max_message_bytes
        self._calls: dict[int, Call] = {}

    @property
    def open_calls(self) -> int:
        """Calls in use."""
        return len(self._calls)

    def call(self, number: int) -> Call:
        """An open call, as it is for as long as it is open: found once by who asks for each frame."""
        return self._calls[number]

    # -- from the browser ------------------------------------------------------------------------------------

    def receive(self, message: bytes) -> MuxEvent | None:
        """What a message means; None: nothing any more. Raises MuxError."""
        if len(message) < HEAD_BYTES:
            raise MuxError("a message is too short")
        kind, number = message[0], int.from_bytes(message[1:HEAD_BYTES], "big")
        rest = message[HEAD_BYTES:]
        if kind == OPEN:
            return self._open(number, rest)
        call = self._calls.get(number)
        if call is None:  # it has ended here, and the browser may not know yet
            if kind > ROOM:
                raise MuxError("a message begins with an unknown byte")
            return None
        if kind == DATA:
            return self._data(number, call, rest)
        if kind == END:
            return self._end(number, call)
        if kind == CANCEL:
            del self._calls[number]
            return Cancelled(number)
        if kind == ROOM and len(rest) == 4:
            call.room_out += int.from_bytes(rest, "big")
            if call.room_out > MAX_ROOM:
                raise MuxError("room without end")
            return Roomier(number)
        raise MuxError("a message begins with an unknown byte")

    def _open(self, number: int, rest: bytes) -> Opened:
        if number in self._calls:
            raise MuxError("a number is used twice")
        if len(self._calls) >= MAX_CALLS:
            raise MuxError("there are too many calls on one socket")
        if len(rest) > MAX_HEADER_BYTES:
            raise MuxError("the headers are too large")
        path, _, lines = rest.partition(b"\r\n")
        try:
            headers = Headers(grpcweb.parse_fields(lines))
        except ProtocolError as error:
            raise MuxError(str(error)) from error
        self._calls[number] = Call(grpcweb.FrameReader(self._max_message_bytes))
        return Opened(number, path.decode("latin-1"), headers)

    def _data(self, number: int, call: Call, rest: bytes) -> Said | Failed | None:
        if not rest:
            raise MuxError("data without a byte, which takes no room")
        call.room_in -= len(rest)
        if call.room_in < 0:
            raise MuxError("more data than there was room for")
        if call.heard_end or call.failed:
            return self._fail(number, call, "a message after the end")
        try:
            whole = call.reader.whole(rest, 0)
            if whole is not None:
                return Said(number, [whole], len(rest))
            frames = call.reader.feed(rest)
        except ProtocolError as error:
            return self._fail(number, call, str(error))
        if any(flag != grpcweb.DATA for flag, _ in frames):
            return self._fail(number, call, "a client sends no trailers")
        return Said(number, [payload for _, payload in frames], len(rest))

    def _end(self, number: int, call: Call) -> Said | Failed | None:
        if call.reader.pending or call.heard_end or call.failed:
            return self._fail(number, call, "the end comes inside a message, or twice")
        call.heard_end = True
        return Said(number, [Finish()], 0)

    def _fail(self, number: int, call: Call, why: str) -> Failed | None:
        """Once for each call: nobody may make more of them than it has room for."""
        if call.failed:
            return None
        call.failed = True
        return Failed(number, why)

    # -- to the browser --------------------------------------------------------------------------------------

    def give(self, number: int, size_bytes: int) -> bytes:
        """Room given back for what was taken; empty: nobody needs to be told."""
        call = self._calls.get(number)
        if call is None:
            return b""
        call.owed += size_bytes
        if call.owed < GIVEN_BYTES:
            return b""
        owed, call.owed = call.owed, 0
        call.room_in += owed
        return _head(ROOM, number) + owed.to_bytes(4, "big")

    def send(self, number: int, data: bytes) -> list[bytes]:
        """Messages that may go now, with this at the end of what waits."""
        call = self._calls.get(number)
        if call is None:
            return []
        call.waiting.append(data)
        call.waiting_bytes += len(data)
        return self.ready(number)

    def ready(self, number: int) -> list[bytes]:
        """Messages of a call that the browser has room for."""
        call = self._calls.get(number)
        if call is None or not call.waiting or call.room_out <= 0:
            return []
        data = b"".join(call.waiting) if len(call.waiting) > 1 else call.waiting[0]
        piece, rest = data[: call.room_out], data[call.room_out :]
        call.waiting = [rest] if rest else []
        call.waiting_bytes = len(rest)
        call.room_out -= len(piece)
        return [_head(DATA, number) + piece]

    def waiting_bytes(self, number: int) -> int:
        """Bytes of a call that the browser has no room for yet."""
        call = self._calls.get(number)
        return 0 if call is None else call.waiting_bytes

    def end(self, number: int) -> bytes:
        """The call is over; empty: the browser knows."""
        return ended(number) if self._calls.pop(number, None) is not None else b""


def ended(number: int) -> bytes:
    """The server's last message of a call."""
    return _head(END, number)


@lru_cache(1024)
def data_head(number: int) -> bytes:
    """What begins a message of DATA. Browsers number their calls alike, so that few of them are most of them."""
    return _head(DATA, number)


def _head(kind: int, number: int) -> bytes:
    return bytes((kind,)) + number.to_bytes(4, "big")


def unframed(frames: bytes) -> bytes:
    """What is in frames of `socket.binary_frame`: the hub makes those once for all viewers, and joins some."""
    pieces: list[bytes] = []
    at = 0
    while at < len(frames):
        size = frames[at + 1]
        at += 2
        if size >= 126:
            length_bytes = 2 if size == 126 else 8
            size = int.from_bytes(frames[at : at + length_bytes], "big")
            at += length_bytes
        pieces.append(frames[at : at + size])
        at += size
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
