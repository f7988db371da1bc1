"""What svc_media knows about videos, over gRPC."""

import grpc

from mesh.rpc import Channels, to_error
from rushes import errors
from rushes.media.v1 import media_service_pb2 as pb
from rushes.media.v1.media_service_pb2_grpc import MediaServiceStub
from svc_project.core.model import ProjectId, TenantId, VideoFacts, VideoId


class MediaVideos:
    """The port Videos; svc_media is asked in the service's own name, for the rights are decided here."""

    def __init__(self, channels: Channels) -> None:
        self._stub = channels.stub(MediaServiceStub, "svc_media", as_person=False)

    async def look_up(self, video_id: VideoId) -> VideoFacts | None:
        """Facts of a video; None: there is none."""
        try:
            answer = await self._stub.LookUpVideo(pb.LookUpVideoRequest(video_id=video_id))
        except grpc.aio.AioRpcError as error:
            known = to_error(error)
            if isinstance(known, errors.NotFound):
                return None
            raise known from error
        video = answer.video
        return VideoFacts(
            VideoId(video.video_id), TenantId(answer.tenant_id), ProjectId(video.project_id), video.file_name
        )
