"""The gateway alone, in front of any gRPC server: gRPC-Web and `grpc-websockets` for its methods, without users."""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Sequence
from functools import lru_cache

from aiohttp import web
from google.rpc import code_pb2

from gateway.access import OpenAccess
from gateway.arguments import MAX_RECEIVE_BYTES, parse
from gateway.core.origin import Origins
from gateway.descriptor import raise_descriptor_limit
from gateway.door import Connections, FrontProtocol
from gateway.http.call import SocketCalls
from gateway.http.grpcweb import add_refusals
from gateway.http.guard import headers, middleware
from gateway.http.health import alive, numbers
from gateway.http.socket import SocketLimits, SocketRefusals, Sockets
from gateway.passage import DRAIN_S, Access, Passage, Target
from gateway.upstream import Upstream
from gateway.web import IDLE_S, WebProtocol
from mesh import telemetry

log = logging.getLogger(__name__)

BEGIN_S = 10.0
SLOW_READER_S = 30.0
MAX_SOCKETS = 15_000
MAX_METHODS = 1_000
"""That are counted by their names."""
OTHER = "other"
LINES = b"x-content-type-options: nosniff\r\nserver: Rushes\r\n"


class Alone:
    """Listens at `listen` and passes every call to `upstream`, both HOST:PORT (`unix:PATH` too for the second)."""

    def __init__(
        self,
        listen: str,
        upstream: str,
        *,
        max_receive_bytes: int = MAX_RECEIVE_BYTES,
        origins: Sequence[str] = (),
        access: Access | None = None,
        reuse_port: bool = False,
        address_connections: int = 0,
    ) -> None:
        self._connections = Connections(address_connections)
        self._reuse_port = reuse_port
        host, _, port = listen.rpartition(":")
        self._host, self.port = host.strip("[]") or "127.0.0.1", int(port)
        self._upstream = Upstream(upstream)
        self._origins = Origins(tuple(origins), everybody=not origins)
        self._answered: set[str] = set()
        self._resolve = lru_cache(4_096)(self._target)
        access = access or OpenAccess()
        self._passage = Passage(
            self._resolve,
            access,
            self._origins,
            max_message_bytes=max_receive_bytes,
            slow_reader_s=SLOW_READER_S,
            lines=LINES,
            label=self._label,
        )
        self._calls = SocketCalls(self._resolve, lambda *_: b"", self._passage.count, keep=access.keep)
        limits = SocketLimits(max_receive_bytes + 16, MAX_SOCKETS, BEGIN_S, self._connections)
        self._sockets = Sockets(self._calls, limits, self._origins, lambda peer, _: peer, LINES)
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None

    def _target(self, path: str) -> Target | None:
        """Any method: nobody knows which there are, nor how they stream."""
        service, _, method = path[1:].partition("/")
        if not service or not method or "/" in method:
            return None
        return Target(path, self._upstream, unary=False, single=False, checked=False)

    def _label(self, path: str, code: int) -> str:
        """Only what was answered well is a method for sure: all else is counted together, or anybody fills memory."""
        if code == code_pb2.OK and len(self._answered) < MAX_METHODS:
            self._answered.add(path)
        return path if path in self._answered else OTHER

    async def start(self) -> None:
        """Listens."""
        raise_descriptor_limit()
        app = web.Application(middlewares=[middleware(self._origins, _admit)])
        app.on_response_prepare.append(headers(self._origins, tls=False))
        app.router.add_get("/healthz", alive)
        app.router.add_get("/readyz", alive)
        app.router.add_get("/metrics", numbers)
        SocketRefusals(self._sockets, self._calls).add_to(app)
        add_refusals(app)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            keepalive_timeout=IDLE_S,
            shutdown_timeout=2.0,
            handler_cancellation=True,
            auto_decompress=False,
        )
        await self._runner.setup()
        http = self._runner.server
        assert http is not None
        self._server = await asyncio.get_running_loop().create_server(
            lambda: FrontProtocol(
                lambda transport, gone: WebProtocol(transport, http, self._passage, self._sockets, BEGIN_S, gone),
                "",
                BEGIN_S,
                self._connections,
            ),
            self._host,
            self.port,
            backlog=4096,
            reuse_port=self._reuse_port or None,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def drain(self) -> None:
        """Takes nothing new, and waits a little for the answers to calls in progress."""
        if self._server is not None:
            self._server.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await asyncio.gather(self._passage.drain(), self._sockets.drain())

    async def stop(self) -> None:
        """Ends everything."""
        if self._server is not None:
            self._server.close()
        await self._sockets.close()
        if self._runner is not None:
            await self._runner.cleanup()
        await self._upstream.close()


async def _admit(request: web.Request) -> None:
    """There are no users, so there are no rates."""


async def _serve(gateway: Alone) -> None:
    told, again = asyncio.Event(), asyncio.Event()

    def stop() -> None:
        (again if told.is_set() else told).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    await gateway.start()
    log.info("ready", extra={"port": gateway.port})
    await told.wait()
    draining, told_again = asyncio.create_task(gateway.drain()), asyncio.create_task(again.wait())
    await asyncio.wait((draining, told_again), return_when=asyncio.FIRST_COMPLETED)
    for task in (draining, told_again):
        task.cancel()
    await gateway.stop()


def main(arguments: Sequence[str]) -> None:
    """`python -m gateway --listen HOST:PORT --upstream HOST:PORT`."""
    given = parse(arguments)
    telemetry.set_up_logging("gateway")
    import uvloop

    host = f"[{given.host}]" if ":" in given.host else given.host
    gateway = Alone(
        f"{host}:{given.port}",
        given.upstream,
        max_receive_bytes=given.max_receive_bytes,
        origins=given.origins,
        reuse_port=given.reuse_port,
        address_connections=given.address_connections,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_serve(gateway))
        except OSError as error:  # once it listens, nothing of the network ends it
            sys.exit(f"python -m gateway: cannot listen at {host}:{given.port}: {error.strerror or error}")
