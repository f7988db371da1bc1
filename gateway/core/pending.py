"""What viewers said and the Relay stream has not taken yet: few messages, none too large, and not without end."""

from rushes.annotation.v1 import relay_service_pb2 as relay

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
_PRESENCE_TAG = b"\x1a"
_OVERHEAD_BYTES = 16


def pause_s(viewers: int, crowd: relay.RelayCrowd) -> float:
    """What passes between two messages, with so many viewers here and the crowd at all gateways."""
    alone_s = min(MAX_PAUSE_S, PAUSE_S * max(viewers, crowd.viewers))
    return min(LONGEST_PAUSE_S, alone_s * max(1, crowd.gateways))


class Pending:
    """Requests in the order in which they came; what viewers sent one after the other shares a message."""

    def __init__(self) -> None:
        self._requests: list[relay.RelayRequest] = []
        self._frames: relay.RelayFrames | None = None
        self._frames_bytes = 0
        self._counts: dict[int, int] = {}
        self._bytes = 0

    @property
    def crowded(self) -> bool:
        """Whether so much waits that no more should be read."""
        return self._bytes > HIGH_BYTES

    def put(self, request: relay.RelayRequest) -> None:
        """Adds the hub's own request."""
        self._requests.append(request)
        self._frames = None

    def add(self, session: int, request: bytes) -> bool:
        """Adds a viewer's serialised message; False: it has too many waiting."""
        count = self._counts.get(session, 0) + 1
        if count > MAX_EACH:
            return False
        frames = self._frames
        if frames is not None and request[:1] == _PRESENCE_TAG:
            last = frames.frames[-1]
            grown = len(request) - len(last.request)
            if (
                last.session == session
                and last.request[:1] == _PRESENCE_TAG
                and (grown <= 0 or self._frames_bytes + grown <= MESSAGE_BYTES)
            ):
                last.request = request  # where it was does not matter any more
                self._frames_bytes += grown
                self._bytes += grown
                return True
        self._counts[session] = count
        size_bytes = len(request) + _OVERHEAD_BYTES
        if frames is None or self._frames_bytes + size_bytes > MESSAGE_BYTES:
            holder = relay.RelayRequest(frames=relay.RelayFrames())
            self._requests.append(holder)
            frames = self._frames = holder.frames
            self._frames_bytes = 0
        frames.frames.add(session=session, request=request)
        self._frames_bytes += size_bytes
        self._bytes += size_bytes
        return True

    def forget(self, session: int) -> None:
        """A viewer is gone: what it sent still goes, how much does not matter any more."""
        self._counts.pop(session, None)

    def take(self) -> list[relay.RelayRequest]:
        """All of it."""
        taken, self._requests = self._requests, []
        self._frames = None
        self._counts.clear()
        self._bytes = 0
        return taken
