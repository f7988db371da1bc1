"""Pictures of VP9 and AV1 out of packets, as files have them."""

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc_signaling.core import av1, vp9, vp9_header
from svc_signaling.core.payload import MAX_FRAME_BYTES, Assembler, Codec, Frame, Packet, size_of
from tests.unit.svc_signaling.layered import PICTURES, SIZES, layered

VP9_KEY = bytes.fromhex("824983420013f00b30") + bytes(40)
"""As far as anybody here looks: 320 x 180."""
SEQUENCE = bytes.fromhex("0a0b000000043cfeccfbf90040")
AV1_KEY = SEQUENCE + b"\x32\x0a" + bytes(range(10))
"""A sequence header of 320 x 180 and a frame, as a file has them."""

LAYERED = (av1.elements(layered(Codec.AV1)[0].payload) or [b""])[0]
"""A sequence header of three layers."""


def pushed(codec: Codec, payloads: list[bytes]) -> list[tuple[bytes, bool]]:
    assembler = Assembler()
    packets = [Packet(number, 0, number == len(payloads) - 1, codec, each, 0) for number, each in enumerate(payloads)]
    return [(frame.data, frame.key) for packet in packets for frame in assembler.push(packet)]


def test_the_descriptor_of_vp9_is_taken_off_in_each_of_its_forms() -> None:
    for descriptor in (
        b"\x08",  # nothing
        b"\x88\x12",  # a number of 7 bits
        b"\x88\x92\x34",  # of 15
        b"\xa8\x92\x34\x00\x05",  # layers and the tl0 index
        b"\xb8\x92\x34\x00",  # flexible mode has none
        b"\x0a\x18\x01\x40\x00\xb4\x01\x04\x03",  # a structure: one size, a group of one with one reference
    ):
        assert vp9.body(descriptor + b"pixels") == b"pixels", descriptor.hex()
    assert vp9.body(b"\xf8\x92\x34\x00\x03\x04pixels") == b"pixels", "two references"


def test_a_picture_of_vp9_comes_together_and_says_how_large_it_is() -> None:
    frames = pushed(Codec.VP9, [b"\x88\x01" + VP9_KEY[:20], b"\x80\x01" + VP9_KEY[20:]])
    assert frames == [(VP9_KEY, True)]
    assert size_of(Codec.VP9, VP9_KEY) == (320, 180)
    assert size_of(Codec.VP9, b"\x86" + VP9_KEY[1:]) == (0, 0)


def frames_of(codec: Codec) -> list[Frame]:
    assembler = Assembler()
    return [frame for packet in layered(codec) for frame in assembler.push(packet)]


def apart(picture: bytes) -> list[bytes]:
    """Frames of a picture of VP9 with three layers, by the index at its end."""
    index = picture[-14:]
    assert index[0] == index[-1] == 0xDA
    ends = list(accumulate(int.from_bytes(index[at : at + 4], "little") for at in (1, 5, 9)))
    assert ends[-1] == len(picture) - 14
    return [picture[start:end] for start, end in pairwise([0, *ends])]


def test_of_layers_in_one_picture_of_vp9_the_largest_alone_is_shown() -> None:
    pictures = frames_of(Codec.VP9)
    assert [picture.key for picture in pictures] == [True] + [False] * (PICTURES - 1)
    slots = [(0, 0)] * vp9_header.SLOTS
    for picture in pictures:
        headers = [vp9_header.read(layer, slots) for layer in apart(picture.data)]
        assert [header and (header.size, header.shown) for header in headers] == [
            (size, size == SIZES[-1]) for size in SIZES
        ]
    assert size_of(Codec.VP9, pictures[0].data) == SIZES[-1]


def test_what_is_not_shown_is_otherwise_as_it_was_sent() -> None:
    payloads = [packet.payload for packet in layered(Codec.VP9)]
    starts = [vp9.body(each) for each in payloads if vp9.begins(each)]
    ours = [layer for picture in frames_of(Codec.VP9) for layer in apart(picture.data)]
    for sent, layer in zip(starts, ours, strict=True):
        was, now = (vp9_header.read(each, [(0, 0)] * vp9_header.SLOTS) for each in (sent, layer))
        assert was is not None
        assert now is not None
        assert (was.key, was.size, was.refreshes) == (now.key, now.size, now.refreshes)
        behind = [each[(header.bits + 7) // 8 :] for each, header in ((sent, was), (layer, now))]
        assert behind[1].startswith(behind[0])


def test_a_frame_as_large_as_one_before_has_the_size_of_that() -> None:
    layers = vp9.Layers()
    assert layers.read(VP9_KEY)
    alike = layers.read(bytes.fromhex("86000002") + bytes(40))
    assert alike is not None
    assert alike.size == (320, 180)
    assert vp9.Layers().read(bytes.fromhex("86000002") + bytes(40)) is None, "nothing is known of it"


def test_a_small_layer_of_vp9_that_cannot_be_read_is_waited_out() -> None:
    small, large = b"\xa8\x01\x00\x00" + b"small", b"\xa8\x01\x02\x00" + b"larger"
    assert pushed(Codec.VP9, [small, large]) == []


def test_layers_in_one_picture_of_av1_are_one_keyframe_and_as_large_as_the_largest() -> None:
    pictures = frames_of(Codec.AV1)
    assert [picture.key for picture in pictures] == [True] + [False] * (PICTURES - 1)
    assert size_of(Codec.AV1, pictures[0].data) == SIZES[-1]


def test_units_of_av1_come_together_however_they_were_cut() -> None:
    sequence, frame = b"\x08" + SEQUENCE[2:], b"\x30" + AV1_KEY[15:]
    whole = [b"\x28" + bytes((len(sequence),)) + sequence + frame]
    counted = [b"\x08" + bytes((len(sequence),)) + sequence + bytes((len(frame),)) + frame]
    cut = [b"\x68" + bytes((len(sequence),)) + sequence + frame[:4], b"\xd0" + frame[4:6], b"\x90" + frame[6:]]
    delimited = [b"\x28\x01\x10" + sequence, b"\x10" + frame]
    for payloads in (whole, counted, cut, delimited):
        assert pushed(Codec.AV1, payloads) == [(AV1_KEY, True)]
    assert size_of(Codec.AV1, AV1_KEY) == (320, 180)


def test_a_piece_of_av1_without_its_beginning_is_no_picture() -> None:
    assert pushed(Codec.AV1, [b"\x98" + b"\x30pixels"]) == []
    assert pushed(Codec.AV1, [b"\x58" + b"\x30pix", b"\x10" + b"\x30els"]) == [], "the rest never came"


def test_a_unit_of_av1_that_is_shorter_than_its_head_is_left_out() -> None:
    layers = av1.Layers()
    assert layers.together([LAYERED]) != b""
    assert layers.together([b"\x34", b"\x36", b"", b"\x34\x08pixels"]) == b"\x36\x10\x06pixels"


@given(st.lists(st.binary(max_size=12) | st.sampled_from((b"\x34", b"\x36", LAYERED)), max_size=8))
def test_any_units_of_av1_are_put_together_or_left_whatever_the_sequence_says(units: list[bytes]) -> None:
    layers = av1.Layers()
    layers.together([LAYERED])
    av1.picture_size(layers.together(units))


@given(st.sampled_from((Codec.VP9, Codec.AV1)), st.data())
def test_any_packet_among_those_of_a_camera_is_read_or_left(codec: Codec, data: st.DataObject) -> None:
    sent = layered(codec)
    assembler = Assembler()
    for at in data.draw(st.lists(st.integers(0, len(sent) - 1), max_size=3)):
        sent[at].payload = data.draw(st.binary(max_size=8) | st.just(sent[at].payload[: data.draw(st.integers(0, 30))]))
    for packet in sent:
        for frame in assembler.push(packet):
            size_of(codec, frame.data)


@pytest.mark.parametrize(("codec", "head"), [(Codec.VP8, b"\x10"), (Codec.H264, b"\x41"), (Codec.AV1, b"\x10\x30")])
def test_of_a_picture_that_never_ends_no_more_is_kept_than_of_the_largest(codec: Codec, head: bytes) -> None:
    assembler = Assembler()
    payload = head + bytes(1 << 20)
    for seq in range(20):
        assert assembler.push(Packet(seq, 0, False, codec, payload, 0)) == []
    assert assembler._picture is not None
    assert sum(map(len, assembler._picture.parts)) <= MAX_FRAME_BYTES
    assert assembler.push(Packet(20, 0, True, codec, head, 0)) == []


@given(st.sampled_from(Codec), st.lists(st.tuples(st.binary(max_size=24), st.booleans()), max_size=12))
def test_any_packets_are_read_or_left(codec: Codec, sent: list[tuple[bytes, bool]]) -> None:
    assembler = Assembler()
    for seq, (payload, marker) in enumerate(sent):
        for frame in assembler.push(Packet(seq, 0, marker, codec, payload, 0)):
            size_of(codec, frame.data)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_left(data: bytes) -> None:
    vp9.body(data)
    vp9.picture_size(data)
    vp9.picture_size(VP9_KEY[:4] + data)
    vp9.Layers().together([data, data])
    av1.picture_size(data)
    av1.Layers().together(av1.elements(data) or ())
    av1.Layers().together([AV1_KEY, data])
