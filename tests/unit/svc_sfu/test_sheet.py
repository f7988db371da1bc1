"""Packets that are sealed beside each other are what they would be if each were sealed on its own."""

from collections.abc import Sequence

import pytest
from aiortc.rtcdtlstransport import RTCCertificate
from pylibsrtp import Policy, Session

from svc_sfu.core import viewer
from svc_sfu.core.codec import NO_NUMBERS, Codec, numbers_of
from svc_sfu.core.forwarder import Forwarder
from svc_sfu.core.ice import Address
from svc_sfu.core.publisher import Track
from svc_sfu.core.rtp import Packet
from svc_sfu.core.run import Run
from svc_sfu.core.sheet import MAX_PACKET_BYTES, Sheets
from svc_sfu.core.stream import Incoming, Stream
from svc_sfu.wire import Keys, Wire, send_sheet
from tests.unit.svc_sfu.captured import NUMBER, packets

WHERE = ("127.0.0.1", 9)
PROFILES = {16: Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 10: Policy.SRTP_PROFILE_AES128_CM_SHA1_80}
ALL = frozenset((Codec.VP8, Codec.H264, Codec.AV1))
CERTIFICATE = RTCCertificate.generateCertificate()


class Sent:
    """What would go out, packet by packet."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.calls = 0

    def send(self, data: bytes | memoryview, address: Address) -> None:
        """See Sender."""
        self.calls += 1
        self.packets.append(bytes(data))

    def send_all(self, packets: Sequence[bytes], address: Address) -> None:
        """See Sender."""
        self.packets += packets

    def send_beside(self, view: memoryview, sends: Sequence[tuple[int, int, int]], address: Address) -> None:
        """See Sender."""
        self.calls += len(sends)
        for start, end, size in sends:
            self.packets += [bytes(view[at : min(end, at + size)]) for at in range(start, end, size)]


def keyed(tag_bytes: int) -> Wire:
    """A wire with keys, always the same."""
    wire = Wire(CERTIFICATE, lambda _: None)
    key = bytes(range(28 if tag_bytes == 16 else 30))
    wire._outgoing = Session(Policy(key, Policy.SSRC_ANY_OUTBOUND, srtp_profile=PROFILES[tag_bytes]))
    wire._session = wire._outgoing._srtp[0]
    wire.keys = Keys(wire._session, tag_bytes, wire._outgoing)
    return wire


def came(codec: Codec, payloads: Sequence[bytes], *, frames: bool = False) -> list[Incoming]:
    """Packets of a stream as they came."""
    if frames:
        stream, found = Stream(7, codec), list[Incoming]()
        for packet in packets("L3T3")[: len(payloads)]:
            frame = stream.layering.read(packet.extensions[NUMBER], packet.payload, packet.marker, NO_NUMBERS)
            found.append(Incoming(packet, 0.0, frame=frame))
        return found
    made = [Packet(at == 1, 96, 65_534 + at & 0xFFFF, 5, 7, {}, each, 0) for at, each in enumerate(payloads)]
    return [
        Incoming(packet, 0.0, numbers_of(codec, packet.payload), before=made[at - 1] if at else None)
        for at, packet in enumerate(made)
    ]


def vp8(size: int) -> bytes:
    return bytes((0x90, 0xE0, 0x81, 0x02, 7, 0x20)) + bytes(size)


RUNS = {
    "VP8": (Codec.VP8, [vp8(900), vp8(900), vp8(200), vp8(901)], viewer.ours(ALL, True), False),
    "VP8 without feedback": (Codec.VP8, [vp8(9), vp8(9)], viewer.ours(ALL, False), False),
    "VP8 alone": (Codec.VP8, [vp8(MAX_PACKET_BYTES), vp8(9)], viewer.ours(ALL, True), False),
    "H264": (Codec.H264, [b"pixels", b"pixels", b"some"], viewer.ours(ALL, True), False),
    "AV1": (Codec.AV1, [b""] * 9, viewer.ours(ALL, True, True), True),
    "sound": (Codec.OPUS, [b"a word", b"another"], viewer.OURS_RED, False),
    "sound alone": (Codec.OPUS, [b"a word"], viewer.OURS_SOUND, False),
}


@pytest.mark.parametrize("tag_bytes", PROFILES)
@pytest.mark.parametrize("name", RUNS)
def test_a_sheet_is_sent_as_each_of_its_packets_would_be(name: str, tag_bytes: int) -> None:
    codec, payloads, formats, frames = RUNS[name]
    stream = Stream(7, codec)
    incoming = came(codec, payloads, frames=frames)
    run = Run(Track("t", "v", "video"), stream, incoming[0])
    for each in incoming[1:]:
        run.add(each)
    forwarder = Forwarder(77, 88, 99)
    forwarder.source = stream
    shift = forwarder.follow(stream)
    assert shift is not None
    shift.seqs, shift.stamps, shift.pictures, shift.tl0s, shift.frames = 3, 1 << 31, 32_700, 250, 65_000
    wide = 65_535 if formats.wide else -1
    together, alone = Sent(), list[bytes]()
    sheets = Sheets(run, 1.0)
    known = sheets.of(formats, tag_bytes)
    assert known is not None
    keys = keyed(tag_bytes).keys
    assert keys is not None
    known[1].append((keys.session, shift, 1234, wide, WHERE))
    for sheet, receivers in sheets.all():
        send_sheet(sheet, receivers, together)
    wire = keyed(tag_bytes)
    for each in incoming:
        outgoing = shift.sent(each)
        made = sheets.template(each, outgoing, formats)
        assert made is not None
        sealed = wire.seal_as(made, outgoing, 1234, wide)
        if sealed is not None:
            alone.append(sealed)
            wide = (wide + 1) & 0xFFFF if wide >= 0 else wide
    assert together.packets == alone
    assert len(alone) == sum(len(each.packet.payload) < MAX_PACKET_BYTES for each in incoming)
    if name == "VP8":
        assert together.calls == 2, "what is of one size goes out at once, with something shorter behind it"


def test_who_cannot_decode_it_gets_no_sheet() -> None:
    run = Run(Track("t", "v", "video"), Stream(7, Codec.AV1), came(Codec.AV1, [b"x"])[0])
    sheets = Sheets(run, 1.0)
    assert sheets.of(viewer.ours(frozenset((Codec.VP8,)), True), 16) is None
    assert sheets.all() == []
