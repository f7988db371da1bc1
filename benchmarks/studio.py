"""A project with a video and people in it, through the product's own doors."""

import secrets
import time
from pathlib import Path

from benchmarks.stack import Stack, StackError
from rushes.media.v1 import media_service_pb2 as media
from rushes.project.v1 import identity_service_pb2 as identity
from rushes.project.v1 import project_service_pb2 as project
from rushes.signaling.v1 import room_service_pb2 as signaling
from rushes.version.v1 import version_service_pb2 as version

MEDIA = media.DESCRIPTOR.services_by_name["MediaService"]
PROJECT = project.DESCRIPTOR.services_by_name["ProjectService"]
IDENTITY = identity.DESCRIPTOR.services_by_name["IdentityService"]
ROOM = signaling.DESCRIPTOR.services_by_name["RoomService"]
VERSION = version.DESCRIPTOR.services_by_name["VersionService"]


class Studio:
    """What a run needs, made as a person would make it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.secret = stack.sign_in()
        projects = stack.rpc(PROJECT, "ListProjects", project.ListProjectsRequest(), self.secret).projects
        self.project_id: int = projects[0].project_id

    def video(self, file: Path, timeout_s: float = 120.0) -> media.Video:
        """Uploads a clip as an asset and waits until it can be reviewed."""
        video_id = self.stack.upload(file, self.project_id, self.secret)
        request = project.CreateAssetRequest(project_id=self.project_id, video_id=video_id)
        self.stack.rpc(PROJECT, "CreateAsset", request, self.secret)
        return self.wait_ready(video_id, timeout_s)

    def wait_ready(self, video_id: int, timeout_s: float = 120.0) -> media.Video:
        """Waits until a video can be reviewed."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            asked = media.GetVideoRequest(video_id=video_id)
            video: media.Video = self.stack.rpc(MEDIA, "GetVideo", asked, self.secret).video
            if video.state == media.VIDEO_STATE_READY:
                return video
            if video.state == media.VIDEO_STATE_FAILED:
                raise StackError(f"video {video_id}: {video.error}")
            time.sleep(0.1)
        raise StackError(f"video {video_id} was not ready in {timeout_s} s")

    def invitation(self, role: str) -> str:
        """Secret of an invitation link."""
        request = identity.CreateInvitationRequest(
            project_id=self.project_id, role=role, max_uses=10_000, request_id=secrets.token_hex(16)
        )
        answer = self.stack.rpc(IDENTITY, "CreateInvitation", request, self.secret)
        secret: str = answer.secret
        return secret

    def people(self, count: int, role: str = "reviewer") -> list[str]:
        """Secrets of sessions of so many new people."""
        invitation = self.invitation(role)
        return [
            self.stack.post_json("/auth/accept", {"secret": invitation, "name": f"Person {number}"})[1]
            for number in range(count)
        ]
