"""Snapshots as files: tenant/video/ordinal.state, each with a checksum before what it holds."""

import asyncio
import contextlib
import hashlib
import logging
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from rushes.errors import InvalidArgument
from svc_annotation.stores.snapshot import Snapshot

KEPT: Final = 2
_MAGIC: Final = b"RUSHSNP1"
_DIGEST_BYTES: Final = 32
_TENANT: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME: Final = re.compile(r"(\d{1,19})\.state")

_logger = logging.getLogger(__name__)


class FolderSnapshots:
    """See `Snapshots`. Files appear whole: they are written beside, synced and renamed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def newest(self, tenant_id: str, video_id: int, max_ordinal: int) -> Snapshot | None:
        """See `Snapshots`."""
        return await asyncio.to_thread(self._newest, self._place(tenant_id, video_id), max_ordinal)

    async def put(self, tenant_id: str, video_id: int, ordinal: int, state: Iterable[bytes]) -> None:
        """See `Snapshots`."""
        await asyncio.to_thread(self._put, self._place(tenant_id, video_id), ordinal, state)

    async def remove(self, tenant_id: str, video_id: int) -> None:
        """See `Snapshots`."""
        with contextlib.suppress(FileNotFoundError):
            await asyncio.to_thread(shutil.rmtree, self._place(tenant_id, video_id))

    def _place(self, tenant_id: str, video_id: int) -> Path:
        if not _TENANT.fullmatch(tenant_id):
            raise InvalidArgument("this is no tenant's id")
        return self._folder / tenant_id / str(video_id)

    @staticmethod
    def _newest(place: Path, max_ordinal: int) -> Snapshot | None:
        for ordinal in sorted(_ordinals(place), reverse=True):
            state = _read(place / _name(ordinal)) if ordinal <= max_ordinal else None
            if state is not None:
                return Snapshot(ordinal, state)
        return None

    @staticmethod
    def _put(place: Path, ordinal: int, state: Iterable[bytes]) -> None:
        place.mkdir(parents=True, exist_ok=True)
        beside = place / "writing"
        digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        with beside.open("wb") as file:
            file.write(_MAGIC + bytes(_DIGEST_BYTES))
            for piece in state:
                digest.update(piece)
                file.write(piece)
            file.seek(len(_MAGIC))
            file.write(digest.digest())
            file.flush()
            os.fsync(file.fileno())
        beside.replace(place / _name(ordinal))
        for old in sorted(_ordinals(place), reverse=True)[KEPT:]:
            (place / _name(old)).unlink(missing_ok=True)
        _sync_folder(place)


def _name(ordinal: int) -> str:
    return f"{ordinal}.state"


def _ordinals(place: Path) -> list[int]:
    if not place.is_dir():
        return []
    names = (_NAME.fullmatch(entry.name) for entry in place.iterdir())
    return [int(name[1]) for name in names if name]


def _read(path: Path) -> bytes | None:
    """What a file holds; None if it is not whole."""
    data = path.read_bytes()
    head = len(_MAGIC) + _DIGEST_BYTES
    state = data[head:]
    digest = hashlib.blake2b(state, digest_size=_DIGEST_BYTES).digest()
    if data[:head] == _MAGIC + digest:
        return state
    _logger.error("snapshot_damaged", extra={"file": path.name, "video": path.parent.name})
    return None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
