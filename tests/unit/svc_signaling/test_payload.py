"""Packets into frames."""

from hypothesis import given
from hypothesis import strategies as st

from svc_signaling.core.payload import PATIENCE_US, Assembler, Codec, Frame, Packet, parameter_sets, size_of
from svc_signaling.core.sps import picture_size

KEY = b"\x10\x02\x00\x9d\x01\x2a\x80\x02\x68\x01" + bytes(range(200))
"""A keyframe of VP8, 640 x 360, as far as anybody here looks."""
DELTA = b"\x11\x02\x00" + bytes(range(100))
SPS = bytes.fromhex("6742c01fda014016ec0440000003004000000ca3c60ca8")
PPS = bytes.fromhex("68ce3c80")
IDR, SLICE = b"\x65" + bytes(range(90)), b"\x41" + bytes(range(60))


def vp8(data: bytes, first_seq: int, stamp: int, at_us: int = 0, size: int = 50) -> list[Packet]:
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    return [
        Packet(
            (first_seq + n) % 65_536,
            stamp % (1 << 32),
            n == len(parts) - 1,
            Codec.VP8,
            bytes((0x90 if n == 0 else 0x80, 0xE0, 0x92, 0x34, 7, 0x20)) + part,
            at_us,
        )
        for n, part in enumerate(parts)
    ]


def assembled(packets: list[Packet]) -> list[Frame]:
    assembler = Assembler()
    return [frame for packet in packets for frame in assembler.push(packet)] + assembler.flush()


def test_a_picture_is_put_together_over_the_wrap_of_numbers_and_times() -> None:
    first, second = vp8(KEY, 65_534, (1 << 32) - 1_000), vp8(DELTA, 65_534 + 5, 2_600)
    frames = assembled([*first, *second])
    assert [(frame.data, frame.key, frame.ticks) for frame in frames] == [(KEY, True, 0), (DELTA, False, 3_600)]


def test_what_comes_late_or_twice_is_put_in_its_place() -> None:
    packets = vp8(KEY, 10, 0) + vp8(DELTA, 15, 3_600)
    order = [packets[0], packets[2], packets[2], packets[1], *packets[3:], packets[0]]
    assert [frame.data for frame in assembled(order)] == [KEY, DELTA]


def test_after_a_loss_nothing_is_given_until_the_next_keyframe() -> None:
    late_us = PATIENCE_US + 1
    packets = [
        *vp8(KEY, 0, 0),
        *vp8(DELTA, 5, 3_600)[1:],
        *vp8(DELTA, 8, 7_200),
        *vp8(DELTA, 11, 10_800, late_us),
        *vp8(KEY, 14, 14_400, late_us),
        *vp8(DELTA, 19, 18_000, late_us),
    ]
    assert [(frame.ticks, frame.key) for frame in assembled(packets)] == [(0, True), (14_400, True), (18_000, False)]


def test_a_picture_without_its_last_packet_is_left_out() -> None:
    packets = [*vp8(KEY, 0, 0)[:-1], *vp8(KEY, 4, 3_600)]
    assert [frame.ticks for frame in assembled(packets)] == [0]
    assert len(assembled([*vp8(KEY, 0, 0)[:-1], *vp8(DELTA, 4, 3_600)])) == 0


def test_units_of_h264_come_together_however_they_were_sent() -> None:
    both = b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in (SPS, PPS))
    pieces = [b"\x7c\x85" + IDR[1:40], b"\x7c\x05" + IDR[40:80], b"\x7c\x45" + IDR[80:]]
    payloads = [(both, 0, False), *((piece, 0, n == 2) for n, piece in enumerate(pieces)), (SLICE, 3_600, True)]
    packets = [Packet(n, stamp, marker, Codec.H264, data, 0) for n, (data, stamp, marker) in enumerate(payloads)]
    key, delta = assembled(packets)
    start = b"\x00\x00\x00\x01"
    assert (key.data, key.key) == (start + SPS + start + PPS + start + IDR, True)
    assert (delta.data, delta.key, delta.ticks) == (start + SLICE, False, 3_600)
    assert parameter_sets(key.data) == start + SPS + start + PPS
    assert size_of(Codec.H264, key.data) == (1280, 720)


def test_sound_is_a_frame_a_packet() -> None:
    packets = [Packet(n, n * 960, False, Codec.OPUS, bytes((n + 1,)), n * 20_000) for n in range(3)]
    assert [(frame.ticks, frame.data) for frame in assembled(packets)] == [(0, b"\1"), (960, b"\2"), (1920, b"\3")]


def test_a_keyframe_of_vp8_says_how_large_it_is() -> None:
    assert size_of(Codec.VP8, KEY) == (640, 360)
    assert size_of(Codec.VP8, DELTA) == (0, 0)


@given(st.binary(max_size=60), st.sampled_from(list(Codec)), st.booleans())
def test_whatever_comes_nothing_breaks(data: bytes, codec: Codec, marker: bool) -> None:
    assembler = Assembler()
    for seq in (0, 1, 5, 70):
        assembler.push(Packet(seq, seq, marker, codec, data, seq * PATIENCE_US))
    assembler.flush()
    size_of(codec, data)
    width, height = picture_size(b"\x67" + data)
    assert 0 <= width <= 16_384
    assert 0 <= height <= 16_384
