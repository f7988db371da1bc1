"""A small service in a process of its own: python -m tests.integration.mesh_child LISTEN KEY_HEX [HOW]."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from mesh.config import ConfigError, MeshConfig, load
from mesh.service import run
from rushes.errors import Unavailable
from rushes.media.v1 import job_service_pb2 as pb
from rushes.media.v1.job_service_pb2_grpc import JobServiceServicer, add_JobServiceServicer_to_server
from tests.integration.mesh_server import People, Signer


class Draining(Unavailable):
    """The stream's server goes away."""

    reason = "DRAINING"


class Jobs(JobServiceServicer):
    """GetJob takes as many tenths of a second as its job_id says; WatchJob goes on until the service is drained."""

    def __init__(self, how: str) -> None:
        self._how = how
        self._draining = asyncio.Event()
        self.addresses = {"http": "http://nowhere"}

    async def GetJob(self, request: pb.GetJobRequest, context: Any) -> pb.GetJobResponse:
        """Takes its time."""
        await asyncio.sleep(request.job_id / 10)
        return pb.GetJobResponse(job=pb.Job(job_id=request.job_id))

    async def WatchJob(self, request: pb.WatchJobRequest, context: Any) -> AsyncIterator[pb.WatchJobResponse]:
        """One message, then the end."""
        yield pb.WatchJobResponse()
        await (asyncio.Event() if self._how == "deaf" else self._draining).wait()
        raise Draining("open again elsewhere")

    async def CreateJob(self, request: Any, context: Any) -> Any:
        """Not asked."""
        raise NotImplementedError

    async def CancelJob(self, request: Any, context: Any) -> Any:
        """Not asked."""
        raise NotImplementedError

    def register(self, server: grpc.aio.Server) -> None:
        """See Service."""
        add_JobServiceServicer_to_server(self, server)

    async def start(self) -> None:
        """See Service."""
        if self._how == "broken":
            raise OSError(5, "the disk is broken")

    async def check(self) -> None:
        """See Service. The engine is away while `engine` is not in the folder of the socket; only "needy" has one."""
        if self._how == "needy" and not Path(sys.argv[1].removeprefix("unix:")).with_name("engine").exists():
            raise Unavailable("the engine is away")

    async def drain(self) -> None:
        """See Service."""
        os.write(1, b"drained\n")
        if self._how == "hanging":
            await asyncio.Event().wait()
        if self._how == "failing":
            raise KeyError("drain")
        self._draining.set()

    async def stop(self) -> None:
        """See Service."""
        os.write(1, b"ended\n")


def main() -> None:
    """Serves."""
    listen, key, how = sys.argv[1], sys.argv[2], sys.argv[3]
    signer = Signer()
    people = People(signer)
    people.keys = {signer.kid: Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))}
    people.everywhere = {"anna": -1}
    try:
        mesh = load(MeshConfig, "mesh")
        run("svc_media", listen, lambda runtime: Jobs(how), mesh=mesh, identity=lambda runtime: people)
    except ConfigError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
