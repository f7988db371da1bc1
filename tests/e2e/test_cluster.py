"""Several instances and gateways on engines: for the people before it one product, whoever of it dies."""

import asyncio
from collections.abc import Iterator

import pytest

import rushes
from tests.e2e.test_sdk import agree, at_work
from tests.product import Product, serving

NOTES = 40


@pytest.fixture
def cluster(kafka_servers: str, mongo_url: str) -> Iterator[Product]:
    """Two instances of the annotation service behind two gateways, and a projector."""
    engines = {
        "RUSHES_ANNOTATION__KAFKA": kafka_servers,
        "RUSHES_ANNOTATION__KAFKA_REPLICAS": "1",
        "RUSHES_ANNOTATION__MONGO": f"{mongo_url}e2e",
    }
    with serving("--profile", "cluster", "--scale", "annotation=2,gateway=2", **engines) as product:
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
    assert {"svc_annotation", "svc_annotation.2", "svc_annotation.projector", "gateway", "gateway.2"} <= set(services)
    first, second = services["gateway"]["http"], services["gateway.2"]["http"]
    video_id, secret = cluster.video_id, cluster.secret
    async with at_work(first, secret, video_id) as ann, at_work(second, cluster.person("reviewer"), video_id) as bob:
        work = asyncio.gather(write(ann, "ann"), write(bob, "bob"))
        for name in ("svc_annotation", "svc_annotation.2", "svc_annotation.projector", "gateway.2"):
            await asyncio.sleep(0.5)
            pid = stack.kill_service(name)
            await asyncio.to_thread(stack.wait_restarted, name, pid)
        await work
        await agree(ann, bob)
        texts = sorted(state.annotation.text for state in ann.annotations)
        assert texts == sorted(f"{name} {number}" for name in ("ann", "bob") for number in range(NOTES))
