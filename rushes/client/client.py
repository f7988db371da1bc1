"""What a program can do: projects, assets, videos, notes, uploads, live sessions."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc

from rushes.annotation.v1 import annotation_pb2, annotation_service_pb2, operation_pb2
from rushes.annotation.v1.annotation_service_pb2_grpc import AnnotationServiceStub
from rushes.client.connection import Connection, error_of
from rushes.client.export import export_notes
from rushes.client.session import Session
from rushes.client.upload import upload_file
from rushes.client.versions import Versions
from rushes.errors import FailedPrecondition, RushesError, Unavailable
from rushes.media.v1 import export_service_pb2, media_service_pb2
from rushes.media.v1.media_service_pb2_grpc import MediaServiceStub
from rushes.project.v1 import identity_service_pb2, project_service_pb2
from rushes.project.v1.identity_service_pb2_grpc import IdentityServiceStub
from rushes.project.v1.project_service_pb2_grpc import ProjectServiceStub
from rushes.type.v1.access_pb2 import AUDIENCE_UNSPECIFIED, Audience

PAGE = 1000
READY_EVERY_S = 0.5
DOCUMENT_S = 120.0


class VideoFailed(FailedPrecondition):
    """The uploaded file cannot be reviewed; the message says why."""

    reason = "VIDEO_FAILED"


def connect(
    address: str = "http://127.0.0.1:8080",
    *,
    email: str = "",
    password: str = "",
    session: str = "",
    ca: bytes | None = None,
) -> "Client":
    """A client, to be used with `async with`. Sign in with an address and password, or go on with a session's secret.

    `ca`: PEM of the authority to trust, for servers with one of their own.
    """
    return Client(Connection(address, email=email, password=password, session=session, ca=ca))


class Client:
    """See the module. Every method raises errors of rushes.errors; what it asks for is done once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def __aenter__(self) -> Self:
        await self._connection.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connection.close()

    @property
    def session_secret(self) -> str:
        """Secret of the session, to connect with again without the password."""
        return self._connection.session

    @property
    def _annotation(self) -> AnnotationServiceStub:
        return AnnotationServiceStub(self._connection.channel)

    @property
    def _media(self) -> MediaServiceStub:
        return MediaServiceStub(self._connection.channel)

    @property
    def _project(self) -> ProjectServiceStub:
        return ProjectServiceStub(self._connection.channel)

    @property
    def versions(self) -> Versions:
        """Saved states of notes."""
        return Versions(self._connection)

    # -- people, projects, assets --------------------------------------------------------------------------------

    async def me(self) -> identity_service_pb2.Person:
        """Who one is."""
        stub = IdentityServiceStub(self._connection.channel)
        return (await self._connection.call(stub.GetMe, identity_service_pb2.GetMeRequest())).person

    async def people(self, person_ids: Sequence[str]) -> dict[str, identity_service_pb2.Person]:
        """People of one's tenant by their ids."""
        stub = IdentityServiceStub(self._connection.channel)
        request = identity_service_pb2.ListPeopleRequest(person_ids=person_ids, page_size=PAGE)
        return {person.person_id: person for person in (await self._connection.call(stub.ListPeople, request)).people}

    async def projects(self) -> list[project_service_pb2.Project]:
        """The projects that one may view."""
        found: list[project_service_pb2.Project] = []
        request = project_service_pb2.ListProjectsRequest(page_size=PAGE)
        while True:
            answer = await self._connection.call(self._project.ListProjects, request)
            found += answer.projects
            request.page_token = answer.next_page_token
            if not request.page_token:
                return found

    async def create_project(self, name: str) -> project_service_pb2.Project:
        """Makes a project."""
        request = project_service_pb2.CreateProjectRequest(name=name, request_id=secrets.token_hex(16))
        return (await self._connection.call(self._project.CreateProject, request)).project

    async def assets(self, project_id: int, query: str = "") -> list[project_service_pb2.Asset]:
        """The assets of a project, the last changed first."""
        found: list[project_service_pb2.Asset] = []
        request = project_service_pb2.ListAssetsRequest(project_id=project_id, page_size=PAGE, query=query)
        while True:
            answer = await self._connection.call(self._project.ListAssets, request)
            found += answer.assets
            request.page_token = answer.next_page_token
            if not request.page_token:
                return found

    async def create_asset(self, project_id: int, video_id: int = 0, name: str = "") -> project_service_pb2.Asset:
        """Makes an asset; with a video, that is its first cut."""
        request = project_service_pb2.CreateAssetRequest(
            project_id=project_id, video_id=video_id, name=name, request_id=secrets.token_hex(16)
        )
        return (await self._connection.call(self._project.CreateAsset, request)).asset

    async def add_cut(self, asset_id: int, video_id: int) -> project_service_pb2.Asset:
        """Stacks a cut on an asset."""
        request = project_service_pb2.AddCutRequest(
            asset_id=asset_id, video_id=video_id, request_id=secrets.token_hex(16)
        )
        return (await self._connection.call(self._project.AddCut, request)).asset

    # -- videos --------------------------------------------------------------------------------------------------

    async def video(self, video_id: int) -> media_service_pb2.Video:
        """A video."""
        request = media_service_pb2.GetVideoRequest(video_id=video_id)
        return (await self._connection.call(self._media.GetVideo, request)).video

    async def frame_times(self, video_id: int) -> media_service_pb2.GetFrameTimesResponse:
        """The time of every frame; no times where the rate is even."""
        request = media_service_pb2.GetFrameTimesRequest(video_id=video_id)
        return await self._connection.call(self._media.GetFrameTimes, request)

    async def upload(
        self,
        path: Path,
        project_id: int,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
        rate: str = "",
    ) -> int:
        """Uploads a file for a project and gives its video_id. Goes on after cuts; parts go side by side.

        `rate`: frames a second of a sound, or of numbered pictures in an archive, such as "24" or "24000/1001".
        """
        return await upload_file(self._connection, path, project_id, on_progress, rate)

    async def wait_ready(
        self, video_id: int, on_progress: Callable[[media_service_pb2.Video], None] = lambda video: None
    ) -> media_service_pb2.Video:
        """Waits until a video can be reviewed. Raises VideoFailed."""
        while True:
            video = await self.video(video_id)
            on_progress(video)
            if video.state == media_service_pb2.VIDEO_STATE_READY:
                return video
            if video.state == media_service_pb2.VIDEO_STATE_FAILED:
                raise VideoFailed(video.error, video_id=str(video_id))
            await asyncio.sleep(READY_EVERY_S)

    async def export(
        self,
        video_id: int,
        format: str = "pdf",
        audience: "Audience.ValueType" = AUDIENCE_UNSPECIFIED,
        asset_id: int = 0,
    ) -> tuple[export_service_pb2.Export, bytes]:
        """A file of the notes, written by the server: csv, json, otio, otio-markers, edl, resolve or pdf.

        AUDIENCE_CLIENT leaves internal notes out; an asset gives a sheet its head. Raises ExportFailed.
        """
        return await export_notes(self._connection, video_id, format, audience, asset_id)

    # -- notes ---------------------------------------------------------------------------------------------------

    async def document(
        self,
        video_id: int,
        *,
        revision: int | None = None,
        time_ms: int | None = None,
        frames: tuple[int, int] | None = None,
    ) -> list[annotation_pb2.AnnotationState]:
        """All notes of a video, or of some frames, as they are now or were then; deleted ones too, in drawing order."""
        request = annotation_service_pb2.ReadDocumentRequest(video_id=video_id)
        if revision is not None:
            request.revision = revision
        elif time_ms is not None:
            request.time_ms = time_ms
        if frames is not None:
            request.frames.first, request.frames.last = frames
        return await self._connection.call(self._read_document, request, DOCUMENT_S)

    async def _read_document(
        self, request: annotation_service_pb2.ReadDocumentRequest, **options: Any
    ) -> list[annotation_pb2.AnnotationState]:
        states: list[annotation_pb2.AnnotationState] = []
        async for part in self._annotation.ReadDocument(request, **options):
            states += part.annotations
        return states

    async def annotations(
        self, video_id: int, audience: "Audience.ValueType" = AUDIENCE_UNSPECIFIED
    ) -> list[annotation_pb2.Annotation]:
        """The notes of a video that are not deleted, by frame."""
        request = annotation_service_pb2.ListAnnotationsRequest(video_id=video_id, page_size=PAGE, audience=audience)
        found: list[annotation_pb2.Annotation] = []
        while True:
            answer = await self._connection.call(self._annotation.ListAnnotations, request)
            found += answer.annotations
            request.page_token = answer.next_page_token
            if not request.page_token:
                return found

    async def operations(self, video_id: int, after_revision: int = 0) -> list[operation_pb2.Commit]:
        """What was done to the notes after a revision."""
        request = annotation_service_pb2.ListOperationsRequest(
            video_id=video_id, after_revision=after_revision, page_size=PAGE
        )
        commits: list[operation_pb2.Commit] = []
        while True:
            answer = await self._connection.call(self._annotation.ListOperations, request)
            commits += answer.commits
            request.page_token = answer.next_page_token
            if not request.page_token:
                return commits

    async def follow(self, video_id: int) -> AsyncIterator[annotation_service_pb2.CollaborateResponse]:
        """Snapshot, then commits as they come; goes on after cuts where it was."""
        request = annotation_service_pb2.FollowRequest(video_id=video_id, delivery=annotation_service_pb2.DELIVERY_FULL)
        wait_s = 0.2
        while True:
            try:
                async with aclosing(self._followed(request)) as messages:
                    async for message in messages:
                        wait_s = 0.2
                        _remember(request, message)
                        yield message
            except RushesError as error:
                if error.reason == "TOKEN_EXPIRED":
                    self._connection.expire()
                elif error.reason == "AUDIENCE_CHANGED":
                    request.ClearField("resume_revision")
                elif not isinstance(error, Unavailable) and error.reason != "SLOW_READER":
                    raise
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, 5.0)

    async def _followed(
        self, request: annotation_service_pb2.FollowRequest
    ) -> AsyncGenerator[annotation_service_pb2.CollaborateResponse, None]:
        call = self._annotation.Follow(request, metadata=await self._connection.metadata())
        try:
            async for answer in call:
                yield answer.message
        except grpc.aio.AioRpcError as error:
            raise error_of(error) from error
        finally:
            call.cancel()

    def collaborate(self, video_id: int, frame: int = 0) -> Session:
        """A live session on a video, to be used with `async with`."""
        return Session(self._connection, video_id, frame)


def _remember(
    request: annotation_service_pb2.FollowRequest, message: annotation_service_pb2.CollaborateResponse
) -> None:
    """Where to go on after a cut."""
    kind = message.WhichOneof("message")
    if kind == "opened":
        request.epoch = message.opened.epoch
    elif kind == "snapshot_part" and message.snapshot_part.last:
        request.resume_revision = message.snapshot_part.revision
    elif kind == "committed" and message.committed.commits:
        request.resume_revision = message.committed.commits[-1].revision
    elif kind == "progress_revision":
        request.resume_revision = message.progress_revision
    elif kind == "reset":
        request.ClearField("resume_revision")
        request.epoch = message.reset.epoch
