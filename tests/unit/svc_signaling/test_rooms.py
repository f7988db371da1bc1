"""Rooms in memory beside what is kept of them."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from mesh.clock import Clock
from rushes.signaling.v1 import room_service_pb2 as pb
from svc_signaling.core.room import Live
from svc_signaling.rooms import Desk, Rooms
from svc_signaling.stores import Kept
from tests.unit.svc_signaling.test_room import CHAIR, live, with_people


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
