"""Notes of purged videos are removed for good once the video is; whatever breaks on the way, it is done again."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1.operation_pb2 import Batch
from rushes.project.v1.project_service_pb2 import PurgedVideo
from svc_annotation import removal
from svc_annotation.removal import Removals
from svc_annotation.stores import PARTITIONS
from tests.integration.annotation_notes import create
from tests.integration.annotation_server import Place, reason, serving
from tests.waiting import until

PURGED = PurgedVideo(number=5, tenant_id="t", video_id=1, time_ms=1)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """Notes on two videos, both of which were put away."""
    async with serving(tmp_path) as running:
        running.media.purged.append(PURGED)
        for video in (1, 2):
            batch = Batch(client_seq=1, operations=[create("a", text=f"on {video}")])
            assert (await running.submit("ann", batch, video=video)).HasField("revision")
        await again(running)
        yield running


async def again(place: Place) -> None:
    """A start: no video is in memory."""
    await place.server.stop()
    await place.server.start()


def removals(place: Place) -> Removals:
    """The service's own."""
    found = place.server.service._removals
    assert found is not None
    return found


async def texts(place: Place, video: int) -> list[str]:
    """What the notes of a video say."""
    asked = service.GetDocumentRequest(video_id=video)
    answer = await place.stub.GetDocument(asked, metadata=place.as_person("ann"))
    return [state.annotation.text for state in answer.annotations]


def snapshots(folder: Path) -> list[str]:
    """Of which videos there are any."""
    return sorted(path.name for path in (folder / "annotation" / "snapshots" / "t").iterdir())


async def test_notes_go_when_the_video_is_gone_and_those_of_others_stay(place: Place, tmp_path: Path) -> None:
    history = place.server.service._shared.history
    await removals(place).upkeep()  # svc_media has it still
    assert await history.head(1) is not None
    assert snapshots(tmp_path) == ["1", "2"]

    place.media.gone.add(1)
    await removals(place).upkeep()
    assert await history.head(1) is None
    assert snapshots(tmp_path) == ["2"]
    for _ in range(2):
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await texts(place, 1)
        assert failure.value.code() is grpc.StatusCode.NOT_FOUND
        assert reason(failure.value) == "VIDEO_NOT_FOUND"
        assert await texts(place, 2) == ["on 2"]
        await again(place)


async def test_a_video_that_is_in_memory_waits(place: Place) -> None:
    assert await texts(place, 1) == ["on 1"]
    place.media.gone.add(1)
    await removals(place).upkeep()
    assert await place.server.service._shared.history.head(1) is not None
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await texts(place, 1)
    assert failure.value.code() is grpc.StatusCode.NOT_FOUND
    await again(place)
    await removals(place).upkeep()
    assert await place.server.service._shared.history.head(1) is None


async def test_it_is_begun_with_the_service(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "FIRST_S", 0.0)
    place.media.gone.add(1)
    await again(place)

    async def gone() -> bool:
        return await place.server.service._shared.history.head(1) is None

    await until(gone)


async def test_what_is_another_tenants_was_not_purged_and_holds_nobody_up(place: Place) -> None:
    place.media.purged.insert(0, PurgedVideo(number=4, tenant_id="t", video_id=201, time_ms=1))
    place.media.gone.add(1)
    await removals(place).upkeep()
    history = place.server.service._shared.history
    assert await history.head(1) is None
    assert await history.removed_to() == 5


def warned(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    """Which videos were said to wait, and what for."""
    found = [vars(each) for each in caplog.records if each.message == "removal_put_off"]
    return [(each["video"], each["reason"]) for each in found]


async def quarantine(place: Place, video: int) -> None:
    """Its newest record is one that nobody understands, now or after a start."""
    config = place.server.service._shared.config
    object.__setattr__(config, "rules", 99)
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await place.submit("bob", Batch(client_seq=1, operations=[create("b")]), video=video)
    assert reason(failure.value) == "VIDEO_QUARANTINED"
    object.__setattr__(config, "rules", 1)


async def put_away(place: Place, video: int) -> None:
    """As happens when nobody is there for long."""
    videos = place.server.service._shared.videos

    def away() -> bool:
        videos._tick(asyncio.get_running_loop().time() + 1e6)
        return not videos.holds(video)

    await until(away)


async def test_one_in_quarantine_is_removed_and_does_not_come_back(place: Place) -> None:
    await quarantine(place, 1)
    place.media.gone.add(1)
    await removals(place).upkeep()
    assert await place.server.service._shared.history.head(1) is None
    await again(place)
    assert 1 not in place.server.service._shared.videos._slots


async def test_what_the_log_would_bring_back_waits_alone(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    history, neighbour = place.server.service._shared.history, 1 + PARTITIONS
    await quarantine(place, neighbour)
    assert (await place.submit("bob", Batch(client_seq=1, operations=[create("b")]))).HasField("revision")
    await put_away(place, 1)
    place.media.gone |= {1, 2}
    place.media.purged.append(PurgedVideo(number=6, tenant_id="t", video_id=2, time_ms=1))
    for _ in range(2):
        await removals(place).upkeep()
        assert await history.head(1) is not None
        assert await history.head(2) is None
    assert warned(caplog) == [(1, "log_held_back")]

    place.media.gone.add(neighbour)
    place.media.purged.append(PurgedVideo(number=7, tenant_id="t", video_id=neighbour, time_ms=1))
    for _ in range(2):  # the neighbour goes, and then nothing holds the log back
        await removals(place).upkeep()
    assert await history.removed_to() == 7
    await again(place)
    assert not {1, neighbour} & place.server.service._shared.videos._slots.keys()
    assert await place.server.service._shared.history.head(1) is None


class Broken(Exception):
    """What a kill looks like from within."""


@pytest.mark.parametrize("step", ["remove_some", "remove", "set_removed_to"])
@pytest.mark.parametrize("after", [False, True])
async def test_killed_at_any_step_it_is_done_again(place: Place, tmp_path: Path, step: str, after: bool) -> None:
    place.media.gone.add(1)
    removing = removals(place)
    owner: Any = removing._snapshots if step == "remove" else removing._history
    whole = getattr(owner, step)

    async def breaking(*args: Any) -> None:
        if after:
            await whole(*args)
        raise Broken

    setattr(owner, step, breaking)
    with pytest.raises(Broken):
        await removing.upkeep()
    setattr(owner, step, whole)
    await removing.upkeep()
    assert await removing._history.head(1) is None
    assert await removing._history.removed_to() == 5
    assert snapshots(tmp_path) == ["2"]
    assert await texts(place, 2) == ["on 2"]
