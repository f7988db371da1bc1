"""Frames to the sockets of one video's viewers: the same bytes to all that keep up, straight to the kernel.

Many are written to in parts, one part with each frame that comes, and that part gets all that it lacks. So nobody is
written to more often than if all were written to together, and nobody waits until all the others were.

What is to be decided for each viewer is decided for all of them first; then they are written in one go (`kernel`).
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from google.rpc import status_pb2

from gateway import kernel, metrics
from gateway.core.deflate import Pace, Pieces
from gateway.core.ending import ending
from gateway.core.hub import LOW_BYTES
from gateway.core.message import Message
from gateway.core.mux import unframed
from gateway.core.parts import LEFT_S, Parts

log = logging.getLogger(__name__)

HIGH_BYTES: Final = 256 * 1024
PRESENCE_WAIT_S: Final = 0.5e-3
MAX_PRESENCE_WAIT_S: Final = 0.150
"""Presence waits so much for each viewer for commits to travel with: among few people it is quick, among many a frame
of its own to everybody would cost more than it is worth. At most so long: thousands who write get commits sooner."""
TURN: Final = 500
"""So many are written to in one go; of more, one part after the other has its turn. svc_annotation flushes as often as
that makes sense (`PART` of its `core/window.py`)."""
MAX_WAITING_BYTES: Final = 512 * 1024
"""What waits for its turn is not more than that: rather nothing else is done until it is written."""


class Socket(Protocol):
    """A viewer's socket, as the hub's driver writes to it."""

    @property
    def descriptor(self) -> int:
        """Where what is `direct` is written to."""

    def direct(self, message: Message) -> bytes | None:
        """What is to be written to `descriptor` for this message, at once; None: it has to be queued."""

    def rest(self, left: bytes) -> None:
        """What the descriptor has not taken."""

    def write(self, frame: bytes) -> None:
        """Queues a frame that is ready for the wire."""

    def buffered(self) -> int:
        """Bytes that the socket has not taken yet."""

    def end(self, status: status_pb2.Status) -> None:
        """Sends the trailers and closes."""


class FanOut:
    """See the module. `congested` is told of viewers whose sockets take no more for now; `pace`: how much is packed."""

    def __init__(self, congested: Callable[[int, float], None], pace: Pace | None = None) -> None:
        self.sockets: dict[int, Socket] = {}
        self._congested = congested
        self._loop = asyncio.get_running_loop()
        pace = pace or Pace()
        self._pieces = Pieces(lambda size_bytes: pace.take(size_bytes, self._loop.time()))
        self._parts = Parts()
        self._turn: asyncio.Handle | None = None
        self._turn_at = 0.0
        self._later: dict[int, bytes] = {}
        self._timer: asyncio.TimerHandle | None = None

    def send(self, sessions: Sequence[int], frame: bytes) -> None:
        """Writes a frame, and with it what presence waited for one. Of more than TURN a part has it now, all soon."""
        if len(sessions) == 1:
            if self._parts.lacks(sessions[0]):
                self._write(self._parts.of(sessions[0]))
            metrics.FRAMES_OUT.inc(self._spread(sessions, Message([unframed(frame)]), self._later))
            return
        count = max(1, math.ceil(len(self.sockets) / TURN))
        if count != self._parts.count:
            self.finish()
            self._parts.divide(count)
        self._parts.add(sessions, unframed(frame), self._loop.time())
        if count == 1 or self._parts.waiting_bytes > MAX_WAITING_BYTES:
            self.finish()
        else:
            self._have_turn()

    def finish(self) -> None:
        """Writes what has not gone to all yet."""
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        for _ in range(self._parts.count):
            self._write(self._parts.next())

    def _have_turn(self) -> None:
        """The next part's turn is when it is due."""
        due = self._parts.due
        if self._turn is not None:
            if due is not None and self._turn_at <= due:
                return
            self._turn.cancel()
            self._turn = None
        if due is not None:
            self._turn_at = due
            soon = due <= self._loop.time()
            self._turn = self._loop.call_soon(self._take_turn) if soon else self._loop.call_at(due, self._take_turn)

    def _take_turn(self) -> None:
        self._turn = None
        began = self._loop.time()
        try:
            self._write(self._parts.next())
        finally:
            self._parts.took_turn(began, self._loop.time())
            self._have_turn()

    def _write(self, part: int) -> None:
        """All that a part lacks, in one write to each, as long as it is for the same viewers."""
        began = time.perf_counter()
        written = 0
        for sessions, parts in self._parts.take(part):
            written += self._spread(sessions, Message(parts, self._pieces), self._later) * len(parts)
        if written:
            metrics.FAN_OUT_S.observe(time.perf_counter() - began)
            metrics.FRAMES_OUT.inc(written)

    def send_later(self, sessions: Iterable[int], frame: bytes) -> None:
        """Presence waits a moment for commits to travel with; what comes meanwhile takes its place."""
        self._later.update(dict.fromkeys(sessions, unframed(frame)))
        if self._timer is None:
            busy = self._parts.busy(self._loop.time())
            wait_s = min(MAX_PRESENCE_WAIT_S, PRESENCE_WAIT_S * len(self.sockets)) if busy else 0.0
            self._timer = self._loop.call_later(wait_s, self._flush_later)

    def close(self) -> None:
        """Nothing more is sent."""
        for handle in (self._timer, self._turn):
            if handle is not None:
                handle.cancel()

    def _spread(self, sessions: Iterable[int], message: Message | None, later: dict[int, bytes]) -> int:
        """Writes to these: the message, and what presence of them waits in `later`. Gives to how many it was."""
        joined: dict[bytes, Message] = {}
        chosen: list[Socket] = []
        pieces: dict[int, bytes] = {}
        behind: list[tuple[int, Socket, Message]] = []
        socket_of = self.sockets.get
        for session in sessions:
            socket = socket_of(session)
            both = message
            if later and (extra := later.pop(session, None)) is not None:
                both = joined.get(extra) or joined.setdefault(extra, self._with_presence(message, extra))
            if socket is None or both is None:
                continue
            descriptor = socket.descriptor
            # Of another call there, which may be written in part?
            piece = None if descriptor in pieces else socket.direct(both)
            if piece is None:
                behind.append((session, socket, both))
            else:
                chosen.append(socket)
                pieces[descriptor] = piece
        _write_all(chosen, list(pieces.values()))
        return len(chosen) + sum(self._queue(session, socket, message, both) for session, socket, both in behind)

    def _with_presence(self, message: Message | None, extra: bytes) -> Message:
        return Message([extra], self._pieces) if message is None else message.with_presence(extra)

    def _queue(self, session: int, socket: Socket, message: Message | None, both: Message) -> bool:
        """Of a viewer that something waits for already: `both` has presence with it, which who is far behind goes
        without. Gives whether anything is queued."""
        try:
            waiting = socket.buffered()
            if waiting <= LOW_BYTES:
                message = both
            if message is None:
                metrics.FRAMES_DROPPED.inc()
                return False
            socket.write(message.plain[b""])
        except Exception:  # whatever it is: the others have to be written to
            log.exception("viewer_failed", extra={"session": session})
            self._loop.call_soon(socket.end, ending("NOT_WRITTEN"))
            return False
        if waiting > HIGH_BYTES:
            self._congested(session, time.monotonic())
        return True

    def _flush_later(self) -> None:
        """To whom nothing else is on its way."""
        self._timer = None
        later, self._later = self._later, {}
        for session in self._parts.waiting() & later.keys():
            self._later[session] = later.pop(session)
        if self._later:
            self._timer = self._loop.call_later(LEFT_S, self._flush_later)
        metrics.FRAMES_OUT.inc(self._spread(list(later), None, later))


def _write_all(sockets: Sequence[Socket], pieces: Sequence[bytes]) -> None:
    """Each piece to its socket."""
    taken = kernel.write_all([socket.descriptor for socket in sockets], pieces)
    if taken == list(map(len, pieces)):
        return
    for socket, piece, size in zip(sockets, pieces, taken, strict=True):
        if size < len(piece):
            socket.rest(piece[size:])
