"""Descriptions of browsers, read and answered."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc_sfu.core import sdp
from svc_sfu.core.codec import Codec
from svc_sfu.core.sdp import DescriptionInvalid, Local, SlotOffer

OFFER = """v=0
o=- 46117 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1 2
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 0
c=IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa
a=fingerprint:sha-256 AA:BB
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendonly
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=rtpmap:0 PCMU/8000
a=ssrc:1001 cname:x
m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104 45
a=mid:1
a=sendonly
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:10/sendonly urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id
a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id
a=extmap:13 urn:3gpp:video-orientation
a=rtpmap:96 VP8/90000
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:103 H264/90000
a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:104 rtx/90000
a=fmtp:104 apt=103
a=rtpmap:45 H265/90000
a=rid:h send
a=rid:m send
a=rid:l send
a=simulcast:send h;m;l
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
a=mid:2
a=sctp-port:5000
"""
LOCAL = Local("uuuu", "pppppppppppppppppppppp", "CC:DD", [("192.0.2.7", 5000), ("127.0.0.1", 5000)])


def test_what_can_be_forwarded_is_taken_and_all_else_refused() -> None:
    described = sdp.parse(OFFER)
    audio, video, data = (sdp.accept(section) for section in described.sections)
    assert audio is not None
    assert audio.payload_types == {111: Codec.OPUS}
    assert audio.ssrcs == (1001,)
    assert video is not None
    assert video.payload_types == {96: Codec.VP8, 103: Codec.H264}
    assert video.repair_types == {97: 96, 104: 103}
    assert video.rids == ("h", "m", "l")
    assert 13 not in video.extensions
    assert data is None


def test_a_section_without_a_port_is_taken_where_it_is_reached_with_the_others_alone() -> None:
    closed = OFFER.replace("m=video 9", "m=video 0")
    assert sdp.accept(sdp.parse(closed).sections[1]) is None
    # As Firefox offers all but the first.
    bundled = closed.replace("a=mid:1\n", "a=bundle-only\na=mid:1\n")
    assert sdp.accept(sdp.parse(bundled).sections[1]) == sdp.accept(sdp.parse(OFFER).sections[1])


def test_a_layer_that_is_named_twice_is_one() -> None:
    section = sdp.parse(OFFER.replace("a=rid:m send", "a=rid:h send")).sections[1]
    assert section.rids == ["h", "l"]


def test_vp9_and_av1_are_taken_in_profiles_that_everybody_can_decode() -> None:
    lines = [
        "m=video 9 UDP/TLS/RTP/SAVPF 98 99 100 101 45 46 47",
        "a=mid:3",
        "a=rtpmap:98 VP9/90000",
        "a=fmtp:98 profile-id=0",
        "a=rtpmap:99 rtx/90000",
        "a=fmtp:99 apt=98",
        "a=rtpmap:100 VP9/90000",
        "a=fmtp:100 profile-id=2",
        "a=rtpmap:101 rtx/90000",
        "a=fmtp:101 apt=100",
        "a=rtpmap:45 AV1/90000",
        "a=fmtp:45 level-idx=5;profile=0;tier=0",
        "a=rtpmap:46 AV1/90000",
        "a=fmtp:46 level-idx=5;profile=1;tier=0",
        "a=rtpmap:47 AV1/90000",
    ]
    taken = sdp.accept(sdp.parse(OFFER + "\n".join(lines)).sections[-1])
    assert taken is not None
    assert taken.payload_types == {98: Codec.VP9, 45: Codec.AV1, 47: Codec.AV1}
    assert taken.repair_types == {99: 98}


def test_the_answer_takes_simulcast_and_says_where_packets_go() -> None:
    described = sdp.parse(OFFER)
    accepted = [sdp.accept(section) for section in described.sections]
    lines = sdp.answer(described, accepted, LOCAL).split("\r\n")
    assert "a=ice-lite" in lines
    assert "a=group:BUNDLE 0 1" in lines
    assert "a=simulcast:recv h;m;l" in lines
    assert lines.count("a=setup:passive") == 2
    assert "m=application 0 UDP/TLS/RTP/SAVPF webrtc-datachannel" in lines
    assert any(line.startswith("a=candidate:1 1 udp") and "192.0.2.7 5000 typ host" in line for line in lines)
    assert "a=rtpmap:45 H265/90000" not in lines


def test_slots_are_offered_with_streams_of_their_own_and_read_back() -> None:
    text = sdp.offer([SlotOffer("a0", "audio", 1, 2), SlotOffer("v0", "video", 3, 4)], LOCAL)
    described = sdp.parse(text)
    assert [section.mid for section in described.sections] == ["a0", "v0"]
    assert described.sections[1].repairs == {4: 3}
    assert described.setup == "actpass"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "v=0\r\n",
        OFFER.replace("a=ice-pwd", "a=x"),
        OFFER.replace("a=fingerprint", "a=x"),
        OFFER + "m=video\n",
        OFFER + "m=video x y 1\n",
        OFFER + "m=audio 9 UDP/TLS/RTP/SAVPF 0\n" * 70,
        OFFER + "a=candidate:1 1 udp 1 192.0.2.1 1 typ host\n" * 10_000,
        OFFER + "a=x:" + "y" * 70_000,
    ],
)
def test_what_is_none_or_too_much_is_refused(text: str) -> None:
    with pytest.raises(DescriptionInvalid):
        sdp.parse(text)


@given(st.integers(0, 2**32), st.integers(1, 30))
def test_no_mutation_of_an_offer_does_more_than_be_refused(seed: int, changes: int) -> None:
    chance = random.Random(seed)
    letters = list(OFFER)
    for _ in range(changes):
        at = chance.randrange(len(letters))
        choice = chance.randrange(3)
        if choice == 0:
            letters[at] = chr(chance.randrange(1, 0x2FF))
        elif choice == 1:
            del letters[at : at + chance.randrange(1, 40)]
        else:
            letters[at:at] = list(chance.choice(["a=", "\n", ":", " ", "99999999999999999999", "a=rid:x send\n", "٣"]))
    try:
        described = sdp.parse("".join(letters))
    except DescriptionInvalid:
        return
    sdp.answer(described, [sdp.accept(section) for section in described.sections], LOCAL)


def test_dependency_descriptors_are_taken_of_codecs_whose_payload_does_not_tell_of_layers() -> None:
    described = OFFER.replace("a=extmap:13 urn:3gpp:video-orientation", f"a=extmap:9 {sdp.DEPENDENCY}")
    for name, taken in (("VP8", False), ("VP9", True), ("AV1", True)):
        section = sdp.parse(described.replace("VP8/90000", f"{name}/90000")).sections[1]
        accepted, short = sdp.accept(section, mixed=True), sdp.accept(section)
        assert accepted is not None
        assert short is not None
        assert (9 in accepted.extensions) is taken
        assert 9 not in short.extensions, "those of keyframes would not come"
