"""The opening handshake of a WebSocket (RFC 6455, 4.2): who asks for one, and the answer. Pure."""

import base64
import binascii
import hashlib
from typing import Final

from gateway.core.origin import Headers

VERSION: Final = "13"
KEY_BYTES: Final = 16
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def subprotocols(headers: Headers) -> list[str]:
    """What the client offers to speak, in its order."""
    return [name.strip() for name in headers.get("sec-websocket-protocol", "").split(",") if name.strip()]


def is_handshake(headers: Headers) -> bool:
    """Whether a GET with these headers asks for a WebSocket as it has to."""
    return (
        "websocket" in _words(headers.get("upgrade", ""))
        and "upgrade" in _words(headers.get("connection", ""))
        and headers.get("sec-websocket-version", "") == VERSION
        and _is_key(headers.get("sec-websocket-key", ""))
    )


def answer(key: str, protocol: str, lines: bytes, extensions: str = "") -> bytes:
    """The head that opens it. `lines`: more of it, each with its end; `extensions`: what was agreed of them."""
    if extensions:
        lines = b"Sec-WebSocket-Extensions: " + extensions.encode() + b"\r\n" + lines
    accept = base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + accept
        + b"\r\nSec-WebSocket-Protocol: "
        + protocol.encode()
        + b"\r\n"
        + lines
        + b"\r\n"
    )


def _words(value: str) -> list[str]:
    return [word.strip() for word in value.lower().split(",")]


def _is_key(value: str) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == KEY_BYTES
    except (binascii.Error, ValueError):
        return False
