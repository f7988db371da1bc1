"""gRPC-Web framing (PROTOCOL-WEB.md of gRPC): a data frame is a gRPC frame, the trailers one with the top bit set."""

import base64
import binascii
import re
import struct
import zlib
from collections.abc import Iterable
from urllib.parse import quote

DATA = 0x00
COMPRESSED = 0x01
TRAILER = 0x80
HEADER_BYTES = 5


class ProtocolError(Exception):
    """The bytes are not what the protocol says; `str` of it may be shown to the sender."""


def frame(flag: int, payload: bytes) -> bytes:
    """One frame: a byte of flags, the length in four bytes, the payload."""
    return bytes((flag,)) + len(payload).to_bytes(4, "big") + payload


def data_frame(message: bytes) -> bytes:
    """A serialised message as a frame."""
    return frame(DATA, message)


def trailer_frame(fields: Iterable[tuple[str, str]]) -> bytes:
    """Headers or trailers as a frame; names in lower case, line breaks in values are not passed on."""
    block = "".join(f"{name.lower()}: {_clean(value)}\r\n" for name, value in fields)
    return frame(TRAILER, block.encode("latin-1", "replace"))


def status_trailers(code: int, message: str, details: bytes | None = None) -> list[tuple[str, str]]:
    """grpc-status with grpc-message percent-encoded as gRPC has it, and the details (a google.rpc.Status) in base64."""
    fields = [("grpc-status", str(code))]
    if message:
        fields.append(("grpc-message", quote(message, safe=" !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~")))
    if details:
        fields.append(("grpc-status-details-bin", encode_binary(details)))
    return fields


def encode_binary(value: bytes) -> str:
    """A `-bin` header's value: base64 without padding."""
    return base64.b64encode(value).rstrip(b"=").decode()


def decode_binary(value: str) -> bytes:
    """A `-bin` header's value back to bytes; padding may be missing."""
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProtocolError("a -bin header is not base64") from error


def _clean(value: str) -> str:
    return value.replace("\r", " ").replace("\n", " ")


def parse_fields(block: bytes) -> list[tuple[str, str]]:
    """Header lines of a frame or of a grpc-websockets handshake; names in lower case."""
    fields: list[tuple[str, str]] = []
    for line in block.decode("latin-1").split("\r\n"):
        if not line:
            continue
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise ProtocolError("a header line has no name")
        fields.append((name.strip().lower(), value.strip()))
    return fields


ENCODINGS = ("identity", "gzip", "deflate")
_GZIP = b"\x1f\x8b"
_WINDOW_BITS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class TooLarge(ProtocolError):
    """A message is larger than is taken, as it came or once it is inflated."""


class UnknownEncoding(ProtocolError):
    """A message is compressed in a way that is not known here."""


def inflate(payload: bytes, encoding: str, limit: int) -> bytes:
    """A compressed message as it was, of at most `limit` bytes: no more than that is ever inflated."""
    bits = _WINDOW_BITS.get(encoding)
    if bits is None:
        raise ProtocolError("a message is compressed, but nothing says how")
    if payload.startswith(_GZIP) and int.from_bytes(payload[-4:], "little") > limit:  # RFC 1952: its size
        raise TooLarge(f"a message says that it has more than {limit} bytes once it is inflated")
    inflater = zlib.decompressobj(bits)
    try:
        plain = inflater.decompress(payload, limit + 1)
    except zlib.error as error:
        raise ProtocolError("a compressed message is broken") from error
    if len(plain) > limit:
        raise TooLarge(f"a message is larger than {limit} bytes once it is inflated")
    if not inflater.eof or inflater.unused_data:
        raise ProtocolError("a compressed message is cut, or has something behind it")
    return plain


def check_encoding(encoding: str) -> str:
    """A `grpc-encoding`, if it is one that can be inflated here; identity where there is none."""
    known = encoding.strip().lower() or "identity"
    if known not in ENCODINGS:
        raise UnknownEncoding("that grpc-encoding is not known here; identity, gzip and deflate are")
    return known


_SEGMENT = re.compile(rb"[A-Za-z0-9+/]*={0,2}")


def decode_text(body: bytes) -> bytes:
    """A body in text mode: base64, each piece of which may end with its own padding."""
    out = []
    at = 0
    while at < len(body):
        match = _SEGMENT.match(body, at)
        piece = match[0] if match else b""
        if not piece or len(piece) % 4:
            raise ProtocolError("the body is not base64, or is cut inside of four letters")
        out.append(base64.b64decode(piece, validate=True))
        at += len(piece)
    return b"".join(out)


def encode_text(data: bytes) -> bytes:
    """A piece of an answer in text mode, with its own padding: it can be read as soon as it is there."""
    return base64.b64encode(data)


def only_message(body: bytes, limit: int, encoding: str = "identity") -> bytes:
    """The body of a call with one message, as the one gRPC frame that goes on; inflated if it was compressed."""
    if len(body) < HEADER_BYTES:
        raise ProtocolError("this call has exactly one message")
    flag, size = body[0], int.from_bytes(body[1:HEADER_BYTES], "big")
    if size > limit:
        raise TooLarge(f"a message of {size} bytes is larger than {limit}")
    if flag not in (DATA, COMPRESSED) or len(body) != HEADER_BYTES + size:
        raise ProtocolError("this call has exactly one message")
    return body if flag == DATA else data_frame(inflate(body[HEADER_BYTES:], encoding, limit))


_LENGTH = struct.Struct(">xI")


class Lengths:
    """Follows the lengths of frames that pass as they are, to know at the end whether one is cut."""

    __slots__ = ("_left", "_partial")

    def __init__(self) -> None:
        self._left = 0
        """Bytes that the frame needs which was begun."""
        self._partial = b""
        """The beginning of a frame's five bytes."""

    @property
    def whole(self) -> bool:
        """Every frame that was begun has ended."""
        return not self._left and not self._partial

    def follow(self, data: bytes) -> None:
        """More of them."""
        at, size = self._left, len(data)
        if at >= size and at:
            self._left = at - size
            return
        self._left = 0
        if self._partial:
            data = self._partial + data
            size, self._partial = len(data), b""
        length = _LENGTH.unpack_from
        while size - at >= HEADER_BYTES:
            at += HEADER_BYTES + length(data, at)[0]
        if at < size:
            self._partial = data[at:]
        else:
            self._left = at - size


class FrameReader:
    """Cuts a stream of bytes into frames; holds at most one frame of `limit` bytes. Compressed ones come inflated."""

    def __init__(self, limit: int, encoding: str = "identity") -> None:
        self._limit = limit
        self._encoding = encoding
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The frames that are complete now, as (flag, payload)."""
        self._buffer += data
        frames: list[tuple[int, bytes]] = []
        at = 0
        while len(self._buffer) - at >= HEADER_BYTES:
            flag = self._buffer[at]
            size = int.from_bytes(self._buffer[at + 1 : at + HEADER_BYTES], "big")
            if size > self._limit:
                raise TooLarge(f"a message of {size} bytes is larger than {self._limit}")
            if flag not in (DATA, TRAILER) and (flag != COMPRESSED or self._encoding == "identity"):
                raise ProtocolError("compressed or unknown frames are not taken")
            end = at + HEADER_BYTES + size
            if len(self._buffer) < end:
                break
            payload = bytes(self._buffer[at + HEADER_BYTES : end])
            if flag == COMPRESSED:
                flag, payload = DATA, inflate(payload, self._encoding, self._limit)
            frames.append((flag, payload))
            at = end
        del self._buffer[:at]
        return frames

    def whole(self, data: bytes, at: int) -> bytes | None:
        """The payload, if there is exactly one data frame from `at` on and nothing before it: the common case."""
        size = len(data) - at - HEADER_BYTES
        if self._buffer or not 0 <= size <= self._limit or data[at] != DATA:
            return None
        return data[at + HEADER_BYTES :] if int.from_bytes(data[at + 1 : at + HEADER_BYTES], "big") == size else None

    @property
    def pending(self) -> int:
        """Bytes of a frame that has begun and not ended."""
        return len(self._buffer)
