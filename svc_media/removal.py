"""Videos that svc_project purged are removed for good, with their files; bytes that another video has too stay."""

import logging
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from mesh.clock import Clock
from mesh.purged import DAY_MS, PurgedVideos, follow
from rushes.errors import RushesError
from rushes.project.v1 import project_service_pb2 as pb
from svc_media.core.model import ENDED, Video, VideoState
from svc_media.export import Exports
from svc_media.lock import Locks
from svc_media.shelf import Shelf
from svc_media.stores import Store
from svc_media.stores.folder import Folder
from svc_media.upload import Uploads

log = logging.getLogger(__name__)


class Removals:
    """See the module. In the order in which they were purged; whatever a crash cut off is done again."""

    def __init__(
        self,
        purged: PurgedVideos,
        store: Store,
        uploads: Uploads,
        exports: Exports,
        folder: Folder,
        shelf: Shelf,
        locks: Locks,
        clock: Clock,
        *,
        days: float,
    ) -> None:
        self._purged = purged
        self._store = store
        self._uploads = uploads
        self._exports = exports
        self._folder = folder
        self._shelf = shelf
        self._locks = locks
        self._clock = clock
        self._grace_ms = int(days * DAY_MS)

    async def upkeep(self) -> None:
        """Removes what was purged long enough ago. What cannot be removed now is tried again, and the rest waits."""
        try:
            await follow(self._purged, self._store, self._remove, self._clock.now_ms() - self._grace_ms)
        except RushesError as error:
            log.warning("purged_not_removed", extra={"reason": error.reason})

    async def _remove(self, purged: pb.PurgedVideo) -> bool:
        """Whether it is gone; False: somebody is at it. Jobs hold these locks for hours, so nobody waits for them."""
        async with self._alone(("video", purged.video_id)) as alone:
            if not alone:
                return False
            video = await self._store.video(purged.video_id)
            if video is None or video.owner.tenant_id != purged.tenant_id:
                return True
            job = await self._store.job(video.job_id) if video.job_id else None
            if job is not None and job.state not in ENDED:
                return False
            upload = await self._store.upload(video.upload_id)
            if video.state is VideoState.UPLOADING and upload is not None:
                await self._uploads.remove(upload, "The clip was deleted.", expired=True)
            await self._exports.forget(video.video_id)
            if not video.sha256:
                await self._store.remove_video(video, self._clock.now_ms(), content=False)
                return True
            async with self._alone((video.owner.tenant_id, video.sha256)) as alone:
                if alone:
                    await self._remove_content(video)
                return alone

    @asynccontextmanager
    async def _alone(self, name: Hashable) -> AsyncIterator[bool]:
        """Whether nobody else is at it, and nobody begins."""
        lock = self._locks.of(name)
        alone = await lock.attempt()
        try:
            yield alone
        finally:
            if alone:
                lock.release()

    async def _remove_content(self, video: Video) -> None:
        """Of those who bring the same bytes later nobody finds half of the files."""
        tenant_id, sha256 = video.owner.tenant_id, video.sha256
        alone = not await self._store.shares_content(video)
        if alone:
            await self._store.spoil_content(tenant_id, sha256)
            await self._shelf.drop(self._folder.content(tenant_id, sha256, "original").parent)
        await self._store.remove_video(video, self._clock.now_ms(), content=alone)
        log.info("video_removed", extra={"video": video.video_id, "files": alone})
