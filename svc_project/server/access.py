"""AccessService."""

from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc

from rushes.project.v1 import access_service_pb2 as pb
from rushes.project.v1 import access_service_pb2_grpc as pb_grpc
from svc_project.access import Access
from svc_project.bulletin import Bulletin
from svc_project.core import text
from svc_project.core.errors import InvalidField
from svc_project.core.model import PersonId, ProjectId, SessionId, TenantId, Who
from svc_project.core.role import ALL
from svc_project.server import proto

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
RESOURCES = 100
LIMITS = 1_000


class AccessServicer(pb_grpc.AccessServiceServicer):
    """Who may do what."""

    def __init__(self, access: Access, bulletin: Bulletin) -> None:
        self._access = access
        self._bulletin = bulletin

    async def ResolveAccess(self, request: pb.ResolveAccessRequest, context: Context) -> pb.ResolveAccessResponse:
        """What a person may do."""
        if len(request.resources) > RESOURCES:
            raise InvalidField("resources", f"at most {RESOURCES}")
        who = Who(TenantId(request.tenant_id), PersonId(request.person_id))
        resources = [proto.from_resource(resource) for resource in request.resources]
        masks, name = await self._access.resolve(who, SessionId(request.session_id), resources)
        return pb.ResolveAccessResponse(permissions=masks, name=name)

    async def WatchAccess(
        self, request: pb.WatchAccessRequest, context: Context
    ) -> AsyncIterator[pb.WatchAccessResponse]:
        """What changes, and a heartbeat."""
        async for notice in self._bulletin.watch():
            yield proto.to_notice(notice)

    async def Grant(self, request: pb.GrantRequest, context: Context) -> pb.GrantResponse:
        """Gives a role."""
        once = proto.once("Grant", request, request.request_id)
        grant = await self._access.grant(
            proto.who(), ProjectId(request.project_id), PersonId(request.person_id), request.role, once
        )
        return pb.GrantResponse(grant=proto.to_grant(grant))

    async def Revoke(self, request: pb.RevokeRequest, context: Context) -> pb.RevokeResponse:
        """Takes a role."""
        once = proto.once("Revoke", request, request.request_id)
        await self._access.revoke(proto.who(), ProjectId(request.project_id), PersonId(request.person_id), once)
        return pb.RevokeResponse()

    async def LimitGuests(self, request: pb.LimitGuestsRequest, context: Context) -> pb.LimitGuestsResponse:
        """Narrows what guests of a room may do."""
        if not text.is_id(request.room_id):
            raise InvalidField("room_id", "the id of a room")
        if len(request.limits) > LIMITS:
            raise InvalidField("limits", f"at most {LIMITS}")
        limits = {PersonId(each.person_id): each.permissions & ALL for each in request.limits}
        await self._access.limit(TenantId(request.tenant_id), ProjectId(request.project_id), request.room_id, limits)
        return pb.LimitGuestsResponse()

    async def ListGrants(self, request: pb.ListGrantsRequest, context: Context) -> pb.ListGrantsResponse:
        """Who has which role."""
        grants, token = await self._access.grants(
            proto.who(), ProjectId(request.project_id), request.page_size, request.page_token
        )
        return pb.ListGrantsResponse(grants=[proto.to_grant(grant) for grant in grants], next_page_token=token)
