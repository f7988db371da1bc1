"""Where a publisher's packets belong, and what a slot shows of its layers."""

from dataclasses import replace

from svc_sfu.core import sdp
from svc_sfu.core.codec import NO_NUMBERS, Codec
from svc_sfu.core.forwarder import Forwarder
from svc_sfu.core.publisher import MAX_STREAMS, Publisher, Track
from svc_sfu.core.rtp import Packet
from svc_sfu.core.sdp import Accepted
from svc_sfu.core.subscriber import Slot, Subscriber
from tests.unit.svc_sfu.captured import NUMBER, packets

MID, RID, REPAIRED, LEVEL, WIDE = 4, 10, 11, 1, 3
NUMBERS = {MID: sdp.MID, RID: sdp.RID, REPAIRED: sdp.REPAIRED_RID, WIDE: sdp.TRANSPORT_WIDE}
CAMERA = Accepted("1", "video", {96: Codec.VP8}, {97: 96}, NUMBERS, ("h", "m", "l"), (), {})
VOICE = Accepted("0", "audio", {111: Codec.OPUS}, {}, {LEVEL: sdp.AUDIO_LEVEL}, (), (7,), {})


def packet(ssrc: int, seq: int = 1, payload: bytes = b"\x10\x00picture", kind: int = 96, **named: str) -> Packet:
    numbers = {"mid": MID, "rid": RID, "repaired": REPAIRED}
    extensions = {numbers[name]: value.encode() for name, value in named.items()}
    return Packet(True, kind, seq, 0, ssrc, extensions, payload, 0)


def test_a_layer_is_known_by_its_names_first_and_by_its_ssrc_from_then_on() -> None:
    publisher = Publisher([CAMERA, VOICE], "ada")
    assert publisher.receive(packet(50)) is None, "nobody knows it"
    first = publisher.receive(packet(50, mid="1", rid="m"))
    again = publisher.receive(packet(50, seq=2))
    assert first is not None
    assert again is not None
    assert first.stream is again.stream
    assert first.stream.rid == "m"


def test_what_names_a_section_or_layer_that_is_not_there_belongs_nowhere() -> None:
    publisher = Publisher([CAMERA, VOICE], "ada")
    assert publisher.receive(packet(50, mid="9", rid="m")) is None
    assert publisher.receive(packet(50, mid="1", rid="x")) is None
    assert publisher.receive(packet(7, kind=96)) is None, "no such format there"


def test_a_repeated_packet_is_the_one_that_it_repeats() -> None:
    publisher = Publisher([CAMERA, VOICE], "ada")
    main = publisher.receive(packet(50, seq=9, mid="1", rid="h"))
    assert main is not None
    again = publisher.receive(packet(51, kind=97, payload=b"\x00\x08lost one", mid="1", repaired="h"))
    assert again is not None
    assert again.repaired
    assert again.stream is main.stream
    assert (again.packet.seq, again.packet.ssrc, again.packet.payload) == (8, 50, b"lost one")
    assert publisher.receive(packet(51, kind=97, payload=b"\x00\x08")) is None, "padding"


def test_ssrcs_of_one_publisher_are_bounded() -> None:
    publisher = Publisher([CAMERA, VOICE], "ada")
    for ssrc in range(100, 1_000):
        publisher.receive(packet(ssrc, mid="1", rid="h"))
    assert publisher.receive(packet(5_000, mid="1", rid="m")) is None
    last = 100 + MAX_STREAMS - 2  # one of them is the voice's
    assert publisher.receive(packet(last, mid="1", rid="h")) is not None
    assert publisher.receive(packet(last + 1, mid="1", rid="h")) is None


def test_two_that_claim_one_layer_do_not_take_it_from_each_other_for_ever() -> None:
    publisher = Publisher([CAMERA, VOICE], "ada")
    first = publisher.receive(packet(50, mid="1", rid="h"))
    second = publisher.receive(packet(60, mid="1", rid="h"))
    assert first is not None
    assert second is not None
    assert publisher.receive(packet(50, seq=2, mid="1", rid="h")) is None
    again = publisher.receive(packet(60, seq=2, mid="1", rid="h"))
    assert again is not None
    assert again.stream is second.stream


def test_a_voice_has_a_level() -> None:
    publisher = Publisher([CAMERA, VOICE], "ada")
    for seq in range(100):
        publisher.receive(Packet(False, 111, seq, 0, 7, {LEVEL: b"\x1e"}, b"opus", 0))
    assert 90 < publisher.tracks["0"].level < 98


def test_a_slot_shows_the_largest_layer_of_use_and_nothing_that_is_muted() -> None:
    publisher = Publisher([CAMERA, VOICE], "ada")
    for number, rid in enumerate(("h", "m", "l")):
        received = publisher.receive(packet(50 + number, mid="1", rid=rid))
        assert received is not None
        received.stream.take(received.packet, 10.0)
    track = publisher.tracks["1"]
    slot = Slot("v0", "video", 1, 2, Forwarder(0, 0, 0))
    subscriber = Subscriber({"v0": slot})
    subscriber.estimate.bps = 10_000_000
    subscriber.show(slot, track, "m", 5, 10.0)
    assert slot.forwarder.wanted is track.layers["m"]
    assert track.throttles["m"].due(10.0), "a keyframe is asked for"
    track.muted = True
    subscriber.choose(10.1)
    assert slot.forwarder.wanted is None
    assert slot.forwarder.source is None


def test_no_keyframe_is_asked_for_before_packets_reach_who_shall_see_it() -> None:
    publisher = Publisher([CAMERA, VOICE], "ada")
    received = publisher.receive(packet(50, mid="1", rid="h"))
    assert received is not None
    received.stream.take(received.packet, 10.0)
    track = publisher.tracks["1"]
    slot = Slot("v0", "video", 1, 2, Forwarder(0, 0, 0))
    subscriber = Subscriber({"v0": slot}, open=False)
    subscriber.show(slot, track, "h", 5, 10.0)
    assert slot.track is track
    assert (slot.forwarder.wanted, track.throttles["h"].waiting) == (None, False)
    subscriber.open = True
    subscriber.choose(10.1)
    assert (slot.forwarder.wanted, track.throttles["h"].waiting) == (track.layers["h"], True)


def test_layers_that_nobody_can_use_need_not_be_sent_but_the_smallest_always() -> None:
    track = Track("t", "1", "video", rids=("h", "m", "l"))
    assert track.of_use([]) == ["l"]
    assert track.of_use(["l", "m"]) == ["m", "l"]
    assert track.of_use(["m", "h"]) == ["h", "m", "l"]
    assert track.of_use(["another"]) == ["h", "m", "l"]
    assert Track("t", "1", "video").of_use([]) == [""]


def layered() -> tuple[Publisher, Track]:
    """A camera of three sizes in one stream, as far as it was measured."""
    section = Accepted("1", "video", {45: Codec.AV1}, {46: 45}, {MID: sdp.MID, 9: sdp.DEPENDENCY}, (), (), {})
    publisher = Publisher([section], "ada")
    track = publisher.tracks["1"]
    for turn in range(3):
        for each in packets("L3T3_KEY"):
            extensions = {9: each.extensions[NUMBER], MID: b"1"}
            received = publisher.receive(replace(each, ssrc=50, extensions=extensions))
            assert received is not None
            received.stream.take(received.packet, float(turn))
            described = received.packet.extensions[track.descriptor]
            frame = received.stream.layering.read(described, each.payload, each.marker, NO_NUMBERS)
            assert frame is not None
            received.stream.layering.count(frame, len(each.payload), float(turn))
    return publisher, track


def test_a_slot_is_given_as_much_of_one_stream_as_its_way_takes_and_its_tile_needs() -> None:
    _, track = layered()
    rates = track.layers[""].layering.ladder(0)
    chosen = {}
    for largest, bps in (("h", 1e9), ("m", 1e9), ("l", 1e9), ("h", rates[3][1] * 1.5), ("h", 1.0)):
        subscriber = Subscriber({"v0": Slot("v0", "video", 1, 2, Forwarder(0, 0, 0))})
        subscriber.estimate.bps = bps
        subscriber.show(subscriber.slots["v0"], track, largest, 5, 0.5)
        chosen[largest, bps] = subscriber.slots["v0"].step
    assert list(chosen.values()) == ["/2.2", "/1.2", "/0.2", "/0.1", "/0.0"]


def test_a_recorder_is_given_the_whole_of_one_stream() -> None:
    _, track = layered()
    subscriber = Subscriber({"v0": Slot("v0", "video", 1, 2, Forwarder(0, 0, 0))}, whole=True)
    subscriber.show(subscriber.slots["v0"], track, "h", 5, 0.5)
    assert subscriber.slots["v0"].step == ""


def test_what_is_sent_again_keeps_what_it_says_of_its_frame() -> None:
    publisher, track = layered()
    extensions = {9: b"\xc1\x00\x07", MID: b"1"}
    again = publisher.receive(Packet(False, 46, 9, 5, 60, extensions, b"\x00\x07" + b"pixels", 0))
    assert again is not None
    assert again.repaired
    assert again.packet.extensions == {track.descriptor: b"\xc1\x00\x07"}
