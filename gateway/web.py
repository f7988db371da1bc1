"""One HTTP/1.1 connection: gRPC-Web calls pass as bytes, every other request is lent to aiohttp, in their order."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, cast

from aiohttp.web_protocol import RequestHandler

from gateway import metrics
from gateway.core.head import MAX_HEAD_BYTES, TOO_LARGE, Chunks, Head, HeadError
from gateway.door import Release, nothing
from gateway.http.socket import Sockets
from gateway.passage import CallPlan, Exchange, Passage

log = logging.getLogger(__name__)

IDLE_S: Final = 75.0
BODY_S: Final = 30.0
"""For the body of a call; for one that aiohttp has, so long for each PACE_BYTES."""
PACE_BYTES: Final = 64 * 1024
MAX_LENT_BYTES: Final = 1 << 50
"""Of a body that aiohttp has, which has limits of its own."""
LINGER_S: Final = 2.0
BUSY_S: Final = 0.005
AHEAD_BYTES: Final = 64 * 1024
"""What may come before the call at hand is answered."""

_REASONS = {
    400: "Bad Request",
    408: "Request Timeout",
    413: "Content Too Large",
    431: "Request Header Fields Too Large",
    501: "Not Implemented",
}


def _over() -> bool:
    return False


class WebProtocol(asyncio.Protocol):
    """A connection. Whose turn it is, is in `_next`: what takes the bytes that come."""

    def __init__(
        self,
        transport: asyncio.Transport,
        lender: Callable[[], asyncio.Protocol],
        passage: Passage,
        sockets: Sockets,
        begin_s: float,
        gone: Release = nothing,
    ) -> None:
        self._transport = transport
        self._gone = gone
        self._sockets = sockets
        self._lender = lender
        self._passage = passage
        self._begin_s = begin_s
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if isinstance(peer, tuple) else ""
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._next: Callable[[], bool] = self._head
        self._handler: RequestHandler | None = None
        self._missing = 0
        """Bytes of a call's body that are not here."""
        self._late = bytearray()
        """Those that are."""
        self._lent_left = 0
        self._lent_bytes = 0
        self._is_last = False
        self._plan: CallPlan | None = None
        self._head_of_call: Head | None = None
        self._chunks: Chunks | None = None
        self._exchange: Exchange | None = None
        self._deadline = self._loop.time() + begin_s
        self._timer: asyncio.TimerHandle | None = None
        self._busy: asyncio.TimerHandle | None = None
        self._slow: asyncio.TimerHandle | None = None
        self._paused = False
        self._full = False
        self._tick_s = min(5.0, begin_s / 2)
        self._tick()
        passage.joined(self)

    # -- the connection --------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Goes on as far as the bytes do."""
        if self._missing:  # there is nothing to be done with a part of a body
            self._late += data
            self._missing -= len(data)
            if self._missing > 0:
                return
            data = bytes(self._late)
            self._late.clear()
            self._missing = 0
        self._buffer = self._buffer + data if self._buffer else data
        try:
            while self._next():
                pass
        except HeadError as error:
            self._refuse(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever asked is gone: nobody behind works for them any longer."""
        self._gone()
        self._passage.left(self)
        for timer in (self._timer, self._busy, self._slow):
            if timer is not None:
                timer.cancel()
        self._next = _over  # a method of this would keep it for the collector
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.cancel()
        if self._handler is not None:
            self._handler.connection_lost(exc)

    def pause_writing(self) -> None:
        """The reader is slower than the answers come: said once, however many calls it holds for."""
        self._full = True
        if self._exchange is not None:
            self._watch()
            self._exchange.hold(True)
        elif self._handler is not None:
            self._handler.pause_writing()

    def resume_writing(self) -> None:
        """It reads again."""
        self._full = False
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None
        if self._exchange is not None:
            self._exchange.hold(False)
        elif self._handler is not None:
            self._handler.resume_writing()
        if self._paused and self._next == self._head:
            self._loop.call_soon(self._try)

    def _watch(self) -> None:
        """From now on the reader has to take something."""
        if self._slow is None:
            left = self._transport.get_write_buffer_size()
            self._slow = self._loop.call_later(self._passage.slow_reader_s, self._cut, left)

    def _cut(self, before: int) -> None:
        """A reader that took nothing is let go of; one that took something has as long again."""
        self._slow = None
        if self._transport.get_write_buffer_size() < before:
            self._watch()
            return
        metrics.CUTS.labels("SLOW_READER").inc()
        self._transport.abort()

    def _tick(self) -> None:
        """Who takes too long is not waited for."""
        now = self._loop.time()
        if now >= self._deadline:
            if self._next == self._lent and not self._transport.is_reading():
                self._wait(BODY_S)  # it is not read either: whoever takes it is slow
            elif self._next == self._body:
                self._refuse(HeadError(408, "The message did not come in time."))
            else:
                self._transport.abort()
                return
        self._timer = self._loop.call_later(self._tick_s, self._tick)

    def _wait(self, seconds: float) -> None:
        self._deadline = self._loop.time() + seconds

    def _forever(self) -> None:
        self._deadline = float("inf")

    def _refuse(self, error: HeadError) -> None:
        """Says what is wrong in HTTP's words, and ends the connection: what else comes on it cannot be trusted."""
        if self._handler is not None and self._is_busy():
            self._transport.abort()  # an answer is on its way, and this would be in the middle of it
            return
        body = str(error).encode()
        reason = _REASONS.get(error.status, "Bad Request")
        head = f"HTTP/1.1 {error.status} {reason}\r\ncontent-type: text/plain\r\ncontent-length: {len(body)}\r\n"
        self._transport.write(head.encode() + b"connection: close\r\n\r\n" + body)
        self._linger()

    def _linger(self) -> None:
        """Closes once the other side has had time to read: bytes that nobody read would have it cut at once."""
        self._next = self._nothing
        self._buffer = b""
        self._missing = 0
        self._late.clear()
        if self._transport.can_write_eof():
            self._wait(LINGER_S)
            self._transport.write_eof()
        else:
            self._transport.close()

    def _nothing(self) -> bool:
        self._buffer = b""
        return False

    # -- heads -----------------------------------------------------------------------------------------------

    def _head(self) -> bool:
        if not self._buffer:
            return False
        if self._full:  # who does not read the answers there are gets no more of them
            self._forever()
            self._watch()
            self._pause()
            return False
        block = self._block()
        if not block:
            return False
        head, plan = self._passage.plan(block)
        protocol = self._sockets.protocol_of(head, self._peer) if head.upgrade else ""
        if (plan is not None or head.upgrade) and self._handler is not None and self._is_busy():
            self._buffer = block + self._buffer
            self._try_later()
            return False
        if plan is None and not protocol:
            self._lend(head, block)
            return True
        if plan is None:
            self._become(head, protocol)
            return False
        if self._handler is not None:
            self._handler.keep_alive(False)  # its clock stands still while the connection is ours
        return self._begin_body(head, plan)

    def _block(self) -> bytes:
        """The head of the next request, taken off what has come; empty: it is not whole."""
        buffer = self._buffer
        if buffer[:2] == b"\r\n":  # some clients end a body with one more
            buffer = self._buffer = buffer[2:]
        end = buffer.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES)
        if end < 0:
            if len(buffer) >= MAX_HEAD_BYTES:
                raise HeadError(431, "The headers are too long.")
            if self._deadline > self._loop.time() + self._begin_s:
                self._wait(self._begin_s)
            return b""
        self._buffer = buffer[end + 4 :]
        return buffer[: end + 4]

    def _become(self, head: Head, protocol: str) -> None:
        """A WebSocket, for good: nothing of what was before it stays."""
        self._passage.left(self)
        for timer in (self._timer, self._busy, self._slow):
            if timer is not None:
                timer.cancel()
        if self._handler is not None:
            self._handler.transport = None  # or it would close it
            self._handler.connection_lost(None)
        self._next = _over
        self._sockets.open(self._transport, head, protocol, self._peer, self._buffer, self._gone)

    # -- requests of others ----------------------------------------------------------------------------------

    def _lend(self, head: Head, block: bytes) -> None:
        """aiohttp gets this request. Where it ends is known here, so that it can be told what comes after it."""
        if self._handler is None:
            self._handler = cast(RequestHandler, self._lender())
            self._handler.connection_made(self._transport)
        self._lent_left = head.size or 0
        self._chunks = Chunks(MAX_LENT_BYTES) if head.size is None else None
        self._is_last = head.upgrade  # which is refused: what would come after it is no HTTP
        self._lent_bytes = 0
        self._wait(BODY_S)
        self._next = self._lent
        self._handler.data_received(block)

    def _lent(self) -> bool:
        """The rest of a request that aiohttp has, then what comes after it."""
        assert self._handler is not None
        if self._lent_left or self._chunks is not None:
            if not self._buffer:
                return False
            piece = self._lent_piece()
            self._prolong(len(piece))
            self._handler.data_received(piece)
            if self._lent_left or self._chunks is not None:
                return False
        self._forever()
        if self._is_last:
            self._handler.close()
            self._next = self._nothing
        else:
            self._next = self._head
        return True

    def _lent_piece(self) -> bytes:
        """What of the bytes that are here belongs to that request."""
        if self._chunks is None:
            piece, self._buffer = self._buffer[: self._lent_left], self._buffer[self._lent_left :]
            self._lent_left -= len(piece)
            return piece
        data = self._buffer
        self._buffer = self._chunks.feed(data)
        self._chunks.body.clear()
        if not self._chunks.done:
            return data
        self._chunks = None
        return data[: len(data) - len(self._buffer)]

    def _prolong(self, size_bytes: int) -> None:
        """A body may be long, so it is its pace that counts."""
        self._lent_bytes += size_bytes
        if self._lent_bytes >= PACE_BYTES:
            self._lent_bytes = 0
            self._wait(BODY_S)

    def _is_busy(self) -> bool:
        """aiohttp has not answered what it was given: it waits for nothing new."""
        waiter = self._handler._waiter if self._handler is not None else None
        return waiter is None or waiter.done()

    def _try_later(self) -> None:
        """Nobody but a program that asks ahead gets here: its call waits for the answer before."""
        if len(self._buffer) > AHEAD_BYTES:
            self._pause()
        if self._busy is None:
            self._busy = self._loop.call_later(BUSY_S, self._try)

    def _pause(self) -> None:
        if not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def _try(self) -> None:
        if self._busy is not None:  # whoever came first; a second clock would wind up another
            self._busy.cancel()
            self._busy = None
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        if not self._transport.is_closing():
            self.data_received(b"")

    # -- calls -----------------------------------------------------------------------------------------------

    def _begin_body(self, head: Head, plan: CallPlan) -> bool:
        self._plan, self._head_of_call = plan, head
        if head.size is not None and head.size > plan.max_body_bytes:
            self._too_large(plan)
            return False
        if head.size is not None and len(self._buffer) >= head.size:
            return self._body()
        if head.get("expect").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._chunks = Chunks(plan.max_body_bytes) if head.size is None else None
        self._wait(BODY_S)
        self._next = self._body
        return True

    def _too_large(self, plan: CallPlan) -> None:
        """No message may be so large: said as the status of the call, whichever way the body comes."""
        self._chunks = None
        self._transport.write(self._passage.too_large(plan))
        self._linger()

    def _body(self) -> bool:
        head, plan = self._head_of_call, self._plan
        assert head is not None
        assert plan is not None
        if self._chunks is not None:
            try:
                self._buffer = self._chunks.feed(self._buffer)
            except HeadError as error:
                if error.status != TOO_LARGE:
                    raise
                self._too_large(plan)
                return False
            if not self._chunks.done:
                return False
            body, self._chunks = bytes(self._chunks.body), None
        else:
            size = head.size or 0
            if len(self._buffer) < size:
                self._missing = size - len(self._buffer)
                self._late += self._buffer
                self._buffer = b""
                return False
            body, self._buffer = self._buffer[:size], self._buffer[size:]
        self._forever()
        self._next = self._answering
        exchange = self._exchange = Exchange(self._passage, plan, self._peer, self)
        exchange.begin(body)
        return True

    def _answering(self) -> bool:
        """The answer is not whole yet; what comes meanwhile waits."""
        if len(self._buffer) > AHEAD_BYTES:
            self._pause()
        return False

    def finish(self) -> bool:
        """See Visit. What aiohttp has is its own to end."""
        if self._plan is not None and (self._exchange is not None or self._next == self._body):
            return self._plan.target.awaited
        if self._handler is None or not self._is_busy():
            self._transport.close()
        return False

    # -- what the exchange asks for --------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """A part of the answer."""
        self._transport.write(data)

    def abort(self) -> None:
        """The answer cannot be ended in a way that could be understood."""
        self._transport.abort()

    def answered(self) -> None:
        """The answer is whole: the next request."""
        self._exchange = None
        assert self._head_of_call is not None
        if not self._head_of_call.keep_alive or self._passage.closing:
            self._transport.close()
            return
        self._next = self._head
        self._wait(IDLE_S)
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        if self._buffer:
            self._loop.call_soon(self._try)
