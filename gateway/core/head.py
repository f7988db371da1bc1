"""The head of an HTTP/1.1 request (RFC 9112), read strictly: what two servers could read differently is refused."""

import re
from dataclasses import dataclass, field
from typing import Final

MAX_HEAD_BYTES: Final = 32 * 1024
MAX_FIELDS: Final = 100
TOO_LARGE: Final = 413
"""The status of a body in chunks that has more than it may."""
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_HEAD = re.compile(
    rb"([A-Z]{1,20}) ([!-\"$-~]{1,8192}) HTTP/1\.([01])((?:\r\n" + _TOKEN + rb":[^\r\n\0]*)*)\r\n\r\n", re.DOTALL
)
"""A target has no fragment: some servers would cut it off, others look for a path that holds it."""
_FIELD = re.compile(rb"\r\n(" + _TOKEN + rb"):[ \t]*([^\r\n]*)")
_ADDRESS = re.compile(r"https?://([^/?]*)", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,18}")
_ONCE = frozenset(
    ("host", "content-length", "content-type", "transfer-encoding", "authorization", "origin", "upgrade",
     "sec-websocket-key", "sec-websocket-version", "expect", "grpc-timeout", "grpc-encoding")
)  # fmt: skip


class HeadError(Exception):
    """The request is not taken; `status` is HTTP's, the words may be shown to the sender."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True)
class Head:
    """A request's head. Names of fields are in lower case; `get` has the values of one name joined."""

    method: str
    target: str
    path: str
    version: int
    """0 or 1, of HTTP/1."""
    fields: list[tuple[str, str]]
    size: int | None
    """Bytes of the body; None: it comes in chunks."""
    values: dict[str, str] = field(default_factory=dict)

    def get(self, name: str, default: str = "") -> str:
        """The value of a field."""
        return self.values.get(name, default)

    @property
    def keep_alive(self) -> bool:
        """Whether the connection lasts longer than this request."""
        words = [word.strip() for word in self.get("connection").lower().split(",")]
        return "close" not in words and (self.version == 1 or "keep-alive" in words)

    @property
    def upgrade(self) -> bool:
        """Whether the connection is to become something else."""
        return "upgrade" in self.values or self.method == "CONNECT"


def parse(block: bytes) -> Head:
    """A head from its first byte to the empty line's last. Raises HeadError."""
    match = _HEAD.fullmatch(block)
    if match is None:
        raise HeadError(400, "That is no HTTP/1.1 request.")
    method, target, minor, lines = match.groups()
    fields = [(name.decode().lower(), value.rstrip(b" \t").decode("latin-1")) for name, value in _FIELD.findall(lines)]
    if len(fields) > MAX_FIELDS:
        raise HeadError(431, "There are too many headers.")
    values: dict[str, str] = {}
    for name, value in fields:
        if name in values:
            if name in _ONCE:
                raise HeadError(400, f"The header {name} comes twice.")
            values[name] += ("; " if name == "cookie" else ", ") + value
        else:
            values[name] = value
    if minor == b"1" and "host" not in values:
        raise HeadError(400, "The header host is missing.")
    text = target.decode()
    path = _path(text, values.get("host", ""))
    return Head(method.decode(), text, path, int(minor), fields, _size(values, minor), values)


def _path(target: str, host: str) -> str:
    """The path that is asked for, of an address in full too (RFC 9112, 3.2.2), if it names the same host."""
    if target[:1] == "/":
        return target.partition("?")[0]
    match = _ADDRESS.match(target)
    if match is None:
        return target
    if match[1].lower() != host.lower():
        raise HeadError(400, "The address names another host than the header host.")
    return target[match.end() :].partition("?")[0] or "/"


def _size(values: dict[str, str], minor: bytes) -> int | None:
    """How long the body is, where there is only one way to read it."""
    coding, length = values.get("transfer-encoding"), values.get("content-length")
    if coding is not None:
        if length is not None or minor == b"0":
            raise HeadError(400, "The body has two lengths.")
        if coding.lower() != "chunked":
            raise HeadError(501, "Only chunked is taken as transfer-encoding.")
        return None
    if length is None:
        return 0
    if not _NUMBER.fullmatch(length):
        raise HeadError(400, "content-length is no number.")
    return int(length)


class Chunks:
    """Reads a body that comes in chunks, at most `limit` bytes of it."""

    _LINE = re.compile(rb"([0-9a-fA-F]{1,8})(?:[ \t]*;[^\r\n\0]*)?")
    _MAX_LINE = 256

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._left = 0
        self._state = "size"
        self._trailers = 0
        self.body = bytearray()
        self.done = False

    def feed(self, data: bytes) -> bytes:
        """Takes bytes; gives what is after the body, once that is done. Raises HeadError."""
        self._buffer += data
        while not self.done and self._step():
            pass
        if not self.done:
            return b""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def _step(self) -> bool:
        """One piece; False: more bytes are needed."""
        if self._state == "data":
            return self._data()
        at = self._buffer.find(b"\r\n")
        if at < 0 or at > self._MAX_LINE:
            if len(self._buffer) > self._MAX_LINE:
                raise HeadError(400, "A chunk has no length.")
            return False
        line = bytes(self._buffer[:at])
        del self._buffer[: at + 2]
        self._line(line)
        return True

    def _data(self) -> bool:
        piece = self._buffer[: self._left]
        self.body += piece
        self._left -= len(piece)
        del self._buffer[: len(piece)]
        if self._left:
            return False
        self._state = "end"
        return True

    def _line(self, line: bytes) -> None:
        if self._state == "end":
            if line:
                raise HeadError(400, "A chunk is longer than it says.")
            self._state = "size"
        elif self._state == "trailers":
            self._trailers += len(line)
            if self._trailers > MAX_HEAD_BYTES:
                raise HeadError(431, "The trailers are too long.")
            self.done = not line
        else:
            match = self._LINE.fullmatch(line)
            if match is None:
                raise HeadError(400, "A chunk's length is no number.")
            self._left = int(match[1], 16)
            if self._left + len(self.body) > self._limit:
                raise HeadError(TOO_LARGE, "The body is too large.")
            self._state = "data" if self._left else "trailers"
