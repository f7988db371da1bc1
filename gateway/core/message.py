"""What goes to many sockets in one message of each: made once for all that take it alike. Pure."""

from collections.abc import Callable, Sequence

from gateway.core.deflate import MIN_BYTES, Pieces, packed_frame, stored
from gateway.core.socket import binary_frame


class Frames(dict[bytes, bytes]):
    """A message as frames, by what is before it there: nothing, or the head of a call that shares its socket.

    A dictionary that makes what it lacks: it is asked for each viewer, and has nearly always been asked before.
    """

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[bytes], bytes]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, head: bytes) -> bytes:
        made = self[head] = self._make(head)
        return made


class Message:
    """See the module.

    `parts`: messages of gRPC, framed. `pieces`: there are several who read it, so that packing is worth it.
    """

    __slots__ = ("_parts", "_pieces", "packed", "plain", "size_bytes")

    def __init__(self, parts: Sequence[bytes], pieces: Pieces | None = None) -> None:
        self._parts = parts
        self._pieces = pieces
        self.size_bytes = sum(map(len, parts))
        self.plain = Frames(lambda head: binary_frame(head, *parts))
        """As frames of a WebSocket."""
        self.packed = _packed(parts, pieces, self.plain) if pieces and self.size_bytes >= MIN_BYTES else self.plain
        """The same, packed if that makes them smaller."""

    def with_presence(self, extra: bytes) -> "Message":
        """All of it, and this behind it."""
        return Message([*self._parts, extra], self._pieces)


def _packed(parts: Sequence[bytes], pieces: Pieces, plain: Frames) -> Frames:
    size_bytes = sum(map(len, parts))

    def pack(head: bytes) -> bytes:
        packed = packed_frame((stored(head), *map(pieces.of, parts)))
        return packed if len(packed) < len(head) + size_bytes else plain[head]

    return Frames(pack)
