"""One port for everybody: a connection that begins as HTTP/2 goes to the gRPC door, any other is HTTP/1.1."""

import asyncio
import contextlib
import itertools
import logging
import os
import re
import socket
from collections.abc import Callable
from typing import Final, cast
from urllib.parse import unquote

from gateway.core.pace import CallPace

log = logging.getLogger(__name__)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
TURN_S: Final = 0.1
TURN_CALLS: Final = 200
"""That one connection may begin in that time."""
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


class FrontProtocol(asyncio.Protocol):
    """Looks at the first bytes, then hands the connection over whole."""

    def __init__(self, web: Callable[[asyncio.Transport], asyncio.Protocol], door_path: str, begin_s: float) -> None:
        self._web = web
        self._door_path = door_path
        self._begin_s = begin_s
        self._seen = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Waits for the first bytes, but not for ever."""
        self._transport = cast(asyncio.Transport, transport)
        self._timer = asyncio.get_running_loop().call_later(self._begin_s, self._transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone before it said what it is."""
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Decides as soon as the bytes tell."""
        assert self._transport is not None
        assert self._timer is not None
        self._seen += data
        head = self._seen[: len(PREFACE)]
        if PREFACE.startswith(head) and len(head) < len(PREFACE):
            return
        self._timer.cancel()
        if head == PREFACE and self._door_path:
            splice = _Splice(self._transport, self._door_path, self._seen)
            self._transport.set_protocol(splice)
            return
        protocol = self._web(self._transport)
        self._transport.set_protocol(protocol)
        protocol.data_received(self._seen)


class _Splice(asyncio.Protocol):
    """The program's side of two connections joined; each pauses the other when it is full."""

    def __init__(self, transport: asyncio.Transport, path: str, first: bytes) -> None:
        self._transport = transport
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
        joined = _socket_from(str(peer[0]) if isinstance(peer, tuple) else "", path)
        try:
            await loop.sock_connect(joined, path)
            other, _ = await loop.create_unix_connection(lambda: _Back(self), sock=joined)
        except OSError as error:
            log.warning("door_unreachable", extra={"error": str(error)})
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
