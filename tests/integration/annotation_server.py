"""svc_annotation behind a real gRPC server, a svc_media that knows some videos, and clients.

Runs in the test's own process; `annotation_child` has it in one of its own.
"""

import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import grpc

from mesh.auth import Caller, Claims, service_token
from mesh.auth.interceptor import Guard
from mesh.clock import Clock
from mesh.config import MeshConfig
from mesh.rpc import Channels, to_error
from mesh.service import Runtime
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1 import operation_pb2, relay_service_pb2
from rushes.annotation.v1.annotation_service_pb2_grpc import AnnotationServiceStub
from rushes.annotation.v1.relay_service_pb2_grpc import RelayServiceStub
from rushes.errors import Unauthenticated
from rushes.media.v1 import media_service_pb2 as media
from rushes.media.v1 import media_service_pb2_grpc as media_grpc
from rushes.project.v1.project_service_pb2 import ListPurgedVideosRequest, ListPurgedVideosResponse, PurgedVideo
from rushes.project.v1.project_service_pb2_grpc import ProjectServiceServicer, add_ProjectServiceServicer_to_server
from rushes.type.v1 import access_pb2
from svc_annotation.bootstrap import AnnotationService, build
from svc_annotation.config import AnnotationConfig
from tests.integration.annotation_notes import identity_of
from tests.waiting import until

SECRET = "a secret of this test"
ALL = sum(1 << value for value in range(1, 11))
GUEST = 1 << access_pb2.PERMISSION_VIEW | 1 << access_pb2.PERMISSION_ANNOTATE
SEE_INTERNAL = 1 << access_pb2.PERMISSION_SEE_INTERNAL
INTERNAL = access_pb2.AUDIENCE_INTERNAL
CLIENT = access_pb2.AUDIENCE_CLIENT
FRAMES = 1_000


class People:
    """An Identity whose tokens are PERSON/SESSION/TENANT/EXPIRES_MS; rights are what the test grants."""

    def __init__(self) -> None:
        self.rights: dict[str, int] = {}
        self.ended_sessions: set[str] = set()
        self.known = True
        self._version = 0
        self._callbacks: list[Callable[[], None]] = []

    def token(self, person: str, *, tenant: str = "t", session: str = "", expires_in_s: float = 3600.0) -> str:
        """A token of a person."""
        return f"{person}/{session or person}/{tenant}/{int((time.time() + expires_in_s) * 1000)}"

    def grant(self, person: str, mask: int) -> None:
        """From now on a person may do this, on every video of their tenant."""
        self.rights[person] = mask
        self.changed()

    def changed(self) -> None:
        """Says that rights may have changed."""
        self._version += 1
        for callback in self._callbacks:
            callback()

    async def ready(self) -> None:
        """See Identity."""

    def verify(self, token: str) -> Claims:
        """See Identity."""
        parts = token.split("/")
        if len(parts) != 4 or not parts[3].isdecimal():
            raise Unauthenticated("this is no token")
        if int(parts[3]) <= time.time() * 1000:
            raise Unauthenticated("the token has expired")
        return Claims(parts[0], parts[1], parts[2], int(parts[3]))

    def cached(self, caller: Caller, resource: access_pb2.Resource) -> int | None:
        """See Identity."""
        return self.rights.get(caller.person_id, ALL) if self.known else None

    @property
    def version(self) -> int:
        """See Identity."""
        return self._version if self.known else -1

    async def permissions(self, caller: Caller, resource: access_pb2.Resource) -> int:
        """See Identity."""
        await asyncio.sleep(0)
        return self.rights.get(caller.person_id, ALL) if caller.tenant_id == "t" else 0

    async def name(self, caller: Caller) -> str:
        """See Identity."""
        return caller.person_id.title()

    def ended(self, session_id: str) -> bool:
        """See Identity."""
        return session_id in self.ended_sessions

    def on_change(self, callback: Callable[[], None]) -> None:
        """See Identity."""
        self._callbacks.append(callback)

    async def close(self) -> None:
        """See Identity."""


class Media(media_grpc.MediaServiceServicer):
    """Videos 1-99 are ready, 100-199 are processed, of tenant t; 200-299 are another tenant's."""

    async def GetVideo(self, request: Any, context: Any) -> Any:
        """Not asked for here."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "not here")

    GetFrameTimes = ListRenditions = GetVideo

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.gone: set[int] = set()
        self.purged: list[PurgedVideo] = []
        self.ready: set[int] = set(range(1, 100)) | set(range(200, 300))

    async def LookUpVideo(self, request: media.LookUpVideoRequest, context: Any) -> media.LookUpVideoResponse:
        """A video."""
        self.asked.append(request.video_id)
        if not 0 < request.video_id < 300 or request.video_id in self.gone:
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such video")
        ready = request.video_id in self.ready
        state = media.VIDEO_STATE_READY if ready else media.VIDEO_STATE_PROCESSING
        video = media.Video(video_id=request.video_id, state=state, frame_count=FRAMES if ready else 0)
        return media.LookUpVideoResponse(video=video, tenant_id="other" if request.video_id >= 200 else "t")


class Projects(ProjectServiceServicer):
    """svc_project, as far as it knows what was purged."""

    def __init__(self, purged: Sequence[PurgedVideo]) -> None:
        self._purged = purged

    async def ListPurgedVideos(self, request: ListPurgedVideosRequest, context: Any) -> ListPurgedVideosResponse:
        """Those after a number."""
        return ListPurgedVideosResponse(videos=[each for each in self._purged if each.number > request.after])


@contextlib.asynccontextmanager
async def media_server(path: str, servicer: Media) -> AsyncIterator[None]:
    """svc_media on a unix socket, and svc_project."""
    server = grpc.aio.server()
    media_grpc.add_MediaServiceServicer_to_server(servicer, server)
    add_ProjectServiceServicer_to_server(Projects(servicer.purged), server)  # type: ignore[abstract]
    server.add_insecure_port(f"unix:{path}")
    await server.start()
    try:
        yield
    finally:
        await server.stop(None)


class Server:
    """The service on a unix socket, with whom it asks."""

    def __init__(self, data: Path, folder: str, media_socket: str, config: AnnotationConfig, people: People) -> None:
        self.target = f"unix:{folder}/annotation.sock"
        self.people = people
        self.service: AnnotationService
        asked = dict.fromkeys(("svc_media", "svc_project"), f"unix:{media_socket}")
        self._mesh = MeshConfig(data=data, secret=SECRET, services=asked)
        self._config = config

    async def start(self, wrap: Callable[[AnnotationService], None] | None = None) -> None:
        """Begins to serve."""
        self._channels = Channels("svc_annotation", self._mesh)
        runtime = Runtime("svc_annotation", self._mesh, self._channels, self.people, _clock())
        self.service = await build(self._config, runtime)
        if wrap is not None:
            wrap(self.service)
        self._server = grpc.aio.server(interceptors=[Guard(SECRET, self.people)])
        self.service.register(self._server)
        self._remove_socket()
        self._server.add_insecure_port(self.target)
        await self.service.start()
        await self._server.start()

    async def stop(self) -> None:
        """As a service is stopped."""
        await self.service.drain()
        await self._server.stop(5.0)
        await self.service.stop()
        await self._channels.close()
        self._remove_socket()

    def _remove_socket(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.target.removeprefix("unix:"))


@contextlib.asynccontextmanager
async def serving(
    data: Path, config: AnnotationConfig | None = None, wrap: Callable[[AnnotationService], None] | None = None
) -> AsyncIterator["Place"]:
    """Everything, in this process."""
    with tempfile.TemporaryDirectory(prefix="rushes-") as folder:
        media = Media()
        async with media_server(f"{folder}/media.sock", media):
            server = Server(data, folder, f"{folder}/media.sock", config or AnnotationConfig(), People())
            await server.start(wrap)
            place = Place(server, media)
            try:
                yield place
            finally:
                await place.close()
                await server.stop()


class Place:
    """A running service and its clients."""

    def __init__(self, server: Server, media: Media) -> None:
        self.server = server
        self.media = media
        self.people = server.people
        self.channel = grpc.aio.insecure_channel(server.target, options=[("grpc.use_local_subchannel_pool", 1)])
        self.stub = AnnotationServiceStub(self.channel)
        self.relay_stub = RelayServiceStub(self.channel)
        self._open: list[Any] = []

    def as_person(self, person: str, *, tenant: str = "t", calling: str = "gateway") -> tuple[tuple[str, str], ...]:
        """Metadata of a person's call."""
        token = self.people.token(person, tenant=tenant)
        return (("rushes-service", service_token(calling, SECRET)), ("authorization", f"Bearer {token}"))

    async def session(self, person: str, video: int = 1, **opening: Any) -> "Session":
        """A direct session, opened."""
        session = Session(self, person, video, opening)
        self._open.append(session)
        await session.open()
        return session

    async def gateway(self, video: int = 1, epoch: int = 0) -> "GatewayStream":
        """A Relay stream, opened."""
        gateway = GatewayStream(self)
        self._open.append(gateway)
        await gateway.open(video, epoch)
        return gateway

    async def submit(
        self, person: str, batch: operation_pb2.Batch, *, video: int = 1, client: str = "", epoch: int = 0
    ) -> operation_pb2.Outcome:
        """One batch without a stream."""
        request = service.CreateBatchAnnotationsRequest(
            video_id=video, client_id=identity_of(client or person), epoch=epoch, batch=batch
        )
        return (await self.stub.CreateBatchAnnotations(request, metadata=self.as_person(person))).outcome

    async def close(self) -> None:
        """Ends all clients."""
        for each in self._open:
            await each.close()
        await self.channel.close()


class Session:
    """A direct session: what it has received, by kind, and the document that follows from it."""

    def __init__(self, place: Place, person: str, video: int, opening: dict[str, Any]) -> None:
        self.person = person
        self.client_id: bytes = opening.pop("client_id", identity_of(person))
        self.received: list[service.CollaborateResponse] = []
        self.error: grpc.aio.AioRpcError | None = None
        self.number = 0
        self.acks = opening.pop("acks", True)
        self._opening = service.CollaborateOpen(video_id=video, client_id=self.client_id, **opening)
        self._call = place.stub.Collaborate(metadata=place.as_person(person))
        self._task: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        """Sends open; returns once opened came, or the stream ended."""
        await self._call.write(service.CollaborateRequest(open=self._opening))
        self._task = asyncio.create_task(self._read())
        await until(lambda: self.received or self.error)

    async def _read(self) -> None:
        try:
            async for message in self._call:
                self.received.append(message)
                if message.WhichOneof("message") == "committed" and self.acks:
                    revision = message.committed.commits[-1].revision
                    await self.send(ack_revision=revision)
        except grpc.aio.AioRpcError as error:
            self.error = error
        except asyncio.InvalidStateError:
            self.error = await _failure(self._call)

    @property
    def code(self) -> grpc.StatusCode:
        """How the stream ended."""
        assert self.error is not None
        return self.error.code()

    @property
    def opened(self) -> service.CollaborateOpened:
        """The first message."""
        return self.received[0].opened

    def of(self, kind: str) -> list[Any]:
        """What came of a kind."""
        return [getattr(each, kind) for each in self.received if each.WhichOneof("message") == kind]

    @property
    def commits(self) -> list[operation_pb2.Commit]:
        """All commits so far."""
        return [commit for committed in self.of("committed") for commit in committed.commits]

    @property
    def revision(self) -> int:
        """The last revision received, by whatever message."""
        revision = 0
        for message in self.received:
            kind = message.WhichOneof("message")
            if kind == "committed":
                revision = message.committed.commits[-1].revision
            elif kind == "merged":
                revision = message.merged.to_revision
            elif kind == "progress_revision":
                revision = message.progress_revision
            elif kind == "snapshot_part":
                revision = message.snapshot_part.revision
        return revision

    async def send(self, **message: Any) -> None:
        """Sends a message. gRPC takes one write at a time."""
        async with self._turn:
            await self._call.write(service.CollaborateRequest(**message))

    def batch(self, operations: Iterable[operation_pb2.Operation], base: int | None = None) -> operation_pb2.Batch:
        """The next batch."""
        self.number += 1
        base = self.revision if base is None else base
        return operation_pb2.Batch(client_seq=self.number, base_revision=base, operations=operations)

    async def submit(self, *operations: operation_pb2.Operation, base: int | None = None) -> operation_pb2.Batch:
        """Sends the next batch."""
        batch = self.batch(operations, base)
        await self.send(submit=batch)
        return batch

    async def landed(self, number: int | None = None) -> operation_pb2.Commit:
        """Waits for the commit of one's own batch; the last one unless told."""
        number = number or self.number

        def find() -> operation_pb2.Commit | None:
            assert self.error is None, self.error
            mine = (each for each in self.commits if each.client_id == self.client_id)
            return next((each for each in mine if each.client_seq == number), None)

        commit: operation_pb2.Commit = await until(find)
        return commit

    async def close(self) -> None:
        """Hangs up."""
        self._call.cancel()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)


async def _failure(call: Any) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(
        await call.code(), await call.initial_metadata(), await call.trailing_metadata(), await call.details()
    )


class GatewayStream:
    """A Relay stream as a gateway has it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.received: list[relay_service_pb2.RelayResponse] = []
        self.messages = 0
        self.error: grpc.aio.AioRpcError | None = None
        self._call = place.relay_stub.Relay(metadata=(("rushes-service", service_token("gateway", SECRET)),))
        self._task: asyncio.Task[None] | None = None

    async def open(self, video: int, epoch: int) -> None:
        """Sends open; returns once opened came."""
        await self.send(open=relay_service_pb2.RelayOpen(video_id=video, epoch=epoch))
        self._task = asyncio.create_task(self._read())
        await until(lambda: self.received or self.error)

    async def _read(self) -> None:
        try:
            async for message in self._call:
                self.messages += 1
                several = message.WhichOneof("message") == "batch"
                self.received += message.batch.responses if several else [message]
        except grpc.aio.AioRpcError as error:
            self.error = error

    async def send(self, **message: Any) -> None:
        """Sends a message."""
        await self._call.write(relay_service_pb2.RelayRequest(**message))

    async def want(self, audience: int, delivery: int, *, numbers: bool = False, **start: Any) -> None:
        """Asks for a lane."""
        lane = relay_service_pb2.Lane(
            audience=audience,  # type: ignore[arg-type]
            delivery=delivery,  # type: ignore[arg-type]
            numbers_authors=numbers,
        )
        await self.send(want=relay_service_pb2.RelayWant(lane=lane, **(start or {"snapshot": True})))

    async def attach(self, session: int, person: str, *, video: int = 1, **opening: Any) -> None:
        """A viewer's session."""
        opening.setdefault("client_id", identity_of(person))
        open_ = service.CollaborateOpen(video_id=video, **opening)
        token = opening.get("token") or self.place.people.token(person)
        await self.send(attach=relay_service_pb2.RelayAttach(session=session, token=token, open=open_))

    async def forward(self, session: int, **message: Any) -> None:
        """A viewer's message."""
        request = service.CollaborateRequest(**message).SerializeToString()
        frame = relay_service_pb2.RelayFrame(session=session, request=request)
        await self.send(frames=relay_service_pb2.RelayFrames(frames=[frame]))

    def of(self, kind: str) -> list[Any]:
        """What came of a kind."""
        return [getattr(each, kind) for each in self.received if each.WhichOneof("message") == kind]

    def lane(self, audience: int, delivery: int) -> list[service.CollaborateResponse]:
        """What a lane broadcast."""
        return [
            service.CollaborateResponse.FromString(each.response)
            for each in self.of("broadcast")
            if (each.lane.audience, each.lane.delivery) == (audience, delivery)
        ]

    def addressed(self, session: int, kind: str) -> list[Any]:
        """What a session was sent by itself, of a kind."""
        messages = [
            service.CollaborateResponse.FromString(each.response)
            for each in self.of("addressed")
            if session in each.sessions
        ]
        return [getattr(each, kind) for each in messages if each.WhichOneof("message") == kind]

    async def close(self) -> None:
        """Hangs up."""
        self._call.cancel()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)


def reason(error: grpc.aio.AioRpcError | None) -> str:
    """The reason in a failed call."""
    assert error is not None
    return to_error(error).reason


CLOCK_OFFSET_S = "RUSHES_TEST_CLOCK_OFFSET_S"
"""By how much the wall clock of a child is off, in its environment. (Of all that a process does, librdkafka alone does
not bear libfaketime: it waits for ever.)
"""


def _clock() -> Clock:
    offset_s = float(os.environ.get(CLOCK_OFFSET_S, "0"))
    return Clock(wall=lambda: time.time() + offset_s)
