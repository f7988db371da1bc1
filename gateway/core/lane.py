"""What the gateway keeps of a lane: the last snapshot and the frames since, so that joins and resumes need nobody."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.core.authors import Authors
from gateway.core.socket import message_frame
from rushes.annotation.v1 import annotation_service_pb2, relay_service_pb2
from rushes.type.v1 import access_pb2

MAX_BYTES = 16 * 1024 * 1024
MAX_REVISIONS = 10_000


class LaneKey(NamedTuple):
    """Which lane."""

    audience: "access_pb2.Audience.ValueType"
    delivery: "annotation_service_pb2.Delivery.ValueType"
    numbered: bool = False
    """Its commits say numbers in the place of who made them."""

    @classmethod
    def of(cls, lane: relay_service_pb2.Lane) -> "LaneKey":
        """The one that is spoken of."""
        return cls(lane.audience, lane.delivery, lane.numbers_authors)

    def said(self) -> relay_service_pb2.Lane:
        """As it is spoken of."""
        return relay_service_pb2.Lane(audience=self.audience, delivery=self.delivery, numbers_authors=self.numbered)


@dataclass(frozen=True, slots=True)
class Entry:
    """One broadcast: what takes a viewer from a revision to a later one, as a frame ready for the wire."""

    from_revision: int
    to_revision: int
    frame: bytes


@dataclass(slots=True)
class Snapshot:
    """A snapshot's parts as frames ready for the wire."""

    revision: int
    frames: list[bytes] = field(default_factory=list)


class Lane:
    """Cache of one lane: entries from `start` to `head` without a hole, and a snapshot that they begin at or before."""

    def __init__(self, key: LaneKey) -> None:
        self.key = key
        self.start = 0
        self.head: int | None = None
        self.snapshot: Snapshot | None = None
        self.snapshot_asked = False
        self.bytes_in = 0
        self.authors = Authors()
        self.edition = 1
        """Of its authors: another one when they have changed, but for whom its entries name."""
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._building: Snapshot | None = None

    def begin(self, revision: int) -> None:
        """Broadcasts after this revision follow; the cache is empty."""
        self.clear()
        self.start = self.head = revision

    def clear(self) -> None:
        """Forgets everything."""
        self._entries.clear()
        self._bytes = self.start = 0
        self.head = self.snapshot = self._building = None
        self.snapshot_asked = False
        self.authors = Authors()
        self.edition += 1

    def want(self, since: int | None) -> relay_service_pb2.RelayRequest:
        """Asks for what comes after a revision; None: for a snapshot, and what comes after that."""
        want = relay_service_pb2.RelayWant(lane=self.key.said())
        if since is None:
            want.snapshot = self.snapshot_asked = True
        else:
            want.since_revision = since
        return relay_service_pb2.RelayRequest(want=want)

    def named(self, authors: bytes) -> bool:
        """Takes in whom it says numbers for where it begins; whether that is anything new."""
        if not self.authors.learn(authors):
            return False
        self.edition += 1
        return True

    def broadcast(self, message: relay_service_pb2.RelayBroadcast) -> Entry | None:
        """Takes a broadcast in; None: it does not fit what is here (a lane just forgotten)."""
        if self.head is None or message.from_revision > self.head:
            return None
        if message.authors:
            self.authors.learn(message.authors)
        entry = Entry(message.from_revision, message.to_revision, message_frame(message.response))
        self._entries.append(entry)
        self._bytes += len(entry.frame)
        self.bytes_in += len(entry.frame)
        self.head = max(self.head, entry.to_revision)
        self._trim()
        return entry

    def _trim(self) -> None:
        while self._entries and (self._bytes > MAX_BYTES or self._span() > MAX_REVISIONS):
            gone = self._entries.popleft()
            self._bytes -= len(gone.frame)
            self.start = max(self.start, gone.to_revision)

    def _span(self) -> int:
        return (self.head or 0) - self.start

    def snapshot_part(self, message: relay_service_pb2.RelaySnapshot) -> bool:
        """Takes a part in; True: the snapshot is complete."""
        if message.index == 0:
            self._building = Snapshot(message.revision)
        building = self._building
        if building is None or building.revision != message.revision or len(building.frames) != message.index:
            self._building = None
            return False
        building.frames.append(message_frame(message.response))
        if not message.last:
            return False
        self.snapshot, self._building, self.snapshot_asked = building, None, False
        if self.head is None:
            self.start = self.head = building.revision
        return True

    def resumes(self, revision: int) -> bool:
        """Whether a viewer at this revision can go on from the cache."""
        return self.head is not None and self.start <= revision

    def before(self, revision: int) -> bool:
        """Whether the lane has not come to this revision yet, so that what it brings next is known to who has that."""
        return self.head is not None and self.head < revision

    def usable_snapshot(self) -> Snapshot | None:
        """The snapshot, if the entries still lead on from it."""
        if self.snapshot is not None and self.resumes(self.snapshot.revision):
            return self.snapshot
        return None

    def since(self, revision: int) -> Iterator[Entry]:
        """The entries that a viewer at this revision has not seen whole."""
        return _newer(self._entries, revision)


def _newer(entries: Iterable[Entry], revision: int) -> Iterator[Entry]:
    return (entry for entry in entries if entry.to_revision > revision)
