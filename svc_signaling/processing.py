"""What is made of a recording that ended: a video of each take, and one of all. Each step can be done again."""

import asyncio
import logging
import re
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from mesh.blobs import Blobs
from rushes.errors import FailedPrecondition
from rushes.signaling.v1 import recording_pb2 as pb
from svc_signaling.core.name import SegmentName, read_name
from svc_signaling.recorder.process import TakeUnreadable, join
from svc_signaling.stores import Owned, RecordingStore
from svc_signaling.videos import Videos

_UNSAFE: Final = re.compile(r"[^\w .,()-]+")
_SUFFIX: Final = re.compile(r"\.[A-Za-z0-9]{2,4}$")

_logger = logging.getLogger(__name__)


class NothingRecorded(FailedPrecondition):
    """Nobody was seen or heard while it was recorded."""

    reason = "NOTHING_RECORDED"


def prefix_of(owned: Owned) -> str:
    """Where the segments of a recording are."""
    return f"{owned.tenant_id}/{owned.recording.room_id}/{owned.recording.recording_id}/"


class Processing:
    """See the module. `name_of` gives the name that a participant had."""

    def __init__(
        self,
        store: RecordingStore,
        blobs: Blobs,
        videos: Videos,
        scratch: Path,
        name_of: Callable[[Owned, str], Awaitable[str]],
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._videos = videos
        self._scratch = scratch
        self._name_of = name_of

    async def run(self, owned: Owned) -> None:
        """Makes what is not made yet. Raises NothingRecorded, and what svc_media says."""
        recording = owned.recording
        blobs = await self._blobs.list(prefix_of(owned))
        names = sorted(name for blob in blobs if (name := read_name(blob.key.rpartition("/")[2])) is not None)
        made = {(take.start_time_ms, take.participant_id) for take in recording.takes}
        for take, segments in groupby(names, key=lambda name: name.take):
            if take not in made:
                await self._take(owned, list(segments))
        if not recording.takes:
            raise NothingRecorded("nobody was seen or heard while it was recorded")
        if not recording.mosaic_video_id:
            file_name = f"{_safe(recording.title)}.mp4"
            recording.mosaic_video_id = await self._videos.compose(owned, recording.recording_id, file_name)
            await self._store.put(owned)
        # svc_media has them now, as whole files.
        for name in names:
            await self._blobs.delete(f"{prefix_of(owned)}{name}")

    async def _take(self, owned: Owned, segments: Sequence[SegmentName]) -> None:
        first = segments[0]
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=self._scratch))
        try:
            paths = [await self._fetched(owned, segment, folder) for segment in segments]
            output = folder / f"take.{first.suffix}"
            facts = await join(output, paths)
            who = await self._name_of(owned, first.participant_id)
            # A tenant's id is no part of it: ids of recordings are random.
            import_id = f"{owned.recording.recording_id}-{first.start_ms}-{first.participant_id[:12]}"
            file_name = f"{_safe(owned.recording.title)} - {_safe(who)}.{first.suffix}"
            video_id = await self._videos.add(owned, import_id, file_name, output)
        except TakeUnreadable as error:
            _logger.warning("take_unreadable", extra={"take": str(first), "error": str(error)})
            return
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        owned.recording.takes.append(
            pb.Take(
                participant_id=first.participant_id,
                name=who,
                start_time_ms=first.start_ms,
                duration_ms=facts["duration_ms"],
                has_video=bool(facts["video"]),
                has_audio=bool(facts["audio"]),
                video_id=video_id,
            )
        )
        await self._store.put(owned)

    async def _fetched(self, owned: Owned, segment: SegmentName, folder: Path) -> Path:
        path = folder / str(segment)
        with await asyncio.to_thread(path.open, "wb") as file:
            async for data in self._blobs.read(f"{prefix_of(owned)}{segment}"):
                await asyncio.to_thread(file.write, data)
        return path


def _safe(text: str) -> str:
    """As a part of a file's name; rooms are often called as a clip is, whose file this is not."""
    text = _SUFFIX.sub("", text)
    return _UNSAFE.sub(" ", text).strip()[:80] or "Recording"
