"""A server's reading side of a WebSocket (RFC 6455), without I/O: bytes in, whole messages out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
PROTOCOL_ERROR: Final = 1002
TOO_BIG: Final = 1009
INTERNAL_ERROR: Final = 1011

_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0, 1, 2, 8, 9, 10
_FIN, _PACKED, _RESERVED, _OPCODE = 0x80, 0x40, 0x70, 0x0F
MASKED: Final = 0x80
TWO_BYTES: Final = 126
"""In the place of a size: two bytes behind it say it."""
BINARY: Final = _FIN | _BINARY
PACKED: Final = _FIN | _PACKED | _BINARY
"""How a whole binary message begins, as it is or packed (see deflate.py)."""
MAX_CONTROL_BYTES: Final = 125
MAX_PIECES: Final = 512
"""Of one message: those who cut the largest one send a kibibyte in each."""
UNPACKED_BYTES: Final = 16 * 1024
"""Of a packed message so much counts as a frame more: few bytes may be many, and take their time."""


_CODES = frozenset(range(1000, 1015)) - {1004, 1005, 1006} | frozenset(range(3000, 5000))
"""That may be said (RFC 6455, 7.4)."""


class WebSocketError(Exception):
    """The client breaks the rules: the socket closes with this code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Text:
    """A text message begins."""


@dataclass(frozen=True, slots=True)
class Ping:
    """Is to be answered with the same."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """The client closes; nothing it sends later counts. `code`: what it is answered with."""

    code: int


Incoming = bytes | Text | Ping | Close
"""bytes: a binary message."""

Unpack = Callable[[bytes, int], bytes]
"""See `deflate.unpacked`."""


def server_frame(first: int, *payload: bytes) -> bytes:
    """A server's frame, unmasked: the same bytes do for every viewer. The payload may be in pieces."""
    size = sum(map(len, payload))
    if size < 126:
        begin = bytes((first, size))
    elif size < 65536:
        begin = bytes((first, 0x7E)) + size.to_bytes(2, "big")
    else:
        begin = bytes((first, 0x7F)) + size.to_bytes(8, "big")
    return b"".join((begin, *payload))


def control_frame(opcode: int, payload: bytes) -> bytes:
    """A server's control frame."""
    return bytes((_FIN | opcode, len(payload))) + payload


def ping_frame(payload: bytes = b"") -> bytes:
    """Asks whether the client is there."""
    return control_frame(_PING, payload)


def pong_frame(payload: bytes) -> bytes:
    """The answer to a ping."""
    return control_frame(_PONG, payload)


def close_frame(code: int, reason: str = "") -> bytes:
    """The last frame."""
    return control_frame(_CLOSE, code.to_bytes(2, "big") + reason.encode()[: MAX_CONTROL_BYTES - 2])


def unmasked(payload: bytes, mask: bytes) -> bytes:
    """The payload of a client's frame. As one large number: a loop over its bytes takes a hundred times as long."""
    size = len(payload)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "little")
    return (int.from_bytes(payload, "little") ^ key).to_bytes(size, "little")


class MessageReader:
    """Puts messages together. What is not whole yet is held, and not looked at again before enough has come."""

    __slots__ = ("_at", "_closed", "_held", "_max_message_bytes", "_needed", "_packed", "_parts", "_pieces", "_rest",
                 "_unpack", "frames", "hasty")  # fmt: skip

    def __init__(self, max_message_bytes: int, unpack: Unpack | None = None) -> None:
        """`unpack`: of clients that may pack their messages."""
        self._max_message_bytes = max_message_bytes
        self._unpack = unpack
        self._packed = False
        """The message in pieces is."""
        self._held = bytearray()
        """Of a frame that is not whole ..."""
        self._needed = 0
        """... before it has so many bytes."""
        self._rest, self._at = b"", 0
        """Frames that were more than were to be taken, and where the next begins. Not copied before it is its turn."""
        self._parts: bytearray | None = None
        """Of a message in pieces. One after the other in one place: they may be a byte each."""
        self._pieces = 0
        self._closed = False
        self.frames = 0
        """That were taken last time."""
        self.hasty = False
        """There may be more than were to be taken."""

    @property
    def between_messages(self) -> bool:
        """Whether a message may begin with the next byte."""
        return not (self._needed or self._rest or self._parts is not None or self._closed)

    def feed(self, data: bytes, most: int = 1 << 30) -> list[Incoming]:
        """What is whole now, of `most` frames. Raises WebSocketError; what came before it is lost with the socket."""
        self.frames, self.hasty = 0, False
        at = 0
        if self._needed:
            self._held += data
            if len(self._held) < self._needed:
                return []
            data, self._needed = bytes(self._held), 0
            self._held.clear()
        elif self._rest:
            data, at = (self._rest[self._at :] + data, 0) if data else (self._rest, self._at)
            self._rest = b""
        return self._take_all(data, at, most)

    def _take_all(self, data: bytes, at: int, most: int) -> list[Incoming]:
        found: list[Incoming] = []
        size = len(data)
        while at < size and not self._closed:
            if self.frames >= most:
                self._rest, self._at, self.hasty = data, at, True
                break
            body, end = self._measure(data, at)
            if end > size:
                self._held += data[at:]
                self._needed = end - at
                break
            payload = unmasked(data[body:end], data[body - 4 : body])
            first, at = data[at], end
            self.frames += 1
            if first == BINARY and self._parts is None:
                found.append(payload)
            else:
                self._take(first, payload, found)
        return found

    def _measure(self, data: bytes, at: int) -> tuple[int, int]:
        """Where the frame's payload begins and ends; the end is out of reach while its head is not whole."""
        left = len(data) - at
        if left < 2:
            return 0, at + 2
        first, second = data[at], data[at + 1]
        size, body = second & 0x7F, at + 6
        if size == TWO_BYTES:
            if left < 4:
                return 0, at + 4
            size, body = int.from_bytes(data[at + 2 : at + 4], "big"), at + 8
        elif size == 127:
            if left < 10:
                return 0, at + 10
            size, body = int.from_bytes(data[at + 2 : at + 10], "big"), at + 14
        self._check(first, second, size)
        return body, body + size

    def _check(self, first: int, second: int, size: int) -> None:
        opcode = first & _OPCODE
        packed = self._unpack is not None and opcode in (_TEXT, _BINARY)
        if first & (_RESERVED ^ _PACKED if packed else _RESERVED) or second < MASKED:
            raise WebSocketError(PROTOCOL_ERROR, "a client's frame is masked, with no extension but what was agreed")
        if opcode >= _CLOSE:
            if opcode > _PONG or size > MAX_CONTROL_BYTES or not first & _FIN:
                raise WebSocketError(PROTOCOL_ERROR, "a control frame is short and whole")
        elif opcode > _BINARY or (opcode == _CONTINUATION) != (self._parts is not None):
            raise WebSocketError(PROTOCOL_ERROR, "a frame comes where none of its kind may")
        elif self._pieces >= MAX_PIECES:
            raise WebSocketError(TOO_BIG, f"a message comes in at most {MAX_PIECES} pieces")
        elif len(self._parts or b"") + size > self._max_message_bytes:
            raise WebSocketError(TOO_BIG, f"a message has at most {self._max_message_bytes} bytes")

    def _take(self, first: int, payload: bytes, found: list[Incoming]) -> None:
        opcode = first & _OPCODE
        if opcode == _TEXT:
            found.append(Text())
        elif opcode == _PING:
            found.append(Ping(payload))
        elif opcode == _CLOSE:
            self._closed = True
            found.append(Close(_code_of(payload)))
        elif opcode <= _BINARY:
            if opcode == _BINARY:
                self._packed = bool(first & _PACKED)
            self._add(payload, found, last=bool(first & _FIN))

    def _add(self, payload: bytes, found: list[Incoming], *, last: bool) -> None:
        if self._parts is None:
            self._parts = bytearray()
        self._parts += payload
        self._pieces += 1
        if last:
            whole, self._parts, self._pieces = bytes(self._parts), None, 0
            if self._packed and self._unpack is not None:
                whole = self._unpack(whole, self._max_message_bytes)
                self.frames += len(whole) // UNPACKED_BYTES
            found.append(whole)


def _code_of(payload: bytes) -> int:
    """The code of a client's close, if it may say that one."""
    if not payload:
        return NORMAL
    code = int.from_bytes(payload[:2], "big")
    said = len(payload) >= 2 and code in _CODES
    return code if said else PROTOCOL_ERROR
