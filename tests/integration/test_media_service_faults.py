"""Faults in the middle of what svc_media does: the store fails, or the process ends, between any two steps."""

import asyncio
import hashlib
import random
import threading
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mesh.clock import Clock
from mesh.sql import Database, StoreUnavailable
from svc_media.core.model import Content, Job, JobEvent, JobState, Owner, Rendition, Upload, VideoState
from svc_media.core.tus import Concat, UploadBusy
from svc_media.lock import Locks
from svc_media.shelf import FolderShelf
from svc_media.stores.folder import Folder
from svc_media.stores.sql import SqlStore
from svc_media.thread import Threads
from svc_media.upload import Uploads
from svc_media.work import Jobs
from tests.waiting import until

ANNA = Owner("one", "anna", 1)
KB = 1 << 10


class FailingStore(SqlStore):
    """The store, which fails as often as it is told, by the name of what it should do."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.failures: dict[str, int] = {}

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name != "failures" and self.failures.get(name):
            self.failures[name] -= 1
            return self._fail
        return super().__getattribute__(name)

    async def _fail(self, *arguments: Any, **named: Any) -> None:
        raise StoreUnavailable("The store cannot be used now.")


@dataclass
class Parts:
    """The parts of the service that have to do with bytes, as one process has them."""

    store: FailingStore
    folder: Folder
    uploads: Uploads
    jobs: list[Job] = field(default_factory=list)

    async def send(self, upload: Upload, data: bytes) -> Upload:
        """All bytes of an upload."""
        return await self.uploads.write(upload, 0, pieces_of(data))

    async def part(self, data: bytes, **metadata: str) -> str:
        """A complete part."""
        upload = await self.uploads.create(ANNA, len(data), metadata, partial=True)
        await self.send(upload, data)
        return upload.upload_id

    async def content(self, upload_id: str) -> bytes:
        """What a finished upload consists of."""
        upload = await self.store.upload(upload_id)
        assert upload is not None
        assert upload.done
        return self.folder.upload(upload.file).read_bytes()


async def pieces_of(data: bytes) -> AsyncIterator[bytes]:
    """As a connection gives them."""
    for begin in range(0, len(data), 60_000):
        yield data[begin : begin + 60_000]


@pytest.fixture
async def processes(tmp_path: Path) -> AsyncIterator[Any]:
    """Makes the parts anew on the same data, as a restart does."""
    made: list[Parts] = []

    async def make() -> Parts:
        store = FailingStore(Database(f"sqlite:///{tmp_path / 'media.db'}"))
        await store.prepare()
        folder = Folder(tmp_path / "media")
        jobs: list[Job] = []
        uploads = Uploads(store, folder, Clock(), jobs.append, max_bytes=1 << 40, days=7)
        await uploads.tidy()
        made.append(Parts(store, folder, uploads, jobs))
        return made[-1]

    yield make
    for parts in made:
        parts.uploads.close()
        await parts.store.close()


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def halves(data: bytes, group: str = "") -> Iterable[tuple[bytes, dict[str, str]]]:
    """Two parts, with their places in a group."""
    half = len(data) // 2
    for at, piece in ((0, data[:half]), (half, data[half:])):
        yield piece, {"group": group, "at": str(at), "total": str(len(data))} if group else {}


async def test_an_upload_whose_end_failed_is_ended_by_whoever_asks_next(processes: Any) -> None:
    first: Parts = await processes()
    data = noise(100 * KB)
    upload = await first.uploads.create(ANNA, len(data), {}, partial=False)
    first.store.failures["finish_upload"] = 1
    with pytest.raises(StoreUnavailable):
        await first.send(upload, data)
    found = await first.uploads.get(upload.upload_id, "one", "anna")
    assert (found.done, found.offset) == (True, len(data))
    assert [job.video_id for job in first.jobs] == [upload.video_id]


async def test_an_upload_whose_end_was_killed_is_ended_at_the_next_start(processes: Any) -> None:
    first: Parts = await processes()
    data = noise(100 * KB)
    upload = await first.uploads.create(ANNA, len(data), {}, partial=False)
    first.store.failures["finish_upload"] = 1
    with pytest.raises(StoreUnavailable):
        await first.send(upload, data)
    second: Parts = await processes()
    await second.uploads.upkeep()
    assert await second.content(upload.upload_id) == data
    assert [job.video_id for job in second.jobs] == [upload.video_id]


@pytest.mark.parametrize("group", ["", "abcdefgh"])
async def test_a_join_that_was_killed_goes_on_at_the_next_start_and_is_the_same_when_sent_again(
    processes: Any, group: str
) -> None:
    first: Parts = await processes()
    data = noise(300 * KB)
    ids = tuple([await first.part(piece, **place) for piece, place in halves(data, group)])
    first.store.failures["finish_upload"] = 1
    with pytest.raises(StoreUnavailable):
        await first.uploads.join(ANNA, Concat(parts=ids), {})
    second: Parts = await processes()
    await second.uploads.upkeep()
    assert len(second.jobs) == 1
    whole = await second.uploads.join(ANNA, Concat(parts=ids), {})
    assert whole.video_id == second.jobs[0].video_id
    assert await second.content(whole.upload_id) == data
    assert await second.store.video(whole.video_id + 1) is None
    names = {path.name.removesuffix(".moved") for path in second.folder.upload("x").parent.iterdir()}
    assert len(names) == 1


async def test_a_join_that_was_killed_between_its_parts_goes_on(processes: Any) -> None:
    first: Parts = await processes()
    data = noise(300 * KB)
    ids = tuple([await first.part(piece) for piece, _ in halves(data)])
    # As the first part was moved, and the process ended.
    move = first.folder._move
    moved: list[str] = []

    def move_one(piece: Any, name: str, target: int, at: int) -> None:
        if moved:
            raise OSError(5, "the disk is gone")
        moved.append(piece.file)
        move(piece, name, target, at)

    first.folder._move = move_one  # type: ignore[method-assign]
    with pytest.raises(Exception, match="disk"):
        await first.uploads.join(ANNA, Concat(parts=ids), {})
    assert moved == [ids[0]]
    second: Parts = await processes()
    whole = await second.uploads.join(ANNA, Concat(parts=ids), {})
    assert await second.content(whole.upload_id) == data


async def test_a_part_that_begins_to_be_written_while_its_group_is_joined_makes_that_wait(processes: Any) -> None:
    parts: Parts = await processes()
    data = noise(100 * KB)
    ids = [await parts.part(piece, **place) for piece, place in halves(data, "abcdefgh")]
    late = await parts.uploads.create(ANNA, 1, {"group": "abcdefgh", "at": "0", "total": str(len(data))}, partial=True)
    asked, writing, more = threading.Event(), threading.Event(), asyncio.Event()
    has_upload = parts.folder.has_upload

    def slowly(name: str) -> bool:
        asked.set()
        assert writing.wait(60)
        return has_upload(name)

    async def byte() -> AsyncIterator[bytes]:
        writing.set()
        await more.wait()
        yield b"x"

    parts.folder.has_upload = slowly  # type: ignore[method-assign]
    joining = asyncio.create_task(parts.uploads.join(ANNA, Concat(parts=tuple(ids)), {}))
    await until(asked.is_set)
    written = asyncio.create_task(parts.uploads.write(late, 0, byte()))
    with pytest.raises(UploadBusy):
        await joining
    more.set()
    await written
    parts.folder.has_upload = has_upload  # type: ignore[method-assign]
    whole = await parts.uploads.join(ANNA, Concat(parts=tuple(ids)), {})
    assert await parts.content(whole.upload_id) == b"x" + data[1:]


async def test_an_upload_that_the_store_did_not_take_leaves_no_file(processes: Any) -> None:
    parts: Parts = await processes()
    parts.store.failures["add_upload"] = 1
    with pytest.raises(StoreUnavailable):
        await parts.uploads.create(ANNA, 5, {}, partial=False)
    assert not list(parts.folder.upload("x").parent.iterdir())


async def test_bytes_that_the_store_did_not_hear_of_are_sent_again(processes: Any) -> None:
    parts: Parts = await processes()
    data = noise(100 * KB)
    upload = await parts.uploads.create(ANNA, len(data), {}, partial=False)
    parts.store.failures["advance"] = 1
    with pytest.raises(StoreUnavailable):
        await parts.send(upload, data)
    assert (await parts.uploads.get(upload.upload_id, "one", "anna")).offset == 0
    # Other bytes this time, zeros above all: nothing of the first try shows through.
    await parts.send(upload, bytes(len(data)))
    assert await parts.content(upload.upload_id) == bytes(len(data))


async def test_one_upload_that_cannot_be_settled_keeps_no_other_waiting(processes: Any) -> None:
    first: Parts = await processes()
    made = []
    for size in (5, 6):
        upload = await first.uploads.create(ANNA, size, {}, partial=False)
        first.store.failures["finish_upload"] = 1
        with pytest.raises(StoreUnavailable):
            await first.send(upload, noise(size))
        made.append(upload)
    first.store.failures["finish_upload"] = 1
    await first.uploads.upkeep()
    assert len(first.jobs) == 1
    await first.uploads.upkeep()
    assert {job.video_id for job in first.jobs} == {upload.video_id for upload in made}


async def test_jobs_outlast_a_store_that_is_away(processes: Any) -> None:
    parts: Parts = await processes()
    upload = await parts.uploads.create(ANNA, 20, {}, partial=False)
    await parts.send(upload, b"This is not a video.")
    jobs = Jobs(parts.store, parts.folder, FolderShelf(), Clock(), workers=1)
    await jobs.start()
    try:
        parts.store.failures = {"move_job": 2, "note_job": 1}
        states: list[JobState] = []
        async for job in jobs.watch(1, 1):
            if job.state is JobState.RUNNING and job.state not in states:
                parts.store.failures["move_job"] = 2
            states.append(job.state)
        assert states[0] is JobState.QUEUED
        assert states[-1] is JobState.FAILED
    finally:
        await jobs.stop()
    video = await parts.store.video(1)
    assert video is not None
    assert (video.state, video.error_reason) == (VideoState.FAILED, "NOT_MEDIA")


async def test_a_job_that_another_did_meanwhile_is_done(processes: Any) -> None:
    parts: Parts = await processes()
    data = noise(20)
    upload = await parts.send(await parts.uploads.create(ANNA, len(data), {}, partial=False), data)
    locks = Locks()
    jobs = Jobs(parts.store, parts.folder, FolderShelf(), Clock(), workers=1, locks=locks)
    async with locks.of(("video", 1)):
        await jobs.start()
        await until(lambda: running(parts.store, 1))
        # As another instance, of which nothing was heard for a while, ends its work.
        sha256 = hashlib.sha256(data).digest()
        parts.folder.keep(upload.file, "one", sha256)
        made = tuple(Rendition(kind, kind, "image/jpeg", 1) for kind in ("filmstrip", "waveform"))
        await parts.store.put_content(Content("one", sha256, len(data), renditions=made, ready=True))
        await parts.store.release_upload(upload.upload_id)
        await parts.store.set_video(1, VideoState.READY, sha256=sha256)
    try:
        assert [job.state async for job in jobs.watch(1, 1)][-1] is JobState.DONE
    finally:
        await jobs.stop()


async def running(store: SqlStore, job_id: int) -> bool:
    job = await store.job(job_id)
    return job is not None and job.state is JobState.RUNNING


async def test_a_job_is_cancelled_and_taken_by_one_alone(processes: Any) -> None:
    parts: Parts = await processes()
    for size in (21, 22, 23, 24):
        await parts.send(await parts.uploads.create(ANNA, size, {}, partial=False), noise(size))
    jobs = Jobs(parts.store, parts.folder, FolderShelf(), Clock(), workers=2)
    await jobs.start()
    try:
        ended = await asyncio.gather(*(jobs.cancel(number, number, "ben") for number in (4, 3, 2, 1) for _ in range(3)))
        assert {job.state for job in ended} <= {JobState.CANCELLED, JobState.FAILED}
        again = await parts.store.add_job(ANNA, 4, "", 1)
        jobs.enqueue(again)
        assert [job.state async for job in jobs.watch(again.job_id, 4)][-1] is JobState.FAILED
    finally:
        await jobs.stop()
    assert await parts.store.take_up("svc_media", 1) == []
    for job in ended:
        kept = await parts.store.job(job.job_id)
        assert kept is not None
        assert kept.state is job.state


async def test_a_digest_is_stopped_with_the_service_and_done_again(processes: Any) -> None:
    first: Parts = await processes()
    size = 1 << 33
    upload = await first.uploads.create(ANNA, size, {}, partial=False)
    await first.store.advance(upload.upload_id, size, 1)
    await first.uploads.get(upload.upload_id, "one", "anna")
    jobs = Jobs(first.store, first.folder, FolderShelf(), Clock(), workers=1)
    await jobs.start()
    async for job in jobs.watch(1, 1):
        if job.progress_permille > 0:
            break
    await jobs.stop()
    kept = await first.store.job(1)
    assert kept is not None
    assert kept.state is JobState.RUNNING
    assert (await first.store.move_job(1, JobEvent.RESTART, 1)).state is JobState.QUEUED
    await until(lambda: not any(thread.name.startswith("digest") for thread in threading.enumerate()))


async def test_what_a_thread_does_ends_before_its_task_does() -> None:
    threads = Threads("test", 1)
    begun, go, done = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go.wait(20)
        done.set()

    task = asyncio.create_task(threads.run(work))
    await asyncio.to_thread(begun.wait, 20)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done.is_set()
    threads.close()
