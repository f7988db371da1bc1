"""svc_sfu as this service sees it: asks for transports, and is told how tracks are."""

from collections.abc import Callable
from typing import NamedTuple

import grpc

from mesh.rpc import Channels
from rushes.sfu.v1 import sfu_service_pb2 as sfu
from rushes.signaling.v1 import room_service_pb2 as pb
from svc_signaling.core.feed import SlotNow
from svc_signaling.errors import FeedUnknown
from svc_signaling.workers import Workers


class Transport(NamedTuple):
    """The answer to an offer, and what its transport is called."""

    answer: str
    transport_id: str
    etag: str


class Media:
    """See the module. `changed` is called with the id of a room whose tracks changed."""

    def __init__(self, channels: Channels, changed: Callable[[str], None], people_per_worker: int) -> None:
        self._workers = Workers(channels, changed, people_per_worker)

    async def start(self) -> None:
        """Begins to watch."""
        await self._workers.start()

    async def stop(self) -> None:
        """Watches no more."""
        await self._workers.stop()

    def tracks(self, room_id: str, participant_id: str) -> pb.Tracks:
        """How tracks are, as a participant is told."""
        state = self._workers.state(room_id)
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
                layers_of_use=each.layers_of_use if each.participant_id == participant_id else (),
            )
        for person in state.participants:
            if person.participant_id == participant_id:
                tracks.publishes, tracks.is_shown = person.publishes, person.is_shown
        return tracks

    def participants(self, room_id: str) -> set[str]:
        """Whom the forwarder knows."""
        state = self._workers.state(room_id)
        return {each.participant_id for each in state.participants} if state is not None else set()

    def slots(self, room_id: str, participant_id: str) -> list[SlotNow]:
        """What somebody is shown."""
        state = self._workers.state(room_id)
        people = [each for each in state.participants if each.participant_id == participant_id] if state else []
        slots = [slot for each in people for slot in each.slots]
        return [SlotNow(slot.mid, slot.kind == sfu.MEDIA_KIND_AUDIO, slot.track_id) for slot in slots]

    async def feed(self, room_id: str, participant_id: str, offer: str, *, watches: bool) -> Transport:
        """The answer to an encoder, or to a monitor."""
        worker = await self._workers.of(room_id, participant_id)
        try:
            if watches:
                watch = sfu.WatchRequest(room_id=room_id, participant_id=participant_id, offer=offer)
                answered: sfu.WatchResponse | sfu.PublishResponse = await worker.Watch(watch)
            else:
                request = sfu.PublishRequest(room_id=room_id, participant_id=participant_id, offer=offer)
                answered = await worker.Publish(request)
        except grpc.aio.AioRpcError:
            if participant_id not in self.participants(room_id):
                self._workers.forget(room_id, participant_id)  # an offer that is refused brings nobody
            raise
        await self.connect(room_id)
        return Transport(answered.answer, answered.transport_id, answered.etag)

    async def connect(self, room_id: str) -> None:
        """The workers that have people of a room are linked. To be called by whoever owns the room."""
        await self._workers.connect(room_id)

    async def update(self, request: sfu.UpdateIceRequest) -> tuple[str, str]:
        """Something about an ICE session: the fragment to answer with, and the session that it is now.
        Raises FeedUnknown.
        """
        worker = await self._workers.at(request.room_id, request.participant_id)
        if worker is None:
            raise FeedUnknown("there is no such feed of this key any more")
        answer = await worker.UpdateIce(request)
        return answer.fragment, answer.etag

    async def publish(self, room_id: str, participant_id: str, offer: str) -> str:
        """The answer to a publisher."""
        request = sfu.PublishRequest(room_id=room_id, participant_id=participant_id, offer=offer)
        answer: str = (await (await self._workers.of(room_id, participant_id)).Publish(request)).answer
        await self.connect(room_id)
        return answer

    async def subscribe(self, room_id: str, participant_id: str, wanted: pb.Subscribe) -> str:
        """The offer of slots."""
        request = sfu.SubscribeRequest(
            room_id=room_id,
            participant_id=participant_id,
            audio_slots=wanted.audio_slots,
            video_slots=wanted.video_slots,
        )
        offer: str = (await (await self._workers.of(room_id, participant_id)).Subscribe(request)).offer
        await self.connect(room_id)
        return offer

    async def accept(self, room_id: str, participant_id: str, answer: str) -> None:
        """An answer to slots."""
        request = sfu.AcceptSlotsRequest(room_id=room_id, participant_id=participant_id, answer=answer)
        await (await self._workers.of(room_id, participant_id)).AcceptSlots(request)

    async def show(self, room_id: str, participant_id: str, wanted: pb.ShowSlots) -> None:
        """What slots shall show."""
        shows = [
            sfu.Show(mid=each.mid, track_id=each.track_id, layer=each.layer, priority=each.priority)
            for each in wanted.shows
        ]
        request = sfu.ShowTracksRequest(room_id=room_id, participant_id=participant_id, shows=shows)
        await (await self._workers.of(room_id, participant_id)).ShowTracks(request)

    async def mute(self, room_id: str, participant: pb.Participant) -> None:
        """What a moderator shut off is not forwarded. Who publishes nothing has nothing to be shut off."""
        kinds = ((sfu.MEDIA_KIND_AUDIO, participant.audio_muted), (sfu.MEDIA_KIND_VIDEO, participant.video_muted))
        for worker in await self._workers.having(room_id, participant.participant_id):
            for kind, muted in kinds:
                request = sfu.MuteParticipantRequest(
                    room_id=room_id, participant_id=participant.participant_id, kind=kind, muted=muted
                )
                try:
                    await worker.MuteParticipant(request)
                except grpc.aio.AioRpcError as error:
                    if error.code() is not grpc.StatusCode.NOT_FOUND:
                        raise

    async def remove(self, room_id: str, participant_id: str, transport_id: str = "") -> bool:
        """Both transports of somebody end, or the one that is named; False: there was nothing to end."""
        request = sfu.RemoveParticipantRequest(
            room_id=room_id, participant_id=participant_id, transport_id=transport_id
        )
        try:
            workers = await self._workers.having(room_id, participant_id)
            return any([(await worker.RemoveParticipant(request)).removed for worker in workers])
        finally:
            if not transport_id:
                self._workers.forget(room_id, participant_id)

    def let_go(self, room_id: str) -> None:
        """Another instance owns the room now."""
        self._workers.let_go(room_id)

    async def end(self, room_id: str) -> None:
        """All of a room's transports end."""
        try:
            for worker in await self._workers.having(room_id):
                await worker.EndRoom(sfu.EndRoomRequest(room_id=room_id))
        finally:
            self._workers.forget(room_id)
