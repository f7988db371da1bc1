"""What is known of videos, for people and services: facts, files, and which rights count."""

from dataclasses import dataclass
from pathlib import Path

from rushes.errors import FailedPrecondition, NotFound
from rushes.media.v1 import media_service_pb2 as media
from rushes.type.v1.access_pb2 import RESOURCE_KIND_PROJECT, RESOURCE_KIND_VIDEO, Resource
from rushes.type.v1.number_pb2 import Rational
from svc_media.core.container import Kind
from svc_media.core.facts import VideoFacts
from svc_media.core.model import Content, Rendition, Video, VideoState
from svc_media.shelf import Shelf
from svc_media.stores import Store
from svc_media.stores.folder import Folder

_STATES = {
    VideoState.UPLOADING: media.VIDEO_STATE_UPLOADING,
    VideoState.PROCESSING: media.VIDEO_STATE_PROCESSING,
    VideoState.READY: media.VIDEO_STATE_READY,
    VideoState.FAILED: media.VIDEO_STATE_FAILED,
}
_KINDS = {
    "original": media.RENDITION_KIND_ORIGINAL,
    "review": media.RENDITION_KIND_REVIEW,
    "poster": media.RENDITION_KIND_POSTER,
    "filmstrip": media.RENDITION_KIND_FILMSTRIP,
    "waveform": media.RENDITION_KIND_WAVEFORM,
}

_VIDEO_KINDS = {Kind.STILL: media.VIDEO_KIND_STILL, Kind.SOUND: media.VIDEO_KIND_SOUND}


class VideoNotReady(FailedPrecondition):
    """The video is not ready yet, or will never be."""

    reason = "VIDEO_NOT_READY"


@dataclass(frozen=True, slots=True)
class Served:
    """A file to be sent."""

    path: Path
    content_type: str
    etag: str
    """Strong: a file is made of its content once, and never changed."""
    file_name: str
    download: bool
    """It is the original: needs the permission to download, and the audit trail is told."""
    video: Video
    kept: bool = True
    """Whoever has got it may keep it, and need not ask again."""


def address(video_id: int, rendition: Rendition) -> str:
    """Where a rendition is; what players play has a name of its own, though it may be the original's bytes."""
    name = rendition.name
    if rendition.kind == "review":
        name = "review" + {"video/mp4": ".mp4", "image/png": ".png", "image/jpeg": ".jpg"}.get(
            rendition.content_type, "." + rendition.content_type.rsplit("/", 1)[-1]
        )
    return f"/media/{video_id}/{name}"


class Catalog:
    """Reads the store."""

    def __init__(self, store: Store, folder: Folder, shelf: Shelf) -> None:
        self._store = store
        self._folder = folder
        self._shelf = shelf

    async def video(self, video_id: int) -> Video:
        """A video. Raises NotFound."""
        video = await self._store.video(video_id)
        if video is None:
            raise NotFound("There is no such video, or it is not yours to see.")
        return video

    async def resources(self, resource: Resource) -> list[Resource]:
        """A video, seen as a cut, and the project that it was uploaded for: see `permissions_of`."""
        if resource.kind != RESOURCE_KIND_VIDEO or not resource.id.isdecimal():
            return [resource]
        video = await self._store.video(int(resource.id))
        if video is None:
            return [resource]
        return [resource, Resource(kind=RESOURCE_KIND_PROJECT, id=str(video.owner.project_id))]

    async def resources_of(self, video_id: int, tenant_id: str) -> list[Resource]:
        """As resources, by id. Raises NotFound for another tenant's."""
        video = await self.video(video_id)
        if video.owner.tenant_id != tenant_id:
            raise NotFound("There is no such video, or it is not yours to see.")
        return await self.resources(Resource(kind=RESOURCE_KIND_VIDEO, id=str(video_id)))

    async def content(self, video: Video) -> Content | None:
        """What a video consists of; None: not known yet."""
        return await self._store.content(video.owner.tenant_id, video.sha256) if video.sha256 else None

    async def describe(self, video_id: int) -> tuple[media.Video, Video]:
        """A video as it is answered, and as it is kept."""
        video = await self.video(video_id)
        answer = media.Video(
            video_id=video.video_id,
            project_id=video.owner.project_id,
            state=_STATES[video.state],
            error=video.error,
            file_name=video.file_name,
            size_bytes=video.size_bytes,
            sha256=video.sha256,
            created_ms=video.created_ms,
            display_offset=video.display_offset,
            job_id=video.job_id,
        )
        content = await self.content(video)
        if video.state is VideoState.READY and content is not None and content.facts is not None:
            _add_facts(answer, VideoFacts.from_json(content.facts["facts"]))
            answer.progress_permille = 1000
        elif video.state is VideoState.UPLOADING:
            upload = await self._store.upload(video.upload_id)
            answer.progress_permille = int(1000 * upload.offset / max(1, upload.length)) if upload else 0
        else:
            job = await self._store.job(video.job_id)
            answer.progress_permille = job.progress_permille if job else 0
        return answer, video

    async def facts(self, video_id: int) -> VideoFacts:
        """The facts of a video that is ready. Raises VideoNotReady."""
        video = await self.video(video_id)
        content = await self.content(video)
        if video.state is not VideoState.READY or content is None or content.facts is None:
            raise VideoNotReady("This video is not ready yet.", state=video.state)
        return VideoFacts.from_json(content.facts["facts"])

    async def review(self, video_id: int) -> tuple[Path, VideoFacts]:
        """The review file and its facts. Raises VideoNotReady."""
        video = await self.video(video_id)
        content = await self.content(video)
        if video.state is not VideoState.READY or content is None or content.facts is None:
            raise VideoNotReady("This video is not ready yet.", state=video.state)
        review = next(each for each in content.renditions if each.kind == "review")
        path = await self._shelf.local(self._folder.content(video.owner.tenant_id, video.sha256, review.name))
        return path, VideoFacts.from_json(content.facts["review"])

    async def renditions(self, video_id: int) -> list[media.Rendition]:
        """The files that are finished."""
        video = await self.video(video_id)
        content = await self.content(video)
        if content is None:
            return []
        return [
            media.Rendition(
                kind=_KINDS[rendition.kind],
                path=address(video_id, rendition),
                content_type=rendition.content_type,
                size_bytes=rendition.size_bytes,
                width=rendition.width,
                height=rendition.height,
                columns=rendition.columns,
                tiles=rendition.tiles,
                frames_per_tile=rendition.frames_per_tile,
            )
            for rendition in content.renditions
        ]

    async def file(self, video_id: int, name: str) -> Served:
        """A file by the last part of its address. Raises NotFound."""
        video = await self.video(video_id)
        content = await self.content(video)
        for rendition in content.renditions if content is not None else ():
            if address(video_id, rendition) != f"/media/{video_id}/{name}":
                continue
            path = self._folder.content(video.owner.tenant_id, video.sha256, rendition.name)
            etag = f"{video.sha256.hex()}-{rendition.name}-{rendition.size_bytes:x}"
            return Served(path, rendition.content_type, etag, video.file_name, rendition.kind == "original", video)
        raise NotFound("There is no such file of this video (yet).")


def _add_facts(answer: media.Video, facts: VideoFacts) -> None:
    answer.kind = _VIDEO_KINDS.get(facts.kind, media.VIDEO_KIND_MOVIE)
    answer.display_offset = answer.display_offset or facts.first_number
    answer.remarks.extend(facts.remarks)
    answer.width, answer.height = facts.width, facts.height
    answer.rate.CopyFrom(Rational(num=facts.rate.numerator, den=facts.rate.denominator))
    answer.frame_count = facts.frame_count
    answer.variable_rate = facts.variable_rate
    if facts.start_timecode is not None:
        start = facts.start_timecode
        answer.start_timecode.CopyFrom(media.Timecode(frames=start.frames, drop_frame=start.drop_frame))
    answer.has_sound = facts.has_sound
    answer.duration_us = facts.duration_us
    answer.codec = facts.codec
    answer.color = str(facts.color)
