"""A service as a process: readiness, health, metrics, and an end in time whatever hangs."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from mesh.rpc import to_error
from rushes.media.v1 import job_service_pb2 as pb
from rushes.media.v1.job_service_pb2_grpc import JobServiceStub
from tests.integration.mesh_server import SECRET, People, Served, Signer, bare_channel, refused, run_folder
from tests.waiting import until

GRACE_S = 2.0


class Running:
    """A service's process."""

    def __init__(self, folder: Path, how: str = "well") -> None:
        self.how = how
        self.signer = Signer()
        self.target = f"unix:{folder}/it.sock"
        self.said: dict[str, Any] = {}
        self.output = b""
        self.errors = b""
        self.process: asyncio.subprocess.Process

    @contextlib.asynccontextmanager
    async def running(self, **environ: str) -> AsyncIterator["Running"]:
        """Started; `said` is what it said on its readiness pipe."""
        reading, writing = os.pipe()
        told = {"RUSHES_MESH__SECRET": SECRET, "RUSHES_MESH__GRACE_S": str(GRACE_S), "RUSHES_READY_FD": str(writing)}
        key = self.signer.key.public_key().public_bytes_raw().hex()
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.integration.mesh_child", self.target, key, self.how,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **told, **environ}, pass_fds=(writing,),
        )  # fmt: skip
        os.close(writing)
        try:
            line = await asyncio.to_thread(_read_line, reading)
            self.said = json.loads(line) if line else {}
            yield self
        finally:
            if self.process.returncode is None:
                self.process.kill()
            await self.ended()

    async def ended(self) -> int:
        """Its exit code, once it has ended."""
        async with asyncio.timeout(30):
            output, errors = await self.process.communicate()
        self.output += output
        self.errors += errors
        assert self.process.returncode is not None
        return self.process.returncode

    @contextlib.asynccontextmanager
    async def jobs(self) -> AsyncIterator[JobServiceStub]:
        """A stub, as the gateway has it."""
        served = Served(People(self.signer))
        served.target = self.target
        async with served.channels() as channels:
            yield channels.stub(JobServiceStub, "it")

    @property
    def as_anna(self) -> tuple[tuple[str, str], ...]:
        """Metadata of a person."""
        return (("authorization", f"Bearer {self.signer.token()}"),)


def _read_line(descriptor: int) -> str:
    with os.fdopen(descriptor) as file:
        return file.readline()


GRPC_GAVE_UP = re.compile(
    rb'(\{[^\n]*"grpc\._cython\.cygrpc"[^\n]*CancelledError"\}|'
    rb"Traceback \(most recent call last\):\n  File [^\n]*_schedule_rpc_coro\n[a-z.]*CancelledError)\n"
)
"""What gRPC itself reports, rarely, of a call that its client gives up while the server stops: nothing of ours."""


def events_of(errors: bytes) -> list[str]:
    """What a service said of itself; anything else that it wrote fails."""
    return [json.loads(line)["event"] for line in GRPC_GAVE_UP.sub(b"", errors).splitlines()]


def get(url: str) -> tuple[int, str]:
    """An HTTP answer."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


async def test_a_service_says_when_it_is_ready_and_where() -> None:
    with run_folder() as folder:
        async with Running(folder).running() as service:
            addresses = service.said["addresses"]
            assert service.said["ready"]
            assert addresses["grpc"] == service.target
            assert addresses["http"] == "http://nowhere"
            async with service.jobs() as jobs:
                answer = await jobs.GetJob(pb.GetJobRequest(video_id=1, job_id=1), metadata=service.as_anna)
            assert answer.job.job_id == 1
            assert (await asyncio.to_thread(get, addresses["metrics"] + "/healthz"))[0] == 200
            status, text = await asyncio.to_thread(get, addresses["metrics"] + "/metrics")
            assert status == 200
            assert 'rushes_rpc_total{code="OK",method="/rushes.media.v1.JobService/GetJob"} 1.0' in text
            assert (await asyncio.to_thread(get, addresses["metrics"] + "/x"))[0] == 404


async def test_health_and_reflection_need_no_proof() -> None:
    with run_folder() as folder:
        async with Running(folder).running() as service, bare_channel(service.target) as channel:
            health: Any = health_pb2_grpc.HealthStub(channel)
            answer = await health.Check(health_pb2.HealthCheckRequest())
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
            reflection: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
            request = reflection_pb2.ServerReflectionRequest(list_services="")
            async for found in reflection.ServerReflectionInfo(iter([request])):
                names = {one.name for one in found.list_services_response.service}
            assert {"rushes.media.v1.JobService", "grpc.health.v1.Health"} <= names
            unknown = channel.unary_unary("/rushes.media.v1.JobService/Nothing")(b"")
            assert (await refused(unknown)).code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_told_to_stop_it_tells_its_streams_and_finishes_what_it_does(number: signal.Signals) -> None:
    with run_folder() as folder:
        async with Running(folder).running() as service, service.jobs() as jobs, bare_channel(service.target) as bare:
            health: Any = health_pb2_grpc.HealthStub(bare)
            watching = health.Watch(health_pb2.HealthCheckRequest())
            assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING
            stream = jobs.WatchJob(pb.WatchJobRequest(video_id=1), metadata=service.as_anna)
            assert await stream.read() == pb.WatchJobResponse()
            call = jobs.GetJob(pb.GetJobRequest(video_id=1, job_id=10), metadata=service.as_anna)
            await call.wait_for_connection()
            service.process.send_signal(number)
            assert (await watching.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
            watching.cancel()
            error = to_error(await refused(stream))
            assert error.reason == "DRAINING"
            assert (await call).job.job_id == 10
            assert await service.ended() == 0
        assert service.output.split() == [b"drained", b"ended"]
        assert events_of(service.errors) == ["ready", "stopping", "stopped"]


@pytest.mark.parametrize("how", ["deaf", "hanging", "failing"])
async def test_whatever_hangs_or_fails_at_the_end_it_ends_in_time(how: str) -> None:
    with run_folder() as folder:
        async with Running(folder, how).running() as service, service.jobs() as jobs:
            stream = jobs.WatchJob(pb.WatchJobRequest(video_id=1), metadata=service.as_anna)
            assert await stream.read() == pb.WatchJobResponse()
            began_s = time.monotonic()
            service.process.terminate()
            assert await service.ended() == 0
            assert time.monotonic() - began_s < 30
            await refused(stream)
        assert service.output.split() == [b"drained", b"ended"]


async def test_told_twice_it_ends_at_once() -> None:
    with run_folder() as folder:
        async with Running(folder, "hanging").running(RUSHES_MESH__GRACE_S="60") as service:
            service.process.terminate()
            assert service.process.stdout is not None
            assert await service.process.stdout.readline() == b"drained\n"
            service.process.terminate()
            assert await service.ended() == 1


async def test_a_service_that_cannot_start_says_why() -> None:
    with run_folder() as folder:
        async with Running(folder, "broken").running() as service:
            assert service.said["ready"] is False
            assert "the disk is broken" in service.said["error"]
            assert await service.ended() == 1


async def test_a_service_without_a_secret_does_not_start() -> None:
    with run_folder() as folder:
        async with Running(folder).running(RUSHES_MESH__SECRET="") as service:
            assert await service.ended() == 1
        assert b"mesh.secret is needed" in service.errors


async def test_a_port_that_is_taken_is_not_shared_in_silence() -> None:
    with run_folder() as folder:
        first = Running(folder)
        first.target = "127.0.0.1:0"
        async with first.running():
            taken = first.said["addresses"]["grpc"]
            assert not taken.endswith(":0")
            second = Running(folder)
            second.target = taken
            async with second.running():
                assert second.said["ready"] is False
                assert await second.ended() == 1


async def test_who_loses_an_engine_is_not_ready_until_it_is_back_and_healthy_all_the_while() -> None:
    with run_folder() as folder:
        engine = folder / "engine"
        engine.touch()
        async with Running(folder, "needy").running() as service:
            metrics = service.said["addresses"]["metrics"]

            async def ready() -> bool:
                assert (await asyncio.to_thread(get, f"{metrics}/healthz"))[0] == 200
                return (await asyncio.to_thread(get, f"{metrics}/readyz"))[0] == 200

            assert await ready()
            engine.unlink()
            await until(lambda: unready(ready), "being not ready")
            engine.touch()
            await until(ready, "being ready again")


async def unready(ready: Callable[[], Awaitable[bool]]) -> bool:
    """The opposite."""
    return not await ready()
