"""A room on two forwarders, on a virtual clock: packets that are lost, late and wrap around between them."""

import json
import random
from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc_sfu.core import relay_message, rtcp, rtp
from svc_sfu.core.codec import Codec, numbers_of
from svc_sfu.core.forwarder import Forwarder
from svc_sfu.core.inlet import GONE_S, Inlet
from svc_sfu.core.outgoing import Outgoing
from svc_sfu.core.outlet import FORGET_S, Outlet
from svc_sfu.core.publisher import Track
from svc_sfu.core.relay_message import LayerTold, TrackTold, Wish
from svc_sfu.core.rtp import SEQ, Packet, PacketInvalid
from svc_sfu.core.stream import Stream
from svc_sfu.core.subscriber import Slot, Subscriber
from svc_sfu.envelope import KEY_BYTES, MAX_BYTES, WINDOW, Envelope, relay_of
from svc_sfu.link import Link
from tests.unit.svc_sfu.captured import NUMBER, packets

KEY, DELTA = b"\x90\xe0\x80\x01\x01\x10\x00", b"\x90\xe0\x80\x02\x01\x10\x01"
RIDS = ("h", "m", "l")


class Span:
    """A picture in three layers that is published at one forwarder and shown in a slot of another."""

    def __init__(self, first_seq: int = 100) -> None:
        self.track = Track("ann.1.v", "v", "video", rids=RIDS)
        for at, rid in enumerate(RIDS):
            self.track.layers[rid] = Stream(9 + at, Codec.VP8, rid)
            self.track.layers[rid].bitrate_bps = 1e6 / (1 + at)
        self.seqs = dict.fromkeys(RIDS, first_seq)
        self.outlet, self.inlet = Outlet(), Inlet()
        self.slot = Slot("v0", "video", 1, 2, Forwarder(65_000, 0, 0))
        self.subscriber = Subscriber({"v0": self.slot})
        self.subscriber.estimate.bps = 1e9
        self.shown: list[Outgoing] = []

    def tell(self, now_s: float) -> None:
        """One forwarder tells what it has, the other what it wants."""
        for stream in self.track.layers.values():
            stream.active_s = now_s
        told = self.outlet.directory([("ann", self.track)], now_s)
        for message in relay_message.write_tracks(told):
            self.inlet.told(relay_message.read_tracks(message), now_s)
        self.ask(now_s)

    def ask(self, now_s: float) -> None:
        """What is watched."""
        for message in relay_message.write_wishes(self.inlet.wishes(self.slots_of)[0]):
            self.outlet.asked(relay_message.read_wishes(message), now_s)

    def slots_of(self, track_id: str) -> Iterator[Slot]:
        """The slot, if it shows that."""
        return iter([self.slot] if self.slot.track is self.inlet.tracks.get(track_id) else [])

    def show(self, layer: str, now_s: float) -> None:
        """The slot shows the track."""
        self.subscriber.show(self.slot, self.inlet.tracks["ann.1.v"], layer, 5, now_s)
        self.ask(now_s)

    def publish(self, rid: str, now_s: float, *, key: bool = False) -> bytes | None:
        """A packet of a layer comes; what goes on to the other forwarder."""
        stream = self.track.layers[rid]
        seq = self.seqs[rid] = (self.seqs[rid] + 1) % SEQ
        packet = Packet(True, 96, seq, 3000 * seq, stream.ssrc, {}, (KEY if key else DELTA) + rid.encode(), 0)
        assert stream.take(packet, now_s)
        return self.outlet.take(stream, packet, now_s)

    def arrive(self, data: bytes | None, now_s: float) -> None:
        """It comes to the other forwarder, and goes on to whom it is shown."""
        if data is None:
            return
        received = self.inlet.receive(rtp.parse(data))
        assert received is not None
        if received.stream.take(received.packet, now_s):
            numbers = numbers_of(received.stream.codec, received.packet.payload)
            late = received.packet.seq != received.stream.highest
            outgoing = self.slot.forwarder.take(received.stream, received.packet, now_s, numbers, late=late)
            self.shown += [outgoing] if outgoing is not None else []

    def layers(self) -> list[str]:
        """Which layers came to whom it is shown, one after the other."""
        found: list[str] = []
        for each in self.shown:
            rid = chr(each.payload[-1])
            found += [rid] if found[-1:] != [rid] else []
        return found


def test_a_layer_goes_to_the_other_forwarder_only_while_somebody_watches_it_there() -> None:
    span = Span()
    span.tell(0.0)
    assert [span.publish(rid, 0.0) for rid in RIDS] == [None, None, None]
    span.show("m", 0.0)
    assert span.outlet.largest("ann.1.v") == "m"
    gone_on = {rid: span.publish(rid, 0.1, key=True) for rid in RIDS}
    assert [rid for rid, data in gone_on.items() if data is not None] == ["m"]
    span.arrive(gone_on["m"], 0.1)
    assert span.layers() == ["m"]
    span.subscriber.show(span.slot, None, "m", 5, 0.2)
    span.ask(0.2)
    assert span.publish("m", 0.2) is None
    assert span.outlet.largest("ann.1.v") is None


def test_the_layer_is_exchanged_at_a_keyframe_with_both_on_the_way() -> None:
    span = Span()
    span.tell(0.0)
    span.show("l", 0.0)
    span.arrive(span.publish("l", 0.0, key=True), 0.0)
    span.show("h", 0.1)
    assert span.inlet.tracks["ann.1.v"].throttles["h"].waiting
    for turn in range(8):
        for rid in RIDS:
            span.arrive(span.publish(rid, 0.1 + turn / 25, key=rid == "h" and turn == 4), 0.1 + turn / 25)
    assert span.layers() == ["l", "h"]
    assert [each.seq for each in span.shown] == [(65_000 + at) % SEQ for at in range(len(span.shown))]
    span.ask(0.5)
    assert span.publish("l", 0.5) is None


def test_what_was_not_watched_for_a_while_is_not_missing() -> None:
    span = Span()
    span.tell(0.0)
    span.show("h", 0.0)
    span.arrive(span.publish("h", 0.0, key=True), 0.0)
    stream = span.inlet.tracks["ann.1.v"].layers["h"]
    span.subscriber.show(span.slot, None, "h", 5, 0.1)
    span.ask(0.1)
    for turn in range(50):
        assert span.publish("h", 0.1 + turn / 100) is None
    span.tell(0.6)
    span.show("h", 0.6)
    span.arrive(span.publish("h", 0.6, key=True), 0.6)
    assert stream.missing.due(1.0) == ([], False)
    assert len(span.shown) == 2


@pytest.mark.parametrize("first_seq", [100, SEQ - 60])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_lost_between_forwarders_is_made_up_by_the_nearer_one(first_seq: int, seed: int) -> None:
    chance, span = random.Random(seed), Span(first_seq)
    span.tell(0.0)
    span.show("h", 0.0)
    waiting: list[tuple[float, bytes]] = []
    stream = span.inlet.tracks["ann.1.v"].layers["h"]
    for turn in range(300):
        now_s = turn / 200
        if turn < 200:
            data = span.publish("h", now_s, key=turn == 0)
            assert data is not None
            if not turn or chance.random() > 0.2:
                waiting.append((now_s + chance.choice((0.0, 0.0, 0.012)), data))
        for due in [each for each in waiting if each[0] <= now_s]:
            waiting.remove(due)
            span.arrive(due[1], now_s)
        asked, lost = stream.missing.due(now_s)
        assert not lost
        for report in rtcp.parse(rtcp.nack(7, stream.ssrc, asked)) if asked else []:
            assert isinstance(report, rtcp.Nack)
            waiting += [(now_s + 0.001, data) for data in span.outlet.again(report, now_s) if chance.random() > 0.2]
    seqs = sorted((each.seq - 65_000) % SEQ for each in span.shown)
    assert seqs == list(range(200))


def test_a_publisher_that_begins_anew_is_another_stream_for_the_other_forwarder() -> None:
    span = Span()
    span.tell(0.0)
    span.show("h", 0.0)
    span.arrive(span.publish("h", 0.0, key=True), 0.0)
    before = span.inlet.tracks["ann.1.v"].layers["h"]
    span.track.layers["h"], span.seqs["h"] = Stream(77, Codec.VP8, "h"), 9
    span.tell(0.1)
    after = span.inlet.tracks["ann.1.v"].layers["h"]
    assert after is not before
    assert span.inlet.stream_of(before.ssrc) is None
    span.subscriber.choose(0.1)
    span.ask(0.1)
    span.arrive(span.publish("h", 0.2, key=True), 0.2)
    assert [each.seq for each in span.shown] == [65_000, 65_001]


def test_wishes_and_tracks_that_are_not_told_again_are_over() -> None:
    span = Span()
    span.tell(0.0)
    span.show("h", 0.0)
    assert not span.outlet.expire(FORGET_S)
    assert span.outlet.expire(FORGET_S + 0.1)
    assert span.publish("h", 3.0) is None
    assert span.inlet.gone(GONE_S) == []
    assert [track.track_id for track in span.inlet.gone(GONE_S + 0.1)] == ["ann.1.v"]
    assert span.inlet.receive(Packet(True, 0, 1, 1, 1, {}, KEY, 0)) is None
    assert span.outlet.directory([], 3.0) == []
    assert span.outlet.lane(1) is None
    assert span.outlet.again(rtcp.Nack(1, (101,)), 3.0) == []


def test_the_publishers_clock_is_told_with_the_time_that_passed() -> None:
    span = Span()
    span.tell(0.0)
    span.show("h", 0.0)
    assert span.outlet.reports(0.0) == []
    span.track.layers["h"].reported(rtcp.SenderReport(9, 5 << 32, 1 << 31), 0.0)
    (report,) = rtcp.parse(span.outlet.reports(2.0)[0])
    assert report == rtcp.SenderReport(span.inlet.tracks["ann.1.v"].layers["h"].ssrc, 7 << 32, (1 << 31) + 180_000)


def test_many_tracks_take_several_messages_which_fit_into_datagrams() -> None:
    layers = tuple(LayerTold(rid, at, Codec.VP8, 1_500_000, True) for at, rid in enumerate(RIDS))
    told = [TrackTold(f"{at}" * 20, "1" * 9, "video", RIDS, False, layers) for at in range(100)]
    messages = relay_message.write_tracks(told)
    assert max(map(len, messages)) < 1_200
    assert [each for message in messages for each in relay_message.read_tracks(message)] == told
    assert relay_message.write_wishes([]) == []


FIELD: st.SearchStrategy[object] = (
    st.none() | st.integers(-9, 9) | st.sampled_from(["", "h", "video", "VP8"]) | st.just([])
)


@given(st.binary(max_size=64) | st.lists(st.lists(FIELD, max_size=8), max_size=2).map(json.dumps))
def test_any_message_is_read_or_refused(message: bytes | str) -> None:
    data = b"\x01" + (message if isinstance(message, bytes) else message.encode())
    for read in (relay_message.read_tracks, relay_message.read_wishes):
        try:
            assert isinstance(read(data), list)
        except PacketInvalid:
            continue


@pytest.mark.parametrize(
    "item",
    [
        ["t", "1", "smell", [], 0, []],
        ["t", "1", "video", [], 0, [["h", 1, "VP7", 1, 1]]],
        ["t", "1", "video", ["h"] * 9, 0, []],
        ["t", "1", "video", [], 0, [["h", -1, "VP8", 1, 1]]],
        ["t" * 257, "1", "video", [], 0, []],
        ["t", "ann"],
    ],
)
def test_a_track_that_makes_no_sense_is_refused(item: list[object]) -> None:
    with pytest.raises(PacketInvalid):
        relay_message.read_tracks(b"\x01" + json.dumps([item]).encode())


def test_a_layer_that_its_track_does_not_have_is_not_taken() -> None:
    inlet = Inlet()
    odd = (LayerTold("x", 1, Codec.VP8, 1, True), LayerTold("h", 2, Codec.OPUS, 1, True))
    (track,) = inlet.told([TrackTold("t", "1", "video", RIDS, False, odd)], 0.0)
    assert track.layers == {}
    assert inlet.wishes(lambda _: ()) == ([], False)


def envelopes() -> tuple[Envelope, Envelope]:
    """Both ends of one relay."""
    there, back = b"a" * KEY_BYTES, b"b" * KEY_BYTES
    return Envelope(5, there, back), Envelope(5, back, there)


def datagrams(count: int) -> list[bytes]:
    """The first of one end, each with its number inside."""
    one, _ = envelopes()
    return [one.seal(b"%d" % number) for number in range(count)]


DATAGRAMS: Final = datagrams(3 * WINDOW + 1)


def test_nobody_opens_what_was_sealed_for_another_or_twice() -> None:
    one, other = envelopes()
    first, second = one.seal(b"first"), one.seal(b"second")
    assert relay_of(first) == 5
    assert relay_of(first[:20]) is None
    assert relay_of(first + bytes(1_600)) is None
    assert other.open(second) == b"second"
    assert other.open(first) == b"first"
    assert other.open(first) is None
    assert one.open(one.seal(b"own")) is None
    for at in (10, 12, 18, 22, -1):
        forged = bytearray(one.seal(b"third"))
        forged[at] ^= 1
        assert other.open(bytes(forged)) is None, at
    assert other.open(one.seal(bytes(MAX_BYTES))) == bytes(MAX_BYTES)


@given(st.lists(st.integers(0, 3 * WINDOW), max_size=60))
def test_a_datagram_is_opened_once_whatever_the_order(order: list[int]) -> None:
    _, other = envelopes()
    seen = set[int]()
    for number in order:
        late = bool(seen) and max(seen) - number >= WINDOW
        assert (other.open(DATAGRAMS[number]) == b"%d" % number) is (number not in seen and not late)
        if not late:
            seen.add(number)


def test_a_relay_goes_on_whatever_was_lost_of_its_beginning() -> None:
    _, other = envelopes()
    sent = datagrams(2 * 65_536 + 100)
    came = (2 * 65_536 + 90, 2 * 65_536 - 1, 2 * 65_536 + 89, 2 * 65_536 - 2)
    assert [other.open(sent[number]) for number in came] == [b"%d" % number for number in came]
    assert [other.open(sent[number]) for number in (0, 65_535, *came)] == [None] * 6


def test_of_two_wishes_the_later_counts_and_one_for_nothing_ends_it() -> None:
    span = Span()
    span.tell(0.0)
    assert span.outlet.asked([Wish("ann.1.v", "l", ("l",)), Wish("another", "h", ("h",))], 0.0)
    assert span.outlet.largest("another") is None
    assert not span.outlet.asked([Wish("ann.1.v", "l", ("l", "m"))], 0.1)
    assert span.publish("m", 0.1) is not None
    assert span.outlet.asked([Wish("ann.1.v", "", ())], 0.2)
    assert span.publish("l", 0.2) is None


def test_what_a_frame_needs_is_told_to_the_other_forwarder_too() -> None:
    track = Track("ann.1.v", "v", "video", descriptor=NUMBER)
    stream = track.layers[""] = Stream(9, Codec.AV1)
    outlet, inlet = Outlet(), Inlet()
    inlet.told(outlet.directory([("ann", track)], 0.0), 0.0)
    outlet.asked([Wish("ann.1.v", "h", ("",))], 0.0)
    for packet in packets("L3T3_KEY"):
        data = outlet.take(stream, packet, 0.0)
        assert data is not None
        received = inlet.receive(rtp.parse(data))
        assert received is not None
        assert received.packet.extensions[received.track.descriptor] == packet.extensions[NUMBER]
        assert received.packet.payload == packet.payload


def test_a_packet_that_is_too_large_for_a_link_goes_nowhere() -> None:
    went: list[bytes] = []
    link = Link(5, "other", Envelope(5, b"a" * KEY_BYTES, b"b" * KEY_BYTES), lambda data, _: went.append(data))
    link.send(b"before it is known where the other end is")
    link.address = ("127.0.0.1", 9)
    link.send(bytes(MAX_BYTES + 1))
    assert went == []
    link.send(bytes(MAX_BYTES))
    assert len(went) == 1
