"""Rooms in memory: each act is decided, kept, applied and told to everybody, one after the other."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Final, Protocol
from weakref import WeakValueDictionary

import grpc

from mesh.clock import Clock
from rushes.errors import RushesError, Unavailable
from rushes.signaling.v1 import room_service_pb2 as pb
from svc_signaling.core import feed, role
from svc_signaling.core.answer import Answers
from svc_signaling.core.participant import AWAY, GONE, JOINED, WAITING, ParticipantGone
from svc_signaling.core.room import FEED_KINDS, Live
from svc_signaling.errors import RoomMoved, RoomUnknown
from svc_signaling.media import Media
from svc_signaling.memory import Memory
from svc_signaling.stores import Kept, Store
from svc_signaling.telling import Listener, Telling, sees

TICK_S: Final = 1.0
IDLE_S: Final = 300.0
SEAL_S: Final = 5.0
HOLD_S: Final = 2.0
FEW: Final = 200
"""So few events of a record are quickly read: a moment is kept once there are more."""
OWN_MS: Final = 8_000
"""An instance that says nothing for so long has lost its rooms."""
RETURN_MS: Final = 15_000
"""Whoever was in a room that is taken up is in it, and cut off if not back by then: pages try each ten seconds."""

_logger = logging.getLogger(__name__)


class Recorder(Protocol):
    """Whoever records rooms."""

    async def look(self, desk: "Desk") -> None:
        """A room that is recorded has a recorder."""

    def open_of(self, room_id: str) -> bool:
        """Whether segments of a room may still come."""

    async def resume(self, room_id: str) -> None:
        """This instance owns the room now: it goes on with its recordings."""

    def lost(self, room_id: str) -> None:
        """Another instance owns the room now."""


class Record(Protocol):
    """Where records of rooms that are over go."""

    async def seal(self, tenant_id: str, room_id: str) -> None:
        """The record is complete: it is kept as it is."""


class Guests(Protocol):
    """Who knows what guests may do in projects."""

    async def limit(self, tenant_id: str, room: pb.Room, limits: Mapping[str, int]) -> None:
        """These are narrowed, and of those whom the room narrowed before nobody else is."""


class Breakouts(Protocol):
    """Who looks after rooms that are split."""

    async def look(self, desk: "Desk") -> None:
        """The room was split, or may be due to be one again."""


Decide = Callable[[Live], list[pb.Event]]
Prepare = Callable[[list[pb.Event]], Awaitable[None]]


class Desk:
    """A room that is open here, and whoever listens to it."""

    def __init__(self, tenant_id: str, live: Live) -> None:
        self.tenant_id = tenant_id
        self.live = live
        self.lock = asyncio.Lock()
        self.fanout = Telling(live)
        self.listeners = self.fanout.listeners
        self.missing = feed.Missing({})
        self.answers: dict[str, Answers] = {}
        """What people's last requests about media were answered."""
        self.idle_s = 0.0
        self.lost = False
        """Another instance owns the room, or has owned it."""
        self.unseen: set[str] = set()
        """Who was in the room when it was taken up, and has not come back yet."""
        self.unseen_until_ms = 0
        self.narrowing = asyncio.Lock()
        self.limits: dict[str, int] | None = None if live.roles else {}
        """What svc_project was told of guests; None: that is not known."""
        self.telling = asyncio.Lock()
        self.sweep_ms = 0.0
        """When breakouts of no split are looked for, if there may be any; 0: that was not set."""
        self.told = 0 if live.breakouts is None else -1
        """The version of its split that its breakouts know; -1: that is not known."""

    def wanted_limits(self) -> dict[str, int]:
        """What it is to know: once everybody has gone, roles narrow nothing."""
        return role.limits(self.live.roles) if self.live.room.people and not self.live.ended else {}


class Rooms:
    """See the module."""

    def __init__(self, store: Store, clock: Clock, memory: Memory | None = None) -> None:
        self._store = store
        self._clock = clock
        self._memory = memory or Memory(store)
        self._leaving = False
        self._desks: dict[str, Desk] = {}
        self._opening: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """Whoever opens a room or puts it away does so alone; a lock is there as long as somebody has it or waits."""
        self._tasks: set[asyncio.Task[None]] = set()
        self.media: Media | None = None
        self._showing: set[str] = set()
        self.recorder: Recorder | None = None
        self.record: Record | None = None
        self.guests: Guests | None = None
        self.breakouts: Breakouts | None = None

    async def start(self) -> None:
        """Takes up rooms that had people in them, whose places are kept for a while, and looks after all."""
        await self._take_up()
        self._start(self._own_for_ever())
        self._start(self._seal_for_ever())
        self._start(self._tick_for_ever())

    async def stop(self) -> None:
        """Ends. Others may take up the rooms at once."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for desk in self._desks.values():
            await self._memory.remember(desk.live)
        with contextlib.suppress(Unavailable):
            await self._store.hold(0)

    def _start(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def held(self, room_id: str) -> Desk | None:
        """A room that is open here."""
        return self._desks.get(room_id)

    async def desk(self, tenant_id: str, project_id: int, room_id: str, free_ms: int | None = None) -> Desk:
        """A room. If it is not here yet, this instance takes it from whoever has it; `free_ms`: only if nobody has.
        Raises RoomUnknown.
        """
        alone = self._opening.setdefault(room_id, asyncio.Lock())
        async with alone:
            desk = self._desks.get(room_id)
            if desk is None:
                desk = await self._read(tenant_id, project_id, room_id, free_ms)
                if self.recorder is not None:
                    await self.recorder.resume(room_id)
                self._desks[room_id] = desk
        if desk.tenant_id != tenant_id or desk.live.room.project_id != project_id:
            raise RoomUnknown("there is no such room in this project")
        return desk

    async def _read(self, tenant_id: str, project_id: int, room_id: str, free_ms: int | None) -> Desk:
        room = await self._store.take(tenant_id, project_id, room_id, self._until_ms(), free_ms)
        if room is None:
            raise RoomUnknown("there is no such room in this project")
        desk = Desk(tenant_id, await self._memory.recall(room))
        # Nobody is connected to what was just read, but they are on their way. Feeds are the forwarder's.
        people = [each for each in desk.live.present_people() if each.kind not in FEED_KINDS]
        desk.unseen = {each.participant_id for each in people if each.state in (JOINED, WAITING)}
        desk.unseen_until_ms = self._clock.now_ms() + RETURN_MS
        return desk

    async def act(
        self,
        desk: Desk,
        person_id: str,
        decide: Decide,
        participant_id: str = "",
        number: int = 0,
        prepare: Prepare | None = None,
    ) -> list[pb.Event]:
        """Decides, keeps, applies, tells. If it raises, nothing has happened.

        `prepare`: what has to be there once it is told; nothing else is decided in the room meanwhile.
        Whoever asks may be cut meanwhile: what is kept is applied all the same, or the room would not be its record.
        """
        task = asyncio.create_task(self._act(desk, person_id, decide, participant_id, number, prepare))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(task)

    async def _act(
        self, desk: Desk, person_id: str, decide: Decide, participant_id: str, number: int, prepare: Prepare | None
    ) -> list[pb.Event]:
        async with desk.lock:
            if desk.lost:
                raise RoomMoved("this room is served by another instance now: come again")
            live = desk.live
            if number and number <= live.done.get(participant_id, 0):
                return []
            events = live.stamp(decide(live), self._clock.now_ms())
            if not events:
                return []
            if prepare is not None:
                await prepare(events)
            kept = [Kept(event, participant_id, number) for event in events]
            try:
                await self._store.append(desk.tenant_id, person_id, live.after(events), kept)
            except RoomMoved:
                self._lose(desk)
                raise
            moving = desk.fanout.before(events)
            for event in events:
                live.apply(event)
            if number:
                live.done[participant_id] = number
            self._memory.happened(live, events[-1])
            desk.fanout.happened(events, moving)
        await self._follow(desk, events)
        await self._narrow(desk)
        await self._look(desk, {event.WhichOneof("what") for event in events})
        return events

    async def _look(self, desk: Desk, kinds: "set[str | None]") -> None:
        """Whoever looks after something of a room does so at once when it changed."""
        if self.recorder is not None and "recording" in kinds:
            await self.recorder.look(desk)
        if self.breakouts is not None and "breakouts" in kinds:
            await self.breakouts.look(desk)

    async def _follow(self, desk: Desk, events: Iterable[pb.Event]) -> None:
        """What the forwarder has to do after it. What it cannot do now it is told again when it is back."""
        media, room_id = self.media, desk.live.room.room_id
        if media is None:
            return
        try:
            for event in events:
                kind = event.WhichOneof("what")
                if kind == "ended":
                    await media.end(room_id)
                elif kind == "participant":
                    if event.participant.state in GONE:
                        desk.answers.pop(event.participant.participant_id, None)
                        await media.remove(room_id, event.participant.participant_id)
                    elif event.participant.state == JOINED:
                        await media.mute(room_id, event.participant)
        except grpc.aio.AioRpcError as error:
            _logger.warning("sfu_not_told", extra={"room": room_id, "code": error.code().name})

    async def _narrow(self, desk: Desk) -> None:
        """What roles narrow holds everywhere in the project. What cannot be said now is said a second later."""
        if self.guests is None or desk.wanted_limits() == desk.limits:
            return
        async with desk.narrowing:
            wanted = desk.wanted_limits()
            try:
                await self.guests.limit(desk.tenant_id, desk.live.room, wanted)
                desk.limits = wanted
            except grpc.aio.AioRpcError as error:
                _logger.warning("limits_not_told", extra={"room": desk.live.room.room_id, "code": error.code().name})

    # -- streams ---------------------------------------------------------------------------------------------

    def listen(self, desk: Desk, participant_id: str, listener: Listener) -> None:
        """A stream begins; one of the same participant before it ends."""
        desk.unseen.discard(participant_id)
        older = desk.listeners.get(participant_id)
        desk.listeners[participant_id] = listener
        if older is not None:
            older.end(ParticipantGone("you came back on another stream"))

    async def unlisten(self, desk: Desk, participant_id: str, listener: Listener) -> None:
        """A stream ended: unless it was another's place by then, or this instance goes, the participant is cut off."""
        if desk.listeners.get(participant_id) is not listener:
            return
        del desk.listeners[participant_id]
        if self._leaving:
            return
        try:
            await self.act(desk, "", lambda live: live.cut(participant_id))
        except Unavailable:
            # Not kept: once the room is taken up, whoever does not come back is cut off all the same.
            _logger.warning("cut_not_kept", extra={"room": desk.live.room.room_id})

    def tracks_changed(self, room_id: str) -> None:
        """The forwarder's tracks of a room changed."""
        desk = self._desks.get(room_id)
        if desk is None:
            return
        for participant_id, listener in list(desk.listeners.items()):
            if sees(desk.live.people.get(participant_id)):
                listener.tracks_changed()
        media = self.media
        if media is None or room_id in self._showing:
            return
        if any(each.kind == feed.MONITOR for each in feed.feeds(desk.live)):
            self._showing.add(room_id)
            self._start(self._show(desk, media))

    async def _show(self, desk: Desk, media: Media) -> None:
        """Monitors cannot ask: they are shown what there is to be seen."""
        room_id = desk.live.room.room_id
        try:
            for each in feed.feeds(desk.live):
                if each.kind != feed.MONITOR:
                    continue
                tracks = media.tracks(room_id, each.participant_id).tracks
                slots = media.slots(room_id, each.participant_id)
                changed = feed.watched(desk.live, tracks, slots)
                if changed:
                    shows = [pb.Show(mid=mid, track_id=track_id, layer="h") for mid, track_id in changed.items()]
                    await media.show(room_id, each.participant_id, pb.ShowSlots(shows=shows))
        except grpc.aio.AioRpcError as error:
            # It is looked at again in a second.
            _logger.warning("monitor_not_shown", extra={"room": room_id, "code": error.code().name})
        finally:
            self._showing.discard(room_id)

    def end_all(self, error: RushesError) -> None:
        """Every stream is over: whoever takes the rooms up has people where they were, and they come again."""
        self._leaving = True
        for desk in self._desks.values():
            for listener in list(desk.listeners.values()):
                listener.end(error)

    # -- of several instances --------------------------------------------------------------------------------

    def _until_ms(self) -> int:
        return self._clock.now_ms() + OWN_MS

    async def _own_for_ever(self) -> None:
        """Rooms that are open here stay this instance's; rooms whose instance is gone are taken up."""
        while True:
            await asyncio.sleep(HOLD_S)
            try:
                here = list(self._desks.values())
                held = await self._store.hold(self._until_ms()) if here else set()
                for desk in here:
                    if desk.live.room.room_id not in held:
                        self._lose(desk)
                await self._take_up()
            except RushesError as error:
                _logger.warning("rooms_not_held", extra={"reason": error.reason})
            except Exception:
                _logger.exception("rooms_not_held")

    async def _take_up(self) -> None:
        now_ms = self._clock.now_ms()
        for tenant_id, project_id, room_id in await self._store.orphans(now_ms):
            if room_id in self._desks:
                continue
            try:
                with contextlib.suppress(RoomUnknown):  # another was quicker
                    await self.desk(tenant_id, project_id, room_id, now_ms)
            except Unavailable:
                raise
            except Exception:
                # A room that cannot be read is nobody else's trouble.
                _logger.exception("room_not_taken_up", extra={"room": room_id})

    def _lose(self, desk: Desk) -> None:
        """Another instance owns the room: whoever is in it here comes again, and finds that one."""
        desk.lost, room_id = True, desk.live.room.room_id
        if self._desks.get(room_id) is not desk:
            return  # put away already, and maybe opened anew
        self._memory.forget(room_id)
        _logger.info("room_moved", extra={"room": room_id, "people": len(desk.listeners)})
        del self._desks[room_id]
        if self.recorder is not None:
            self.recorder.lost(room_id)
        if self.media is not None:
            self.media.let_go(room_id)
        for listener in list(desk.listeners.values()):
            listener.end(RoomMoved("this room is served by another instance now: come again"))

    # -- time ------------------------------------------------------------------------------------------------

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            for room_id, desk in list(self._desks.items()):
                try:
                    await self._tick(room_id, desk)
                except Exception:
                    # One room's trouble is not the others'; it is looked at again in a second.
                    _logger.exception("room_tick_failed", extra={"room": room_id})

    def _in_breakouts(self, desk: Desk) -> bool:
        """Whether somebody is to be called back in time."""
        now = desk.live.breakouts
        if now is None or not desk.live.is_split:
            return False
        return any((there := self._desks.get(each.room_id)) is not None and there.listeners for each in now.rooms)

    async def _seal_for_ever(self) -> None:
        """Records of rooms that are over, once nothing more is added to them."""
        while True:
            try:
                for tenant_id, project_id, room_id in await self._store.ended():
                    if self.record is None or (self.recorder and self.recorder.open_of(room_id)):
                        continue
                    if self.guests is not None:
                        await self.guests.limit(tenant_id, pb.Room(room_id=room_id, project_id=project_id), {})
                    await self.record.seal(tenant_id, room_id)
                    await self._store.sealed(room_id)
                    await self._memory.drop(room_id)
            except RushesError as error:
                _logger.warning("record_not_sealed", extra={"reason": error.reason})
            except Exception:
                _logger.exception("record_not_sealed")
            await asyncio.sleep(SEAL_S)

    async def _tick(self, room_id: str, desk: Desk) -> None:
        now_ms = self._clock.now_ms()
        if any(participant.state == AWAY for participant in desk.live.people.values()):
            await self.act(desk, "", lambda live: live.expired(now_ms))
        if desk.unseen and now_ms > desk.unseen_until_ms:
            await self.act(desk, "", lambda live: live.cut(*desk.unseen))
            desk.unseen = set()
        await self._memory.remember(desk.live, FEW)
        if self.media is not None:
            await self.media.connect(room_id)
        known = self.media.participants(room_id) if self.media is not None else set()
        for participant_id in desk.missing.late(desk.live, known, now_ms):
            await self.act(desk, "", partial(feed.go, participant_id=participant_id))
        if desk.live.recording_id and not desk.live.room.people:
            await self.act(desk, "", Live.unrecord)
        if self.recorder is not None:
            await self.recorder.look(desk)
        if self.breakouts is not None:
            await self.breakouts.look(desk)
        await self._narrow(desk)
        busy = desk.listeners or feed.feeds(desk.live) or self._in_breakouts(desk)
        desk.idle_s = 0.0 if busy else desk.idle_s + TICK_S
        if desk.idle_s > IDLE_S and not (self.recorder and self.recorder.open_of(room_id)):
            await self._put_away(room_id, desk)

    async def _put_away(self, room_id: str, desk: Desk) -> None:
        """A room that nobody needs is not open here any more. Whoever comes meanwhile waits, and opens it anew."""
        alone = self._opening.setdefault(room_id, asyncio.Lock())
        async with alone:
            if desk.lock.locked() or desk.listeners or self._desks.get(room_id) is not desk:
                return
            desk.lost = True
            del self._desks[room_id]
            await self._memory.leave(desk.live)
            await self._store.release(room_id)
            if self.media is not None:
                self.media.let_go(room_id)
