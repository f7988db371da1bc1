"""WebSockets of browsers: one call each, in the `grpc-websockets` subprotocol."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import WSMsgType, web
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, status_pb2

from gateway.core import grpcweb, mux, socket
from gateway.core.grpcweb import ProtocolError
from gateway.core.socket import SUBPROTOCOL, Headers, ServerSocket
from gateway.http.call import SocketCall, SocketCalls
from gateway.http.grpcweb import METHOD_PATH, trailers_of
from gateway.http.mux import MuxSocket
from rushes import errors

PING_S = 10.0
"""Who says nothing for so long is asked; half of it later, who is gone without a word is let go of, pointer and all."""
CLOSE_S = 5.0
"""How long whoever does not read may still take what was written, before the connection is ended with it."""
MUX_PATH = "/streams"
NO_SOCKET = f"Calls are made with POST, or on a WebSocket with the subprotocol {SUBPROTOCOL}."


class ViewerSocket:
    """The writing side of a WebSocket: frames ready for the wire go to the transport as they are."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        # Bound once: they are called for each frame to each viewer.
        self._closing, self._waiting = transport.is_closing, transport.get_write_buffer_size
        plain = transport.get_extra_info("sslcontext") is None
        self._descriptor: int = transport.get_extra_info("socket").fileno() if plain else -1
        self.ended: asyncio.Future[status_pb2.Status] = asyncio.get_running_loop().create_future()

    def write(self, frame: bytes) -> None:
        """Queues a frame that is ready for the wire.

        With nothing before it, it goes to the kernel at once: the loop's own way there costs as much again.
        """
        if self._descriptor >= 0 and not self._waiting() and not self._closing():
            try:
                written = os.write(self._descriptor, frame)
            except OSError:  # full, or broken: the transport finds out which
                written = 0
            if written == len(frame):
                return
            frame = frame[written:]
        self._transport.write(frame)

    def buffered(self) -> int:
        """Bytes that the socket has not taken yet."""
        return self._waiting()

    def end(self, status: status_pb2.Status) -> None:
        """Sends the trailers; the driver closes."""
        if self.ended.done():
            return
        details = status.SerializeToString() if status.details else None
        self.write(_trailers(grpcweb.status_trailers(status.code, status.message, details)))
        self.ended.set_result(status)


def _trailers(fields: list[tuple[str, str]]) -> bytes:
    return socket.binary_frame(grpcweb.trailer_frame(fields))


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
        self._open += 1
        try:
            if request.transport is not None:
                out = ViewerSocket(request.transport)
                await MuxSocket(request, self._calls, out, self._limits.max_message_bytes).serve(ws)
        finally:
            self._open -= 1
            await _close(ws, request.transport)
        return ws

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One socket, until it closes."""
        if "Upgrade" not in request.headers or not self._calls.knows(request.path):
            raise web.HTTPMethodNotAllowed(request.method, ["POST"], text=NO_SOCKET)
        ws = await self._opened(request, SUBPROTOCOL)
        self._open += 1
        try:
            await self._serve(request, ws)
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
            protocols=(protocol,), compress=False, max_msg_size=self._limits.max_message_bytes, heartbeat=PING_S
        )
        await ws.prepare(request)
        return ws

    async def _serve(self, request: web.Request, ws: web.WebSocketResponse) -> None:
        if request.transport is None:
            return  # gone already
        writer = ViewerSocket(request.transport)
        events = _events(ServerSocket(self._limits.max_message_bytes), ws)
        try:
            async with asyncio.timeout(self._limits.begin_s):
                call = SocketCall(request, request.path, await _headers(events), events, writer)
                ready = await self._calls.ready(call)
            await self._calls.serve(call, ready)
        except TimeoutError:
            _fail(writer, grpcweb.status_trailers(code_pb2.DEADLINE_EXCEEDED, "the call did not begin in time"))
        except DecodeError:
            _fail(writer, trailers_of(ProtocolError("a message is not what the method takes"), "-"))
        except (errors.RushesError, ProtocolError) as error:
            _fail(writer, trailers_of(error, "-"))
        finally:
            await _close(ws, request.transport)


def _fail(writer: ViewerSocket, trailers: list[tuple[str, str]]) -> None:
    if not writer.ended.done():
        writer.write(_trailers(trailers))


async def _headers(events: AsyncIterator[socket.Event]) -> list[tuple[str, str]]:
    async for event in events:
        if isinstance(event, Headers):
            return event.fields
        break
    raise ProtocolError("the socket closed before the headers")


async def _events(call: ServerSocket, ws: web.WebSocketResponse) -> AsyncIterator[socket.Event]:
    async for message in ws:
        if message.type is WSMsgType.BINARY:
            for event in call.receive(message.data):
                yield event
        elif message.type is WSMsgType.TEXT:
            raise ProtocolError("text messages are not taken")


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
