"""WebSockets of browsers: one call each, in the `grpc-websockets` subprotocol."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web
from google.protobuf.message import DecodeError
from google.rpc import code_pb2

from gateway.core import grpcweb, mux, socket
from gateway.core.grpcweb import ProtocolError
from gateway.core.socket import SUBPROTOCOL, Headers
from gateway.http.call import SocketCall, SocketCalls
from gateway.http.grpcweb import METHOD_PATH, trailers_of
from gateway.http.listening import Listening
from gateway.http.mux import MuxSocket
from gateway.http.websocket import CLOSE_S, ViewerSocket, WebSocketStream, trailers_frame
from rushes import errors

MUX_PATH = "/streams"
NO_SOCKET = f"Calls are made with POST, or on a WebSocket with the subprotocol {SUBPROTOCOL}."


@dataclass(frozen=True)
class SocketLimits:
    """What one socket, and all of them, may take."""

    max_message_bytes: int
    max_sockets: int
    begin_s: float


class SocketRoutes:
    """GET /PACKAGE.SERVICE/METHOD with an upgrade to WebSocket."""

    def __init__(self, calls: SocketCalls, limits: SocketLimits) -> None:
        self._calls = calls
        self._limits = limits
        self._open = 0

    def add_to(self, app: web.Application) -> None:
        """Adds the routes; must come before that of what is refused."""
        app.router.add_get(METHOD_PATH, self.handle, allow_head=False)
        app.router.add_get(MUX_PATH, self.handle_mux, allow_head=False)

    async def handle_mux(self, request: web.Request) -> web.StreamResponse:
        """One socket of many calls."""
        if "Upgrade" not in request.headers:
            raise web.HTTPUpgradeRequired(text=f"This is a WebSocket with the subprotocol {mux.SUBPROTOCOL}.")
        ws = await self._opened(request, mux.SUBPROTOCOL)
        stream = _stream(request)
        if stream is not None:  # it would have taken the other subprotocol too
            stream.given_back()
        self._open += 1
        try:
            if request.transport is not None:
                out = ViewerSocket(request.transport)
                with Listening(ws, out, request.transport) as messages:
                    await MuxSocket(request, self._calls, out, self._limits.max_message_bytes).serve(ws, messages)
        finally:
            self._open -= 1
            await _close(ws, request.transport)
        return ws

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One socket, until it closes."""
        if "Upgrade" not in request.headers or not self._calls.knows(request.path):
            raise web.HTTPMethodNotAllowed(request.method, ["POST"], text=NO_SOCKET)
        ws = await self._opened(request, SUBPROTOCOL)
        stream = _stream(request)
        if stream is None:
            return ws  # gone already
        self._open += 1
        try:
            stream.opened(self._limits.max_message_bytes)
            await self._serve(request, stream)
        finally:
            self._open -= 1
        return ws

    async def _opened(self, request: web.Request, protocol: str) -> web.WebSocketResponse:
        protocols = [p.strip() for p in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        if protocol not in protocols:
            raise web.HTTPBadRequest(text=f"This is a WebSocket with the subprotocol {protocol}.")
        if self._calls.closing or self._open >= self._limits.max_sockets:
            raise web.HTTPServiceUnavailable(text="This gateway takes no more sockets; try again in a moment.")
        ws = web.WebSocketResponse(
            protocols=(protocol,), compress=False, max_msg_size=self._limits.max_message_bytes, autoping=False
        )
        await ws.prepare(request)
        return ws

    async def _serve(self, request: web.Request, stream: WebSocketStream) -> None:
        try:
            async with asyncio.timeout(self._limits.begin_s):
                call = SocketCall(request, request.path, await _headers(stream), stream, stream.out)
                ready = await self._calls.ready(call)
            await self._calls.serve(call, ready)
        except TimeoutError:
            _fail(stream.out, grpcweb.status_trailers(code_pb2.DEADLINE_EXCEEDED, "the call did not begin in time"))
        except DecodeError:
            _fail(stream.out, trailers_of(ProtocolError("a message is not what the method takes"), "-"))
        except (errors.RushesError, ProtocolError) as error:
            _fail(stream.out, trailers_of(error, "-"))
        finally:
            await stream.close()


def _stream(request: web.Request) -> WebSocketStream | None:
    """The connection of a request in our subprotocol; None: it is gone."""
    protocol = request.transport.get_protocol() if request.transport is not None else None
    return protocol if isinstance(protocol, WebSocketStream) else None


def _fail(writer: ViewerSocket, trailers: list[tuple[str, str]]) -> None:
    if not writer.ended.done():
        writer.write(trailers_frame(trailers))


async def _headers(events: AsyncIterator[socket.Event]) -> list[tuple[str, str]]:
    async for event in events:
        if isinstance(event, Headers):
            return event.fields
        break
    raise ProtocolError("the socket closed before the headers")


async def _close(ws: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
    """Closes; a reader that does not even take this loses its connection, with all that was kept for it."""
    if transport is not None and not transport.is_closing():
        asyncio.get_running_loop().call_later(CLOSE_S, transport.abort)
    try:
        async with asyncio.timeout(CLOSE_S):
            await ws.close()
    except TimeoutError:
        if transport is not None:
            transport.abort()
