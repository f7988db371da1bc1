"""gRPC of svc_sfu: protobuf in, protobuf out."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from rushes.sfu.v1 import sfu_service_pb2 as sfu
from rushes.sfu.v1 import sfu_service_pb2_grpc
from svc_sfu.core.publisher import Track
from svc_sfu.core.subscriber import Subscriber
from svc_sfu.engine import Engine, Show
from svc_sfu.room import Room
from svc_sfu.tap import Tap

LIFE_S: Final = 1.0
GATHER_S: Final = 0.05
"""What changes in so long is told at once: where many come in together, each changes the room for all."""
_KINDS = {"audio": sfu.MEDIA_KIND_AUDIO, "video": sfu.MEDIA_KIND_VIDEO}
_NAMES = {kind: name for name, kind in _KINDS.items()}


class Watchers:
    """Who watches the rooms: each is told of every room that changed since it was last told."""

    def __init__(self) -> None:
        self._dirty: dict[int, dict[str, None]] = {}
        self._more: dict[int, asyncio.Event] = {}
        self._next = 0

    def changed(self, room: Room) -> None:
        """A room is not what it was."""
        for number, dirty in self._dirty.items():
            dirty[room.room_id] = None
            self._more[number].set()

    async def watch(self, engine: Engine) -> AsyncIterator[sfu.WatchRoomsResponse]:
        """States of rooms, all of them first, with a sign of life behind them."""
        self._next += 1
        number, more = self._next, asyncio.Event()
        dirty = self._dirty[number] = dict.fromkeys(engine.rooms)
        self._more[number] = more
        first = True
        try:
            while True:
                for room_id in list(dirty):
                    del dirty[room_id]
                    yield _state(room_id, engine.rooms.get(room_id))
                if first:
                    first = False
                    yield sfu.WatchRoomsResponse()
                await asyncio.sleep(GATHER_S)
                if dirty:
                    continue
                more.clear()
                try:
                    async with asyncio.timeout(LIFE_S):
                        await more.wait()
                except TimeoutError:
                    yield sfu.WatchRoomsResponse()
        finally:
            del self._dirty[number], self._more[number]


class SfuServicer(sfu_service_pb2_grpc.SfuServiceServicer):
    """See the proto."""

    def __init__(self, engine: Engine, watchers: Watchers, now_ms: Callable[[], int]) -> None:
        self._engine = engine
        self._now_ms = now_ms
        self._watchers = watchers

    async def Publish(self, request: sfu.PublishRequest, context: Any) -> Any:
        answer, transport = self._engine.publish(request.room_id, request.participant_id, request.offer)
        assert transport.publisher is not None
        return sfu.PublishResponse(
            answer=answer,
            tracks=[_track(request.participant_id, each) for each in transport.publisher.tracks.values()],
            transport_id=transport.transport_id,
            etag=transport.session.ufrag,
        )

    async def Watch(self, request: sfu.WatchRequest, context: Any) -> Any:
        answer, transport = self._engine.watch(request.room_id, request.participant_id, request.offer)
        return sfu.WatchResponse(answer=answer, transport_id=transport.transport_id, etag=transport.session.ufrag)

    async def UpdateIce(self, request: sfu.UpdateIceRequest, context: Any) -> Any:
        fragment, etag = self._engine.update_ice(
            request.room_id, request.participant_id, request.transport_id, request.fragment, request.etag
        )
        return sfu.UpdateIceResponse(fragment=fragment, etag=etag)

    async def Subscribe(self, request: sfu.SubscribeRequest, context: Any) -> Any:
        offer = self._engine.subscribe(
            request.room_id, request.participant_id, audio=request.audio_slots, video=request.video_slots
        )
        return sfu.SubscribeResponse(offer=offer)

    async def AcceptSlots(self, request: sfu.AcceptSlotsRequest, context: Any) -> Any:
        self._engine.accept(request.room_id, request.participant_id, request.answer)
        return sfu.AcceptSlotsResponse()

    async def ShowTracks(self, request: sfu.ShowTracksRequest, context: Any) -> Any:
        shows = [Show(each.mid, each.track_id, each.layer or "h", each.priority) for each in request.shows]
        self._engine.show(request.room_id, request.participant_id, shows)
        return sfu.ShowTracksResponse()

    async def MuteParticipant(self, request: sfu.MuteParticipantRequest, context: Any) -> Any:
        kinds = {_NAMES[request.kind]: request.muted} if request.kind in _NAMES else {}
        self._engine.mute(request.room_id, request.participant_id, kinds)
        return sfu.MuteParticipantResponse()

    async def RemoveParticipant(self, request: sfu.RemoveParticipantRequest, context: Any) -> Any:
        removed = self._engine.leave(request.room_id, request.participant_id, request.transport_id)
        return sfu.RemoveParticipantResponse(removed=removed)

    async def EndRoom(self, request: sfu.EndRoomRequest, context: Any) -> Any:
        self._engine.end(request.room_id)
        return sfu.EndRoomResponse()

    async def OpenRelay(self, request: sfu.OpenRelayRequest, context: Any) -> Any:
        keys = (request.seal_key, request.open_key)
        address = (request.host, request.port) if request.host else None
        host, port = self._engine.open_relay(request.room_id, request.relay_id, request.peer, keys, address)
        return sfu.OpenRelayResponse(host=host, port=port)

    async def CloseRelay(self, request: sfu.CloseRelayRequest, context: Any) -> Any:
        self._engine.close_relay(request.room_id, request.peer)
        return sfu.CloseRelayResponse()

    async def TapRoom(self, request: sfu.TapRoomRequest, context: Any) -> AsyncIterator[sfu.TapRoomResponse]:
        tap = Tap(self._now_ms)
        self._engine.tap(request.room_id, tap)
        try:
            async for response in tap.read():
                yield response
        finally:
            self._engine.untap(request.room_id, tap)

    async def RequestKeyframes(self, request: sfu.RequestKeyframesRequest, context: Any) -> Any:
        self._engine.request_keyframes(request.room_id)
        return sfu.RequestKeyframesResponse()

    async def WatchRooms(self, request: sfu.WatchRoomsRequest, context: Any) -> AsyncIterator[sfu.WatchRoomsResponse]:
        async for state in self._watchers.watch(self._engine):
            yield state


def _track(participant: str, track: Track) -> sfu.Track:
    return sfu.Track(
        track_id=track.track_id,
        participant_id=participant,
        kind=_KINDS[track.kind],
        mid=track.mid,
        layers=[rid for rid in track.rids or ("",) if rid in track.layers],
        muted=track.muted,
        # Of who is muted nobody is told that they speak.
        level=0 if track.muted else max(0, min(127, round(track.level))),
        bitrate_bps=int(sum(layer.bitrate_bps for layer in track.layers.values())),
    )


def _state(room_id: str, room: Room | None) -> sfu.WatchRoomsResponse:
    state = sfu.WatchRoomsResponse(room_id=room_id)
    if room is None:
        return state
    for participant, track in room.tracks():
        told = _track(participant, track)
        told.layers_of_use.extend(room.of_use(track))
        state.tracks.append(told)
    for participant in {**room.publishers, **room.subscribers}:
        publishing, showing = room.publishers.get(participant), room.subscribers.get(participant)
        person = state.participants.add(
            participant_id=participant,
            publishes=publishing is not None and publishing.wire.ready,
            is_shown=showing is not None and showing.wire.ready,
        )
        if showing is not None and showing.subscriber is not None:
            _fill(person, showing.subscriber)
    now_s = time.monotonic()
    for link in room.links.values():
        state.relays.add(relay_id=link.relay, peer=link.peer, ready=link.ready(now_s))
    return state


def _fill(told: sfu.ParticipantState, subscriber: Subscriber) -> None:
    told.estimate_bps = int(subscriber.available_bps)
    for slot in subscriber.slots.values():
        source = slot.forwarder.source
        told.slots.add(
            mid=slot.mid,
            kind=_KINDS[slot.kind],
            track_id=slot.track.track_id if slot.track is not None else "",
            layer=source.rid if source is not None else "",
        )
