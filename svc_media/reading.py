"""Reads the notes of a video in the name of the person who calls: what they may read, and nothing else."""

from typing import Any, Final

import grpc

from mesh.auth import caller
from mesh.rpc import Channels, to_error
from rushes.annotation.v1 import annotation_pb2, annotation_service_pb2
from rushes.annotation.v1.annotation_service_pb2_grpc import AnnotationServiceStub
from rushes.errors import InvalidArgument, NotFound, ResourceExhausted
from rushes.exchange.sheet import Head
from rushes.project.v1 import identity_service_pb2, project_service_pb2
from rushes.project.v1.identity_service_pb2_grpc import IdentityServiceStub
from rushes.project.v1.project_service_pb2_grpc import ProjectServiceStub
from rushes.type.v1.access_pb2 import Audience
from svc_media.core.export import Read

PEOPLE_AT_ONCE: Final = 200
MAX_BYTES: Final = 512 << 20


class TooManyNotes(ResourceExhausted):
    """More notes than go into one file."""

    reason = "TOO_MANY_NOTES"


class Reader:
    """Asks the services that know. Every call carries the token of the person whose request is being answered."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels

    async def read(self, video_id: int, project_id: int, asset_id: int, audience: "Audience.ValueType") -> Read:
        """Notes that are not deleted, in drawing order, with the names that stand on a sheet."""
        try:
            states, revision = await self._document(video_id, audience)
            notes = [state.annotation for state in states if not state.annotation.deleted]
            names = await self._names({each.author_id for each in notes if each.author_id} | {caller().person_id})
            head = await self._head(video_id, project_id, asset_id, names.get(caller().person_id, ""))
        except grpc.aio.AioRpcError as error:
            raise to_error(error) from error
        return Read(notes, revision, names, head)

    async def _document(
        self, video_id: int, audience: "Audience.ValueType"
    ) -> tuple[list[annotation_pb2.AnnotationState], int]:
        stub = self._channels.stub(AnnotationServiceStub, "svc_annotation")
        request = annotation_service_pb2.GetDocumentRequest(video_id=video_id, audience=audience)
        states: list[annotation_pb2.AnnotationState] = []
        size_bytes = 0
        while True:
            answer = await stub.GetDocument(request)
            states += answer.annotations
            size_bytes += answer.ByteSize()
            if size_bytes > MAX_BYTES:
                raise TooManyNotes("This video has more notes than go into one file.")
            request.page_token = answer.next_page_token
            if not request.page_token:
                states.sort(key=lambda state: (state.order_revision, state.order_index))
                return states, answer.revision

    async def _names(self, people: set[str]) -> dict[str, str]:
        stub = self._channels.stub(IdentityServiceStub, "svc_project")
        ids = sorted(people)
        names: dict[str, str] = {}
        for begin in range(0, len(ids), PEOPLE_AT_ONCE):
            some = ids[begin : begin + PEOPLE_AT_ONCE]
            request = identity_service_pb2.ListPeopleRequest(person_ids=some, page_size=PEOPLE_AT_ONCE)
            names |= {person.person_id: person.name for person in (await stub.ListPeople(request)).people}
        return names

    async def _head(self, video_id: int, project_id: int, asset_id: int, person: str) -> Head:
        stub = self._channels.stub(ProjectServiceStub, "svc_project")
        if not asset_id:
            return Head(project=await self._project(stub, project_id), person=person)
        asset = (await stub.GetAsset(project_service_pb2.GetAssetRequest(asset_id=asset_id))).asset
        cut = next((cut.number for cut in asset.cuts if cut.video_id == video_id), 0)
        if not cut:
            raise InvalidArgument("This video is no cut of that asset.")
        return Head(await self._project(stub, asset.project_id), asset.name, f"v{cut}", person)

    async def _project(self, stub: Any, project_id: int) -> str:
        """Its name; whoever may see the video alone is told nothing of the project."""
        try:
            answer = await stub.GetProject(project_service_pb2.GetProjectRequest(project_id=project_id))
        except grpc.aio.AioRpcError as error:
            if isinstance(to_error(error), NotFound):
                return ""
            raise
        return str(answer.project.name)
