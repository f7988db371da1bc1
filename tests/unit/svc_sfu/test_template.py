"""What slots of one format share of a packet, and the numbers that are written into it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc_sfu.core import rtp, viewer
from svc_sfu.core.codec import Codec, numbers_of, rewritten
from svc_sfu.core.dependency import renumbered
from svc_sfu.core.outgoing import Outgoing
from svc_sfu.core.rtp import Packet
from svc_sfu.core.template import template

WIDE = viewer.ours(frozenset((Codec.VP8, Codec.H264)), True)
NARROW = viewer.ours(frozenset((Codec.VP8, Codec.H264)), False)
BOTH = bytes((0x90, 0xE0, 0x81, 0x02, 7, 0x20)) + b"picture"
PICTURE_ALONE = bytes((0x90, 0x80, 0x81, 0x02)) + b"picture"


def sent(codec: Codec, payload: bytes) -> Outgoing:
    packet = Packet(True, 96, 5, 6, 7, {}, payload, 0)
    return Outgoing(5, 6, 0.0, codec, packet, numbers_of(codec, payload), 0, 0, marker=True)


@given(
    st.integers(0, 65535), st.integers(0, 0xFFFFFFFF), st.integers(0, 65535), st.integers(0, 32767), st.integers(0, 255)
)
def test_all_numbers_that_are_written_at_once_lie_where_a_reader_looks(
    seq: int, timestamp: int, wide: int, picture: int, tl0: int
) -> None:
    numbers = numbers_of(Codec.VP8, BOTH)
    made = template(sent(Codec.VP8, BOTH), None, WIDE, b"abc")
    assert made.write is not None
    buffer = bytearray(made.data)
    made.write(buffer, 2, seq, timestamp, 99, made.before, wide, made.between, 0x8000 | picture, tl0)
    read = rtp.parse(bytes(buffer))
    assert (read.marker, read.seq, read.timestamp, read.ssrc) == (True, seq, timestamp, 99)
    assert read.extensions == {WIDE.wide: wide.to_bytes(2, "big")}
    assert read.payload == rewritten(BOTH, numbers, picture, tl0)


def test_numbers_that_lie_otherwise_are_written_one_by_one() -> None:
    for payload, formats in ((PICTURE_ALONE, WIDE), (BOTH, NARROW)):
        made = template(sent(Codec.VP8, payload), None, formats, b"abc")
        assert made.write is None
        assert made.data[made.payload_at :] == payload
    assert template(sent(Codec.H264, b"pixels"), None, WIDE, b"abc").write is None


@pytest.mark.parametrize("described", [b"\xc0\x00\x01", b"\xc0\x00\x01" + bytes(60)])
@pytest.mark.parametrize("wide", [True, False])
def test_a_descriptor_has_this_slots_frame_number_wherever_it_lies(described: bytes, wide: bool) -> None:
    formats = viewer.ours(frozenset((Codec.AV1,)), wide, True)
    outgoing = sent(Codec.AV1, b"pixels")
    outgoing.described, outgoing.frame = described, 777
    made = template(outgoing, None, formats, b"abc")
    buffer = bytearray(made.data)
    buffer[made.frame_at : made.frame_at + 2] = (777).to_bytes(2, "big")
    if wide:
        buffer[made.wide_at : made.wide_at + 2] = b"\x12\x34"
    read = rtp.parse(bytes(buffer))
    first = {formats.wide: b"\x12\x34"} if wide else {formats.send_time: b"abc"}
    assert read.extensions == {**first, formats.described: renumbered(described, 777)}
    assert read.payload == b"pixels"
    plain = template(outgoing, None, viewer.ours(frozenset((Codec.AV1,)), wide), b"abc")
    assert plain.frame_at == 0
    assert described not in plain.data
