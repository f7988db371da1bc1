"""What goes to a gateway: serialised RelayResponses, put together from bytes, and several in one message."""

from collections import deque
from typing import Final

from google.rpc import status_pb2

from rushes.annotation.v1 import relay_service_pb2 as relay
from rushes.document.wire import field, number_field, repeated
from svc_annotation.core.landed import Audience
from svc_annotation.core.lane import Frame, LaneKey

_BROADCAST, _SNAPSHOT, _ADDRESSED, _BATCH = 3, 4, 5, 8
_FULL, _MERGED = 1, 2

MESSAGE_BYTES: Final = 512 * 1024
HIGH_BYTES: Final = 4 * 1024 * 1024
"""Past it presence is dropped and snapshots wait."""
MAX_BYTES: Final = 64 * 1024 * 1024
"""Past it the gateway does not read, and is cut."""


def _lane(lane: LaneKey) -> bytes:
    delivery = number_field(2, _MERGED if lane.merged else _FULL)
    return field(1, number_field(1, lane.audience) + delivery + number_field(3, int(lane.numbered)))


def broadcast(lane: LaneKey, frame: Frame) -> bytes:
    """A frame of a lane."""
    head = _lane(lane) + number_field(2, frame.from_revision) + number_field(3, frame.to_revision)
    named = field(5, frame.authors) if frame.authors else b""
    return field(_BROADCAST, head + field(4, frame.payload) + named)


def authors(lane: LaneKey, revision: int, named: bytes) -> bytes:
    """Whom a lane says numbers for where it begins (see `Authors`)."""
    head = _lane(lane) + number_field(2, revision) + number_field(3, revision)
    return field(_BROADCAST, head + field(5, named))


def snapshot(lane: LaneKey, revision: int, part: tuple[int, bool, bytes]) -> bytes:
    """A part of a lane's snapshot: index, whether it is the last, and the response."""
    index, last, payload = part
    head = _lane(lane) + number_field(2, revision) + number_field(3, index)
    return field(_SNAPSHOT, head + number_field(4, int(last)) + field(5, payload))


def addressed(sessions: bytes, payload: bytes, *, droppable: bool = False, after_revision: int = 0) -> bytes:
    """A response for some sessions, which are varints one behind the other."""
    return field(
        _ADDRESSED,
        field(1, sessions) + field(2, payload) + number_field(3, int(droppable)) + number_field(4, after_revision),
    )


def attached(session: int, audience: Audience, opened: bytes) -> bytes:
    """A session is in, or its change of lane is answered (`opened` empty)."""
    message = relay.RelayAttached(session=session, audience=audience, opened=opened)
    return relay.RelayResponse(attached=message).SerializeToString()


def ended(session: int, status: status_pb2.Status) -> bytes:
    """A session is over."""
    return relay.RelayResponse(ended=relay.RelayEnded(session=session, status=status)).SerializeToString()


def crowd(viewers: int, gateways: int, merging_saves: bool) -> bytes:
    """How many are on the video, and whether merged states are worth it."""
    told = relay.RelayCrowd(viewers=viewers, gateways=gateways, merging_saves=merging_saves)
    return relay.RelayResponse(crowd=told).SerializeToString()


class Outbox:
    """What waits for one gateway, in order, bounded in bytes."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self.size_bytes = 0

    def put(self, response: bytes) -> bool:
        """Adds a response; False: there is too much."""
        self._waiting.append(response)
        self.size_bytes += len(response)
        return self.size_bytes <= MAX_BYTES

    @property
    def crowded(self) -> bool:
        """What may be dropped or may wait, should."""
        return self.size_bytes > HIGH_BYTES

    def take(self) -> bytes | None:
        """The next message: as many responses as fit into one; None: nothing waits."""
        if not self._waiting:
            return None
        first = self._waiting.popleft()
        self.size_bytes -= len(first)
        if not self._waiting or len(first) + len(self._waiting[0]) > MESSAGE_BYTES:
            return first
        taken = [first]
        total = len(first)
        while self._waiting and total + len(self._waiting[0]) <= MESSAGE_BYTES:
            response = self._waiting.popleft()
            total += len(response)
            taken.append(response)
        self.size_bytes -= total - len(first)
        return field(_BATCH, repeated(1, taken))
