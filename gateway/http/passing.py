"""Calls on WebSockets that pass as bytes to the server behind: its frames go out as they come."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final, Protocol

from google.rpc import code_pb2

from gateway.core import grpcweb, reply, socket
from gateway.core.hpack import Field
from gateway.core.socket import Event, Finish
from gateway.passage import Target
from gateway.upstream import Passing

HIGH_BYTES: Final = 256 * 1024
MESSAGE_S: Final = 30.0
LOOK_AGAIN_S: Final = 0.02


class CutOffError(Exception):
    """The answer ended inside of a message: whatever follows on its socket would be read as the rest of it."""


class Writer(Protocol):
    """Where frames go."""

    def write(self, frame: bytes) -> None:
        """A WebSocket frame, ready for the wire."""

    def buffered(self) -> int:
        """Bytes that were not taken yet."""


class SocketReply:
    """The answer of one call on a WebSocket of its own: the receiver of its stream."""

    def __init__(self, writer: Writer, rewrite: reply.Rewrite | None) -> None:
        self._writer = writer
        self._rewrite = rewrite
        self._body: list[bytes] = []
        self._lengths = grpcweb.Lengths()
        self._inflater: grpcweb.FrameReader | None = None
        self._started = False
        self._trailers: tuple[Field, ...] | None = None
        self.cut = False
        """It ended inside of a message."""
        self.passing: Passing | None = None
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def on_headers(self, fields: tuple[Field, ...], end: bool) -> None:
        """See Receiver."""
        if not self._started:
            self._open(fields)
            opening = reply.opening_of(fields)
            if opening.code:
                self.fail(opening.code, opening.message)
            elif opening.encoding not in grpcweb.ENCODINGS:
                self.fail(code_pb2.INTERNAL, reply.UNKNOWN_ENCODING)
            elif opening.encoding != "identity":  # whole servers are set to, whoever calls
                self._inflater = grpcweb.FrameReader(reply.MAX_MESSAGE_BYTES, opening.encoding)
        if end and self._trailers is None:
            self._trailers = fields

    def _open(self, fields: tuple[Field, ...]) -> None:
        """The headers are a message of their own."""
        self._started = True
        metadata = reply.opening_of(fields).metadata if fields else ()
        self._writer.write(socket.binary_frame(socket.headers((*socket.TYPE, *metadata))))

    def on_data(self, data: bytes) -> None:
        """See Receiver. Nobody asks for compression on a socket."""
        if self._trailers is not None:
            return
        if self._inflater is None:
            self._body.append(data)
            return
        try:
            self._body += reply.inflated(self._inflater, data)
        except grpcweb.ProtocolError:
            self.fail(code_pb2.INTERNAL, reply.NOT_INFLATED)

    def on_end(self) -> None:
        """See Receiver."""
        self.fail(code_pb2.INTERNAL, "The server behind ended the call without a status.")

    def on_reset(self, code: int) -> None:
        """See Receiver."""
        self.fail(reply.reset_code(code), "The server behind gave the call up.")

    def on_unprocessed(self) -> None:
        """See Receiver."""
        self.fail(code_pb2.UNAVAILABLE, "The server behind is going away.")

    def on_lost(self) -> None:
        """See Receiver."""
        self.fail(code_pb2.UNAVAILABLE, "The server behind is gone.")

    def fail(self, code: int, message: str) -> None:
        """See Answering."""
        if self._trailers is None:
            self._trailers = reply.failure(code, message)

    def flush(self) -> None:
        """See Receiver."""
        if self.ended.done():
            return
        data = b"".join(self._body)
        self._body.clear()
        self._lengths.follow(data)
        if self._trailers is None:
            if data:
                self._writer.write(socket.binary_frame(data))
                self._slow_down()
            return
        if not self._started:
            self._open(())
        if not self._lengths.whole:  # a status behind half a message would be read as the other half
            self.cut = True
            self.ended.set_result(code_pb2.UNAVAILABLE)
            return
        trailers = reply.ended_in(self._inflater, self._trailers)
        if self._rewrite is not None:
            trailers = self._rewrite(trailers)
        code, frame = reply.ending_of(trailers)
        self._writer.write(socket.binary_frame(data + frame))
        self.ended.set_result(code)

    def _slow_down(self) -> None:
        """While the reader is full, the server behind gets no more room."""
        if self._writer.buffered() > HIGH_BYTES and self.passing is not None:
            self.passing.hold(True)
            asyncio.get_running_loop().call_later(LOOK_AGAIN_S, self._look_again)

    def _look_again(self) -> None:
        if self.ended.done() or self.passing is None:
            return
        if self._writer.buffered() > HIGH_BYTES:
            asyncio.get_running_loop().call_later(LOOK_AGAIN_S, self._look_again)
        else:
            self.passing.hold(False)


async def pass_through(
    target: Target, block: bytes, events: AsyncIterator[Event], answer: SocketReply, timeout_s: float | None
) -> int:
    """One call, until it has ended or the socket has; gives its status. Raises ProtocolError."""
    upstream = target.upstream
    body = await _first(events) if target.single or upstream.reads_first else b""
    passing = answer.passing = Passing(block, body, answer, ending=target.single)
    upstream.start(passing)
    sender = asyncio.create_task(_send(events, passing))
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.wait((sender, answer.ended), return_when=asyncio.FIRST_COMPLETED)
            if not answer.ended.done():
                await sender
                return code_pb2.CANCELLED  # the socket has closed
            return answer.ended.result()
    except TimeoutError:
        answer.fail(code_pb2.DEADLINE_EXCEEDED, "The call took longer than it may.")
        answer.flush()
        return code_pb2.DEADLINE_EXCEEDED
    finally:
        upstream.give_up(passing)
        answer.passing = None  # each held the other
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)


async def _first(events: AsyncIterator[Event]) -> bytes:
    """The one message of a call that takes one: without it, it would never be answered."""
    async with asyncio.timeout(MESSAGE_S):
        async for event in events:
            if isinstance(event, bytes):
                return grpcweb.data_frame(event)
            break
    raise grpcweb.ProtocolError("this call has exactly one message")


async def _send(events: AsyncIterator[Event], passing: Passing) -> None:
    """What the browser sends goes on, as fast as it is taken, until the socket closes."""
    async for event in events:
        if isinstance(event, bytes):
            if passing.ending:
                raise grpcweb.ProtocolError("this call has exactly one message")
            passing.send(grpcweb.data_frame(event))
            while passing.waiting_bytes > HIGH_BYTES:  # noqa: ASYNC110  # there is nothing that tells
                await asyncio.sleep(LOOK_AGAIN_S)
        elif isinstance(event, Finish) and not passing.ending:
            passing.send(b"", end=True)
