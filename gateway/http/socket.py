"""WebSockets of browsers: one call each in the `grpc-websockets` subprotocol, or many on one in `rushes-streams`."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from aiohttp import web
from google.protobuf.message import DecodeError
from google.rpc import code_pb2

from gateway import metrics
from gateway.core import deflate, grpcweb, handshake, mux, socket
from gateway.core.grpcweb import ProtocolError
from gateway.core.head import Head
from gateway.core.origin import Origins
from gateway.core.socket import SUBPROTOCOL, Headers
from gateway.core.websocket import GOING_AWAY, INTERNAL_ERROR
from gateway.door import RETRY_S, Connections, Release
from gateway.http.call import SocketCall, SocketCalls
from gateway.http.grpcweb import METHOD_PATH, trailers_of
from gateway.http.mux import LOOK_AGAIN_S, MuxSocket
from gateway.http.passing import CutOffError
from gateway.http.session import ADDRESS, Caller, caller_of
from gateway.http.websocket import WebSocketConnection, WebSocketStream

log = logging.getLogger(__name__)

MUX_PATH = "/streams"
NO_SOCKET = f"Calls are made with POST, or on a WebSocket with the subprotocol {SUBPROTOCOL}."

AddressOf = Callable[[str, str], str]
"""From the address of a connection and X-Forwarded-For: where a request comes from."""


@dataclass(frozen=True)
class SocketLimits:
    """What one socket, and all of them, may take."""

    max_message_bytes: int
    max_sockets: int
    begin_s: float
    connections: Connections = field(default_factory=Connections)


class Sockets:
    """Opens them on the connections that they came on. What is no proper handshake is left to the routes to refuse."""

    def __init__(
        self, calls: SocketCalls, limits: SocketLimits, origins: Origins, address: AddressOf, lines: bytes
    ) -> None:
        self._calls = calls
        self._limits = limits
        self._origins = origins
        self._address = address
        self._lines = lines
        self._open: dict[WebSocketConnection, tuple[Release, Release]] = {}
        """With who is told that they have ended."""
        self._tasks: dict[asyncio.Task[None], tuple[str, WebSocketStream]] = {}
        """Of sockets of one call: its method, and the socket."""

    def protocol_of(self, head: Head, peer: str) -> str:
        """The subprotocol of a request that opens a socket; empty: it does not."""
        protocol = self._protocol(head)
        taken = (
            protocol in handshake.subprotocols(head)
            and head.method == "GET"
            and head.version == 1
            and head.size == 0
            and handshake.is_handshake(head)
            and self._origins.admits(head)
            and not self.full
            and not self.crowded(peer, self._address(peer, head.get("x-forwarded-for")))
        )
        return protocol if taken else ""

    def _protocol(self, head: Head) -> str:
        if head.path == MUX_PATH:
            return mux.SUBPROTOCOL
        return SUBPROTOCOL if self._calls.knows(head.path) else ""

    @property
    def full(self) -> bool:
        """Nobody new is taken."""
        return self._calls.draining or self._calls.closing or len(self._open) >= self._limits.max_sockets

    def crowded(self, peer: str, address: str) -> bool:
        """Nobody new is taken from this address."""
        return self._limits.connections.crowded(peer, address)

    def open(
        self, transport: asyncio.Transport, head: Head, protocol: str, peer: str, rest: bytes, gone: Release
    ) -> None:
        """The connection is a socket from here on. `rest`: what came behind the head. `gone`: told when it ends."""
        packs = deflate.agrees(head.get("sec-websocket-extensions"))
        agreed = deflate.AGREED if packs else ""
        transport.write(handshake.answer(head.get("sec-websocket-key"), protocol, self._lines, agreed))
        caller = caller_of(head, self._address(peer, head.get("x-forwarded-for")))
        most = self._limits.max_message_bytes
        opened: WebSocketConnection
        if protocol == SUBPROTOCOL:
            opened = stream = WebSocketStream(transport, most, self._gone, packs=packs)
            task = asyncio.create_task(self._serve(caller, head.path, stream))
            self._tasks[task] = head.path, stream
            task.add_done_callback(self._tasks.pop)
        else:
            opened = MuxSocket(transport, self._calls, caller, most, self._gone, packs=packs)
        self._open[opened] = gone, self._limits.connections.begin_socket(peer, caller.address)
        metrics.SOCKETS.inc()
        transport.set_protocol(opened)
        if rest:
            opened.data_received(rest)

    def _gone(self, socket: WebSocketConnection) -> None:
        for gone in self._open.pop(socket, ()):
            gone()
        metrics.SOCKETS.dec()

    async def _serve(self, caller: Caller, path: str, stream: WebSocketStream) -> None:
        try:
            async with asyncio.timeout(self._limits.begin_s):
                call = SocketCall(caller, path, await _headers(stream), stream, stream.out)
                token = await self._calls.ready(call)
                await self._calls.admit(call, token)
            await self._calls.serve(call, token)
        except CutOffError:
            stream.close(INTERNAL_ERROR, "the server behind ended inside of a message")
        except TimeoutError:
            stream.out.trailers(grpcweb.status_trailers(code_pb2.DEADLINE_EXCEEDED, "the call did not begin in time"))
        except DecodeError:
            stream.out.trailers(trailers_of(ProtocolError("a message is not what the method takes"), "-"))
        except Exception as error:  # whatever it is, whoever called has to know
            stream.out.trailers(trailers_of(error, secrets.token_hex(8)))
        finally:
            stream.close()

    def _busy(self) -> "list[asyncio.Task[None]]":
        """Calls in progress."""
        return [*self._tasks, *(task for one in self._open if isinstance(one, MuxSocket) for task in one.tasks)]

    def _awaited(self) -> "dict[asyncio.Task[None], WebSocketConnection]":
        """Those of them that a gateway that stops waits for, and their sockets."""
        found: dict[asyncio.Task[None], WebSocketConnection] = {
            task: stream for task, (path, stream) in self._tasks.items() if self._calls.awaits(path)
        }
        shared = [one for one in self._open if isinstance(one, MuxSocket)]
        return found | {task: one for one in shared for task in one.awaited}

    async def drain(self) -> None:
        """Takes no more sockets and calls; returns once those in progress that are waited for have been answered."""
        self._calls.draining = True
        awaited = self._awaited()
        if awaited:
            await asyncio.wait(awaited)
        while any(one.out.buffered() for one in awaited.values()):  # noqa: ASYNC110  # nothing tells when it was taken
            await asyncio.sleep(LOOK_AGAIN_S)

    async def close(self) -> None:
        """Ends all that are open."""
        left, tasks = list(self._open), self._busy()
        for one in left:
            one.close(GOING_AWAY, "this gateway ends")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for one in left:
            one.abort()


async def _headers(events: AsyncIterator[socket.Event]) -> list[tuple[str, str]]:
    async for event in events:
        if isinstance(event, Headers):
            return event.fields
        break
    raise ProtocolError("the socket closed before the headers")


class SocketRefusals:
    """Says what is wrong with a request for a WebSocket that was not taken."""

    def __init__(self, sockets: Sockets, calls: SocketCalls) -> None:
        self._sockets = sockets
        self._calls = calls

    def add_to(self, app: web.Application) -> None:
        """Adds the routes; must come before that of what is refused."""
        app.router.add_get(METHOD_PATH, self.call, allow_head=False)
        app.router.add_get(MUX_PATH, self.streams, allow_head=False)

    async def streams(self, request: web.Request) -> web.StreamResponse:
        """Where many calls share a socket."""
        if "Upgrade" not in request.headers:
            raise web.HTTPUpgradeRequired(text=f"This is a WebSocket with the subprotocol {mux.SUBPROTOCOL}.")
        raise self._refusal(request, mux.SUBPROTOCOL)

    async def call(self, request: web.Request) -> web.StreamResponse:
        """Where one call has a socket."""
        if "Upgrade" not in request.headers or not self._calls.knows(request.path):
            raise web.HTTPMethodNotAllowed(request.method, ["POST"], text=NO_SOCKET)
        raise self._refusal(request, SUBPROTOCOL)

    def _refusal(self, request: web.Request, protocol: str) -> web.HTTPException:
        if protocol not in handshake.subprotocols(request.headers):
            return web.HTTPBadRequest(text=f"This is a WebSocket with the subprotocol {protocol}.")
        if not handshake.is_handshake(request.headers):
            return web.HTTPBadRequest(
                text=f"That is no handshake of a WebSocket of version {handshake.VERSION}.",
                headers={"Sec-WebSocket-Version": handshake.VERSION},
            )
        if self._sockets.full:
            return web.HTTPServiceUnavailable(
                text="This gateway takes no more sockets; try again in a moment.",
                headers={"Retry-After": str(RETRY_S)},
            )
        peer = request.remote or ""
        if self._sockets.crowded(peer, request.get(ADDRESS) or peer):
            metrics.REFUSALS.labels("connection").inc()
            return web.HTTPTooManyRequests(
                text="There are too many sockets from your address; try again in a moment.",
                headers={"Retry-After": str(RETRY_S)},
            )
        return web.HTTPBadRequest(text="A WebSocket is opened by a GET of HTTP/1.1 without a body.")
