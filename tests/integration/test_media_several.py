"""Two instances of svc_media on one store and one data folder: either goes on with what the other left behind."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from rushes.media.v1 import job_service_pb2 as job_pb
from rushes.media.v1 import media_service_pb2 as media_pb
from tests import clips
from tests.integration.media_server import Client, MediaServer, client_of, serving
from tests.waiting import until

HELD_S = "3"
Both = tuple[Client, Client]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MediaServer, MediaServer]]:
    """Running; whoever kills the first starts it again."""
    data = tmp_path_factory.mktemp("several") / "data"
    settings = {"RUSHES_MEDIA__HELD_S": HELD_S, "RUSHES_MEDIA__WORKERS": "1"}
    with (
        serving(data, **settings, RUSHES_MEDIA__INSTANCE="one") as one,
        serving(data, **settings, RUSHES_MEDIA__INSTANCE="two") as two,
    ):
        yield one, two


@pytest.fixture
async def both(servers: tuple[MediaServer, MediaServer]) -> AsyncIterator[Both]:
    """Somebody at each."""
    async with client_of(servers[0]) as first, client_of(servers[1]) as second:
        yield first, second


def film(number: int) -> bytes:
    """A film; each number's is another file."""
    return clips.FILM.path.read_bytes() + number * b"\0\0\0\x08free"


async def test_an_upload_goes_on_at_the_other_when_one_is_killed_in_the_middle(
    servers: tuple[MediaServer, MediaServer], both: Both
) -> None:
    one, (first, second) = servers[0], both
    whole = film(1)
    half = len(whole) // 2
    made = await first.create(len(whole), filename="film.mp4")

    async def slowly() -> AsyncIterator[bytes]:
        yield whole[:half]
        await asyncio.sleep(600)

    before = one.bytes_in()
    writing = asyncio.create_task(first.patch(made.url, 0, slowly()))
    await until(lambda: one.bytes_in() - before >= half, "half of it")
    assert (await second.patch(made.url, 0, whole)).reason == "UPLOAD_BUSY"
    one.kill()
    await asyncio.gather(writing, return_exceptions=True)
    await asyncio.to_thread(one.start)
    offset = (await second.head(made.url)).offset
    assert (await second.patch(made.url, offset, whole[offset:])).status == 204
    video = await second.ended(made.video_id)
    assert video.state == media_pb.VIDEO_STATE_READY, video


async def test_a_job_is_done_by_the_other_when_one_is_killed_in_the_middle(
    servers: tuple[MediaServer, MediaServer], both: Both
) -> None:
    one, (first, second) = servers[0], both
    video_id = await first.upload(film(2), filename="film.mp4")
    job_id = await second.job_of(video_id)
    async for job in second.watch(video_id, job_id):
        if job.state == job_pb.JOB_STATE_RUNNING:
            break
    one.kill()
    video = await second.ended(video_id)
    assert video.state == media_pb.VIDEO_STATE_READY, video
    assert await second.job_of(video_id) == job_id
    await asyncio.to_thread(one.start)


async def test_a_job_that_one_does_is_watched_and_cancelled_at_the_other(both: Both) -> None:
    first, second = both
    video_id = await first.upload(film(3), filename="film.mp4")
    job_id = await second.job_of(video_id)
    job = await second.job("CancelJob", video_id=video_id, job_id=job_id)
    assert job.state in (job_pb.JOB_STATE_CANCELLED, job_pb.JOB_STATE_DONE)
    for client in (first, second):
        assert (await client.job("GetJob", video_id=video_id, job_id=job_id)).state == job.state


async def test_the_same_bytes_at_both_are_worked_on_once(both: Both) -> None:
    first, second = both
    ids = await asyncio.gather(first.upload(film(4), filename="a.mp4"), second.upload(film(4), filename="b.mp4"))
    videos = await asyncio.gather(first.ended(ids[1]), second.ended(ids[0]))
    assert {video.state for video in videos} == {media_pb.VIDEO_STATE_READY}
    assert len({video.sha256 for video in videos}) == 1
