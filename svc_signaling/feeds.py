"""Encoders and monitors: a key lets them in, the forwarder answers them, the room sees them come and go."""

import hashlib
import secrets
from functools import partial
from typing import Final

from mesh.clock import Clock
from mesh.ids import new_id
from rushes.errors import RushesError
from rushes.sfu.v1 import sfu_service_pb2 as sfu
from rushes.signaling.v1 import feed_service_pb2 as pb
from svc_signaling.core import feed
from svc_signaling.errors import FeedUnknown, KeyInvalid, KeyUnknown, RoomUnknown
from svc_signaling.media import Media, Transport
from svc_signaling.rooms import Desk, Rooms
from svc_signaling.stores import KeyRow, Keys, Store

MAX_KEYS: Final = 50
MAX_NAME: Final = 100
SECRET_BYTES: Final = 24
RIGHTS: Final = frozenset((pb.FEED_RIGHT_PUBLISH, pb.FEED_RIGHT_WATCH))


class Feeds:
    """See the module."""

    def __init__(self, store: Store, keys: Keys, rooms: Rooms, media: Media, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._rooms = rooms
        self._media = media
        self._clock = clock

    # -- keys ------------------------------------------------------------------------------------------------

    async def create_key(
        self, tenant_id: str, person_id: str, request: pb.CreateFeedKeyRequest
    ) -> tuple[pb.FeedKey, str]:
        """A new key and its secret. Raises RoomUnknown, KeyInvalid, TooManyKeys."""
        await self._room(tenant_id, request.project_id, request.room_id)
        name = request.name.strip()
        if not 0 < len(name) <= MAX_NAME or request.right not in RIGHTS:
            raise KeyInvalid(f"a key has a name of 1 to {MAX_NAME} characters, and is for publishing or for watching")
        key = pb.FeedKey(
            key_id=new_id(),
            right=request.right,
            name=name,
            created_by=person_id,
            create_time_ms=self._clock.now_ms(),
        )
        # The room comes first: a gateway finds by it which instance to ask.
        secret = f"{request.room_id}.{secrets.token_urlsafe(SECRET_BYTES)}"
        content = pb.CreateFeedKeyRequest()
        content.CopyFrom(request)
        content.request_id = ""
        row = KeyRow(tenant_id, request.project_id, request.room_id, key)
        serialised = content.SerializeToString(deterministic=True)
        return await self._keys.create(row, _digest(secret), request.request_id, serialised, MAX_KEYS), secret

    async def list_keys(self, tenant_id: str, project_id: int, room_id: str) -> list[pb.FeedKey]:
        """A room's keys. Raises RoomUnknown."""
        await self._room(tenant_id, project_id, room_id)
        return await self._keys.of_room(tenant_id, room_id)

    async def revoke_key(self, tenant_id: str, person_id: str, request: pb.RevokeFeedKeyRequest) -> None:
        """Whoever came in by it is out. Raises RoomUnknown."""
        await self._room(tenant_id, request.project_id, request.room_id)
        row = KeyRow(tenant_id, request.project_id, request.room_id, pb.FeedKey(key_id=request.key_id))
        await self._keys.revoke(row, person_id, self._clock.now_ms())
        desk = await self._rooms.desk(tenant_id, request.project_id, request.room_id)
        for each in feed.feeds(desk.live):
            if _is_of(each.participant_id, request.key_id):
                await self._rooms.act(desk, person_id, partial(feed.go, participant_id=each.participant_id))

    async def _room(self, tenant_id: str, project_id: int, room_id: str) -> None:
        if await self._store.room(tenant_id, project_id, room_id) is None:
            raise RoomUnknown("there is no such room in this project")

    # -- feeds -----------------------------------------------------------------------------------------------

    async def start(self, request: pb.StartFeedRequest) -> tuple[str, Transport]:
        """A feed comes in: its session's id and the answer. Raises KeyUnknown, RoomEnded, RoomIsFull, WasRemoved."""
        row = await self._row(request.secret)
        if row.key.right != request.right:
            raise KeyUnknown("this key is for something else")
        desk = await self._rooms.desk(row.tenant_id, row.project_id, row.room_id)
        watches = row.key.right == pb.FEED_RIGHT_WATCH
        # One programme of a key, which takes its own place again; monitors as many as look.
        participant_id = f"{row.key.key_id}-{secrets.token_hex(4)}" if watches else row.key.key_id
        kind = feed.MONITOR if watches else feed.PROGRAMME
        decide = partial(feed.come, participant_id=participant_id, name=row.key.name, kind=kind)
        decide(desk.live)  # nothing of whoever may not come in reaches the forwarder
        transport = await self._media.feed(row.room_id, participant_id, request.offer, watches=watches)
        try:
            await self._rooms.act(desk, "", decide)
        except RushesError:
            await self._media.remove(row.room_id, participant_id, transport.transport_id)
            raise
        await self._media.mute(row.room_id, desk.live.people[participant_id])
        return f"{participant_id}.{transport.transport_id}", transport

    async def update(self, request: pb.UpdateFeedRequest) -> tuple[str, str]:
        """Something about a feed's ICE session. Raises KeyUnknown, FeedUnknown."""
        row, participant_id, transport_id = await self._session(request.secret, request.session_id)
        asked = sfu.UpdateIceRequest(
            room_id=row.room_id,
            participant_id=participant_id,
            transport_id=transport_id,
            fragment=request.fragment,
            etag=request.etag,
        )
        return await self._media.update(asked)

    async def end(self, request: pb.EndFeedRequest) -> None:
        """A feed goes, unless another took its place. Raises KeyUnknown, FeedUnknown."""
        row, participant_id, transport_id = await self._session(request.secret, request.session_id)
        desk: Desk = await self._rooms.desk(row.tenant_id, row.project_id, row.room_id)
        if await self._media.remove(row.room_id, participant_id, transport_id):
            await self._rooms.act(desk, "", partial(feed.go, participant_id=participant_id))

    async def _row(self, secret: str) -> KeyRow:
        row = await self._keys.find(_digest(secret)) if 0 < len(secret) <= 256 else None
        if row is None:
            raise KeyUnknown("this key lets nobody in")
        return row

    async def _session(self, secret: str, session_id: str) -> tuple[KeyRow, str, str]:
        row = await self._row(secret)
        participant_id, _, transport_id = session_id.partition(".")
        if not _is_of(participant_id, row.key.key_id) or not transport_id:
            raise FeedUnknown("there is no such feed of this key")
        return row, participant_id, transport_id


def _is_of(participant_id: str, key_id: str) -> bool:
    return participant_id.partition("-")[0] == key_id


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
