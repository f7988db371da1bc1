"""permessage-deflate of WebSockets (RFC 7692), each message by itself: the same packed bytes do for every viewer, and
no socket holds anything for it. A message is put together from pieces that were packed once, whatever else is in it."""

import zlib
from collections.abc import Callable, Sequence
from typing import Final

from gateway.core.kept import Kept
from gateway.core.websocket import PACKED, PROTOCOL_ERROR, TOO_BIG, WebSocketError, server_frame

EXTENSION: Final = "permessage-deflate"
AGREED: Final = f"{EXTENSION}; server_no_context_takeover; client_no_context_takeover"
MIN_BYTES: Final = 1024
"""Smaller messages go as they are."""
KEPT_BYTES: Final = 4 * 1024 * 1024
"""So much of the last pieces is known: what goes to one part of the viewers after the other is among them."""
SMALL_BYTES: Final = 64
"""Smaller pieces are not worth packing."""
BYTES_S: Final = 4 * 1024 * 1024
"""Packed in a second: a tenth of a core."""

_LEVEL: Final = 1
_WINDOW: Final = -15
_END: Final = b"\0\0\xff\xff"
_STORED_BYTES: Final = 0xFFFF
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


class Pieces:
    """What was packed last, by what it was. `may`: whether so many bytes may be packed."""

    __slots__ = ("_known", "_may")

    def __init__(self, may: Callable[[int], bool] = lambda _: True) -> None:
        self._may = may
        self._known = Kept[bytes, bytes](KEPT_BYTES, KEPT_BYTES // 2)

    def of(self, data: bytes) -> bytes:
        """Blocks of DEFLATE (RFC 1951) that say this, up to the end of a byte: others may follow.

        What may not be packed, or would not be smaller, is stored as it is.
        """
        known = self._known.get(data)
        if known is None:
            known = self._packed(data)
            self._known.put(data, known, len(data) + len(known))
        return known or stored(data)

    def _packed(self, data: bytes) -> bytes:
        """Nothing: it is stored."""
        if len(data) < SMALL_BYTES or not self._may(len(data)):
            return b""
        squeeze = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW)
        packed = squeeze.compress(data) + squeeze.flush(zlib.Z_SYNC_FLUSH)
        return packed if len(packed) < len(data) else b""


def stored(data: bytes) -> bytes:
    """Blocks of DEFLATE that hold this as it is, and an empty one, as every piece ends."""
    blocks = [data[at : at + _STORED_BYTES] for at in range(0, len(data), _STORED_BYTES)]
    return b"".join([_stored(block) for block in (*blocks, b"")])


def _stored(block: bytes) -> bytes:
    size = len(block)
    return b"\0" + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little") + block


def packed_frame(pieces: Sequence[bytes]) -> bytes:
    """A server's frame of one message: these pieces, one behind the other; at least one."""
    *first, last = pieces
    return server_frame(PACKED, *first, last.removesuffix(_END))
