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
from svc_annotation.stores import History, Snapshots
from svc_annotation.videos import Videos

EVERY_S: Final = 600.0
FIRST_S: Final = 60.0
"""Those who come back after a start are served first."""
_logger = logging.getLogger(__name__)


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
        """Removes what can be. What cannot be removed now is tried again, and the rest waits."""
        try:
            await follow(self._purged, self._history, self._remove)
        except RushesError as error:
            _logger.warning("purged_not_removed", extra={"reason": error.reason})

    async def _remove(self, purged: PurgedVideo) -> bool:
        """False: it is still in use, here or in svc_media."""
        video_id = purged.video_id
        if not await self._facts.removed(video_id) or self._videos.holds(video_id):
            return False
        while await self._history.remove_some(video_id):
            pass
        await self._snapshots.remove(purged.tenant_id, video_id)
        _logger.info("notes_removed", extra={"video": video_id})
        return True
