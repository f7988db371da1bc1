"""Where people of a room are taken to be: by what was chosen here, and by what workers tell."""

from typing import Any, cast

import grpc
import pytest

from mesh.clock import Clock
from mesh.rpc import Channels
from rushes.sfu.v1 import sfu_service_pb2 as sfu
from svc_signaling.errors import FeedUnknown
from svc_signaling.media import Media
from svc_signaling.rooms import Desk, Rooms
from tests.unit.svc_signaling.test_room import live


class Far:
    """Channels to two workers that refuse whatever they are asked."""

    def address(self, service: str) -> str:
        return "a,b"

    def raw_to(self, target: str) -> Any:
        return self

    def unary_unary(self, *_: Any, **__: Any) -> object:
        return _refused

    unary_stream = unary_unary


async def _refused(_: object) -> None:
    raise grpc.aio.AioRpcError(grpc.StatusCode.INVALID_ARGUMENT, grpc.aio.Metadata(), grpc.aio.Metadata())


def told(room_id: str, *people: str) -> sfu.WatchRoomsResponse:
    """What a worker tells of a room."""
    state = sfu.WatchRoomsResponse(room_id=room_id)
    for each in people:
        state.participants.add(participant_id=each)
    return state


def a_media() -> Media:
    return Media(cast(Channels, Far()), lambda _: None, 80)


async def test_an_update_of_a_feed_that_is_nowhere_is_refused_and_places_nobody() -> None:
    media = a_media()
    with pytest.raises(FeedUnknown):
        await media.update(sfu.UpdateIceRequest(room_id="r", participant_id="gone", transport_id="t"))
    assert media._workers._homes == {}
    assert media._workers._placed == {}


@pytest.mark.parametrize("watches", [True, False])
async def test_an_offer_of_a_feed_that_is_refused_places_nobody_and_moves_nobody(watches: bool) -> None:
    media = a_media()
    media._workers._took("a", told("r", "ann"))
    for who in ("bob", "ann"):
        with pytest.raises(grpc.aio.AioRpcError):
            await media.feed("r", who, "nonsense", watches=watches)
    assert media._workers._homes == {"r": {"ann": "a"}}
    assert "bob" not in media._workers._placed["r"]


async def test_an_update_of_somebody_whom_a_worker_tells_of_leaves_them_to_that_worker() -> None:
    workers = a_media()._workers
    workers._took("a", told("r", "ann"))
    assert await workers.at("r", "ann") is not None
    workers._took("a", told("r", "bob"))
    assert await workers.at("r", "ann") is None


async def test_a_room_that_moved_leaves_nobody_placed_here() -> None:
    media, rooms = a_media(), Rooms(cast(Any, None), Clock())
    rooms.media, workers = media, media._workers
    desk = Desk("one", live())
    room_id = desk.live.room.room_id
    rooms._desks[room_id] = desk
    for each in ("ann", "bob"):
        await workers.of(room_id, each)
    home = workers._homes[room_id]["ann"]
    workers._took(home, told(room_id, "ann", "eve"))
    rooms._lose(desk)
    assert workers._homes[room_id] == {"ann": home, "eve": home}, "of bob no worker tells"
    other = "ab".replace(home, "")
    workers._took(other, told(room_id, "ann"))
    workers._took(home, told(room_id, "eve"))
    workers._took(other, told(room_id, "ann"))
    assert workers._homes[room_id] == {"ann": other, "eve": home}, "another instance chose another worker"
    workers._took(other, told(room_id))
    workers._took(home, told(room_id))
    assert workers._homes == {}
    assert media.participants(room_id) == set()
