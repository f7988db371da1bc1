"""Snapshots as blobs, for several instances: tenant/video/ordinal.state, each with a checksum before what it holds."""

import hashlib
import logging
import re
from collections.abc import Iterable, Sequence
from typing import Final

from mesh.blobs import Blob, BlobNotFound, Blobs
from rushes.errors import InvalidArgument
from svc_annotation.stores.snapshot import Snapshot

KEPT: Final = 2
_MAGIC: Final = b"RUSHSNP1"
_DIGEST_BYTES: Final = 32
_TENANT: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME: Final = re.compile(r".*/(\d{1,19})\.state")

_logger = logging.getLogger(__name__)


class BlobSnapshots:
    """See `Snapshots`."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    async def newest(self, tenant_id: str, video_id: int, max_ordinal: int) -> Snapshot | None:
        """See `Snapshots`."""
        for ordinal, blob in await self._there(_place(tenant_id, video_id)):
            state = await self._read(blob) if ordinal <= max_ordinal else None
            if state is not None:
                return Snapshot(ordinal, state)
        return None

    async def put(self, tenant_id: str, video_id: int, ordinal: int, state: Iterable[bytes]) -> None:
        """See `Snapshots`."""
        place = _place(tenant_id, video_id)
        whole = b"".join(state)
        digest = hashlib.blake2b(whole, digest_size=_DIGEST_BYTES).digest()
        await self._blobs.put(f"{place}/{ordinal}.state", _MAGIC + digest + whole)
        for _, blob in (await self._there(place))[KEPT:]:
            await self._blobs.delete(blob.key)

    async def remove(self, tenant_id: str, video_id: int) -> None:
        """See `Snapshots`."""
        for blob in await self._blobs.list(_place(tenant_id, video_id)):
            await self._blobs.delete(blob.key)

    async def _there(self, place: str) -> Sequence[tuple[int, Blob]]:
        """What there is of a video, the newest first."""
        found = ((_NAME.fullmatch(blob.key), blob) for blob in await self._blobs.list(place))
        return sorted(((int(name[1]), blob) for name, blob in found if name), key=lambda each: each[0], reverse=True)

    async def _read(self, blob: Blob) -> bytes | None:
        """What a blob holds; None if it is not whole, or gone by now."""
        try:
            data = b"".join([piece async for piece in self._blobs.read(blob.key)])
        except BlobNotFound:
            return None
        head = len(_MAGIC) + _DIGEST_BYTES
        state = data[head:]
        if data[:head] == _MAGIC + hashlib.blake2b(state, digest_size=_DIGEST_BYTES).digest():
            return state
        _logger.error("snapshot_damaged", extra={"blob": blob.key})
        return None


def _place(tenant_id: str, video_id: int) -> str:
    if not _TENANT.fullmatch(tenant_id):
        raise InvalidArgument("this is no tenant's id")
    return f"{tenant_id}/{video_id}"
