"""One gRPC-Web call's answer: events of the stream behind it in, an HTTP/1.1 answer out, byte for byte.

A data frame of gRPC-Web is a gRPC frame, so messages pass as they are. The status is always in a trailer frame at the
end of the body, also where gRPC had nothing but trailers.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from google.rpc import code_pb2

from gateway.core import grpcweb
from gateway.core.hpack import Field

MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024
"""Largest message that is inflated for a browser that did not ask for compression."""

UNKNOWN_ENCODING: Final = "The server behind compresses in a way that nobody asked for."
NOT_INFLATED: Final = "The server behind sent a message that cannot be inflated."
CUT_OFF: Final = "The server behind cut a message off."

_NAME = re.compile(r"[0-9a-z_.-]+")
_VALUE = re.compile(r"[ -~\x80-\xff]*")
_HELD_BACK = frozenset(
    ("content-type", "content-length", "connection", "transfer-encoding", "keep-alive", "upgrade", "te", "trailer",
     "server", "date", "user-agent", "grpc-status", "grpc-message", "grpc-status-details-bin", "grpc-encoding",
     "grpc-accept-encoding", "accept-encoding", "grpc-internal-encoding-request", "content-encoding")
)  # fmt: skip
_HTTP_CODES = {
    400: code_pb2.INTERNAL,
    401: code_pb2.UNAUTHENTICATED,
    403: code_pb2.PERMISSION_DENIED,
    404: code_pb2.UNIMPLEMENTED,
    429: code_pb2.UNAVAILABLE,
    502: code_pb2.UNAVAILABLE,
    503: code_pb2.UNAVAILABLE,
    504: code_pb2.UNAVAILABLE,
}
_RESET_CODES = {
    7: code_pb2.UNAVAILABLE,
    8: code_pb2.CANCELLED,
    11: code_pb2.RESOURCE_EXHAUSTED,
    12: code_pb2.PERMISSION_DENIED,
}


@dataclass(frozen=True, slots=True)
class Shape:
    """How a call wants its answer; the same for all calls with the same head."""

    unary: bool
    """It has one message: the answer is one write with a length. Otherwise it comes as it is there."""
    text: bool = False
    gzip: bool = False
    """Who asked reads messages that are compressed."""
    chunked: bool = True
    """HTTP/1.0 has no chunks: the end of the connection ends the answer."""
    keep_alive: bool = True
    lines: bytes = b""
    """Header lines that every answer has, each with its end."""
    expose: str = ""
    """Names of headers that a page of another origin may read; empty: it is our own."""
    checked: bool = True
    """The method is known to have one answer, so another number of them is a fault."""


class Sink(Protocol):
    """Where an answer goes."""

    def write(self, data: bytes) -> None:
        """Bytes for the wire."""

    def ended(self, code: int) -> None:
        """All was written; the status of gRPC."""

    def broken(self, code: int) -> None:
        """The answer broke inside of a message: only the end of the connection can say so."""

    def last(self) -> bool:
        """Whether the connection ends with this answer, though whoever called would keep it."""

    def again(self, processed: bool) -> bool:
        """The call got nowhere. True: it is sent again. `processed`: it may have been begun."""


Rewrite = Callable[[tuple[Field, ...]], tuple[Field, ...]]


@dataclass(frozen=True, slots=True)
class Opening:
    """What the first headers of an answer say."""

    code: int
    message: str
    encoding: str
    subtype: str
    lines: bytes
    metadata: tuple[Field, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the metadata."""
        return tuple(dict.fromkeys(name for name, _ in self.metadata))


@lru_cache(1024)
def opening_of(fields: tuple[Field, ...]) -> Opening:
    """What the first headers of an answer say."""
    values = dict(fields)
    status, kind = values.get(":status", ""), values.get("content-type", "")
    code, message = code_pb2.OK, ""
    if status != "200" and "grpc-status" not in values:
        code = _HTTP_CODES.get(int(status) if status.isdecimal() else 0, code_pb2.UNKNOWN)
        message = f"The server behind answered with HTTP status {status}."
    elif not kind.startswith("application/grpc") and "grpc-status" not in values:
        code, message = code_pb2.UNKNOWN, "The server behind does not speak gRPC."
    kept = [(name, value) for name, value in fields if _passes(name, value)]
    lines = "".join(f"{name}: {value}\r\n" for name, value in kept).encode("latin-1")
    subtype = kind.partition("application/grpc")[2].partition(";")[0]
    return Opening(code, message, values.get("grpc-encoding", "identity"), subtype or "+proto", lines, tuple(kept))


def _passes(name: str, value: str) -> bool:
    held = name in _HELD_BACK or name.startswith((":", "access-control-"))
    return not held and bool(_NAME.fullmatch(name)) and bool(_VALUE.fullmatch(value))


@lru_cache(1024)
def ending_of(fields: tuple[Field, ...]) -> tuple[int, bytes]:
    """The status and the trailer frame of what ended a call."""
    values = dict(fields)
    text = values.get("grpc-status", "")
    if not text.isdecimal() or len(text) > 3:
        text = str(code_pb2.UNKNOWN)
    kept: list[Field] = [("grpc-status", text)]
    kept += [(name, values[name]) for name in ("grpc-message", "grpc-status-details-bin") if values.get(name)]
    kept += [(name, value) for name, value in fields if _passes(name, value)]
    return int(text), grpcweb.trailer_frame(kept)


def reset_code(code: int) -> int:
    """google.rpc.Code of a stream that was reset with a code of HTTP/2."""
    return _RESET_CODES.get(code, code_pb2.INTERNAL)


def failure(code: int, message: str, details: bytes | None = None) -> tuple[Field, ...]:
    """Trailers of a call that the gateway itself ends."""
    return tuple(grpcweb.status_trailers(code, message, details))


def inflated(reader: grpcweb.FrameReader, data: bytes) -> list[bytes]:
    """More of what a server compressed though nobody asked, as messages that are not. Raises ProtocolError."""
    return [grpcweb.data_frame(payload) for _, payload in reader.feed(data)]


def ended_in(reader: grpcweb.FrameReader | None, trailers: tuple[Field, ...]) -> tuple[Field, ...]:
    """The trailers, but not that all is well where half of a compressed message is left."""
    if reader is not None and reader.pending and dict(trailers).get("grpc-status") == "0":
        return failure(code_pb2.INTERNAL, CUT_OFF)
    return trailers


def whole(shape: Shape, trailers: Iterable[Field], lines: bytes = b"") -> bytes:
    """An answer that is nothing but a status; `lines`: header lines that it has besides."""
    body = ending_of(tuple(trailers))[1]
    if shape.text:
        body = grpcweb.encode_text(body)
    kind = "application/grpc-web-text+proto" if shape.text else "application/grpc-web+proto"
    close = b"" if shape.keep_alive else b"connection: close\r\n"
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n".encode()
    expose = f"access-control-expose-headers: {shape.expose}\r\n".encode() if shape.expose else b""
    return b"".join((head, shape.lines, lines, expose, close, b"\r\n", body))


class Reply:
    """The answer of one call: the receiver of its stream."""

    __slots__ = ("_begun", "_body", "_done", "_inflater", "_lengths", "_opening", "_rewrite", "_shape", "_sink",
                 "_started", "_trailers")  # fmt: skip

    def __init__(self, shape: Shape, sink: Sink, rewrite: Rewrite | None = None) -> None:
        self._shape = shape
        self._sink = sink
        self._rewrite = rewrite
        self._body: list[bytes] = []
        self._opening: Opening | None = None
        self._inflater: grpcweb.FrameReader | None = None
        self._trailers: tuple[Field, ...] | None = None
        self._begun = False
        """The first headers are out."""
        self._started = False
        """The first headers are here."""
        self._done = False
        self._lengths = grpcweb.Lengths()

    @property
    def started(self) -> bool:
        """Something of the answer has come."""
        return self._started

    # -- events of the stream --------------------------------------------------------------------------------

    def on_headers(self, fields: tuple[Field, ...], end: bool) -> None:
        """The first headers, or trailers."""
        if not self._started:
            self._started = True
            opening = self._opening = opening_of(fields)
            if opening.code:
                self._trailers = failure(opening.code, opening.message)
            elif end:
                self._trailers = fields
            elif opening.encoding != "identity" and not (self._shape.gzip and opening.encoding == "gzip"):
                self._inflate(opening.encoding)
        elif self._trailers is None:
            self._trailers = fields if end else failure(code_pb2.INTERNAL, "The server behind broke the protocol.")

    def _inflate(self, encoding: str) -> None:
        if encoding in grpcweb.ENCODINGS:
            self._inflater = grpcweb.FrameReader(MAX_MESSAGE_BYTES, encoding)
        else:
            self._trailers = failure(code_pb2.INTERNAL, UNKNOWN_ENCODING)

    def on_data(self, data: bytes) -> None:
        """Bytes of messages."""
        if self._trailers is not None:
            return
        if self._inflater is None:
            self._body.append(data)
            return
        try:
            self._body += inflated(self._inflater, data)
        except grpcweb.ProtocolError:
            self._trailers = failure(code_pb2.INTERNAL, NOT_INFLATED)

    def on_end(self) -> None:
        """The end without trailers, which gRPC does not have."""
        if self._trailers is None:
            self._trailers = failure(code_pb2.INTERNAL, "The server behind ended the call without a status.")

    def on_reset(self, code: int) -> None:
        """Given up by the server."""
        self.fail(reset_code(code), "The server behind gave the call up.")

    def on_unprocessed(self) -> None:
        """Not begun: somebody else may take it."""
        if not self._sink.again(processed=False):
            self.fail(code_pb2.UNAVAILABLE, "The server behind is going away.")

    def on_lost(self) -> None:
        """The server is gone."""
        if self._started or not self._sink.again(processed=True):
            self.fail(code_pb2.UNAVAILABLE, "The server behind is gone.")

    def fail(self, code: int, message: str) -> None:
        """Ends the call with a status of the gateway's own; `flush` sends it."""
        if self._trailers is None:
            self._trailers = failure(code, message)

    # -- what goes out ---------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Sends what can be sent."""
        if self._done or (self._trailers is None and (self._shape.unary or not self._started)):
            return
        data = b"".join(self._body)
        self._body.clear()
        if self._trailers is None:
            if data or not self._begun:
                self._lengths.follow(data)
                self._sink.write(self._piece(data, end=False))
            return
        self._done = True
        self._finish(data)

    def _finish(self, data: bytes) -> None:
        self._lengths.follow(data)
        trailers = ended_in(self._inflater, self._trailers or ())
        aligned = self._lengths.whole
        if not aligned and self._begun:
            self._sink.broken(code_pb2.UNAVAILABLE)
            return
        if self._shape.unary:
            data, trailers = self._only(data, trailers, aligned)
        elif not aligned:
            data, trailers = b"", failure(code_pb2.INTERNAL, CUT_OFF)
        if self._rewrite is not None:
            trailers = self._rewrite(trailers)
        code, frame = ending_of(trailers)
        self._sink.write(self._piece(data + frame, end=True))
        self._sink.ended(code)

    def _only(self, data: bytes, trailers: tuple[Field, ...], aligned: bool) -> tuple[bytes, tuple[Field, ...]]:
        """One call, one answer: fewer, more or half of one is a fault of the server's; of a failed call none is."""
        if dict(trailers).get("grpc-status") != "0":
            return b"", trailers
        single = len(data) >= grpcweb.HEADER_BYTES and len(data) == 5 + int.from_bytes(data[1:5], "big")
        if not aligned or (self._shape.checked and not single):
            return b"", failure(code_pb2.INTERNAL, "The server behind did not give exactly one answer.")
        return data, trailers

    def _piece(self, data: bytes, *, end: bool) -> bytes:
        """A part of the HTTP answer, with its head if it is the first."""
        shape = self._shape
        if shape.text:
            data = grpcweb.encode_text(data)
        length = b""
        if not self._begun and end:
            length = b"content-length: %d\r\n" % len(data)
        elif shape.chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
            if end:
                data += b"0\r\n\r\n"
            length = b"transfer-encoding: chunked\r\n"
        if self._begun:
            return data
        self._begun = True
        return self._head(length) + data

    def _head(self, length: bytes) -> bytes:
        shape, opening = self._shape, self._opening
        subtype = opening.subtype if opening is not None else "+proto"
        kind = f"application/grpc-web{'-text' if shape.text else ''}{subtype}"
        parts = [b"HTTP/1.1 200 OK\r\ncontent-type: ", kind.encode("latin-1"), b"\r\n", length, shape.lines]
        if opening is not None:
            parts.append(opening.lines)
            if opening.encoding == "gzip" and self._inflater is None:
                parts.append(b"grpc-encoding: gzip\r\n")
        if shape.expose:
            names = ", ".join((shape.expose, *(opening.names if opening is not None else ())))
            parts.append(f"access-control-expose-headers: {names}\r\n".encode("latin-1"))
        if not shape.keep_alive or not (shape.chunked or length) or self._sink.last():
            parts.append(b"connection: close\r\n")
        parts.append(b"\r\n")
        return b"".join(parts)
