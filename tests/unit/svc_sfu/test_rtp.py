"""RTP and RTCP on the wire."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc_sfu.core import feedback, rtcp, rtp
from svc_sfu.core.rtp import PacketInvalid


def packet(payload: bytes = b"abc", extensions: dict[int, bytes] | None = None, **changed: int) -> bytes:
    block = rtp.extension_block(extensions or {})
    values = {"payload_type": 96, "seq": 7, "timestamp": 1000, "ssrc": 42} | changed
    return rtp.head(True, extended=bool(block), **values) + block + payload


def test_what_is_written_is_read_back() -> None:
    read = rtp.parse(packet(b"picture", {1: b"0", 3: b"\x01\x02\x03"}))
    assert (read.marker, read.payload_type, read.seq, read.timestamp, read.ssrc) == (True, 96, 7, 1000, 42)
    assert read.extensions == {1: b"0", 3: b"\x01\x02\x03"}
    assert read.payload == b"picture"


def test_padding_is_no_payload() -> None:
    data = bytearray(packet(b"ab" + bytes(3) + b"\x04"))
    data[0] |= 0x20
    assert rtp.parse(bytes(data)).payload == b"ab"
    data[-1] = 200
    with pytest.raises(PacketInvalid):
        rtp.parse(bytes(data))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80" * 11,
        b"\x40" + bytes(20),
        b"\x9f\x60" + bytes(10),
        b"\x90\x60" + bytes(10) + b"\xbe\xde\x00\xff",
        b"\x90\x60" + bytes(10) + b"\xbe\xde\x00\x01\x1f\x00\x00\x00",
        b"\x90\x60" + bytes(10) + b"\x10\x00\x00\x01\x01\xff\x00\x00",
        b"\xa0\x60" + bytes(10) + b"\x00",
    ],
)
def test_what_is_no_packet_is_refused(data: bytes) -> None:
    with pytest.raises(PacketInvalid):
        rtp.parse(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_packet_or_refused(data: bytes) -> None:
    for parse in (rtp.parse, rtcp.parse):
        for head in (b"", b"\x80\xc8", b"\x90\x60", b"\x81\xcd", b"\xa1\xce"):
            try:
                parse(head + data)
            except PacketInvalid:
                continue


def test_numbers_wrap_around() -> None:
    assert rtp.newer(0, 65535)
    assert not rtp.newer(65535, 0)
    assert not rtp.newer(5, 5)


def test_holes_are_asked_for_in_few_words_and_understood() -> None:
    seqs = [10, 11, 26, 27, 65535, 0]
    (read,) = rtcp.parse(rtcp.nack(1, 42, seqs))
    assert read == rtcp.Nack(42, tuple(seqs))
    assert len(rtcp.nack(1, 42, seqs)) == 12 + 4 * 3


def test_reports_are_read_back() -> None:
    blocks = [rtcp.reception(42, 0.25, 3, 70000, 5, 6, 7)]
    data = rtcp.sender_report(9, 1 << 40, 1234, 5, 6) + rtcp.receiver_report(1, blocks) + rtcp.pli(1, 42)
    assert rtcp.parse(data) == [
        rtcp.SenderReport(9, 1 << 40, 1234),
        rtcp.ReceptionReport(42, 0.25, 5, 6, 7),
        rtcp.KeyframeRequest(42),
    ]


def test_a_receivers_estimate_is_read() -> None:
    body = struct.pack("!II", 1, 0) + b"REMB" + bytes((1, 3 << 2 | 1, 0x86, 0xA0)) + struct.pack("!I", 42)
    data = struct.pack("!BBH", 0x80 | rtcp.APPLICATION, rtcp.PAYLOAD_FEEDBACK, len(body) // 4) + body
    assert rtcp.parse(data) == [rtcp.Estimate(100_000 << 3)]


def test_a_flood_in_one_request_is_cut() -> None:
    body = struct.pack("!II", 1, 42) + struct.pack("!HH", 0, 0xFFFF) * 200
    data = struct.pack("!BBH", 0x80 | rtcp.NACK, rtcp.TRANSPORT_FEEDBACK, len(body) // 4) + body
    (read,) = rtcp.parse(data)
    assert isinstance(read, rtcp.Nack)
    assert len(read.seqs) == rtcp.MAX_NACKED


def decoded(body: bytes) -> tuple[int, list[float | None]]:
    """A feedback as its receiver reads it: the first number, and when each packet came."""
    first, count = struct.unpack_from("!HH", body)
    now = int.from_bytes(body[4:7], "big") * feedback.BASE_S
    at = 8
    symbols: list[int] = []
    while len(symbols) < count:
        (chunk,) = struct.unpack_from("!H", body, at)
        at += 2
        if chunk & 0x8000:
            symbols += [chunk >> 12 - 2 * index & 3 for index in range(7)]
        else:
            symbols += [chunk >> 13] * (chunk & 0x1FFF)
    times: list[float | None] = []
    for symbol in symbols[:count]:
        if not symbol:
            times.append(None)
            continue
        ticks = body[at] if symbol == 1 else struct.unpack_from("!h", body, at)[0]
        at += symbol
        now += ticks * feedback.TICK_S
        times.append(now)
    return first, times


def test_feedback_tells_when_which_packet_came() -> None:
    arrivals = feedback.Arrivals()
    came = {65534: 10.0, 65535: 10.002, 1: 10.5, 0: 10.001, 30: 10.51}
    for seq, time in came.items():
        arrivals.add(seq, time)
    body = arrivals.take()
    assert body is not None
    first, times = decoded(body)
    assert first == 65534
    for seq, time in came.items():
        told = times[(seq - first) % 65536]
        assert told is not None
        assert abs(told - time) < 0.001
    assert sum(time is None for time in times) == len(times) - len(came)
    assert arrivals.take() is None
