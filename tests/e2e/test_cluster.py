"""Several instances and gateways on engines: for the people before it one product, whoever of it dies."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import pytest

import rushes
from rushes.version.v1.version_service_pb2 import RollbackTarget
from tests.e2e.test_sdk import agree, at_work
from tests.engine import BROKERS
from tests.product import Product, serving

NOTES = 40
T = TypeVar("T")


@pytest.fixture
def cluster(kafka_servers: str, mongo_url: str, fresh_postgresql: str, fresh_redis: str) -> Iterator[Product]:
    """Two instances of all but calls behind two gateways, and a projector."""
    engines = {
        "RUSHES_ANNOTATION__KAFKA": kafka_servers,
        "RUSHES_ANNOTATION__KAFKA_REPLICAS": str(BROKERS),
        "RUSHES_ANNOTATION__MONGO": f"{mongo_url}e2e",
        "RUSHES_VERSION__MONGO": f"{mongo_url}e2e",
        "RUSHES_PROJECT__DATABASE": fresh_postgresql,
        "RUSHES_GATEWAY__REDIS": fresh_redis,
        "RUSHES_VERSION__REDIS": fresh_redis,
    }
    with serving(
        "--profile", "cluster", "--scale", "annotation=2,version=2,project=2,media=2,gateway=2", **engines
    ) as product:
        yield product


async def write(session: rushes.Session, name: str) -> None:
    """Notes, one after the other, each once the one before is saved."""
    for number in range(NOTES):
        await session.comment(number, f"{name} {number}")
        await asyncio.sleep(0.05)


@pytest.mark.timeout(240)
async def test_people_at_two_gateways_work_on_while_instances_and_gateways_die(cluster: Product) -> None:
    stack = cluster.stack
    services = stack.ready()["services"]
    assert {"svc_annotation.2", "svc_annotation.projector", "svc_project.2", "gateway.2"} <= set(services)
    first, second = services["gateway"]["http"], services["gateway.2"]["http"]
    video_id, secret = cluster.video_id, cluster.secret
    async with at_work(first, secret, video_id) as ann, at_work(second, cluster.person("reviewer"), video_id) as bob:
        work = asyncio.gather(write(ann, "ann"), write(bob, "bob"))
        dying = ("svc_annotation", "svc_project", "svc_annotation.2", "svc_annotation.projector", "svc_project.2")
        for name in (*dying, "gateway.2"):
            await asyncio.sleep(0.5)
            pid = stack.kill_service(name)
            await asyncio.to_thread(stack.wait_restarted, name, pid)
        await work
        await films_are_there_while_instances_die(cluster)
        await agree(ann, bob)
        texts = sorted(state.annotation.text for state in ann.annotations)
        assert texts == sorted(f"{name} {number}" for name in ("ann", "bob") for number in range(NOTES))
    await versions_are_saved_and_gone_back_to_while_instances_die(cluster)


async def films_are_there_while_instances_die(cluster: Product) -> None:
    """Whichever instance of svc_media delivers."""
    stack = cluster.stack
    for name in ("svc_media", "svc_media.2"):
        pid = stack.kill_service(name)
        poster = await asyncio.to_thread(
            stack.request, "GET", f"/media/{cluster.video_id}/poster.jpg", secret=cluster.secret
        )
        assert poster[0] == 200
        await asyncio.to_thread(stack.wait_restarted, name, pid)


async def versions_are_saved_and_gone_back_to_while_instances_die(cluster: Product) -> None:
    """Whichever instance of svc_version answers, and whichever dies."""
    stack, video_id = cluster.stack, cluster.video_id
    async with rushes.connect(stack.address, session=cluster.secret) as client:
        saved = []
        for name in ("svc_version", "svc_version.2"):
            pid = stack.kill_service(name)
            saved.append(await until_done(lambda: client.versions.commit(video_id, "saved")))
            await asyncio.to_thread(stack.wait_restarted, name, pid)
        assert [version.number for version in saved] == [1, 2]
        states = await until_done(lambda: client.versions.document(video_id, saved[0].version_id))
        assert len(states) == 2 * NOTES
        back = await until_done(lambda: client.versions.roll_back(video_id, RollbackTarget(revision=NOTES)))
        left = [state for state in await client.document(video_id) if not state.annotation.deleted]
        assert len(left) == NOTES
        assert back.operation_count == NOTES
        assert [version.number async for version in client.versions.all(video_id)] == [3, 2, 1]


async def until_done(ask: Callable[[], Awaitable[T]]) -> T:
    """What is answered once somebody answers: whoever is told that nobody does asks again."""
    for _ in range(120):
        with contextlib.suppress(rushes.errors.Unavailable):
            return await ask()
        await asyncio.sleep(0.5)
    raise AssertionError("nobody has answered")
