"""Jobs of svc_media: what becomes of files, good and bad, through cancels and kills."""

import asyncio
import hashlib
import io
import os
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import pytest

from mesh.rpc import to_error
from rushes.media.v1 import job_service_pb2 as job_pb
from rushes.media.v1 import media_service_pb2 as media_pb
from tests import clips
from tests.integration.media_server import Client, MediaServer, client_of, serving

READY, FAILED = media_pb.VIDEO_STATE_READY, media_pb.VIDEO_STATE_FAILED
STEPS = ("checksum", "probe", "review", "poster", "filmstrip", "waveform")


@pytest.fixture(scope="module")
def server() -> Iterator[MediaServer]:
    with serving(RUSHES_MEDIA__WORKERS="2") as running:
        yield running
        assert not running.errors()


@pytest.fixture
async def client(server: MediaServer) -> AsyncIterator[Client]:
    async with client_of(server) as anna:
        yield anna


def padded(content: bytes, zeros: int) -> bytes:
    """The same clip with a box of nothing behind it: other bytes, and longer to read."""
    return content + (zeros + 8).to_bytes(4, "big") + b"free" + bytes(zeros)


def processes_of(server: MediaServer) -> list[int]:
    """Worker processes that have a file of the server's open, or work in its folder."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdecimal() and os.readlink(folder / "cwd").startswith(f"{server.data}/media/scratch"):
                found.append(int(folder.name))
        except OSError:  # it has ended
            continue
    return found


async def refused(call: object) -> tuple[str, str]:
    """Code and reason of a call that is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call  # type: ignore[misc]
    return caught.value.code().name, to_error(caught.value).reason


async def test_a_clip_is_ready_with_facts_and_files(client: Client) -> None:
    clip = clips.FILM
    video_id = await client.upload(clip.path.read_bytes(), filename=clip.name, display_offset="1001")
    progress, steps = [], []
    async for job in client.watch(video_id):
        progress.append(job.progress_permille)
        steps.append(job.step)
    assert job.state == job_pb.JOB_STATE_DONE
    assert progress == sorted(progress)
    assert progress[-1] == 1000
    assert [step for step in dict.fromkeys(steps) if step] == [step for step in STEPS if step in steps]
    video = await client.video(video_id)
    assert (video.state, video.frame_count, video.rate.num, video.rate.den) == (READY, clip.frames, 24000, 1001)
    assert (video.file_name, video.display_offset, video.project_id) == (clip.name, 1001, 1)
    assert video.sha256 == hashlib.sha256(clip.path.read_bytes()).digest()
    found = (await client.media("ListRenditions", video_id=video_id)).renditions
    for rendition in found:
        answer = await client.request("GET", rendition.path)
        assert (answer.status, len(answer.body)) == (200, rendition.size_bytes), rendition.path
        assert answer.headers["Content-Type"] == rendition.content_type
    assert [media_pb.RenditionKind.Name(each.kind).rsplit("_", 1)[1] for each in found] == [
        "ORIGINAL",
        "REVIEW",
        "POSTER",
        "FILMSTRIP",
        "WAVEFORM",
    ]


async def test_the_same_bytes_again_are_ready_at_once_and_a_video_of_its_own(client: Client) -> None:
    data = clips.CINEMA.path.read_bytes()
    first = await client.upload(data)
    await client.ended(first)
    second = await client.upload(data, filename="again.mp4")
    steps = {job.step async for job in client.watch(second)}
    assert steps <= {"", "checksum"}
    video = await client.video(second)
    assert (video.state, video.file_name) == (READY, "again.mp4")
    assert second != first
    folder = client.server.data / "media" / "contents" / "one" / video.sha256.hex()[:2]
    assert len(list(folder.glob(f"{video.sha256.hex()}/original*"))) == 1
    both = [await client.request("GET", f"/media/{each}/original") for each in (first, second)]
    assert both[0].body == both[1].body == data
    assert both[0].headers["ETag"] == both[1].headers["ETag"]


async def test_the_same_bytes_at_the_same_time_are_worked_on_once(client: Client) -> None:
    data = padded(clips.ODD_START.path.read_bytes(), 11)
    ids = await asyncio.gather(*(client.upload(data, filename=f"{number}.mov") for number in range(4)))
    assert len(set(ids)) == 4

    async def steps_of(video_id: int) -> set[str]:
        return {job.step async for job in client.watch(video_id)}

    steps = await asyncio.gather(*map(steps_of, ids))
    assert sum("review" in each for each in steps) == 1
    assert {(await client.video(video_id)).state for video_id in ids} == {READY}


async def test_the_same_bytes_of_two_tenants_share_nothing(client: Client) -> None:
    data = padded(clips.picture("shared.png").read_bytes(), 5)
    ours = await client.upload(data)
    zoe = client.as_("zoe", "two")
    theirs = await zoe.upload(data, project_id="2")
    sha256 = (await client.ended(ours)).sha256
    assert (await zoe.ended(theirs)).sha256 == sha256
    for tenant in ("one", "two"):
        folder = client.server.data / "media" / "contents" / tenant / sha256.hex()[:2] / sha256.hex()
        assert (folder / "original").read_bytes() == data


async def test_a_picture_is_a_video_of_one_frame(client: Client) -> None:
    path = clips.picture("still.png")
    video = await client.ended(await client.upload(path.read_bytes(), filename=path.name))
    assert (video.state, video.kind, video.frame_count) == (READY, media_pb.VIDEO_KIND_STILL, 1)
    assert (video.width, video.height) == (320, 180)
    found = (await client.media("ListRenditions", video_id=video.video_id)).renditions
    assert {"review.png", "poster.jpg"} <= {Path(rendition.path).name for rendition in found}


async def test_a_sound_is_a_video_of_its_waveform_at_the_rate_that_was_chosen(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    clips.run_ffmpeg("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=2", str(path))
    ids = [await client.upload(path.read_bytes(), filename="tone.wav", rate=rate) for rate in ("25", "30")]
    videos = [await client.ended(video_id) for video_id in ids]
    assert [(video.kind, video.frame_count, video.rate.num) for video in videos] == [
        (media_pb.VIDEO_KIND_SOUND, 50, 25),
        (media_pb.VIDEO_KIND_SOUND, 60, 30),
    ]
    found = (await client.media("ListRenditions", video_id=videos[0].video_id)).renditions
    assert found[1].content_type == "video/mp4"
    assert found[-1].kind == media_pb.RENDITION_KIND_WAVEFORM
    assert (await client.create(10, rate="fast")).status == 400


async def test_a_sequence_is_numbered_as_its_pictures_are_and_its_gaps_are_told(client: Client) -> None:
    packed = io.BytesIO()
    picture = clips.picture("seven.png").read_bytes()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in (1001, 1002, 1004):
            archive.writestr(f"shot.{number}.png", picture)
    video = await client.ended(await client.upload(packed.getvalue(), filename="shot.zip"))
    assert (video.state, video.kind, video.frame_count) == (READY, media_pb.VIDEO_KIND_MOVIE, 4)
    assert video.display_offset == 1001
    assert list(video.remarks) == ["1 number is missing, where the picture before is held: 1003."]


async def test_bad_files_fail_with_a_sentence_that_people_understand(client: Client, tmp_path: Path) -> None:
    for what, (path, reason) in clips.bad_files(tmp_path).items():
        if reason == "MEDIA_EMPTY":
            assert (await client.create(0)).status == 400
            continue
        video_id = await client.upload(path.read_bytes(), filename=path.name)
        video = await client.ended(video_id)
        assert video.state == FAILED, what
        job = await client.job("GetJob", video_id=video_id, job_id=video.job_id)
        assert (job.state, job.error_reason, job.error) == (job_pb.JOB_STATE_FAILED, reason, video.error), what
        assert video.error.endswith("."), what
        assert " " in video.error, what
        assert str(client.server.folder) not in video.error, what
        assert not (await client.media("ListRenditions", video_id=video_id)).renditions
        assert (await client.request("GET", f"/media/{video_id}/original")).status == 404


async def test_a_cancelled_job_is_begun_again_by_a_new_one(client: Client) -> None:
    for step in STEPS:
        data = padded(clips.NTSC_DROP.path.read_bytes(), 60_000_000 if step == "checksum" else len(step) * 8)
        video_id = await client.upload(data)
        job_id = await client.job_of(video_id)
        async for job in client.watch(video_id):
            if job.step == step:
                break
        job = await client.job("CancelJob", video_id=video_id, job_id=job_id)
        if job.state != job_pb.JOB_STATE_DONE:
            assert (job.state, job.error_reason) == (job_pb.JOB_STATE_CANCELLED, "CANCELLED"), step
            # What is missing is the filmstrip at most, or everything.
            found = (await client.media("ListRenditions", video_id=video_id)).renditions
            assert (await client.video(video_id)).state == (READY if found else FAILED), step
        again = await client.job("CreateJob", video_id=video_id, request_id=f"again {video_id}")
        assert again.job_id != job_id
        twice = await client.job("CreateJob", video_id=video_id, request_id=f"again {video_id}")
        assert twice.job_id == again.job_id
        video = await client.ended(video_id)
        assert (video.state, video.job_id, video.error) == (READY, again.job_id, ""), step
    assert not processes_of(client.server)


async def test_a_job_that_waits_is_cancelled_at_once(client: Client) -> None:
    data = clips.NTSC_FAST.path.read_bytes()
    ids = [await client.upload(padded(data, 100 + number)) for number in range(5)]
    last = ids[-1]
    job_id = await client.job_of(last)
    cancelled = await asyncio.gather(
        *(client.job("CancelJob", video_id=last, job_id=job_id, request_id=str(number)) for number in range(3))
    )
    assert {job.state for job in cancelled} == {job_pb.JOB_STATE_CANCELLED}
    assert (await client.video(last)).state == FAILED
    for video_id in ids[:-1]:
        job = await client.job("CancelJob", video_id=video_id, job_id=await client.job_of(video_id))
        assert job.state in (job_pb.JOB_STATE_CANCELLED, job_pb.JOB_STATE_DONE)


async def test_what_can_be_reviewed_stays_so_while_it_is_made_again(client: Client) -> None:
    video_id = await client.upload(clips.CINEMA.path.read_bytes())
    await client.ended(video_id)
    job = await client.job("CreateJob", video_id=video_id, request_id="again")
    assert (await client.video(video_id)).state == READY
    await client.job("CancelJob", video_id=video_id, job_id=job.job_id)
    video = await client.video(video_id)
    assert (video.state, video.error) == (READY, "")


async def test_jobs_are_for_whole_files_and_those_who_may(client: Client) -> None:
    made = await client.create(1000)
    create = {"video_id": made.video_id, "request_id": "early"}
    assert await refused(client.job("CreateJob", **create)) == ("FAILED_PRECONDITION", "VIDEO_UPLOADING")
    assert (await client.request("DELETE", made.url)).status == 204
    await client.job("CreateJob", **create)
    video = await client.ended(made.video_id)
    assert (video.state, video.error) == (FAILED, "The uploaded file is gone; upload it again.")
    job = {"video_id": made.video_id, "job_id": video.job_id}
    gus = client.as_("gus")
    assert (await gus.job("GetJob", **job)).state == job_pb.JOB_STATE_FAILED
    assert (await refused(gus.job("CreateJob", video_id=made.video_id)))[0] == "PERMISSION_DENIED"
    assert (await refused(gus.job("CancelJob", **job)))[0] == "PERMISSION_DENIED"
    for other in (client.as_("zoe", "two"), client.as_("nobody")):
        for method in ("CreateJob", "GetJob", "CancelJob"):
            fields = {"video_id": made.video_id} if method == "CreateJob" else job
            assert (await refused(other.job(method, **fields)))[0] == "NOT_FOUND"
    other_job = {"video_id": made.video_id, "job_id": video.job_id - 1}
    assert (await refused(client.job("GetJob", **other_job)))[0] == "NOT_FOUND"
    assert (await refused(client.job("GetJob", video_id=made.video_id, job_id=1 << 60)))[0] == "NOT_FOUND"


async def test_a_job_whose_original_vanished_says_so(client: Client) -> None:
    video_id = await client.upload(b"This is no video.")
    video = await client.ended(video_id)
    digest = video.sha256.hex()
    (client.server.data / "media" / "contents" / "one" / digest[:2] / digest / "original").unlink()
    await client.job("CreateJob", video_id=video_id)
    assert (await client.ended(video_id)).error == "The uploaded file is gone; upload it again."


@pytest.mark.timeout(300)
async def test_a_kill_in_each_step_delays_a_job_and_loses_nothing() -> None:
    with serving() as server:
        for number, step in enumerate(STEPS):
            data = padded(clips.NTSC_DROP.path.read_bytes(), 60_000_000 if step == "checksum" else number * 8)
            async with client_of(server) as client:
                video_id = await client.upload(data)
                async for job in client.watch(video_id):
                    if job.step == step:
                        break
            server.kill()
            server.start()
            async with client_of(server) as client:
                video = await client.ended(video_id)
                job = await client.job("GetJob", video_id=video_id, job_id=video.job_id)
                assert job.state == job_pb.JOB_STATE_DONE, step
                assert (video.state, video.frame_count) == (READY, clips.NTSC_DROP.frames), step
                assert len((await client.media("ListRenditions", video_id=video_id)).renditions) == 5, step
                original = await client.request("GET", f"/media/{video_id}/original")
                assert hashlib.sha256(original.body).digest() == hashlib.sha256(data).digest() == video.sha256
        assert not server.uploads
        assert not list((server.data / "media" / "scratch").iterdir())
        assert not processes_of(server)


async def test_a_service_that_is_stopped_goes_on_with_its_jobs_at_the_next_start() -> None:
    data = padded(clips.NTSC_DROP.path.read_bytes(), 100_000_000)
    with serving() as server:
        async with client_of(server) as client:
            video_id = await client.upload(data)
            async for job in client.watch(video_id):
                if job.step == "checksum":
                    break
        assert server.stop() == 0
        assert not processes_of(server)
        server.start()
        async with client_of(server) as client:
            assert (await client.ended(video_id)).state == READY
        assert not server.errors()
