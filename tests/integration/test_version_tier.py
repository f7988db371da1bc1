"""Old contents move to the archive and come back; whatever breaks on the way, every version reads the same."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
import snappy
from redis.asyncio import Redis

from mesh.clock import Clock
from rushes.version.v1 import version_pb2
from rushes.version.v1 import version_service_pb2 as service
from svc_version.config import VersionConfig
from tests.integration.annotation_notes import create, move
from tests.integration.annotation_server import reason
from tests.integration.version_server import Versions, versions

COLD = version_pb2.VERSION_TIER_COLD
WARM = version_pb2.VERSION_TIER_WARM
AT_ONCE = VersionConfig(move_s=3_600.0, hot_days=0.0, cold_days=0.0, cache_bytes=0)


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Versions]:
    """A service whose versions are old at once, and kept in no cache."""
    async with versions(tmp_path, AT_ONCE) as running:
        yield running


async def some(at: Versions, count: int = 5) -> dict[int, Any]:
    """Versions, and what each holds."""
    made = {}
    for number in range(count):
        await at.write("ann", create(str(number), text=f"note {number}"), *([move("0", number, 0)] if number else []))
        version = await at.commit()
        made[version.version_id] = await at.live()
    await asyncio.sleep(0.005)
    return made


async def tiers(at: Versions) -> list[int]:
    """Where the versions are, the oldest first."""
    listed = await at.call("ListVersions", service.ListVersionsRequest(video_id=1))
    return [each.tier for each in reversed(listed.versions)]


def objects(tmp_path: Path) -> list[Path]:
    """What the archive has."""
    return sorted(path for path in (tmp_path / "version" / "archive").rglob("*.bin"))


async def check(at: Versions, made: dict[int, Any]) -> None:
    """Every version reads as it was committed."""
    for version_id, states in made.items():
        assert await at.document(version_id) == states


async def test_old_versions_move_to_the_archive_and_reading_brings_them_back(at: Versions, tmp_path: Path) -> None:
    made = await some(at)
    hashes = {
        v.version_id: v.hash for v in (await at.call("ListVersions", service.ListVersionsRequest(video_id=1))).versions
    }
    assert await at.parts.mover.move() == 5
    assert await tiers(at) == [COLD] * 5
    assert [path.name for path in objects(tmp_path)] == [
        f"video_1_version_{n}.{'full.' * (n == 1)}bin" for n in range(1, 6)
    ]
    assert (await at.parts.store.sizes(1))["count"] == 5
    await check(at, made)
    assert await tiers(at) == [WARM] * 5
    now = {
        v.version_id: v.hash for v in (await at.call("ListVersions", service.ListVersionsRequest(video_id=1))).versions
    }
    assert now == hashes


async def test_new_versions_stay_and_those_in_between_are_warm(tmp_path: Path) -> None:
    config = VersionConfig(move_s=3_600.0, hot_days=0.0, cold_days=30.0)
    async with versions(tmp_path, config) as at:
        made = await some(at)
        assert await at.parts.mover.move() == 0
        assert await tiers(at) == [WARM] * 5
        assert objects(tmp_path) == []
        await check(at, made)


class Broken(Exception):
    """What a kill looks like from within."""


@pytest.mark.parametrize("step", ["put_all", "get_all", "archived"])
@pytest.mark.parametrize("after", [False, True])
async def test_killed_at_any_step_every_version_stays_readable(at: Versions, step: str, after: bool) -> None:
    made = await some(at)
    mover = at.parts.mover
    owner: Any = mover._store if step == "archived" else mover._archive
    whole = getattr(owner, step)

    def breaking(*args: Any) -> Any:
        return _broken(whole, after, *args)

    setattr(owner, step, breaking)
    await mover.move()
    setattr(owner, step, whole)
    await check(at, made)
    await mover.move()
    assert await tiers(at) == [COLD] * 5
    await check(at, made)


async def _broken(whole: Any, after: bool, *args: Any) -> None:
    if after:
        await whole(*args)
    raise Broken


async def test_an_archive_that_gives_back_something_else_is_not_trusted(at: Versions) -> None:
    made = await some(at)
    archive = at.parts.mover._archive
    whole = archive.get_all

    async def other(keys: Sequence[str]) -> dict[str, bytes]:
        return {key: data[:-1] + b"?" for key, data in (await whole(keys)).items()}

    archive.get_all = other  # type: ignore[method-assign]
    assert await at.parts.mover.move() == 0
    archive.get_all = whole  # type: ignore[method-assign]
    await check(at, made)


async def test_what_cannot_be_read_back_keeps_its_own_version_here_and_no_other(
    at: Versions, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = await some(at, 20)
    read = Path.read_bytes

    def reading(path: Path) -> bytes:
        if path.name == "video_1_version_7.bin":
            raise OSError(errno.EIO, "the disk is broken here")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", reading)
    assert await at.parts.mover.move() == 19
    assert [number for number, tier in enumerate(await tiers(at), 1) if tier != COLD] == [7]
    told = {record.__dict__["version"] for record in caplog.records if record.message == "version_not_moved"}
    assert told == {list(made)[6]}
    monkeypatch.undo()
    assert await at.parts.mover.move() == 1
    await check(at, made)


async def test_what_is_copied_at_once_is_so_many_bytes(at: Versions, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await some(at)
    archive, put = at.parts.mover._archive, at.parts.mover._archive.put_all
    together: list[int] = []

    async def counting(blobs: Mapping[str, bytes]) -> None:
        together.append(len(blobs))
        await put(blobs)

    archive.put_all = counting  # type: ignore[method-assign]
    monkeypatch.setattr("svc_version.mover.MOST_BYTES", 1)
    assert await at.parts.mover.move() == 5
    assert together == [1] * 5
    await check(at, made)


@pytest.mark.parametrize("damage", ["missing", "truncated", "bit", "claims"])
async def test_a_damaged_object_is_said_to_be_and_harms_no_other_version(
    at: Versions, tmp_path: Path, damage: str
) -> None:
    made = await some(at)
    await at.parts.mover.move()
    path = objects(tmp_path)[-1]
    data = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    else:
        data[len(data) // 2] ^= 16
        new = {"truncated": bytes(data[:-3]), "bit": bytes(data), "claims": b"\xff\xff\xff\xff\x0f" + bytes(data)}
        path.write_bytes(new[damage])
    *whole, last = made
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await at.document(last)
    assert reason(failure.value) == "CONTENT_DAMAGED"
    await check(at, {version_id: made[version_id] for version_id in whole})


async def test_the_archive_may_be_a_bucket(tmp_path: Path, s3_address: str) -> None:
    config = replace(AT_ONCE, archive=f"{s3_address}video-archive")
    async with versions(tmp_path, config) as at:
        made = await some(at)
        assert await at.parts.mover.move() == 5
        names = [blob.key for blob in await at.parts.mover._archive.list("t/")]
        assert names == [f"t/video_1_version_{n}.{'full.' * (n == 1)}bin" for n in range(1, 6)]
        await check(at, made)
        assert await at.parts.mover.move() == 5
        await at.parts.mover._archive.delete(names[4])
        *_, last = made
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await at.document(last)
        assert reason(failure.value) == "CONTENT_DAMAGED"


HOT = VersionConfig(move_s=3_600.0, cache_bytes=0)


async def test_a_copy_of_the_hot_is_read_and_losing_or_damaging_it_costs_nothing(
    tmp_path: Path, fresh_redis: str
) -> None:
    async with versions(tmp_path, replace(HOT, redis=fresh_redis)) as at, Redis.from_url(fresh_redis) as redis:
        made = await some(at)
        await check(at, made)
        assert await redis.hlen("rushes:video:1:versions") == 5
        assert 0 < await redis.ttl("rushes:video:1:versions") <= 7 * 86_400
        contents, asked = at.parts.store.contents, []

        async def counting(video_id: int, addresses: Sequence[bytes]) -> Any:
            asked.append(len(addresses))
            return await contents(video_id, addresses)

        at.parts.store.contents = counting  # type: ignore[method-assign]
        await check(at, made)
        assert asked == []
        for field in await redis.hkeys("rushes:video:1:versions"):
            await redis.hset("rushes:video:1:versions", field, b"something else")
        await check(at, made)
        assert asked
        await redis.flushall()
        await check(at, made)


async def test_what_is_not_hot_any_more_is_taken_out_of_the_copy(tmp_path: Path, fresh_redis: str) -> None:
    config = VersionConfig(move_s=3_600.0, cache_bytes=0, hot_days=0.0, redis=fresh_redis)
    async with versions(tmp_path, config) as at, Redis.from_url(fresh_redis) as redis:
        made = await some(at)
        await redis.hset("rushes:video:1:versions", b"newer", b"of a version that is still hot")
        await check(at, made)
        await at.parts.mover.move()
        assert await redis.hkeys("rushes:video:1:versions") == [b"newer"]


async def test_a_redis_that_is_away_is_not_missed(tmp_path: Path) -> None:
    config = VersionConfig(move_s=3_600.0, cache_bytes=0, redis="redis://127.0.0.1:9/0")
    async with versions(tmp_path, config) as at:
        await check(at, await some(at))


async def test_what_nothing_points_to_is_swept_once_it_is_old(at: Versions, tmp_path: Path) -> None:
    made = await some(at, 2)
    await at.parts.mover.move()
    there = objects(tmp_path)
    orphan = there[0].with_name("video_1_version_99.bin")
    orphan.write_bytes(snappy.compress(b"left by a crash"))
    assert await at.parts.mover.sweep() == 0
    os.utime(orphan, (1, 1))
    for path in there:
        os.utime(path, (1, 1))
    assert await at.parts.mover.sweep() == 1
    assert objects(tmp_path) == there
    await check(at, made)


async def test_what_newer_versions_share_stays(at: Versions, tmp_path: Path) -> None:
    await at.write("ann", create("a"))
    first = await at.commit()
    same = [await at.commit() for _ in range(3)]
    await asyncio.sleep(0.005)
    await at.parts.mover.move()
    assert len(objects(tmp_path)) == 1
    sizes = await at.parts.store.sizes(1)
    assert sizes["count"] == 2
    for version in (first, *same):
        assert await at.document(version.version_id) == await at.live()


async def test_a_clock_an_hour_back_makes_no_id_twice(at: Versions) -> None:
    await at.write("ann", create("a"))
    made = [(await at.commit()).version_id for _ in range(3)]
    await at.stop()

    def back(parts: Any) -> None:
        parts._commits._ids._clock = Clock(wall=lambda: 1_600_000_000.0)

    await at.start(back)
    made += [(await at.commit()).version_id for _ in range(3)]
    assert len(set(made)) == 6
