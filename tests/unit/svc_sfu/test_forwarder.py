"""One slot's stream over many sources, as a decoder sees it."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc_sfu.core.codec import NO_NUMBERS, Codec, begins_keyframe, numbers_of, rewritten
from svc_sfu.core.forwarder import Forwarder
from svc_sfu.core.outgoing import Outgoing
from svc_sfu.core.rtcp import SenderReport
from svc_sfu.core.rtp import SEQ, Packet
from svc_sfu.core.stream import KeyframeThrottle, Stream


def vp8(picture: int, tl0: int, *, key: bool = False, first: bool = True) -> bytes:
    descriptor = bytes((0x90 if first else 0x80, 0xC0)) + (0x8000 | picture).to_bytes(2, "big") + bytes((tl0,))
    return descriptor + (b"\x00" if key else b"\x01") + b"pixels"


class Source:
    """A layer that sends pictures of two packets."""

    def __init__(self, ssrc: int, seq: int, timestamp: int, picture: int) -> None:
        self.stream = Stream(ssrc, Codec.VP8)
        self.seq, self.timestamp, self.picture, self.tl0 = seq, timestamp, picture, 200

    def picture_of(self, *, key: bool = False) -> list[Packet]:
        packets = []
        for first in (True, False):
            payload = vp8(self.picture, self.tl0, key=key, first=first)
            packets.append(Packet(not first, 96, self.seq, self.timestamp, self.stream.ssrc, {}, payload, 0))
            self.seq = (self.seq + 1) % 65536
        self.timestamp = (self.timestamp + 3000) % (1 << 32)
        self.picture, self.tl0 = (self.picture + 1) % 32768, (self.tl0 + 1) % 256
        return packets


def sent(slot: Forwarder, source: Source, packets: list[Packet], now: float) -> list[Outgoing]:
    taken = (packet for packet in packets if source.stream.take(packet, now))
    out = [
        slot.take(
            source.stream,
            packet,
            now,
            numbers_of(source.stream.codec, packet.payload),
            late=packet.seq != source.stream.highest,
        )
        for packet in taken
    ]
    return [each for each in out if each is not None]


def test_nothing_is_sent_before_a_keyframe() -> None:
    slot, source = Forwarder(65530, 5, 9), Source(1, 100, 0, 0)
    assert slot.want(source.stream)
    assert sent(slot, source, source.picture_of(), 0.0) == []
    out = sent(slot, source, source.picture_of(key=True), 0.1)
    assert [each.seq for each in out] == [65530, 65531]


def test_a_change_of_layer_at_a_keyframe_goes_on_in_numbers_and_time() -> None:
    slot = Forwarder(65530, 5, 32766)
    low, high = Source(1, 65534, 1 << 31, 500), Source(2, 7, 99, 32000)
    slot.want(low.stream)
    out: list[Outgoing] = []
    now = 0.0
    for turn in range(4):
        out += sent(slot, low, low.picture_of(key=turn == 0), now)
        now += 1 / 30
    slot.want(high.stream)
    out += sent(slot, low, low.picture_of(), now)
    out += sent(slot, high, high.picture_of(), now)  # no keyframe yet: not sent
    now += 1 / 30
    out += sent(slot, high, high.picture_of(key=True), now)
    out += sent(slot, low, low.picture_of(), now)  # not any more
    out += sent(slot, high, high.picture_of(), now + 1 / 30)
    seqs = [each.seq for each in out]
    assert seqs == [(65530 + step) % 65536 for step in range(len(seqs))]
    pictures = [numbers_of(Codec.VP8, each.payload) for each in out]
    firsts = [p.picture for p in pictures[::2]]
    assert firsts == [(firsts[0] + step) % 32768 for step in range(len(firsts))]
    assert [p.tl0 for p in pictures[::2]] == [(pictures[0].tl0 + step) % 256 for step in range(len(firsts))]
    times = [each.timestamp for each in out[::2]]
    assert all(2500 < after - before < 6500 for before, after in pairwise(times))


def test_times_are_aligned_by_the_publishers_reports() -> None:
    slot = Forwarder(0, 0, 0)
    low, high = Source(1, 1, 10_000, 0), Source(2, 1, 900_000, 0)
    slot.want(low.stream)
    sent(slot, low, low.picture_of(key=True), 0.0)
    low.stream.reported(SenderReport(1, 5 << 32, 10_000), 0.0)
    high.stream.reported(SenderReport(2, 5 << 32, 900_000), 0.0)
    slot.want(high.stream)
    high.timestamp = 900_000 + 9_000
    (first, _) = sent(slot, high, high.picture_of(key=True), 0.31)
    assert first.timestamp == 9_000


def test_what_comes_late_from_before_an_exchange_is_not_sent() -> None:
    slot, source = Forwarder(0, 0, 0), Source(1, 50, 0, 0)
    before, old = source.picture_of(), source.picture_of()
    slot.want(source.stream)
    sent(slot, source, before, 0.0)
    sent(slot, source, source.picture_of(key=True), 0.0)
    assert sent(slot, source, old, 0.1) == []


def test_an_old_keyframe_sent_again_is_no_place_to_begin() -> None:
    slot, low, high = Forwarder(0, 0, 0), Source(1, 50, 0, 0), Source(2, 50, 0, 0)
    slot.want(low.stream)
    sent(slot, low, low.picture_of(key=True), 0.0)
    old = high.picture_of(key=True)
    lost = high.picture_of(key=True)
    for packet in [*old, *high.picture_of()]:
        high.stream.take(packet, 0.0)
    slot.want(high.stream)
    assert sent(slot, high, lost, 0.1) == []
    assert not high.stream.take(old[0], 0.1, repaired=True), "it was here before"
    assert sent(slot, high, high.picture_of(key=True), 0.2) != []


def test_reordered_packets_keep_their_places() -> None:
    slot, source = Forwarder(10, 0, 0), Source(1, 50, 0, 0)
    slot.want(source.stream)
    first = source.picture_of(key=True)
    second, third = source.picture_of(), source.picture_of()
    out = sent(slot, source, [*first, *third, *second], 0.0)
    assert [each.seq for each in out] == [10, 11, 14, 15, 12, 13]


def test_what_was_lost_on_the_way_is_still_there_for_a_while() -> None:
    slot, source = Forwarder(10, 0, 0), Source(1, 50, 0, 0)
    slot.want(source.stream)
    out = sent(slot, source, source.picture_of(key=True), 0.0)
    assert slot.again((11, 12, 9), 0.5) == [out[1]]
    for turn in range(60):
        sent(slot, source, source.picture_of(), 1.5 + turn / 30)
    assert slot.again((11,), 3.5) == []


def test_sound_is_forwarded_from_its_next_packet_on() -> None:
    slot, stream = Forwarder(1, 0, 0), Stream(5, Codec.OPUS)
    assert not slot.want(stream)
    packet = Packet(False, 111, 9, 960, 5, {}, b"opus", 0)
    assert stream.take(packet, 0.0)
    out = slot.take(stream, packet, 0.0, late=packet.seq != stream.highest)
    assert out is not None
    assert (out.seq, out.payload) == (1, b"opus")


def test_a_slot_that_wants_nothing_sends_nothing() -> None:
    slot, source = Forwarder(0, 0, 0), Source(1, 50, 0, 0)
    slot.want(source.stream)
    sent(slot, source, source.picture_of(key=True), 0.0)
    slot.want(None)
    assert sent(slot, source, source.picture_of(key=True), 0.1) == []


def test_keyframes_are_told_from_other_pictures() -> None:
    assert begins_keyframe(Codec.VP8, vp8(1, 1, key=True))
    assert not begins_keyframe(Codec.VP8, vp8(1, 1))
    assert not begins_keyframe(Codec.VP8, vp8(1, 1, key=True, first=False))
    assert begins_keyframe(Codec.H264, b"\x67abc")
    assert begins_keyframe(Codec.H264, b"\x78\x00\x02\x67a\x00\x02\x68b")
    assert begins_keyframe(Codec.H264, b"\x7c\x85a")
    assert not begins_keyframe(Codec.H264, b"\x7c\x05a")
    assert not begins_keyframe(Codec.H264, b"\x61abc")
    for size in range(6):
        assert not begins_keyframe(Codec.H264, bytes(size))
        begins_keyframe(Codec.VP8, b"\xff" * size)


def vp9(picture: int, tl0: int, *, key: bool = False, first: bool = True, layer: int = 0) -> bytes:
    flags = 0xA0 | (0 if key else 0x40) | (0x08 if first else 0)
    descriptor = bytes((flags, 0x80 | picture >> 8, picture & 0xFF, layer << 1, tl0))
    return descriptor + b"pixels"


def test_keyframes_of_vp9_and_av1_begin_with_what_is_predicted_from_nothing() -> None:
    assert begins_keyframe(Codec.VP9, vp9(1, 1, key=True))
    assert not begins_keyframe(Codec.VP9, vp9(1, 1, key=True, layer=1)), "a larger layer of the same picture"
    assert not begins_keyframe(Codec.VP9, vp9(1, 1, key=True, first=False))
    assert not begins_keyframe(Codec.VP9, vp9(1, 1))
    assert begins_keyframe(Codec.VP9, b"\x08pixels"), "without numbers and layers"
    assert begins_keyframe(Codec.AV1, b"\x18obu")
    assert not begins_keyframe(Codec.AV1, b"\x10obu")
    assert not begins_keyframe(Codec.AV1, b"\x98obu"), "it goes on with what was cut"
    for codec in (Codec.VP9, Codec.AV1):
        assert not begins_keyframe(codec, b"")


def test_numbers_of_vp9_are_found_and_written_where_they_are() -> None:
    numbers = numbers_of(Codec.VP9, vp9(0x1234, 7))
    assert (numbers.picture_at, numbers.picture, numbers.tl0_at, numbers.tl0) == (1, 0x1234, 4, 7)
    again = numbers_of(Codec.VP9, rewritten(vp9(0x1234, 7), numbers, 0x7FFF, 255))
    assert (again.picture, again.tl0) == (0x7FFF, 255)
    flexible = numbers_of(Codec.VP9, b"\xb8\x92\x34\x00\x02pixels")
    assert (flexible.picture, flexible.tl0_at) == (0x1234, -1)
    short = numbers_of(Codec.VP9, b"\xa8\x12\x00\x05pixels")
    assert (short.picture_at, short.tl0_at, short.tl0) == (-1, 3, 5)


@given(st.binary(max_size=12), st.sampled_from(list(Codec)))
def test_any_payload_is_looked_at_and_keeps_its_length(payload: bytes, codec: Codec) -> None:
    begins_keyframe(codec, payload)
    numbers = numbers_of(codec, payload)
    assert len(rewritten(payload, numbers, 1, 1)) == len(payload)


def test_requests_for_keyframes_are_few_and_none_is_forgotten() -> None:
    throttle = KeyframeThrottle(0.5)
    assert not throttle.due(0.0)
    throttle.ask()
    assert throttle.due(0.0)
    throttle.ask()
    assert not throttle.due(0.3)
    assert throttle.due(0.5)
    throttle.arrived()
    assert not throttle.due(5.0)


def test_holes_are_asked_for_a_few_times_then_given_up() -> None:
    stream = Stream(1, Codec.VP8)
    for seq in (65534, 65535, 2):
        assert stream.take(Packet(False, 96, seq, 0, 1, {}, b"x", 0), 0.0)
    assert stream.missing.due(0.0) == ([], False)
    assert stream.missing.due(0.02) == ([0, 1], False)
    assert stream.take(Packet(False, 96, 0, 0, 1, {}, b"x", 0), 0.05, repaired=True)
    assert stream.missing.due(0.1) == ([1], False)
    assert stream.missing.due(0.9) == ([], True)


def test_a_jump_too_far_is_no_hole_to_fill() -> None:
    stream = Stream(1, Codec.VP8)
    for seq in (1, 30_000):
        stream.take(Packet(False, 96, seq, 0, 1, {}, b"x", 0), 0.0)
    assert stream.missing.due(1.0) == ([], True)


@pytest.mark.parametrize("codec", [Codec.OPUS, Codec.VP8])
def test_a_source_whose_numbers_go_round_is_sent_without_a_hole(codec: Codec) -> None:
    slot, stream = Forwarder(7, 0, 0), Stream(1, codec)
    slot.want(stream)
    payload = vp8(1, 1, key=True) if codec.video else b"sound"
    numbers = numbers_of(codec, payload) if codec.numbered else NO_NUMBERS
    packet = Packet(True, 96, 0, 0, 1, {}, payload, 0)
    for count in range(140_000):
        packet.seq = stream.highest = (1_000 + count) % SEQ
        outgoing = slot.take(stream, packet, 0.0, numbers, late=packet.seq != stream.highest)
        assert outgoing is not None, count
        assert outgoing.seq == (7 + count) % SEQ


def test_long_after_an_exchange_a_late_packet_is_no_other_than_the_rest() -> None:
    slot, source = Forwarder(0, 0, 0), Source(1, 50, 0, 0)
    slot.want(source.stream)
    sent(slot, source, source.picture_of(key=True), 0.0)
    for seq in (30_000, 60_000, SEQ - 20):
        source.seq = seq
        assert len(sent(slot, source, source.picture_of(), 0.1)) == 2
    late, newest = source.picture_of(), source.picture_of()
    assert len(sent(slot, source, [*newest, *late], 0.2)) == 4
