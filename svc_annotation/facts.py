"""What svc_media knows of a video: whose it is and how many frames it has. Asked once a video, for it never changes;
once more when the video was purged.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import grpc

from mesh.rpc import Channels, to_error
from rushes.errors import NotFound
from rushes.media.v1 import media_service_pb2
from rushes.media.v1.media_service_pb2_grpc import MediaServiceStub
from svc_annotation.errors import VideoNotReady, VideoUnknown

KEPT: Final = 10_000
ASK_AGAIN_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """Of one video."""

    tenant_id: str
    frame_count: int
    ready: bool


LookUp = Callable[[int], Awaitable[VideoFacts | None]]


def look_up_through(channels: Channels) -> LookUp:
    """Asks svc_media."""
    stub = channels.stub(MediaServiceStub, "svc_media", as_person=False)

    async def look_up(video_id: int) -> VideoFacts | None:
        try:
            answer = await stub.LookUpVideo(media_service_pb2.LookUpVideoRequest(video_id=video_id))
        except grpc.aio.AioRpcError as error:
            known = to_error(error)
            if isinstance(known, NotFound):
                return None
            raise known from error
        video = answer.video
        ready = video.state == media_service_pb2.VIDEO_STATE_READY
        return VideoFacts(answer.tenant_id, video.frame_count, ready)

    return look_up


class Facts:
    """Facts by video. Those of a video that is not ready are asked again, at most once a second."""

    def __init__(self, look_up: LookUp) -> None:
        self._look_up = look_up
        self._known: OrderedDict[int, VideoFacts] = OrderedDict()
        self._asked_at: dict[int, float] = {}
        self._asking: dict[int, asyncio.Task[VideoFacts | None]] = {}

    def ready(self, video_id: int) -> VideoFacts | None:
        """The facts of a video that is ready, if they are known."""
        facts = self._known.get(video_id)
        return facts if facts is not None and facts.ready else None

    async def find(self, video_id: int) -> VideoFacts | None:
        """The facts of a video, whoever's it is; None: there is no such video. Raises what the call raises."""
        facts = self._known.get(video_id)
        if facts is None or (not facts.ready and self._may_ask(video_id)):
            facts = await self._ask(video_id)
        return facts

    async def get(self, video_id: int, tenant_id: str) -> VideoFacts:
        """The facts of a tenant's video. Raises VideoUnknown, or what the call raises."""
        facts = await self.find(video_id)
        if facts is None or facts.tenant_id != tenant_id:
            raise VideoUnknown("there is no such video")
        return facts

    async def get_ready(self, video_id: int, tenant_id: str) -> VideoFacts:
        """As `get`; raises VideoNotReady besides."""
        facts = await self.get(video_id, tenant_id)
        if not facts.ready:
            raise VideoNotReady("this video is not ready yet: nothing can be written on it")
        return facts

    async def removed(self, video_id: int) -> bool:
        """Whether svc_media has the video no more. Raises what the call raises."""
        if await self._ask(video_id) is not None:
            return False
        self._known.pop(video_id, None)
        return True

    def _may_ask(self, video_id: int) -> bool:
        return asyncio.get_running_loop().time() - self._asked_at.get(video_id, 0.0) >= ASK_AGAIN_S

    async def _ask(self, video_id: int) -> VideoFacts | None:
        task = self._asking.get(video_id)
        if task is None:
            task = self._asking[video_id] = asyncio.create_task(self._fetch(video_id))
            task.add_done_callback(lambda _: self._asking.pop(video_id, None))
        return await asyncio.shield(task)

    async def _fetch(self, video_id: int) -> VideoFacts | None:
        facts = await self._look_up(video_id)
        if facts is None:
            return None
        self._known[video_id] = facts
        self._asked_at.pop(video_id, None)
        if not facts.ready:
            self._asked_at[video_id] = asyncio.get_running_loop().time()
        while len(self._known) > KEPT:
            oldest, _ = self._known.popitem(last=False)
            self._asked_at.pop(oldest, None)
        return facts
