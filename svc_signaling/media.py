"""svc_sfu as this service sees it: asks for transports, and is told how tracks are."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import grpc

from mesh.rpc import Channels
from rushes.sfu.v1 import sfu_service_pb2 as sfu
from rushes.sfu.v1.sfu_service_pb2_grpc import SfuServiceStub
from rushes.signaling.v1 import room_service_pb2 as pb

RETRY_S: Final = 0.5

_logger = logging.getLogger(__name__)


class Media:
    """See the module. `changed` is called with the id of a room whose tracks changed."""

    def __init__(self, channels: Channels, changed: Callable[[str], None]) -> None:
        self._stub = channels.stub(SfuServiceStub, "svc_sfu", as_person=False)
        self._changed = changed
        self._states: dict[str, sfu.WatchRoomsResponse] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to watch."""
        self._task = asyncio.create_task(self._watch_for_ever(), name="watch-sfu")

    async def stop(self) -> None:
        """Watches no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def tracks(self, room_id: str, participant_id: str) -> pb.Tracks:
        """How tracks are, as a participant is told."""
        state = self._states.get(room_id)
        tracks = pb.Tracks()
        if state is None:
            return tracks
        for each in state.tracks:
            tracks.tracks.add(
                track_id=each.track_id,
                participant_id=each.participant_id,
                audio=each.kind == sfu.MEDIA_KIND_AUDIO,
                layers=each.layers,
                level=each.level,
                bitrate_bps=each.bitrate_bps,
            )
        for person in state.participants:
            if person.participant_id == participant_id:
                tracks.publishes, tracks.is_shown = person.publishes, person.is_shown
        return tracks

    async def publish(self, room_id: str, participant_id: str, offer: str) -> str:
        """The answer to a publisher."""
        request = sfu.PublishRequest(room_id=room_id, participant_id=participant_id, offer=offer)
        answer: str = (await self._stub.Publish(request)).answer
        return answer

    async def subscribe(self, room_id: str, participant_id: str, wanted: pb.Subscribe) -> str:
        """The offer of slots."""
        request = sfu.SubscribeRequest(
            room_id=room_id,
            participant_id=participant_id,
            audio_slots=wanted.audio_slots,
            video_slots=wanted.video_slots,
        )
        offer: str = (await self._stub.Subscribe(request)).offer
        return offer

    async def accept(self, room_id: str, participant_id: str, answer: str) -> None:
        """An answer to slots."""
        request = sfu.AcceptSlotsRequest(room_id=room_id, participant_id=participant_id, answer=answer)
        await self._stub.AcceptSlots(request)

    async def show(self, room_id: str, participant_id: str, wanted: pb.ShowSlots) -> None:
        """What slots shall show."""
        shows = [
            sfu.Show(mid=each.mid, track_id=each.track_id, layer=each.layer, priority=each.priority)
            for each in wanted.shows
        ]
        request = sfu.ShowTracksRequest(room_id=room_id, participant_id=participant_id, shows=shows)
        await self._stub.ShowTracks(request)

    async def mute(self, room_id: str, participant: pb.Participant) -> None:
        """What a moderator shut off is not forwarded. Who publishes nothing has nothing to be shut off."""
        for kind, muted in (
            (sfu.MEDIA_KIND_AUDIO, participant.audio_muted),
            (sfu.MEDIA_KIND_VIDEO, participant.video_muted),
        ):
            request = sfu.MuteParticipantRequest(
                room_id=room_id, participant_id=participant.participant_id, kind=kind, muted=muted
            )
            try:
                await self._stub.MuteParticipant(request)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.NOT_FOUND:
                    raise

    async def remove(self, room_id: str, participant_id: str) -> None:
        """Both transports of somebody end."""
        request = sfu.RemoveParticipantRequest(room_id=room_id, participant_id=participant_id)
        await self._stub.RemoveParticipant(request)

    async def end(self, room_id: str) -> None:
        """All of a room's transports end."""
        await self._stub.EndRoom(sfu.EndRoomRequest(room_id=room_id))

    async def _watch_for_ever(self) -> None:
        while True:
            try:
                await self._watch()
            except grpc.aio.AioRpcError as error:
                _logger.warning("sfu_lost", extra={"code": error.code().name, "why": error.details()})
            except Exception:
                _logger.exception("sfu_watch_failed")
            await asyncio.sleep(RETRY_S)

    async def _watch(self) -> None:
        """Follows the forwarder; a room that it does not tell of at the beginning has no tracks any more."""
        unseen = set(self._states)
        first = True
        async for state in self._stub.WatchRooms(sfu.WatchRoomsRequest()):
            if state.room_id:
                unseen.discard(state.room_id)
                self._took(state)
            elif first:
                first = False
                for room_id in unseen:
                    del self._states[room_id]
                    self._changed(room_id)

    def _took(self, state: sfu.WatchRoomsResponse) -> None:
        if state.tracks or state.participants:
            self._states[state.room_id] = state
        else:
            self._states.pop(state.room_id, None)
        self._changed(state.room_id)
