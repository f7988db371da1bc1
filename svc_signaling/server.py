"""gRPC of svc_signaling."""

import base64
import binascii
from collections.abc import AsyncIterator
from typing import Any, Final

import grpc
from google.protobuf.message_factory import GetMessageClass

from mesh.auth import Identity, caller
from mesh.clock import Clock
from mesh.ids import new_id
from rushes.signaling.v1 import recording_service_pb2 as recording_pb
from rushes.signaling.v1 import room_service_pb2 as pb
from rushes.signaling.v1.recording_service_pb2_grpc import RecordingServiceServicer
from rushes.signaling.v1.room_service_pb2_grpc import RoomServiceServicer
from svc_signaling.asset import Assets
from svc_signaling.breakouts import Breakouts
from svc_signaling.core import settings
from svc_signaling.core.room import Live
from svc_signaling.core.settings import RoomInvalid
from svc_signaling.errors import Draining, RoomUnknown
from svc_signaling.ice import IceServers
from svc_signaling.media import Media
from svc_signaling.recordings import Recordings
from svc_signaling.rooms import Rooms
from svc_signaling.signal import Stream
from svc_signaling.stores import Store

_BREAKOUTS: Final = 500
_ROOM_SERVICE: Final = pb.DESCRIPTOR.services_by_name["RoomService"]


class RoomServicer(RoomServiceServicer):
    """See the proto. `draining`: no stream begins."""

    def __init__(
        self,
        store: Store,
        rooms: Rooms,
        breakouts: Breakouts,
        media: Media,
        assets: Assets,
        ice: IceServers,
        identity: Identity,
        clock: Clock,
        most: int,
    ) -> None:
        self._store = store
        self._assets = assets
        self._ice = ice
        self._rooms = rooms
        self._breakouts = breakouts
        self._media = media
        self._identity = identity
        self._clock = clock
        self._most = most
        self.draining = False

    async def CreateRoom(self, request: pb.CreateRoomRequest, context: Any) -> Any:
        asked = pb.RoomSettings(
            title=request.title,
            capacity=request.capacity,
            waiting_room=request.waiting_room,
            start_time_ms=request.start_time_ms,
        )
        wanted = settings.checked(asked)
        if request.asset_id < 0:
            raise RoomInvalid("an asset has a positive id")
        who = caller()
        if request.asset_id:
            await self._assets.check(request.project_id, request.asset_id)
        room = pb.Room(
            room_id=new_id(),
            project_id=request.project_id,
            asset_id=request.asset_id,
            state=pb.ROOM_STATE_OPEN,
            created_by=who.person_id,
            create_time_ms=self._clock.now_ms(),
        )
        settings.apply(room, wanted)
        made = await self._store.create(who.tenant_id, room, request.request_id, _content(request), self._most)
        return pb.CreateRoomResponse(room=made)

    async def GetRoom(self, request: pb.GetRoomRequest, context: Any) -> Any:
        room = await self._store.room(caller().tenant_id, request.project_id, request.room_id)
        if room is None:
            raise RoomUnknown("there is no such room in this project")
        return pb.GetRoomResponse(room=room)

    async def ListRooms(self, request: pb.ListRoomsRequest, context: Any) -> Any:
        size = _size(request.page_size, 50, 100)
        before = _read_token(request.page_token)
        rooms = await self._store.rooms(caller().tenant_id, request.project_id, before, size + 1)
        token = _token(rooms[size - 1]) if len(rooms) > size else ""
        listed = pb.ListRoomsResponse(rooms=rooms[:size], next_page_token=token)
        if request.with_breakouts and listed.rooms:
            ids = [each.room_id for each in listed.rooms]
            found = await self._store.breakouts(caller().tenant_id, request.project_id, ids, _BREAKOUTS)
            listed.breakouts.extend(found)
        return listed

    async def EndRoom(self, request: pb.EndRoomRequest, context: Any) -> Any:
        who = caller()
        desk = await self._rooms.desk(who.tenant_id, request.project_id, request.room_id)
        await self._rooms.act(desk, who.person_id, Live.end)
        return pb.EndRoomResponse(room=desk.live.room)

    async def ListEvents(self, request: pb.ListEventsRequest, context: Any) -> Any:
        room = await self._store.room(caller().tenant_id, request.project_id, request.room_id)
        if room is None:
            raise RoomUnknown("there is no such room in this project")
        size = _size(request.page_size, 500, 1_000)
        kept = await self._store.events(request.room_id, max(0, request.after), size + 1)
        return pb.ListEventsResponse(events=[each.event for each in kept[:size]], more=len(kept) > size)

    async def GetIceServers(self, request: pb.GetIceServersRequest, context: Any) -> Any:
        return self._ice.of(caller().person_id)

    def add_to(self, server: grpc.aio.Server) -> None:
        """Adds it. Of Signal the answers are bytes by then: what all hear of is encoded once."""
        methods: dict[str, Any] = {
            method.name: grpc.unary_unary_rpc_method_handler(
                getattr(self, method.name),
                request_deserializer=GetMessageClass(method.input_type).FromString,
                response_serializer=GetMessageClass(method.output_type).SerializeToString,
            )
            for method in _ROOM_SERVICE.methods
        }
        methods["Signal"] = grpc.stream_stream_rpc_method_handler(
            self.Signal, request_deserializer=pb.SignalRequest.FromString, response_serializer=_as_is
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_ROOM_SERVICE.full_name, methods),))

    # gRPC takes a coroutine that writes as well as a generator.
    async def Signal(self, requests: AsyncIterator[pb.SignalRequest], context: Any) -> None:  # type: ignore[override]
        if self.draining:
            raise Draining("this instance stops: come again")
        shared = (self._rooms, self._breakouts, self._media, self._identity, self._clock)
        stream = Stream(*shared, caller(), context.write)
        await stream.run(requests)


class RecordingServicer(RecordingServiceServicer):
    """See the proto."""

    def __init__(self, recordings: Recordings) -> None:
        self._recordings = recordings

    async def ListRecordings(self, request: recording_pb.ListRecordingsRequest, context: Any) -> Any:
        found = await self._recordings.all(caller().tenant_id, request.project_id, request.room_id)
        return recording_pb.ListRecordingsResponse(recordings=found)

    async def RetryRecordings(self, request: recording_pb.RetryRecordingsRequest, context: Any) -> Any:
        found = await self._recordings.retry(caller().tenant_id, request.project_id, request.room_id)
        return recording_pb.RetryRecordingsResponse(recordings=found)


def _as_is(encoded: bytes) -> bytes:
    return encoded


def _content(request: pb.CreateRoomRequest) -> bytes:
    copy = pb.CreateRoomRequest()
    copy.CopyFrom(request)
    copy.request_id = ""
    return copy.SerializeToString(deterministic=True)


def _size(asked: int, usual: int, most: int) -> int:
    if asked > most:
        raise RoomInvalid(f"a page has at most {most}")
    return asked or usual


def _token(room: pb.Room) -> str:
    return base64.urlsafe_b64encode(f"{room.create_time_ms}:{room.room_id}".encode()).decode()


def _read_token(token: str) -> tuple[int, str] | None:
    if not token:
        return None
    try:
        time_ms, _, room_id = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        return int(time_ms), room_id
    except (binascii.Error, ValueError) as error:
        raise RoomInvalid("this page_token is none of ours") from error
