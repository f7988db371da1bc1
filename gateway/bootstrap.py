"""Puts the gateway together: the only module that names what it is made of."""

import asyncio
import contextlib
import json
import logging
import ssl
from typing import Final

import grpc
from aiohttp import web

from gateway.access import MeshAccess
from gateway.config import Config
from gateway.core.forwarded import Network, networks
from gateway.core.metadata import bearer_of
from gateway.core.origin import Origins
from gateway.descriptor import raise_descriptor_limit
from gateway.door import Connections, FrontProtocol
from gateway.fault import outside
from gateway.holding import Streams
from gateway.http.auth import AuthRoutes
from gateway.http.call import Hub, SocketCalls
from gateway.http.feed import FeedRoutes
from gateway.http.grpcweb import add_refusals
from gateway.http.guard import Admit, every_answer, headers, middleware
from gateway.http.health import alive, near_numbers
from gateway.http.media import MediaRoutes
from gateway.http.page import PageRoutes
from gateway.http.session import ADDRESS, TokenCache, secret_of
from gateway.http.socket import SocketLimits, SocketRefusals, Sockets
from gateway.http.twin import TwinRoutes, refusal
from gateway.http.viewing import Viewing
from gateway.limiter import Limiter, MemoryLimiter, Policy
from gateway.native import DoorServer
from gateway.passage import DRAIN_S, Passage, Target
from gateway.relay import Switchboard
from gateway.route import ROUTES, Route
from gateway.spread import Spread, key_of, room_of
from gateway.upstream import Upstream, Way
from gateway.web import IDLE_S, WebProtocol
from mesh.auth import service_token
from mesh.config import ConfigError
from mesh.fleet import Fleet
from mesh.ids import family
from mesh.mutual import NAME
from mesh.service import Runtime
from rushes.project.v1.identity_service_pb2_grpc import IdentityServiceStub
from rushes.signaling.v1.feed_service_pb2_grpc import FeedServiceStub

log = logging.getLogger(__name__)

UNARY_TIMEOUT = "30S"
"""The grpc-timeout of calls with one answer that name none."""

DOOR = "door"
OWN = (
    ("/grpc.health.v1.Health/Check", True, True),
    ("/grpc.health.v1.Health/Watch", False, True),
    ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", False, False),
)
"""What the native door answers itself: path, whether it has one answer, whether it has one message."""

COUNTED = ("/auth/", "/api/", "/rushes.", "/whip", "/whep")
"""Beginnings of the paths that count as calls. Pages, posters and media do not."""


SPREAD: Final = ("svc_annotation", "svc_version", "svc_project", "svc_media", "svc_signaling")
"""Services of which there may be several instances: what is about one video, project or room goes to one of them."""


class Gateway:
    """The service: one TCP port, everything behind it."""

    def __init__(self, config: Config, runtime: Runtime) -> None:
        self._config = config
        self._runtime = runtime
        channels = runtime.channels
        identity = channels.stub(IdentityServiceStub, "svc_project")
        self._fleets = {name: Fleet(channels, name) for name in SPREAD}
        self._board = Switchboard(
            self._fleets["svc_annotation"], channels, merge_bytes_s=config.merge_bytes_s, slow_s=config.slow_reader_s
        )
        self._tokens = TokenCache(identity)
        self._auth = AuthRoutes(identity, self._tokens, secure=bool(config.tls_certificate))
        token = service_token(runtime.name, runtime.mesh.secret)
        self._media = MediaRoutes(runtime.mesh.services["svc_media.http"], token, self._tokens, channels.mutual)
        self._feeds = FeedRoutes(self._feed_stub)
        self._origins = Origins(config.allowed_origins)
        self._connections = Connections(config.address_connections, _trusted(config))
        self._access = _access(config, runtime, self._tokens, token)
        self._upstreams = {name: self._way(name) for name in {route.service for route in ROUTES.values()}}
        self._upstreams[DOOR] = Upstream(config.door_listen)
        lines = _lines(every_answer(tls=bool(config.tls_certificate)))
        self._passage = Passage(
            self._targets().get,
            self._access,
            self._origins,
            max_message_bytes=config.max_message_bytes,
            slow_reader_s=config.slow_reader_s,
            lines=lines,
            rewrite=outside,
        )
        self._calls = SocketCalls(
            self._targets(streams=True).get,
            self._access.rest,
            self._passage.count,
            keep=self._access.keep,
            admit=self._access.admit,
            hold=self._access.hold,
            hub=Hub(Viewing(self._board, self._tokens, config.begin_s), self._tokens),
            rewrite=outside,
        )
        limits = SocketLimits(config.max_socket_message_bytes, config.max_viewers, config.begin_s, self._connections)
        self._sockets = Sockets(self._calls, limits, self._origins, self._access.address, lines)
        self._twins = TwinRoutes(self._raw, self._tokens)
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._door: DoorServer | None = None
        self.port = config.port

    def _way(self, service: str) -> Way:
        """To a service: to its one instance, or to whichever serves what a call is about."""
        if service in SPREAD and not self._fleets[service].alone:
            return Spread(self._fleets[service], self._upstream)
        return self._upstream(self._runtime.channels.address(service))

    def _upstream(self, target: str) -> Upstream:
        mutual = self._runtime.channels.mutual
        return Upstream(target, mutual.http2, NAME) if mutual is not None else Upstream(target)

    def _feed_stub(self, key: str) -> FeedServiceStub:
        """Where the room of a feed's key is served."""
        return FeedServiceStub(self._fleets["svc_signaling"].raw(family(room_of(key.encode()))))

    def _raw(self, route: Route, message: bytes) -> grpc.aio.Channel:
        """A channel to the instance that answers a call with this message."""
        if route.service in SPREAD:
            return self._fleets[route.service].raw(key_of(route.service, message))
        return self._runtime.channels.raw(route.service)

    def register(self, server: grpc.aio.Server) -> None:
        """The gateway has no RPCs of its own but health and reflection."""

    @property
    def addresses(self) -> dict[str, str]:
        """Where it is reached, for whoever starts it."""
        scheme = "https" if self._config.tls_certificate else "http"
        return {"http": f"{scheme}://{self._config.host}:{self.port}"}

    async def start(self) -> None:
        """Listens."""
        config = self._config
        raise_descriptor_limit()
        for fleet in self._fleets.values():
            await fleet.start()
        self._board.start()
        await self._media.start()
        self._door = DoorServer(
            self._runtime.channels,
            self._fleets,
            config.door_listen,
            config.max_message_bytes,
            self._access.admit,
            self._access.hold,
            self._access.address,
        )
        await self._door.start()
        # A handler ends with its connection: nobody reads what it would send.
        self._runner = web.AppRunner(
            self._app(),
            access_log=None,
            keepalive_timeout=IDLE_S,
            shutdown_timeout=2.0,
            handler_cancellation=True,
            auto_decompress=False,
        )
        await self._runner.setup()
        http = self._runner.server
        assert http is not None
        door_path = config.door_listen.removeprefix("unix:")
        self._server = await asyncio.get_running_loop().create_server(
            lambda: FrontProtocol(
                lambda transport, gone: WebProtocol(
                    transport, http, self._passage, self._sockets, config.begin_s, gone
                ),
                door_path,
                config.begin_s,
                self._connections,
            ),
            config.host,
            config.port,
            ssl=self._tls(),
            ssl_handshake_timeout=config.begin_s if config.tls_certificate else None,
            reuse_port=config.reuse_port or None,
            backlog=4096,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def _targets(self, *, streams: bool = False) -> dict[str, Target]:
        """Where each call goes that passes as bytes, on WebSockets with `streams`."""
        own = {
            path: Target(path, self._upstreams[DOOR], unary=unary, single=single, public=True)
            for path, unary, single in OWN
            if streams or single
        }
        return own | {
            path: Target(
                path,
                self._upstreams[route.service],
                unary=not route.server_streaming,
                single=not route.client_streaming,
                public=route.public,
                repeatable=route.repeatable,
                default_timeout="" if route.server_streaming else UNARY_TIMEOUT,
            )
            for path, route in ROUTES.items()
            if streams or not route.client_streaming
        }

    def _app(self) -> web.Application:
        config = self._config
        app = web.Application(
            middlewares=[middleware(self._origins, self._admit(), refusal)], client_max_size=config.max_message_bytes
        )
        app.on_response_prepare.append(headers(self._origins, tls=bool(config.tls_certificate)))
        app.router.add_get("/healthz", alive)
        app.router.add_get("/metrics", near_numbers)
        app.router.add_get("/readyz", self._readyz)
        self._auth.add_to(app)
        SocketRefusals(self._sockets, self._calls).add_to(app)
        self._media.add_to(app)
        self._feeds.add_to(app)
        self._twins.add_to(app)
        add_refusals(app)
        PageRoutes(config.web).add_to(app)
        return app

    def _admit(self) -> Admit:
        async def admit(request: web.Request) -> None:
            forwarded = ",".join(request.headers.getall("X-Forwarded-For", ()))
            address = self._access.address(request.remote or "", forwarded)
            request[ADDRESS] = address
            if request.path.startswith(COUNTED):
                secret = secret_of(request)
                token = self._tokens.peek(secret) if secret else bearer_of(request.headers.get("authorization", ""))
                await self._access.admit(self._twins.called(request), token or "", address)

        return admit

    async def _readyz(self, request: web.Request) -> web.Response:
        ready = not self._board.closing
        return web.Response(
            text=json.dumps({"ready": ready}), status=200 if ready else 503, content_type="application/json"
        )

    def _tls(self) -> ssl.SSLContext | None:
        if not self._config.tls_certificate:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self._config.tls_certificate, self._config.tls_key)
        # Browsers offer both and get the first; gRPC offers h2 alone.
        context.set_alpn_protocols(["http/1.1", "h2"])
        return context

    async def drain(self) -> None:
        """Takes nothing new; viewers are told to open again elsewhere, calls with one answer get it.

        Sockets that have none of these are closed by a new call, and `stop` closes all.
        """
        if self._server is not None:
            self._server.close()
        if self._door is not None:
            await self._door.drain()
        await self._board.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await asyncio.gather(self._passage.drain(), self._sockets.drain())

    async def stop(self) -> None:
        """Ends what is left."""
        if self._door is not None:
            await self._door.stop(1.0)
        await self._sockets.close()
        if self._runner is not None:
            await self._runner.cleanup()
        await self._media.close()
        for fleet in self._fleets.values():
            await fleet.close()
        for upstream in self._upstreams.values():
            await upstream.close()
        await self._access.close()


def _access(config: Config, runtime: Runtime, tokens: TokenCache, proof: str) -> MeshAccess:
    """Who may call how often. Raises ConfigError."""
    try:
        methods = {path: float(rate) for path, rate in config.method_calls_s.items()}
    except ValueError as error:
        raise ConfigError([f"gateway.method_calls_s: {error}"]) from error
    policy = Policy(config.person_calls_s, config.sign_ins_s, methods)
    streams = Streams(config.person_streams)
    return MeshAccess(runtime.identity, tokens, _limiter(config), policy, _trusted(config), proof, streams)


def _trusted(config: Config) -> tuple[Network, ...]:
    """Who may say where requests come from. Raises ConfigError."""
    try:
        return networks(config.trusted_proxies)
    except ValueError as error:
        raise ConfigError([f"gateway.trusted_proxies: {error}"]) from error


def _limiter(config: Config) -> Limiter:
    if not config.redis:
        return MemoryLimiter()
    from gateway.limiter_redis import RedisLimiter  # its client takes time and memory: only who uses it imports it

    return RedisLimiter(config.redis)


def _lines(fields: list[tuple[str, str]]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode("latin-1")


def build(config: Config, runtime: Runtime) -> Gateway:
    """The gateway of this configuration."""
    return Gateway(config, runtime)
