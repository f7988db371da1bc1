"""WebSockets on connections of their own: what comes is handed on where it comes, without a task in between."""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from typing import Final

from google.rpc import status_pb2

from gateway import metrics
from gateway.core import grpcweb, socket
from gateway.core.deflate import unpacked
from gateway.core.grpcweb import ProtocolError
from gateway.core.message import Message
from gateway.core.pulse import Pulse
from gateway.core.socket import Event, ServerSocket, lone_message
from gateway.core.websocket import (
    NORMAL,
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

CLOSE_S: Final = 5.0
"""How long whoever does not read may still take what was written, before the connection is ended with it."""
TURN_S: Final = 0.02
TURN_FRAMES: Final = 100
"""Of one socket so many frames are taken in that time; more wait for the next. It is short, since all others wait while
they are taken."""
AHEAD_EVENTS: Final = 8
"""What may come before somebody takes it; past it nothing more is read."""
PONG_BYTES: Final = 64 * 1024
"""Who has so much to read gets no more pongs."""


class SocketWriter:
    """The writing side of a WebSocket: frames ready for the wire go to the transport as they are."""

    __slots__ = ("_closing", "_free", "_transport", "_waiting", "descriptor", "packs")

    def __init__(self, transport: asyncio.Transport, *, packs: bool = False) -> None:
        """`packs`: its messages may be packed."""
        self._transport = transport
        self.packs = packs
        self._closing, self._waiting = transport.is_closing, transport.get_write_buffer_size
        self._free = False
        """Nothing can be before what is written to the descriptor: all that goes to the transport goes through here,
        and a descriptor is closed after the connection's end was told. Known, so that the transport is seldom asked."""
        plain = transport.get_extra_info("sslcontext") is None
        self.descriptor: int = transport.get_extra_info("socket").fileno() if plain else -1

    def write(self, frame: bytes) -> None:
        """Queues a frame that is ready for the wire."""
        self.control(frame)

    def control(self, frame: bytes) -> None:
        """The same, of a frame that is the socket's own and no call's.

        With nothing before it, it goes to the kernel at once: the loop's own way there costs as much again.
        """
        if self.ready():
            try:
                written = os.write(self.descriptor, frame)
            except OSError:  # full, or broken: the transport finds out which
                written = 0
            if written == len(frame):
                return
            frame = frame[written:]
        self.rest(frame)

    def write_last(self, frame: bytes) -> None:
        """As `control`; nothing else is written from now on, whoever still tries."""
        self.control(frame)
        self.lose()

    def lose(self) -> None:
        """Nothing more is written: the descriptor may soon be another connection's."""
        self._closing, self._free = _yes, False

    def ready(self) -> bool:
        """Whether nothing is before what would be written to the descriptor now."""
        if not self._free:
            self._free = self.descriptor >= 0 and not self._waiting() and not self._closing()
        return self._free

    def direct(self, message: Message, head: bytes = b"") -> bytes | None:
        """See `fanout.Socket`; `head` is before it, of a call that shares its socket with others."""
        if not (self._free or self.ready()):
            return None
        return message.packed[head] if self.packs else message.plain[head]

    def rest(self, left: bytes) -> None:
        """See `fanout.Socket`. Nothing is written to who is gone: uvloop raises, and others have to be written to."""
        self._free = False
        if not self._closing():
            self._transport.write(left)

    def buffered(self) -> int:
        """Bytes that the socket has not taken yet."""
        return self._waiting()


def _yes() -> bool:
    return True


class ViewerSocket(SocketWriter):
    """The writing side of a socket of one call."""

    __slots__ = ("_told", "ended")

    def __init__(self, transport: asyncio.Transport, *, packs: bool = False) -> None:
        super().__init__(transport, packs=packs)
        self._told = False
        """How it ended: nothing follows that, whoever still has something for it."""
        self.ended: asyncio.Future[status_pb2.Status] = asyncio.get_running_loop().create_future()

    def write(self, frame: bytes) -> None:
        """See SocketWriter."""
        if not self._told:
            self.control(frame)

    def direct(self, message: Message, head: bytes = b"") -> bytes | None:
        """See SocketWriter."""
        if self._told or not (self._free or self.ready()):
            return None
        return message.packed[head] if self.packs else message.plain[head]

    def trailers(self, fields: list[tuple[str, str]]) -> None:
        """The status of a call that ends here."""
        try:
            self.write(socket.binary_frame(grpcweb.trailer_frame(fields)))
        finally:
            self._told = True

    def end(self, status: status_pb2.Status) -> None:
        """Sends the trailers; the driver closes."""
        if self.ended.done():
            return
        details = status.SerializeToString() if status.details else None
        try:
            self.trailers(grpcweb.status_trailers(status.code, status.message, details))
        finally:
            self.ended.set_result(status)


class WebSocketConnection(asyncio.Protocol):
    """A connection that is a WebSocket since the handshake: reads messages, answers pings, misses who is gone.

    There may be tens of thousands that say nothing, so it holds little. `left` is told once, when it has ended.
    """

    __slots__ = ("_broken", "_frames", "_left", "_limit", "_loop", "_paused", "_pulse", "_reader", "_said_close",
                 "_since", "_timer", "_transport", "_waits")  # fmt: skip

    def __init__(
        self,
        transport: asyncio.Transport,
        max_message_bytes: int,
        left: Callable[["WebSocketConnection"], None],
        *,
        packs: bool = False,
    ) -> None:
        """`packs`: messages may be packed, both ways."""
        self._transport = transport
        self._left = left
        self._loop = asyncio.get_running_loop()
        self._reader = MessageReader(max_message_bytes, unpacked if packs else None)
        self._paused = False
        self._waits = False
        """It has sent more frames than are taken at a time."""
        self._frames = 0
        self._since = 0.0
        self._broken = False
        self._said_close = False
        self._limit: asyncio.TimerHandle | None = None
        self._pulse = Pulse(self._loop.time())
        self._timer = self._loop.call_at(self._pulse.due(), self._beat)

    # -- what a kind of socket does with it --------------------------------------------------------------------

    @property
    def out(self) -> SocketWriter:
        """Where its frames go."""
        raise NotImplementedError

    def take(self, message: bytes) -> None:
        """A message is here; what this raises is the end, see `over`."""
        raise NotImplementedError

    def over(self, error: Exception | None) -> None:
        """Nothing more is taken. The error says what the client did wrong."""
        raise NotImplementedError

    # -- the connection --------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Hands on what is whole."""
        if self._broken:
            return
        now = self._loop.time()
        if now - self._since >= TURN_S:
            self._since, self._frames = now, 0
        said, ping = False, None
        try:
            for incoming in self._reader.feed(data, TURN_FRAMES - self._frames):
                if isinstance(incoming, Ping):
                    ping = incoming
                    continue
                said = said or isinstance(incoming, bytes)
                self._receive(incoming)
        except WebSocketError as error:
            self._broken = True
            self._fail(error.code, str(error))
        except Exception as error:
            self.over(error)
        if ping is not None:
            self._pong(ping)
        self._frames += self._reader.frames
        if self._reader.hasty:
            self._slow_down()
        self._hear(said, now)

    def _slow_down(self) -> None:
        """Frames may be a few bytes long, and whoever sends them without end is not all that there is to do."""
        if not self._waits and not self._transport.is_closing():
            self._waits = True
            if not self._paused:
                self._transport.pause_reading()
            self._loop.call_at(self._since + TURN_S, self._next_turn)

    def _next_turn(self) -> None:
        self._waits = False
        if self._transport.is_closing():
            return
        self._since, self._frames = self._loop.time(), 0  # a clock may ring a little early, and then again and again
        self.data_received(b"")
        if not self._waits and not self._paused:
            self._transport.resume_reading()

    def _receive(self, incoming: Incoming) -> None:
        if isinstance(incoming, bytes):
            self.take(incoming)
        elif isinstance(incoming, Close):
            self._say_close(incoming.code)
            self.over(None)
            self._end()
        elif isinstance(incoming, Text):
            raise ProtocolError("text messages are not taken")

    def _pong(self, ping: Ping) -> None:
        """Of several that came at once the last is answered, and the others with it (RFC 6455, 5.5.3)."""
        if not self._said_close and self.out.buffered() < PONG_BYTES:
            self.out.control(pong_frame(ping.payload))

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing comes any more."""
        self.out.lose()
        self._timer.cancel()
        if self._limit is not None:
            self._limit.cancel()
        self.over(None)
        self._left(self)

    # -- the pulse -------------------------------------------------------------------------------------------

    def _hear(self, said: bool, now: float) -> None:
        if not said:
            self._pulse.answered(now)
        elif self._pulse.said(now) and not self._transport.is_closing():
            self._wind()

    def _wind(self) -> None:
        self._timer.cancel()
        self._timer = self._loop.call_at(self._pulse.due(), self._beat)

    def _beat(self) -> None:
        """Asks who has been silent; lets go of who does not answer."""
        now = self._loop.time()
        if self._paused or self._waits:  # what they say is not read
            self._pulse.answered(now)
        elif self._pulse.gone(now):
            metrics.CUTS.labels("SILENT").inc()
            self._transport.abort()
            return
        elif self._pulse.ask(now):
            self.out.control(ping_frame())
        self._wind()

    def hold(self) -> bool:
        """Reads no more for now. False: it did not before."""
        if self._paused or self._transport.is_closing():
            return False
        self._paused = True
        if not self._waits:
            self._transport.pause_reading()
        return True

    def go_on(self) -> None:
        """Reads again."""
        if self._paused and not self._transport.is_closing():
            self._paused = False
            if not self._waits:
                self._transport.resume_reading()

    # -- the end ---------------------------------------------------------------------------------------------

    def _say_close(self, code: int, reason: str = "") -> None:
        if not self._said_close:
            self._said_close = True
            self.out.write_last(close_frame(code, reason))

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Says so, and waits a little for the client's own word."""
        self.over(None)
        if not self._transport.is_closing():
            self._say_close(code, reason)
            self.go_on()  # that word may be behind what was not read
            self._limit = self._limit or self._loop.call_later(CLOSE_S, self._transport.abort)

    def _fail(self, code: int, reason: str) -> None:
        """Says so to a client whose frames cannot be told apart any more, so that its own word cannot be heard."""
        self.close(code, reason)
        if self._transport.can_write_eof() and not self._transport.is_closing():
            self._transport.write_eof()  # with bytes that nobody read, closing could take the code back
        else:
            self._transport.close()

    def _end(self) -> None:
        """Both have said it. A reader that does not even take this loses the connection with all that was kept."""
        self._limit = self._limit or self._loop.call_later(CLOSE_S, self._transport.abort)
        self._transport.close()

    def abort(self) -> None:
        """Ends it where it is."""
        self._transport.abort()


class WebSocketStream(WebSocketConnection):
    """A socket of one call. Its events come one after the other (`async for`), until they `flow` to somebody."""

    __slots__ = ("_call", "_events", "_more", "_most", "_next", "_take", "_writer", "finished")

    def __init__(
        self,
        transport: asyncio.Transport,
        max_message_bytes: int,
        left: Callable[[WebSocketConnection], None],
        *,
        packs: bool = False,
    ) -> None:
        super().__init__(transport, max_message_bytes, left, packs=packs)
        self._call = ServerSocket(max_message_bytes)
        self._events: deque[Event] = deque()
        self._take: Callable[[Event], None] | None = None
        self._next: Callable[[Event], None] | None = None
        """The same while a message may begin with the next byte."""
        self._most = max_message_bytes
        self._more = asyncio.Event()
        self.finished: asyncio.Future[None] = self._loop.create_future()
        """Done when nothing more comes; its exception says what the client did wrong."""
        self._writer = ViewerSocket(transport, packs=packs)

    @property
    def out(self) -> ViewerSocket:
        """See WebSocketConnection."""
        return self._writer

    def data_received(self, data: bytes) -> None:
        """As any WebSocket, with a way of its own for what nearly every read is: one message of the call."""
        take = self._next
        # What comes without haste is not timed: once there were so many, the long way looks at the clock.
        message = lone_message(data, self._most) if take is not None and self._frames < TURN_FRAMES else None
        if message is None or take is None:
            super().data_received(data)
            if self._take is not None:
                self._look_ahead()
            return
        self._frames += 1
        try:
            take(message)
        except Exception as error:
            self.over(error)
        self._hear(True, self._loop.time())

    def _look_ahead(self) -> None:
        free = self._reader.between_messages and self._call.between_messages and not self.finished.done()
        self._next = self._take if free else None

    def take(self, message: bytes) -> None:
        """See WebSocketConnection."""
        if self.finished.done():
            return
        for event in self._call.receive(message):
            if self._take is not None:
                self._take(event)
            else:
                self._keep(event)

    def _keep(self, event: Event) -> None:
        self._events.append(event)
        self._more.set()
        if len(self._events) >= AHEAD_EVENTS:
            self.hold()

    def over(self, error: Exception | None) -> None:
        """See WebSocketConnection."""
        self._next = self._take = None  # who took them may hold this
        if self.finished.done():
            return
        if error is None:
            self.finished.set_result(None)
        else:
            self.finished.set_exception(error)
            self.finished.exception()  # whoever waits is told; nobody may be waiting
        self._more.set()

    def __aiter__(self) -> "WebSocketStream":
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self.finished.done():
                self.finished.result()
                raise StopAsyncIteration
            self._more.clear()
            await self._more.wait()
        event = self._events.popleft()
        if not self._events:
            self.go_on()
        return event

    def flow(self, take: Callable[[Event], None]) -> "asyncio.Future[None]":
        """From now on each event goes to `take` as it comes; what that raises is the end. Gives `finished`."""
        self._take = take
        self.go_on()
        try:
            while self._events and not self.finished.done():
                take(self._events.popleft())
        except Exception as error:
            self.over(error)
        if self.finished.done():
            self._take = None  # who takes them may hold this
        self._look_ahead()
        return self.finished
