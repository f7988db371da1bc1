"""Connections to a gRPC server for calls that pass as bytes: opened when needed, opened again when lost."""

import asyncio
import logging
import socket
import ssl
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol, cast

from google.rpc import code_pb2

from gateway.core.http2 import Connection, Http2Error, Receiver, Stream
from gateway.core.vigil import CALL_TICKS, TICK_S, Sight, Vigil

log = logging.getLogger(__name__)

MAX_CONNECTIONS: Final = 8
MAX_WAITING: Final = 1_000
TRIES: Final = 5
FIRST_BACKOFF_S: Final = 0.05
MAX_BACKOFF_S: Final = 1.0
DIAL_S: Final = 5
HIGH_BYTES: Final = 4 * 1024 * 1024
ALIVE_IDLE_S: Final = 5
ALIVE_AGAIN_S: Final = 2
ALIVE_GONE_S: Final = 10
"""A machine behind that acknowledges nothing for so long is gone, though it never said so: its cable may be out."""
_PING = b"rushesgw"


class MuteError(OSError):
    """Whoever listens behind takes a connection and says nothing on it: it hangs."""


class Answering(Receiver, Protocol):
    """What a call's events go to."""

    def fail(self, code: int, message: str) -> None:
        """The call ends with a status of ours; `flush` follows."""


class Way(Protocol):
    """Where calls are sent. `reads_first`: the first message decides where, so that a stream begins with it."""

    reads_first: bool

    def start(self, passing: "Passing") -> None:
        """Sends a call, now or as soon as it can be."""

    def give_up(self, passing: "Passing") -> None:
        """A call that nobody waits for, wherever it is."""

    async def close(self) -> None:
        """Sends no more."""


class Passing:
    """One call on its way: where it is now, so that it can be given up."""

    __slots__ = ("block", "body", "ending", "link", "receiver", "stream")

    def __init__(self, block: bytes, body: bytes, receiver: Answering, *, ending: bool = True) -> None:
        self.block = block
        self.body = body
        self.receiver = receiver
        self.ending = ending
        self.link: _Link | None = None
        self.stream: Stream | None = None

    def cancel(self) -> None:
        """Nobody waits for the answer any more."""
        link, stream = self.link, self.stream
        self.link = self.stream = None
        if link is not None and stream is not None:
            link.connection.cancel(stream)
            link.soon()

    def hold(self, held: bool) -> None:
        """Whoever reads the answer is full, or is not any more."""
        if self.link is not None and self.stream is not None:
            self.link.connection.hold(self.stream, held)
            self.link.soon()

    def send(self, data: bytes, *, end: bool = False) -> None:
        """More of the request, of a call that has more than one message."""
        if self.link is None or self.stream is None:
            self.body += data
            self.ending = self.ending or end
        else:
            self.link.connection.send(self.stream, data, end=end)
            self.link.soon()

    @property
    def waiting_bytes(self) -> int:
        """Bytes of the request that have not left yet."""
        if self.link is None or self.stream is None:
            return len(self.body)
        return self.link.connection.waiting_bytes(self.stream)


class Upstream:
    """One server: `unix:PATH`, or `HOST:PORT` with the TLS that it asks for, as `name`."""

    reads_first = False

    def __init__(self, target: str, tls: ssl.SSLContext | None = None, name: str | None = None) -> None:
        self.target = target
        self._tls = tls
        self._name = name if tls is not None else None
        self._links: list[_Link] = []
        self._leaving: list[_Link] = []
        """Those that take no more calls: the ones on them have to hear it too if the server is gone."""
        self._waiting: deque[Passing] = deque()
        self._connecting: asyncio.Task[None] | None = None
        self._closed = False

    def start(self, passing: Passing) -> None:
        """Sends a call, now or as soon as there is a connection with room for it."""
        link = self._roomy_link()
        if link is not None:
            link.open(passing)
            return
        if self._closed:
            _fail(passing, code_pb2.UNAVAILABLE, "This gateway is going away.")
            return
        if len(self._waiting) >= MAX_WAITING:
            _fail(passing, code_pb2.RESOURCE_EXHAUSTED, "Too many calls wait for the server behind.")
            return
        self._waiting.append(passing)
        if self._connecting is None and len(self._links) < MAX_CONNECTIONS:
            self._connecting = asyncio.create_task(self._connect())

    def _roomy_link(self) -> "_Link | None":
        """A connection with room; one that is doubted only when no other can be opened."""
        doubted = None
        for link in self._links:
            if link.ready and link.connection.available:
                if not link.doubted:
                    return link
                doubted = link
        return doubted if len(self._links) >= MAX_CONNECTIONS else None

    def give_up(self, passing: Passing) -> None:
        """A call that nobody waits for, wherever it is."""
        passing.cancel()
        if passing in self._waiting:
            self._waiting.remove(passing)

    async def _connect(self) -> None:
        backoff_s = FIRST_BACKOFF_S
        try:
            for attempt in range(TRIES):
                try:
                    await self._dial()
                    return
                except MuteError:
                    log.warning("upstream_mute", extra={"target": self.target})
                    self._settle_doubts(gone=True)
                    break
                except OSError as error:
                    log.warning("upstream_unreachable", extra={"target": self.target, "error": str(error)})
                    if attempt < TRIES - 1:
                        await asyncio.sleep(backoff_s)
                        backoff_s = min(backoff_s * 3, MAX_BACKOFF_S)
            else:
                self._settle_doubts(gone=False)
            self._refuse_waiting()
        finally:
            self._connecting = None

    def _settle_doubts(self, *, gone: bool) -> None:
        """A server that is mute on a new connection too is gone; where none can be had the old ones have to do."""
        for link in [*self._links, *self._leaving]:
            if gone and (link.doubted or link.probed):
                link.doubted = True  # until it has ended
                link.abort()
            elif link.doubted:
                link.doubted = False
                self.roomy(link)
            link.probed = False

    def _refuse_waiting(self) -> None:
        if any(not link.doubted for link in self._links):  # they wait for room there
            return
        waiting, self._waiting = self._waiting, deque()
        for passing in waiting:
            _fail(passing, code_pb2.UNAVAILABLE, "The server behind cannot be reached.")

    async def _dial(self) -> None:
        """Raises OSError."""
        links: list[_Link] = []

        def reached() -> _Link:
            links.append(_Link(self))
            return links[0]

        try:
            async with asyncio.timeout(DIAL_S):
                await self._reach(reached)
                await links[0].settled
        except BaseException as error:
            for link in links:
                link.close()
            if links and isinstance(error, TimeoutError) and not links[0].ready:
                raise MuteError(f"nothing heard in {DIAL_S} s") from error
            raise

    async def _reach(self, reached: Callable[[], asyncio.Protocol]) -> None:
        loop = asyncio.get_running_loop()
        if self.target.startswith("unix:"):
            await loop.create_unix_connection(reached, self.target.removeprefix("unix:"))
            return
        host, _, port = self.target.removeprefix("dns:///").rpartition(":")
        await loop.create_connection(reached, host.strip("[]"), int(port), ssl=self._tls, server_hostname=self._name)

    def joined(self, link: "_Link") -> None:
        """A connection is ready: the server is there."""
        for other in [*self._links, *self._leaving]:
            other.probed = False
        self._links.append(link)
        self.roomy(link)

    def roomy(self, link: "_Link") -> None:
        """A connection may have room for calls that wait."""
        while self._waiting and link.ready and link.connection.available:
            link.open(self._waiting.popleft())
        if self._waiting and self._connecting is None and len(self._links) < MAX_CONNECTIONS and not self._closed:
            self._connecting = asyncio.create_task(self._connect())

    def doubt(self) -> None:
        """One is doubted or probed: unless another was heard just now, a new one shows whether the server is there."""
        doubted = [link for link in [*self._links, *self._leaving] if link.doubted or link.probed]
        for link in [link for link in self._links if link.idle and not link.fresh]:
            link.abort()  # it could not tell, and would be one more in the end
            self.left(link)
        trusted = any(link.ready and link.fresh and not link.doubted for link in self._links)
        if (
            doubted
            and not trusted
            and self._connecting is None
            and len(self._links) < MAX_CONNECTIONS
            and not self._closed
        ):
            self._connecting = asyncio.create_task(self._connect())

    @property
    def waits(self) -> bool:
        """Whether calls wait for room."""
        return bool(self._waiting)

    def left(self, link: "_Link") -> None:
        """A connection takes no more calls, or is gone."""
        for links in (self._links, self._leaving):
            if link in links:
                links.remove(link)
        if link.waited_for:
            self._leaving.append(link)
        if self._waiting and self._connecting is None and not self._closed:
            self._connecting = asyncio.create_task(self._connect())

    async def close(self) -> None:
        """Closes every connection."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        for link in [*self._links, *self._leaving]:
            link.close()
        self._refuse_waiting()


class _Link(asyncio.Protocol):
    """One connection."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self.connection = Connection()
        self.ready = False
        self.doubted = False
        """Calls wait and nothing is heard; whether the server is there may not be asked here."""
        self.probed = False
        """As much, but nobody waits for anything soon: it is as good as any other until the answer is known."""
        self.settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None
        self._scheduled = False
        self._vigil = Vigil()
        self._heard = False
        self._heard_at = 0.0
        self._watching: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Says what we are."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(HIGH_BYTES)
        _keep_alive(transport.get_extra_info("socket"))
        self._send()

    def open(self, passing: Passing) -> None:
        """Begins a call here."""
        passing.link = self
        passing.stream = self.connection.open(passing.block, passing.body, passing.receiver, end=passing.ending)
        if not passing.ending:  # what has ended may have to be sent again
            passing.body = b""
        if self._watching is None:
            self._vigil.begin()
            self._watching = asyncio.get_running_loop().call_later(TICK_S, self._look)
        self._vigil.called()
        self.soon()

    def soon(self) -> None:
        """All that is said in one turn of the loop leaves in one write."""
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._send)

    def _send(self) -> None:
        self._scheduled = False
        out = self.connection.out
        if out and self._transport is not None:
            self._transport.write(b"".join(out))
            out.clear()

    def data_received(self, data: bytes) -> None:
        """Answers."""
        self._heard, self._heard_at = True, asyncio.get_running_loop().time()
        self.doubted = self.probed = False
        connection = self.connection
        try:
            connection.receive(data)
        except Http2Error as error:
            log.warning("upstream_broke_protocol", extra={"target": self._upstream.target, "error": str(error)})
            self.close()
            return
        if not self.ready and connection.settled:
            self._begin()
        if connection.closing and self.ready:
            self.ready = False
            self._upstream.left(self)
        if connection.closing and not connection.open_streams:
            self.close()
        elif self._upstream.waits:
            self._upstream.roomy(self)
        if connection.out:
            self.soon()

    def _begin(self) -> None:
        if not self.settled.done():
            self.settled.set_result(None)
            self.ready = True
            self._upstream.joined(self)

    def _look(self) -> None:
        """Whether the server is still there: asked for as long as calls wait for it."""
        self._watching = None
        connection = self.connection
        if not connection.open_streams:
            if self.doubted or connection.closing:  # nobody would hear of it any more
                self.abort()
            return
        sight = self._vigil.look(heard=self._heard, answered=connection.answered)
        self._heard = connection.answered = False
        if sight is Sight.GONE:
            log.warning("upstream_silent", extra={"target": self._upstream.target})
            self.abort()
            self._upstream.doubt()
            return
        if sight in (Sight.DOUBT, Sight.PROBE):
            self.doubted = self.doubted or sight is Sight.DOUBT
            self.probed = True
            self._upstream.doubt()
        if sight is Sight.ASK:
            connection.ping(_PING)
            self.soon()
        self._watching = asyncio.get_running_loop().call_later(TICK_S, self._look)

    @property
    def fresh(self) -> bool:
        """Something was heard just now."""
        return asyncio.get_running_loop().time() - self._heard_at < CALL_TICKS * TICK_S

    @property
    def idle(self) -> bool:
        """It has no calls."""
        return self.ready and not self.connection.open_streams

    @property
    def waited_for(self) -> bool:
        """It is there and has calls."""
        return self._transport is not None and bool(self.connection.open_streams)

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone: every call on it hears so, and those that may be are sent again."""
        self.ready = False
        self._transport = None  # whoever gives a call up says so to nobody
        if self._watching is not None:
            self._watching.cancel()
        if not self.settled.done():
            self.settled.set_exception(ConnectionResetError("closed before it was ready"))
        self._upstream.left(self)
        self.connection.lost()

    def abort(self) -> None:
        """Ends it at once, whatever has not left yet."""
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Ends it."""
        if self._transport is not None:
            self._transport.close()


def _fail(passing: Passing, code: int, message: str) -> None:
    passing.receiver.fail(code, message)
    passing.receiver.flush()


def _keep_alive(line: socket.socket) -> None:
    """The kernel notices a machine that is gone without a word: at any time, however quiet the connection is."""
    if line.family == socket.AF_UNIX:
        return
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, ALIVE_IDLE_S)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, ALIVE_AGAIN_S)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, ALIVE_GONE_S * 1_000)
