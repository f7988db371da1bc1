"""Pictures of VP9 and AV1 out of packets, as files have them."""

from hypothesis import given
from hypothesis import strategies as st

from svc_signaling.core import av1, vp9
from svc_signaling.core.payload import Assembler, Codec, Packet, size_of

VP9_KEY = bytes.fromhex("824983420013f00b30") + bytes(40)
"""As far as anybody here looks: 320 x 180."""
SEQUENCE = bytes.fromhex("0a0b000000043cfeccfbf90040")
AV1_KEY = SEQUENCE + b"\x32\x0a" + bytes(range(10))
"""A sequence header of 320 x 180 and a frame, as a file has them."""


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


def test_layers_of_one_picture_have_an_index_behind_them() -> None:
    small, large = b"\xa8\x01\x00\x00" + b"small", b"\xa8\x01\x02\x00" + b"larger"
    ((data, key),) = pushed(Codec.VP9, [small, large])
    assert key
    assert data == b"smalllarger" + b"\xd9\x05\x00\x00\x00\x06\x00\x00\x00\xd9"


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


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_left(data: bytes) -> None:
    vp9.body(data)
    vp9.picture_size(data)
    av1.picture_size(data)
    av1.framed(av1.elements(data) or ())
