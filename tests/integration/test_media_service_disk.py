"""A disk that is full in the middle of an upload."""

import hashlib
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.media_server import client_of, serving

MB = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 32 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)], check=False, capture_output=True
        ).returncode
    )
    if not mounted:
        pytest.skip("needs the right to mount a disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_an_upload_on_a_full_disk_is_refused_clearly_and_goes_on_once_there_is_room(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(16 * MB))
    data = random.Random("disk").randbytes(12 * MB)
    with serving(small_disk / "data", RUSHES_MEDIA__RESERVE_BYTES=str(6 * MB)) as server:
        async with client_of(server) as client:
            made = await client.create(len(data))
            refused = await client.patch(made.url, 0, data)
            assert (refused.status, refused.reason) == (507, "DISK_FULL")
            assert "disk is full" in refused.message
            at = (await client.head(made.url)).offset
            assert MB <= at < len(data)
            again = await client.patch(made.url, at, data[at:])
            assert again.status == 507
            # What is kept on the same disk goes on: the store takes another upload, and its end.
            other = await client.create(100)
            assert (await client.request("DELETE", other.url)).status == 204
            ballast.unlink()
            at = (await client.head(made.url)).offset
            assert (await client.patch(made.url, at, data[at:])).status == 204
            assert (await client.ended(made.video_id)).sha256 == hashlib.sha256(data).digest()
        assert not server.errors()


async def test_a_disk_without_a_reserve_that_is_full_to_the_last_byte_loses_nothing(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(20 * MB))
    data = random.Random("full").randbytes(16 * MB)
    with serving(small_disk / "data") as server:
        async with client_of(server) as client:
            made = await client.create(len(data))
            refused = await client.patch(made.url, 0, data)
            assert (refused.status, refused.reason) == (507, "DISK_FULL")
            ballast.unlink()
            at = (await client.head(made.url)).offset
            assert (await client.patch(made.url, at, data[at:])).status == 204
            assert (await client.ended(made.video_id)).sha256 == hashlib.sha256(data).digest()
