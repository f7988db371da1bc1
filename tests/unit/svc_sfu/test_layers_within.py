"""What one slot is sent of a stream with layers within it, as a decoder sees it."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svc_sfu.core.codec import NO_NUMBERS, Codec, numbers_of
from svc_sfu.core.dependency import FRAMES, Descriptor, Indication, Structure, parse, renumbered
from svc_sfu.core.forwarder import Forwarder
from svc_sfu.core.outgoing import Outgoing
from svc_sfu.core.rtp import Packet
from svc_sfu.core.selector import AGREED, MAX_TRIES
from svc_sfu.core.stream import Stream
from tests.unit.svc_sfu.captured import NUMBER, packets

TOP, MIDDLE, LOW = (2, 2), (1, 2), (0, 2)
KEYED = packets("L3T3_KEY")
FULL = packets("L3T3")
SECOND_KEY = max(at for at, packet in enumerate(KEYED) if len(packet.extensions[NUMBER]) > 60)
"""Where another keyframe begins."""


def read_in_order(several: list[Packet]) -> dict[int, Descriptor]:
    """What each packet's frame is, by its number."""
    structure: Structure | None = None
    found = {}
    for packet in several:
        found[packet.seq] = parse(packet.extensions[NUMBER], structure)
        structure = found[packet.seq].structure
    return found


IN_ORDER = read_in_order(KEYED)


class Wire:
    """Packets of a stream on their way through a slot."""

    def __init__(self, codec: Codec = Codec.AV1) -> None:
        self.stream = Stream(1, codec)
        self.slot = Forwarder(100, 0, 0)
        self.slot.want(self.stream)
        self.sent: list[Outgoing] = []

    def pass_on(self, several: list[Packet]) -> list[Outgoing]:
        found = []
        for packet in several:
            if not self.stream.take(packet, 0.0):
                continue
            numbers = numbers_of(self.stream.codec, packet.payload) if self.stream.codec.numbered else NO_NUMBERS
            described = packet.extensions.get(NUMBER)
            frame = self.stream.layering.read(described, packet.payload, packet.marker, numbers)
            late = packet.seq != self.stream.highest
            outgoing = self.slot.take(self.stream, packet, 0.0, numbers, frame, late=late)
            if outgoing is not None:
                found.append(outgoing)
        self.sent += found
        return found


def decoded(sent: list[Outgoing]) -> list[Descriptor]:
    """The frames, once it is sure that a decoder has all that they need: in order, without a hole."""
    assert all((after.seq - before.seq) % 65536 == 1 for before, after in pairwise(sent))
    structure: Structure | None = None
    frames: list[Descriptor] = []
    whole: set[int] = set()
    for each in sent:
        frame = parse(each.described, structure)
        structure = frame.structure
        assert each.frame == frame.number - parse(sent[0].described, None).number + sent[0].frame
        for before in frame.template.needs:
            assert (frame.number - before) % FRAMES in whole, "it needs what was not sent"
        if frame.last:
            whole.add(frame.number)
            frames.append(frame)
    for picture in {each.timestamp for each in sent}:
        marked = [each.marker for each in sent if each.timestamp == picture]
        assert marked == [False] * (len(marked) - 1) + [True], "a picture ends where it ends, and once"
    return frames


def layers(frames: list[Descriptor]) -> set[tuple[int, int]]:
    return {(frame.template.spatial, frame.template.temporal) for frame in frames}


@pytest.mark.parametrize("limits", [(spatial, temporal) for spatial in range(3) for temporal in range(3)])
def test_whatever_is_wanted_can_be_decoded_and_is_no_larger(limits: tuple[int, int]) -> None:
    for mode, largest in ((KEYED, 2), (FULL, 1)):
        wire = Wire()
        wire.slot.want(wire.stream, *limits)
        wire.pass_on(mode)
        assert max(layers(decoded(wire.sent))) == (min(limits[0], largest), limits[1])


def test_between_keyframes_only_one_size_is_sent_where_it_needs_no_other() -> None:
    wire = Wire()
    wire.slot.want(wire.stream, *TOP)
    wire.pass_on(KEYED[:SECOND_KEY])
    delta = [frame for frame in decoded(wire.sent) if frame.template.needs != () and frame.template.needs != (1,)]
    assert {frame.template.spatial for frame in delta} == {2}
    assert len(wire.sent) < SECOND_KEY


def test_less_is_fewer_pictures_at_once_and_smaller_ones_from_the_next_keyframe_on() -> None:
    wire = Wire()
    wire.slot.want(wire.stream, *TOP)
    wire.pass_on(KEYED[:30])
    assert wire.slot.want(wire.stream, *LOW), "it takes a keyframe"
    fewer = wire.pass_on(KEYED[30:SECOND_KEY])
    wire.pass_on(KEYED[SECOND_KEY:])
    frames = decoded(wire.sent)
    assert {(frame.template.spatial, frame.template.temporal) for frame in frames[-8:]} <= {(0, 0), (0, 1), (0, 2)}
    temporal = [parse(each.described, frames[0].structure).template.temporal for each in fewer]
    assert temporal[-1] == 0
    assert set(temporal[temporal.index(0) :]) == {0}
    assert not wire.slot.waits


def test_larger_pictures_begin_at_a_keyframe_and_more_of_them_at_once() -> None:
    wire = Wire()
    wire.slot.want(wire.stream, 0, 0)
    wire.pass_on(KEYED[:15])
    assert not wire.slot.want(wire.stream, 0, 2)
    wire.pass_on(KEYED[15:40])
    assert layers(decoded(wire.sent)) == {(0, 0), (0, 1), (0, 2)}
    assert wire.slot.want(wire.stream, *TOP)
    wire.pass_on(KEYED[40:])
    assert max(layers(decoded(wire.sent)[-12:])) == TOP
    assert not wire.slot.waits


def test_of_sizes_that_need_each_other_less_is_sent_at_once() -> None:
    wire = Wire()
    wire.slot.want(wire.stream, 1, 2)
    wire.pass_on(FULL[:20])
    assert not wire.slot.want(wire.stream, 0, 2)
    at = len(wire.sent)
    wire.pass_on(FULL[20:])
    frames = decoded(wire.sent)
    assert len(wire.sent) > at
    assert {frame.template.spatial for frame in frames[-6:]} == {0}


def test_a_slot_that_was_sent_everything_can_be_limited_in_the_midst_of_a_stream() -> None:
    wire = Wire()
    wire.pass_on(KEYED[:20])
    wire.slot.want(wire.stream, *TOP)
    wire.pass_on(KEYED[20:])
    assert max(layers(decoded(wire.sent))) == (2, 2)


def test_without_what_is_wanted_only_some_keyframes_are_asked_for() -> None:
    wire = Wire()
    wire.slot.want(wire.stream, *LOW)
    wire.pass_on(KEYED[:20])
    wire.slot.want(wire.stream, *TOP)
    key, asked = IN_ORDER[KEYED[0].seq], 0
    # It does not say that whoever has it can go on with the largest pictures.
    targets = tuple(Indication.SWITCH if layer[0] < TOP[0] else Indication.REQUIRED for layer in key.structure.layers)
    other = replace(key, template=replace(key.template, targets=targets))
    for turn in range(2 * MAX_TRIES):
        asked += wire.slot.waits
        packet = KEYED[20 + turn]
        assert wire.stream.take(packet, 0.0)
        wire.slot.take(wire.stream, packet, 0.0, NO_NUMBERS, replace(other, number=600 + turn))
    assert asked == MAX_TRIES
    wire.slot.want(wire.stream, 1, 2)
    assert wire.slot.waits, "what else is wanted may be had"


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from((KEYED, FULL)),
    st.lists(st.tuples(st.integers(0, 104), st.integers(0, 2), st.integers(0, 2)), max_size=8),
    st.lists(st.tuples(st.integers(1, 100), st.integers(1, 12)), max_size=6),
)
def test_packets_that_come_late_leave_no_hole_and_spoil_nothing(
    mode: list[Packet], wishes: list[tuple[int, int, int]], late: list[tuple[int, int]]
) -> None:
    order, in_order = list(range(len(mode))), read_in_order(mode)
    for at, by in late:
        at = 1 + at % (len(mode) - 1)
        order.insert(min(len(order), at + by), order.pop(at))
    wire = Wire()
    sent: list[Outgoing] = []
    for place, index in enumerate(order):
        for at, spatial, temporal in wishes:
            if at == place:
                wire.slot.want(wire.stream, spatial, temporal)
        sent += wire.pass_on([mode[index]])
    seqs = sorted((each.seq - sent[0].seq) % 65536 for each in sent)
    assert len(set(seqs)) == len(seqs), "no number is used twice"
    assert seqs == list(range(len(seqs))), "every number is sent, though some with nothing in it"
    whole = [each for each in sent if each.packet.payload]
    frames = {each.packet.seq: in_order[each.packet.seq] for each in whole}
    numbers = {frame.number for frame in frames.values()}
    for seq, frame in in_order.items():
        assert seq in frames or frame.number not in numbers, "a frame is sent whole"
    for frame in frames.values():
        for before in frame.template.needs:
            assert frame.number - before in numbers, "it needs what was not sent"
    for picture in {each.timestamp for each in whole}:
        assert sum(each.marker for each in whole if each.timestamp == picture) == 1, "a picture ends once"


def test_a_late_keyframe_is_read_as_what_it_was_and_puts_no_old_structure_back() -> None:
    layering = Stream(1, Codec.AV1).layering

    def read(packet: Packet, number: int) -> Descriptor:
        frame = layering.read(renumbered(packet.extensions[NUMBER], number), b"", False, NO_NUMBERS)
        assert frame is not None
        return frame

    old, new = KEYED[0], FULL[0]
    first = read(old, 65_530).structure
    second = read(new, 4).structure
    assert second.keyed != first.keyed
    assert read(KEYED[9], 65_533).structure == first
    late = read(old, 65_530)
    assert late.structure == first
    assert read(KEYED[9], 65_533).structure is late.structure
    assert read(FULL[9], 5).structure is second
    assert layering._structure is second
    for number in (20_000, 40_000, 60_000, FRAMES - 1, 3, 5):
        assert read(FULL[9], number).structure is second, "once round it is not of before"


def vp8(picture: int, temporal: int, *, alone: bool = False, key: bool = False) -> bytes:
    descriptor = bytes((0x90, 0xE0)) + (0x8000 | picture).to_bytes(2, "big") + bytes((picture & 0xFF,))
    return descriptor + bytes((temporal << 6 | alone << 5,)) + (b"\x00" if key else b"\x01") + b"pixels"


def pictures(first: int, many: int) -> list[Packet]:
    """As VP8's three temporal layers come: 0, 2, 1, 2."""
    found = []
    for at in range(many):
        temporal = (0, 2, 1, 2)[at % 4]
        payload = vp8((first + at) % 32768, temporal, alone=at % 4 in (1, 2), key=at == 0)
        found.append(Packet(True, 96, (first + at) % 65536, 3000 * at, 1, {}, payload, 0))
    return found


def test_vp8_without_descriptors_has_fewer_pictures_whose_numbers_go_on() -> None:
    wire = Wire(Codec.VP8)
    all_pictures = pictures(32_760, 40)
    wire.pass_on(all_pictures[:10])
    wire.slot.want(wire.stream, 2, 0)
    fewer = wire.pass_on(all_pictures[10:22])
    wire.slot.want(wire.stream)
    wire.pass_on(all_pictures[22:])
    assert [each.packet.payload[5] >> 6 for each in fewer][2:] == [0, 0, 0]
    assert all((after.seq - before.seq) % 65536 == 1 for before, after in pairwise(wire.sent))
    assert all((after.picture - before.picture) % 32768 == 1 for before, after in pairwise(wire.sent))
    assert [each.packet.payload[5] >> 6 for each in wire.sent][-4:] == [0, 2, 1, 2]


def test_a_limit_that_is_lifted_costs_nothing_after_a_while() -> None:
    wire = Wire(Codec.VP8)
    several = pictures(5, AGREED + 40)
    wire.slot.want(wire.stream, 0, 1)
    wire.pass_on(several[:12])
    wire.slot.want(wire.stream)
    wire.pass_on(several[12:])
    wire.slot.want(wire.stream)
    assert wire.slot._selector is None


def test_steps_are_what_comes_the_most_first_with_sizes_before_pictures() -> None:
    stream = Stream(1, Codec.AV1)
    for turn in range(3):
        for packet in KEYED[:SECOND_KEY]:
            frame = stream.layering.read(packet.extensions[NUMBER], packet.payload, packet.marker, NO_NUMBERS)
            assert frame is not None
            stream.layering.count(frame, len(packet.payload), float(turn))
    steps = stream.layering.ladder(0)
    assert [layer for layer, _ in steps] == [(2, 2), (1, 2), (0, 2), (0, 1), (0, 0)]
    assert all(after < before for (_, before), (_, after) in pairwise(steps))
    assert [layer for layer, _ in stream.layering.ladder(1)] == [(1, 2), (0, 2), (0, 1), (0, 0)]
    assert Stream(1, Codec.AV1).layering.ladder(0) == []


def test_vp9_without_descriptors_is_sent_in_the_layers_that_are_wanted_and_changes_at_once_to_less() -> None:
    wire = Wire(Codec.VP9)
    several = packets("VP9")
    wire.slot.want(wire.stream, 1, 2)
    wire.pass_on(several[:30])
    assert not wire.slot.want(wire.stream, 0, 1), "smaller pictures are there already"
    fewer = wire.pass_on(several[30:])
    places = [each.packet.payload[3] for each in fewer]
    spatial, temporal = [place >> 1 & 7 for place in places], [place >> 5 for place in places]
    assert set(spatial[-5:]) == {0}
    assert set(temporal[-5:]) == {0, 1}
    assert all((after.seq - before.seq) % 65536 == 1 for before, after in pairwise(wire.sent))
    last = [each for each in wire.sent if each.packet.payload[3] >> 1 & 7 == 0][-1]
    assert last.marker
    assert not last.packet.marker
    assert wire.slot.want(wire.stream, 1, 2), "larger ones take a keyframe"


@given(st.sampled_from((Codec.VP8, Codec.VP9)), st.binary(max_size=24))
def test_payloads_of_any_kind_are_read_or_say_nothing(codec: Codec, payload: bytes) -> None:
    frame = Stream(1, codec).layering.read(None, payload, True, numbers_of(codec, payload))
    assert frame is None or len(frame.template.targets) == len(frame.structure.layers)
