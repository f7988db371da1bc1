"""permessage-deflate of WebSockets (RFC 7692), each message by itself: the same packed bytes do for every viewer, and
no socket holds anything for it."""

import zlib
from collections.abc import Callable
from typing import Final

from gateway.core.websocket import BINARY, PACKED, PROTOCOL_ERROR, TOO_BIG, WebSocketError, server_frame

EXTENSION: Final = "permessage-deflate"
AGREED: Final = f"{EXTENSION}; server_no_context_takeover; client_no_context_takeover"
MIN_BYTES: Final = 1024
"""Smaller messages go as they are."""
MOST_PACKED: Final = 8
"""Of what goes out at one time so many messages are packed at most: more variants of it are read by few each."""
BYTES_S: Final = 4 * 1024 * 1024
"""Packed in a second: a tenth of a core."""

_LEVEL: Final = 1
_WINDOW: Final = -15
_END: Final = b"\0\0\xff\xff"
_TAKEN: Final = ("server_no_context_takeover", "client_no_context_takeover")
"""Who asks for a window of the server's has to be answered with one (RFC 7692, 7.1.2.1), which AGREED has not."""


def agrees(offered: str) -> bool:
    """Whether one of the offers of a client (Sec-WebSocket-Extensions) may be answered with AGREED."""
    return any(_agrees(*(part.strip().lower() for part in offer.split(";"))) for offer in offered.split(","))


def _agrees(name: str, *parameters: str) -> bool:
    names = [parameter.partition("=")[0] for parameter in parameters]
    known = all(each in _TAKEN or each.startswith("client_max_window_bits") for each in parameters)
    return name == EXTENSION and known and len(set(names)) == len(names)


def unpacked(payload: bytes, most: int) -> bytes:
    """A client's packed message of so many bytes at most. Raises WebSocketError."""
    try:
        data = zlib.decompressobj(_WINDOW).decompress(payload + _END, most + 1)
    except zlib.error as error:
        raise WebSocketError(PROTOCOL_ERROR, "a message is not packed as it says") from error
    if len(data) > most:
        raise WebSocketError(TOO_BIG, f"a message has at most {most} bytes")
    return data


class Pace:
    """How much is packed: so many bytes a second, of one second at most at once. More than that goes as it is."""

    def __init__(self, bytes_s: float = BYTES_S) -> None:
        self._bytes_s = self._room_bytes = bytes_s
        self._at = 0.0

    def take(self, size_bytes: int, now: float) -> bool:
        """Whether so much may be packed now."""
        self._room_bytes = min(self._bytes_s, self._room_bytes + (now - self._at) * self._bytes_s)
        self._at = now
        if self._room_bytes < size_bytes:
            return False
        self._room_bytes -= size_bytes
        return True


class Packer:
    """Packs what goes out at one time to many, each message once. `may`: whether so many bytes may be packed."""

    def __init__(self, may: Callable[[int], bool] = lambda _: True) -> None:
        self._may = may
        self._known: dict[bytes, bytes] = {}

    def pack(self, frames: bytes) -> bytes:
        """Whole frames of a server, one behind the other: those that are large packed, the others as they are."""
        pieces: list[bytes] = []
        at = 0
        while at < len(frames):
            body, end = _measure(frames, at)
            frame = frames[at:end]
            pieces.append(self._packed(frame, frame[body - at :]) if end - body >= MIN_BYTES else frame)
            at = end
        return b"".join(pieces)

    def _packed(self, frame: bytes, payload: bytes) -> bytes:
        packed = self._known.get(frame)
        if packed is not None:
            return packed
        if frame[0] != BINARY or len(self._known) >= MOST_PACKED or not self._may(len(payload)):
            return frame
        squeeze = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW)
        smaller = (squeeze.compress(payload) + squeeze.flush(zlib.Z_SYNC_FLUSH)).removesuffix(_END)
        packed = server_frame(PACKED, smaller) if len(smaller) < len(payload) else frame
        self._known[frame] = packed
        return packed


def _measure(frames: bytes, at: int) -> tuple[int, int]:
    """Where a server's frame has its payload, and where it ends."""
    size = frames[at + 1]
    if size < 126:
        return at + 2, at + 2 + size
    if size == 126:
        return at + 4, at + 4 + int.from_bytes(frames[at + 2 : at + 4], "big")
    return at + 10, at + 10 + int.from_bytes(frames[at + 2 : at + 10], "big")
