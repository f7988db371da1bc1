"""svc_project as this service sees it: what guests of a room may do in its project."""

from collections.abc import Mapping

from mesh.rpc import Channels
from rushes.project.v1 import access_service_pb2 as project
from rushes.project.v1.access_service_pb2_grpc import AccessServiceStub
from rushes.signaling.v1 import room_service_pb2 as pb


class Guests:
    """See the module."""

    def __init__(self, channels: Channels) -> None:
        self._stub = channels.stub(AccessServiceStub, "svc_project", as_person=False)

    async def limit(self, tenant_id: str, room: pb.Room, limits: Mapping[str, int]) -> None:
        """Narrows these guests, in the place of all that the room narrowed before."""
        request = project.LimitGuestsRequest(tenant_id=tenant_id, project_id=room.project_id, room_id=room.room_id)
        for person_id, permissions in limits.items():
            request.limits.add(person_id=person_id, permissions=permissions)
        await self._stub.LimitGuests(request)
