"""Live rooms as a program meets them, over gRPC through the gateway."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import grpc
import pytest

from rushes.annotation.v1 import annotation_pb2, annotation_service_pb2, operation_pb2
from rushes.annotation.v1.annotation_service_pb2_grpc import AnnotationServiceStub
from rushes.signaling.v1 import room_service_pb2 as pb
from rushes.signaling.v1.room_service_pb2_grpc import RoomServiceStub
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT
from tests.product import Product, serving
from tests.waiting import until

pytestmark = pytest.mark.asyncio


class Caller:
    """Somebody with a channel of their own."""

    def __init__(self, product: Product, secret: str) -> None:
        self._channel = grpc.aio.insecure_channel(f"{product.host}:{product.port}")
        self.stub: Any = RoomServiceStub(self._channel)
        self.annotation: Any = AnnotationServiceStub(self._channel)
        self.metadata = (("authorization", f"Bearer {product.token(secret)}"),)
        self.project_id = product.studio.project_id

    async def room(self, *, waiting_room: bool = False, request_id: str = "") -> pb.Room:
        request = pb.CreateRoomRequest(
            project_id=self.project_id,
            title="Dailies",
            waiting_room=waiting_room,
            request_id=request_id or secrets.token_hex(16),
        )
        made: pb.Room = (await self.stub.CreateRoom(request, metadata=self.metadata)).room
        return made

    async def enter(self, room: pb.Room, participant_id: str = "", after: int = 0) -> "Seat":
        seat = Seat(self.stub.Signal(metadata=self.metadata))
        opening = pb.SignalOpen(
            project_id=self.project_id, room_id=room.room_id, participant_id=participant_id, after=after
        )
        await seat.call.write(pb.SignalRequest(open=opening))
        seat.opened = (await seat.until("opened")).opened
        return seat

    async def close(self) -> None:
        await self._channel.close()


class Seat:
    """A stream in a room."""

    def __init__(self, call: Any) -> None:
        self.call = call
        self.opened = pb.SignalOpened()
        self.heard: list[pb.SignalResponse] = []

    async def until(self, kind: str) -> pb.SignalResponse:
        """The next answer of a kind; what comes before it is kept in `heard`."""
        async with asyncio.timeout(20):
            while True:
                response: Any = await self.call.read()
                assert response is not grpc.aio.EOF, await self.call.code()
                self.heard.append(response)
                if response.WhichOneof("what") == kind:
                    return pb.SignalResponse.FromString(response.SerializeToString())

    async def ask(self, number: int, **what: Any) -> pb.SignalDone:
        """Asks for something and gives what became of it."""
        await self.call.write(pb.SignalRequest(number=number, **what))
        return (await self.until("done")).done

    async def event(self, kind: str) -> pb.Event:
        """The next event of a kind."""
        while True:
            event = (await self.until("event")).event
            if event.WhichOneof("what") == kind:
                return event


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    """One of its own: parts of it are killed."""
    with serving("--scale", "signaling=2") as running:
        yield running


@pytest.fixture
async def chair(product: Product) -> AsyncIterator[Caller]:
    """The administrator."""
    caller = Caller(product, product.secret)
    yield caller
    await caller.close()


@pytest.fixture
async def guest(product: Product) -> AsyncIterator[Caller]:
    """A guest."""
    caller = Caller(product, product.person("guest"))
    yield caller
    await caller.close()


async def code_of(awaited: Any) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await awaited
    return raised.value.code()


async def test_a_room_is_made_once_however_often_it_is_asked_for(chair: Caller, guest: Caller) -> None:
    request_id = secrets.token_hex(16)
    first, second = await chair.room(request_id=request_id), await chair.room(request_id=request_id)
    assert first.room_id == second.room_id
    assert await code_of(guest.room()) is grpc.StatusCode.PERMISSION_DENIED
    listed = await guest.stub.ListRooms(pb.ListRoomsRequest(project_id=guest.project_id), metadata=guest.metadata)
    assert sum(each.room_id == first.room_id for each in listed.rooms) == 1
    nowhere = pb.GetRoomRequest(project_id=chair.project_id, room_id="nothing")
    assert await code_of(chair.stub.GetRoom(nowhere, metadata=chair.metadata)) is grpc.StatusCode.NOT_FOUND


async def test_who_waits_hears_nothing_until_let_in_and_sends_nothing(chair: Caller, guest: Caller) -> None:
    room = await chair.room(waiting_room=True)
    ada = await chair.enter(room)
    gus = await guest.enter(room)
    assert [each.state for each in gus.opened.participants] == [pb.PARTICIPANT_STATE_WAITING]
    assert (await ada.ask(1, chat="only for who is in")).error.code == 0
    refused = await gus.ask(1, publish=pb.Publish(offer="v=0\r\n"))
    assert "NOT_IN_ROOM" in str(refused.error)
    assert not any(each.event.HasField("chat") for each in gus.heard)
    moderate = pb.Moderate(participant_id=gus.opened.participant_id, admit=True)
    await ada.ask(2, moderate=moderate)
    assert (await gus.event("participant")).participant.state == pb.PARTICIPANT_STATE_JOINED
    inside = (await gus.until("opened")).opened
    assert {each.participant_id for each in inside.participants} == {
        ada.opened.participant_id,
        gus.opened.participant_id,
    }
    assert [each.chat.text for each in inside.chats] == ["only for who is in"]
    assert (await gus.ask(2, subscribe=pb.Subscribe(audio_slots=1, video_slots=1))).error.code == 0
    assert any(each.slots.startswith("v=0") for each in gus.heard)
    await ada.ask(3, moderate=pb.Moderate(participant_id=gus.opened.participant_id, remove=True))
    assert (await gus.event("participant")).participant.state == pb.PARTICIPANT_STATE_REMOVED
    assert await code_of(guest.enter(room)) is grpc.StatusCode.PERMISSION_DENIED


async def test_what_is_sent_twice_over_a_cut_and_a_killed_service_is_done_once(
    product: Product, chair: Caller, guest: Caller
) -> None:
    room = await chair.room()
    ada, gus = await chair.enter(room), await guest.enter(room)
    me = gus.opened.participant_id
    await gus.ask(1, chat="one")
    gus.call.cancel()
    killed = product.stack.kill_service("svc_signaling")
    product.stack.wait_restarted("svc_signaling", killed)
    back = await again(guest, room, me, gus.opened.ordinal)
    assert back.opened.participant_id == me
    assert back.opened.done == 1
    assert (await back.ask(1, chat="one")).error.code == 0
    assert (await back.ask(2, chat="two")).error.code == 0
    request = pb.ListEventsRequest(project_id=chair.project_id, room_id=room.room_id)
    events = (await chair.stub.ListEvents(request, metadata=chair.metadata)).events
    assert [each.chat.text for each in events if each.HasField("chat")] == ["one", "two"]
    assert [each.ordinal for each in events] == list(range(1, len(events) + 1))
    assert all(one.time_ms <= other.time_ms for one, other in pairwise(events))
    ada.call.cancel()


async def test_of_two_instances_each_serves_rooms_and_one_takes_over_what_the_other_had(
    product: Product, chair: Caller, guest: Caller
) -> None:
    made = [await chair.room() for _ in range(6)]
    seats = [(await chair.enter(each), await guest.enter(each)) for each in made]
    for ada, gus in seats:
        assert (await ada.ask(1, chat="before")).error.code == 0
        assert (await gus.event("chat")).chat.text == "before"
    killed = product.stack.kill_service("svc_signaling")
    for room, (ada, gus) in zip(made, seats, strict=True):
        back, heard = await until(partial(both, (chair, guest), room, (ada, gus)), "both are back")
        assert back.opened.participant_id == ada.opened.participant_id
        assert heard.opened.participant_id == gus.opened.participant_id
        assert heard.opened.chats[0].chat.text == "before"
        request = pb.ListEventsRequest(project_id=chair.project_id, room_id=room.room_id)
        events = (await chair.stub.ListEvents(request, metadata=chair.metadata)).events
        assert [each.ordinal for each in events] == list(range(1, len(events) + 1))
        assert [each.chat.text for each in events if each.HasField("chat")] == ["before", "after"]
    product.stack.wait_restarted("svc_signaling", killed)


async def both(callers: tuple[Caller, Caller], room: pb.Room, seats: "tuple[Seat, Seat]") -> "tuple[Seat, Seat] | None":
    """Two come back and one says something; None: the room moved meanwhile, as to an instance that is there again."""
    back = []
    try:
        for caller, seat in zip(callers, seats, strict=True):
            back.append(await caller.enter(room, seat.opened.participant_id, seat.opened.ordinal))
        done = await back[0].ask(2, chat="after")
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError, AssertionError):
        return None
    return (back[0], back[1]) if done.error.code == 0 else None


async def again(caller: Caller, room: pb.Room, participant_id: str, after: int) -> Seat:
    """Comes back once the service is there again."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await caller.enter(room, participant_id, after)
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError, AssertionError):
                await asyncio.sleep(0.2)


async def test_a_guest_who_looks_on_writes_nowhere_in_the_project_until_the_room_is_over(
    product: Product, chair: Caller, guest: Caller
) -> None:
    room = await chair.room()
    ada, gus = await chair.enter(room), await guest.enter(room)
    assert (await writes(product, guest)) == ""
    moderate = pb.Moderate(participant_id=gus.opened.participant_id, role=pb.ROOM_ROLE_VIEW)
    assert (await ada.ask(1, moderate=moderate)).error.code == 0
    assert (await gus.event("participant")).participant.role == pb.ROOM_ROLE_VIEW
    assert await until(lambda: writes(product, guest), "that writing is refused") == "PERMISSION_DENIED"
    assert (await writes(product, chair)) == ""
    ended = pb.EndRoomRequest(project_id=chair.project_id, room_id=room.room_id)
    await chair.stub.EndRoom(ended, metadata=chair.metadata)

    async def written() -> bool:
        return await writes(product, guest) == ""

    await until(written, "that writing is allowed again")


async def writes(product: Product, caller: Caller) -> str:
    """Writes a note on the clip; gives why not."""
    note = annotation_pb2.Annotation(
        id=secrets.token_bytes(16), kind=annotation_pb2.ANNOTATION_KIND_COMMENT, audience=AUDIENCE_CLIENT
    )
    batch = operation_pb2.Batch(client_seq=1)
    batch.operations.add().create.annotation.CopyFrom(note)
    request = annotation_service_pb2.CreateBatchAnnotationsRequest(
        video_id=product.video_id, client_id=secrets.token_bytes(16), batch=batch
    )
    try:
        await caller.annotation.CreateBatchAnnotations(request, metadata=caller.metadata)
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return ""


async def test_who_asks_without_end_is_read_slowly_and_answered_all_the_same(chair: Caller, guest: Caller) -> None:
    room = await chair.room()
    ada, gus = await chair.enter(room), await guest.enter(room)
    for number in range(1, 61):
        await gus.call.write(pb.SignalRequest(number=number, hand=bool(number % 2)))
    assert (await ada.ask(1, chat="still here")).error.code == 0
    answered = [(await gus.until("done")).done.number for _ in range(60)]
    assert answered == list(range(1, 61))


async def test_a_room_that_ended_is_over_for_everybody(chair: Caller, guest: Caller) -> None:
    room = await chair.room()
    gus = await guest.enter(room)
    ended = pb.EndRoomRequest(project_id=chair.project_id, room_id=room.room_id)
    assert await code_of(guest.stub.EndRoom(ended, metadata=guest.metadata)) is grpc.StatusCode.PERMISSION_DENIED
    answer = await chair.stub.EndRoom(ended, metadata=chair.metadata)
    assert answer.room.state == pb.ROOM_STATE_ENDED
    assert (await gus.event("ended")).ended
    assert await code_of(guest.enter(room)) is grpc.StatusCode.FAILED_PRECONDITION
