"""Drives hubs: one Relay stream per video, actions of the hub to sockets and upstream. Decides nothing."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Iterable

import grpc

from gateway import metrics
from gateway.core.deflate import Pace
from gateway.core.ending import draining
from gateway.core.hub import Hub
from gateway.core.pending import Pending, pause_s
from gateway.core.viewer import Action, End, Send, Viewer
from gateway.fanout import FanOut, Socket
from mesh.fleet import Fleet
from mesh.rendezvous import partition_of
from mesh.rpc import Channels
from rushes.annotation.v1 import annotation_service_pb2, relay_service_pb2

log = logging.getLogger(__name__)

MAX_RECONNECT_S = 1.0
"""Between two tries: whoever is back is found soon, and viewers wait meanwhile."""
IDLE_HUB_S = 30.0
RELAY = "/rushes.annotation.v1.RelayService/Relay"
Call = grpc.aio.StreamStreamCall[bytes, relay_service_pb2.RelayResponse]
"""Requests go as the bytes that `Pending` put together."""


class Channel:
    """One video: its hub, its viewers' sockets and its Relay stream."""

    def __init__(self, hub: Hub, fleet: Fleet, channels: Channels, pace: Pace | None = None) -> None:
        self._hub = hub
        self._fleet = fleet
        self._partition = partition_of(hub.video_id)
        self._target = ""
        self._moved = asyncio.Event()
        self._metadata = channels.metadata
        self._fanout = FanOut(hub.congested, pace)
        self._sockets = self._fanout.sockets
        self._pending = Pending()
        self._taken = asyncio.Event()
        self._wake = asyncio.Event()
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._tick())]
        self.idle_since = time.monotonic()

    @property
    def viewers(self) -> int:
        """How many viewers it has."""
        return len(self._sockets)

    # -- viewers ---------------------------------------------------------------------------------------------

    def join(self, socket: Socket, opening: annotation_service_pb2.CollaborateOpen, token: str) -> Viewer:
        """A viewer's first message."""
        viewer, actions = self._hub.join(opening, token, time.monotonic())
        self._sockets[viewer.session] = socket
        metrics.VIEWERS.inc()
        self._carry_out(actions)
        return viewer

    def leave(self, session: int) -> None:
        """A viewer's socket is gone."""
        if self._sockets.pop(session, None) is not None:
            metrics.VIEWERS.dec()
        self._pending.forget(session)
        self._carry_out(self._hub.leave(session))
        if not self._sockets:
            self.idle_since = time.monotonic()

    def token(self, session: int, token: str) -> None:
        """A viewer's token was renewed."""
        self._carry_out(self._hub.token(session, token))

    def ack(self, session: int, revision: int) -> None:
        """A viewer says what it has received."""
        self._hub.ack(session, revision, time.monotonic())

    def forward(self, session: int, request: bytes) -> bool:
        """Passes a viewer's message on; False: it sends faster than it can be taken."""
        if not self._hub.connected:
            return True  # resend{} follows when the stream is back; presence is repeated anyway
        self._wake.set()
        return self._pending.add(session, request)

    @property
    def crowded(self) -> bool:
        """Whether so much waits for the stream that no more should be read."""
        return self._pending.crowded

    async def room(self) -> None:
        """Waits while so much waits for the stream that no more should be read."""
        while self._pending.crowded:
            self._taken.clear()
            await self._taken.wait()

    # -- actions ---------------------------------------------------------------------------------------------

    def _carry_out(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if isinstance(action, Send) and not action.droppable:
                self._fanout.send(action.sessions, action.frame)
            elif isinstance(action, Send):
                self._fanout.send_later(action.sessions, action.frame)
            elif isinstance(action, End):
                self._end(action)
            else:
                self._pending.put(action.request)
                self._wake.set()

    def _end(self, action: End) -> None:
        socket = self._sockets.pop(action.session, None)
        self._pending.forget(action.session)
        if socket is not None:
            metrics.VIEWERS.dec()
            socket.end(action.status)

    # -- upstream --------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        delay_s = 0.05
        while True:
            try:
                await self._stream()
                delay_s = 0.05
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError) as error:
                if isinstance(error, grpc.aio.AioRpcError):
                    code, why = error.code().name, error.details()
                else:
                    code, why = "FINISHED", str(error)
                log.warning("relay_lost", extra={"video": self._hub.video_id, "code": code, "why": why})
                delay_s = 0.05 if self._hub.connected else min(delay_s * 2, MAX_RECONNECT_S)
            except Exception:
                # The viewers of this video stay, and begin again with a new stream.
                log.exception("relay_failed", extra={"video": self._hub.video_id})
                delay_s = min(delay_s * 2, MAX_RECONNECT_S)
            self._carry_out(self._hub.lost(time.monotonic()))
            await asyncio.sleep(delay_s)

    async def _stream(self) -> None:
        self._moved.clear()
        self._target = self._fleet.target(self._partition)
        channel = self._fleet.bare(self._partition)
        relay: grpc.aio.StreamStreamMultiCallable[bytes, relay_service_pb2.RelayResponse] = channel.stream_stream(
            RELAY, response_deserializer=relay_service_pb2.RelayResponse.FromString
        )
        call = relay(metadata=self._metadata())
        self._take()
        await call.write(self._hub.opening().SerializeToString())
        writer = asyncio.create_task(self._write_upstream(call))
        reader = asyncio.create_task(self._read_upstream(call))
        mover = asyncio.create_task(self._moved.wait())
        try:
            await asyncio.wait((reader, mover), return_when=asyncio.FIRST_COMPLETED)
            if reader.done():
                reader.result()
        finally:
            for task in (writer, reader, mover):
                task.cancel()
            call.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            with contextlib.suppress(asyncio.CancelledError, grpc.aio.AioRpcError, asyncio.InvalidStateError):
                await writer

    async def _read_upstream(self, call: Call) -> None:
        async for message in call:
            self._carry_out(self._hub.receive(message, time.monotonic()))

    def move(self) -> None:
        """Other instances are there now: if another serves this video, its stream goes on there, from where it is."""
        if self._fleet.target(self._partition) != self._target:
            self._moved.set()

    async def _write_upstream(self, call: Call) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            next_at = time.monotonic() + pause_s(len(self._sockets), self._hub.crowd)
            for request in self._take():
                await call.write(request)
            # The first goes at once; what comes right after it shares a message.
            await asyncio.sleep(max(0.0, next_at - time.monotonic()))

    def _take(self) -> list[bytes]:
        self._taken.set()
        return self._pending.take()

    async def _tick(self) -> None:
        """Every 50 ms the viewers that are behind; once a second the hub's own clock."""
        turn = 0
        while True:
            await asyncio.sleep(0.05)
            for session in self._hub.behind():
                socket = self._sockets.get(session)
                if socket is not None:
                    self._carry_out(self._hub.left(session, socket.buffered(), time.monotonic()))
            turn += 1
            if turn % 20 == 0:
                self._carry_out(self._hub.tick(time.monotonic()))

    async def close(self, viewers: int = 0) -> None:
        """Ends the stream, and its viewers, of `viewers` that all have to open again."""
        self._fanout.finish()
        for session in list(self._sockets):
            self._end(End(session, draining(viewers, random.random())))
        self._fanout.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Switchboard:
    """The channels of all videos that have viewers."""

    def __init__(self, fleet: Fleet, channels: Channels, *, merge_bytes_s: int, slow_s: float) -> None:
        self._fleet = fleet
        self._channels_to = channels
        self._merge_bytes_s = merge_bytes_s
        self._slow_s = slow_s
        self._pace = Pace()
        """Of all videos together: they share a processor."""
        self._channels: dict[int, Channel] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self.closing = False

    def start(self) -> None:
        """Begins to forget videos without viewers."""
        self._sweeper = asyncio.create_task(self._sweep())
        self._fleet.on_change(self._move)

    def channel(self, video_id: int) -> Channel:
        """The channel of a video."""
        channel = self._channels.get(video_id)
        if channel is None:
            hub = Hub(video_id, merge_bytes_s=self._merge_bytes_s, slow_s=self._slow_s)
            channel = Channel(hub, self._fleet, self._channels_to, self._pace)
            self._channels[video_id] = channel
            metrics.HUBS.inc()
        return channel

    def _move(self) -> None:
        for channel in self._channels.values():
            channel.move()

    @property
    def viewers(self) -> int:
        """Viewers of all videos."""
        return sum(channel.viewers for channel in self._channels.values())

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(IDLE_HUB_S / 3)
            before = time.monotonic() - IDLE_HUB_S
            for video_id, channel in list(self._channels.items()):
                if not channel.viewers and channel.idle_since < before:
                    del self._channels[video_id]
                    metrics.HUBS.dec()
                    await channel.close()

    async def close(self) -> None:
        """Ends everything; viewers are told to open again, each at a time of its own."""
        self.closing = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        viewers = self.viewers
        for channel in self._channels.values():
            await channel.close(viewers)
        self._channels.clear()
