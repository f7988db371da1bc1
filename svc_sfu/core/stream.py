"""One layer of a published track as it arrives: what is missing, how it is doing, where its keyframes are."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from svc_sfu.core import rtcp
from svc_sfu.core.codec import NO_NUMBERS, Codec, Numbers
from svc_sfu.core.dependency import Descriptor
from svc_sfu.core.layering import Layering
from svc_sfu.core.rtp import SEQ, Packet, newer

MAX_MISSING: Final = 256
"""Past so many holes at once nothing is asked for again: a keyframe is."""
REORDER_S: Final = 0.010
AGAIN_S: Final = 0.060
MAX_TRIES: Final = 6
GIVE_UP_S: Final = 0.600
RATE_S: Final = 0.5
RECENT: Final = 512
"""Packets of pictures that are kept, for who asks for them again."""


@dataclass(slots=True)
class Incoming:
    """A packet as it came, and what all slots have to know of it: read once."""

    packet: Packet
    came_s: float
    numbers: Numbers = NO_NUMBERS
    frame: Descriptor | None = None
    late: bool = False
    """A newer one came before it."""
    before: Packet | None = None
    """Of sound, the newest that came before it."""


class Missing:
    """Holes in a stream, until they are filled or given up."""

    def __init__(self) -> None:
        self._holes: OrderedDict[int, tuple[float, float, int]] = OrderedDict()
        self._gave_up = False

    def hole(self, seq: int, now_s: float) -> None:
        """A packet was jumped over."""
        self._holes[seq] = (now_s, now_s + REORDER_S, 0)

    def filled(self, seq: int) -> bool:
        """It came after all; False: it was not missing."""
        return self._holes.pop(seq, None) is not None

    def give_up(self) -> None:
        """Too much is missing to be asked for."""
        self._holes.clear()
        self._gave_up = True

    def __len__(self) -> int:
        return len(self._holes)

    def due(self, now_s: float) -> tuple[list[int], bool]:
        """What to ask for now, and whether something had to be given up."""
        asked: list[int] = []
        lost, self._gave_up = self._gave_up, False
        for seq, (since_s, due_s, tries) in list(self._holes.items()):
            if tries >= MAX_TRIES or now_s - since_s > GIVE_UP_S:
                del self._holes[seq]
                lost = True
            elif due_s <= now_s:
                asked.append(seq)
                self._holes[seq] = (since_s, now_s + AGAIN_S, tries + 1)
        return asked, lost


class Stream:
    """See the module."""

    def __init__(self, ssrc: int, codec: Codec, rid: str = "") -> None:
        self.ssrc = ssrc
        self.codec = codec
        self.video = codec.video
        self._clock_hz = codec.clock_hz
        self.rid = rid
        self.missing = Missing()
        self.layering = Layering(codec)
        self.bitrate_bps = 0.0
        self.active_s = float("-inf")
        """When the last packet came."""
        self.report: rtcp.SenderReport | None = None
        self.report_s = 0.0
        self.previous: Packet | None = None
        """Of sound, the newest packet that came."""
        self.passed = self.passed_octets = 0
        """Of what was the newest when it came, how much went on to slots."""
        self.newest: Incoming | None = None
        """The last of that."""
        self._recent: list[Incoming | None] = [None] * RECENT if codec.video else []
        self.highest: int | None = None
        """The newest number that came."""
        self._cycles = 0
        self._first = 0
        self._received = 0
        self._expected_before = self._received_before = 0
        self._jitter = 0.0
        self._transit: float | None = None
        self._bytes = 0
        self._rate_since_s: float | None = None

    def take(self, packet: Packet, now_s: float, *, repaired: bool = False) -> bool:
        """Counts a packet; False: it was here before, or is of long ago.

        Browsers send old packets again to find out how wide the way is: only what is missing is taken.
        """
        if self.highest is None:
            self.highest = self._first = packet.seq
        elif newer(packet.seq, self.highest):
            self._advance(packet.seq, now_s)
        elif not self.missing.filled(packet.seq):
            return False
        self._received += 1
        self.active_s = now_s
        if not repaired:
            self._measure(packet, now_s)
        return True

    def went_on(self, several: Sequence[Incoming]) -> None:
        """Packets went on to all slots that are sent the stream as it comes."""
        recent = self._recent
        for incoming in several:
            if recent:
                recent[incoming.packet.seq % RECENT] = incoming
            if not incoming.late:
                self.passed += 1
                self.passed_octets += len(incoming.packet.payload)
                self.newest = incoming

    def recent(self, seq: int) -> Incoming | None:
        """A packet of pictures that went on lately; None: it did not, or that was long ago."""
        found = self._recent[seq % RECENT] if self._recent else None
        return found if found is not None and found.packet.seq == seq else None

    def begin_anew(self) -> None:
        """It did not come for a while because nobody wanted it: nothing of that is missing."""
        self.highest = None
        self.missing = Missing()
        self.layering.begin_anew()

    def _advance(self, seq: int, now_s: float) -> None:
        assert self.highest is not None
        gap = (seq - self.highest) % SEQ
        if seq < self.highest:
            self._cycles += 1
        if gap > 1 and (self.video or gap <= 16):
            if gap - 1 + len(self.missing) > MAX_MISSING:
                self.missing.give_up()
            else:
                for step in range(1, gap):
                    self.missing.hole((self.highest + step) % SEQ, now_s)
        self.highest = seq

    def _measure(self, packet: Packet, now_s: float) -> None:
        transit = now_s * self._clock_hz - packet.timestamp
        if self._transit is not None:
            difference = abs(transit - self._transit)
            if difference < self._clock_hz * 10:
                self._jitter += (difference - self._jitter) / 16
        self._transit = transit
        self._bytes += len(packet.payload)
        if self._rate_since_s is None:
            self._rate_since_s = now_s
        elif now_s - self._rate_since_s >= RATE_S:
            rate = 8 * self._bytes / (now_s - self._rate_since_s)
            self.bitrate_bps = rate if not self.bitrate_bps else 0.5 * self.bitrate_bps + 0.5 * rate
            self._bytes, self._rate_since_s = 0, now_s

    def reported(self, report: rtcp.SenderReport, now_s: float) -> None:
        """The publisher says which moment a timestamp is."""
        self.report, self.report_s = report, now_s

    def reception(self, now_s: float) -> bytes | None:
        """A block of the next receiver report; None: nothing came yet."""
        if self.highest is None:
            return None
        highest = self._cycles * SEQ + self.highest
        expected = highest - self._first + 1
        wanted, came = expected - self._expected_before, self._received - self._received_before
        self._expected_before, self._received_before = expected, self._received
        lost = max(0.0, min(1.0, (wanted - came) / wanted)) if wanted > 0 else 0.0
        last_sr = self.report.ntp >> 16 & 0xFFFFFFFF if self.report else 0
        delay = int((now_s - self.report_s) * 65536) if self.report else 0
        return rtcp.reception(
            self.ssrc, lost, max(0, expected - self._received), highest, int(self._jitter), last_sr, delay
        )


class KeyframeThrottle:
    """Requests for a keyframe of one published layer: one in a while; a request that comes too soon waits."""

    def __init__(self, every_s: float = 0.5) -> None:
        self._every_s = every_s
        self._last_s = float("-inf")
        self.waiting = False
        """Somebody needs one that did not come yet."""

    def ask(self) -> None:
        """Somebody needs one."""
        self.waiting = True

    def arrived(self) -> None:
        """One came: whoever waited has it."""
        self.waiting = False

    def due(self, now_s: float) -> bool:
        """Whether to send a request now."""
        if not self.waiting or now_s - self._last_s < self._every_s:
            return False
        self._last_s = now_s
        return True
