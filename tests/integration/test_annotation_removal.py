"""Notes of purged videos are removed for good once the video is; whatever breaks on the way, it is done again."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest

from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1.operation_pb2 import Batch
from rushes.project.v1.project_service_pb2 import PurgedVideo
from svc_annotation.removal import Removals
from tests.integration.annotation_notes import create
from tests.integration.annotation_server import Place, reason, serving


class Purged:
    """As svc_project would say: video 1."""

    async def after(self, number: int) -> Sequence[PurgedVideo]:
        """See `PurgedVideos`."""
        return [PurgedVideo(number=5, tenant_id="t", video_id=1, time_ms=1)] if number < 5 else []


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """Notes on two videos, both of which were put away."""
    async with serving(tmp_path) as running:
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
    """The service's own, which hears of one purged video."""
    found = place.server.service._removals
    assert found is not None
    found._purged = Purged()
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
