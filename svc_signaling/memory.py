"""Rooms read from what is kept of them: a moment, if there is one, and the record from there."""

from typing import Final

from google.protobuf.message import DecodeError

from rushes.signaling.v1 import room_service_pb2 as pb
from rushes.signaling.v1.stored_pb2 import StoredMoment
from svc_signaling.core import moment
from svc_signaling.core.room import Live
from svc_signaling.metrics import TAKEN
from svc_signaling.stores import Kept, Store
from svc_signaling.stores.moment import MemoryMoments, Moments

READ_EVENTS: Final = 1_000


class Memory:
    """See the module. The record is the truth: a moment that does not fit it is not used."""

    def __init__(self, store: Store, moments: Moments | None = None) -> None:
        self._store = store
        self._moments = moments or MemoryMoments()
        self._last: dict[str, pb.Event] = {}
        """The last event of rooms that are open here."""
        self._remembered: dict[str, int] = {}
        """The event that the last moment of these is after."""

    async def recall(self, room: pb.Room) -> Live:
        """The room as its record has it."""
        room_id = room.room_id
        live, kept = await self._from_moment(room_id)
        TAKEN.labels("record" if live is None else "moment").inc()
        if live is None:
            self.forget(room_id)
            live, kept = Live(room), await self._store.events(room_id, 0, READ_EVENTS)
        while kept:
            for each in kept:
                live.apply(each.event)
                if each.number:
                    live.done[each.participant_id] = each.number
            self._last[room_id] = kept[-1].event
            kept = await self._store.events(room_id, live.ordinal, READ_EVENTS)
        return live

    async def _from_moment(self, room_id: str) -> tuple[Live | None, list[Kept]]:
        """The room as it was, and the first of what followed; none of a moment that is not of this record."""
        data = await self._moments.get(room_id)
        if data is None:
            return None, []
        try:
            found = StoredMoment.FromString(data)
        except DecodeError:
            return None, []
        kept = await self._store.events(room_id, found.last.ordinal - 1, READ_EVENTS)
        if found.form != moment.FORM or found.room.room_id != room_id or not kept or kept[0].event != found.last:
            return None, []
        self._last[room_id], self._remembered[room_id] = found.last, found.last.ordinal
        return moment.room_of(found), kept[1:]

    def happened(self, live: Live, last: pb.Event) -> None:
        """This is the last that was applied."""
        self._last[live.room.room_id] = last

    async def remember(self, live: Live, few: int = 0) -> None:
        """Keeps the room as it is, if more than a few events happened since it was kept."""
        room_id = live.room.room_id
        last = self._last.get(room_id)
        if last is None or last.ordinal - self._remembered.get(room_id, 0) <= few:
            return
        self._remembered[room_id] = last.ordinal
        await self._moments.put(room_id, moment.of(live, last).SerializeToString())

    async def leave(self, live: Live) -> None:
        """The room is not open here any more, and may be later."""
        await self.remember(live)
        self.forget(live.room.room_id)

    def forget(self, room_id: str) -> None:
        """The room is not this instance's."""
        self._last.pop(room_id, None)
        self._remembered.pop(room_id, None)

    async def drop(self, room_id: str) -> None:
        """The room is over for good."""
        await self._moments.drop(room_id)

    async def close(self) -> None:
        """Ends it."""
        await self._moments.close()
