"""Rooms in memory beside what is kept of them."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import grpc
import pytest

from mesh.clock import Clock
from rushes.errors import RushesError
from rushes.signaling.v1 import room_service_pb2 as pb
from rushes.type.v1.access_pb2 import PERMISSION_VIEW
from svc_signaling.core.participant import AWAY
from svc_signaling.core.room import Live
from svc_signaling.errors import Draining, RoomMoved
from svc_signaling.memory import Memory
from svc_signaling.rooms import IDLE_S, Desk, Rooms
from svc_signaling.stores import Kept
from svc_signaling.telling import News
from tests.unit.svc_signaling.test_room import CHAIR, GUEST, live, with_people


class SlowStore:
    """Keeps what it is given once it is let."""

    def __init__(self) -> None:
        self.kept: list[int] = []
        self.asked, self.let = asyncio.Event(), asyncio.Event()

    async def append(self, tenant_id: str, person_id: str, room: pb.Room, kept: Sequence[Kept]) -> None:
        self.asked.set()
        await self.let.wait()
        self.kept += [each.event.ordinal for each in kept]


async def test_what_is_kept_is_applied_though_whoever_asked_was_cut_meanwhile() -> None:
    store: Any = SlowStore()
    rooms = Rooms(store, Clock())
    desk = Desk("one", with_people(live(), ada=CHAIR))
    asking = asyncio.create_task(rooms.act(desk, "person-ada", partial(Live.say, participant_id="ada", text="one")))
    await store.asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    store.let.set()
    await rooms.act(desk, "person-ada", partial(Live.say, participant_id="ada", text="two"))
    assert store.kept == [2, 3]
    assert desk.live.ordinal == 3


class Told:
    """A stream that remembers what it is told."""

    def __init__(self) -> None:
        self.events: list[pb.Event] = []

    def happened(self, news: News) -> None:
        self.events += news.events

    def tracks_changed(self) -> None:
        """Nothing to see."""

    def end(self, error: RushesError) -> None:
        """It is over anyway."""


async def test_who_does_not_come_back_to_a_room_that_was_taken_up_is_cut_off_when_the_time_is_over() -> None:
    store: Any = SlowStore()
    store.let.set()
    rooms = Rooms(store, Clock())
    desk = Desk("one", with_people(live(), ada=CHAIR, bob=GUEST, gus=GUEST))
    desk.unseen, desk.unseen_until_ms = {"ada", "bob", "gus"}, Clock().now_ms() + 600_000
    ada = Told()
    rooms.listen(desk, "ada", ada)
    await rooms._tick("r", desk)
    assert ada.events == []
    desk.unseen_until_ms = 1
    for _ in range(2):
        await rooms._tick("r", desk)
    assert {(each.participant.participant_id, each.participant.state) for each in ada.events} == {
        ("bob", AWAY),
        ("gus", AWAY),
    }
    assert len(ada.events) == 2


async def test_an_instance_that_goes_cuts_nobody_off_and_leaves_them_to_whoever_comes_after() -> None:
    store: Any = SlowStore()
    rooms = Rooms(store, Clock())
    desk = Desk("one", with_people(live(), ada=CHAIR))
    ada = Told()
    rooms.listen(desk, "ada", ada)
    rooms.end_all(Draining("this instance stops"))
    await rooms.unlisten(desk, "ada", ada)
    assert (desk.listeners, store.kept) == ({}, [])


class Guests:
    """Takes what is narrowed, once it is well."""

    def __init__(self) -> None:
        self.well = True
        self.told: list[dict[str, int]] = []

    async def limit(self, tenant_id: str, room: pb.Room, limits: Mapping[str, int]) -> None:
        if not self.well:
            raise grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata())
        self.told.append(dict(limits))


async def test_what_a_role_narrows_is_told_until_it_is_known_and_ends_with_the_room() -> None:
    store: Any = SlowStore()
    store.let.set()
    rooms = Rooms(store, Clock())
    rooms.guests = guests = Guests()
    desk = Desk("one", with_people(live(), ada=CHAIR, gus=GUEST))
    look_on = pb.Moderate(participant_id="gus", role=pb.ROOM_ROLE_VIEW)
    guests.well = False
    await rooms.act(desk, "", lambda room: room.moderate("ada", look_on, CHAIR))
    assert guests.told == []
    guests.well = True
    await rooms.act(desk, "", lambda room: room.say("ada", "hello"))
    await rooms.act(desk, "", lambda room: room.say("ada", "again"))
    await rooms.act(desk, "", Live.end)
    assert guests.told == [{"person-gus": 1 << PERMISSION_VIEW}, {}]


class BrokenStore:
    """Has two rooms that nobody owns, and cannot give the first."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def orphans(self, now_ms: int) -> list[tuple[str, int, str]]:
        return [("one", 1, "broken"), ("one", 1, "sound")]

    async def take(self, tenant_id: str, project_id: int, room_id: str, *args: object) -> pb.Room | None:
        if room_id == "broken":
            raise ValueError("not a room")
        self.taken.append(room_id)
        return None


async def test_a_room_that_cannot_be_read_keeps_no_other_from_being_taken_up() -> None:
    store: Any = BrokenStore()
    await Rooms(store, Clock())._take_up()
    assert store.taken == ["sound"]


class OneRoom:
    """A store of one room that this instance takes and releases, and where its moments go, slowly."""

    def __init__(self) -> None:
        self.owned = False
        self.asked, self.let = asyncio.Event(), asyncio.Event()

    async def take(self, *args: object) -> pb.Room:
        self.owned = True
        return live().room

    async def release(self, room_id: str) -> None:
        self.owned = False

    async def events(self, room_id: str, after: int, limit: int) -> list[Kept]:
        return []

    async def append(self, tenant_id: str, person_id: str, room: pb.Room, kept: Sequence[Kept]) -> None:
        if not self.owned:
            raise RoomMoved("nobody's")

    async def get(self, room_id: str) -> bytes | None:
        return None

    async def put(self, room_id: str, data: bytes) -> None:
        self.asked.set()
        await self.let.wait()


async def test_who_comes_while_a_room_is_put_away_has_a_room_that_is_this_instances() -> None:
    store: Any = OneRoom()
    memory = Memory(store, store)
    rooms = Rooms(store, Clock(), memory)
    idle = await rooms.desk("one", 1, "r")
    await rooms.act(idle, "", lambda room: room.join("ada", "person-ada", "Ada", CHAIR))
    await rooms.act(idle, "", lambda room: room.leave("ada"))
    idle.idle_s = IDLE_S
    ticking = asyncio.create_task(rooms._tick("r", idle))
    await store.asked.wait()
    coming = asyncio.create_task(rooms.desk("one", 1, "r"))
    await asyncio.sleep(0)
    store.let.set()
    await ticking
    desk = await coming
    assert desk is not idle
    await rooms.act(desk, "", lambda room: room.join("bob", "person-bob", "Bob", CHAIR))
    rooms._lose(idle)
    assert (rooms.held("r"), "r" in memory._last, store.owned) == (desk, True, True)
