"""A real svc_project in a process of its own, and a svc_media that knows the videos a test gives it."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, TypeVar

import grpc

from mesh.rpc import to_error
from mesh.sql import Database
from rushes.media.v1 import media_service_pb2 as media_pb
from rushes.media.v1 import media_service_pb2_grpc as media_grpc
from rushes.project.v1 import access_service_pb2 as access_pb
from rushes.project.v1 import access_service_pb2_grpc as access_grpc
from rushes.project.v1 import audit_service_pb2_grpc as audit_grpc
from rushes.project.v1 import identity_service_pb2 as identity_pb
from rushes.project.v1 import identity_service_pb2_grpc as identity_grpc
from rushes.project.v1 import project_service_pb2 as project_pb
from rushes.project.v1 import project_service_pb2_grpc as project_grpc
from svc_project.stores.sql import SqlStore

SECRET = "a secret of the mesh, made for this test alone"
T = TypeVar("T")


def service_header(name: str, secret: str = SECRET) -> tuple[str, str]:
    """How a service proves itself."""
    return "rushes-service", f"{name}.{hmac.new(secret.encode(), name.encode(), hashlib.sha256).hexdigest()}"


class Media(media_grpc.MediaServiceServicer):
    """Knows videos by id: (tenant, project)."""

    def __init__(self) -> None:
        self.videos: dict[int, tuple[str, int]] = {}

    async def LookUpVideo(self, request: media_pb.LookUpVideoRequest, context: Any) -> media_pb.LookUpVideoResponse:
        """A video."""
        if request.video_id not in self.videos:
            await context.abort(grpc.StatusCode.NOT_FOUND, "There is no such video.")
        tenant_id, project_id = self.videos[request.video_id]
        name = f"clip {request.video_id}.mov"
        video = media_pb.Video(video_id=request.video_id, project_id=project_id, file_name=name)
        return media_pb.LookUpVideoResponse(video=video, tenant_id=tenant_id, person_id="x")

    async def GetVideo(self, request: Any, context: Any) -> Any:
        """Not asked here."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "")

    GetFrameTimes = GetVideo
    ListRenditions = GetVideo


class MediaServer:
    """svc_media, on a loop and a thread of its own, since each test has another loop."""

    def __init__(self, address: str) -> None:
        self.media = Media()
        self._address = address
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="media")

    def start(self) -> None:
        """Listens."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(20)

    async def _start(self) -> None:
        self._server = grpc.aio.server()
        media_grpc.add_MediaServiceServicer_to_server(self.media, self._server)
        self._server.add_insecure_port(self._address)
        await self._server.start()

    def stop(self) -> None:
        """Ends."""
        asyncio.run_coroutine_threadsafe(self._server.stop(None), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()


class ProjectServer:
    """svc_project as `rushes up` starts it."""

    def __init__(self, **settings: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rushes-test-"))
        self.address = f"unix:{self.folder}/project.sock"
        self.media_address = f"unix:{self.folder}/media.sock"
        self._media = MediaServer(self.media_address)
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        """Its data folder."""
        return self.folder / "data" / "project"

    @property
    def videos(self) -> dict[int, tuple[str, int]]:
        """Videos that svc_media knows: tenant and project by id."""
        return self._media.media.videos

    def first_sign_in(self) -> dict[str, str]:
        """Address and password of the first administrator."""
        content: dict[str, str] = json.loads((self.data / "first-sign-in.json").read_text())
        return content

    def start(self) -> None:
        """Starts both; svc_project is ready when this returns."""
        self._media.start()
        self.start_project()

    def start_project(self) -> None:
        """Starts svc_project alone."""
        reading, writing = os.pipe()
        environ = {
            **os.environ,
            "RUSHES_MESH__DATA": str(self.folder / "data"),
            "RUSHES_MESH__SECRET": SECRET,
            "RUSHES_MESH__SERVICES": json.dumps({"svc_media": self.media_address, "svc_project": self.address}),
            "RUSHES_PROJECT__LISTEN": self.address,
            "RUSHES_PROJECT__HASH_MEMORY_KIB": "64",
            "RUSHES_PROJECT__HASH_PASSES": "1",
            "RUSHES_READY_FD": str(writing),
            **self._settings,
        }
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "svc_project"], env=environ, pass_fds=(writing,), stdout=log, stderr=log
            )
        os.close(writing)
        ready, _, _ = select.select([reading], [], [], 60)
        line = os.read(reading, 65536) if ready else b""
        os.close(reading)
        assert line, (self.folder / "log").read_text()
        assert json.loads(line)["ready"]

    def stop_project(self, signal_: int = signal.SIGTERM) -> int:
        """Ends svc_project; its exit code."""
        assert self._process is not None
        self._process.send_signal(signal_)
        return self._process.wait(30)

    def stop(self) -> None:
        """Ends both."""
        self.stop_project()
        self._media.stop()
        shutil.rmtree(self.folder)

    @contextlib.asynccontextmanager
    async def store(self) -> AsyncIterator[SqlStore]:
        """The store, beside the running service."""
        store = SqlStore(Database(f"sqlite:///{self.data / 'project.db'}"))
        try:
            yield store
        finally:
            await store.close()


@contextlib.contextmanager
def serving(**settings: str) -> Iterator[ProjectServer]:
    """A server for a module's tests."""
    server = ProjectServer(**settings)
    try:
        server.start()
        yield server
    finally:
        server.stop()


class Client:
    """Somebody who calls through a service; without `token` nobody is signed in."""

    def __init__(self, channel: grpc.aio.Channel, token: str = "", service: str = "gateway") -> None:
        self._channel = channel
        self.metadata: list[tuple[str, str]] = [service_header(service)]
        if token:
            self.metadata.append(("authorization", f"Bearer {token}"))
        self.identity = identity_grpc.IdentityServiceStub(channel)
        self.access = access_grpc.AccessServiceStub(channel)
        self.project = project_grpc.ProjectServiceStub(channel)
        self.audit = audit_grpc.AuditServiceStub(channel)

    async def call(self, method: Any, request: Any) -> Any:
        """Calls a unary method."""
        return await method(request, metadata=self.metadata, timeout=20)

    def signed(self, token: str, service: str = "gateway") -> "Client":
        """Another, on the same connection."""
        return Client(self._channel, token, service)


class Person:
    """A person with an open session."""

    def __init__(self, client: Client, session_secret: str, person: identity_pb.Person, token: str) -> None:
        self.client = client
        self.session_secret = session_secret
        self.person = person
        self.token = token

    @property
    def person_id(self) -> str:
        """Their id."""
        return self.person.person_id

    async def identity(self, name: str, /, **fields: Any) -> Any:
        """Calls IdentityService."""
        return await self._call(self.client.identity, identity_pb, name, fields)

    async def access(self, name: str, /, **fields: Any) -> Any:
        """Calls AccessService."""
        return await self._call(self.client.access, access_pb, name, fields)

    async def project(self, name: str, /, **fields: Any) -> Any:
        """Calls ProjectService."""
        return await self._call(self.client.project, project_pb, name, fields)

    async def _call(self, stub: Any, module: Any, name: str, fields: dict[str, Any]) -> Any:
        return await self.client.call(getattr(stub, name), getattr(module, f"{name}Request")(**fields))


async def session_of(client: Client, secret: str, person: identity_pb.Person) -> Person:
    """A person with a token of their session."""
    issued = await client.call(client.identity.IssueToken, identity_pb.IssueTokenRequest(session_secret=secret))
    return Person(client.signed(issued.token), secret, person, issued.token)


async def sign_in(client: Client, email: str, password: str) -> Person:
    """Signs in."""
    answer = await client.call(client.identity.SignIn, identity_pb.SignInRequest(email=email, password=password))
    return await session_of(client, answer.session.secret, answer.person)


async def join(client: Client, secret: str, name: str, **fields: str) -> Person:
    """Accepts an invitation as a new person."""
    request = identity_pb.AcceptInvitationRequest(secret=secret, name=name, **fields)
    answer = await client.call(client.identity.AcceptInvitation, request)
    return await session_of(client, answer.session.secret, answer.person)


async def invite(owner: Person, project_id: int, role: str, name: str, **fields: str) -> Person:
    """A new person with a role on a project."""
    made = await owner.identity("CreateInvitation", project_id=project_id, role=role)
    return await join(owner.client.signed(""), made.secret, name, **fields)


def reason(error: grpc.aio.AioRpcError) -> tuple[str, str]:
    """Code and reason of an error, as a program reads them."""
    return error.code().name, to_error(error).reason
