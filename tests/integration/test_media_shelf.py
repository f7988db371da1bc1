"""Finished files in a bucket: the folder may be lost or made room in, and everything is served all the same."""

import asyncio
import os
import shutil
import uuid
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from mesh.blobs import Blobs, BlobsUnavailable, FolderBlobs
from mesh.blobs_s3 import open_s3_blobs
from rushes.errors import NotFound
from rushes.media.v1 import media_service_pb2 as media_pb
from svc_media.shelf import YOUNG_S, BlobShelf
from svc_media.stores.folder import Folder
from tests import clips
from tests.engine import S3, Engine, need, running
from tests.integration.media_server import Client, MediaServer, client_of, serving
from tests.waiting import until

NAMES = ("original", "review.mp4", "poster.jpg", "filmstrip.jpg")


async def files(client: Client, video_id: int) -> dict[str, bytes]:
    """What is served of a video."""
    found = {}
    for name in NAMES:
        answer = await client.request("GET", f"/media/{video_id}/{name}")
        assert answer.status == 200, name
        found[name] = answer.body
    return found


def lose(server: MediaServer) -> None:
    """The volume of files is gone."""
    shutil.rmtree(server.data / "media" / "contents")


async def test_a_lost_folder_costs_nothing_of_what_is_finished(s3_address: str) -> None:
    with serving(RUSHES_MEDIA__BLOBS=f"{s3_address}media-{uuid.uuid4().hex}") as server:
        clip = clips.BROWSER_SAFE.path.read_bytes()
        async with client_of(server) as client:
            video_id = await client.upload(clip)
            assert (await client.ended(video_id)).state == media_pb.VIDEO_STATE_READY
            before = await files(client, video_id)
            lose(server)
            assert await files(client, video_id) == before
            ranged = await client.request("GET", f"/media/{video_id}/review.mp4", Range="bytes=100-299")
            assert (ranged.status, ranged.body) == (206, before["review.mp4"][100:300])
            assert ranged.headers["Content-Range"] == f"bytes 100-299/{len(before['review.mp4'])}"
            head = await client.request("HEAD", f"/media/{video_id}/review.mp4")
            assert (head.status, head.headers["Content-Length"]) == (200, str(len(before["review.mp4"])))
            known = await client.request("GET", f"/media/{video_id}/poster.jpg", If_None_Match=head.headers["ETag"])
            assert known.status == 200
            tag = known.headers["ETag"]
            assert (await client.request("GET", f"/media/{video_id}/poster.jpg", If_None_Match=tag)).status == 304
            past = await client.request("GET", f"/media/{video_id}/poster.jpg", Range="bytes=99999999-")
            assert past.status == 416
            assert (await client.request("GET", f"/media/{video_id}/nothing.jpg")).status == 404
            # The same bytes once more: they are known, and nothing has to be made.
            again = await client.upload(clip)
            assert (await client.ended(again)).state == media_pb.VIDEO_STATE_READY
            assert await files(client, again) == before
        assert not server.errors()


async def test_a_bucket_that_is_away_at_the_start_is_waited_for(tmp_path: Path) -> None:
    need(S3)
    engine = Engine(S3, tmp_path / "s3")
    bucket = f"s3+http://rushes:rushes-secret@{engine.address}/media"
    with running([engine]):
        await open_s3_blobs(bucket)
    with serving(RUSHES_MEDIA__BLOBS=bucket) as server:
        async with client_of(server) as client:
            video_id = await client.upload(clips.BROWSER_SAFE.path.read_bytes())
            # Not ready before the bucket has it.
            await until(lambda: "file_not_kept" in server.log())
            assert (await client.video(video_id)).state == media_pb.VIDEO_STATE_PROCESSING
            with running([engine]):
                assert (await client.ended(video_id)).state == media_pb.VIDEO_STATE_READY


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "media")


class Away:
    """A bucket that can be away."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self.away = False

    def __getattr__(self, name: str) -> object:
        if self.away:
            raise BlobsUnavailable("the bucket is away")
        return getattr(self._blobs, name)


def made(folder: Folder, name: str, data: bytes, *, old: bool = False) -> Path:
    """A file of a content."""
    path = folder.content("tenant", bytes(32), name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    if old:
        then_s = path.stat().st_mtime - 2 * YOUNG_S
        os.utime(path, (then_s, then_s))
    return path


async def content(pieces: AsyncGenerator[bytes, None]) -> bytes:
    return b"".join([piece async for piece in pieces])


async def test_room_is_made_by_what_was_used_longest_ago_once_the_bucket_has_it(folder: Folder, tmp_path: Path) -> None:
    shelf = BlobShelf(FolderBlobs(tmp_path / "bucket"), folder, keep_bytes=250)
    kept = made(folder, "kept", b"k" * 100)
    await shelf.keep(kept)
    # From before there was a bucket.
    older = made(folder, "older", b"o" * 100, old=True)
    fresh = made(folder, "fresh", b"f" * 100)
    assert await shelf.local(kept) == kept
    await shelf.upkeep()
    assert (kept.exists(), older.exists(), fresh.exists()) == (True, False, True)
    assert await shelf.size(older) == 100
    assert await content(shelf.read(older, 98, 100)) == b"oo"
    assert (await shelf.local(older)).read_bytes() == b"o" * 100
    assert list(folder.scratch.iterdir()) == []
    shelf.close()


async def test_while_the_bucket_is_away_nothing_is_removed(folder: Folder, tmp_path: Path) -> None:
    away = Away(FolderBlobs(tmp_path / "bucket"))
    shelf = BlobShelf(away, folder, keep_bytes=0)  # type: ignore[arg-type]
    old = made(folder, "old", b"old", old=True)
    away.away = True
    with pytest.raises(BlobsUnavailable):
        await shelf.upkeep()
    with pytest.raises(BlobsUnavailable):
        await shelf.keep(old)
    assert old.read_bytes() == b"old"
    assert list(folder.scratch.iterdir()) == []
    shelf.close()


async def test_what_nobody_has_is_not_found_and_leaves_nothing_behind(folder: Folder, tmp_path: Path) -> None:
    shelf = BlobShelf(FolderBlobs(tmp_path / "bucket"), folder, keep_bytes=0)
    nowhere = folder.content("tenant", bytes(32), "nowhere")
    for call in (shelf.local(nowhere), shelf.size(nowhere), shelf.size(tmp_path / "elsewhere")):
        with pytest.raises(NotFound):
            await call
    assert not nowhere.exists()
    assert list(folder.scratch.iterdir()) == []
    shelf.close()


async def test_several_who_need_a_file_fetch_it_once(folder: Folder, tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "bucket")
    shelf = BlobShelf(blobs, folder, keep_bytes=0)
    path = made(folder, "film", b"film" * 1_000)
    await shelf.keep(path)
    path.unlink()
    reads = 0
    read = blobs.read

    def counted(key: str, start: int = 0, end: int | None = None) -> object:
        nonlocal reads
        reads += 1
        return read(key, start, end)

    blobs.read = counted  # type: ignore[method-assign,assignment]
    await asyncio.gather(*(shelf.local(path) for _ in range(8)))
    assert (reads, path.read_bytes()) == (1, b"film" * 1_000)
    shelf.close()
