"""One port for everybody: a connection that begins as HTTP/2 goes to the gRPC door, any other is HTTP/1.1."""

import asyncio
import contextlib
import itertools
import logging
import os
import re
import socket
from collections.abc import Callable
from typing import cast
from urllib.parse import unquote

log = logging.getLogger(__name__)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
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
    """The browser's or program's side of two connections joined; each pauses the other when it is full."""

    def __init__(self, transport: asyncio.Transport, path: str, first: bytes) -> None:
        self._transport = transport
        self._other: asyncio.Transport | None = None
        transport.pause_reading()
        self._task = asyncio.create_task(self._connect(path, first))

    async def _connect(self, path: str, first: bytes) -> None:
        loop = asyncio.get_running_loop()
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
        other.write(first)
        self._transport.resume_reading()

    @property
    def front(self) -> asyncio.Transport:
        """The connection that came in."""
        return self._transport

    def data_received(self, data: bytes) -> None:
        """Onwards."""
        if self._other is not None:
            self._other.write(data)

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
        if not self._splice.front.is_closing():
            self._splice.front.pause_reading()

    def resume_writing(self) -> None:
        """The door takes bytes again."""
        if not self._splice.front.is_closing():
            self._splice.front.resume_reading()
