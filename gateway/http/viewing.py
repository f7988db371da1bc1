"""A browser's `Collaborate` call: it joins the hub of its video, whichever kind of socket it came on."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from google.rpc import status_pb2

from gateway import metrics
from gateway.core import socket
from gateway.core.ending import ending
from gateway.core.grpcweb import ProtocolError
from gateway.core.socket import Event, Finish
from gateway.fanout import Socket
from gateway.http.session import RENEW_BEFORE_MS, TokenCache
from gateway.relay import Channel, Switchboard
from rushes import errors
from rushes.annotation.v1.annotation_service_pb2 import CollaborateRequest, CollaborateResponse, Pong

HIGH_BYTES = 256 * 1024
_ACK_TAG, _AUTHENTICATE_TAG, _PING_TAG, _OPEN_TAG = 0x20, 0x2A, 0x30, 0x0A
_OWN_TAGS = frozenset((_ACK_TAG, _AUTHENTICATE_TAG, _PING_TAG, _OPEN_TAG))
"""Of messages that are for the gateway."""


class ViewerWriter(Socket, Protocol):
    """The writing side of a viewer's call."""

    ended: "asyncio.Future[status_pb2.Status]"


class Events(Protocol):
    """What the browser of a call says: one event after the other, until they flow to somebody."""

    def __aiter__(self) -> AsyncIterator[Event]: ...

    async def __anext__(self) -> Event: ...

    def flow(self, take: Callable[[Event], None]) -> "asyncio.Future[None]":
        """From now on each event goes to `take` as it comes; what that raises is the end.

        Done once nothing more comes.
        """

    def hold(self) -> bool:
        """Takes no more for now. False: it did not before."""

    def go_on(self) -> None:
        """Takes more again."""


class Viewing:
    """Joins calls to the hub."""

    def __init__(self, board: Switchboard, tokens: TokenCache, begin_s: float) -> None:
        self._board = board
        self._tokens = tokens
        self._begin_s = begin_s
        self._holding: set[asyncio.Task[None]] = set()

    @property
    def closing(self) -> bool:
        """Nobody new is taken."""
        return self._board.closing

    async def serve(self, events: Events, writer: ViewerWriter, token: str, secret: str) -> None:
        """One viewer, until either side ends the call. `secret`: of the session that renews the token; empty: none."""
        async with asyncio.timeout(self._begin_s):
            opening = await _opening(events)
        channel = self._board.channel(opening.open.video_id)
        viewer = channel.join(writer, opening.open, token)
        renewal = asyncio.create_task(self._renew(channel, viewer.session, secret, writer))
        reading = self._reading(events, channel, viewer.session, writer)
        try:
            await asyncio.wait((reading, writer.ended), return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                await reading
        finally:
            channel.leave(viewer.session)
            renewal.cancel()
            reading.cancel()
            await asyncio.gather(renewal, reading, return_exceptions=True)

    def _reading(self, events: Events, channel: Channel, session: int, writer: ViewerWriter) -> "asyncio.Future[None]":
        """Done once nothing more comes: events are handed on where they come."""
        voice = _Voice(channel, session, writer)

        def flow(event: Event) -> None:
            voice.take(event)
            if channel.crowded and events.hold():
                self._go_on_later(events, channel)

        return events.flow(flow)

    def _go_on_later(self, events: Events, channel: Channel) -> None:
        """Once less waits for the service."""
        waiting = asyncio.create_task(channel.room())
        self._holding.add(waiting)
        waiting.add_done_callback(self._holding.discard)
        waiting.add_done_callback(lambda _: events.go_on())

    async def _renew(self, channel: Channel, session: int, secret: str, writer: ViewerWriter) -> None:
        """Keeps the session's token fresh while the cookie's session lives."""
        while secret:
            try:
                token = await self._tokens.get(secret)
                channel.token(session, token.value)
                wait_s = (token.expires_ms - time.time() * 1000 - RENEW_BEFORE_MS) / 1000 + 1
            except errors.Unauthenticated:
                writer.end(ending("SESSION_ENDED"))
                return
            except errors.RushesError:
                wait_s = 5.0
            await asyncio.sleep(max(1.0, wait_s))


class _Voice:
    """What one viewer says."""

    __slots__ = ("_channel", "_session", "_writer")

    def __init__(self, channel: Channel, session: int, writer: ViewerWriter) -> None:
        self._channel = channel
        self._session = session
        self._writer = writer

    def take(self, event: Event) -> None:
        """Open, acknowledgement and ping are the gateway's; all else goes on as it is."""
        if isinstance(event, bytes):
            if not event or event[0] in _OWN_TAGS:
                self._take_own(event)
            elif not self._channel.forward(self._session, event):
                metrics.CUTS.labels("TOO_FAST").inc()
                self._writer.end(ending("TOO_FAST"))
        elif isinstance(event, Finish):
            self._writer.end(status_pb2.Status())

    def _take_own(self, message: bytes) -> None:
        tag = message[0] if message else _OPEN_TAG
        if tag == _OPEN_TAG:
            raise ProtocolError("the session is open already")
        request = CollaborateRequest.FromString(message)
        if tag == _ACK_TAG:
            self._channel.ack(self._session, request.ack_revision)
        elif tag == _AUTHENTICATE_TAG:
            self._channel.token(self._session, request.authenticate_token)
        # Whoever asks without end and reads nothing gets no more answers.
        elif self._writer.buffered() < HIGH_BYTES:
            pong = Pong(ping_ms=request.ping_ms, time_ms=int(time.time() * 1000))
            self._writer.write(socket.message_frame(CollaborateResponse(pong=pong).SerializeToString()))


async def _opening(events: AsyncIterator[Event]) -> CollaborateRequest:
    async for event in events:
        if isinstance(event, bytes):
            request = CollaborateRequest.FromString(event)
            if request.WhichOneof("message") == "open" and request.open.video_id > 0:
                return request
        break
    raise ProtocolError("the first message is open, with a video_id")
