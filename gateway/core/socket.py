"""The `grpc-websockets` subprotocol, one call a socket, as its existing clients speak it.

The client's first message is a block of header lines; each later one begins with a byte: 0 and a gRPC frame, or 1 alone
for "no more from me". The server's messages are gRPC-Web frames: the headers in a message of their own, then data
frames, any number in a message, then the trailers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from struct import Struct
from typing import Final

from gateway.core import grpcweb
from gateway.core.grpcweb import ProtocolError
from gateway.core.websocket import BINARY, MASKED, TWO_BYTES, server_frame, unmasked

SUBPROTOCOL = "grpc-websockets"
MAX_HEADER_BYTES = 16 * 1024
_MORE, _FINISH = 0, 1
_SHORT: Final = Struct(">HIHI")
"""How a short frame with one message begins: what it is with its size, the mask; and masked, two bytes that are 0 (no
end, no trailer) and the size of the message."""
_LONG: Final = Struct(">IIHI")
"""The same with a size of two bytes."""
_BEFORE_BYTES: Final = 6
"""In the frame before the message."""
_SHORT_BEGINS: Final = (BINARY << 8 | MASKED) + _BEFORE_BYTES
_LONG_BEGINS: Final = (BINARY << 24 | (MASKED | TWO_BYTES) << 16) + _BEFORE_BYTES
"""With the size of the message added to it."""
_ALL_SHORT_BYTES: Final = TWO_BYTES - 1 - _BEFORE_BYTES + _SHORT.size
_ALL_LONG_BYTES: Final = 0xFFFF - _BEFORE_BYTES + _LONG.size
"""Of the largest frame of each kind."""


@dataclass(frozen=True, slots=True)
class Headers:
    """The call begins, with these metadata."""

    fields: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Finish:
    """The client sends nothing more."""


Event = Headers | bytes | Finish
"""bytes: a serialised message."""


class _State(Enum):
    HEADERS = 1
    OPEN = 2
    FINISHED = 3


class ServerSocket:
    """The server's side of one call."""

    def __init__(self, max_message_bytes: int) -> None:
        self._state = _State.HEADERS
        self._reader = grpcweb.FrameReader(max_message_bytes)

    @property
    def between_messages(self) -> bool:
        """Whether a message may begin next."""
        return self._state is _State.OPEN and not self._reader.pending

    def receive(self, message: bytes) -> list[Event]:
        """Events of one binary WebSocket message; raises ProtocolError."""
        if self._state is _State.HEADERS:
            if len(message) > MAX_HEADER_BYTES:
                raise ProtocolError("the headers are too large")
            self._state = _State.OPEN
            return [Headers(grpcweb.parse_fields(message))]
        if self._state is _State.FINISHED or not message:
            raise ProtocolError("a message after the end, or an empty one")
        if message[0] == _FINISH:
            return [self._finish(message)]
        if message[0] != _MORE:
            raise ProtocolError("a message begins with an unknown byte")
        whole = self._reader.whole(message, 1)
        if whole is not None:
            return [whole]
        return list(self._messages(message[1:]))

    def _finish(self, message: bytes) -> Finish:
        if len(message) > 1 or self._reader.pending:
            raise ProtocolError("the end comes inside a message")
        self._state = _State.FINISHED
        return Finish()

    def _messages(self, data: bytes) -> list[bytes]:
        frames = self._reader.feed(data)
        if any(flag != grpcweb.DATA for flag, _ in frames):
            raise ProtocolError("a client sends no trailers")
        return [payload for _, payload in frames]


def lone_message(data: bytes, most: int) -> bytes | None:
    """The message, if these bytes are one whole frame with one whole message of an open call, and nothing else.

    Nearly every read is that, and this takes half the time of `MessageReader` and `ServerSocket`, who know all that it
    may be instead (None). `most`: bytes of a frame.
    """
    size = len(data)
    if size <= _ALL_SHORT_BYTES:
        if size < _SHORT.size:
            return None
        message_bytes = size - _SHORT.size
        begins = _SHORT_BEGINS + message_bytes
        first, mask, zeros, told = _SHORT.unpack_from(data)
    else:
        if size > _ALL_LONG_BYTES:
            return None
        message_bytes = size - _LONG.size
        begins = _LONG_BEGINS + message_bytes
        first, mask, zeros, told = _LONG.unpack_from(data)
    turned = (mask << 16 | mask >> 16) & 0xFFFFFFFF  # two bytes further
    if first != begins or zeros != mask >> 16 or told ^ turned != message_bytes or message_bytes + _BEFORE_BYTES > most:
        return None
    return unmasked(data[size - message_bytes :], turned.to_bytes(4, "big"))


TYPE = (("content-type", "application/grpc-web+proto"),)


def headers(fields: Iterable[tuple[str, str]] = TYPE) -> bytes:
    """The server's first message."""
    return grpcweb.trailer_frame(fields)


def binary_frame(*payload: bytes) -> bytes:
    """A server's binary WebSocket frame (RFC 6455, 5.2): unmasked, so the same bytes do for every viewer."""
    return server_frame(BINARY, *payload)


def message_frame(message: bytes) -> bytes:
    """A serialised message as a data frame in a WebSocket frame of its own, ready for the wire."""
    return binary_frame(grpcweb.data_frame(message))
