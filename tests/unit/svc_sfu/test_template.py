"""What slots of one format share of a packet, and the numbers that are written into it."""

from hypothesis import given
from hypothesis import strategies as st

from svc_sfu.core import rtp, viewer
from svc_sfu.core.codec import NO_NUMBERS, Codec, numbers_of, rewritten
from svc_sfu.core.rtp import Packet
from svc_sfu.core.stream import Stream
from svc_sfu.core.template import template

WIDE = viewer.ours(frozenset((Codec.VP8, Codec.H264)), True)
NARROW = viewer.ours(frozenset((Codec.VP8, Codec.H264)), False)
BOTH = bytes((0x90, 0xE0, 0x81, 0x02, 7, 0x20)) + b"picture"
PICTURE_ALONE = bytes((0x90, 0x80, 0x81, 0x02)) + b"picture"


def packet(payload: bytes) -> Packet:
    return Packet(True, 96, 5, 6, 7, {}, payload, 0)


@given(
    st.integers(0, 65535), st.integers(0, 0xFFFFFFFF), st.integers(0, 65535), st.integers(0, 32767), st.integers(0, 255)
)
def test_all_numbers_that_are_written_at_once_lie_where_a_reader_looks(
    seq: int, timestamp: int, wide: int, picture: int, tl0: int
) -> None:
    numbers = numbers_of(Codec.VP8, BOTH)
    made = template(packet(BOTH), Stream(7, Codec.VP8), numbers, WIDE, b"abc")
    assert made.write is not None
    buffer = bytearray(made.data)
    made.write(buffer, 2, seq, timestamp, 99, made.before, wide, made.between, 0x8000 | picture, tl0)
    read = rtp.parse(bytes(buffer))
    assert (read.marker, read.seq, read.timestamp, read.ssrc) == (True, seq, timestamp, 99)
    assert read.extensions == {WIDE.wide: wide.to_bytes(2, "big")}
    assert read.payload == rewritten(BOTH, numbers, picture, tl0)


def test_numbers_that_lie_otherwise_are_written_one_by_one() -> None:
    stream = Stream(7, Codec.VP8)
    for payload, formats in ((PICTURE_ALONE, WIDE), (BOTH, NARROW)):
        made = template(packet(payload), stream, numbers_of(Codec.VP8, payload), formats, b"abc")
        assert made.write is None
        assert made.data[made.payload_at :] == payload
    assert template(packet(b"pixels"), Stream(7, Codec.H264), NO_NUMBERS, WIDE, b"abc").write is None
