"""Several instances on one Kafka and one MongoDB: whoever serves a video, it has one order, and nothing is lost."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1 import operation_pb2, record_pb2
from svc_annotation.config import PROJECTOR, SESSIONS, AnnotationConfig
from svc_annotation.stores.history_mongo import open_mongo_history
from svc_annotation.stores.kafka import Cluster as Topic
from svc_annotation.stores.kafka import open_kafka_log
from tests.engine import BROKERS
from tests.integration.annotation_notes import create
from tests.integration.annotation_server import Place, Session, serving
from tests.waiting import until

VIDEO = 7
EACH = 30


class Cluster:
    """A topic and a database of their own, and instances on them."""

    def __init__(self, folder: Path, kafka: str, mongo: str) -> None:
        name = uuid.uuid4().hex
        self.folder = folder
        self.settings = {
            "kafka": kafka,
            "kafka_topic": f"annotations-{name}",
            "kafka_replicas": BROKERS,
            "mongo": f"{mongo}cluster-{name}",
        }

    @contextlib.asynccontextmanager
    async def instance(self, role: str = SESSIONS, **settings: float) -> AsyncIterator[Place]:
        """One more."""
        config = AnnotationConfig(role=role, **{**self.settings, **settings})  # type: ignore[arg-type]
        async with serving(self.folder, config) as place:
            yield place

    async def positions(self) -> dict[int, int]:
        """How far history is."""
        history = await open_mongo_history(str(self.settings["mongo"]))
        try:
            return await history.positions()
        finally:
            await history.close()


@pytest.fixture
def cluster(tmp_path: Path, kafka_servers: str, mongo_url: str) -> Cluster:
    return Cluster(tmp_path, kafka_servers, mongo_url)


async def write(session: Session, count: int = EACH) -> None:
    """Notes, one after the other, each once the one before has landed."""
    for _ in range(count):
        await session.submit(create(f"{session.person} {session.number}"))
        await session.landed()


async def states(place: Place) -> list[bytes]:
    """The document as an instance has it."""
    found: list[bytes] = []
    request = service.GetDocumentRequest(video_id=VIDEO)
    while True:
        answer = await place.stub.GetDocument(request, metadata=place.as_person("reader"))
        found += [each.SerializeToString(deterministic=True) for each in answer.annotations]
        request.page_token = answer.next_page_token
        if not request.page_token:
            return found


def same(commits: list[operation_pb2.Commit]) -> list[bytes]:
    return [each.SerializeToString(deterministic=True) for each in commits]


async def test_people_on_two_instances_see_one_order_and_history_has_it(cluster: Cluster) -> None:
    async with cluster.instance() as one, cluster.instance() as two:
        sessions = [
            await one.session("ann", VIDEO),
            await one.session("amy", VIDEO),
            await two.session("bob", VIDEO),
            await two.session("ben", VIDEO),
        ]
        await asyncio.gather(*map(write, sessions))
        await until(lambda: all(each.revision == 4 * EACH for each in sessions))
        first, *others = (same(each.commits) for each in sessions)
        assert len(first) == 4 * EACH
        assert all(other == first for other in others)
        # History is behind now; a projector that comes brings it up, another disturbs it not, and a third
        # instance finds in it what the others hold in memory.
        async with cluster.instance(PROJECTOR), cluster.instance(PROJECTOR):
            await until(lambda: caught_up(cluster, 4 * EACH), "history")
            await write(sessions[0])
            await until(lambda: caught_up(cluster, 5 * EACH), "history")
        async with cluster.instance() as three:
            assert await states(three) == await states(one) == await states(two)
            assert len(await states(three)) == 5 * EACH


async def caught_up(cluster: Cluster, records: int) -> bool:
    """Whether history has so many records of the video's partition."""
    return (await cluster.positions()).get(VIDEO, 0) >= records


async def test_an_instance_leaves_what_nobody_asks_for_and_takes_it_up_again(cluster: Cluster) -> None:
    async with cluster.instance(idle_s=0.5) as one, cluster.instance(PROJECTOR):
        ann = await one.session("ann", VIDEO)
        await write(ann, 3)
        await ann.close()
        videos = one.server.service._shared.videos
        await until(lambda: not videos._partitions, "leaving")
        again = await one.session("ann", VIDEO, resume_revision=1, epoch=1)
        await until(lambda: again.revision == 3)
        assert [each.revision for each in again.commits] == [2, 3]
        assert again.opened.known


async def test_a_record_that_is_none_is_passed_over_by_everybody(cluster: Cluster) -> None:
    async with cluster.instance() as one, cluster.instance() as two, cluster.instance(PROJECTOR):
        ann, bob = await one.session("ann", VIDEO), await two.session("bob", VIDEO)
        await write(ann, 2)
        stranger = await open_kafka_log(
            Topic(str(cluster.settings["kafka"]), str(cluster.settings["kafka_topic"]), replicas=BROKERS)
        )
        for poison in (b"\xff\xff\xff", b"", record_pb2.Record(video_id=VIDEO + 1).SerializeToString()):
            await stranger.append(VIDEO, VIDEO, poison)
        await stranger.close()
        await write(bob, 2)
        await until(lambda: ann.revision == bob.revision == 4)
        assert same(ann.commits) == same(bob.commits)
        await until(lambda: caught_up(cluster, 4 + 3), "history")
