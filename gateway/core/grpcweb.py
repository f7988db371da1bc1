"""gRPC-Web framing (PROTOCOL-WEB.md of gRPC): a data frame is a gRPC frame, the trailers one with the top bit set."""

import base64
import binascii
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


class FrameReader:
    """Cuts a stream of bytes into frames; holds at most one frame of `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
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
                raise ProtocolError(f"a message of {size} bytes is larger than {self._limit}")
            if flag not in (DATA, TRAILER):
                raise ProtocolError("compressed or unknown frames are not taken")
            end = at + HEADER_BYTES + size
            if len(self._buffer) < end:
                break
            frames.append((flag, bytes(self._buffer[at + HEADER_BYTES : end])))
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
