"""A slot that is sent all of its source as it comes is sent what it would be if each packet were decided on."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from svc_sfu.core.codec import Codec, numbers_of
from svc_sfu.core.forwarder import Forwarder
from svc_sfu.core.outgoing import Outgoing
from svc_sfu.core.rtcp import SenderReport
from svc_sfu.core.rtp import SEQ, Packet
from svc_sfu.core.selector import MOST
from svc_sfu.core.stream import Incoming, Stream

Numbered = tuple[int, int, bytes, bool]


def numbered(outgoing: Outgoing | None) -> Numbered | None:
    """What a receiver gets."""
    return (outgoing.seq, outgoing.timestamp, outgoing.payload, outgoing.marker) if outgoing is not None else None


class Layer:
    """A layer whose pictures have two packets each, some of which are lost or come late."""

    def __init__(self, ssrc: int, seq: int, picture: int, chance: random.Random) -> None:
        self.stream = Stream(ssrc, Codec.VP8)
        self.stream.reported(SenderReport(ssrc, ssrc << 20, seq), 0.0)
        self._seq, self._picture, self._chance = seq, picture, chance
        self._held: list[Packet] = []

    def packets(self, *, key: bool) -> list[Packet]:
        """Of some pictures, in the order in which they come."""
        made = []
        for at in range(self._chance.randint(1, 5)):
            for first in (True, False):
                descriptor = bytes((0x90 if first else 0x80, 0xE0)) + (0x8000 | self._picture).to_bytes(2, "big")
                payload = descriptor + bytes((self._picture % 256, 0x20, 0 if key and not at else 1)) + b"pixels"
                made.append(Packet(not first, 96, self._seq, 3000 * self._picture, self.stream.ssrc, {}, payload, 0))
                self._seq = (self._seq + 1) % SEQ
            self._picture = (self._picture + 1) % 32768
        held, self._held = self._held, []
        if not key and len(made) > 2 and self._chance.random() < 0.3:
            self._held.append(made.pop(self._chance.randrange(len(made) - 1)))
        return made + [each for each in held if self._chance.random() < 0.7]


class Both:
    """A slot whose packets are taken one by one, and the same that follows its source wherever it can."""

    def __init__(self, seed: int, first_seq: int, apart: float = 0.2) -> None:
        self.chance = random.Random(seed)
        start = self.chance.choice((7, 65_500))
        self.layers = [Layer(9 + at, start + at, 32_700 + 9 * at, self.chance) for at in range(2)]
        self.plain, self.following = Forwarder(first_seq, 5, 9), Forwarder(first_seq, 5, 9)
        self.sent: list[int] = []
        self.apart = apart
        """So much of what could be followed is taken one by one, as where somebody's way is narrow."""
        self.followed = 0
        self.now_s = 0.0

    def want(self, layer: Layer | None, temporal: int = MOST) -> None:
        """Both shall show something else."""
        for slot in (self.plain, self.following):
            slot.want(layer.stream if layer is not None else None, MOST, temporal)

    def pass_on(self, layer: Layer, *, key: bool) -> None:
        """What comes next of a layer: what is late on its own, what is not together."""
        self.now_s += 0.03
        run = list[Incoming]()
        stream = layer.stream
        for packet in layer.packets(key=key):
            if not stream.take(packet, self.now_s):
                continue
            numbers = numbers_of(stream.codec, packet.payload)
            frame = stream.layering.read(None, packet.payload, packet.marker, numbers)
            incoming = Incoming(packet, self.now_s, numbers, frame, late=packet.seq != stream.highest)
            if incoming.late and run:
                self._run(stream, run)
                run = []
            run.append(incoming)
            if incoming.late:
                self._run(stream, run)
                run = []
        if run:
            self._run(stream, run)

    def _run(self, stream: Stream, run: list[Incoming]) -> None:
        late, shift = run[0].late, self.following.shift
        apart = late or self.chance.random() < self.apart
        if apart or shift is None or shift.stream is not stream:
            shift = None if apart else self.following.follow(stream)
        for incoming in run:
            args = stream, incoming.packet, self.now_s, incoming.numbers, incoming.frame
            one = self.plain.take(*args, late=late)
            other = shift.sent(incoming) if shift is not None else self.following.take(*args, late=late)
            self.followed += shift is not None
            assert numbered(one) == numbered(other)
            if one is not None:
                self.sent.append(one.seq)
        stream.went_on(run)

    def compare(self) -> None:
        """What is asked for again, and what is told of it."""
        asked = (*self.sent[-40:], 1, 64_000)
        one, other = (slot.again(asked, self.now_s) for slot in (self.plain, self.following))
        assert [numbered(each) for each in one] == [numbered(each) for each in other]
        for back in (0, 1, 15):
            assert numbered(self.plain.newest(back, self.now_s)) == numbered(self.following.newest(back, self.now_s))
        assert self.plain.report(1, self.now_s) == self.following.report(1, self.now_s)


@settings(max_examples=40)
@given(st.integers(0, 1 << 30), st.sampled_from((0, 65_530)))
def test_who_follows_is_sent_and_told_the_same(seed: int, first_seq: int) -> None:
    both = Both(seed, first_seq)
    both.want(both.layers[0])
    for turn in range(60):
        does = both.chance.random()
        if does < 0.06:
            both.want(both.layers[turn % 2])
        elif does < 0.08:
            both.want(None)
        elif does < 0.12:
            both.want(both.layers[turn % 2], both.chance.choice((0, 1, MOST)))
        for layer in both.layers:
            both.pass_on(layer, key=both.chance.random() < 0.15)
        if both.chance.random() < 0.3:
            both.compare()
    both.compare()


def test_after_a_long_time_of_following_numbers_go_on_and_what_was_sent_is_still_known() -> None:
    both = Both(3, 65_530, apart=0.0)
    first, other = both.layers
    both.want(first)
    both.pass_on(first, key=True)
    both.want(other)
    both.pass_on(other, key=True)
    for _ in range(4_000):
        both.pass_on(other, key=False)
    assert both.followed > 20_000, "what was of before the exchange is long ago"
    both.compare()
    both.want(first)
    both.pass_on(first, key=True)
    both.compare()
