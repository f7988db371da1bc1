"""A slot of a subscriber: packets of one source at a time, numbered as one stream whatever the source is.

Sources are exchanged at a keyframe; sequence numbers, timestamps and picture ids of VP8 and VP9 go on where they
were, so that a decoder sees one stream. So they do where frames are left out, of layers within a source that are not
wanted. What was sent is kept for a while, for who asks for it again.
"""

from collections import deque
from dataclasses import replace
from typing import Final

from svc_sfu.core import codec as codecs
from svc_sfu.core import rtcp
from svc_sfu.core.codec import NO_NUMBERS, PICTURES, Numbers
from svc_sfu.core.dependency import FRAMES, Descriptor
from svc_sfu.core.numbering import Numbering, Since
from svc_sfu.core.outgoing import Outgoing
from svc_sfu.core.rtp import SEQ, STAMP, Packet, newer
from svc_sfu.core.selector import MOST, Selector
from svc_sfu.core.shift import Shift
from svc_sfu.core.stream import Stream

KEPT_PACKETS: Final = 512
KEPT_S: Final = 1.0
_SHIFTS: Final = 8
"""Of lately: there is a new one where something stood between."""


class Forwarder:
    """See the module. `source` is what is forwarded, `wanted` what shall be from its next keyframe on.

    Where nothing is to be decided of what comes, it is sent by `shift`, and nobody is asked here; the numbers here
    are those of before then, until they are needed again (`_settle`).
    """

    def __init__(self, first_seq: int, first_timestamp: int, first_picture: int) -> None:
        self.source: Stream | None = None
        self.wanted: Stream | None = None
        self.shift: Shift | None = None
        self._shifts: deque[Shift] = deque(maxlen=_SHIFTS)
        self._passed = self._passed_octets = 0
        """What of the stream of `shift` is counted here."""
        self._packets = self._octets = 0
        self._next_seq = first_seq
        self._last_timestamp = first_timestamp
        self._last_sent_s: float | None = None
        self._picture = first_picture
        self._tl0 = 0
        self._seqs, self._pictures = Numbering(SEQ), Numbering(PICTURES)
        self._timestamp_offset = self._tl0_offset = 0
        self._start = Since()
        self._limits = (MOST, MOST)
        self._selector: Selector | None = None
        self._left_out = -1
        self._frame = self._frame_offset = 0
        self._kept: list[Outgoing | None] = []

    def want(self, stream: Stream | None, spatial: int = MOST, temporal: int = MOST) -> bool:
        """What to forward from now on, and the largest layers within it; None: nothing. True: it takes a keyframe."""
        if stream is None:
            self._leave()
            self.source = self.wanted = None
            return False
        self._limits = (spatial, temporal)
        if stream is not self.source:
            self.wanted = stream
            return stream.codec.video
        self.wanted = None
        self._limit(stream, spatial, temporal)
        return self._selector is not None and self._selector.waits

    def thin(self) -> None:
        """Fewer pictures of what is forwarded now, until what is wanted instead begins."""
        if self.source is not None and self.wanted is not None:
            self._limit(self.source, MOST, 0)

    @property
    def waits(self) -> bool:
        """Whether a keyframe of what is forwarded is needed for other layers of it."""
        return self.wanted is None and self._selector is not None and self._selector.waits

    def _limit(self, stream: Stream, spatial: int, temporal: int) -> None:
        if self._selector is not None:
            self._selector.want(spatial, temporal)
            if self._selector.idle and (spatial, temporal) == (MOST, MOST):
                self._selector = None
        elif (spatial, temporal) != (MOST, MOST):
            self._leave()
            self._selector = Selector(spatial, temporal, stream.layering.span)

    def follow(self, stream: Stream) -> Shift | None:
        """The shift that all that comes of a stream is sent by from now on; None: it has to be taken one by one."""
        if stream is not self.source or self._selector is not None:
            return None
        self._leave()
        self._passed, self._passed_octets = stream.passed, stream.passed_octets
        shift = Shift(
            stream,
            seqs=self._seqs.offset,
            stamps=self._timestamp_offset,
            pictures=self._pictures.offset,
            tl0s=self._tl0_offset,
            frames=self._frame_offset,
        )
        if self._shifts and self._shifts[-1].alike(shift):
            shift = self._shifts.pop()
            shift.open()
        self.shift = shift
        return shift

    def _leave(self) -> None:
        """Nothing is sent by the shift any more."""
        if self.shift is not None:
            self._settle()
            self.shift.close()
            while self._shifts and self.shift.newest_s - self._shifts[0].newest_s > KEPT_S:
                self._shifts.popleft()
            self._shifts.append(self.shift)
            self.shift = None

    def _settle(self) -> None:
        """Counts what was sent by the shift meanwhile."""
        shift = self.shift
        newest = shift.stream.newest if shift is not None else None
        if shift is None or newest is None or shift.stream.passed == self._passed:
            return
        stream, sent = shift.stream, shift.sent(newest)
        count = stream.passed - self._passed
        self._packets += count
        self._octets += stream.passed_octets - self._passed_octets
        self._passed, self._passed_octets = stream.passed, stream.passed_octets
        self._next_seq, self._last_timestamp = (sent.seq + 1) % SEQ, sent.timestamp
        self._last_sent_s = newest.came_s
        self._seqs.went_on(newest.packet.seq, count)
        self._start.went_on(newest.packet.seq, SEQ, count)
        if sent.numbers is not NO_NUMBERS:
            self._pictures.went_on(sent.numbers.picture, count)
            self._picture, self._tl0 = sent.picture, sent.tl0
        if sent.described:
            self._frame = sent.frame

    def take(
        self,
        stream: Stream,
        packet: Packet,
        now_s: float,
        numbers: Numbers = NO_NUMBERS,
        frame: Descriptor | None = None,
        *,
        late: bool = False,
    ) -> Outgoing | None:
        """A packet that its stream has taken; None: it is not for this slot, or not now. `late`: it is not the newest.

        `numbers` are those of its payload, and `frame` what it is of: read once, for all slots.
        """
        if stream is not self.source:
            begins = stream is self.wanted and not late
            if not begins or not codecs.begins_keyframe(stream.codec, packet.payload):
                return None
            self._leave()
            self._exchange(stream, packet, now_s, numbers, frame)
        elif late:
            self._settle()
        else:
            self._leave()
        if self._start.number is not None and self._start.is_after(packet.seq, SEQ) and late:
            return None  # of before the exchange
        if self._selector is None or frame is None:
            return self._send(stream, packet, now_s, numbers, packet.marker, frame)
        return self._select(self._selector, stream, packet, now_s, numbers, frame, late)

    def _select(
        self,
        selector: Selector,
        stream: Stream,
        packet: Packet,
        now_s: float,
        numbers: Numbers,
        frame: Descriptor,
        late: bool,
    ) -> Outgoing | None:
        if selector.takes(frame, late=late):
            marker = packet.marker or (frame.last and frame.template.spatial >= selector.top(frame))
            return self._send(stream, packet, now_s, numbers, marker, frame)
        if late:
            # Its place was kept: with nothing in it, nobody waits for it.
            empty = replace(packet, payload=b"", extensions={}, marker=False)
            return self._send(stream, empty, now_s, NO_NUMBERS, marker=False, frame=None)
        self._seqs.leave_out(packet.seq)
        if stream.codec is codecs.Codec.VP8 and numbers.picture_at >= 0 and numbers.picture != self._left_out:
            # VP8's decoders take a picture that is not there for a lost one; VP9's know by the structure.
            self._left_out = numbers.picture
            self._pictures.leave_out(numbers.picture)
        return None

    def _exchange(
        self, stream: Stream, packet: Packet, now_s: float, numbers: Numbers, frame: Descriptor | None
    ) -> None:
        timestamp = self._timestamp_now(stream, packet, now_s)
        self._seqs.begin(packet.seq, self._next_seq)
        self._timestamp_offset = timestamp - packet.timestamp
        if stream.codec.numbered:
            self._pictures.begin(numbers.picture, self._picture + 1)
            self._tl0_offset = self._tl0 + 1 - numbers.tl0
        if frame is not None:
            self._frame_offset = self._frame + 1 - frame.number
        self._start.begin(packet.seq)
        self.source, self.wanted = stream, None
        self._selector = Selector(*self._limits, stream.layering.span) if self._limits != (MOST, MOST) else None

    def _timestamp_now(self, stream: Stream, packet: Packet, now_s: float) -> int:
        """Where in this slot's time a packet of another source lies: by both sources' reports, else by the clock."""
        if self._last_sent_s is None:
            return self._last_timestamp
        old = self.source
        if old is not None and old.report and stream.report and old.codec.clock_hz == stream.codec.clock_hz:
            passed = (stream.report.ntp - old.report.ntp) * stream.codec.clock_hz / (1 << 32)
            since = _signed(packet.timestamp - stream.report.timestamp)
            moved = (old.report.timestamp + self._timestamp_offset + int(passed) + since) % STAMP
            if 0 < _signed(moved - self._last_timestamp) < 2 * stream.codec.clock_hz:
                return moved
        step = max(1, int((now_s - self._last_sent_s) * stream.codec.clock_hz))
        return (self._last_timestamp + step) % STAMP

    def _send(
        self,
        stream: Stream,
        packet: Packet,
        now_s: float,
        numbers: Numbers,
        marker: bool,
        frame: Descriptor | None,
    ) -> Outgoing:
        seqs = self._seqs
        seq = seqs.ours(packet.seq) if seqs.left_out else (packet.seq + seqs.offset) % SEQ
        timestamp = (packet.timestamp + self._timestamp_offset) % STAMP
        picture = tl0 = 0
        if numbers is not NO_NUMBERS:
            pictures = self._pictures
            picture = pictures.ours(numbers.picture) if pictures.left_out else numbers.picture + pictures.offset
            picture %= PICTURES
            tl0 = (numbers.tl0 + self._tl0_offset) % 256
            if picture != self._picture and (picture - self._picture) % PICTURES < PICTURES // 2:
                self._picture, self._tl0 = picture, tl0
        outgoing = Outgoing(seq, timestamp, now_s, stream.codec, packet, numbers, picture, tl0, marker)
        if frame is not None and frame.data:
            outgoing.described, outgoing.frame = frame.data, (frame.number + self._frame_offset) % FRAMES
            if newer(outgoing.frame, self._frame, FRAMES):
                self._frame = outgoing.frame
        if seq == self._next_seq or (seq - self._next_seq) % SEQ <= SEQ // 2 or self._last_sent_s is None:
            self._next_seq = (seq + 1) % SEQ
            self._last_timestamp = timestamp
            self._last_sent_s = now_s
        self._packets += 1
        self._octets += len(packet.payload)
        if stream.video:
            if not self._kept:
                self._kept = [None] * KEPT_PACKETS
            self._kept[seq % KEPT_PACKETS] = outgoing
        return outgoing

    def again(self, seqs: tuple[int, ...], now_s: float) -> list[Outgoing]:
        """Of what a receiver misses, what is still here and still of use."""
        found = (self._sent(seq, now_s) for seq in seqs)
        return [each for each in found if each is not None]

    def newest(self, back: int, now_s: float) -> Outgoing | None:
        """A packet that was sent lately, so many before the last; None: there is none."""
        self._settle()
        return self._sent((self._next_seq - 1 - back) % SEQ, now_s)

    def _sent(self, seq: int, now_s: float) -> Outgoing | None:
        kept = self._kept[seq % KEPT_PACKETS] if self._kept else None
        if kept is not None and kept.seq == seq and now_s - kept.sent_s <= KEPT_S:
            return kept
        for shift in (self.shift, *reversed(self._shifts)):
            found = shift.again(seq) if shift is not None else None
            if found is not None:
                return found if now_s - found.sent_s <= KEPT_S else None
        return None

    def report(self, ssrc: int, now_s: float) -> bytes | None:
        """A sender report, from the source's own; None: it has none yet."""
        self._settle()
        source = self.source
        if source is None or source.report is None:
            return None
        passed_s = now_s - source.report_s
        ntp = source.report.ntp + int(passed_s * (1 << 32)) & (1 << 64) - 1
        timestamp = source.report.timestamp + self._timestamp_offset + int(passed_s * source.codec.clock_hz)
        return rtcp.sender_report(ssrc, ntp, timestamp % STAMP, self._packets, self._octets)


def _signed(difference: int) -> int:
    return (difference + STAMP // 2) % STAMP - STAMP // 2
