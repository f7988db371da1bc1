"""Blobs: whole or not at all, and nowhere but in their folder."""

import asyncio
import os
import urllib.request
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.blobs import CHUNK_BYTES, BlobNotFound, Blobs, FolderBlobs, KeyInvalid, _parts
from mesh.blobs_s3 import PART_BYTES, Bucket, open_s3_blobs


@pytest.fixture(params=["folder", "s3"])
async def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    """Every adapter of the port."""
    if request.param == "s3":
        return await open_s3_blobs(request.getfixturevalue("s3_address") + f"test-{uuid.uuid4().hex}")
    return FolderBlobs(tmp_path / "blobs")


async def content(blobs: Blobs, key: str, start: int = 0, end: int | None = None) -> bytes:
    """What a blob holds."""
    return b"".join([piece async for piece in blobs.read(key, start, end)])


async def test_what_is_put_can_be_read_whole_and_in_part(blobs: Blobs) -> None:
    data = bytes(range(256)) * (CHUNK_BYTES // 100)
    await blobs.put("t/a/b.bin", data)
    assert await content(blobs, "t/a/b.bin") == data
    assert await content(blobs, "t/a/b.bin", 5, 9) == data[5:9]
    assert await content(blobs, "t/a/b.bin", len(data) - 3, len(data) + 10) == data[-3:]
    assert await content(blobs, "t/a/b.bin", len(data)) == b""
    assert (await blobs.stat("t/a/b.bin")).size_bytes == len(data)


async def test_several_are_put_at_once_each_whole(blobs: Blobs) -> None:
    await blobs.put("t/old", b"old")
    made = {f"t/{number % 3}/{number}": bytes([number]) * (1 + number * 1_000) for number in range(20)}
    await blobs.put_all(made | {"t/old": b"new"})
    assert {key: await content(blobs, key) for key in made} == made
    assert await content(blobs, "t/old") == b"new"
    assert len(await blobs.list("t/")) == 21
    assert await blobs.get_all([*made, "t/none", "t/1"]) == made
    with pytest.raises(KeyInvalid):
        await blobs.put_all({"t/a": b"", "t/../b": b""})


async def test_each_of_several_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "blobs"
    synced: dict[int, bool] = {}
    fsync = os.fsync

    def noting(descriptor: int) -> None:
        fsync(descriptor)
        synced[os.fstat(descriptor).st_ino] = any(root.glob("t/*"))

    monkeypatch.setattr(os, "fsync", noting)
    await FolderBlobs(root).put_all({f"t/{number}": b"data" for number in range(7)})
    assert [synced.get(path.stat().st_ino) for path in sorted(root.glob("t/*"))] == [False] * 7
    assert synced[(root / "t").stat().st_ino]
    assert root.stat().st_ino in synced


async def test_a_file_becomes_a_blob_and_is_gone(blobs: Blobs, tmp_path: Path) -> None:
    file = tmp_path / "upload"
    file.write_bytes(b"film")
    await blobs.put_file("t/film", file)
    assert not file.exists()
    assert await content(blobs, "t/film") == b"film"


async def test_one_of_several_makes_what_is_new(blobs: Blobs) -> None:
    made = await asyncio.gather(*(blobs.put_new("t/once", bytes([number])) for number in range(8)))
    assert made.count(True) == 1
    assert await content(blobs, "t/once") == bytes([made.index(True)])
    assert not await blobs.put_new("t/once", b"later")
    await blobs.delete("t/once")
    assert await blobs.put_new("t/once", b"again")


async def test_a_file_of_several_parts_arrives_whole_and_can_be_read_at_an_address(
    s3_address: str, tmp_path: Path
) -> None:
    blobs = await open_s3_blobs(s3_address + f"test-{uuid.uuid4().hex}")
    data = os.urandom(PART_BYTES + 1_000)
    file = tmp_path / "film"
    file.write_bytes(data)
    await blobs.put_file("t/film", file)
    assert not file.exists()
    assert await content(blobs, "t/film", PART_BYTES - 5, PART_BYTES + 5) == data[PART_BYTES - 5 : PART_BYTES + 5]

    def fetch() -> bytes:
        with urllib.request.urlopen(blobs.url("t/film", 60), timeout=20) as answer:
            read: bytes = answer.read()
            return read

    assert await asyncio.to_thread(fetch) == data


def test_the_address_of_a_bucket_says_all_of_it() -> None:
    assert Bucket.of("s3://k%2F:s%40x@minio:9000/media?region=eu") == Bucket(
        "minio:9000", "media", "k/", "s@x", "eu", True
    )
    for url in ("", "http://a/b", "s3:///b", "s3://host", "s3://k:secret@host/a/b"):
        with pytest.raises(ValueError, match="address") as wrong:
            Bucket.of(url)
        assert "secret@" not in str(wrong.value)


async def test_who_reads_a_blob_that_is_replaced_reads_on(blobs: Blobs) -> None:
    old, new = b"o" * (3 * CHUNK_BYTES), b"new"
    await blobs.put("t/a", old)
    reader = blobs.read("t/a")
    pieces = [await anext(reader)]
    await blobs.put("t/a", new)
    pieces += [piece async for piece in reader]
    assert b"".join(pieces) == old
    assert await content(blobs, "t/a") == new


async def test_what_is_not_there_is_said(blobs: Blobs) -> None:
    await blobs.put("t/a/b", b"")
    for key in ("t/x", "t/a/b/c", "t/a"):
        with pytest.raises(BlobNotFound):
            await content(blobs, key)
    with pytest.raises(BlobNotFound):
        await blobs.stat("t/x")
    await blobs.delete("t/x")


async def test_blobs_are_listed_by_prefix_and_deleted(blobs: Blobs) -> None:
    for key in ("t/b/2", "t/b/1", "t/bb/1", "u/b/1"):
        await blobs.put(key, key.encode())
    assert [blob.key for blob in await blobs.list("t/b/")] == ["t/b/1", "t/b/2"]
    await blobs.delete("t/b/1")
    assert [(blob.key, blob.size_bytes) for blob in await blobs.list("t")] == [("t/b/2", 5), ("t/bb/1", 6)]
    assert await blobs.list("nobody") == []


async def test_many_at_once_do_not_mix(blobs: Blobs) -> None:
    await asyncio.gather(*(blobs.put(f"t/{number % 3}", bytes([number]) * 1_000) for number in range(60)))
    for number in range(3):
        found = await content(blobs, f"t/{number}")
        assert len(found) == 1_000
        assert len(set(found)) == 1


@pytest.mark.parametrize(
    "key",
    ["", "t", "t/", "/t/a", "t//a", "t/../a", "../a", "t/.hidden", "t/a\0", "t/a b", "t/é", "t/" + "x" * 129],
)  # fmt: skip
async def test_a_key_that_could_lead_elsewhere_is_refused(blobs: Blobs, key: str) -> None:
    with pytest.raises(KeyInvalid):
        await blobs.put(key, b"")
    with pytest.raises(KeyInvalid):
        await content(blobs, key)


@given(st.text(max_size=40) | st.text("./ab\\\0", max_size=40))
def test_no_key_leaves_its_folder(key: str) -> None:
    try:
        parts = _parts(key)
    except KeyInvalid:
        return
    path = Path("/root").joinpath(*parts)
    assert str(path) == "/root/" + key
    assert ".." not in path.parts


def test_what_a_crash_left_half_made_is_cleared(tmp_path: Path) -> None:
    FolderBlobs(tmp_path)
    (tmp_path / ".new" / "half").write_bytes(b"x")
    FolderBlobs(tmp_path)
    assert list((tmp_path / ".new").iterdir()) == []


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A file on another file system."""
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    file = other / f"rushes-test-{tmp_path.name}"
    file.write_bytes(b"film")
    return file


async def test_a_file_of_another_disk_is_copied(blobs: Blobs, elsewhere: Path) -> None:
    await blobs.put_file("t/film", elsewhere)
    with pytest.raises(FileNotFoundError):
        os.stat(elsewhere)
    assert await content(blobs, "t/film") == b"film"
