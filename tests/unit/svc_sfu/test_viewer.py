"""Offers of those who only watch, and fragments of descriptions."""

import random

import pytest

from svc_sfu.core import fragment, sdp, viewer
from svc_sfu.core.codec import Codec
from svc_sfu.core.ice import Agent, Session
from svc_sfu.core.sdp import DescriptionInvalid, SlotOffer
from tests.unit.svc_sfu.test_sdp import LOCAL, OFFER

WATCH = OFFER.replace("a=sendonly", "a=recvonly").replace("a=rid:", "a=nothing:")
SLOTS = [SlotOffer("0", "audio", 10, 11), SlotOffer("1", "video", 20, 21)]


def test_a_viewer_is_sent_what_it_numbered_as_it_numbered_it() -> None:
    offer = sdp.parse(WATCH.replace("a=extmap:13 urn:3gpp:video-orientation", f"a=extmap:7 {sdp.ABS_SEND_TIME}"))
    audio, video, data = viewer.wanted(offer)
    assert audio is not None
    assert video is not None
    assert data is None
    assert audio.formats == viewer.Formats({Codec.OPUS: 111}, {}, 0, red=63)
    types, repairs = {Codec.VP8: 96, Codec.H264: 103}, {Codec.VP8: 97, Codec.H264: 104}
    assert video.formats == viewer.Formats(types, repairs, 0, wide=3)
    answer = viewer.answer(offer, [audio, video, data], SLOTS, LOCAL)
    for line in (
        "a=mid:1",
        "a=sendonly",
        "a=setup:passive",
        "a=extmap:3 " + sdp.TRANSPORT_WIDE,
        "a=rtcp-fb:96 transport-cc",
        "a=rtpmap:103 H264/90000",
        "a=fmtp:104 apt=103",
        "a=ssrc-group:FID 20 21",
        "a=ssrc:10 cname:rushes",
        "a=fmtp:63 111/111",
        "a=group:BUNDLE 0 1",
    ):
        assert line in answer.split("\r\n"), line
    assert [each.port for each in sdp.parse(answer).sections] == [9, 9, 0]


def test_a_viewer_who_does_not_tell_when_packets_arrive_is_told_when_they_were_sent() -> None:
    asked = WATCH.replace("a=extmap:13 urn:3gpp:video-orientation", f"a=extmap:7 {sdp.ABS_SEND_TIME}")
    video = viewer.wanted(sdp.parse(asked.replace(sdp.TRANSPORT_WIDE, "urn:other")))[1]
    assert video is not None
    assert (video.formats.send_time, video.formats.wide) == (7, 0)


def test_an_offer_that_receives_nothing_or_says_a_mid_twice_is_refused() -> None:
    for bad in (
        OFFER,
        WATCH.replace("a=mid:1", "a=mid:0"),
        WATCH.replace("opus", "x").replace("m=video 9", "m=video 0"),
    ):
        with pytest.raises(DescriptionInvalid):
            viewer.wanted(sdp.parse(bad))


def test_a_feed_with_a_larger_profile_is_taken_where_there_is_no_smaller_one() -> None:
    high = OFFER.replace("profile-level-id=42e01f", "profile-level-id=640028")
    only = "\n".join(line for line in high.splitlines() if "VP8" not in line)
    assert [*filter(None, map(sdp.accept, sdp.parse(high).sections))][1].payload_types == {96: Codec.VP8}
    assert [*filter(None, map(sdp.accept, sdp.parse(only).sections))][1].payload_types == {103: Codec.H264}


FRAGMENT = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n"


def test_a_fragment_says_its_session_and_its_candidates_are_only_counted() -> None:
    told = fragment.parse(FRAGMENT + "a=candidate:1 1 udp 1 198.51.100.1 39132 typ host\r\na=end-of-candidates\r\n")
    assert told == fragment.Fragment("EsAw", "P2uYro0UCOQ4zxjKXaWCBui1", 1)
    again = fragment.parse(fragment.written(["0", "1"], LOCAL))
    assert (again.ufrag, again.password, again.candidates) == (LOCAL.ufrag, LOCAL.password, 2)


@pytest.mark.parametrize(
    "bad",
    ["", "hello", "a=ice-ufrag:EsAw\r\n", FRAGMENT.replace("EsAw", "E"), "<html>", FRAGMENT + "a=candidate:1\r\n" * 33,
     FRAGMENT + "a=x\r\n" * 5_000],
)  # fmt: skip
def test_what_is_no_fragment_or_too_much_is_refused(bad: str) -> None:
    with pytest.raises(DescriptionInvalid):
        fragment.parse(bad)


def test_mutations_of_an_offer_are_answered_or_refused_and_nothing_else_happens() -> None:
    chance = random.Random(7)
    for _ in range(400):
        text = bytearray(WATCH.encode())
        for _ in range(chance.randrange(1, 12)):
            at = chance.randrange(len(text))
            text[at : at + chance.randrange(0, 4)] = bytes(
                chance.randrange(10, 127) for _ in range(chance.randrange(3))
            )
        try:
            offer = sdp.parse(text.decode())
            wishes = viewer.wanted(offer)
        except DescriptionInvalid:
            continue
        slots = [SlotOffer(each.section.mid, each.section.kind, 1, 2) for each in wishes if each is not None]
        assert viewer.answer(offer, wishes, slots, LOCAL).startswith("v=0")


def test_ice_begun_anew_keeps_the_way_that_packets_take() -> None:
    agent, session = Agent(), Session("old", "p" * 22)
    agent.add(session)
    session.nominated = ("192.0.2.1", 5)
    agent.renew(session, "new", "q" * 22, "theirs")
    assert (session.ufrag, session.password, session.remote_ufrag) == ("new", "q" * 22, "theirs")
    assert session.nominated == ("192.0.2.1", 5)
    agent.remove(session)


def test_a_viewer_who_reads_long_extensions_is_sent_dependency_descriptors() -> None:
    asked = WATCH.replace("a=extmap:13 urn:3gpp:video-orientation", f"a=extmap:9 {sdp.DEPENDENCY}")
    assert sdp.MIXED not in asked
    short = viewer.wanted(sdp.parse(asked))[1]
    offer = sdp.parse(asked.replace("t=0 0", f"t=0 0\r\na={sdp.MIXED}"))
    audio, video, data = viewer.wanted(offer)
    assert short is not None
    assert video is not None
    assert (short.formats.described, video.formats.described) == (0, 9)
    answer = viewer.answer(offer, [audio, video, data], SLOTS, LOCAL).split("\r\n")
    assert f"a={sdp.MIXED}" in answer
    assert answer.count(f"a=extmap:9 {sdp.DEPENDENCY}") == 1
