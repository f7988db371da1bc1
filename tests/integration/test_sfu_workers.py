"""Rooms on several workers: people stay on the one they are on, and come to another when it is full, or goes."""

import contextlib
import time
from collections.abc import AsyncIterator

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from mesh.config import MeshConfig
from mesh.rpc import Channels
from rushes.sfu.v1 import sfu_service_pb2 as sfu
from rushes.sfu.v1.sfu_service_pb2_grpc import add_SfuServiceServicer_to_server
from svc_sfu.engine import Engine
from svc_sfu.server import SfuServicer, Watchers
from svc_signaling.media import Media
from svc_signaling.workers import Workers
from tests.integration.mesh_server import SECRET, run_folder
from tests.waiting import until


class Worker:
    """A forwarder that serves gRPC, without the guard of its process."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.health = health.aio.HealthServicer()
        watchers = Watchers()
        self.engine = Engine("127.0.0.1", 0, ["127.0.0.1"], watchers.changed)
        self._servicer = SfuServicer(self.engine, watchers, lambda: 0)
        self._server: grpc.aio.Server | None = None

    async def start(self) -> None:
        """Serves."""
        self.engine.start()
        self._server = grpc.aio.server()
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self._server)
        add_SfuServiceServicer_to_server(self._servicer, self._server)
        self._server.add_insecure_port(self.target)
        await self._server.start()

    async def drain(self) -> None:
        """Says that it stops."""
        await self.health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)

    async def die(self) -> None:
        """Gone at once."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop(None)
            await self.engine.close()


@pytest.fixture
async def workers() -> AsyncIterator[list[Worker]]:
    """Two of them."""
    with run_folder() as folder:
        made = [Worker(f"unix:{folder}/{name}.sock") for name in ("one", "two")]
        for each in made:
            await each.start()
        yield made
        for each in made:
            await each.die()


@contextlib.asynccontextmanager
async def known(workers: list[Worker], changed: list[str], most: int = 80) -> AsyncIterator[Workers]:
    """What signalling knows of them."""
    address = ",".join(each.target for each in workers)
    channels = Channels("svc_signaling", MeshConfig(secret=SECRET, services={"svc_sfu": address}))
    made = Workers(channels, changed.append, most)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
        await channels.close()


@contextlib.asynccontextmanager
async def media(workers: list[Worker]) -> AsyncIterator[Media]:
    """What signalling asks of them."""
    address = ",".join(each.target for each in workers)
    channels = Channels("svc_signaling", MeshConfig(secret=SECRET, services={"svc_sfu": address}))
    made = Media(channels, lambda _: None, 80)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
        await channels.close()


async def come(workers: Workers, room_id: str, who: str = "ann") -> None:
    """Somebody is in a room."""
    stub = await workers.of(room_id, who)
    await stub.Subscribe(sfu.SubscribeRequest(room_id=room_id, participant_id=who, audio_slots=1, video_slots=1))
    await workers.connect(room_id)


def lives(workers: list[Worker], room_id: str) -> list[int]:
    """Which workers have a room."""
    return [number for number, each in enumerate(workers) if room_id in each.engine.rooms]


async def test_rooms_are_spread_and_all_of_a_room_are_on_one_worker(workers: list[Worker]) -> None:
    async with known(workers, []) as mesh:
        rooms = [f"room {number}" for number in range(16)]
        for room in rooms * 2:
            await come(mesh, room)
        assert all(len(lives(workers, room)) == 1 for room in rooms)
        assert {lives(workers, room)[0] for room in rooms} == {0, 1}


async def test_a_room_stays_where_it_is_when_signalling_starts_anew(workers: list[Worker]) -> None:
    async with known(workers[:1], []) as mesh:
        for number in range(8):
            await come(mesh, f"room {number}")
    async with known(workers, []) as mesh:
        for number in range(8):
            await come(mesh, f"room {number}")
            assert lives(workers, f"room {number}") == [0]


@pytest.mark.parametrize("end", ["drain", "die"])
async def test_a_worker_that_goes_leaves_its_rooms_to_the_other(workers: list[Worker], end: str) -> None:
    changed: list[str] = []
    async with known(workers, changed) as mesh:
        await come(mesh, "r")
        (home,) = lives(workers, "r")
        await until(lambda: mesh.state("r") is not None, "being told of the room")
        changed.clear()
        await (workers[home].drain() if end == "drain" else workers[home].die())
        await until(lambda: mesh.state("r") is None, "the room being gone")
        assert changed == ["r"]
        await come(mesh, "r")
        assert 1 - home in lives(workers, "r")
        await until(lambda: mesh.state("r") is not None, "being told of the room")
        workers[home].engine.end("r")
        await come(mesh, "s")
        await until(lambda: mesh.state("s") is not None, "being told of another room")
        assert mesh.state("r") is not None


async def test_a_room_that_is_over_may_be_elsewhere_next_time(workers: list[Worker]) -> None:
    async with known(workers, []) as mesh:
        await come(mesh, "r")
        await until(lambda: mesh.state("r") is not None, "being told of the room")
        for each in workers:
            each.engine.end("r")
        await until(lambda: mesh.state("r") is None, "the room being gone")
        mesh.forget("r")
        await come(mesh, "r")
        assert len(lives(workers, "r")) == 1


def linked(workers: list[Worker], room_id: str) -> list[bool]:
    """Of each worker's links of a room, whether the other end was heard of."""
    rooms = [each.engine.rooms[room_id] for each in workers if room_id in each.engine.rooms]
    return [link.ready(time.monotonic()) for room in rooms for link in room.links.values()]


def people(workers: list[Worker], room_id: str) -> list[int]:
    """How many of a room each worker has."""
    return [len(each.engine.rooms[room_id].subscribers) if room_id in each.engine.rooms else 0 for each in workers]


async def test_who_comes_when_a_worker_is_full_is_on_another_that_is_linked_to_it(workers: list[Worker]) -> None:
    async with known(workers, [], most=2) as mesh:
        for who in ("ann", "bob", "eve", "joe", "zoe"):
            await come(mesh, "r", who)
        assert sorted(people(workers, "r")) == [2, 3]
        await until(lambda: linked(workers, "r") == [True, True], "the link working in both directions")
        await until(lambda: _told(mesh, "r") == 5, "one state of the room")
        relays = [link.relay for each in workers for link in each.engine.rooms["r"].links.values()]
        await mesh.connect("r")
        assert [link.relay for each in workers for link in each.engine.rooms["r"].links.values()] == relays


async def test_signalling_that_starts_anew_leaves_people_and_links_where_they_are(workers: list[Worker]) -> None:
    async with known(workers, [], most=1) as mesh:
        await come(mesh, "r", "ann")
        await come(mesh, "r", "bob")
        await until(lambda: linked(workers, "r") == [True, True], "the link working in both directions")
    relays = [link.relay for each in workers for link in each.engine.rooms["r"].links.values()]
    async with known(workers, [], most=9) as mesh:
        for who in ("ann", "bob"):
            await come(mesh, "r", who)
        assert people(workers, "r") == [1, 1]
        assert [link.relay for each in workers for link in each.engine.rooms["r"].links.values()] == relays


@pytest.mark.parametrize("end", ["drain", "die"])
async def test_people_of_a_worker_that_goes_come_to_the_other_where_the_rest_stayed(
    workers: list[Worker], end: str
) -> None:
    async with known(workers, [], most=1) as mesh:
        await come(mesh, "r", "ann")
        (home,) = lives(workers, "r")
        await come(mesh, "r", "bob")
        await until(lambda: _told(mesh, "r") == 2, "being told of both")
        await (workers[home].drain() if end == "drain" else workers[home].die())
        await until(lambda: _told(mesh, "r") == 1, "the one being gone")
        await come(mesh, "r", "ann")
        stayed = workers[1 - home].engine.rooms["r"]
        assert set(stayed.subscribers) == {"ann", "bob"}
        await until(lambda: not stayed.links or mesh.connect("r"), "the link being closed")
        assert stayed.links == {}


async def test_who_is_removed_is_removed_from_every_worker_that_has_them(workers: list[Worker]) -> None:
    async with media(workers) as asked:
        for each in workers:  # as after a worker that was thought to be gone
            each.engine.subscribe("r", "ann", audio=1, video=1)
            each.engine.subscribe("r", "bob", audio=1, video=1)
        await until(lambda: _having(asked._workers, 2), "being told of both")
        assert await asked.remove("r", "ann")
        assert [set(each.engine.rooms["r"].subscribers) for each in workers] == [{"bob"}, {"bob"}]
        await until(lambda: asked.participants("r") == {"bob"}, "being told that she is gone")
        assert not await asked.remove("r", "ann"), "there is nothing to end any more"


async def _having(mesh: Workers, count: int) -> bool:
    return len(await mesh.having("r", "ann")) == count


def _told(mesh: Workers, room_id: str) -> int:
    state = mesh.state(room_id)
    return len(state.participants) if state is not None else 0
