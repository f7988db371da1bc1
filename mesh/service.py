"""One service's process: settings in, gRPC server, metrics, readiness, and an end without loss."""

import asyncio
import contextlib
import inspect
import json
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from mesh import telemetry
from mesh.auth.identity import Identity
from mesh.auth.interceptor import Guard
from mesh.auth.remote import RemoteIdentity
from mesh.auth.rule import FILES
from mesh.clock import Clock
from mesh.config import MeshConfig
from mesh.rpc import MAX_MESSAGE_BYTES, Channels

log = logging.getLogger(__name__)

_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_concurrent_streams", 10_000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.so_reuseport", 0),
)


class Service(Protocol):
    """What a service gives to `run`. `addresses`, if it has such, is told to whoever started the process.

    `resources`, if it has such, is an async function from the resource that a rule names to those whose permissions
    count together.
    """

    def register(self, server: grpc.aio.Server) -> None:
        """Adds its servicers."""

    async def start(self) -> None:
        """Opens what it needs; requests come only afterwards."""

    async def drain(self) -> None:
        """Told to stop: streams are told to resume elsewhere, nothing new is begun."""

    async def stop(self) -> None:
        """Closes everything."""


@dataclass
class Runtime:
    """What a service is built with."""

    name: str
    mesh: MeshConfig
    channels: Channels
    identity: Identity
    clock: Clock


Build = Callable[[Runtime], "Service | Awaitable[Service]"]


def run(
    name: str,
    listen: str,
    build: Build,
    *,
    mesh: MeshConfig,
    identity: "Callable[[Runtime], Identity | Awaitable[Identity]] | None" = None,
    options: Sequence[tuple[str, Any]] = (),
) -> None:
    """Serves until SIGTERM or SIGINT."""
    telemetry.set_up_logging(name, mesh.log_level)
    try:
        import uvloop

        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    except ImportError:
        runner = asyncio.Runner()
    with runner:
        runner.run(Process(name, listen, build, mesh=mesh, identity=identity, options=options).run())


class Process:
    """The parts of a running service, in the order that they begin and end."""

    def __init__(
        self,
        name: str,
        listen: str,
        build: Build,
        *,
        mesh: MeshConfig,
        identity: "Callable[[Runtime], Identity | Awaitable[Identity]] | None" = None,
        options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        self._name = name
        self._listen = listen
        self._build = build
        self._mesh = mesh
        self._make_identity = identity
        self._options = options
        self.stopping = asyncio.Event()
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """From start to end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(
                ValueError, RuntimeError
            ):  # not in the main thread: whoever runs it sets `stopping`
                loop.add_signal_handler(number, self.stopping.set)
        metrics = telemetry.MetricsServer(self._mesh.metrics_host, self._mesh.metrics_port)
        channels = Channels(self._name, self._mesh)
        try:
            await self._serve(channels, metrics)
        finally:
            await channels.close()
            metrics.close()

    async def _serve(self, channels: Channels, metrics: telemetry.MetricsServer) -> None:
        runtime = Runtime(self._name, self._mesh, channels, None, Clock())  # type: ignore[arg-type]
        if self._make_identity is None:
            runtime.identity = RemoteIdentity(channels)
        else:
            made = self._make_identity(runtime)
            runtime.identity = await made if inspect.isawaitable(made) else made
        built = self._build(runtime)
        service = await built if inspect.isawaitable(built) else built
        checks = health.aio.HealthServicer()
        server = self._server(service, runtime.identity, checks)
        started = asyncio.create_task(self._start(service, runtime.identity))
        stopping = asyncio.create_task(self.stopping.wait())
        try:
            await asyncio.wait((started, stopping), return_when=asyncio.FIRST_COMPLETED)
            if started.done():
                started.result()
                await server.start()
                await checks.set("", health_pb2.HealthCheckResponse.SERVING)
                metrics.healthy = True
                self._tell_ready(service, metrics)
                log.info("ready", extra={"listen": self._listen})
                await stopping
            log.info("stopping")
            metrics.healthy = False
            await checks.enter_graceful_shutdown()
            if started.done():
                await service.drain()
            await server.stop(self._mesh.grace_s)
        finally:
            started.cancel()
            stopping.cancel()
            await asyncio.gather(started, stopping, return_exceptions=True)
            await service.stop()
            await runtime.identity.close()

    async def _start(self, service: Service, identity: Identity) -> None:
        await identity.ready()
        await service.start()

    def _server(self, service: Service, identity: Identity, checks: health.aio.HealthServicer) -> grpc.aio.Server:
        guard = Guard(self._mesh.secret, identity, getattr(service, "resources", None))
        server = grpc.aio.server(interceptors=[guard], options=[*_OPTIONS, *self._options])
        service.register(server)
        health_pb2_grpc.add_HealthServicer_to_server(checks, server)
        names = [name for module in FILES for name in _service_names(module)]
        reflection.enable_server_reflection((*names, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
        if self._listen.startswith("unix:"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._listen.removeprefix("unix:"))
        server.add_insecure_port(self._listen)
        return server

    def _tell_ready(self, service: Service, metrics: telemetry.MetricsServer) -> None:
        self.ready.set()
        descriptor = os.environ.get("RUSHES_READY_FD", "")
        if not descriptor:
            return
        addresses = {"grpc": self._listen, "metrics": f"http://{self._mesh.metrics_host}:{metrics.port}"}
        addresses.update(getattr(service, "addresses", {}))
        line = json.dumps({"ready": True, "addresses": addresses}) + "\n"
        with os.fdopen(int(descriptor), "w") as pipe:
            pipe.write(line)


def _service_names(module: Any) -> list[str]:
    return [service.full_name for service in module.DESCRIPTOR.services_by_name.values()]
