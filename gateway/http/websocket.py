"""A WebSocket of one call, on its connection: what comes is handed on where it comes, without a task in between."""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from typing import Final

from aiohttp.web_protocol import RequestHandler
from google.rpc import status_pb2

from gateway import metrics
from gateway.core import grpcweb, socket
from gateway.core.grpcweb import ProtocolError
from gateway.core.pulse import Pulse
from gateway.core.socket import Event, ServerSocket
from gateway.core.websocket import (
    Close,
    Incoming,
    MessageReader,
    Ping,
    Text,
    WebSocketError,
    close_frame,
    ping_frame,
    pong_frame,
)

NORMAL: Final = 1000
CLOSE_S: Final = 5.0
"""How long whoever does not read may still take what was written, before the connection is ended with it."""
AHEAD_EVENTS: Final = 8
"""What may come before somebody takes it; past it nothing more is read."""
AHEAD_BYTES: Final = 64 * 1024
PONG_BYTES: Final = 64 * 1024
"""Who has so much to read gets no more pongs."""


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
        self.write(trailers_frame(grpcweb.status_trailers(status.code, status.message, details)))
        self.ended.set_result(status)


def trailers_frame(fields: list[tuple[str, str]]) -> bytes:
    """The end of a call."""
    return socket.binary_frame(grpcweb.trailer_frame(fields))


class WebSocketStream(asyncio.Protocol):
    """A connection that becomes a WebSocket. aiohttp answers the request, then it is `opened`, or `given_back`.

    Its events come one after the other (`async for`) until they are told to `flow` to somebody.
    """

    def __init__(self, transport: asyncio.Transport, handler: RequestHandler, rest: bytes, begin_s: float) -> None:
        self._transport = transport
        self._handler = handler
        self._held = rest
        self._loop = asyncio.get_running_loop()
        self._reader: MessageReader | None = None
        self._call: ServerSocket | None = None
        self._events: deque[Event] = deque()
        self._take: Callable[[Event], None] | None = None
        self._more = asyncio.Event()
        self._paused = False
        self._pulse = Pulse(self._loop.time())
        self._timer = self._loop.call_later(begin_s, transport.abort)
        self._broken = False
        self._said_close = False
        self._gone = asyncio.Event()
        self.over: asyncio.Future[None] = self._loop.create_future()
        """Done when nothing more comes; its exception says what the client did wrong."""
        self.out = ViewerSocket(transport)

    # -- the beginning ---------------------------------------------------------------------------------------

    def opened(self, max_message_bytes: int) -> None:
        """The handshake is done: what comes now are messages."""
        self._wind()
        self._reader, self._call = MessageReader(max_message_bytes), ServerSocket(max_message_bytes)
        held, self._held = self._held, b""
        self.go_on()
        if held:
            self.data_received(held)

    def given_back(self) -> None:
        """aiohttp reads on by itself."""
        self._timer.cancel()
        self._transport.set_protocol(self._handler)
        self.go_on()
        if self._held:
            self._handler.data_received(self._held)

    # -- the connection --------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Hands on what is whole."""
        if self._reader is None:
            self._held += data
            if len(self._held) > AHEAD_BYTES:
                self.hold()
            return
        if self._broken:
            return
        said = False
        try:
            for incoming in self._reader.feed(data):
                said = said or isinstance(incoming, bytes)
                self._receive(incoming)
        except WebSocketError as error:
            self._broken = True
            self._say_close(error.code, str(error))
            self._end(None)
        except Exception as error:
            self._end(error)
        self._hear(said)

    def _hear(self, said: bool) -> None:
        now = self._loop.time()
        if not said:
            self._pulse.answered(now)
        elif self._pulse.said(now) and not self._transport.is_closing():
            self._wind()

    def _receive(self, incoming: Incoming) -> None:
        if isinstance(incoming, Close):
            code = int.from_bytes(incoming.payload[:2], "big") if len(incoming.payload) >= 2 else NORMAL
            self._say_close(code)
            self._end(None)
            self._gone.set()
        elif self.over.done():
            return
        elif isinstance(incoming, bytes):
            assert self._call is not None
            for event in self._call.receive(incoming):
                if self._take is not None:
                    self._take(event)
                else:
                    self._keep(event)
        elif isinstance(incoming, Ping):
            if self.out.buffered() < PONG_BYTES:
                self.out.write(pong_frame(incoming.payload))
        elif isinstance(incoming, Text):
            raise ProtocolError("text messages are not taken")

    def _keep(self, event: Event) -> None:
        self._events.append(event)
        self._more.set()
        if len(self._events) >= AHEAD_EVENTS:
            self.hold()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing comes any more."""
        self._timer.cancel()
        self._end(None)
        self._gone.set()
        self._handler.connection_lost(exc)

    def pause_writing(self) -> None:
        """aiohttp's own answer waits."""
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        """It goes on."""
        self._handler.resume_writing()

    def _wind(self) -> None:
        self._timer.cancel()
        self._timer = self._loop.call_at(self._pulse.due(), self._beat)

    def _beat(self) -> None:
        """Asks who has been silent; lets go of who does not answer."""
        now = self._loop.time()
        if self._paused:  # what they say is not read
            self._pulse.answered(now)
        elif self._pulse.gone(now):
            metrics.CUTS.labels("SILENT").inc()
            self._transport.abort()
            return
        elif self._pulse.ask(now):
            self.out.write(ping_frame())
        self._wind()

    # -- events ----------------------------------------------------------------------------------------------

    def hold(self) -> bool:
        """Reads no more for now. False: it did not before."""
        if self._paused or self._transport.is_closing():
            return False
        self._paused = True
        self._transport.pause_reading()
        return True

    def go_on(self) -> None:
        """Reads again."""
        if self._paused and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()

    def __aiter__(self) -> "WebSocketStream":
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self.over.done():
                self.over.result()
                raise StopAsyncIteration
            self._more.clear()
            await self._more.wait()
        event = self._events.popleft()
        if not self._events:
            self.go_on()
        return event

    def flow(self, take: Callable[[Event], None]) -> "asyncio.Future[None]":
        """From now on each event goes to `take` as it comes; what that raises is the end. Gives `over`."""
        self._take = take
        self.go_on()
        try:
            while self._events and not self.over.done():
                take(self._events.popleft())
        except Exception as error:
            self._end(error)
        return self.over

    def _end(self, error: Exception | None) -> None:
        if self.over.done():
            return
        if error is None:
            self.over.set_result(None)
        else:
            self.over.set_exception(error)
            self.over.exception()  # whoever waits is told; nobody may be waiting
        self._more.set()

    # -- the end ---------------------------------------------------------------------------------------------

    def _say_close(self, code: int, reason: str = "") -> None:
        if not self._said_close:
            self._said_close = True
            self.out.write(close_frame(code, reason))

    async def close(self) -> None:
        """Closes; a reader that does not even take this loses its connection, with all that was kept for it."""
        if self._transport.is_closing():
            return
        self._loop.call_later(CLOSE_S, self._transport.abort)
        self._end(None)
        self._say_close(NORMAL)
        await self._gone.wait()
        self._transport.close()
