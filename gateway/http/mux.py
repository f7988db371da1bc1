"""Drives `rushes-streams`: a task for each call, what browsers say to it, and what it says to them."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, status_pb2

from gateway import metrics
from gateway.core import grpcweb, socket
from gateway.core.grpcweb import ProtocolError
from gateway.core.mux import Cancelled, Failed, MuxError, MuxEvent, Opened, Roomier, Said, ServerMux, ended, unframed
from gateway.core.socket import Event
from gateway.http.call import SocketCall, SocketCalls
from gateway.http.grpcweb import trailers_of
from gateway.http.passing import Writer

LINGER_S: Final = 30.0
"""How long a call that is over waits for the browser to take its last bytes."""

LOOK_AGAIN_S: Final = 0.02

HIGH_BYTES: Final = 1024 * 1024
SLOW_S: Final = 10.0
"""A browser that has so much to read is listened to only once it reads; after so long without a byte, never again."""


class MuxWriter:
    """The writing side of one call."""

    def __init__(self, mux: ServerMux, number: int, out: Writer) -> None:
        self._mux = mux
        self._number = number
        self._out = out
        self._over = False
        self.ended: asyncio.Future[status_pb2.Status] = asyncio.get_running_loop().create_future()

    def write(self, frame: bytes) -> None:
        """See ViewerWriter."""
        if self._over:
            return
        self._flush(self._mux.send(self._number, unframed(frame)))

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
            self._over = True
            self._mux.end(self._number)
            self._out.write(socket.binary_frame(ended(self._number)))

    def trailers(self, fields: list[tuple[str, str]]) -> None:
        """The status of a call that failed here."""
        self.write(socket.binary_frame(grpcweb.trailer_frame(fields)))

    def end(self, status: status_pb2.Status) -> None:
        """See ViewerWriter."""
        if not self.ended.done():
            details = status.SerializeToString() if status.details else None
            self.trailers(grpcweb.status_trailers(status.code, status.message, details))
            self.ended.set_result(status)

    async def drained(self) -> None:
        """Returns once the browser has room for all that was written."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                while self._waiting():  # noqa: ASYNC110  # rarely more than once
                    await asyncio.sleep(LOOK_AGAIN_S)


class MuxSocket:
    """One WebSocket with its calls."""

    def __init__(self, request: web.Request, calls: SocketCalls, out: Writer, max_message_bytes: int) -> None:
        self._request = request
        self._calls = calls
        self._out = out
        self._mux = ServerMux(max_message_bytes)
        self._said: dict[int, asyncio.Queue[Said | Failed]] = {}
        self._writers: dict[int, MuxWriter] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def serve(self, ws: web.WebSocketResponse, messages: AsyncIterator[WSMessage]) -> None:
        """Until the socket closes; what cannot be understood closes it with a code."""
        try:
            async for message in messages:
                if message.type is not WSMsgType.BINARY:
                    raise MuxError("text messages are not taken")
                event = self._mux.receive(message.data)
                if isinstance(event, Opened) and self._calls.closing:
                    await ws.close(code=WSCloseCode.GOING_AWAY, message=b"this gateway takes no more calls")
                    break
                if event is not None:
                    self._take(event)
                if self._out.buffered() > HIGH_BYTES and not await self._read():
                    metrics.CUTS.labels("SLOW_READER").inc()
                    break
        except MuxError as error:
            await ws.close(code=WSCloseCode.PROTOCOL_ERROR, message=str(error).encode()[:120])
        finally:
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> bool:
        """Waits until the browser has read what there is; False: it takes nothing."""
        left = self._out.buffered()
        deadline = asyncio.get_running_loop().time() + SLOW_S
        while left > HIGH_BYTES:
            await asyncio.sleep(LOOK_AGAIN_S)
            before, left = left, self._out.buffered()
            if left < before:
                deadline = asyncio.get_running_loop().time() + SLOW_S
            elif asyncio.get_running_loop().time() > deadline:
                return False
        return True

    def _take(self, event: MuxEvent) -> None:
        number = event.number
        if isinstance(event, Opened):
            self._open(event)
        elif isinstance(event, Cancelled):
            self._writers[number].close()
            self._tasks[number].cancel()
        elif isinstance(event, Roomier):
            self._writers[number].roomier()
        elif isinstance(event, Said | Failed):
            self._said[number].put_nowait(event)  # bounded by the room that the call has: all takes some, or comes once

    def _open(self, event: Opened) -> None:
        number = event.number
        old = self._tasks.get(number)
        if old is not None:  # the browser has cancelled it and takes the number again
            old.cancel()
        writer = self._writers[number] = MuxWriter(self._mux, number, self._out)
        queue = self._said[number] = asyncio.Queue()
        events = self._events(writer, queue)
        call = SocketCall(self._request, event.path, event.headers.fields, events, writer)
        task = self._tasks[number] = asyncio.create_task(self._run(call, writer))
        task.add_done_callback(lambda done: self._forget(number, done))

    def _forget(self, number: int, done: "asyncio.Task[None]") -> None:
        if self._tasks.get(number) is done:
            del self._tasks[number], self._said[number], self._writers[number]

    async def _events(self, writer: MuxWriter, queue: "asyncio.Queue[Said | Failed]") -> AsyncIterator[Event]:
        while True:
            said = await queue.get()
            if isinstance(said, Failed):
                raise ProtocolError(said.why)
            for event in said.events:
                yield event
            writer.give(said.size_bytes)

    async def _run(self, call: SocketCall, writer: MuxWriter) -> None:
        try:
            token = await self._calls.ready(call)
            await self._calls.admit(call, token)
            await self._calls.serve(call, token)
        except DecodeError:
            writer.trailers(trailers_of(ProtocolError("a message is not what the method takes"), "-"))
        except TimeoutError:
            writer.trailers(grpcweb.status_trailers(code_pb2.DEADLINE_EXCEEDED, "The call did not begin in time."))
        except Exception as error:  # whatever it is, it is of this call alone, and whoever made it has to know
            writer.trailers(trailers_of(error, secrets.token_hex(8)))
        await writer.drained()
        writer.close()
