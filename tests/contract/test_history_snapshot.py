"""What every adapter of the snapshot port promises."""

import uuid
from pathlib import Path

import pytest

from mesh.blobs import FolderBlobs
from mesh.blobs_s3 import open_s3_blobs
from rushes.errors import InvalidArgument
from svc_annotation.stores import Snapshot, Snapshots
from svc_annotation.stores.snapshot_blobs import BlobSnapshots
from svc_annotation.stores.snapshot_folder import FolderSnapshots


@pytest.fixture(params=["folder", "blobs", "s3"])
async def snapshots(request: pytest.FixtureRequest, tmp_path: Path) -> Snapshots:
    if request.param == "folder":
        return FolderSnapshots(tmp_path / "snapshots")
    if request.param == "blobs":
        return BlobSnapshots(FolderBlobs(tmp_path / "blobs"))
    return BlobSnapshots(await open_s3_blobs(request.getfixturevalue("s3_address") + f"test-{uuid.uuid4().hex}"))


async def test_the_newest_snapshot_is_read(snapshots: Snapshots) -> None:
    assert await snapshots.newest("t", 7, 100) is None
    await snapshots.put("t", 7, 5, [b"fi", b"ve"])
    await snapshots.put("t", 7, 9, [b"nine"])
    await snapshots.put("t", 8, 50, [b"other video"])
    assert await snapshots.newest("t", 7, 100) == Snapshot(9, b"nine")
    assert await snapshots.newest("t", 7, 8) == Snapshot(5, b"five")
    assert await snapshots.newest("t", 7, 4) is None
    assert await snapshots.newest("other", 7, 100) is None


async def test_the_newest_two_are_kept(snapshots: Snapshots) -> None:
    for ordinal in (1, 20, 300):
        await snapshots.put("t", 7, ordinal, [b"%d" % ordinal])
    assert await snapshots.newest("t", 7, 19) is None
    assert await snapshots.newest("t", 7, 299) == Snapshot(20, b"20")


async def test_all_of_a_video_is_removed_and_of_others_nothing(snapshots: Snapshots) -> None:
    for video_id in (7, 70):
        for ordinal in (1, 20):
            await snapshots.put("t", video_id, ordinal, [b"state"])
    await snapshots.put("other", 7, 1, [b"state"])
    for _ in range(2):
        await snapshots.remove("t", 7)
        assert await snapshots.newest("t", 7, 100) is None
    await snapshots.remove("nobody", 7)
    assert await snapshots.newest("t", 70, 100) == Snapshot(20, b"state")
    assert await snapshots.newest("other", 7, 100) == Snapshot(1, b"state")


async def test_one_may_be_put_again(snapshots: Snapshots) -> None:
    await snapshots.put("t", 7, 1, [b"a"])
    await snapshots.put("t", 7, 1, [b"a"])
    assert await snapshots.newest("t", 7, 1) == Snapshot(1, b"a")


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
async def test_a_damaged_one_counts_as_lost(tmp_path: Path, damage: str) -> None:
    snapshots = FolderSnapshots(tmp_path)
    await snapshots.put("t", 7, 1, [b"old"])
    await snapshots.put("t", 7, 2, [b"new"])
    newest = tmp_path / "t" / "7" / "2.state"
    data = newest.read_bytes()
    flipped = data[:-1] + bytes([data[-1] ^ 1])
    newest.write_bytes({"flip": flipped, "cut": data[:-1], "empty": b""}[damage])
    assert await snapshots.newest("t", 7, 2) == Snapshot(1, b"old")


async def test_a_damaged_blob_counts_as_lost(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    snapshots = BlobSnapshots(blobs)
    await snapshots.put("t", 7, 1, [b"old"])
    await snapshots.put("t", 7, 2, [b"new"])
    await blobs.put("t/7/2.state", b"RUSHSNP1" + bytes(32) + b"new")
    assert await snapshots.newest("t", 7, 2) == Snapshot(1, b"old")


async def test_a_tenants_name_cannot_lead_out_of_the_folder(snapshots: Snapshots) -> None:
    for name in ("..", "a/b", "", "x" * 65):
        with pytest.raises(InvalidArgument):
            await snapshots.put(name, 7, 1, [b"x"])
