"""Services on a network with TLS between them: all passes as without it, and nobody without a certificate gets in."""

import asyncio
import contextlib
import json
import os
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2

from benchmarks.stack import Stack, StackError
from benchmarks.studio import PROJECT
from mesh.config import ConfigError, MeshConfig
from mesh.mutual import AUTHORITY, CERTIFICATE, Mutual, make
from mesh.rpc import Channels
from rushes.project.v1 import project_service_pb2
from tests.engine import free_ports
from tests.product import FAST_HASHES
from tests.waiting import until

SECRET = "a secret of thirty-two characters"
SERVICES = ("svc_project", "svc_media", "gateway")
CHECK = "/grpc.health.v1.Health/Check"


@dataclass
class Network:
    """A gateway before two services, each at an address of its own."""

    front: Stack
    services: dict[str, str]
    folder: Path
    """Of the certificates."""

    async def health(self, tls: Path | None) -> int:
        """What svc_media says to somebody who comes with these certificates."""
        mesh = MeshConfig(secret=SECRET, services=self.services, tls=str(tls or ""))
        channels = Channels("gateway", mesh)
        check = channels.raw("svc_media").unary_unary(
            CHECK,
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        try:
            answer = await check(health_pb2.HealthCheckRequest(), timeout=5, wait_for_ready=False)
            return int(answer.status)
        finally:
            await channels.close()


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Running."""
    folder = tmp_path_factory.mktemp("network")
    make(folder / "tls")
    project, media, http, page = (f"127.0.0.1:{port}" for port in free_ports(4))
    services = {"svc_project": project, "svc_media": media, "svc_media.http": http}
    nowhere = {f"svc_{name}": "127.0.0.1:1" for name in ("annotation", "version", "signaling", "sfu")}
    environ = {
        **os.environ,
        **FAST_HASHES,
        "RUSHES_MESH__DATA": str(folder / "data"),
        "RUSHES_MESH__SECRET": SECRET,
        "RUSHES_MESH__SERVICES": json.dumps(services | nowhere),
        "RUSHES_MESH__TLS": str(folder / "tls"),
        "RUSHES_PROJECT__LISTEN": project,
        "RUSHES_MEDIA__LISTEN": media,
        "RUSHES_MEDIA__HTTP_LISTEN": http,
        "RUSHES_GATEWAY__LISTEN": f"unix:{folder}/gateway.sock",
        "RUSHES_GATEWAY__DOOR_LISTEN": f"unix:{folder}/door.sock",
        "RUSHES_GATEWAY__PORT": page.rpartition(":")[2],
    }
    (folder / "data").mkdir()
    with contextlib.ExitStack() as stack:
        for name in SERVICES:
            log = stack.enter_context((folder / f"{name}.log").open("ab"))
            command = [sys.executable, "-m", name]
            process = stack.enter_context(subprocess.Popen(command, env=environ, stdout=log, stderr=log))
            stack.callback(process.kill)
        yield Network(Stack(folder / "data", address=f"http://{page}"), services, folder / "tls")


def answers(front: Stack) -> bool:
    """Whether people can sign in at the gateway, which svc_project decides, and are told what svc_media takes."""
    with contextlib.suppress(OSError, StackError):
        return front.request("OPTIONS", "/uploads", secret=front.sign_in())[0] == 204
    return False


def read(url: str, context: ssl.SSLContext) -> bytes:
    """What is there."""
    with urllib.request.urlopen(url, timeout=10, context=context) as answer:
        return bytes(answer.read())


async def test_people_sign_in_look_and_upload_through_it(network: Network) -> None:
    front = network.front
    await until(lambda: answers(front), "the gateway", 60)
    secret = front.sign_in()
    projects = front.rpc(PROJECT, "ListProjects", project_service_pb2.ListProjectsRequest(), secret).projects
    file = network.folder / "clip.mov"
    file.write_bytes(b"not a film" * 1_000)
    video_id = front.upload(file, projects[0].project_id, secret)
    assert video_id > 0
    assert front.request("GET", f"/media/{video_id}/nothing", secret=secret)[0] == 404


async def test_nobody_without_a_certificate_of_this_authority_is_let_in(network: Network, tmp_path: Path) -> None:
    await until(lambda: answers(network.front), "the gateway", 60)
    assert await network.health(network.folder) == health_pb2.HealthCheckResponse.SERVING
    make(tmp_path)
    for stranger in (None, tmp_path):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await network.health(stranger)
        assert caught.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    context = ssl.create_default_context(cafile=str(network.folder / AUTHORITY))
    context.check_hostname = False
    with pytest.raises(OSError, match=r"certificate|closed|reset|EOF"):
        await asyncio.to_thread(read, f"https://{network.services['svc_media.http']}/uploads", context)


def test_certificates_that_are_missing_or_no_pair_are_found_at_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mesh\.tls"):
        Mutual.of(MeshConfig(tls=str(tmp_path)))
    make(tmp_path / "one")
    make(tmp_path / "other")
    (tmp_path / "one" / CERTIFICATE).write_bytes((tmp_path / "other" / CERTIFICATE).read_bytes())
    with pytest.raises(ConfigError, match=r"mesh\.tls"):
        Mutual.of(MeshConfig(tls=str(tmp_path / "one")))
    assert Mutual.of(MeshConfig()) is None
