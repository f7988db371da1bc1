"""svc_media as a process of its own, people who need no svc_project, and clients of its HTTP and gRPC.

`python -m tests.integration.media_server` is the process: the real service, with an Identity that knows people itself.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import io
import json
import os
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import grpc

from mesh import config as settings
from mesh.auth import Caller, Claims, bit, service_token
from mesh.auth.identity import TokenExpired, TokenInvalid
from mesh.service import run
from rushes.media.v1 import job_service_pb2 as job_pb
from rushes.media.v1 import media_service_pb2 as media_pb
from rushes.media.v1 import subtitle_service_pb2 as subtitle_pb
from rushes.media.v1.job_service_pb2_grpc import JobServiceStub
from rushes.media.v1.media_service_pb2_grpc import MediaServiceStub
from rushes.media.v1.subtitle_service_pb2_grpc import SubtitleServiceStub
from rushes.type.v1 import access_pb2
from svc_media.bootstrap import build
from svc_media.config import Config

SECRET = "a secret of the mesh, made for this test alone"
PATIENCE_S = 60.0
ALL = sum(bit(permission) for permission in range(1, 11))
GUEST = bit(access_pb2.PERMISSION_VIEW) | bit(access_pb2.PERMISSION_ANNOTATE)
RIGHTS = {
    "anna": ALL,
    "ben": ALL,
    "rita": GUEST | bit(access_pb2.PERMISSION_SEE_INTERNAL) | bit(access_pb2.PERMISSION_DOWNLOAD),
    "gus": GUEST,
    "late": GUEST,
    "zoe": ALL,
}
"""What people may do in their tenant's project; whoever is not here may nothing."""
FIND_CUTS = ("rita", "gus")
"""Those for whom every video of the first tenant is a cut; for all others none is (yet, or any more)."""
PROJECTS = {"1": "one", "2": "two"}
"""Tenants of projects."""


def token(person: str, tenant: str = "one", *, expires_in_s: float = 3600.0, secret: str = SECRET) -> str:
    """A token of a person."""
    said = f"{person}/{tenant}/{int((time.time() + expires_in_s) * 1000)}"
    return f"{said}/{hmac.new(secret.encode(), said.encode(), hashlib.sha256).hexdigest()}"


class People:
    """An Identity with tables in place of a service."""

    async def ready(self) -> None:
        """See Identity."""

    def verify(self, token: str) -> Claims:
        """See Identity."""
        said, _, proof = token.rpartition("/")
        genuine = hmac.new(SECRET.encode(), said.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(proof.encode(), genuine.encode()):
            raise TokenInvalid("The access token is not valid.")
        person, tenant, expires_ms = said.split("/")
        if int(expires_ms) <= time.time() * 1000:
            raise TokenExpired("The access token has expired.")
        return Claims(person, f"session of {person}", tenant, int(expires_ms))

    def cached(self, caller: Caller, resource: access_pb2.Resource) -> int | None:
        """See Identity."""
        return None

    @property
    def version(self) -> int:
        """See Identity."""
        return -1

    async def permissions(self, caller: Caller, resource: access_pb2.Resource) -> int:
        """See Identity."""
        as_cut = resource.kind == access_pb2.RESOURCE_KIND_VIDEO and caller.person_id in FIND_CUTS
        at_home = resource.kind == access_pb2.RESOURCE_KIND_PROJECT and PROJECTS.get(resource.id) == caller.tenant_id
        return RIGHTS.get(caller.person_id, 0) if as_cut or at_home else 0

    async def name(self, caller: Caller) -> str:
        """See Identity."""
        return caller.person_id

    def ended(self, session_id: str) -> bool:
        """See Identity."""
        return session_id == "session of ended"

    def on_change(self, callback: Callable[[], None]) -> None:
        """See Identity."""

    async def close(self) -> None:
        """See Identity."""


class MediaServer:
    """The process. It can be killed and started again on the same data."""

    def __init__(self, data: Path | None = None, **environ: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rushes-test-"))
        self.data = data or self.folder / "data"
        self.http_socket = f"{self.folder}/http.sock"
        self.address = f"unix:{self.folder}/media.sock"
        self.metrics = ""
        self._environ = environ
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Ready when this returns."""
        reading, writing = os.pipe()
        environ = {
            **os.environ,
            "RUSHES_MESH__DATA": str(self.data),
            "RUSHES_MESH__SECRET": SECRET,
            "RUSHES_MESH__GRACE_S": "5",
            # Nobody is there: what is for the audit trail stays in the outbox.
            "RUSHES_MESH__SERVICES": json.dumps({"svc_project": f"unix:{self.folder}/nobody.sock"}),
            "RUSHES_MEDIA__LISTEN": self.address,
            "RUSHES_MEDIA__HTTP_LISTEN": f"unix:{self.http_socket}",
            "RUSHES_MEDIA__RESERVE_BYTES": "0",
            "RUSHES_READY_FD": str(writing),
            # As svc_media.__main__ does it.
            "GRPC_ENABLE_FORK_SUPPORT": "0",
            **self._environ,
        }
        command = [sys.executable, "-m", "tests.integration.media_server"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, env=environ, pass_fds=(writing,), stdout=log, stderr=log)
        os.close(writing)
        ready, _, _ = select.select([reading], [], [], PATIENCE_S)
        line = os.read(reading, 65536) if ready else b""
        os.close(reading)
        assert line, self.log()
        said = json.loads(line)
        assert said["ready"], said
        self.metrics = said["addresses"]["metrics"]

    def log(self) -> str:
        """What it wrote."""
        return (self.folder / "log").read_text()

    def errors(self) -> list[str]:
        """What it wrote of errors that nobody expected."""
        return [line for line in self.log().splitlines() if '"ERROR"' in line or "Traceback" in line]

    def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def remove(self) -> None:
        """Ends it and removes its files."""
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder)

    def bytes_in(self) -> float:
        """Bytes of uploads that it has read."""
        with urllib.request.urlopen(f"{self.metrics}/metrics", timeout=PATIENCE_S) as answer:
            found = re.search(r"^rushes_media_bytes_in_total (\S+)$", answer.read().decode(), re.M)
        assert found is not None
        return float(found[1])

    @property
    def uploads(self) -> list[str]:
        """Files of uploads."""
        return sorted(path.name for path in (self.data / "media" / "uploads").iterdir())


@contextlib.contextmanager
def serving(data: Path | None = None, **environ: str) -> Iterator[MediaServer]:
    """A server, running."""
    server = MediaServer(data, **environ)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def reason(self) -> str:
        """Why it was refused, for programs."""
        return str(json.loads(self.body)["reason"])

    @property
    def message(self) -> str:
        """Why it was refused, for people."""
        return str(json.loads(self.body)["message"])

    @property
    def offset(self) -> int:
        """Where the upload stands."""
        return int(self.headers["Upload-Offset"])

    @property
    def url(self) -> str:
        """Where the new upload is."""
        return self.headers["Location"]

    @property
    def video_id(self) -> int:
        """The video that the upload becomes."""
        return int(self.headers["Rushes-Video-Id"])


def encoded(**metadata: str) -> str:
    """Upload-Metadata."""
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in metadata.items())


def checksum(data: bytes, algorithm: str = "sha256") -> str:
    """Upload-Checksum."""
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


class Client:
    """A person at the service's doors, as the gateway lets them in."""

    def __init__(self, server: MediaServer, http: aiohttp.ClientSession, channel: grpc.aio.Channel) -> None:
        self.server = server
        self._http = http
        self._channel = channel
        self.token = token("anna")
        self.service = service_token("gateway", SECRET)

    def as_(self, person: str, tenant: str = "one") -> "Client":
        """Another person on the same connections."""
        other = Client(self.server, self._http, self._channel)
        other.token = token(person, tenant)
        return other

    async def request(self, method: str, path: str, *, data: Any = None, **headers: str) -> Answer:
        """One request. Headers are named with _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {
            "Tus-Resumable": "1.0.0",
            "rushes-service": self.service,
            "authorization": f"Bearer {self.token}",
            **named,
        }
        sent = {name: value for name, value in sent.items() if value}
        data = io.BytesIO(data) if isinstance(data, bytes) else data
        async with self._http.request(method, f"http://media{path}", data=data, headers=sent) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def create(self, length: int, *, project_id: str = "1", concat: str = "", **metadata: str) -> Answer:
        """A new upload."""
        said = encoded(**{"project_id": project_id, "filename": "clip.mp4", **metadata})
        return await self.request(
            "POST", "/uploads", Upload_Length=str(length), Upload_Metadata=said, Upload_Concat=concat
        )

    async def part(self, data: bytes, place: dict[str, str] | None = None, *, send: bool = True) -> str:
        """A part of an upload; its address."""
        made = await self.create(len(data), concat="partial", **(place or {}))
        assert made.status == 201, made
        if send:
            assert (await self.patch(made.url, 0, data)).status == 204
        return made.url

    async def join(self, urls: list[str], **metadata: str) -> Answer:
        """The whole of parts."""
        said = encoded(**{"project_id": "1", "filename": "clip.mp4", **metadata})
        return await self.request("POST", "/uploads", Upload_Concat=f"final;{' '.join(urls)}", Upload_Metadata=said)

    async def patch(self, url: str, offset: int, data: Any, **headers: str) -> Answer:
        """More bytes."""
        kind = "application/offset+octet-stream"
        return await self.request(
            "PATCH", url, data=data, **{"Upload_Offset": str(offset), "Content_Type": kind, **headers}
        )

    async def head(self, url: str) -> Answer:
        """Where an upload stands."""
        return await self.request("HEAD", url)

    async def upload(self, data: bytes, **metadata: str) -> int:
        """A whole upload in one request; its video_id."""
        made = await self.create(len(data), **metadata)
        assert made.status == 201, made
        sent = await self.patch(made.url, 0, data)
        assert sent.status == 204, sent
        return made.video_id

    # -- gRPC

    async def media(self, method: str, **fields: Any) -> Any:
        """Calls MediaService."""
        return await self._call(MediaServiceStub(self._channel), media_pb, method, fields)

    async def job(self, method: str, **fields: Any) -> Any:
        """Calls JobService."""
        return (await self._call(JobServiceStub(self._channel), job_pb, method, fields)).job

    async def subtitle(self, method: str, **fields: Any) -> Any:
        """Calls SubtitleService."""
        return await self._call(SubtitleServiceStub(self._channel), subtitle_pb, method, fields)

    async def _call(self, stub: Any, module: Any, method: str, fields: dict[str, Any]) -> Any:
        request = getattr(module, f"{method}Request")(**fields)
        return await getattr(stub, method)(request, metadata=self.metadata, timeout=PATIENCE_S)

    @property
    def metadata(self) -> list[tuple[str, str]]:
        """Of a call."""
        return [("rushes-service", self.service), ("authorization", f"Bearer {self.token}")]

    async def video(self, video_id: int) -> media_pb.Video:
        """A video."""
        video: media_pb.Video = (await self.media("GetVideo", video_id=video_id)).video
        return video

    async def job_of(self, video_id: int) -> int:
        """The job of a video whose bytes are here."""
        return int((await self.video(video_id)).job_id)

    async def watch(self, video_id: int, job_id: int = 0) -> AsyncIterator[job_pb.Job]:
        """A job as it goes on, until it has ended."""
        job_id = job_id or await self.job_of(video_id)
        request = job_pb.WatchJobRequest(video_id=video_id, job_id=job_id)
        call = JobServiceStub(self._channel).WatchJob(request, metadata=self.metadata, timeout=PATIENCE_S)
        async for answer in call:
            yield answer.job

    async def ended(self, video_id: int) -> media_pb.Video:
        """A video once its job has ended."""
        async for _ in self.watch(video_id):
            pass
        return await self.video(video_id)


@contextlib.asynccontextmanager
async def client_of(server: MediaServer) -> AsyncIterator[Client]:
    """Anna at a server."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    connector = aiohttp.UnixConnector(server.http_socket)
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout) as http,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        yield Client(server, http, channel)


async def patiently(call: Callable[[], Awaitable[Answer]]) -> Answer:
    """The answer, once nobody else is writing."""
    answer = await call()
    while answer.status == 423:
        answer = await call()
    return answer


def noise(size: int, seed: str = "") -> bytes:
    """Bytes without a pattern, the same each time."""
    return random.Random(f"{seed}{size}").randbytes(size)


async def sha256_of(client: Client, video_id: int) -> bytes:
    """What the service found a finished upload to consist of."""
    return bytes((await client.ended(video_id)).sha256)


class Raw:
    """A PATCH by hand, which can stop anywhere."""

    def __init__(self, client: Client, url: str, offset: int, announced: int, **headers: str) -> None:
        said = {
            "Host": "media",
            "Tus-Resumable": "1.0.0",
            "rushes-service": service_token("gateway", SECRET),
            "authorization": f"Bearer {client.token}",
            "Content-Type": "application/offset+octet-stream",
            "Upload-Offset": str(offset),
            "Content-Length": str(announced),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        self._head = f"PATCH {url} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in said.items())
        self._socket = client.server.http_socket

    async def send(self, data: bytes) -> "Raw":
        """The head and some bytes."""
        self._reader, self._writer = await asyncio.open_unix_connection(self._socket)
        self._writer.write(self._head.encode() + b"\r\n" + data)
        await self._writer.drain()
        return self

    async def more(self, data: bytes) -> bytes:
        """More bytes; the answer's first line."""
        self._writer.write(data)
        return await self._reader.readline()

    async def answer(self) -> bytes:
        """The answer's first line."""
        return await self._reader.readline()

    async def cut(self) -> None:
        """Ends the connection as a broken cable does."""
        self._writer.transport.abort()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)


def in_place(group: str, data: bytes, begin: int) -> dict[str, str]:
    """Metadata of a part that says where it goes."""
    return {"group": group, "at": str(begin), "total": str(len(data))}


def main() -> None:
    """The process."""
    config = settings.load(Config, "media")
    mesh = settings.load(settings.MeshConfig, "mesh")
    run(
        "svc_media", config.listen, lambda runtime: build(config, runtime), mesh=mesh, identity=lambda runtime: People()
    )


if __name__ == "__main__":
    main()
