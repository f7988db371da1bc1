"""Two instances of svc_media on one store and one data folder: either goes on with what the other left behind."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rushes.media.v1 import job_service_pb2 as job_pb
from rushes.media.v1 import media_service_pb2 as media_pb
from tests import clips
from tests.integration.media_server import Client, MediaServer, client_of, serving
from tests.waiting import until

HELD_S = "3"


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[tuple[MediaServer, Client, Client]]:
    """The first, which the test may kill, and somebody at each."""
    data = tmp_path / "data"
    settings = {"RUSHES_MEDIA__HELD_S": HELD_S, "RUSHES_MEDIA__WORKERS": "1"}
    async with contextlib.AsyncExitStack() as stack:
        one, two = (
            stack.enter_context(serving(data, **settings, RUSHES_MEDIA__INSTANCE=name)) for name in ("one", "two")
        )
        clients = [await stack.enter_async_context(client_of(server)) for server in (one, two)]
        yield one, clients[0], clients[1]


async def test_an_upload_goes_on_at_the_other_when_one_is_killed_in_the_middle(
    both: tuple[MediaServer, Client, Client],
) -> None:
    one, first, second = both
    film = clips.FILM.path.read_bytes()
    half = len(film) // 2
    made = await first.create(len(film), filename="film.mp4")

    async def slowly() -> AsyncIterator[bytes]:
        yield film[:half]
        await asyncio.sleep(600)

    before = one.bytes_in()
    writing = asyncio.create_task(first.patch(made.url, 0, slowly()))
    await until(lambda: one.bytes_in() - before >= half, "half of it")
    assert (await second.patch(made.url, 0, film)).reason == "UPLOAD_BUSY"
    one.kill()
    await asyncio.gather(writing, return_exceptions=True)
    offset = (await second.head(made.url)).offset
    assert (await second.patch(made.url, offset, film[offset:])).status == 204
    video = await second.ended(made.video_id)
    assert video.state == media_pb.VIDEO_STATE_READY, video


async def test_a_job_is_done_by_the_other_when_one_is_killed_in_the_middle(
    both: tuple[MediaServer, Client, Client],
) -> None:
    one, first, second = both
    video_id = await first.upload(clips.FILM.path.read_bytes(), filename="film.mp4")
    job_id = await second.job_of(video_id)
    async for job in second.watch(video_id, job_id):
        if job.state == job_pb.JOB_STATE_RUNNING:
            break
    one.kill()
    video = await second.ended(video_id)
    assert video.state == media_pb.VIDEO_STATE_READY, video
    assert await second.job_of(video_id) == job_id


async def test_a_job_that_one_does_is_watched_and_cancelled_at_the_other(
    both: tuple[MediaServer, Client, Client],
) -> None:
    _, first, second = both
    video_id = await first.upload(clips.FILM.path.read_bytes(), filename="film.mp4")
    job_id = await second.job_of(video_id)
    job = await second.job("CancelJob", video_id=video_id, job_id=job_id)
    assert job.state in (job_pb.JOB_STATE_CANCELLED, job_pb.JOB_STATE_DONE)
    for client in (first, second):
        assert (await client.job("GetJob", video_id=video_id, job_id=job_id)).state == job.state


async def test_the_same_bytes_at_both_are_worked_on_once(both: tuple[MediaServer, Client, Client]) -> None:
    _, first, second = both
    film = clips.FILM.path.read_bytes()
    ids = await asyncio.gather(first.upload(film, filename="a.mp4"), second.upload(film, filename="b.mp4"))
    videos = await asyncio.gather(
        *(client.ended(video_id) for client, video_id in zip((second, first), ids, strict=True))
    )
    assert {video.state for video in videos} == {media_pb.VIDEO_STATE_READY}
    assert len({video.sha256 for video in videos}) == 1
