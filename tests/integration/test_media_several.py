"""Two instances of svc_media on one store and one data folder: either goes on with what the other left behind."""

import asyncio
import contextlib
import hashlib
import sqlite3
from collections.abc import AsyncIterator, Hashable, Iterator

import pytest

from rushes.media.v1 import job_service_pb2 as job_pb
from rushes.media.v1 import media_service_pb2 as media_pb
from svc_media.lock import Locks
from tests import clips
from tests.integration.media_server import Client, MediaServer, client_of, serving
from tests.waiting import until

HELD_S = "3"
Both = tuple[Client, Client]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MediaServer, MediaServer]]:
    """Running; whoever kills one starts it again."""
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


@contextlib.asynccontextmanager
async def held_up(server: MediaServer, name: Hashable) -> AsyncIterator[None]:
    """Work that needs this lock stands still: whoever does it is in the middle, for as long as it takes."""
    locks = Locks(server.data / "media" / "locks")
    assert locks.take(name)
    try:
        yield
    finally:
        locks.drop(name)


async def holder_of(server: MediaServer, client: Client, video_id: int) -> str:
    """The instance that is at the job of a video."""
    job_id = await client.job_of(video_id)

    def holder() -> str:
        with contextlib.closing(sqlite3.connect(server.data / "media" / "media.db", timeout=60)) as store:
            found = store.execute("SELECT holder FROM jobs WHERE job_id = ? AND state = 'running'", (job_id,))
            return str((found.fetchone() or ("",))[0])

    return str(await until(lambda: asyncio.to_thread(holder), "somebody at the job"))


async def test_a_job_is_done_by_the_other_when_one_is_killed_in_the_middle(
    servers: tuple[MediaServer, MediaServer], both: Both
) -> None:
    data = film(2)
    # Its bytes are known by then, and wait to be kept.
    async with held_up(servers[0], ("one", hashlib.sha256(data).digest())):
        video_id = await both[0].upload(data, filename="film.mp4")
        at = ("one", "two").index(await holder_of(servers[0], both[0], video_id))
        killed, other = servers[at], both[1 - at]
        job_id = await other.job_of(video_id)
        killed.kill()
    video = await other.ended(video_id)
    assert video.state == media_pb.VIDEO_STATE_READY, video
    assert await other.job_of(video_id) == job_id
    await asyncio.to_thread(killed.start)


async def test_a_job_that_one_does_is_watched_and_cancelled_at_the_other(
    servers: tuple[MediaServer, MediaServer], both: Both
) -> None:
    data = film(3)
    async with held_up(servers[0], ("one", hashlib.sha256(data).digest())):
        video_id = await both[0].upload(data, filename="film.mp4")
        other = both[("two", "one").index(await holder_of(servers[0], both[0], video_id))]
        job_id = await other.job_of(video_id)
        assert (await other.job("GetJob", video_id=video_id, job_id=job_id)).state == job_pb.JOB_STATE_RUNNING
        job = await other.job("CancelJob", video_id=video_id, job_id=job_id)
        assert job.state == job_pb.JOB_STATE_CANCELLED
    for client in both:
        assert (await client.job("GetJob", video_id=video_id, job_id=job_id)).state == job.state


async def test_the_same_bytes_at_both_are_worked_on_once(both: Both) -> None:
    first, second = both
    ids = await asyncio.gather(first.upload(film(4), filename="a.mp4"), second.upload(film(4), filename="b.mp4"))
    videos = await asyncio.gather(first.ended(ids[1]), second.ended(ids[0]))
    assert {video.state for video in videos} == {media_pb.VIDEO_STATE_READY}
    assert len({video.sha256 for video in videos}) == 1
