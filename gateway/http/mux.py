"""Drives `rushes-streams`: a task for each call, what browsers say to it, and what it says to them."""

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from google.protobuf.message import DecodeError
from google.rpc import code_pb2, status_pb2

from gateway import metrics
from gateway.core import grpcweb, socket
from gateway.core.grpcweb import ProtocolError
from gateway.core.message import Message
from gateway.core.mux import Cancelled, Failed, MuxEvent, Opened, Roomier, Said, ServerMux, data_head, ended, unframed
from gateway.core.socket import Event
from gateway.core.websocket import GOING_AWAY, INTERNAL_ERROR, PROTOCOL_ERROR
from gateway.http.call import SocketCall, SocketCalls
from gateway.http.grpcweb import trailers_of
from gateway.http.passing import CutOffError, Writer
from gateway.http.session import Caller
from gateway.http.websocket import SocketWriter, WebSocketConnection

log = logging.getLogger(__name__)

LINGER_S: Final = 30.0
"""How long a call that is over waits for the browser to take its last bytes."""

LOOK_AGAIN_S: Final = 0.02

HIGH_BYTES: Final = 1024 * 1024
SLOW_S: Final = 10.0
"""A browser that has so much to read is listened to only once it reads; after so long without a byte, never again."""


class Out(Writer, Protocol):
    """The writing side of the socket that calls share."""

    @property
    def descriptor(self) -> int:
        """See `fanout.Socket`."""

    def direct(self, message: Message, head: bytes) -> bytes | None:
        """See `fanout.Socket`; `head` is before it, of the call."""

    def rest(self, left: bytes) -> None:
        """See `fanout.Socket`."""


class MuxWriter:
    """The writing side of one call."""

    __slots__ = ("_call", "_head", "_mux", "_number", "_out", "_over", "_told", "descriptor", "ended")

    def __init__(self, mux: ServerMux, number: int, out: Out) -> None:
        self._mux = mux
        self._number = number
        self._call = mux.call(number)
        self._head = data_head(number)
        self._out = out
        self.descriptor = out.descriptor
        self._over = False
        self._told = False
        """How it ended: nothing follows that, whoever still has something for it."""
        self.ended: asyncio.Future[status_pb2.Status] = asyncio.get_running_loop().create_future()

    def write(self, frame: bytes) -> None:
        """See ViewerWriter."""
        if self._told:
            return
        self._flush(self._mux.send(self._number, unframed(frame)))

    def direct(self, message: Message) -> bytes | None:
        """See `fanout.Socket`."""
        if self._told:
            return None
        piece = self._out.direct(message, self._head)
        return piece if piece is not None and self._call.take_room(message.size_bytes) else None

    def rest(self, left: bytes) -> None:
        """See `fanout.Socket`."""
        self._out.rest(left)

    def roomier(self) -> None:
        """The browser takes more."""
        self._flush(self._mux.ready(self._number))

    def _flush(self, messages: list[bytes]) -> None:
        for message in messages:
            self._out.write(socket.binary_frame(message))

    def buffered(self) -> int:
        """See ViewerWriter."""
        return self._waiting() + self._out.buffered()

    def _waiting(self) -> int:
        return 0 if self._over else self._mux.waiting_bytes(self._number)

    def give(self, size_bytes: int) -> None:
        """Room for what was taken."""
        room = b"" if self._over else self._mux.give(self._number, size_bytes)
        if room:
            self._out.write(socket.binary_frame(room))

    def close(self) -> None:
        """The last word on the call. Its number may be another's from now on, so nothing of this one follows."""
        if not self._over:
            self._over = self._told = True
            self._mux.end(self._number)
            self._out.write(socket.binary_frame(ended(self._number)))

    def trailers(self, fields: list[tuple[str, str]]) -> None:
        """The status of a call that ends here."""
        try:
            self.write(socket.binary_frame(grpcweb.trailer_frame(fields)))
        finally:
            self._told = True

    def end(self, status: status_pb2.Status) -> None:
        """See ViewerWriter."""
        if not self.ended.done():
            details = status.SerializeToString() if status.details else None
            try:
                self.trailers(grpcweb.status_trailers(status.code, status.message, details))
            finally:
                self.ended.set_result(status)

    async def drained(self) -> None:
        """Returns once the browser has room for all that was written."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                while self._waiting():  # noqa: ASYNC110  # rarely more than once
                    await asyncio.sleep(LOOK_AGAIN_S)


class MuxEvents:
    """What the browser of one call says, see `viewing.Events`. What waits is bounded by the room that the call has."""

    __slots__ = ("_held", "_kept", "_more", "_take", "_writer", "finished")

    def __init__(self, writer: MuxWriter) -> None:
        self._writer = writer
        self._kept: deque[Event | Failed | int] = deque()
        """A number: room to be given back, once what is before it was taken."""
        self._more = asyncio.Event()
        self._take: Callable[[Event], None] | None = None
        self._held = False
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Its exception says what was wrong; a call that nothing was wrong with ends by its task."""

    def say(self, said: Said | Failed) -> None:
        """The browser said something."""
        take = self._take
        if isinstance(said, Failed):
            self._kept.append(said)
        elif take is not None and len(said.events) == 1 and not (self._kept or self._held or self.finished.done()):
            self._take_alone(take, said.events[0], said.size_bytes)  # nearly always
            return
        else:
            self._kept += (*said.events, said.size_bytes)
        if take is None:
            self._more.set()
        else:
            self._pour(take)

    def _take_alone(self, take: Callable[[Event], None], event: Event, size_bytes: int) -> None:
        """As `_pour` would, without keeping it first."""
        try:
            take(event)
        except Exception as error:
            self._fail(error)
            return
        if self._held or self.finished.done():
            self._kept.append(size_bytes)
        else:
            self._writer.give(size_bytes)

    def __aiter__(self) -> "MuxEvents":
        return self

    async def __anext__(self) -> Event:
        while True:
            while not self._kept:
                self._more.clear()
                await self._more.wait()
            event = self._next()
            if event is not None:
                return event

    def _next(self) -> Event | None:
        """What comes next of what waits, if it is for who listens."""
        event = self._kept.popleft()
        if isinstance(event, int):
            self._writer.give(event)
            return None
        if isinstance(event, Failed):
            raise ProtocolError(event.why)
        return event

    def flow(self, take: Callable[[Event], None]) -> "asyncio.Future[None]":
        """See Events."""
        self._take = take
        self.finished.add_done_callback(self._let_go)
        self._pour(take)
        return self.finished

    def _let_go(self, _: "asyncio.Future[None]") -> None:
        """Of who took them, which may hold this."""
        self._take = None

    def _pour(self, take: Callable[[Event], None]) -> None:
        try:
            while self._kept and not self._held and not self.finished.done():
                event = self._next()
                if event is not None:
                    take(event)
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.finished.set_exception(error)
        self.finished.exception()  # whoever waits is told; nobody may be waiting

    def hold(self) -> bool:
        """See Events."""
        held, self._held = self._held, True
        return not held

    def go_on(self) -> None:
        """See Events."""
        self._held = False
        if self._take is not None:
            self._pour(self._take)


@dataclass(slots=True)
class _Running:
    """A call in progress."""

    path: str
    writer: MuxWriter
    events: MuxEvents
    task: "asyncio.Task[None]"


class MuxSocket(WebSocketConnection):
    """One WebSocket with its calls."""

    __slots__ = ("_caller", "_calls", "_deadline", "_kept", "_mux", "_running", "_unread", "_writer")

    def __init__(
        self,
        transport: asyncio.Transport,
        calls: SocketCalls,
        caller: Caller,
        max_message_bytes: int,
        left: Callable[[WebSocketConnection], None],
        *,
        packs: bool = False,
    ) -> None:
        super().__init__(transport, max_message_bytes, left, packs=packs)
        self._writer = SocketWriter(transport, packs=packs)
        self._caller = caller
        self._calls = calls
        self._mux = ServerMux(max_message_bytes)
        self._running: dict[int, _Running] = {}
        self._kept: deque[bytes] | None = None
        """What came before the socket was held, while it is."""
        self._unread = 0
        self._deadline = 0.0

    @property
    def out(self) -> SocketWriter:
        """See WebSocketConnection."""
        return self._writer

    @property
    def tasks(self) -> "list[asyncio.Task[None]]":
        """Of its calls."""
        return [running.task for running in self._running.values()]

    @property
    def awaited(self) -> "list[asyncio.Task[None]]":
        """Of those that are waited for by a gateway that stops."""
        return [running.task for running in self._running.values() if self._calls.awaits(running.path)]

    def over(self, error: Exception | None) -> None:
        """See WebSocketConnection. What cannot be understood closes the socket with a code."""
        for task in self.tasks:
            task.cancel()
        if isinstance(error, ProtocolError):
            self.close(PROTOCOL_ERROR, str(error))
        elif error is not None:
            log.error("socket_failed", exc_info=error)
            self.close(INTERNAL_ERROR, "Something went wrong here.")

    def take(self, message: bytes) -> None:
        """See WebSocketConnection."""
        if self._said_close:
            return
        if self._kept is not None:
            self._kept.append(message)
        else:
            self._understand(message)
            if self.out.buffered() > HIGH_BYTES:
                self._kept = deque()
                self._wait()

    def _understand(self, message: bytes) -> None:
        event = self._mux.receive(message)
        if isinstance(event, Said):  # nearly always
            self._running[event.number].events.say(event)
        elif isinstance(event, Opened) and self._calls.closing and not self.awaited:
            self.close(GOING_AWAY, "this gateway takes no more calls")
        elif event is not None:
            self._act(event)

    # -- a browser that does not read ----------------------------------------------------------------------------

    def _wait(self) -> None:
        """It is not listened to until it has read."""
        self.hold()
        self._unread = self.out.buffered()
        self._deadline = self._loop.time() + SLOW_S
        self._loop.call_later(LOOK_AGAIN_S, self._look)

    def _look(self) -> None:
        unread = self.out.buffered()
        if self._transport.is_closing():
            return
        if unread <= HIGH_BYTES:
            self._catch_up()
            return
        if unread < self._unread:
            self._deadline = self._loop.time() + SLOW_S
        elif self._loop.time() > self._deadline:
            metrics.CUTS.labels("SLOW_READER").inc()
            self.abort()
            return
        self._unread = unread
        self._loop.call_later(LOOK_AGAIN_S, self._look)

    def _catch_up(self) -> None:
        """It has read: what it said meanwhile, then what it says from now on."""
        try:
            while self._kept and not self._said_close:
                self._understand(self._kept.popleft())
                if self.out.buffered() > HIGH_BYTES:
                    self._wait()
                    return
        except Exception as error:
            self.over(error)
        self._kept = None
        self.go_on()

    # -- calls -----------------------------------------------------------------------------------------------

    def _act(self, event: MuxEvent) -> None:
        number = event.number
        if isinstance(event, Opened):
            self._open(event)
        elif isinstance(event, Cancelled):
            self._running[number].writer.close()
            self._running[number].task.cancel()
        elif isinstance(event, Roomier):
            self._running[number].writer.roomier()
        else:
            self._running[number].events.say(event)

    def _open(self, event: Opened) -> None:
        number = event.number
        old = self._running.get(number)
        if old is not None:  # the browser has cancelled it and takes the number again
            old.task.cancel()
        writer = MuxWriter(self._mux, number, self.out)
        events = MuxEvents(writer)
        call = SocketCall(self._caller, event.path, event.headers.fields, events, writer)
        task = self._loop.create_task(self._run(call, writer))
        self._running[number] = _Running(event.path, writer, events, task)
        task.add_done_callback(lambda done: self._forget(number, done))

    def _forget(self, number: int, done: "asyncio.Task[None]") -> None:
        running = self._running.get(number)
        if running is not None and running.task is done:
            del self._running[number]

    async def _run(self, call: SocketCall, writer: MuxWriter) -> None:
        try:
            token = await self._calls.ready(call)
            await self._calls.admit(call, token)
            await self._calls.serve(call, token)
        except CutOffError:
            pass  # END without a status says so
        except DecodeError:
            writer.trailers(trailers_of(ProtocolError("a message is not what the method takes"), "-"))
        except TimeoutError:
            writer.trailers(grpcweb.status_trailers(code_pb2.DEADLINE_EXCEEDED, "The call did not begin in time."))
        except Exception as error:  # whatever it is, it is of this call alone, and whoever made it has to know
            writer.trailers(trailers_of(error, secrets.token_hex(8)))
        await writer.drained()
        writer.close()
