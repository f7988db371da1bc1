"""Videos that were purged go with their files, once, and only when nobody else has the same bytes."""

import errno
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import cast

import pytest

from mesh.blobs import FolderBlobs
from mesh.clock import Clock
from mesh.sql import Database
from rushes.project.v1 import project_service_pb2 as pb
from svc_media.catalog import Catalog
from svc_media.core.export import Export
from svc_media.core.model import Content, JobEvent, Owner, Upload, VideoState
from svc_media.export import Exports
from svc_media.lock import Locks
from svc_media.reading import Reader
from svc_media.removal import Removals
from svc_media.shelf import BlobShelf, FolderShelf, Shelf
from svc_media.stores.export_sql import SqlExports
from svc_media.stores.folder import Folder
from svc_media.stores.sql import SqlStore
from svc_media.upload import Uploads

ANNA = Owner("one", "anna", 1)
SAME, OTHER = b"s" * 32, b"o" * 32
DAYS = 0.5


class House:
    """A store with three videos, of which the first two are the same bytes, and what was purged."""

    def __init__(self, root: Path, kind: str) -> None:
        self.database = Database(f"sqlite:///{root / 'media.db'}")
        self.store, self.exports = SqlStore(self.database), SqlExports(self.database)
        self.folder = Folder(root / "media")
        self.blobs = FolderBlobs(root / "bucket")
        self.shelf: Shelf = FolderShelf() if kind == "folder" else BlobShelf(self.blobs, self.folder, 1)
        self.purged: list[pb.PurgedVideo] = []
        clock, locks = Clock(), Locks()
        self.locks = locks
        self.now_ms = clock.now_ms
        catalog = Catalog(self.store, self.folder, self.shelf)
        self.uploads = Uploads(self.store, self.folder, clock, lambda job: None, max_bytes=1 << 30, days=1, locks=locks)
        writing = Exports(self.exports, catalog, self.folder, cast("Reader", None), clock, days=1)
        parts = (self.store, self.uploads, writing, self.folder, self.shelf, locks, clock)
        self.removals = Removals(self, *parts, days=DAYS)

    async def after(self, number: int) -> Sequence[pb.PurgedVideo]:
        """As svc_project would say, two at a time."""
        return [each for each in self.purged if each.number > number][:2]

    def purge(self, video_id: int, *, long_ago: bool = True, tenant_id: str = "one") -> None:
        time_ms = self.now_ms() - (86_400_000 if long_ago else 0)
        number = 10 * (len(self.purged) + 1)
        self.purged.append(pb.PurgedVideo(number=number, tenant_id=tenant_id, video_id=video_id, time_ms=time_ms))

    async def add(self, name: str, sha256: bytes) -> int:
        video_id = (
            await self.store.add_upload(Upload(name, ANNA, name, 0, 4, 0, False, f"{name}.mp4", 0, 5), 0)
        ).video_id
        await self.store.advance(name, 4, 6)
        job = await self.store.finish_upload(name, name, 7)
        self.folder.upload(name).write_bytes(b"clip")
        original = self.folder.keep(name, "one", sha256)
        await self.store.release_upload(name)
        await self.shelf.keep(original)
        await self.store.put_content(Content("one", sha256, 4, {}, (), ready=True))
        await self.store.set_video(video_id, VideoState.READY, sha256=sha256)
        for event in (JobEvent.BEGIN, JobEvent.SUCCEED):
            await self.store.move_job(job.job_id, event, 8)
        return video_id

    async def export(self, name: str, video_id: int) -> list[Path]:
        """One that is finished; its files."""
        export = Export(name, ANNA, video_id, "csv", f"source-{name}", "a.csv", 1, False, 1, 1 << 60)
        await self.exports.add(export, "", name)
        for event in (JobEvent.BEGIN, JobEvent.SUCCEED):
            await self.exports.move(name, event, 9)
        files = [self.folder.exports / f"source-{name}", self.folder.exports / f"source-{name}.json"]
        for each in files:
            each.write_text("notes")
        return files

    def original(self, sha256: bytes) -> Path:
        return self.folder.content("one", sha256, "original")


@pytest.fixture(params=["folder", "bucket"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    made = House(tmp_path, request.param)
    await made.store.prepare()
    assert [await made.add(name, sha256) for name, sha256 in (("a", SAME), ("b", SAME), ("c", OTHER))] == [1, 2, 3]
    yield made
    made.shelf.close()
    made.uploads.close()
    await made.store.close()


async def there(house: House) -> list[int]:
    return [number for number in (1, 2, 3) if await house.store.video(number) is not None]


async def test_files_go_with_the_last_video_that_has_them_and_exports_with_theirs(house: House) -> None:
    exported = await house.export("mine", 1)
    house.purge(1)
    await house.removals.upkeep()
    assert await there(house) == [2, 3]
    assert house.original(SAME).exists()
    assert await house.exports.get("mine") is None
    assert not [each for each in exported if each.exists()]
    house.purge(2)
    await house.removals.upkeep()
    assert await there(house) == [3]
    assert await house.store.content("one", SAME) is None
    assert not house.original(SAME).parent.exists()
    keys = [blob.key for blob in await house.blobs.list("one/")]
    assert [key for key in keys if SAME.hex() in key] == []
    assert house.original(OTHER).exists()


async def test_what_was_purged_lately_or_is_being_worked_on_stays_for_now_and_the_rest_waits(house: House) -> None:
    job = await house.store.add_job(ANNA, 1, "", 20)
    house.purge(1)
    house.purge(3)
    house.purge(2, long_ago=False)
    await house.removals.upkeep()
    assert await there(house) == [1, 2, 3]
    for event in (JobEvent.BEGIN, JobEvent.FAIL):
        await house.store.move_job(job.job_id, event, 21)
    for _ in range(2):
        await house.removals.upkeep()
        assert await there(house) == [2]
    assert await house.store.removed_to() == 20


async def test_another_tenants_or_an_unknown_video_costs_nobody_anything(house: House) -> None:
    house.purge(1, tenant_id="two")
    house.purge(99)
    await house.removals.upkeep()
    assert await there(house) == [1, 2, 3]
    assert await house.store.removed_to() == 20


async def test_an_upload_that_still_comes_in_ends(house: House) -> None:
    await house.store.add_upload(Upload("d", ANNA, "d", 0, 4, 0, False, "d.mp4", 0, 5), 0)
    house.folder.create("d", 4)
    house.purge(4)
    await house.removals.upkeep()
    assert await house.store.video(4) is None
    assert not house.folder.has_upload("d")


async def test_who_brings_the_same_bytes_while_they_are_removed_has_all_made_anew(house: House) -> None:
    await house.store.spoil_content("one", OTHER)  # as far as a crash let it come
    content = await house.store.content("one", OTHER)
    assert content is not None
    assert not content.ready
    house.purge(3)
    await house.removals.upkeep()
    assert await house.add("again", OTHER) == 4
    assert house.original(OTHER).read_bytes() == b"clip"


async def test_whoever_works_on_a_video_or_on_its_bytes_is_not_waited_for(house: House) -> None:
    house.purge(3)
    for name in (("video", 3), ("one", OTHER)):
        async with house.locks.of(name):
            await house.removals.upkeep()
            assert await there(house) == [1, 2, 3]
    await house.removals.upkeep()
    assert await there(house) == [1, 2]


async def test_a_video_of_which_a_file_cannot_be_removed_is_removed_later(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.purge(3)
    stuck = house.original(OTHER)
    unlink = os.unlink

    def fail(path: str, **fields: int) -> None:
        if path == stuck.name:
            raise OSError(errno.EIO, "Input/output error")
        unlink(path, **fields)

    with monkeypatch.context() as broken:
        broken.setattr(os, "unlink", fail)
        await house.removals.upkeep()
    assert stuck.exists()
    assert (await there(house), await house.store.removed_to()) == ([1, 2, 3], 0)
    await house.removals.upkeep()
    assert not stuck.exists()
    assert (await there(house), await house.store.removed_to()) == ([1, 2], 10)


async def test_files_that_somebody_else_removes_meanwhile_are_gone_too(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.purge(3)
    gone, unlink = house.original(OTHER), os.unlink

    def late(path: str, **fields: int) -> None:
        if path == gone.name:
            unlink(path, **fields)
        unlink(path, **fields)

    with monkeypatch.context() as racing:
        racing.setattr(os, "unlink", late)
        await house.removals.upkeep()
    assert not gone.parent.exists()
    assert await there(house) == [1, 2]
