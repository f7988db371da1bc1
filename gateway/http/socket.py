"""WebSockets of browsers: `Collaborate` joins the hub, other bidirectional calls are passed through."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator

import grpc
from aiohttp import WSMsgType, web
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, status_pb2

from gateway import metrics
from gateway.core import grpcweb, socket
from gateway.core.ending import ending
from gateway.core.grpcweb import ProtocolError
from gateway.core.socket import SUBPROTOCOL, Finish, Headers, Message, ServerSocket
from gateway.http.grpcweb import metadata_of, trailers_of
from gateway.http.guard import Handler
from gateway.http.session import RENEW_BEFORE_MS, TokenCache, client_of, secret_of, token_of
from gateway.relay import Channel, Switchboard
from gateway.route import COLLABORATE, ROUTES, Route
from mesh.rpc import Channels
from rushes import errors
from rushes.annotation.v1.annotation_service_pb2 import CollaborateRequest, CollaborateResponse, Pong

PING_S = 10.0
"""Who says nothing for so long is asked; half of it later, who is gone without a word is let go of, pointer and all."""
CLOSE_S = 5.0
"""How long whoever does not read may still take what was written, before the connection is ended with it."""
HIGH_BYTES = 256 * 1024
_ACK_TAG, _AUTHENTICATE_TAG, _PING_TAG, _OPEN_TAG = 0x20, 0x2A, 0x30, 0x0A


class ViewerSocket:
    """The writing side of a WebSocket: frames ready for the wire go to the transport as they are."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        plain = transport.get_extra_info("sslcontext") is None
        self._descriptor: int = transport.get_extra_info("socket").fileno() if plain else -1
        self.ended: asyncio.Future[status_pb2.Status] = asyncio.get_running_loop().create_future()

    def write(self, frame: bytes) -> None:
        """Queues a frame that is ready for the wire.

        With nothing before it, it goes to the kernel at once: the loop's own way there costs as much again.
        """
        transport = self._transport
        if self._descriptor >= 0 and not transport.is_closing() and not transport.get_write_buffer_size():
            try:
                written = os.write(self._descriptor, frame)
            except OSError:  # full, or broken: the transport finds out which
                written = 0
            if written == len(frame):
                return
            frame = frame[written:]
        transport.write(frame)

    def buffered(self) -> int:
        """Bytes that the socket has not taken yet."""
        return self._transport.get_write_buffer_size()

    async def room(self) -> None:
        """Waits until the socket has taken most of what was written."""
        while self.buffered() > HIGH_BYTES:  # noqa: ASYNC110  # a transport does not say when it has room
            await asyncio.sleep(0.01)

    def end(self, status: status_pb2.Status) -> None:
        """Sends the trailers; the driver closes."""
        if self.ended.done():
            return
        details = status.SerializeToString() if status.details else None
        self.write(_trailers(grpcweb.status_trailers(status.code, status.message, details)))
        self.ended.set_result(status)


def _trailers(fields: list[tuple[str, str]]) -> bytes:
    return socket.binary_frame(grpcweb.trailer_frame(fields))


class SocketRoutes:
    """GET /PACKAGE.SERVICE/METHOD with an upgrade to WebSocket."""

    def __init__(
        self,
        board: Switchboard,
        channels: Channels,
        tokens: TokenCache,
        *,
        max_message_bytes: int,
        max_viewers: int,
        begin_s: float,
    ) -> None:
        self._board = board
        self._channels = channels
        self._tokens = tokens
        self._max_message_bytes = max_message_bytes
        self._max_viewers = max_viewers
        self._begin_s = begin_s
        self._open = 0

    def add_to(self, app: web.Application) -> None:
        """Adds the routes of bidirectional calls."""
        for path, route in ROUTES.items():
            if route.client_streaming or route.server_streaming:
                app.router.add_get(path, self._handler(route), allow_head=False)

    def _handler(self, route: Route) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            protocols = [p.strip() for p in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
            if SUBPROTOCOL not in protocols:
                raise web.HTTPBadRequest(text=f"This is a WebSocket with the subprotocol {SUBPROTOCOL}.")
            if self._board.closing or self._open >= self._max_viewers:
                raise web.HTTPServiceUnavailable(text="This gateway takes no more sockets; try again in a moment.")
            ws = web.WebSocketResponse(
                protocols=(SUBPROTOCOL,), compress=False, max_msg_size=self._max_message_bytes, heartbeat=PING_S
            )
            await ws.prepare(request)
            self._open += 1
            try:
                await self._serve(route, request, ws)
            finally:
                self._open -= 1
            return ws

        return handle

    async def _serve(self, route: Route, request: web.Request, ws: web.WebSocketResponse) -> None:
        call = ServerSocket(self._max_message_bytes)
        if request.transport is None:
            return  # gone already
        writer = ViewerSocket(request.transport)
        try:
            async with asyncio.timeout(self._begin_s):
                fields = await self._headers(call, ws)
                token = await self._token(request, fields)
            writer.write(socket.binary_frame(socket.headers()))
            if route.path == COLLABORATE:
                await self._collaborate(request, ws, call, writer, token)
            else:
                await self._pass(route, ws, call, writer, metadata_of(fields, token, client_of(request)))
        except (errors.RushesError, ProtocolError, grpc.aio.AioRpcError, DecodeError) as error:
            if isinstance(error, DecodeError):
                error = ProtocolError("a message is not what the method takes")
            self._fail(writer, trailers_of(error, "-"))
        except TimeoutError:
            self._fail(writer, grpcweb.status_trailers(code_pb2.DEADLINE_EXCEEDED, "the call did not begin in time"))
        finally:
            await _close(ws, request.transport)

    def _fail(self, writer: ViewerSocket, trailers: list[tuple[str, str]]) -> None:
        if not writer.ended.done():
            writer.write(_trailers(trailers))

    async def _headers(self, call: ServerSocket, ws: web.WebSocketResponse) -> list[tuple[str, str]]:
        async for event in _events(call, ws):
            if isinstance(event, Headers):
                return event.fields
            break
        raise ProtocolError("the socket closed before the headers")

    async def _token(self, request: web.Request, fields: list[tuple[str, str]]) -> str:
        token = await token_of(request, self._tokens)
        if not token:
            scheme, _, value = dict(fields).get("authorization", "").partition(" ")
            token = value.strip() if scheme.lower() == "bearer" else ""
        if not token:
            raise errors.Unauthenticated("Sign in first.")
        return token

    # -- the hub ---------------------------------------------------------------------------------------------

    async def _collaborate(
        self, request: web.Request, ws: web.WebSocketResponse, call: ServerSocket, writer: ViewerSocket, token: str
    ) -> None:
        events = _events(call, ws)
        async with asyncio.timeout(self._begin_s):
            opening = await _opening(events)
        channel = self._board.channel(opening.open.video_id)
        viewer = channel.join(writer, opening.open, token)
        renewal = asyncio.create_task(self._renew(channel, viewer.session, secret_of(request), writer))
        closer = asyncio.create_task(_close_when_ended(writer, ws, request.transport))
        try:
            await self._read(events, channel, viewer.session, writer)
        finally:
            channel.leave(viewer.session)
            renewal.cancel()
            closer.cancel()
            await asyncio.gather(renewal, closer, return_exceptions=True)

    async def _read(
        self, events: AsyncIterator[socket.Event], channel: Channel, session: int, writer: ViewerSocket
    ) -> None:
        async for event in events:
            if isinstance(event, Finish):
                writer.end(status_pb2.Status())
                return
            if isinstance(event, Message) and not self._take(event.payload, channel, session, writer):
                status = ending("TOO_FAST")
                metrics.CUTS.labels("TOO_FAST").inc()
                writer.end(status)
                return
            await channel.room()

    def _take(self, request: bytes, channel: Channel, session: int, writer: ViewerSocket) -> bool:
        """Open, acknowledgement and ping are the gateway's; all else goes on as it is."""
        tag = request[0] if request else _OPEN_TAG
        if tag == _ACK_TAG:
            channel.ack(session, CollaborateRequest.FromString(request).ack_revision)
        elif tag == _PING_TAG:
            pong = Pong(ping_ms=CollaborateRequest.FromString(request).ping_ms, time_ms=int(time.time() * 1000))
            # Whoever asks without end and reads nothing gets no more answers.
            if writer.buffered() < HIGH_BYTES:
                writer.write(socket.message_frame(CollaborateResponse(pong=pong).SerializeToString()))
        elif tag == _AUTHENTICATE_TAG:
            channel.token(session, CollaborateRequest.FromString(request).authenticate_token)
        elif tag == _OPEN_TAG:
            raise ProtocolError("the session is open already")
        else:
            return channel.forward(session, request)
        return True

    async def _renew(self, channel: Channel, session: int, secret: str, writer: ViewerSocket) -> None:
        """Keeps the session's token fresh while the cookie's session lives."""
        while secret:
            try:
                token = await self._tokens.get(secret)
                channel.token(session, token.value)
                wait_s = (token.expires_ms - time.time() * 1000 - RENEW_BEFORE_MS) / 1000 + 1
            except errors.Unauthenticated:
                writer.end(ending("SESSION_ENDED"))
                return
            except errors.RushesError:
                wait_s = 5.0
            await asyncio.sleep(max(1.0, wait_s))

    # -- other calls -----------------------------------------------------------------------------------------

    async def _pass(
        self,
        route: Route,
        ws: web.WebSocketResponse,
        call: ServerSocket,
        writer: ViewerSocket,
        metadata: list[tuple[str, str | bytes]],
    ) -> None:
        method: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = self._channels.raw(route.service).stream_stream(
            route.path
        )
        upstream = method(metadata=metadata)
        sender = asyncio.create_task(_send(_events(call, ws), upstream))
        try:
            async for answer in upstream:
                await writer.room()
                writer.write(socket.message_frame(answer))
            self._fail(writer, grpcweb.status_trailers(0, ""))
        finally:
            upstream.cancel()
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)


async def _opening(events: AsyncIterator[socket.Event]) -> CollaborateRequest:
    async for event in events:
        if isinstance(event, Message):
            request = CollaborateRequest.FromString(event.payload)
            if request.WhichOneof("message") == "open" and request.open.video_id > 0:
                return request
        break
    raise ProtocolError("the first message is open, with a video_id")


async def _events(call: ServerSocket, ws: web.WebSocketResponse) -> AsyncIterator[socket.Event]:
    async for message in ws:
        if message.type is WSMsgType.BINARY:
            for event in call.receive(message.data):
                yield event
        elif message.type is WSMsgType.TEXT:
            raise ProtocolError("text messages are not taken")


async def _send(events: AsyncIterator[socket.Event], upstream: "grpc.aio.StreamStreamCall[bytes, bytes]") -> None:
    with contextlib.suppress(asyncio.InvalidStateError):
        async for event in events:
            if isinstance(event, Message):
                await upstream.write(event.payload)
            elif isinstance(event, Finish):
                await upstream.done_writing()
                return
        upstream.cancel()


async def _close_when_ended(
    writer: ViewerSocket, ws: web.WebSocketResponse, transport: asyncio.Transport | None
) -> None:
    await asyncio.shield(writer.ended)  # whoever cancels this does not end the call
    await _close(ws, transport)


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
