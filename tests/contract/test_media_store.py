"""What every adapter of svc_media's store promises."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mesh.sql import Database
from rushes.errors import Conflict, NotFound
from svc_media.core import model
from svc_media.core.model import (
    Content,
    Job,
    JobEvent,
    JobHasEnded,
    JobState,
    Owner,
    Rendition,
    TooManyUploads,
    Upload,
    UploadJoined,
    VideoState,
    VideoUploading,
)
from svc_media.stores import Store
from svc_media.stores.sql import SqlStore

ANNA, BEN = Owner("one", "anna", 1), Owner("one", "ben", 1)
SHA = bytes(range(32))


def upload(name: str, length: int = 10, **changes: Any) -> Upload:
    return replace(Upload(name, ANNA, name, 0, length, 0, False, f"{name}.mp4", 0, 5), **changes)


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "sqlite":
        store = SqlStore(Database(f"sqlite:///{tmp_path / 'media.db'}"))
    else:
        store = SqlStore(Database(request.getfixturevalue("fresh_postgresql")))
    await store.prepare()
    yield store
    await store.close()


async def part(store: Store, name: str, *, complete: bool = True, **changes: Any) -> Upload:
    """A part of ten bytes."""
    made = await store.add_upload(upload(name, partial=True, **changes), 0)
    if complete:
        await store.advance(name, 10, 6)
    return made


async def finished(store: Store, name: str, **changes: Any) -> Job:
    """A finished upload's job."""
    await store.add_upload(upload(name, **changes), 0)
    await store.advance(name, 10, 6)
    return await store.finish_upload(name, name, 7)


async def test_an_upload_is_a_video_with_an_id_of_its_own(store: Store) -> None:
    ids = [(await store.add_upload(upload(name), 1001)).video_id for name in ("a", "b")]
    assert ids == [1, 2]
    video = await store.video(1)
    assert video is not None
    assert (video.state, video.owner, video.file_name) == (VideoState.UPLOADING, ANNA, "a.mp4")
    assert (video.size_bytes, video.display_offset, video.upload_id, video.created_ms) == (10, 1001, "a", 5)
    assert await store.upload("a") == upload("a", video_id=1)
    assert await store.upload("c") is None
    assert await store.video(3) is None


async def test_a_rate_that_was_chosen_is_kept_with_its_video(store: Store) -> None:
    await store.add_upload(upload("a"), 0, "24000/1001")
    await part(store, "b")
    await store.begin_join(upload("whole", file=""), ["b"], 0, "25")
    await store.add_upload(upload("c"), 0)
    found = [await store.video(number) for number in (1, 2, 3)]
    assert [video.rate for video in found if video is not None] == ["24000/1001", "25", ""]


async def test_a_part_is_no_video(store: Store) -> None:
    assert (await part(store, "a")).video_id == 0
    assert await store.video(1) is None


async def test_bytes_that_are_safe_are_remembered(store: Store) -> None:
    await store.add_upload(upload("a"), 0)
    await store.advance("a", 4, 9)
    assert await store.upload("a") == upload("a", offset=4, changed_ms=9, video_id=1)


async def test_parts_come_in_the_order_of_their_ids(store: Store) -> None:
    for name in ("a", "b", "c"):
        await part(store, name)
    assert [each.upload_id for each in await store.parts_of(["c", "x", "a"])] == ["c", "a"]


async def test_a_finished_upload_has_one_job_however_often_it_is_finished(store: Store) -> None:
    job = await finished(store, "a")
    assert (job.job_id, job.video_id, job.state, job.created_ms) == (1, 1, JobState.QUEUED, 7)
    assert await store.finish_upload("a", "a", 8) == job
    await store.move_job(1, JobEvent.BEGIN, 9)
    assert (await store.finish_upload("a", "a", 8)).state is JobState.RUNNING
    video, kept = await store.video(1), await store.upload("a")
    assert video is not None
    assert kept is not None
    assert (video.state, video.job_id) == (VideoState.PROCESSING, 1)
    assert (kept.done, kept.offset, kept.file) == (True, 10, "a")
    with pytest.raises(NotFound):
        await store.finish_upload("b", "b", 8)


async def test_parts_are_claimed_once_and_by_one(store: Store) -> None:
    for name in ("a", "b", "c"):
        await part(store, name)
    whole = upload("whole", 20, file="")
    made = await store.begin_join(whole, ["b", "a"], 7)
    assert made == replace(whole, video_id=1)
    assert [each.upload_id for each in await store.joined_parts("whole")] == ["b", "a"]
    assert await store.begin_join(upload("other", 20, file=""), ["b", "a"], 0) == made
    for wanted in (["a", "b"], ["a"], ["b", "a", "c"], ["c", "a"]):
        with pytest.raises(UploadJoined):
            await store.begin_join(upload("other", 20, file=""), wanted, 0)
    assert await store.upload("other") is None
    assert await store.video(2) is None
    for name in ("a", "whole"):
        with pytest.raises(UploadJoined):
            await store.remove_upload(name, "x", 8)


async def test_a_claimed_part_that_is_reopened_begins_at_0_and_its_whole_may_go(store: Store) -> None:
    for name in ("a", "b"):
        await part(store, name)
    await store.begin_join(upload("whole", 20, file=""), ["a", "b"], 0)
    await store.reopen(["b", "whole"], 30)
    assert [(each.offset, each.changed_ms) for each in await store.parts_of(["a", "b"])] == [(10, 6), (0, 30)]
    assert await store.stale_uploads(30) == []
    assert [each.upload_id for each in await store.stale_uploads(31)] == ["whole"]
    with pytest.raises(UploadJoined):
        await store.remove_upload("b", "x", 8)
    await store.remove_upload("whole", "It was given up.", 8)
    assert await store.parts_of(["a", "b", "whole"]) == []
    video = await store.video(1)
    assert video is not None
    assert (video.state, video.error) == (VideoState.FAILED, "It was given up.")


async def test_what_is_done_is_not_reopened(store: Store) -> None:
    await finished(store, "a")
    await store.reopen(["a"], 30)
    kept = await store.upload("a")
    assert kept is not None
    assert kept.offset == 10


async def test_only_parts_that_are_there_and_complete_are_claimed(store: Store) -> None:
    await part(store, "a")
    await part(store, "b", complete=False)
    await store.add_upload(upload("c", offset=10), 0)
    for wanted in (["a", "b"], ["a", "c"], ["a", "x"]):
        with pytest.raises(NotFound):
            await store.begin_join(upload("whole", 20, file=""), wanted, 0)
    assert await store.upload("whole") is None


async def test_many_who_join_at_once_get_one_whole(store: Store) -> None:
    for name in ("a", "b"):
        await part(store, name)
    wholes = [store.begin_join(upload(f"whole{number}", 20, file=""), ["a", "b"], 0) for number in range(9)]
    assert len({made.upload_id for made in await asyncio.gather(*wholes)}) == 1


async def test_a_joined_upload_forgets_what_else_was_in_its_file(store: Store) -> None:
    await part(store, "a", file="group")
    await part(store, "b", file="group", base=10)
    await part(store, "left", file="group", complete=False)
    await part(store, "other", file="group2")
    await store.begin_join(upload("whole", 20, file=""), ["a", "b"], 0)
    await store.finish_upload("whole", "group", 9)
    assert await store.upload("left") is None
    assert await store.upload("other") is not None
    for name in ("a", "b"):
        kept = await store.upload(name)
        assert kept is not None
        assert (kept.done, kept.file) == (True, "")
    with pytest.raises(UploadJoined):
        await part(store, "late", file="group")
    again = await store.begin_join(upload("whole2", 20, file=""), ["a", "b"], 0)
    assert (again.upload_id, again.done, again.video_id) == ("whole", True, 1)
    assert await store.files() == {"group", "group2"}
    await store.release_upload("whole")
    assert await store.files() == {"group2"}
    await part(store, "late", file="group")


async def test_a_removed_upload_is_a_failed_video(store: Store) -> None:
    await store.add_upload(upload("a"), 0)
    await store.remove_upload("a", "Cancelled.", 8)
    await store.remove_upload("a", "Again.", 8)
    video = await store.video(1)
    assert video is not None
    assert (video.state, video.error, video.error_reason) == (VideoState.FAILED, "Cancelled.", "UPLOAD_ENDED")
    assert await store.upload("a") is None


async def test_a_finished_upload_is_not_removed(store: Store) -> None:
    await finished(store, "a")
    with pytest.raises(UploadJoined):
        await store.remove_upload("a", "x", 8)


async def test_uploads_that_were_interrupted_at_their_end_are_found(store: Store) -> None:
    await store.add_upload(upload("begun"), 0)
    await store.add_upload(upload("complete"), 0)
    await store.advance("complete", 10, 6)
    await finished(store, "finished")
    await part(store, "a")
    await store.begin_join(upload("whole", file=""), ["a"], 0)
    assert {each.upload_id for each in await store.unsettled_uploads()} == {"complete", "whole"}


async def test_an_upload_is_stale_when_nothing_in_its_file_has_changed(store: Store) -> None:
    for name, file, changed_ms in (
        ("old", "old", 10),
        ("new", "new", 90),
        ("slow", "group", 10),
        ("quick", "group", 90),
        ("gone", "group2", 10),
        ("gone too", "group2", 20),
    ):
        await store.add_upload(upload(name, file=file, changed_ms=changed_ms, partial=True), 0)
    await part(store, "claimed")
    await store.advance("claimed", 10, 1)
    await store.begin_join(upload("whole", file="", changed_ms=1), ["claimed"], 0)
    assert {each.upload_id for each in await store.stale_uploads(50)} == {"old", "gone", "gone too"}


async def test_finished_uploads_are_remembered_until_they_are_purged(store: Store) -> None:
    await finished(store, "kept elsewhere")
    await store.release_upload("kept elsewhere")
    await finished(store, "not yet")
    await part(store, "a", file="group")
    await store.begin_join(upload("whole", file=""), ["a"], 0)
    await store.finish_upload("whole", "group", 100)
    await store.release_upload("whole")
    await store.add_upload(upload("open"), 0)
    await store.purge_uploads(50)
    assert await store.upload("kept elsewhere") is None
    for name in ("not yet", "a", "whole", "open"):
        assert await store.upload(name) is not None, name
    await store.purge_uploads(101)
    assert await store.upload("whole") is None
    assert await store.joined_parts("whole") == []
    assert await store.video(1) is not None


async def test_release_is_for_finished_uploads(store: Store) -> None:
    await store.add_upload(upload("a"), 0)
    await store.release_upload("a")
    assert await store.has_file("a")
    assert not await store.has_file("b")


async def test_a_person_has_a_limit_of_open_uploads(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("svc_media.stores.sql.MAX_OPEN_UPLOADS", 3)
    assert model.MAX_OPEN_UPLOADS > 3
    for name in ("a", "b", "c"):
        await store.add_upload(upload(name), 0)
    with pytest.raises(TooManyUploads):
        await store.add_upload(upload("d"), 0)
    await store.add_upload(upload("d", owner=BEN), 0)
    await store.finish_upload("a", "a", 7)
    await store.add_upload(upload("e"), 0)


async def test_a_video_keeps_its_hash(store: Store) -> None:
    await finished(store, "a")
    await store.set_video(1, VideoState.PROCESSING, sha256=SHA)
    await store.set_video(1, VideoState.READY)
    video = await store.video(1)
    assert video is not None
    assert (video.state, video.sha256) == (VideoState.READY, SHA)


async def test_contents_are_a_tenants_own_and_replaced_whole(store: Store) -> None:
    content = Content("one", SHA, 10)
    await store.put_content(content)
    assert await store.content("one", SHA) == content
    assert await store.content("two", SHA) is None
    rendition = Rendition("poster.jpg", "poster", "image/jpeg", 5, 640, 360, 2, 3, 1.5)
    content = replace(content, facts={"frames": [1, 2]}, renditions=(rendition,), ready=True)
    await store.put_content(content)
    await store.put_content(replace(content, tenant_id="two"))
    assert ("one", SHA) in await store.some_contents(9)
    assert await store.content("one", SHA) == content


async def test_a_job_goes_its_way_and_no_other(store: Store) -> None:
    await finished(store, "a")
    running = await store.move_job(1, JobEvent.BEGIN, 8)
    assert running.state is JobState.RUNNING
    await store.note_job(1, "probe", 100)
    assert await store.job(1) == replace(running, step="probe", progress_permille=100)
    await store.set_video(1, VideoState.READY)
    done = await store.move_job(1, JobEvent.SUCCEED, 9)
    assert (done.state, done.progress_permille, done.ended_ms) == (JobState.DONE, 1000, 9)
    await store.note_job(1, "late", 5)
    assert await store.job(1) == done
    for event in JobEvent:
        with pytest.raises(JobHasEnded):
            await store.move_job(1, event, 10)
    assert await store.job(1) == done
    with pytest.raises(NotFound):
        await store.move_job(2, JobEvent.BEGIN, 8)


async def test_a_job_is_its_holders_until_nothing_is_heard_of_that(store: Store) -> None:
    for name in "ab":
        await finished(store, name)
    assert [job.job_id for job in await store.take_up("one", 1)] == [1, 2]
    await store.move_job(1, JobEvent.BEGIN, 8, holder="one", until_ms=20)
    with pytest.raises(JobHasEnded):
        await store.move_job(1, JobEvent.BEGIN, 8, holder="two", until_ms=20)
    with pytest.raises(JobHasEnded):
        await store.move_job(1, JobEvent.SUCCEED, 9, holder="two")
    assert [job.job_id for job in await store.take_up("two", 19)] == [2]
    assert await store.hold("one", 30, [1, 2]) == {1: ""}
    assert [job.job_id for job in await store.take_up("two", 30)] == [2]
    assert [job.job_id for job in await store.take_up("two", 31)] == [1, 2]
    assert await store.hold("one", 40, [1]) == {}
    await store.move_job(1, JobEvent.BEGIN, 32, holder="two", until_ms=40)
    with pytest.raises(JobHasEnded):
        await store.move_job(1, JobEvent.FAIL, 33, error="Late.", reason="LATE", holder="one")
    # One that is back has its own again at once.
    assert [job.job_id for job in await store.take_up("two", 33)] == [1, 2]


async def test_a_holder_holds_what_it_says_alone_and_begins_the_same_job_as_often_as_it_likes(store: Store) -> None:
    for name in "ab":
        job = await finished(store, name)
        await store.move_job(job.job_id, JobEvent.BEGIN, 8, holder="one", until_ms=20)
    assert await store.hold("one", 40, [2]) == {2: ""}
    again = await store.move_job(2, JobEvent.BEGIN, 9, holder="one", until_ms=50)
    assert again == await store.job(2)
    assert again.state is JobState.RUNNING
    assert [job.job_id for job in await store.take_up("two", 21)] == [1]
    assert [job.job_id for job in await store.take_up("two", 50)] == [1]
    assert [job.job_id for job in await store.take_up("two", 51)] == [1, 2]


async def test_a_job_that_waits_is_cancelled_at_once_and_one_that_runs_by_its_holder(store: Store) -> None:
    for name in "ab":
        await finished(store, name)
    cancelled = await store.cancel_job(2, 7, "ben")
    assert (cancelled.state, cancelled.error_reason, cancelled.ended_ms) == (JobState.CANCELLED, "CANCELLED", 7)
    assert await store.cancel_job(2, 8, "anna") == cancelled
    await store.move_job(1, JobEvent.BEGIN, 8, holder="one", until_ms=20)
    assert (await store.cancel_job(1, 9, "ben")).state is JobState.RUNNING
    assert await store.hold("one", 30, [1]) == {1: "ben"}
    assert await store.hold("two", 30, [1]) == {}
    with pytest.raises(NotFound):
        await store.cancel_job(3, 9, "ben")


async def test_a_failed_job_is_a_failed_video_unless_it_was_ready(store: Store) -> None:
    for name, state in (("a", VideoState.FAILED), ("b", VideoState.READY)):
        job = await finished(store, name)
        await store.set_video(job.video_id, VideoState.PROCESSING if name == "a" else VideoState.READY)
        await store.move_job(job.job_id, JobEvent.BEGIN, 8)
        failed = await store.move_job(job.job_id, JobEvent.FAIL, 9, error="It is broken.", reason="BROKEN")
        assert (failed.error, failed.error_reason) == ("It is broken.", "BROKEN")
        video = await store.video(job.video_id)
        assert video is not None
        assert video.state is state
        assert video.error == ("It is broken." if name == "a" else "")


async def test_a_new_job_is_made_once_and_only_where_none_is_under_way(store: Store) -> None:
    await store.add_upload(upload("early"), 0)
    with pytest.raises(VideoUploading):
        await store.add_job(ANNA, 1, "r0", 9)
    with pytest.raises(NotFound):
        await store.add_job(ANNA, 99, "r0", 9)
    job = await finished(store, "a")
    assert await store.add_job(ANNA, 2, "r1", 9) == job
    await store.move_job(job.job_id, JobEvent.CANCEL, 9, error="Cancelled.", reason="CANCELLED")
    again = await store.add_job(ANNA, 2, "r2", 10)
    assert (again.job_id, again.state) == (job.job_id + 1, JobState.QUEUED)
    assert await store.add_job(ANNA, 2, "r2", 11) == again
    with pytest.raises(Conflict):
        await store.add_job(ANNA, 1, "r2", 11)
    video = await store.video(2)
    assert video is not None
    assert (video.state, video.error, video.job_id) == (VideoState.PROCESSING, "", again.job_id)


async def test_a_video_that_can_be_reviewed_stays_so_with_a_new_job(store: Store) -> None:
    job = await finished(store, "a")
    await store.move_job(job.job_id, JobEvent.BEGIN, 8)
    await store.set_video(1, VideoState.READY, sha256=SHA)
    await store.move_job(job.job_id, JobEvent.SUCCEED, 9)
    again = await store.add_job(ANNA, 1, "r", 10)
    video = await store.video(1)
    assert video is not None
    assert (video.state, video.job_id) == (VideoState.READY, again.job_id)


async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'media.db'}"
    for first in (True, False):
        store = SqlStore(Database(url))
        await store.prepare()
        if first:
            await finished(store, "a")
            await store.put_content(Content("one", SHA, 10))
        else:
            assert [job.job_id for job in await store.take_up("one", 1)] == [1]
            assert await store.content("one", SHA) == Content("one", SHA, 10)
            assert (await store.add_upload(upload("b"), 0)).video_id == 2
        await store.close()
