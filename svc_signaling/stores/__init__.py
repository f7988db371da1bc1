"""What svc_signaling keeps: rooms, their record, and their keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rushes.signaling.v1 import feed_service_pb2 as feed
from rushes.signaling.v1 import recording_pb2
from rushes.signaling.v1 import room_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class Kept:
    """An event, and whose request it came of."""

    event: pb.Event
    participant_id: str = ""
    number: int = 0
    """0: of no request."""


class Store(Protocol):
    """Durable once a call returns; each call happens whole or not at all."""

    async def create(self, tenant_id: str, room: pb.Room, request_id: str, request: bytes, most: int) -> pb.Room:
        """Keeps a new room; with a request_id that was used, gives what was made then.

        Raises TooManyRooms when the project has as many open rooms.
        """

    async def room(self, tenant_id: str, project_id: int, room_id: str) -> pb.Room | None:
        """A room, if it is of that tenant and project."""

    async def rooms(self, tenant_id: str, project_id: int, before: tuple[int, str] | None, limit: int) -> list[pb.Room]:
        """Rooms, the newest first, made before that one (time, id)."""

    async def busy(self) -> list[tuple[str, int, str]]:
        """Rooms that are not over and had people in them: tenant, project, id."""

    async def append(self, tenant_id: str, person_id: str, room: pb.Room, kept: Sequence[Kept]) -> None:
        """Keeps events that follow the last, done by that person (empty: by nobody), and the room as it is after."""

    async def events(self, room_id: str, after: int, limit: int) -> list[Kept]:
        """Events after an ordinal, in order."""

    async def ended(self) -> list[tuple[str, int, str]]:
        """Rooms that are over, that nobody is in, and whose record is not sealed yet: tenant, project, id."""

    async def sealed(self, room_id: str) -> None:
        """The record of a room that is over is complete, and kept elsewhere too."""

    async def close(self) -> None:
        """Ends it."""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key, and the room that it is of."""

    tenant_id: str
    project_id: int
    room_id: str
    key: feed.FeedKey


class Keys(Protocol):
    """Keys of rooms: see Store for what holds of all calls. Of a secret only the digest is ever here."""

    async def create(self, row: KeyRow, digest: bytes, request_id: str, request: bytes, most: int) -> feed.FeedKey:
        """Keeps a new key; with a request_id that was used, what was made then has this digest from now on.

        Raises TooManyKeys when the room has as many.
        """

    async def of_room(self, tenant_id: str, room_id: str) -> list[feed.FeedKey]:
        """The keys of a room, the oldest first."""

    async def find(self, digest: bytes) -> KeyRow | None:
        """The key that a secret of that digest proves."""

    async def revoke(self, row: KeyRow, person_id: str, now_ms: int) -> bool:
        """Forgets a key of that room; False: there was none."""


@dataclass(frozen=True, slots=True)
class Owned:
    """A recording and whose it is."""

    tenant_id: str
    project_id: int
    recording: recording_pb2.Recording


class RecordingStore(Protocol):
    """Durable once a call returns; what people did is told to the audit trail in the same transaction."""

    async def add(self, owned: Owned) -> None:
        """Keeps a new recording; one that is there stays as it is."""

    async def put(self, owned: Owned, action: str = "", now_ms: int = 0) -> None:
        """Keeps a recording as it is now; an action is told to the audit trail."""

    async def open(self) -> list[Owned]:
        """Recordings that go on, or of which videos are being made; the oldest first."""

    async def list(self, tenant_id: str, project_id: int, room_id: str, limit: int) -> list[recording_pb2.Recording]:
        """The newest recordings of a room; of no room: of all of the project. The oldest first."""
