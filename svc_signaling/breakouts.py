"""Rooms that are split: breakouts are made, told of what becomes of the split, and hold what their room decided."""

import asyncio
import logging
from typing import Final

from mesh.clock import Clock
from mesh.ids import relative
from rushes.errors import RushesError, Unavailable
from rushes.signaling.v1 import room_service_pb2 as pb
from svc_signaling.asset import Assets
from svc_signaling.core import breakout
from svc_signaling.core.room import Live
from svc_signaling.core.standing import Standing
from svc_signaling.rooms import Desk, Rooms
from svc_signaling.stores import Store

SWEEP_MS: Final = 90_000
"""A split that was not kept may be asked for again for as long as the place of who asks is kept."""
_LISTED: Final = 1_000
_UNBOUNDED: Final = 1 << 31
"""Breakouts are bounded by the rooms that there may be, each of which is split once at a time."""

_logger = logging.getLogger(__name__)


class Breakouts:
    """See the module. The parent is asked first, and no lock of one room is held over an act on another."""

    def __init__(self, store: Store, rooms: Rooms, assets: Assets, clock: Clock) -> None:
        self._store = store
        self._rooms = rooms
        self._assets = assets
        self._clock = clock

    async def _parent(self, desk: Desk) -> Desk:
        room = desk.live.room
        if not room.parent_room_id:
            return desk
        return await self._rooms.desk(desk.tenant_id, room.project_id, room.parent_room_id)

    async def carried(self, desk: Desk, person_id: str, mask: int) -> Standing | None:
        """What somebody brings along into a breakout; None: nothing, or it is none. Raises as `core.breakout` does."""
        parent = await self._parent(desk)
        if parent is desk:
            return None
        return breakout.carried(parent.live, desk.live.room.room_id, person_id, mask)

    async def done(self, desk: Desk, participant_id: str) -> int:
        """The last number of somebody in a breakout that its room has done; in another room, what that has done."""
        return (await self._parent(desk)).live.done.get(participant_id, 0)

    async def decide(
        self, desk: Desk, person_id: str, participant_id: str, number: int, wanted: pb.Moderate, mask: int
    ) -> None:
        """What a moderator decides of somebody in a breakout holds in its room too, and there first."""
        live = desk.live
        other = live.people.get(wanted.participant_id)
        if not live.room.parent_room_id or other is None or number <= live.done.get(participant_id, 0):
            return
        live.moderate(participant_id, wanted, mask)  # what cannot be done here is done nowhere
        whom, parent = other.person_id, await self._parent(desk)
        await self._rooms.act(parent, person_id, lambda live: breakout.decided(live, whom, wanted))

    async def split(
        self, desk: Desk, person_id: str, participant_id: str, number: int, wanted: pb.Split, mask: int
    ) -> None:
        """Splits the room; only what does split it makes breakouts. Asked for once more, it makes the same ones.

        Raises Unavailable while breakouts of the split before do not know that it is over: they would never hear it.
        """
        room, now_ms = desk.live.room, self._clock.now_ms()
        if number <= desk.live.done.get(participant_id, 0):
            return
        await self.look(desk)
        ids = [relative(room.room_id, participant_id, number, index) for index in range(len(wanted.rooms))]

        def decide(live: Live) -> list[pb.Event]:
            events = breakout.split(live, participant_id, wanted, ids, mask, now_ms)
            if live.breakouts is not None and live.breakouts.version != desk.told:
                raise Unavailable("the breakouts of before are still being closed: try again in a moment")
            return events

        made = decide(desk.live)[0].breakouts
        for asset_id in {each.asset_id for each in made.rooms if each.asset_id}:
            await self._assets.check(room.project_id, asset_id)

        async def make(events: list[pb.Event]) -> None:
            for each in events[0].breakouts.rooms:
                await self._make(desk, person_id, each, now_ms)

        try:
            await self._rooms.act(desk, person_id, decide, participant_id, number, make)
        except BaseException:
            desk.sweep_ms = 0.0
            raise

    async def _make(self, desk: Desk, person_id: str, wanted: pb.Breakout, now_ms: int) -> None:
        room = desk.live.room
        child = pb.Room(
            room_id=wanted.room_id,
            parent_room_id=room.room_id,
            project_id=room.project_id,
            title=wanted.title,
            asset_id=wanted.asset_id or room.asset_id,
            state=pb.ROOM_STATE_OPEN,
            capacity=room.capacity,
            created_by=person_id,
            create_time_ms=now_ms,
        )
        await self._store.create(desk.tenant_id, child, wanted.room_id, wanted.SerializeToString(), _UNBOUNDED)

    async def regroup(
        self, desk: Desk, person_id: str, participant_id: str, number: int, wanted: pb.Regroup, mask: int
    ) -> None:
        """Changes the split, from the room or from a breakout of it."""
        name, now_ms = desk.live.here(participant_id).name, self._clock.now_ms()
        parent = await self._parent(desk)

        def decide(live: Live) -> list[pb.Event]:
            return breakout.regroup(live, name, wanted, mask, now_ms)

        await self._rooms.act(parent, person_id, decide, participant_id, number)

    async def look(self, desk: Desk) -> None:
        """Time is looked at, and breakouts are told how their room is split: what fails now is done a second later."""
        now_ms = self._clock.now_ms()
        if breakout.is_due(desk.live, now_ms):
            await self._rooms.act(desk, "", Live.call_back)
        if not desk.sweep_ms:
            desk.sweep_ms = now_ms + SWEEP_MS
        elif desk.sweep_ms < now_ms and not desk.live.room.parent_room_id:
            try:
                await self._sweep(desk)
            except RushesError as error:
                desk.sweep_ms = now_ms
                _logger.warning("breakouts_not_swept", extra={"room": desk.live.room.room_id, "reason": error.reason})
        state = desk.live.breakouts
        if state is None or state.version == desk.told or state.parent_room_id != desk.live.room.room_id:
            return
        async with desk.telling:
            state = desk.live.breakouts or state
            try:
                await asyncio.gather(*(self._tell(desk, each.room_id, state) for each in state.rooms))
                desk.told = state.version
            except RushesError as error:
                _logger.warning("breakouts_not_told", extra={"room": state.parent_room_id, "reason": error.reason})

    async def _sweep(self, desk: Desk) -> None:
        """Ends breakouts that were made for a split which was not kept, as by an instance that was killed: nobody
        comes into them.
        """
        room, live = desk.live.room, desk.live
        async with desk.lock:  # no split is under way
            made = await self._store.breakouts(desk.tenant_id, room.project_id, [room.room_id], _LISTED)
            kept = {each.room_id for each in live.breakouts.rooms} if live.breakouts is not None else set[str]()
            desk.sweep_ms = float("inf")
        for each in made:
            if each.state == pb.ROOM_STATE_OPEN and each.room_id not in kept:
                child = await self._rooms.desk(desk.tenant_id, room.project_id, each.room_id)
                await self._rooms.act(child, "", Live.end)
                _logger.info("breakout_swept", extra={"room": each.room_id})

    async def _tell(self, desk: Desk, room_id: str, state: pb.Breakouts) -> None:
        project_id = desk.live.room.project_id
        kept = await self._store.room(desk.tenant_id, project_id, room_id)
        if kept is not None and kept.state == pb.ROOM_STATE_OPEN:
            child = await self._rooms.desk(desk.tenant_id, project_id, room_id)
            await self._rooms.act(child, "", lambda live: breakout.told(live, state))
