"""What viewers said and the Relay stream has not taken yet: few messages, none too large, and not without end."""

from functools import lru_cache
from typing import Final

from rushes.annotation.v1 import relay_service_pb2 as relay
from rushes.document import wire

MESSAGE_BYTES = 512 * 1024
HIGH_BYTES = 4 * 1024 * 1024
"""Past it viewers are read no further, so that their own sockets hold them back."""
MAX_EACH = 256
"""Most messages of one viewer."""
PAUSE_S = 20e-6
MAX_PAUSE_S = 0.010
LONGEST_PAUSE_S = 0.020
"""Between two messages passes so much for each viewer, a quarter of what a commit then waits for company on its way
back. A message costs both ends 60 us and the log a sync, whatever is in it: so of two gateways each passes twice that,
up to the longest."""
_PRESENCE: Final = 0x1A
"""The first byte of a viewer's presence."""
_OVERHEAD_BYTES: Final = 16
"""More than stands before a viewer's message."""
_FRAMES: Final = relay.RelayRequest.FRAMES_FIELD_NUMBER
_FRAME: Final = wire.tag(relay.RelayFrames.FRAMES_FIELD_NUMBER, wire.LENGTH)
_SESSION: Final = relay.RelayFrame.SESSION_FIELD_NUMBER
_REQUEST: Final = wire.tag(relay.RelayFrame.REQUEST_FIELD_NUMBER, wire.LENGTH)
_PIECES: Final = 5
"""Of a frame, the last of which is the viewer's message."""
_varint: Final = lru_cache(16 * 1024)(wire.varint)
"""The same few numbers come again and again."""


@lru_cache(16 * 1024)
def _begin(session: int) -> bytes:
    """How a viewer's frames begin."""
    return wire.number_field(_SESSION, session) + _REQUEST


def pause_s(viewers: int, crowd: relay.RelayCrowd) -> float:
    """What passes between two messages, with so many viewers here and the crowd at all gateways."""
    alone_s = min(MAX_PAUSE_S, PAUSE_S * max(viewers, crowd.viewers))
    return min(LONGEST_PAUSE_S, alone_s * max(1, crowd.gateways))


class Pending:
    """Serialised requests in the order in which they came; what viewers sent one after the other shares a message.

    That one is put together from bytes: there are ten thousand frames a second, and objects take twice as long.
    """

    def __init__(self) -> None:
        self._requests: list[bytes] = []
        self._pieces: list[bytes] = []
        """Of the message that viewers share now."""
        self._pieces_bytes = 0
        self._present = 0
        """Whose presence is last in it; 0: something else is."""
        self._counts: dict[int, int] = {}
        self._sealed_bytes = 0

    @property
    def crowded(self) -> bool:
        """Whether so much waits that no more should be read."""
        return self._sealed_bytes + self._pieces_bytes > HIGH_BYTES

    def put(self, request: relay.RelayRequest) -> None:
        """Adds the hub's own request."""
        self._seal()
        self._requests.append(request.SerializeToString())

    def add(self, session: int, request: bytes) -> bool:
        """Adds a viewer's serialised message; False: it has too many waiting."""
        count = self._counts.get(session, 0) + 1
        if count > MAX_EACH:
            return False
        size_bytes = len(request) + _OVERHEAD_BYTES
        present = session if request and request[0] == _PRESENCE else 0
        if present and present == self._present:
            last_bytes = len(self._pieces[-1]) + _OVERHEAD_BYTES
            if size_bytes <= last_bytes or self._pieces_bytes + size_bytes - last_bytes <= MESSAGE_BYTES:
                del self._pieces[-_PIECES:]  # where it was does not matter any more
                self._pieces_bytes -= last_bytes
                count -= 1
        self._counts[session] = count
        if self._pieces_bytes + size_bytes > MESSAGE_BYTES:
            self._seal()
        self._present = present
        begin, length = _begin(session), _varint(len(request))
        size = _varint(len(begin) + len(length) + len(request))
        self._pieces += (_FRAME, size, begin, length, request)
        self._pieces_bytes += size_bytes
        return True

    def _seal(self) -> None:
        """What comes next begins another message."""
        if self._pieces:
            self._requests.append(wire.field(_FRAMES, b"".join(self._pieces)))
            self._sealed_bytes += self._pieces_bytes
            self._pieces, self._pieces_bytes, self._present = [], 0, 0

    def forget(self, session: int) -> None:
        """A viewer is gone: what it sent still goes, how much does not matter any more."""
        self._counts.pop(session, None)

    def take(self) -> list[bytes]:
        """All of it."""
        self._seal()
        taken, self._requests = self._requests, []
        self._counts.clear()
        self._sealed_bytes = 0
        return taken
