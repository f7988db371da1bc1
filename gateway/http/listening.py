"""What comes on a WebSocket. Who is there is asked for, and who is gone without a word is let go of."""

import asyncio
from typing import Final, Self

from aiohttp import WSMessage, WSMsgType, web

from gateway import metrics
from gateway.core.pulse import Pulse
from gateway.core.websocket import ping_frame, pong_frame
from gateway.http.passing import Writer

_OVER: Final = frozenset((WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED))
PONGS_BYTES: Final = 64 * 1024
"""Whoever asks without end and reads nothing gets no more answers."""


class Listening:
    """The messages of a socket that answers pings itself (`autoping=False`), within `with`."""

    __slots__ = ("_loop", "_out", "_pulse", "_timer", "_transport", "_waits", "_ws")

    def __init__(self, ws: web.WebSocketResponse, out: Writer, transport: asyncio.Transport) -> None:
        self._ws = ws
        self._out = out
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._pulse = Pulse(self._loop.time())
        self._timer: asyncio.TimerHandle | None = None
        self._waits = False

    def __enter__(self) -> Self:
        self._wind()
        return self

    def __exit__(self, *error: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> WSMessage:
        while True:
            self._waits = True
            try:
                message = await self._ws.receive()
            finally:
                self._waits = False
            if message.type is WSMsgType.PONG:
                self._pulse.answered(self._loop.time())
            elif message.type is WSMsgType.PING:
                self._pulse.answered(self._loop.time())
                if self._out.buffered() < PONGS_BYTES:
                    self._out.write(pong_frame(message.data))
            elif message.type in _OVER:
                raise StopAsyncIteration
            else:
                if self._pulse.said(self._loop.time()):
                    self._wind()
                return message

    def _wind(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._pulse.due(), self._look)

    def _look(self) -> None:
        now = self._loop.time()
        if not self._waits:  # what came may not have been looked at
            self._pulse.answered(now)
        elif self._pulse.gone(now):
            metrics.CUTS.labels("SILENT").inc()
            self._timer = None
            self._transport.abort()
            return
        elif self._pulse.ask(now):
            self._out.write(ping_frame())
        self._wind()
