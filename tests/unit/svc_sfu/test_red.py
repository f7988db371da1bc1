"""Sound with the packet before it."""

from svc_sfu.core import sdp
from svc_sfu.core.red import redundant
from svc_sfu.core.rtp import Packet


def sound(seq: int, timestamp: int, payload: bytes) -> Packet:
    return Packet(False, 111, seq, timestamp, 1, {}, payload, 0)


def blocks(data: bytes) -> list[tuple[int, int, bytes]]:
    """Type, offset and bytes of each block, as RFC 2198 has them."""
    heads = []
    at = 0
    while data[at] & 0x80:
        word = int.from_bytes(data[at : at + 4], "big")
        heads.append((word >> 24 & 0x7F, word >> 10 & 0x3FFF, word & 0x3FF))
        at += 4
    last, at = data[at], at + 1
    found = []
    for kind, offset, size in heads:
        found.append((kind, offset, data[at : at + size]))
        at += size
    return [*found, (last, 0, data[at:])]


def test_the_packet_before_goes_along() -> None:
    before, now = sound(65_535, (1 << 32) - 960, b"before"), sound(0, 0, b"now")
    assert blocks(redundant(now, before, 111)) == [(111, 960, b"before"), (111, 0, b"now")]


def test_what_does_not_follow_or_does_not_fit_goes_alone() -> None:
    now = sound(10, 96_000, b"now")
    alone = [(111, 0, b"now")]
    for before in (
        None,
        sound(8, 95_040, b"x"),
        sound(11, 96_960, b"x"),
        sound(9, 0, b"x"),
        sound(9, 96_000, b"x"),
        sound(9, 95_040, b""),
        sound(9, 95_040, b"x" * 1_024),
    ):
        assert blocks(redundant(now, before, 111)) == alone


def test_slots_for_sound_offer_it_and_slots_for_pictures_do_not() -> None:
    local = sdp.Local("u", "p" * 22, "AA", [("127.0.0.1", 9)])
    offer = sdp.offer([sdp.SlotOffer("a0", "audio", 1, 2), sdp.SlotOffer("v0", "video", 3, 4)], local)
    audio, video = sdp.parse(offer).sections
    assert audio.codecs[sdp.RED_TYPE] == sdp.RED
    assert audio.parameters[sdp.RED_TYPE] == "111/111"
    assert sdp.RED_TYPE not in video.codecs
