"""AuditService."""

from typing import Any, TypeAlias

import grpc

from mesh.auth import caller
from rushes.project.v1 import audit_service_pb2 as pb
from rushes.project.v1 import audit_service_pb2_grpc as pb_grpc
from svc_project.audit import AuditTrail
from svc_project.server import proto

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class AuditServicer(pb_grpc.AuditServiceServicer):
    """The audit trail."""

    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail

    async def RecordEvents(self, request: pb.RecordEventsRequest, context: Context) -> pb.RecordEventsResponse:
        """Takes events of other services."""
        await self._trail.take(caller().service, [proto.from_event(event) for event in request.events])
        return pb.RecordEventsResponse()

    async def ListEvents(self, request: pb.ListEventsRequest, context: Context) -> pb.ListEventsResponse:
        """The trail of the caller's tenant."""
        events, token, intact = await self._trail.events(proto.who(), request.page_size, request.page_token)
        return pb.ListEventsResponse(
            events=[proto.to_event(event) for event in events], next_page_token=token, intact=intact
        )
