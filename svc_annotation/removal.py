"""Notes of videos that svc_project purged are removed for good, once svc_media has removed the video itself: from then
on nobody is told of it. The records in the log stay until the segment that has them goes.
"""

import asyncio
import logging
from typing import Final

from mesh.purged import PurgedVideos, follow
from rushes.errors import RushesError
from rushes.project.v1.project_service_pb2 import PurgedVideo
from svc_annotation.facts import Facts
from svc_annotation.stores import History, Snapshots, partition_of
from svc_annotation.videos import Videos

EVERY_S: Final = 600.0
FIRST_S: Final = 60.0
"""Those who come back after a start are served first."""
_logger = logging.getLogger(__name__)


class _StillThereError(Exception):
    """svc_media has the video still, and so those that were purged after it: it removes them in order, after a day."""


class Removals:
    """See the module. Of several instances each does it: what is gone is gone."""

    def __init__(
        self, purged: PurgedVideos, history: History, snapshots: Snapshots, videos: Videos, facts: Facts
    ) -> None:
        self._purged = purged
        self._history = history
        self._snapshots = snapshots
        self._videos = videos
        self._facts = facts
        self._waiting: set[int] = set()
        """Of these it was said that they wait."""

    async def run(self) -> None:
        """Looks now and then, for ever."""
        await asyncio.sleep(FIRST_S)
        while True:
            try:
                await self.upkeep()
            except Exception:
                _logger.exception("removal_failed")
            await asyncio.sleep(EVERY_S)

    async def upkeep(self) -> None:
        """Removes what can be. What cannot be removed now is tried again."""
        try:
            await follow(self._purged, self._history, self._remove, passing=True)
        except _StillThereError:
            return
        except RushesError as error:
            _logger.warning("purged_not_removed", extra={"reason": error.reason})

    async def _remove(self, purged: PurgedVideo) -> bool:
        """False: it has to wait. Raises _StillThereError."""
        video_id = purged.video_id
        if not await self._facts.removed(video_id):
            return await self._is_of_another(purged)
        if self._videos.holds(video_id):
            return self._put_off(video_id, "in_use")
        if await self._would_come_back(video_id):
            return self._put_off(video_id, "log_held_back")
        while await self._history.remove_some(video_id):
            pass
        await self._snapshots.remove(purged.tenant_id, video_id)
        self._waiting.discard(video_id)
        _logger.info("notes_removed", extra={"video": video_id})
        return True

    async def _is_of_another(self, purged: PurgedVideo) -> bool:
        """Whether the video is another tenant's, of whom nothing was purged. Raises _StillThereError if it is not."""
        facts = await self._facts.find(purged.video_id)
        if facts is None or facts.tenant_id == purged.tenant_id:
            raise _StillThereError
        return True

    async def _would_come_back(self, video_id: int) -> bool:
        """Whether a start would read records of it again, and write them anew: the log is read from where history ends,
        and a video in quarantine holds that back for all of its partition.
        """
        last_offset = self._videos.free(video_id)
        head = await self._history.head(video_id)
        if head is not None and head.epoch == self._videos.epoch:
            last_offset = max(last_offset, head.offset)
        await self._videos.keep(self._videos.positions({}))
        return last_offset >= (await self._history.positions()).get(partition_of(video_id), 0)

    def _put_off(self, video_id: int, reason: str) -> bool:
        if video_id not in self._waiting:
            self._waiting.add(video_id)
            _logger.warning("removal_put_off", extra={"video": video_id, "reason": reason})
        return False
