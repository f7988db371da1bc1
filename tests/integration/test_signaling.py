"""Instances of svc_signaling behind real gRPC servers on one store: one serves a room at a time, and rooms move."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import grpc
import pytest

from mesh.auth import service_token
from mesh.auth.interceptor import Guard
from mesh.clock import Clock
from mesh.ids import new_id
from mesh.service import SERVER_OPTIONS
from mesh.sql import Database
from rushes.errors import Unavailable
from rushes.signaling.v1 import room_service_pb2 as pb
from rushes.signaling.v1.room_service_pb2_grpc import RoomServiceStub
from rushes.type.v1.access_pb2 import PERMISSION_VIEW
from svc_signaling.breakouts import SWEEP_MS, Breakouts
from svc_signaling.core.breakout import NotSplit
from svc_signaling.core.room import Live
from svc_signaling.memory import Memory
from svc_signaling.rooms import Rooms
from svc_signaling.server import RoomServicer
from svc_signaling.stores.moment import MemoryMoments, Moments
from svc_signaling.stores.sql import SqlStore
from tests.integration.mesh_server import SECRET, TENANT, People, Signer

ALL = sum(1 << value for value in range(1, 11))
VIEW = 1 << PERMISSION_VIEW


class Instance:
    """One of them, with a stub of its own."""

    def __init__(self, name: str, folder: Path, signer: Signer, moments: Moments) -> None:
        people = People(signer)
        people.everywhere = {"ada": ALL, "bob": ALL, "cid": VIEW, "gus": VIEW}
        self.store = SqlStore(Database(f"sqlite:///{folder / 'rooms.db'}"), name)
        self.memory = Memory(self.store, moments)
        self.rooms = Rooms(self.store, Clock(), self.memory)
        nothing: Any = None  # media, assets and ICE servers are not asked for here
        self.clock, self.media = _Ahead(), _Quiet()
        self.rooms.breakouts = self.breakouts = breakouts = Breakouts(self.store, self.rooms, nothing, self.clock)
        parts = (self.store, self.rooms, breakouts, self.media, nothing, nothing, people, Clock(), 10)
        self._server = grpc.aio.server(interceptors=[Guard(SECRET, people)], options=SERVER_OPTIONS)
        RoomServicer(*parts).add_to(self._server)  # type: ignore[arg-type]
        port = self._server.add_insecure_port("127.0.0.1:0")
        self._channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self.stub: Any = RoomServiceStub(self._channel)

    async def start(self) -> None:
        await self.store.prepare()
        await self.rooms.start()
        await self._server.start()

    async def stop(self) -> None:
        await self._channel.close()
        await self._server.stop(None)
        await self.rooms.stop()
        await self.memory.close()
        await self.store.close()


class _Ahead(Clock):
    """Goes ahead when it is told to."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms


class _Quiet:
    """A forwarder with nothing to tell, who counts what is published."""

    published = 0

    async def publish(self, room_id: str, participant_id: str, offer: str) -> str:
        self.published += 1
        return f"answer {self.published}"

    async def mute(self, room_id: str, participant: pb.Participant) -> None:
        """Nobody is heard here."""

    def tracks(self, room_id: str, participant_id: str) -> pb.Tracks:
        return pb.Tracks()


class House:
    """Two instances, and people who come to either."""

    def __init__(self, first: Instance, second: Instance, signer: Signer) -> None:
        self.first, self.second = first, second
        self._signer = signer

    def metadata(self, person: str) -> tuple[tuple[str, str], ...]:
        token = self._signer.token(person)
        return (("rushes-service", service_token("gateway", SECRET)), ("authorization", f"Bearer {token}"))

    async def room(self) -> str:
        request = pb.CreateRoomRequest(project_id=1, title="Dailies", request_id=new_id())
        made: pb.CreateRoomResponse = await self.first.stub.CreateRoom(request, metadata=self.metadata("ada"))
        return made.room.room_id

    async def enter(
        self, instance: Instance, person: str, room_id: str, participant_id: str = "", after: int = 0
    ) -> "Seat":
        seat = Seat(instance.stub.Signal(metadata=self.metadata(person)))
        opening = pb.SignalOpen(project_id=1, room_id=room_id, participant_id=participant_id, after=after)
        await seat.call.write(pb.SignalRequest(open=opening))
        seat.opened = (await seat.until("opened")).opened
        return seat


class Seat:
    """A stream."""

    def __init__(self, call: Any) -> None:
        self.call = call
        self.opened = pb.SignalOpened()

    async def until(self, kind: str) -> pb.SignalResponse:
        """The next answer of a kind, or of an event of it."""
        while True:
            response: Any = await self.call.read()
            assert response is not grpc.aio.EOF, await self.call.code()
            if kind in (response.WhichOneof("what"), response.event.WhichOneof("what")):
                return pb.SignalResponse.FromString(response.SerializeToString())

    async def ended(self) -> grpc.StatusCode:
        """How it ends."""
        with contextlib.suppress(grpc.aio.AioRpcError):
            while await self.call.read() is not grpc.aio.EOF:
                pass
        code: grpc.StatusCode = await self.call.code()
        return code

    async def say(self, number: int, text: str) -> pb.SignalDone:
        return await self.ask(number, chat=text)

    async def leave(self, number: int) -> None:
        await self.call.write(pb.SignalRequest(number=number, leave=True))
        assert await self.ended() is grpc.StatusCode.OK

    async def ask(self, number: int, **what: Any) -> pb.SignalDone:
        await self.call.write(pb.SignalRequest(number=number, **what))
        return (await self.until("done")).done


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Two on one file, with moments in one place."""
    signer, moments = Signer(), MemoryMoments()
    first, second = [Instance(name, tmp_path, signer, moments) for name in ("first", "second")]
    await first.start()
    await second.start()
    yield House(first, second, signer)
    await second.stop()
    await first.stop()


async def test_what_is_said_is_heard_by_all_and_kept(house: House) -> None:
    room_id = await house.room()
    ada, bob = [await house.enter(house.first, person, room_id) for person in ("ada", "bob")]
    assert (await ada.say(1, "one")).number == 1
    heard = (await bob.until("chat")).event
    assert (heard.chat.text, heard.chat.name) == ("one", "Ada")
    request = pb.ListEventsRequest(project_id=1, room_id=room_id)
    kept = (await house.second.stub.ListEvents(request, metadata=house.metadata("ada"))).events
    assert [each.ordinal for each in kept] == [1, 2, 3]


async def test_a_room_moves_to_whoever_is_asked_and_people_are_who_they_were(house: House) -> None:
    room_id = await house.room()
    ada, bob = [await house.enter(house.first, person, room_id) for person in ("ada", "bob")]
    await ada.say(1, "one")
    # Bob's gateway knows of another instance by now; ada hears of it at the next thing that happens.
    again = await house.enter(house.second, "bob", room_id, bob.opened.participant_id)
    assert again.opened.participant_id == bob.opened.participant_id
    assert [each.chat.text for each in again.opened.chats] == ["one"]
    await ada.call.write(pb.SignalRequest(number=2, chat="two"))
    assert await ada.ended() is grpc.StatusCode.UNAVAILABLE
    back = await house.enter(house.second, "ada", room_id, ada.opened.participant_id)
    assert back.opened.done == 1
    await back.say(2, "two")
    assert (await again.until("chat")).event.chat.text == "two"
    kept = await house.second.store.events(room_id, 0, 100)
    assert [each.event.ordinal for each in kept] == list(range(1, len(kept) + 1))
    assert [each.event.chat.text for each in kept if each.event.HasField("chat")] == ["one", "two"]


async def test_a_room_that_is_taken_over_has_everybody_where_they_were_before_they_come_back(house: House) -> None:
    room_id = await house.room()
    ada, bob = [await house.enter(house.first, person, room_id) for person in ("ada", "bob")]
    requests = (
        pb.SignalRequest(number=1, present=pb.Present(take=True)),
        pb.SignalRequest(number=2, playback=pb.Playback(video_id=7, frame=100)),
        pb.SignalRequest(number=3, hand=True),
    )
    for each in requests:
        await ada.call.write(each)
        assert not (await ada.until("done")).done.HasField("error")
    desk = house.first.rooms.held(room_id)
    assert desk is not None
    await house.first.memory.remember(desk.live)
    # Of the first nothing is heard any more: bob comes to the second.
    back = await house.enter(house.second, "bob", room_id, bob.opened.participant_id)
    there = {each.participant_id: each for each in back.opened.participants}
    assert {each.state for each in there.values()} == {pb.PARTICIPANT_STATE_JOINED}
    assert there[ada.opened.participant_id].hand
    assert back.opened.presenter.participant_id == ada.opened.participant_id
    assert (back.opened.playback.video_id, back.opened.playback.frame) == (7, 100)
    again = await house.enter(house.second, "ada", room_id, ada.opened.participant_id)
    assert again.opened.done == 3
    assert again.opened.ordinal == back.opened.ordinal == desk.live.ordinal


async def test_an_instance_that_ends_leaves_its_rooms_to_the_other(house: House) -> None:
    room_id = await house.room()
    desk = await house.first.rooms.desk(TENANT, 1, room_id)
    await house.first.rooms.act(desk, "ada", lambda live: live.join("p", "ada", "Ada", ALL))
    await house.first.rooms.stop()
    assert [each[2] for each in await house.second.store.orphans(1)] == [room_id]
    await house.second.rooms.start()
    taken = house.second.rooms.held(room_id)
    assert taken is not None
    assert [each.state for each in taken.live.present_people()] == [pb.PARTICIPANT_STATE_JOINED]
    await house.second.rooms.act(taken, "ada", Live.end)
    assert taken.live.ended


def _split(*people: str, seconds: int = 0) -> pb.Split:
    """Two breakouts; those people belong to the first."""
    return pb.Split(rooms=[pb.Breakout(title="Sound", person_ids=people), pb.Breakout(title="Grade")], seconds=seconds)


async def test_a_room_is_split_and_its_people_hear_of_it_in_their_breakout_until_they_are_called_back(
    house: House,
) -> None:
    room_id = await house.room()
    ada, gus = [await house.enter(house.first, person, room_id) for person in ("ada", "gus")]
    await ada.ask(1, moderate=pb.Moderate(participant_id=gus.opened.participant_id, role=pb.ROOM_ROLE_LASER))
    assert not (await ada.ask(2, split=_split("gus"))).HasField("error")
    sound, grade = [each.room_id for each in (await gus.until("breakouts")).event.breakouts.rooms]

    await gus.leave(1)
    there = await house.enter(house.first, "gus", sound)
    assert there.opened.participants[0].role == pb.ROOM_ROLE_LASER
    assert (there.opened.room.parent_room_id, there.opened.breakouts.rooms[0].title) == (room_id, "Sound")
    for person, elsewhere in (("gus", grade), ("cid", sound)):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await house.enter(house.first, person, elsewhere)
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED

    # A moderator visits the breakout, and speaks to all from there.
    visiting = await house.enter(house.first, "bob", sound)
    await visiting.ask(1, regroup=pb.Regroup(say="two minutes"))
    assert (await ada.until("breakouts")).event.breakouts.lines[-1].text == "two minutes"
    assert (await there.until("breakouts")).event.breakouts.lines[-1].name == "Bob"
    await visiting.ask(2, moderate=pb.Moderate(participant_id=there.opened.participant_id, remove=True))
    await ada.ask(3, regroup=pb.Regroup(unite=True))
    assert (await visiting.until("ended")).event.ended
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await house.enter(house.first, "gus", room_id)
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED, "sent away from the breakout, so from the room"
    kept = await house.first.store.events(sound, 0, 100)
    assert next(each.event.participant.person_id for each in kept if each.event.HasField("participant")) == "gus"


async def test_of_two_splits_at_once_one_makes_breakouts_and_they_are_listed_with_their_room(house: House) -> None:
    room_id = await house.room()
    ada, bob, _ = [await house.enter(house.first, person, room_id) for person in ("ada", "bob", "gus")]
    desk = house.first.rooms.held(room_id)
    assert desk is not None

    def split(person: str, seat: Seat) -> Awaitable[None]:
        return house.first.breakouts.split(desk, person, seat.opened.participant_id, 1, _split("gus"), ALL)

    done = await asyncio.gather(split("ada", ada), split("bob", bob), return_exceptions=True)
    assert {type(each) for each in done} == {type(None), NotSplit}
    request = pb.ListRoomsRequest(project_id=1, with_breakouts=True)
    listed = await house.first.stub.ListRooms(request, metadata=house.metadata("gus"))
    assert [each.room_id for each in listed.rooms] == [room_id]
    state = desk.live.breakouts
    assert state is not None
    assert {each.room_id for each in listed.breakouts} == {each.room_id for each in state.rooms}


async def test_a_split_outlives_its_instance_and_time_calls_everybody_back(house: House) -> None:
    room_id = await house.room()
    ada, gus = [await house.enter(house.first, person, room_id) for person in ("ada", "gus")]
    request = _split("gus", seconds=600)
    await ada.ask(1, split=request)
    state = (await gus.until("breakouts")).event.breakouts
    await gus.leave(1)
    await house.enter(house.first, "gus", state.rooms[0].room_id)

    back = await house.enter(house.second, "ada", room_id, ada.opened.participant_id)
    assert back.opened.breakouts == state
    there = await house.enter(house.second, "gus", state.rooms[0].room_id)
    await back.ask(1, split=request)
    parent = house.second.rooms.held(room_id)
    assert parent is not None
    assert parent.live.breakouts == state, "what was asked twice is done once"
    house.second.clock.ahead_ms = 601_000
    assert (await there.until("breakouts")).event.breakouts.over
    assert (await there.until("ended")).event.ended


async def test_what_a_moderator_asks_of_the_split_after_a_reload_in_a_breakout_is_not_taken_for_done(
    house: House,
) -> None:
    room_id = await house.room()
    ada = await house.enter(house.first, "ada", room_id)
    await ada.ask(1, split=_split())
    parent = house.first.rooms.held(room_id)
    assert parent is not None
    assert parent.live.breakouts is not None
    sound = parent.live.breakouts.rooms[0].room_id
    visiting = await house.enter(house.first, "bob", sound)
    for number in (1, 2, 3):
        await visiting.ask(number, regroup=pb.Regroup(say=f"line {number}"))
    visiting.call.cancel()
    back = await house.enter(house.first, "bob", sound, visiting.opened.participant_id)
    assert back.opened.done == 3
    await back.ask(back.opened.done + 1, regroup=pb.Regroup(say="after it"))
    assert parent.live.breakouts.lines[-1].text == "after it"


async def test_a_room_is_not_split_again_before_its_breakouts_know_that_the_split_is_over(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id = await house.room()
    ada = await house.enter(house.first, "ada", room_id)
    await ada.ask(1, split=_split())
    parent = house.first.rooms.held(room_id)
    assert parent is not None
    assert parent.live.breakouts is not None
    sound = parent.live.breakouts.rooms[0].room_id
    there = await house.enter(house.first, "bob", sound)
    with monkeypatch.context() as cut:

        async def unreachable(*_: object) -> None:
            raise Unavailable("the database is away")

        cut.setattr(house.first.breakouts, "_tell", unreachable)
        assert not (await ada.ask(2, regroup=pb.Regroup(unite=True))).HasField("error")
        refused = (await ada.ask(3, split=_split())).error
        assert refused.code == grpc.StatusCode.UNAVAILABLE.value[0]
    assert not (await ada.ask(3, split=_split())).HasField("error")
    assert (await there.until("ended")).event.ended


async def test_breakouts_of_a_split_that_was_not_kept_are_over_once_it_cannot_be_asked_for_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id = await house.room()
    ada = await house.enter(house.first, "ada", room_id)
    desk = house.first.rooms.held(room_id)
    assert desk is not None

    async def unreachable(*_: object) -> None:
        raise Unavailable("the database is away")

    async def states() -> list[int]:
        return [each.state for each in await house.first.store.breakouts(TENANT, 1, [room_id], 10)]

    with monkeypatch.context() as cut:
        cut.setattr(house.first.store, "append", unreachable)
        assert (await ada.ask(1, split=_split())).HasField("error")
    await house.first.breakouts.look(desk)
    assert await states() == [pb.ROOM_STATE_OPEN] * 2, "asked for again, it makes the same ones"
    house.first.clock.ahead_ms = SWEEP_MS + 1_000
    await house.first.breakouts.look(desk)
    assert await states() == [pb.ROOM_STATE_ENDED] * 2
    assert not (await ada.ask(2, split=_split("ada"))).HasField("error")
    house.first.clock.ahead_ms *= 3
    await house.first.breakouts.look(desk)
    assert sorted(await states()) == [pb.ROOM_STATE_OPEN] * 2 + [pb.ROOM_STATE_ENDED] * 2, "those of a split go on"


async def test_nobody_makes_others_answers_forgotten(house: House) -> None:
    room_id = await house.room()
    ada = await house.enter(house.first, "ada", room_id)
    await ada.call.write(pb.SignalRequest(number=1, publish=pb.Publish(offer="v=0")))
    assert (await ada.until("published")).published == "answer 1"
    bob = await house.enter(house.first, "bob", room_id, ada.opened.participant_id)
    assert bob.opened.participant_id != ada.opened.participant_id
    await ada.call.write(pb.SignalRequest(number=1, publish=pb.Publish(offer="v=0")))
    assert (await ada.until("published")).published == "answer 1"


async def test_what_is_sent_again_is_answered_again_and_done_once(house: House) -> None:
    room_id = await house.room()
    ada = await house.enter(house.first, "ada", room_id)
    me = ada.opened.participant_id

    async def publish(seat: Seat) -> str:
        await seat.call.write(pb.SignalRequest(number=1, publish=pb.Publish(offer="v=0")))
        answer = (await seat.until("published")).published
        assert (await seat.until("done")).done == pb.SignalDone(number=1)
        return answer

    assert [await publish(ada), await publish(ada)] == ["answer 1", "answer 1"]
    ada.call.cancel()
    back = await house.enter(house.first, "ada", room_id, me, after=ada.opened.ordinal)
    assert await publish(back) == "answer 1"
    for text in ("one", "one"):
        await back.ask(2, chat=text)
    kept = await house.first.store.events(room_id, 0, 100)
    assert [each.event.chat.text for each in kept if each.event.HasField("chat")] == ["one"]
    back.call.cancel()
    loaded = await house.enter(house.first, "ada", room_id, me)
    assert await publish(loaded) == "answer 2", "a page that was loaded again asks for something new"
