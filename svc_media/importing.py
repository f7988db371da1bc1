"""Videos that a service brings, or has made of others: as uploads of the person whose they are."""

import re
from collections.abc import AsyncIterator
from typing import Final

from mesh.clock import Clock
from rushes.errors import InvalidArgument, NotFound
from rushes.media.v1 import import_service_pb2 as pb
from svc_media.core import tus
from svc_media.core.compose import MAX_NAME, Composition, CompositionInvalid, Input, demuxer_of
from svc_media.core.model import ENDED, Owner, Upload, VideoState
from svc_media.stores import Store
from svc_media.upload import Uploads
from svc_media.work import Jobs

_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")


class ImportInvalid(InvalidArgument):
    """An import that does not say what it is, or is not what it says."""

    reason = "INVALID_IMPORT"


class Imports:
    """See the module. The import_id is the upload's, so that nothing is brought twice."""

    def __init__(self, store: Store, uploads: Uploads, jobs: Jobs, clock: Clock) -> None:
        self._store = store
        self._uploads = uploads
        self._jobs = jobs
        self._clock = clock

    async def bring(self, opening: pb.ImportOpen, data: AsyncIterator[bytes]) -> int:
        """Takes a file; gives its video's id. Bytes that came before are passed over."""
        upload = await self._upload(opening, opening.size_bytes)
        # What people watch is what is made of several such: that comes first.
        self._jobs.postpone(upload.video_id)
        if not upload.done:
            upload = await self._uploads.write(upload, upload.offset, _behind(data, upload.offset))
        if not upload.done:
            raise ImportInvalid("fewer bytes came than were to come")
        return upload.video_id

    async def compose(self, request: pb.ComposeVideoRequest) -> int:
        """A video that is made of others; gives its id."""
        composition = Composition(
            tuple([await self._input(request, each) for each in request.parts]), request.duration_ms
        )
        composition.check()
        upload = await self._upload(request.open, 0)
        await self._store.put_composition(upload.video_id, composition.to_json())
        job = await self._store.finish_upload(upload.upload_id, upload.upload_id, self._clock.now_ms())
        video = await self._store.video(upload.video_id)
        if job.state in ENDED and video is not None and video.state is VideoState.FAILED:
            job = await self._store.add_job(upload.owner, upload.video_id, "", self._clock.now_ms())
        self._jobs.enqueue(job)
        return upload.video_id

    async def _upload(self, opening: pb.ImportOpen, size_bytes: int) -> Upload:
        if not _ID.fullmatch(opening.import_id) or not opening.tenant_id or opening.project_id <= 0 or size_bytes < 0:
            raise ImportInvalid("an import has an id, a tenant and a project")
        owner = Owner(opening.tenant_id, opening.person_id, opening.project_id)
        known = await self._store.upload(opening.import_id)
        if known is not None:
            if known.owner != owner:
                raise ImportInvalid("this import is somebody else's")
            return known
        name = tus.safe_name(opening.file_name)
        return await self._uploads.import_(owner, opening.import_id, name, size_bytes)

    async def _input(self, request: pb.ComposeVideoRequest, part: pb.Part) -> Input:
        video = await self._store.video(part.video_id)
        if video is None or video.owner.tenant_id != request.open.tenant_id:
            raise NotFound("There is no such video.")
        demuxer = demuxer_of(video.file_name)
        if not demuxer:
            raise CompositionInvalid("parts are WebM or MP4")
        if len(part.name) > MAX_NAME:
            raise CompositionInvalid(f"a name has at most {MAX_NAME} characters")
        of = (part.start_ms, part.duration_ms, part.tile, part.has_video, part.has_audio)
        return Input(str(part.video_id), demuxer, *of, name=part.name)


async def _behind(data: AsyncIterator[bytes], offset: int) -> AsyncIterator[bytes]:
    async for chunk in data:
        passed = min(offset, len(chunk))
        offset -= passed
        if passed < len(chunk):
            yield chunk[passed:]
