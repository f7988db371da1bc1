"""Frames to the sockets of one video's viewers: the same bytes to all that keep up, straight to the kernel.

What is to be decided for each viewer is decided for all of them first. Then they are written one after the other by a
loop that is not Python's: between two writes the kernel's own work empties the processor's caches, so that whatever a
program does there costs several times as much.
"""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from google.rpc import status_pb2

from gateway import metrics
from gateway.core.deflate import Pace, Packer
from gateway.core.hub import LOW_BYTES

HIGH_BYTES: Final = 256 * 1024
PRESENCE_WAIT_S: Final = 0.5e-3
MAX_PRESENCE_WAIT_S: Final = 0.080
"""Presence waits so much for each viewer for commits to travel with: among few people it is quick, among many a frame
of its own to everybody would cost more than it is worth. Longer than the window between two commits to 3,000."""
TURN: Final = 500
"""So many are written to, then what came meanwhile is taken: what viewers say is on its way in while others are still
written to, and goes out again one frame earlier."""
MAX_WAITING: Final = 4
MAX_WAITING_BYTES: Final = 512 * 1024
"""What waits for its turn is not more than that: rather nothing else is done until it is written."""
BUSY_S: Final = 0.1
"""After so long without commits there are none to wait for."""


class Made(dict[int, tuple[bytes, int]]):
    """What was made of a frame for a call's number, and how much of its room that takes: for all with that number once.

    `packer`: it goes to several, so that packing it once is worth it for those who take it so.
    """

    __slots__ = ("_packed", "packer")

    def __init__(self, packer: Packer | None = None) -> None:
        super().__init__()
        self.packer = packer
        self._packed: dict[int, bytes] = {}

    def packed(self, number: int, frames: bytes) -> bytes:
        """What it is for a call's number, packed."""
        known = self._packed.get(number)
        if known is None:
            known = self._packed[number] = frames if self.packer is None else self.packer.pack(frames)
        return known


class Socket(Protocol):
    """A viewer's socket, as the hub's driver writes to it."""

    @property
    def descriptor(self) -> int:
        """Where `direct` frames are written to."""

    def direct(self, frame: bytes, made: Made) -> bytes | None:
        """What is to be written to `descriptor` in the place of this frame, at once; None: it has to be queued."""

    def rest(self, left: bytes) -> None:
        """What the descriptor has not taken."""

    def write(self, frame: bytes) -> None:
        """Queues a frame that is ready for the wire."""

    def buffered(self) -> int:
        """Bytes that the socket has not taken yet."""

    def end(self, status: status_pb2.Status) -> None:
        """Sends the trailers and closes."""


class _Flush:
    """Frames on their way to many, in one write to each: where they have come to, and what was made of them."""

    __slots__ = ("at", "frame", "frames", "joined", "made", "packer", "sessions", "spent_s", "written")

    def __init__(self, sessions: Sequence[int], frame: bytes, packer: Packer | None) -> None:
        self.sessions = sessions
        self.frame = frame
        self.frames = 1
        self.packer = packer
        self.made = Made(packer)
        self.joined = dict[bytes, tuple[bytes, Made]]()
        """With the presence that goes along, by that."""
        self.at = self.written = 0
        self.spent_s = 0.0

    def add(self, frame: bytes) -> None:
        """One more, as long as nobody has been written to."""
        self.frame += frame
        self.frames += 1

    def with_presence(self, extra: bytes) -> tuple[bytes, Made]:
        """The frames, and this behind them."""
        return self.joined.get(extra) or self.joined.setdefault(extra, (self.frame + extra, Made(self.packer)))


class FanOut:
    """See the module. `congested` is told of viewers whose sockets take no more for now; `pace`: how much is packed."""

    def __init__(self, congested: Callable[[int, float], None], pace: Pace | None = None) -> None:
        self.sockets: dict[int, Socket] = {}
        self._congested = congested
        self._loop = asyncio.get_running_loop()
        self._committed = 0.0
        self._pace = pace or Pace()
        self._flushes: deque[_Flush] = deque()
        """What has not gone to all yet, in order; the first may have gone to some."""
        self._turn: asyncio.Handle | None = None
        self._later: dict[int, bytes] = {}
        self._timer: asyncio.TimerHandle | None = None

    def send(self, sessions: Sequence[int], frame: bytes) -> None:
        """Writes a frame, and with it what presence waited for one. Of more than TURN the others have it soon.

        What comes for the same viewers before it is their turn goes with it in one write: so a machine that does not
        come to writing as often as there is something to write is not late by more and more.
        """
        if len(sessions) == 1:
            if any(sessions[0] in flush.sessions[flush.at :] for flush in self._flushes):
                self.finish()
            metrics.FRAMES_OUT.inc(self._spread(_Flush(sessions, frame, None), 1))
            return
        self._committed = self._loop.time()
        last = self._flushes[-1] if self._flushes else None
        if last is not None and not last.at and last.sessions == sessions:
            last.add(frame)
            if len(last.frame) > MAX_WAITING_BYTES:
                self.finish()
        else:
            if len(self._flushes) >= MAX_WAITING:
                self.finish()
            self._flushes.append(_Flush(sessions, frame, Packer(self._may_pack)))
        if self._turn is None:
            self._take_turn()

    def finish(self) -> None:
        """Writes what has not gone to all yet."""
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        while self._flushes:
            self._write(self._flushes[0], len(self._flushes[0].sessions))

    def _take_turn(self) -> None:
        self._turn = None
        if self._flushes:
            self._write(self._flushes[0], TURN)
        if self._flushes:
            self._turn = self._loop.call_soon(self._take_turn)

    def _write(self, flush: _Flush, most: int) -> None:
        """Goes on with the first of what has not gone to all, to so many more."""
        began = time.perf_counter()
        flush.written += self._spread(flush, most)
        flush.spent_s += time.perf_counter() - began
        if flush.at >= len(flush.sessions):
            self._flushes.popleft()
            metrics.FAN_OUT_S.observe(flush.spent_s)
            metrics.FRAMES_OUT.inc(flush.written * flush.frames)

    def send_later(self, sessions: Iterable[int], frame: bytes) -> None:
        """Presence waits a moment for commits to travel with; what comes meanwhile takes its place."""
        for session in sessions:
            self._later[session] = frame
        if self._timer is None:
            busy = self._loop.time() - self._committed < BUSY_S
            wait_s = min(MAX_PRESENCE_WAIT_S, PRESENCE_WAIT_S * len(self.sockets)) if busy else 0.0
            self._timer = self._loop.call_later(wait_s, self._flush_later)

    def close(self) -> None:
        """Nothing more is sent."""
        for handle in (self._timer, self._turn):
            if handle is not None:
                handle.cancel()

    def _spread(self, flush: _Flush, most: int) -> int:
        """Writes to so many more, and gives to how many it was."""
        later, frame = self._later, flush.frame
        chosen: list[Socket] = []
        pieces: list[bytes] = []
        descriptors: set[int] = set()
        behind: list[tuple[int, Socket, bytes]] = []
        queued = 0
        socket_of, alone = self.sockets.get, (frame, flush.made)
        sessions = flush.sessions[flush.at : flush.at + most]
        flush.at += most
        for session in sessions:
            socket = socket_of(session)
            if socket is None:
                continue
            extra = later.pop(session, None) if later else None
            both, made = alone if extra is None else flush.with_presence(extra)
            if socket.descriptor in descriptors:  # of another call there, which may be written in part
                behind.append((session, socket, both))
                continue
            piece = socket.direct(both, made)
            if piece is not None:
                chosen.append(socket)
                pieces.append(piece)
                descriptors.add(socket.descriptor)
            else:
                self._queue(session, socket, frame, both)
                queued += 1
        _write_all(chosen, pieces)
        for session, socket, both in behind:
            self._queue(session, socket, frame, both)
        return len(chosen) + queued + len(behind)

    def _may_pack(self, size_bytes: int) -> bool:
        return self._pace.take(size_bytes, self._loop.time())

    def _queue(self, session: int, socket: Socket, frame: bytes, both: bytes) -> None:
        """Of a viewer that something waits for already: `both` has presence with it, which may be left out."""
        waiting = socket.buffered()
        socket.write(frame if waiting > LOW_BYTES else both)
        if waiting > HIGH_BYTES:
            self._congested(session, time.monotonic())

    def _flush_later(self) -> None:
        self._timer = None
        self.finish()
        later, self._later = self._later, {}
        mades: dict[int, Made] = {}
        chosen: list[Socket] = []
        pieces: list[bytes] = []
        descriptors: set[int] = set()
        behind: list[tuple[Socket, bytes]] = []
        for session, frame in later.items():
            socket = self.sockets.get(session)
            if socket is None:
                continue
            shared = socket.descriptor in descriptors
            piece = None if shared else socket.direct(frame, mades.setdefault(id(frame), Made()))
            if piece is None:
                behind.append((socket, frame))
            else:
                chosen.append(socket)
                pieces.append(piece)
                descriptors.add(socket.descriptor)
        _write_all(chosen, pieces)
        queued = sum(_queue_presence(socket, frame) for socket, frame in behind)
        metrics.FRAMES_OUT.inc(len(chosen) + queued)


def _queue_presence(socket: Socket, frame: bytes) -> bool:
    """Whether it is queued: who is far behind goes without."""
    if socket.buffered() > LOW_BYTES:
        metrics.FRAMES_DROPPED.inc()
        return False
    socket.write(frame)
    return True


def _write_all(sockets: Sequence[Socket], pieces: Sequence[bytes]) -> None:
    """Each piece to its socket."""
    descriptors = [socket.descriptor for socket in sockets]
    sizes = list(map(len, pieces))
    taken: list[int] = []
    writing = map(os.write, descriptors, pieces)
    while len(taken) < len(sizes):
        try:
            taken.extend(writing)
        except OSError:  # full, or broken: the transport finds out which; the next one's turn
            taken.append(0)
    if taken == sizes:
        return
    for socket, piece, size in zip(sockets, pieces, taken, strict=True):
        if size < len(piece):
            socket.rest(piece[size:])
