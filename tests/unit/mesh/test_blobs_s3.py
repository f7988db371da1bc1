"""A bucket where one of several blobs cannot be reached."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from mesh.blobs import BlobNotFound, BlobsUnavailable
from mesh.blobs_s3 import Bucket, S3Blobs


class Partly(S3Blobs):
    """A bucket in memory: what is named `broken` fails at once, everything else takes its time."""

    def __init__(self) -> None:
        super().__init__(Bucket.of("s3://key:secret@127.0.0.1/blobs"))
        self.ended: list[str] = []

    async def put(self, key: str, data: bytes) -> None:
        """See Blobs."""
        await self._reach(key)

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """See Blobs."""
        await self._reach(key)
        yield key.encode()

    async def _reach(self, key: str) -> None:
        if key == "t/broken":
            raise BlobsUnavailable("It cannot be reached.")
        if key == "t/none":
            raise BlobNotFound("There is no such blob.")
        for _ in range(5):
            await asyncio.sleep(0)
        self.ended.append(key)


KEYS = ["t/1", "t/broken", "t/none", "t/2"]


@pytest.mark.asyncio
async def test_what_cannot_be_read_is_left_out_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert await Partly().get_all(KEYS) == {"t/1": b"t/1", "t/2": b"t/2"}
    assert [record.__dict__["key"] for record in caplog.records] == ["t/broken"]


@pytest.mark.asyncio
async def test_what_fails_is_told_once_nothing_runs_any_more() -> None:
    blobs = Partly()
    with pytest.raises(BlobsUnavailable):
        await blobs.put_all(dict.fromkeys(("t/broken", "t/1", "t/2"), b""))
    assert blobs.ended == ["t/1", "t/2"]
