"""Versions of videos that svc_project purged are removed for good, wherever they are: store, archive and copy."""

import logging
from collections.abc import Sequence

from mesh.blobs import Blobs
from mesh.clock import Clock
from mesh.purged import DAY_MS, PurgedVideos, follow
from rushes.errors import RushesError, Unavailable
from rushes.project.v1.project_service_pb2 import PurgedVideo
from svc_version.stores import Store
from svc_version.stores.hot import Hot

log = logging.getLogger(__name__)


class Removals:
    """See the module. Versions first: what nothing points to any more is read by nobody."""

    def __init__(
        self, purged: PurgedVideos, store: Store, archive: Blobs, hot: Hot, clock: Clock, *, days: float
    ) -> None:
        self._purged = purged
        self._store = store
        self._archive = archive
        self._hot = hot
        self._clock = clock
        self._grace_ms = int(days * DAY_MS)
        self._asked = False

    async def upkeep(self) -> None:
        """Removes what was purged long enough ago. What cannot be removed now is tried again, and the rest waits."""
        listed: dict[str, Sequence[str]] = {}

        async def remove(purged: PurgedVideo) -> bool:
            if purged.tenant_id not in listed:
                there = await self._archive.list(f"{purged.tenant_id}/")
                listed[purged.tenant_id] = [blob.key for blob in there]
            await self._remove(purged, listed[purged.tenant_id])
            return True

        try:
            await follow(self._purged, self._store, remove, self._clock.now_ms() - self._grace_ms)
        except RushesError as error:
            # Services start side by side: whoever is asked first thing may not be there yet.
            level = logging.DEBUG if isinstance(error, Unavailable) and not self._asked else logging.WARNING
            log.log(level, "purged_not_removed", extra={"reason": error.reason})
        self._asked = True

    async def _remove(self, purged: PurgedVideo, keys: Sequence[str]) -> None:
        while await self._store.remove_some(purged.tenant_id, purged.video_id):
            pass
        # By name, not by pointer: what the archive has too much goes as well.
        own = f"{purged.tenant_id}/video_{purged.video_id}_version_"
        for key in keys:
            if key.startswith(own):
                await self._archive.delete(key)
        await self._hot.forget(purged.video_id)
        log.info("versions_removed", extra={"video": purged.video_id})
