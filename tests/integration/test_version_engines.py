"""svc_version on MongoDB or PostgreSQL, with Redis and a bucket: two instances are one service."""

import asyncio
import contextlib
import os
import tempfile
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rushes.version.v1 import version_pb2
from rushes.version.v1 import version_service_pb2 as service
from svc_version.config import VersionConfig
from svc_version.core.model import State
from tests.integration.annotation_notes import create, move
from tests.integration.version_server import Versions, versions
from tests.waiting import until


@contextlib.asynccontextmanager
async def second(first: Versions, data: Path, config: VersionConfig) -> AsyncIterator[Versions]:
    """Another instance beside the first."""
    with tempfile.TemporaryDirectory(prefix="rushes-") as folder:
        media = first._target.removeprefix("unix:").removesuffix("version.sock") + "media.sock"
        os.symlink(media, f"{folder}/media.sock")
        other = Versions(first.place, data, folder, config)
        other._requests = 1_000  # its people do not send what those of the first have sent
        await other.start()
        try:
            yield other
        finally:
            await other.close()
            await other.stop()


@pytest.fixture(params=["mongo", "postgresql"])
async def both(
    request: pytest.FixtureRequest, tmp_path: Path, fresh_redis: str, s3_address: str
) -> AsyncIterator[tuple[Versions, Versions]]:
    """Two instances on engines that they share; what they keep is old at once, and in no cache."""
    config = VersionConfig(
        move_s=3_600.0,
        hot_days=0.0,
        cold_days=0.0,
        cache_bytes=0,
        redis=fresh_redis,
        archive=f"{s3_address}archive-{uuid.uuid4().hex}",
    )
    if request.param == "mongo":
        config = replace(config, mongo=f"{request.getfixturevalue('mongo_url')}versions-{uuid.uuid4().hex}")
    else:
        config = replace(config, database=request.getfixturevalue("fresh_postgresql"))
    async with versions(tmp_path, config) as one, second(one, tmp_path, config) as two:
        yield one, two


async def check(made: dict[int, Any], *instances: Versions) -> None:
    """Every version reads as it was committed, whoever is asked."""
    for version_id, states in made.items():
        for each in instances:
            assert await each.document(version_id) == states


async def test_versions_of_one_instance_are_those_of_the_other_wherever_they_are(
    both: tuple[Versions, Versions],
) -> None:
    one, two = both
    made = {}
    for number in range(4):
        await one.write("ann", create(f"{number}"), *([move("0", number, 0)] if number else []))
        version = await both[number % 2].commit()
        made[version.version_id] = await one.live()
    await check(made, one, two)
    # One moves at a time: the other has no turn until it is over.
    moved = await asyncio.gather(one.parts.mover.move(), two.parts.mover.move())
    assert sorted(moved) == [0, 4]
    listed = (await two.call("ListVersions", service.ListVersionsRequest(video_id=1))).versions
    assert {each.tier for each in listed} == {version_pb2.VERSION_TIER_COLD}
    assert len({each.version_id for each in listed}) == 4
    await check(made, two, one)
    listed = (await one.call("ListVersions", service.ListVersionsRequest(video_id=1))).versions
    assert {each.tier for each in listed} == {version_pb2.VERSION_TIER_WARM}


async def test_what_one_instance_leaves_behind_the_other_goes_on_with(both: tuple[Versions, Versions]) -> None:
    one, two = both
    await one.write("ann", create("a"), create("b"))
    await one.write("ann", move("a", 5, 5, seen=1), create("c"))
    reached = asyncio.Event()

    async def never(*args: Any) -> Any:
        reached.set()
        await asyncio.sleep(3_600)

    one.parts._writing._notes.append = never  # type: ignore[method-assign,assignment]
    asking = asyncio.create_task(one.roll_back(revision=1, request_id="back"))
    await reached.wait()
    (running,) = await two.parts.store.running()
    # Somebody else may still be at it, until it is seen to be where it was.
    await two.parts._writing.adopt()
    assert await one.revision() == 2
    await two.parts._writing.adopt()

    async def done() -> bool:
        found = await two.parts.store.work("t", 1, running.work_id)
        return found is not None and found.state is State.DONE

    await until(done)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert await one.revision() == 3
    again = await two.roll_back(revision=1, request_id="back")
    assert (again.rollback_id, again.state) == (running.work_id, version_pb2.ROLLBACK_STATE_DONE)
    assert await one.revision() == 3


async def test_a_stream_at_one_instance_tells_of_what_is_committed_at_the_other(
    both: tuple[Versions, Versions],
) -> None:
    one, two = both
    await one.write("ann", create("a"))
    told: list[version_pb2.Version] = []

    async def asks() -> AsyncIterator[service.SyncVersionsRequest]:
        yield service.SyncVersionsRequest(open=service.SyncVersionsOpen(video_id=1))
        await asyncio.sleep(3_600)

    async def follow() -> None:
        async for answer in two.stub.SyncVersions(asks(), metadata=two.as_person("ann")):
            if answer.HasField("version"):
                told.append(answer.version)

    following = asyncio.create_task(follow())
    made = [await one.commit(message=f"{number}") for number in range(3)]
    await until(lambda: {each.version_id for each in told} == {each.version_id for each in made})
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
