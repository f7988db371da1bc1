"""One service's process: settings in, gRPC server, metrics, readiness, and an end without loss."""

import asyncio
import contextlib
import inspect
import json
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import grpc
from google.protobuf import descriptor_pool
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from mesh import telemetry
from mesh.auth.identity import Identity
from mesh.auth.interceptor import Guard
from mesh.auth.remote import RemoteIdentity
from mesh.auth.rule import problem_of
from mesh.clock import Clock
from mesh.config import PRINT_OPTION, ConfigError, MeshConfig
from mesh.mutual import Mutual
from mesh.rpc import MAX_MESSAGE_BYTES, Channels

log = logging.getLogger(__name__)

READY_VARIABLE = "RUSHES_READY_FD"
CHECK_S = 2.0
"""Between two looks at the engines, and what a look may take: who has lost one says so within five seconds."""

LAST_STEPS_S = 4.0
"""Time for the last steps, after the grace for calls in progress."""

SERVER_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_concurrent_streams", 10_000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.absolute_max_metadata_size", 32 * 1024),
    # Two servers on one port would each get some of the calls, in silence.
    ("grpc.so_reuseport", 0),
)


class Service(Protocol):
    """What a service gives to `run`. `addresses`, if it has such, is told to whoever started the process.

    `check`, if it has such, is an async function that raises when an engine it needs is not there.
    `resources`, if it has such, is an async function from the resource that a rule names to those whose permissions
    count together.
    `was_done`, if it has such, is a function as `WasDone` of the guard has it.
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
MakeIdentity = Callable[[Runtime], "Identity | Awaitable[Identity]"]


def run(
    name: str,
    listen: str,
    build: Build,
    *,
    mesh: MeshConfig,
    identity: MakeIdentity | None = None,
    options: Sequence[tuple[str, Any]] = (),
) -> None:
    """Serves until SIGTERM or SIGINT. With --print-config it does not: the settings were printed as they were read."""
    if PRINT_OPTION in sys.argv[1:]:
        return
    telemetry.set_up_logging(name, mesh.log_level)
    if not mesh.secret:
        raise ConfigError(["mesh.secret is needed: services prove with it who they are"])
    import uvloop

    process = Process(name, listen, build, mesh=mesh, identity=identity, options=options)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(process.run())


class Process:
    """The parts of a running service, in the order that they begin and end."""

    def __init__(
        self,
        name: str,
        listen: str,
        build: Build,
        *,
        mesh: MeshConfig,
        identity: MakeIdentity | None = None,
        options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        self._name = name
        self._listen = listen
        self._build = build
        self._mesh = mesh
        self._make_identity = identity
        self._options = options
        self._checks = health.aio.HealthServicer()
        self.stopping = asyncio.Event()
        self.ready = asyncio.Event()
        self.addresses: dict[str, str] = {}
        """Where it is reached, once it is ready."""

    async def run(self) -> None:
        """From start to end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            # Not in the main thread: whoever runs it sets `stopping`.
            with contextlib.suppress(ValueError, RuntimeError):
                loop.add_signal_handler(number, self._told_to_stop)
        telemetry.count_tasks(loop)
        metrics = telemetry.MetricsServer(self._mesh.metrics_host, self._mesh.metrics_port)
        channels = Channels(self._name, self._mesh)
        try:
            await self._serve(channels, metrics)
        except Exception as error:
            if not self.ready.is_set():
                _report({"ready": False, "error": str(error)})
            raise
        finally:
            await channels.close()
            metrics.close()
        log.info("stopped")

    def _told_to_stop(self) -> None:
        if self.stopping.is_set():
            log.warning("stopped_at_once")
            os._exit(1)
        self.stopping.set()

    async def _serve(self, channels: Channels, metrics: telemetry.MetricsServer) -> None:
        runtime = Runtime(self._name, self._mesh, channels, cast(Identity, None), Clock())
        if self._make_identity is None:
            runtime.identity = RemoteIdentity(channels)
        else:
            made = self._make_identity(runtime)
            runtime.identity = await made if inspect.isawaitable(made) else made
        try:
            built = self._build(runtime)
            service = await built if inspect.isawaitable(built) else built
            server = self._server(service, runtime.identity)
            try:
                if await self._started(service, server, runtime.identity):
                    await self._tell_ready(service, metrics)
                    await self._look_after(service, metrics)
            finally:
                metrics.healthy = False
                await self._end(service, server)
        finally:
            await self._step("identity", runtime.identity.close(), LAST_STEPS_S / 2)

    async def _started(self, service: Service, server: grpc.aio.Server, identity: Identity) -> bool:
        """Starts, unless told to stop meanwhile."""

        async def start() -> None:
            await asyncio.gather(identity.ready(), service.start())
            await server.start()

        starting, stopping = asyncio.create_task(start()), asyncio.create_task(self.stopping.wait())
        try:
            await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                await starting
                return True
            return False
        finally:
            starting.cancel()
            stopping.cancel()
            await asyncio.gather(starting, stopping, return_exceptions=True)

    async def _look_after(self, service: Service, metrics: telemetry.MetricsServer) -> None:
        """Until told to stop. Whether the engines are there is what /readyz says, and not for /healthz to say."""
        check: Callable[[], Awaitable[None]] | None = getattr(service, "check", None)
        while not self.stopping.is_set():
            if check is not None:
                metrics.healthy = await self._well(check, metrics.healthy)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHECK_S if check is not None else None):
                    await self.stopping.wait()

    async def _well(self, check: Callable[[], Awaitable[None]], before: bool) -> bool:
        try:
            async with asyncio.timeout(CHECK_S):
                await check()
        except Exception as error:
            if before:
                log.error("not_ready", extra={"error": str(error) or type(error).__name__})
            return False
        if not before:
            log.info("ready_again")
        return True

    async def _tell_ready(self, service: Service, metrics: telemetry.MetricsServer) -> None:
        await self._checks.set("", health_pb2.HealthCheckResponse.SERVING)
        metrics.healthy = True
        self.addresses |= {"metrics": f"http://{self._mesh.metrics_host}:{metrics.port}"}
        self.addresses |= getattr(service, "addresses", {})
        self.ready.set()
        log.info("ready", extra=self.addresses)
        _report({"ready": True, "addresses": self.addresses})

    async def _end(self, service: Service, server: grpc.aio.Server) -> None:
        """Not serving; streams are told; calls in progress have the grace; everything is closed. Whatever hangs, the
        process is gone in time.
        """
        loop = asyncio.get_running_loop()
        grace_s = self._mesh.grace_s
        end_s = loop.time() + grace_s
        watchdog = loop.call_later(grace_s + LAST_STEPS_S, _give_up)
        log.info("stopping")
        await self._checks.enter_graceful_shutdown()
        if self.ready.is_set():
            await self._step("drain", service.drain(), grace_s)
        await server.stop(max(end_s - loop.time(), 0.2))
        await self._step("stop", service.stop(), LAST_STEPS_S)
        watchdog.cancel()

    async def _step(self, name: str, work: Awaitable[None], timeout_s: float) -> None:
        """One that fails or hangs keeps none of the others from being done."""
        try:
            async with asyncio.timeout(timeout_s):
                await work
        except TimeoutError:
            log.warning("step_took_too_long", extra={"step": name})
        except Exception:
            log.exception("step_failed", extra={"step": name})

    def _server(self, service: Service, identity: Identity) -> grpc.aio.Server:
        guard = Guard(
            self._mesh.secret, identity, getattr(service, "resources", None), getattr(service, "was_done", None)
        )
        server = grpc.aio.server(interceptors=[guard], options=[*SERVER_OPTIONS, *self._options])
        registrar = _Registrar(server)
        service.register(cast(grpc.aio.Server, registrar))
        _check_rules(registrar.names)
        health_pb2_grpc.add_HealthServicer_to_server(self._checks, server)
        names = (*registrar.names, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
        if self._listen.startswith("unix:"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._listen.removeprefix("unix:"))
        unix = self._listen.startswith("unix:")
        mutual = None if unix else Mutual.of(self._mesh)
        if mutual is None:
            port = server.add_insecure_port(self._listen)
        else:
            port = server.add_secure_port(self._listen, mutual.server_credentials)
        self.addresses["grpc"] = self._listen if unix else f"{self._listen.rpartition(':')[0]}:{port}"
        return server


class _Registrar:
    """A server as `register` sees it, which remembers what was added."""

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server
        self.names: list[str] = []

    def add_generic_rpc_handlers(self, handlers: Sequence[Any]) -> None:
        """See grpc.aio.Server."""
        self.names += [handler.service_name() for handler in handlers]
        self._server.add_generic_rpc_handlers(handlers)

    def add_registered_method_handlers(self, service_name: str, handlers: Any) -> None:
        """See grpc.aio.Server."""
        self._server.add_registered_method_handlers(service_name, handlers)


def _check_rules(names: Sequence[str]) -> None:
    """An RPC without a rule is found at start, not by whoever calls it first."""
    methods = [method for name in names for method in descriptor_pool.Default().FindServiceByName(name).methods]
    problems = [problem for problem in map(problem_of, methods) if problem]
    if problems:
        raise ConfigError(problems)


def _report(state: dict[str, Any]) -> None:
    """Tells whoever started us how it went, over the pipe that they gave us; once."""
    descriptor = os.environ.pop(READY_VARIABLE, "")
    if descriptor:
        with contextlib.suppress(BrokenPipeError), os.fdopen(int(descriptor), "w", encoding="utf-8") as pipe:
            pipe.write(json.dumps(state) + "\n")


def _give_up() -> None:
    log.error("killed_itself")
    os._exit(1)
