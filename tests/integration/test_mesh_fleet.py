"""The instances of a service: who is well serves, who is not hands over, and who is back has its share again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

import mesh.rpc
from mesh.config import MeshConfig
from mesh.fleet import Fleet
from mesh.rendezvous import PARTITIONS
from mesh.rpc import Channels
from mesh.service import SERVER_OPTIONS
from tests.engine import free_ports
from tests.integration.mesh_server import SECRET, run_folder
from tests.waiting import until


class Instance:
    """A server that says how it is."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.health = health.aio.HealthServicer()
        self._server: grpc.aio.Server | None = None

    async def start(self) -> None:
        """Serves."""
        self._server = grpc.aio.server(options=SERVER_OPTIONS)
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self._server)
        self._server.add_insecure_port(self.target)
        await self._server.start()

    async def die(self) -> None:
        """Gone at once."""
        if self._server is not None:
            await self._server.stop(None)


@contextlib.asynccontextmanager
async def fleet_of(address: str) -> AsyncIterator[Fleet]:
    channels = Channels("gateway", MeshConfig(secret=SECRET, services={"svc_annotation": address}))
    fleet = Fleet(channels, "svc_annotation")
    try:
        await fleet.start()
        yield fleet
    finally:
        await fleet.close()
        await channels.close()


def share(fleet: Fleet) -> dict[str, int]:
    """How many partitions each instance has."""
    targets = [fleet.target(partition) for partition in range(PARTITIONS)]
    return {target: targets.count(target) for target in targets}


async def test_who_is_not_well_hands_over_its_share_and_has_it_again_later() -> None:
    with run_folder() as folder:
        one, two = (Instance(f"unix:{folder}/{name}.sock") for name in ("one", "two"))
        await one.start()
        await two.start()
        async with fleet_of(f"{one.target},{two.target}") as fleet:
            changes: list[dict[str, int]] = []
            fleet.on_change(lambda: changes.append(share(fleet)))
            whole = share(fleet)
            assert set(whole) == {one.target, two.target}
            await one.health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
            await until(lambda: set(share(fleet)) == {two.target}, "handing over")
            await one.health.set("", health_pb2.HealthCheckResponse.SERVING)
            await until(lambda: share(fleet) == whole, "coming back")
            await two.die()
            await until(lambda: set(share(fleet)) == {one.target}, "taking over")
            await two.start()
            await until(lambda: share(fleet) == whole, "coming back")
            assert len(changes) == 4
            await one.die()
            await two.die()
            await until(lambda: share(fleet) == whole and len(changes) == 6, "trying all when none is well")


async def test_all_instances_of_a_name_are_found() -> None:
    instance = Instance("127.0.0.1:0")
    instance._server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(instance.health, instance._server)
    port = instance._server.add_insecure_port("127.0.0.1:0")
    await instance._server.start()
    async with fleet_of(f"dns:///localhost:{port}") as fleet:
        assert not fleet.alone
        await until(lambda: set(share(fleet)) == {f"127.0.0.1:{port}"}, "the address that answers")
    await instance.die()


async def test_one_instance_is_not_watched() -> None:
    async with fleet_of("unix:/nowhere.sock") as fleet:
        assert fleet.alone
        assert share(fleet) == {"unix:/nowhere.sock": PARTITIONS}


@pytest.mark.parametrize("network", [False, True], ids=["files", "addresses"])
async def test_services_that_ask_any_instance_go_to_another_when_theirs_is_gone(*, network: bool) -> None:
    with run_folder() as folder:
        names = [f"127.0.0.1:{port}" for port in free_ports(2)] if network else [f"unix:{folder}/{n}" for n in "ab"]
        both = [Instance(name) for name in names]
        address = ",".join(names)
        for each in both:
            await each.start()
        channels = Channels("svc_media", MeshConfig(secret=SECRET, services={"svc_project": address}))
        ask = channels.raw("svc_project").unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        try:
            for dying in both:
                await dying.die()
                answer = await ask(health_pb2.HealthCheckRequest(), timeout=30)
                assert answer.status == health_pb2.HealthCheckResponse.SERVING
                await dying.start()
        finally:
            await channels.close()
            for each in both:
                await each.die()


class Cable:
    """A way to a server, which may be cut: nothing passes any more, and neither end is told."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._whole = asyncio.Event()
        self._whole.set()
        self._ends: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def lay(self) -> str:
        """Gives the address of its near end."""
        self._server = await asyncio.start_server(self._taken, "127.0.0.1", 0)
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """Now nothing passes."""
        self._whole.clear()

    async def _taken(self, near: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        far, ask = await asyncio.open_connection("127.0.0.1", self._port)
        self._ends += [answer, ask]
        await asyncio.gather(self._pass(near, ask), self._pass(far, answer))

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65_536):
                await self._whole.wait()
                target.write(data)
        await self._whole.wait()
        target.close()

    async def take_away(self) -> None:
        """Nobody waits for it any more."""
        self._whole.set()
        assert self._server is not None
        self._server.close()
        for end in self._ends:
            end.close()


async def test_an_instance_whose_machine_is_gone_without_a_word_hands_over(monkeypatch: pytest.MonkeyPatch) -> None:
    pings = (("grpc.keepalive_time_ms", 300), ("grpc.http2.ping_timeout_ms", 500))
    assert [name for name, _ in mesh.rpc.HOST_PINGS] == [name for name, _ in pings]
    monkeypatch.setattr(mesh.rpc, "HOST_PINGS", pings)
    ports = free_ports(2)
    one, two = (Instance(f"127.0.0.1:{port}") for port in ports)
    await one.start()
    await two.start()
    cable = Cable(ports[0])
    near = await cable.lay()
    try:
        async with fleet_of(f"{near},{two.target}") as fleet:
            for said, serving in (("NOT_SERVING", {two.target}), ("SERVING", {near, two.target})):
                await one.health.set("", health_pb2.HealthCheckResponse.ServingStatus.Value(said))
                await until(lambda: set(share(fleet)) == serving, "what it says being heard")  # noqa: B023
            cable.cut()
            # Without these pings it would be half a minute.
            await until(lambda: set(share(fleet)) == {two.target}, "handing over", wait_s=20)
    finally:
        await cable.take_away()
        await one.die()
        await two.die()
