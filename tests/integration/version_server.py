"""svc_version behind a real gRPC server, beside a real svc_annotation whose notes it saves."""

import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc

from mesh.auth.interceptor import Guard
from mesh.clock import Clock
from mesh.config import MeshConfig
from mesh.rpc import Channels
from mesh.service import Runtime
from rushes.annotation.v1 import annotation_service_pb2, operation_pb2
from rushes.annotation.v1.annotation_pb2 import AnnotationState
from rushes.version.v1 import version_pb2
from rushes.version.v1 import version_service_pb2 as service
from rushes.version.v1.version_service_pb2_grpc import VersionServiceStub
from svc_annotation.config import AnnotationConfig
from svc_version.bootstrap import VersionParts, build
from svc_version.config import VersionConfig
from tests.integration.annotation_notes import identity_of
from tests.integration.annotation_server import SECRET, Media, People, Place, Server, media_server

QUIET = VersionConfig(move_s=3_600.0)


class Versions:
    """A running svc_version, the svc_annotation beside it, and a client of both."""

    def __init__(self, place: Place, data: Path, folder: str, config: VersionConfig) -> None:
        self.place = place
        self.people = place.people
        self.parts: VersionParts
        self._target = f"unix:{folder}/version.sock"
        services = {
            "svc_annotation": place.server.target,
            "svc_media": f"unix:{folder}/media.sock",
            "svc_project": f"unix:{folder}/nobody.sock",
        }
        self._mesh = MeshConfig(data=data, secret=SECRET, services=services)
        self._config = config
        self._numbers: dict[tuple[str, int], int] = {}
        self._requests = 0
        self._channel = grpc.aio.insecure_channel(self._target, options=[("grpc.use_local_subchannel_pool", 1)])
        self.stub: Any = VersionServiceStub(self._channel)

    async def start(self, wrap: Callable[[VersionParts], None] | None = None) -> None:
        """Begins to serve."""
        self._channels = Channels("svc_version", self._mesh)
        self.parts = await build(self._config, Runtime("svc_version", self._mesh, self._channels, self.people, Clock()))
        if wrap is not None:
            wrap(self.parts)
        self._server = grpc.aio.server(interceptors=[Guard(SECRET, self.people)])
        self.parts.register(self._server)
        self._server.add_insecure_port(self._target)
        await self.parts.start()
        await self._server.start()

    async def stop(self) -> None:
        """As a service is stopped."""
        await self._server.stop(1.0)
        await self.parts.stop()
        await self._channels.close()

    async def close(self) -> None:
        """Ends the client."""
        await self._channel.close()

    # What people do

    async def write(self, person: str, *operations: operation_pb2.Operation, video: int = 1) -> int:
        """One batch; gives its revision."""
        number = self._numbers[person, video] = self._numbers.get((person, video), 0) + 1
        head = await self.revision(video)
        batch = operation_pb2.Batch(client_seq=number, base_revision=head, operations=operations)
        outcome = await self.place.submit(person, batch, video=video, client=f"{person}-{video}")
        assert outcome.HasField("revision"), outcome
        return outcome.revision

    async def revision(self, video: int = 1) -> int:
        """The live revision."""
        request = annotation_service_pb2.GetDocumentRequest(video_id=video)
        return (await self.place.stub.GetDocument(request, metadata=self.as_person("ann"))).revision

    async def live(self, video: int = 1, **asked: Any) -> dict[bytes, AnnotationState]:
        """The live notes, or those of a moment."""
        request = annotation_service_pb2.GetDocumentRequest(video_id=video, **asked)
        answer = await self.place.stub.GetDocument(request, metadata=self.as_person("ann"))
        return {state.annotation.id: state for state in answer.annotations}

    def as_person(self, person: str, **more: Any) -> Any:
        """Metadata of a person's call."""
        return self.place.as_person(person, **more)

    def request_id(self) -> str:
        """A new one."""
        self._requests += 1
        return f"request {self._requests}"

    async def call(self, name: str, request: Any, person: str = "ann", **more: Any) -> Any:
        """Any RPC."""
        return await getattr(self.stub, name)(request, metadata=self.as_person(person, **more))

    async def commit(self, person: str = "ann", video: int = 1, **asked: Any) -> version_pb2.Version:
        """A version."""
        request = service.CommitVersionRequest(video_id=video, request_id=self.request_id(), **asked)
        answer: service.CommitVersionResponse = await self.call("CommitVersion", request, person)
        return answer.version

    async def document(self, version_id: int, person: str = "ann", video: int = 1) -> dict[bytes, AnnotationState]:
        """What a version holds."""
        states: dict[bytes, AnnotationState] = {}
        token = ""
        while True:
            request = service.GetVersionDocumentRequest(video_id=video, version_id=version_id, page_token=token)
            answer = await self.call("GetVersionDocument", request, person)
            states |= {state.annotation.id: state for state in answer.annotations}
            token = answer.next_page_token
            if not token:
                return states

    async def roll_back(self, person: str = "ann", video: int = 1, **asked: Any) -> version_pb2.Rollback:
        """Back to somewhere."""
        scope = asked.pop("scope", None)
        more = {name: asked.pop(name) for name in ("dry_run", "request_id", "message") if name in asked}
        more.setdefault("request_id", self.request_id())
        target = service.RollbackTarget(**asked)
        request = service.RollbackVersionRequest(video_id=video, target=target, scope=scope, **more)
        answer: service.RollbackVersionResponse = await self.call("RollbackVersion", request, person)
        return answer.rollback


@contextlib.asynccontextmanager
async def versions(data: Path, config: VersionConfig = QUIET) -> AsyncIterator[Versions]:
    """Both services, in this process."""
    with tempfile.TemporaryDirectory(prefix="rushes-") as folder:
        media = Media()
        async with media_server(f"{folder}/media.sock", media):
            server = Server(data, folder, f"{folder}/media.sock", AnnotationConfig(), People())
            await server.start()
            place = Place(server, media)
            running = Versions(place, data, folder, config)
            await running.start()
            try:
                yield running
            finally:
                await running.close()
                await running.stop()
                await place.close()
                await server.stop()


def note(name: str) -> bytes:
    """The id of a note."""
    return identity_of(name)
