"""Rooms are what their record says, whatever moments there are."""

from collections.abc import Sequence

import pytest

from rushes.signaling.v1 import room_service_pb2 as pb
from rushes.signaling.v1.stored_pb2 import StoredMoment
from svc_signaling.memory import READ_EVENTS, Memory
from svc_signaling.stores import Kept
from svc_signaling.stores.moment import MemoryMoments
from tests.unit.svc_signaling.test_room import CHAIR, happens, live, with_people


class Record:
    """Of one room, as a store gives it."""

    def __init__(self) -> None:
        self.live = live()
        self.kept: list[Kept] = []
        self.read = 0
        self.add(*self.live.stamp(self.live.join("ada", "person-ada", "Ada", CHAIR), 0))

    def add(self, *events: pb.Event) -> None:
        for event in events:
            self.live.apply(event)
            number = len(self.kept)
            self.kept.append(Kept(event, "ada", number))
            if number:
                self.live.done["ada"] = number

    def say(self, count: int) -> None:
        for number in range(count):
            self.add(*self.live.stamp(self.live.say("ada", f"{number}"), 0))

    async def events(self, room_id: str, after: int, limit: int) -> Sequence[Kept]:
        found = [each for each in self.kept if each.event.ordinal > after][:limit]
        self.read += len(found)
        return found


def fresh() -> pb.Room:
    return live().room


async def test_only_what_came_after_the_moment_is_read() -> None:
    record, moments = Record(), MemoryMoments()
    record.say(READ_EVENTS + 5)
    first = Memory(record, moments)  # type: ignore[arg-type]
    await first.remember(await first.recall(fresh()))
    record.say(READ_EVENTS + 2)
    record.read = 0
    second = Memory(record, moments)  # type: ignore[arg-type]
    assert await second.recall(fresh()) == record.live
    assert record.read == READ_EVENTS + 3


@pytest.mark.parametrize("spoilt", ["bytes", "form", "record", "room", "ahead"])
async def test_a_moment_that_does_not_fit_is_not_used(spoilt: str) -> None:
    record, moments = Record(), MemoryMoments()
    record.say(5)
    memory = Memory(record, moments)  # type: ignore[arg-type]
    await memory.remember(await memory.recall(fresh()))
    stored = StoredMoment.FromString(await moments.get("r") or b"")
    stored.presenter.participant_id = "nobody"
    if spoilt == "form":
        stored.form += 1
    elif spoilt == "record":
        stored.last.chat.text = "of another record"
    elif spoilt == "room":
        stored.room.room_id = "another"
    else:
        stored.last.ordinal = 100
    await moments.put("r", b"\xff\xff" if spoilt == "bytes" else stored.SerializeToString())
    assert await Memory(record, moments).recall(fresh()) == record.live  # type: ignore[arg-type]


async def test_a_moment_is_kept_once_more_than_a_few_events_came() -> None:
    moments, room = MemoryMoments(), with_people(live(), ada=CHAIR)
    memory = Memory(Record(), moments)  # type: ignore[arg-type]
    seen = []
    for number in range(1, 7):
        (event,) = happens(room, room.say("ada", f"{number}"))
        memory.happened(room, event)
        await memory.remember(room, few=3)
        seen.append(StoredMoment.FromString(await moments.get("r") or b"").last.ordinal)
    assert seen == [0, 0, 4, 4, 4, 4]
    await memory.leave(room)
    assert StoredMoment.FromString(await moments.get("r") or b"").last.ordinal == 7
