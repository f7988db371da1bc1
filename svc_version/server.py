"""The gRPC side: protobuf in, protobuf out; what a client may not read is left out here."""

from collections.abc import AsyncIterator
from typing import Any

import grpc

from mesh.auth import Identity, caller, granted, has, permissions_of
from rushes.errors import NotFound
from rushes.type.v1.access_pb2 import (
    AUDIENCE_CLIENT,
    PERMISSION_SEE_INTERNAL,
    PERMISSION_VIEW,
    RESOURCE_KIND_VIDEO,
    Resource,
)
from rushes.version.v1 import version_service_pb2 as service
from rushes.version.v1.stored_pb2 import EncodedDocument
from rushes.version.v1.version_service_pb2_grpc import VersionServiceServicer, add_VersionServiceServicer_to_server
from svc_version import reading
from svc_version.commit import Commits, Who, once_of
from svc_version.errors import VersionRequestInvalid, VersionUnknown
from svc_version.message import rollback_message, version_message
from svc_version.rollback import Rollbacks
from svc_version.sync import Sync

VERSION_SERVICE = "rushes.version.v1.VersionService"
MAX_CONFLICTS = 1_000
TAG_CHARACTERS = 64


def who() -> Who:
    """Who asks."""
    asking = caller()
    return Who(asking.tenant_id, asking.person_id, asking.session_id, granted())


def sees_internal(wanted: int) -> bool:
    """Whether who asks reads internal notes too."""
    return has(granted(), PERMISSION_SEE_INTERNAL) and wanted != AUDIENCE_CLIENT


def register(servicer: "VersionServicer", server: grpc.aio.Server) -> None:
    """Lets a server answer all calls; documents leave as the bytes that they are kept in."""
    documents = grpc.unary_unary_rpc_method_handler(
        servicer.GetVersionDocument,
        request_deserializer=service.GetVersionDocumentRequest.FromString,
        response_serializer=EncodedDocument.SerializeToString,
    )
    # Of two handlers of a method, a server asks the first.
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(VERSION_SERVICE, {"GetVersionDocument": documents}),)
    )
    add_VersionServiceServicer_to_server(servicer, server)


class VersionServicer(VersionServiceServicer):
    """See the protos."""

    def __init__(
        self, commits: Commits, rollbacks: Rollbacks, reader: reading.Reading, sync: Sync, identity: Identity
    ) -> None:
        self._commits = commits
        self._rollbacks = rollbacks
        self._reader = reader
        self._sync = sync
        self._identity = identity

    async def CommitVersion(self, request: service.CommitVersionRequest, context: Any) -> Any:
        version = await self._commits.commit(who(), request)
        return service.CommitVersionResponse(version=version_message(version))

    async def GetVersion(self, request: service.GetVersionRequest, context: Any) -> Any:
        tenant_id = caller().tenant_id
        if request.WhichOneof("which") == "tag":
            found = await self._reader.store.tagged(tenant_id, request.video_id, request.tag)
        else:
            head = await self._reader.store.head(tenant_id, request.video_id)
            wanted = request.version_id or head.version_id
            found = await self._reader.store.get(tenant_id, request.video_id, wanted)
        if found is None:
            raise VersionUnknown("there is no such version of this video")
        return service.GetVersionResponse(version=version_message(found))

    async def ListVersions(self, request: service.ListVersionsRequest, context: Any) -> Any:
        versions, token = await self._reader.page(caller().tenant_id, request)
        head = await self._reader.store.head(caller().tenant_id, request.video_id)
        return service.ListVersionsResponse(
            versions=[version_message(each) for each in versions],
            next_page_token=token,
            head_version_id=head.version_id,
        )

    async def GetVersionDocument(self, request: service.GetVersionDocumentRequest, context: Any) -> Any:
        # Its annotations are serialised already: see `register`.
        return await self._reader.document(caller().tenant_id, sees_internal(request.audience), request)

    async def DiffVersions(self, request: service.DiffVersionsRequest, context: Any) -> Any:
        return await self._reader.diff(caller().tenant_id, sees_internal(request.audience), request)

    async def TagVersion(self, request: service.TagVersionRequest, context: Any) -> Any:
        asking = who()
        await self._commits.get(asking.tenant_id, request.video_id, request.version_id)
        if not request.tag.strip() or len(request.tag) > TAG_CHARACTERS or not request.tag.isprintable():
            raise VersionRequestInvalid(f"a tag has 1 to {TAG_CHARACTERS} characters")
        once = once_of(asking, "TagVersion", request)
        version = await self._reader.store.tag(
            asking.tenant_id, request.video_id, request.version_id, request.tag, request.remove, once
        )
        self._sync.bulletin.tell(request.video_id)
        return service.TagVersionResponse(version=version_message(version))

    async def MergeVersions(self, request: service.MergeVersionsRequest, context: Any) -> Any:
        version, conflicts = await self._commits.merge(who(), request)
        readable = [each for each in conflicts if not each.internal or sees_internal(0)]
        return service.MergeVersionsResponse(
            version=version_message(version),
            conflicts=[
                service.MergeConflict(annotation_id=each.annotation_id, field=each.field, from_won=each.from_won)
                for each in readable[:MAX_CONFLICTS]
            ],
            conflict_count=len(readable),
        )

    async def RollbackVersion(self, request: service.RollbackVersionRequest, context: Any) -> Any:
        work = await self._rollbacks.roll_back(who(), request)
        return service.RollbackVersionResponse(rollback=rollback_message(work))

    async def GetRollback(self, request: service.GetRollbackRequest, context: Any) -> Any:
        work = await self._rollbacks.get(caller().tenant_id, request.video_id, request.rollback_id)
        return service.GetRollbackResponse(rollback=rollback_message(work))

    async def CarryNotes(self, request: service.CarryNotesRequest, context: Any) -> Any:
        source = Resource(kind=RESOURCE_KIND_VIDEO, id=str(request.from_video_id))
        mask = await permissions_of(self._identity, caller(), (source,))
        if not has(mask, PERMISSION_VIEW):
            raise NotFound("There is no such thing, or it is not yours to see.")
        work = await self._rollbacks.carry(who(), mask, request)
        return service.CarryNotesResponse(rollback=rollback_message(work))

    async def SyncVersions(
        self, requests: AsyncIterator[service.SyncVersionsRequest], context: "grpc.aio.ServicerContext[Any, Any]"
    ) -> AsyncIterator[service.SyncVersionsResponse]:
        async for answer in self._sync.serve(who(), requests):
            yield answer
