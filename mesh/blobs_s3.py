"""Blobs in a bucket of S3, or of anything that speaks its protocol."""

import asyncio
import contextlib
import io
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

from mesh.blobs import CHUNK_BYTES, Blob, BlobNotFound, BlobsFull, BlobsUnavailable, checked

PART_BYTES: Final = 16 * 1024 * 1024
CONNECT_S: Final = 3.0
ANSWER_S: Final = 30.0
CONNECTIONS: Final = 16
_MISSING: Final = frozenset(("NoSuchKey", "NotFound", "ObjectParentIsFile", "NoSuchUpload"))
_FULL: Final = frozenset(("QuotaExceeded", "XMinioStorageFull", "InsufficientStorage"))
_NOT_FOUND: Final = 404
_THERE_ALREADY: Final = 412

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where blobs are: `s3://KEY:SECRET@HOST/BUCKET?region=REGION`, `s3+http://` without TLS."""

    host: str
    name: str
    key: str
    secret: str
    region: str
    tls: bool

    @classmethod
    def of(cls, url: str) -> "Bucket":
        """The bucket of an address. Raises ValueError with what is wrong, which does not repeat the secret."""
        parts = urlsplit(url)
        name = parts.path.strip("/")
        if parts.scheme not in ("s3", "s3+http") or not parts.hostname or not name or "/" in name:
            raise ValueError("a bucket's address is s3://KEY:SECRET@HOST/BUCKET, or s3+http:// without TLS")
        host = parts.netloc.rpartition("@")[2]
        region = parse_qs(parts.query).get("region", ["us-east-1"])[0]
        credentials = (unquote(parts.username or ""), unquote(parts.password or ""))
        return cls(host, name, *credentials, region, parts.scheme == "s3")


async def open_s3_blobs(url: str) -> "S3Blobs":
    """Opens a bucket, made if it is not there. Raises ValueError, BlobsUnavailable."""
    blobs = S3Blobs(Bucket.of(url))
    await blobs.prepare()
    return blobs


class S3Blobs:
    """See `Blobs`. Whatever is sent carries its checksum, which the server compares; files go in parts."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket.name
        self._http = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT_S, read=ANSWER_S),
            maxsize=CONNECTIONS,
            retries=urllib3.Retry(2, backoff_factor=0.1, status_forcelist=(500, 502, 503, 504)),
        )
        self._client = Minio(
            bucket.host,
            bucket.key or None,
            bucket.secret or None,
            secure=bucket.tls,
            region=bucket.region,
            http_client=self._http,
        )

    async def prepare(self) -> None:
        """Makes the bucket if it is not there."""

        def work() -> None:
            if not self._client.bucket_exists(self._bucket):
                with contextlib.suppress(S3Error):  # somebody else was first
                    self._client.make_bucket(self._bucket)

        await self._do("", work)

    async def put(self, key: str, data: bytes) -> None:
        """See Blobs."""
        name = checked(key)
        await self._do(
            key, lambda: self._client.put_object(self._bucket, name, io.BytesIO(data), len(data), part_size=PART_BYTES)
        )

    async def put_all(self, blobs: Mapping[str, bytes]) -> None:
        """See Blobs."""
        await _every(self.put(key, data) for key, data in blobs.items())

    async def put_new(self, key: str, data: bytes) -> bool:
        """See Blobs."""
        name = checked(key)

        def work() -> int:
            url = self._client.get_presigned_url("PUT", self._bucket, name, expires=timedelta(minutes=1))
            answer = self._http.request("PUT", url, body=data, headers={"If-None-Match": "*"}, retries=False)
            if answer.status not in (200, _THERE_ALREADY):
                raise BlobsUnavailable(f"the store of blobs answered {answer.status}")
            return answer.status

        return await self._do(key, work) == 200

    async def put_file(self, key: str, path: Path) -> None:
        """See Blobs."""
        name = checked(key)

        def work() -> None:
            self._client.fput_object(self._bucket, name, str(path), part_size=PART_BYTES)
            path.unlink()

        await self._do(key, work)

    async def stat(self, key: str) -> Blob:
        """See Blobs."""
        name = checked(key)
        found = await self._do(key, lambda: self._client.stat_object(self._bucket, name))
        return Blob(key, found.size or 0, int(found.last_modified.timestamp() * 1_000) if found.last_modified else 0)

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """See Blobs."""
        size = (await self.stat(key)).size_bytes
        length = max(0, (size if end is None else min(end, size)) - start)
        if not length:
            return
        answer = await self._do(key, lambda: self._client.get_object(self._bucket, key, offset=start, length=length))
        try:
            while length:
                piece = await self._do(key, partial(answer.read, min(CHUNK_BYTES, length)))
                if not piece:
                    raise BlobsUnavailable("the store of blobs ended in the middle of one", key=key)
                length -= len(piece)
                yield piece
        finally:
            answer.close()
            answer.release_conn()

    async def get_all(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """See Blobs."""
        found: dict[str, bytes] = {}

        async def get(key: str) -> None:
            try:
                found[key] = b"".join([piece async for piece in self.read(key)])
            except BlobNotFound:
                return
            except BlobsUnavailable as error:
                log.error("blob_not_read", extra={"key": key, "error": str(error)})

        await _every(get(key) for key in keys)
        return found

    async def delete(self, key: str) -> None:
        """See Blobs."""
        name = checked(key)
        with contextlib.suppress(BlobNotFound):
            await self._do(key, lambda: self._client.remove_object(self._bucket, name))

    async def list(self, prefix: str) -> Sequence[Blob]:
        """See Blobs."""
        folder = prefix.removesuffix("/") + "/"

        def work() -> list[Blob]:
            found = self._client.list_objects(self._bucket, prefix=folder, recursive=True)
            return [
                Blob(each.object_name or "", each.size or 0, int(each.last_modified.timestamp() * 1_000))
                for each in found
                if not each.is_dir and each.last_modified is not None
            ]

        return sorted(await self._do(prefix, work), key=lambda blob: blob.key)

    def url(self, key: str, seconds: int) -> str:
        """An address at which anybody can read the blob for so long, without us."""
        return self._client.presigned_get_object(self._bucket, checked(key), expires=timedelta(seconds=seconds))

    async def _do(self, key: str, work: Callable[[], T]) -> T:
        with _told(key):
            return await asyncio.to_thread(work)


async def _every(works: Iterable[Awaitable[None]]) -> None:
    """Waits for all, also where one fails, so that nothing runs on behind whoever is told of it."""
    for each in await asyncio.gather(*works, return_exceptions=True):
        if each is not None:
            raise each


@contextlib.contextmanager
def _told(key: str) -> Iterator[None]:
    """What the store says, as the port says it."""
    try:
        yield
    except S3Error as error:
        if error.code in _MISSING or error.response.status == _NOT_FOUND:
            raise BlobNotFound("There is no such blob.", key=key) from None
        if error.code in _FULL:
            raise BlobsFull("There is no room left for files.") from error
        raise BlobsUnavailable(f"the store of blobs cannot be used now: {error.code}") from error
    except (MinioException, urllib3.exceptions.HTTPError) as error:
        raise BlobsUnavailable(f"the store of blobs cannot be used now: {type(error).__name__}") from error
