"""Versions of purged videos are removed for good, wherever they are; whatever breaks on the way, it is done again."""

import asyncio
import errno
import logging
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from redis.asyncio import Redis

from mesh.auth.interceptor import Guard
from mesh.purged import DAY_MS
from rushes.errors import Unavailable
from rushes.project.v1.project_service_pb2 import ListPurgedVideosResponse, PurgedVideo
from rushes.project.v1.project_service_pb2_grpc import ProjectServiceServicer, add_ProjectServiceServicer_to_server
from rushes.version.v1 import version_service_pb2 as service
from svc_version.config import VersionConfig
from tests.integration.annotation_notes import create
from tests.integration.annotation_server import SECRET, reason
from tests.integration.version_server import Versions, versions
from tests.waiting import until

CONFIG = VersionConfig(move_s=3_600.0, hot_days=0.0, cold_days=0.0, cache_bytes=0, purge_days=1.0)


class Purged:
    """As svc_project would say: one at a time, video 1 two days ago."""

    def __init__(self, time_ms: int) -> None:
        self.videos = [PurgedVideo(number=5, tenant_id="t", video_id=1, time_ms=time_ms)]
        self.asked: list[int] = []
        self.away = False

    async def after(self, number: int) -> Sequence[PurgedVideo]:
        """See `PurgedVideos`."""
        self.asked.append(number)
        if self.away:
            raise Unavailable("nobody answers")
        return [each for each in self.videos if each.number > number][:1]


def purged_in(at: Versions) -> Purged:
    """What was purged, as this service hears it."""
    made = Purged(at.parts.mover._clock.now_ms() - 2 * DAY_MS)
    at.parts.removals._purged = made
    return made


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Versions]:
    """A service whose versions are old at once, and moved and removed only when a test says so."""
    async with versions(tmp_path, CONFIG) as running:
        await running.parts.mover.stop()
        yield running


async def filled(at: Versions, video: int) -> list[int]:
    """Two versions of a video in the archive, and one at hand."""
    made = []
    for number in range(3):
        await at.write("ann", create(f"{number}", text="kept"), video=video)
        made.append((await at.commit(video=video)).version_id)
        if number == 1:
            await asyncio.sleep(0.005)
            await at.parts.mover.move()
    return made


async def listed(at: Versions, video: int) -> list[int]:
    """Which versions there are, the oldest first."""
    answer = await at.call("ListVersions", service.ListVersionsRequest(video_id=video))
    return [each.version_id for each in reversed(answer.versions)]


def objects(tmp_path: Path) -> set[str]:
    """What the archive has."""
    return {path.name for path in (tmp_path / "version" / "archive").rglob("*.bin")}


async def test_versions_of_a_purged_video_are_gone_and_those_of_others_are_not(at: Versions, tmp_path: Path) -> None:
    gone, kept = await filled(at, 1), await filled(at, 2)
    (tmp_path / "version" / "archive" / "t" / "video_1_version_99.bin").write_bytes(b"left by a crash")
    purged = purged_in(at)
    await at.parts.removals.upkeep()
    assert objects(tmp_path) == {"video_2_version_1.full.bin", "video_2_version_2.bin"}
    assert await listed(at, 1) == []
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await at.call("GetVersion", service.GetVersionRequest(video_id=1, version_id=gone[0]))
    assert reason(failure.value) == "VERSION_NOT_FOUND"
    assert await listed(at, 2) == kept
    for version_id in kept:
        assert await at.document(version_id, video=2)
    await at.parts.removals.upkeep()
    assert purged.asked == [0, 5, 5]


async def test_what_was_purged_a_moment_ago_stays(at: Versions) -> None:
    made = await filled(at, 1)
    purged_in(at).videos[0].time_ms = at.parts.mover._clock.now_ms()
    await at.parts.removals.upkeep()
    assert await listed(at, 1) == made


class Broken(Exception):
    """What a kill looks like from within."""


@pytest.mark.parametrize("step", ["remove_some", "delete", "set_removed_to"])
@pytest.mark.parametrize("after", [False, True])
async def test_killed_at_any_step_it_is_done_again(at: Versions, tmp_path: Path, step: str, after: bool) -> None:
    await filled(at, 1)
    purged_in(at)
    owner: Any = at.parts.removals._archive if step == "delete" else at.parts.removals._store
    whole = getattr(owner, step)

    async def breaking(*args: Any) -> None:
        if after:
            await whole(*args)
        raise Broken

    setattr(owner, step, breaking)
    with pytest.raises(Broken):
        await at.parts.removals.upkeep()
    setattr(owner, step, whole)
    await at.parts.removals.upkeep()
    assert objects(tmp_path) == set()
    assert await listed(at, 1) == []


async def test_the_copy_of_what_is_hot_goes_too(tmp_path: Path, fresh_redis: str) -> None:
    config = replace(CONFIG, hot_days=7.0, cold_days=30.0, redis=fresh_redis)
    async with versions(tmp_path, config) as at, Redis.from_url(fresh_redis) as redis:
        await at.parts.mover.stop()
        for video in (1, 2):
            *_, last = await filled(at, video)
            assert await at.document(last, video=video)
        purged_in(at)
        await at.parts.removals.upkeep()
        assert await redis.keys("*") == [b"rushes:video:2:versions"]


async def test_who_does_not_know_what_was_purged_is_asked_again(at: Versions, caplog: pytest.LogCaptureFixture) -> None:
    made = await filled(at, 1)
    purged_in(at).away = True
    at.parts.removals._asked = False
    with caplog.at_level(logging.WARNING):
        # svc_project may start after svc_version.
        await at.parts.removals.upkeep()
        assert "purged_not_removed" not in [record.message for record in caplog.records]
        await at.parts.removals.upkeep()
    assert "purged_not_removed" in [record.message for record in caplog.records]
    assert await listed(at, 1) == made


class Project(ProjectServiceServicer):
    """As svc_project, for those who may ask: video 1 was purged two days ago."""

    async def ListPurgedVideos(self, request: Any, context: Any) -> ListPurgedVideosResponse:
        """See the service."""
        found = [] if request.after else [PurgedVideo(number=5, tenant_id="t", video_id=1, time_ms=1)]
        return ListPurgedVideosResponse(videos=found)


async def test_the_mover_removes_what_svc_project_says_was_purged(at: Versions, tmp_path: Path) -> None:
    await filled(at, 1)
    at.parts.mover._every_s = 0.05
    server = grpc.aio.server(interceptors=[Guard(SECRET, at.people)])
    add_ProjectServiceServicer_to_server(Project(), server)  # type: ignore[abstract]
    server.add_insecure_port(at._mesh.services["svc_project"])
    await server.start()
    try:
        at.parts.mover.start()
        await until(lambda: not objects(tmp_path), "removal")
    finally:
        await server.stop(0)
    assert await listed(at, 1) == []


async def test_what_cannot_be_removed_keeps_nothing_from_being_swept(at: Versions, tmp_path: Path) -> None:
    for video in (1, 2):
        await filled(at, video)
    purged_in(at)
    left = tmp_path / "version" / "archive" / "t" / "video_2_version_99.bin"
    left.write_bytes(b"left by a crash")
    os.utime(left, (1, 1))
    archive: Any = at.parts.removals._archive
    delete = archive.delete

    async def failing(key: str) -> None:
        if "video_1_" in key:
            raise OSError(errno.EIO, "the disk fails")
        await delete(key)

    archive.delete = failing
    at.parts.mover.start()
    await until(lambda: not left.exists(), "sweep")
