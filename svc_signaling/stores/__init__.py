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
    """Durable once a call returns; each call happens whole or not at all.

    Of several instances one owns a room at a time: it alone appends, whoever it was that took the room last. What it
    read after it took the room is all there is. An instance that says nothing until its time is over has lost its rooms
    to whoever takes them up.
    """

    async def create(self, tenant_id: str, room: pb.Room, request_id: str, request: bytes, most: int) -> pb.Room:
        """Keeps a new room; with a request_id that was used, gives what was made then.

        Raises TooManyRooms when the project has as many open rooms; breakouts are not counted.
        """

    async def room(self, tenant_id: str, project_id: int, room_id: str) -> pb.Room | None:
        """A room, if it is of that tenant and project."""

    async def rooms(self, tenant_id: str, project_id: int, before: tuple[int, str] | None, limit: int) -> list[pb.Room]:
        """Rooms that are breakouts of none, the newest first, made before that one (time, id)."""

    async def breakouts(self, tenant_id: str, project_id: int, room_ids: Sequence[str], limit: int) -> list[pb.Room]:
        """Breakouts of these rooms, the newest first."""

    async def take(
        self, tenant_id: str, project_id: int, room_id: str, until_ms: int, free_ms: int | None = None
    ) -> pb.Room | None:
        """A room, of that tenant and project, which this instance owns from now on; None: there is none.

        `free_ms`: only if nobody else owns it at that time, and None else.
        """

    async def hold(self, until_ms: int) -> set[str]:
        """The rooms that this instance still owns, which it does until then."""

    async def release(self, room_id: str) -> None:
        """This instance does not own the room any more, and nothing about it is to be done."""

    async def orphans(self, now_ms: int) -> list[tuple[str, int, str]]:
        """Rooms whose owner is gone, or is this instance from a life before: tenant, project, id."""

    async def append(self, tenant_id: str, person_id: str, room: pb.Room, kept: Sequence[Kept]) -> None:
        """Keeps events that follow the last, done by that person (empty: by nobody), and the room as it is after.

        Raises RoomMoved when another instance owns the room by now.
        """

    async def events(self, room_id: str, after: int, limit: int) -> list[Kept]:
        """Events after an ordinal, in order."""

    async def ended(self) -> list[tuple[str, int, str]]:
        """Rooms that are over, that nobody is in, that no other instance owns, and whose record is not sealed yet."""

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
