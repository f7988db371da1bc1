"""What goes to many sockets in one message of each: made once for all that take it alike. Pure."""

from collections.abc import Sequence

from gateway.core.deflate import MIN_BYTES, Pieces, packed_frame, stored
from gateway.core.socket import binary_frame


class Message:
    """See the module.

    `parts`: messages of gRPC, framed. `pieces`: there are several who read it, so that packing is worth it.
    """

    __slots__ = ("_packed", "_parts", "_pieces", "_plain", "data")

    def __init__(self, parts: Sequence[bytes], pieces: Pieces | None = None) -> None:
        self.data = parts[0] if len(parts) == 1 else b"".join(parts)
        self._parts = parts
        self._pieces = pieces
        self._plain: dict[bytes, bytes] = {}
        self._packed: dict[bytes, bytes] = {}

    def with_presence(self, extra: bytes) -> "Message":
        """All of it, and this behind it."""
        return Message([*self._parts, extra], self._pieces)

    def plain(self, head: bytes = b"") -> bytes:
        """As a WebSocket's frame; `head` is before it, of a call that shares its socket with others."""
        known = self._plain.get(head)
        if known is None:
            known = self._plain[head] = binary_frame(head + self.data)
        return known

    def packed(self, head: bytes = b"") -> bytes:
        """The same, packed if that makes it smaller."""
        known = self._packed.get(head)
        if known is None:
            known = self._packed[head] = self._pack(head)
        return known

    def _pack(self, head: bytes) -> bytes:
        plain, pieces = self.plain(head), self._pieces
        if pieces is None or len(self.data) < MIN_BYTES:
            return plain
        packed = packed_frame((stored(head), *map(pieces.of, self._parts)))
        return packed if len(packed) < len(plain) else plain
