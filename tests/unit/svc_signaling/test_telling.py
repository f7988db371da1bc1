"""What happened reaches everybody who is to know of it: once, in order, together where much happens at a time."""

import asyncio
from collections.abc import Iterable

import pytest

from rushes.errors import RushesError
from rushes.signaling.v1 import room_service_pb2 as pb
from svc_signaling.core.room import Live
from svc_signaling.telling import QUICK_S, SLOW_S, News, Telling, news
from tests.unit.svc_signaling.test_room import CHAIR, DRIVER, GUEST, live, with_people


class Told:
    """A stream that takes what it is told as `Stream` does."""

    def __init__(self) -> None:
        self.ordinals: list[int] = []
        self.pieces = 0

    def happened(self, news: News) -> None:
        new = news.after(self.ordinals[-1] if self.ordinals else 0)
        if new is not None:
            self.pieces += 1
            self.ordinals += [each.ordinal for each in new.events]

    def tracks_changed(self) -> None:
        """Nothing to see."""

    def end(self, error: RushesError) -> None:
        """It is over anyway."""


class Room:
    """A room whose people listen."""

    def __init__(self, room: Live) -> None:
        self.live = room
        self.telling = Telling(room)
        self.told = {name: Told() for name in room.people}
        self.telling.listeners.update(self.told)

    def happens(self, whats: Iterable[pb.Event]) -> list[int]:
        events = self.live.stamp(whats, 0)
        moving = self.telling.before(events)
        for event in events:
            self.live.apply(event)
        self.telling.happened(events, moving)
        return [each.ordinal for each in events]

    def busy(self) -> float:
        """As if everybody had just been told of something, ten minutes from now."""
        self.telling._told_at_s = asyncio.get_running_loop().time() + 600
        return self.telling._told_at_s

    def due_s(self) -> float:
        """When what waits is told."""
        assert self.telling._due is not None
        return self.telling._due.when()


@pytest.fixture
async def room() -> Room:
    return Room(with_people(live(), ada=CHAIR, bob=DRIVER, gus=GUEST))


async def test_what_happens_in_a_quiet_room_is_told_at_once(room: Room) -> None:
    (line,) = room.happens(room.live.say("ada", "hello"))
    assert [each.ordinals for each in room.told.values()] == [[line]] * 3


async def test_what_happens_while_others_are_told_of_something_goes_out_together(room: Room) -> None:
    first = room.happens(room.live.say("ada", "one"))
    room.busy()
    rest = [ordinal for number in range(50) for ordinal in room.happens(room.live.hand("gus", up=number % 2 == 0))]
    room.telling.tell()
    for each in room.told.values():
        assert each.ordinals == first + rest
        assert each.pieces == 2


async def test_people_who_come_wait_longer_than_what_is_said_and_keep_their_order(room: Room) -> None:
    room.happens(room.live.say("ada", "one"))
    told_at_s = room.busy()
    room.happens(room.live.cut("bob"))
    assert room.due_s() == pytest.approx(told_at_s + 3 * SLOW_S)
    room.happens(room.live.say("ada", "two"))
    assert room.due_s() == pytest.approx(told_at_s + 3 * QUICK_S)
    room.telling.tell()
    assert room.told["ada"].ordinals == [4, 5, 6]


async def test_who_is_sent_away_knows_what_was_said_before_and_nothing_after(room: Room) -> None:
    (one,) = room.happens(room.live.say("ada", "one"))
    room.busy()
    (two,) = room.happens(room.live.say("ada", "two"))
    (away,) = room.happens(room.live.moderate("ada", pb.Moderate(participant_id="gus", remove=True), CHAIR))
    (three,) = room.happens(room.live.say("ada", "three"))
    assert room.told["gus"].ordinals == [one, two, away]
    assert room.told["ada"].ordinals == [one]
    room.telling.tell()
    assert room.told["gus"].ordinals == [one, two, away]
    assert room.told["ada"].ordinals == [one, two, away, three]


async def test_who_waits_hears_of_themselves_and_of_the_end_alone() -> None:
    room = Room(with_people(live(waiting_room=True), ada=CHAIR, gus=GUEST, eve=GUEST))
    room.busy()
    room.happens(room.live.say("ada", "only for who is in"))
    (let_in,) = room.happens(room.live.moderate("ada", pb.Moderate(participant_id="gus", admit=True), CHAIR))
    assert room.told["gus"].ordinals == [let_in]
    (ended,) = room.happens(room.live.end())
    room.telling.tell()
    assert room.told["eve"].ordinals == [ended]
    assert room.told["gus"].ordinals == [let_in, ended]


def test_news_are_encoded_for_who_takes_them_together_and_who_does_not() -> None:
    events = [pb.Event(ordinal=number, participant=pb.Participant(participant_id=f"{number}")) for number in (1, 2)]
    told = news(events)
    assert [pb.SignalResponse.FromString(each).event for each in told.single] == events
    assert list(pb.SignalResponse.FromString(told.together).events.events) == events
    assert told.people == frozenset(("1", "2"))
    assert not told.ended
    later = told.after(1)
    assert later is not None
    assert pb.SignalResponse.FromString(later.together).event == events[1]
    assert told.after(2) is None
    assert told.after(0) is told
