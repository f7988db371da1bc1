"""How the numbers of a slot differ from its source's, while all that comes of that goes on as it comes.

Nothing has to be done for such a slot when a packet comes but to write its numbers: what became of it in the meantime
is read from the source's own counts.
"""

from svc_sfu.core.codec import NO_NUMBERS, PICTURES
from svc_sfu.core.dependency import FRAMES
from svc_sfu.core.outgoing import Outgoing
from svc_sfu.core.rtp import SEQ, STAMP
from svc_sfu.core.stream import RECENT, Incoming, Stream


class Shift:
    """See the module."""

    __slots__ = ("_end", "_first", "_passed", "frames", "newest_s", "pictures", "seqs", "stamps", "stream", "tl0s")

    def __init__(
        self, stream: Stream, *, seqs: int = 0, stamps: int = 0, pictures: int = 0, tl0s: int = 0, frames: int = 0
    ) -> None:
        self.stream = stream
        self.seqs, self.stamps, self.pictures, self.tl0s, self.frames = seqs, stamps, pictures, tl0s, frames
        self._passed = stream.passed
        self._first = (stream.newest.packet.seq + 1) % SEQ if stream.newest is not None else None
        self._end: int | None = None
        self.newest_s = float("-inf")
        """When what was sent by it last came, once it is closed."""

    def close(self) -> None:
        """What comes from now on is not sent so."""
        newest = self.stream.newest
        if newest is not None:
            self._end, self.newest_s = newest.packet.seq, newest.came_s

    def open(self) -> None:
        """It goes on after all."""
        self._end, self.newest_s = None, float("-inf")

    def alike(self, other: "Shift") -> bool:
        """Whether both mean the same."""
        mine = self.stream, self.seqs, self.stamps, self.pictures, self.tl0s, self.frames
        return mine == (other.stream, other.seqs, other.stamps, other.pictures, other.tl0s, other.frames)

    def sent(self, incoming: Incoming) -> Outgoing:
        """A packet with this slot's numbers."""
        packet, numbers, frame = incoming.packet, incoming.numbers, incoming.frame
        outgoing = Outgoing(
            (packet.seq + self.seqs) % SEQ,
            (packet.timestamp + self.stamps) % STAMP,
            incoming.came_s,
            self.stream.codec,
            packet,
            numbers,
            0,
            0,
            packet.marker,
        )
        if numbers is not NO_NUMBERS:
            outgoing.picture = (numbers.picture + self.pictures) % PICTURES
            outgoing.tl0 = (numbers.tl0 + self.tl0s) % 256
        if frame is not None and frame.data:
            outgoing.described, outgoing.frame = frame.data, (frame.number + self.frames) % FRAMES
        return outgoing

    def again(self, seq: int) -> Outgoing | None:
        """What was sent with this number lately; None: nothing was."""
        source = (seq - self.seqs) % SEQ
        incoming = self.stream.recent(source)
        if incoming is None or incoming.late:
            return None  # what came late was sent on its own
        return None if self._before(source) or self._after(source) else self.sent(incoming)

    def _before(self, source: int) -> bool:
        known = self._first is not None and self.stream.passed - self._passed < 2 * RECENT
        return known and (source - (self._first or 0)) % SEQ > SEQ // 2

    def _after(self, source: int) -> bool:
        return self._end is not None and (self._end - source) % SEQ > SEQ // 2
