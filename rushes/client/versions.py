"""Saved states of the notes of a video: what a program does with them."""

import asyncio
import secrets
from collections.abc import AsyncIterator

from rushes.annotation.v1 import annotation_pb2, operation_pb2
from rushes.client.connection import Connection
from rushes.errors import FailedPrecondition, NotFound
from rushes.version.v1 import version_pb2
from rushes.version.v1 import version_service_pb2 as service
from rushes.version.v1.version_service_pb2_grpc import VersionServiceStub

PAGE = 1000
LOOK_S = 0.5


class RollbackFailed(FailedPrecondition):
    """A roll-back ended early; the message says why. What it wrote stays, and can be undone."""

    reason = "ROLLBACK_FAILED"


class Versions:
    """Every method raises errors of rushes.errors; what it asks for is done once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def _stub(self) -> VersionServiceStub:
        return VersionServiceStub(self._connection.channel)

    async def all(self, video_id: int) -> AsyncIterator[version_pb2.Version]:
        """The versions of a video, the newest first."""
        request = service.ListVersionsRequest(video_id=video_id, page_size=PAGE)
        while True:
            answer = await self._connection.call(self._stub.ListVersions, request)
            for version in answer.versions:
                yield version
            request.page_token = answer.next_page_token
            if not request.page_token:
                return

    async def find(self, video_id: int, name: str) -> version_pb2.Version:
        """A version by its number among those of the video, by its tag, or, of an empty name, the head."""
        if name.isdecimal():
            async for version in self.all(video_id):
                if version.number == int(name):
                    return version
            raise NotFound(f"there is no version {name} of this video")
        request = service.GetVersionRequest(video_id=video_id)
        if name:
            request.tag = name
        return (await self._connection.call(self._stub.GetVersion, request)).version

    async def commit(
        self, video_id: int, message: str = "", *, revision: int | None = None, base_version_id: int = 0
    ) -> version_pb2.Version:
        """Saves the notes as they are now, or were at a revision; on the head, or on a base of one's choice."""
        request = service.CommitVersionRequest(
            video_id=video_id, message=message, base_version_id=base_version_id, request_id=secrets.token_hex(16)
        )
        if revision is not None:
            request.revision = revision
        return (await self._connection.call(self._stub.CommitVersion, request)).version

    async def commit_operations(
        self, video_id: int, operations: list[operation_pb2.Operation], message: str = "", base_version_id: int = 0
    ) -> version_pb2.Version:
        """Saves what operations make of a version: a state that need never have been live."""
        request = service.CommitVersionRequest(
            video_id=video_id,
            message=message,
            base_version_id=base_version_id,
            operations=service.DeltaOperations(operations=operations),
            request_id=secrets.token_hex(16),
        )
        return (await self._connection.call(self._stub.CommitVersion, request)).version

    async def document(self, video_id: int, version_id: int) -> list[annotation_pb2.AnnotationState]:
        """All notes that a version holds, deleted ones too, in drawing order."""
        states: list[annotation_pb2.AnnotationState] = []
        request = service.GetVersionDocumentRequest(video_id=video_id, version_id=version_id)
        while True:
            answer = await self._connection.call(self._stub.GetVersionDocument, request)
            states += answer.annotations
            request.page_token = answer.next_page_token
            if not request.page_token:
                return states

    async def diff(
        self, video_id: int, from_version_id: int, to_version_id: int
    ) -> AsyncIterator[service.AnnotationDiff]:
        """What differs between two versions, in drawing order."""
        request = service.DiffVersionsRequest(
            video_id=video_id, from_version_id=from_version_id, to_version_id=to_version_id, page_size=PAGE
        )
        while True:
            answer = await self._connection.call(self._stub.DiffVersions, request)
            for each in answer.diffs:
                yield each
            request.page_token = answer.next_page_token
            if not request.page_token:
                return

    async def tag(self, video_id: int, version_id: int, tag: str, *, remove: bool = False) -> version_pb2.Version:
        """Names a version, or takes the name away."""
        request = service.TagVersionRequest(
            video_id=video_id, version_id=version_id, tag=tag, remove=remove, request_id=secrets.token_hex(16)
        )
        return (await self._connection.call(self._stub.TagVersion, request)).version

    async def merge(
        self, video_id: int, from_version_id: int, into_version_id: int, message: str = ""
    ) -> service.MergeVersionsResponse:
        """Joins two versions into a new one; nothing live changes."""
        request = service.MergeVersionsRequest(
            video_id=video_id,
            from_version_id=from_version_id,
            into_version_id=into_version_id,
            message=message,
            request_id=secrets.token_hex(16),
        )
        return await self._connection.call(self._stub.MergeVersions, request)

    async def roll_back(
        self,
        video_id: int,
        target: service.RollbackTarget,
        *,
        scope: service.RollbackScope | None = None,
        dry_run: bool = False,
        message: str = "",
    ) -> version_pb2.Rollback:
        """Brings the live notes back, and waits until it is done. Raises RollbackFailed."""
        request = service.RollbackVersionRequest(
            video_id=video_id,
            target=target,
            scope=scope,
            dry_run=dry_run,
            message=message,
            request_id="" if dry_run else secrets.token_hex(16),
        )
        return await self._done((await self._connection.call(self._stub.RollbackVersion, request)).rollback)

    async def carry(
        self, from_video_id: int, to_video_id: int, frame_offset: int = 0, *, open_only: bool = False
    ) -> version_pb2.Rollback:
        """Brings the notes of one cut to another as one's own, and waits until it is done. Raises RollbackFailed."""
        request = service.CarryNotesRequest(
            from_video_id=from_video_id,
            to_video_id=to_video_id,
            frame_offset=frame_offset,
            open_only=open_only,
            request_id=secrets.token_hex(16),
        )
        return await self._done((await self._connection.call(self._stub.CarryNotes, request)).rollback)

    async def _done(self, rollback: version_pb2.Rollback) -> version_pb2.Rollback:
        request = service.GetRollbackRequest(video_id=rollback.video_id, rollback_id=rollback.rollback_id)
        while rollback.state == version_pb2.ROLLBACK_STATE_RUNNING:
            await asyncio.sleep(LOOK_S)
            rollback = (await self._connection.call(self._stub.GetRollback, request)).rollback
        if rollback.state == version_pb2.ROLLBACK_STATE_FAILED:
            raise RollbackFailed(
                rollback.error_message or rollback.error_reason,
                rollback_id=str(rollback.rollback_id),
                because=rollback.error_reason,
            )
        return rollback
