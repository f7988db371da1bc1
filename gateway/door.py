"""One port for everybody: a connection that begins as HTTP/2 goes to the gRPC door, any other is HTTP/1.1."""

import asyncio
import contextlib
import itertools
import logging
import os
import re
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, cast
from urllib.parse import unquote

from gateway import metrics
from gateway.core.forwarded import Network, place, within
from gateway.core.pace import CallPace
from gateway.core.tally import Tally

log = logging.getLogger(__name__)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
TURN_S: Final = 0.1
TURN_CALLS: Final = 200
"""That one connection may begin in that time."""
RETRY_S: Final = 5
"""When somebody who has too many connections may try again."""
REFUSED_S: Final = 1.0
"""Who has too many has so long to read that it is so."""
TOO_MANY: Final = b"There are too many connections from your address; try again in a moment."
TOO_MANY_HTTP1: Final = (
    b"HTTP/1.1 429 Too Many Requests\r\nretry-after: %d\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n"
    b"connection: close\r\n\r\n%b" % (RETRY_S, len(TOO_MANY), TOO_MANY)
)
TOO_MANY_HTTP2: Final = bytes(3) + b"\4" + bytes(5) + (8).to_bytes(3, "big") + b"\7" + bytes(12) + b"\x0b"
"""The server's SETTINGS, then GOAWAY with ENHANCE_YOUR_CALM: no call was taken, so that any may be made again."""
_counter = itertools.count(1)
_PEER = re.compile(r"/from-\d+-([^/]*)$")


def peer_of(door_peer: str) -> str:
    """Address of a program by the name of its connection to the door; empty: it has none."""
    found = _PEER.search(unquote(door_peer))
    return found[1] if found else ""


def _socket_from(address: str, door_path: str) -> socket.socket:
    """A socket to the door, named after where the connection comes from: that name is all that gRPC tells."""
    joined = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    joined.setblocking(False)
    path = os.path.join(os.path.dirname(door_path), f"from-{next(_counter)}-{address}")
    # Too long for a socket's name, or in use: then it has none.
    with contextlib.suppress(OSError):
        joined.bind(path)
        os.unlink(path)
    return joined


Release = Callable[[], None]
"""Told that a connection has ended."""


def nothing() -> None:
    """Of a connection that does not count."""


class Connections:
    """How many each address has. Those of trusted proxies do not count, since many people come by them: of these only
    WebSockets do, by the address that the proxy says.
    """

    def __init__(self, most: int = 0, trusted: Sequence[Network] = ()) -> None:
        self._tally = Tally(most)
        self._trusted = trusted

    def begin(self, peer: str) -> Release | None:
        """A connection from there; None: there are too many."""
        return nothing if not peer or within(peer, self._trusted) else self._take(peer)

    def crowded(self, peer: str, address: str) -> bool:
        """Whether a WebSocket that a proxy brings from this address is one too many."""
        return within(peer, self._trusted) and self._tally.full(place(address))

    def begin_socket(self, peer: str, address: str) -> Release:
        """A WebSocket that is not `crowded`."""
        return (self._take(address) if within(peer, self._trusted) else nothing) or nothing

    def _take(self, address: str) -> Release | None:
        key = place(address)
        if not self._tally.take(key):
            metrics.REFUSALS.labels("connection").inc()
            return None
        return partial(self._tally.give, key)


Web = Callable[[asyncio.Transport, Release], asyncio.Protocol]


class FrontProtocol(asyncio.Protocol):
    """Looks at the first bytes, then hands the connection over whole."""

    def __init__(self, web: Web, door_path: str, begin_s: float, connections: Connections) -> None:
        self._web = web
        self._door_path = door_path
        self._begin_s = begin_s
        self._connections = connections
        self._gone: Release | None = None
        self._seen = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Waits for the first bytes, but not for ever."""
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._gone = self._connections.begin(str(peer[0]) if isinstance(peer, tuple) else "")
        begin_s = self._begin_s if self._gone is not None else min(REFUSED_S, self._begin_s)
        self._timer = asyncio.get_running_loop().call_later(begin_s, self._transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone before it said what it is."""
        if self._timer is not None:
            self._timer.cancel()
        if self._gone is not None:
            self._gone()

    def data_received(self, data: bytes) -> None:
        """Decides as soon as the bytes tell."""
        assert self._transport is not None
        assert self._timer is not None
        self._seen += data
        head = self._seen[: len(PREFACE)]
        if PREFACE.startswith(head) and len(head) < len(PREFACE):
            return
        if self._gone is None:
            self._refuse(TOO_MANY_HTTP2 if head == PREFACE else TOO_MANY_HTTP1)
            return
        self._timer.cancel()
        if head == PREFACE and self._door_path:
            splice = _Splice(self._transport, self._door_path, self._seen, self._gone)
            self._transport.set_protocol(splice)
            return
        protocol = self._web(self._transport, self._gone)
        self._transport.set_protocol(protocol)
        protocol.data_received(self._seen)

    def _refuse(self, answer: bytes) -> None:
        """One too many: it is said once, nothing more is taken, and the clock that runs ends it."""
        assert self._transport is not None
        self._transport.set_protocol(asyncio.Protocol())
        self._transport.write(answer)
        if self._transport.can_write_eof():  # closing with bytes that nobody read could take the answer back
            self._transport.write_eof()


class _Splice(asyncio.Protocol):
    """The program's side of two connections joined; each pauses the other when it is full."""

    def __init__(self, transport: asyncio.Transport, path: str, first: bytes, gone: Release) -> None:
        self._transport = transport
        self._gone = gone
        self._other: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._pace = CallPace(len(PREFACE))
        self._since, self._calls = 0.0, 0
        self._kept = b""
        """What came behind the calls that it may begin in a turn."""
        self._full = False
        """The door takes nothing for now."""
        transport.pause_reading()
        self._task = asyncio.create_task(self._connect(path, first))

    async def _connect(self, path: str, first: bytes) -> None:
        loop = self._loop
        peer = self._transport.get_extra_info("peername")
        joined: socket.socket | None = None
        try:
            joined = _socket_from(str(peer[0]) if isinstance(peer, tuple) else "", path)
            await loop.sock_connect(joined, path)
            other, _ = await loop.create_unix_connection(lambda: _Back(self), sock=joined)
        except OSError as error:
            log.warning("door_unreachable", extra={"error": str(error)})
            if joined is not None:
                joined.close()
            self._transport.abort()
            return
        self._other = other
        if self._transport.is_closing():
            other.close()
            return
        self.data_received(first)
        self._read_on()

    @property
    def front(self) -> asyncio.Transport:
        """The connection that came in."""
        return self._transport

    def data_received(self, data: bytes) -> None:
        """Onwards, but not more calls at once than others can bear: they may be begun and taken back without end."""
        if self._other is None or self._other.is_closing():
            return
        if self._kept:
            self._kept += data
            return
        now = self._loop.time()
        if now - self._since >= TURN_S:
            self._since, self._calls = now, 0
        end = self._pace.take(data, TURN_CALLS - self._calls)
        self._calls += self._pace.calls
        self._other.write(data[:end])
        self._kept = data[end:]
        if self._kept:
            self._transport.pause_reading()
            self._loop.call_at(self._since + TURN_S, self._next_turn)

    def _next_turn(self) -> None:
        self._since, self._calls = self._loop.time(), 0  # a clock may ring a little early, and then again and again
        kept, self._kept = self._kept, b""
        self.data_received(kept)
        self._read_on()

    def _read_on(self) -> None:
        if not self._kept and not self._full and not self._transport.is_closing():
            self._transport.resume_reading()

    def hold(self, full: bool) -> None:
        """The door is full, or takes bytes again."""
        self._full = full
        if not full:
            self._read_on()
        elif not self._transport.is_closing():
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """No more comes in; what goes out still may."""
        if self._other is not None and self._other.can_write_eof():
            self._other.write_eof()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Both end together."""
        self._gone()
        if self._other is not None:
            self._other.close()

    def pause_writing(self) -> None:
        """The caller reads slowly."""
        if self._other is not None and not self._other.is_closing():
            self._other.pause_reading()

    def resume_writing(self) -> None:
        """The caller reads again."""
        if self._other is not None and not self._other.is_closing():
            self._other.resume_reading()


class _Back(asyncio.Protocol):
    """The door's side."""

    def __init__(self, splice: _Splice) -> None:
        self._splice = splice

    def data_received(self, data: bytes) -> None:
        """Back to the caller."""
        self._splice.front.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Both end together."""
        self._splice.front.close()

    def pause_writing(self) -> None:
        """The door is full."""
        self._splice.hold(True)

    def resume_writing(self) -> None:
        """The door takes bytes again."""
        self._splice.hold(False)
