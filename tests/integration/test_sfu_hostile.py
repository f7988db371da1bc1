"""Whoever has a valid session and misuses it harms nobody else's; whoever may not be heard is not."""

import asyncio
import os
import struct
from collections.abc import AsyncIterator

import pytest

from svc_sfu.core import rtcp, sdp
from svc_sfu.core.allocator import LEAST_BPS
from svc_sfu.engine import Engine, Show
from tests.integration.sfu_peer import VIDEO_TYPE, Peer
from tests.waiting import until

KEYFRAME = b"\x10\x00picture"
DELTA = b"\x10\x01picture"


class Stage:
    """A room in which Ada publishes, Bob watches her, and Eve has a session of each kind."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.ada, self.bob = Peer(engine, "ada", 1_000), Peer(engine, "bob", 0)
        self.eve, self.eye = Peer(engine, "eve", 2_000), Peer(engine, "eve", 0)
        self.tracks: list[str] = []
        self.theirs: list[str] = []
        self._said = 0

    async def begin(self) -> None:
        """All have keys, and Bob and Eve are shown what Ada publishes."""
        self.tracks = await self.ada.publish("r")
        self.theirs = await self.eve.publish("r")
        for each in (self.bob, self.eye):
            await each.watch("r")
            self.show(each, self.tracks)
        await until(lambda: self._all_ready(), "all have keys")

    def _all_ready(self) -> bool:
        room = self.engine.rooms["r"]
        return all(each.wire.ready for each in (*room.publishers.values(), *room.subscribers.values()))

    def show(self, who: Peer, tracks: list[str]) -> None:
        shows = [Show(mid, track_id) for mid, track_id in zip(("a0", "v0"), tracks, strict=True)]
        self.engine.show("r", who.name, shows)

    async def goes_on(self) -> None:
        """What Ada says still comes to Bob, whole and in order."""
        before = len(self.bob.heard())
        words = [b"word %d" % (self._said + each) for each in range(20)]
        self._said += len(words)
        for word in words:
            self.ada.send(self.ada.seal(self.ada.packet(word)))
            await asyncio.sleep(0)
        await until(lambda: len(self.bob.heard()) >= before + len(words), "Bob hears Ada")
        assert list(self.bob.heard())[before:] == words

    async def close(self) -> None:
        for each in (self.ada, self.bob, self.eve, self.eye):
            await each.close()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """See Stage."""
    engine = Engine("127.0.0.1", 0, ["127.0.0.1"], lambda _: None)
    engine.start()
    made = Stage(engine)
    await made.begin()
    yield made
    await made.close()
    await engine.close()


async def settled(stage: Stage) -> None:
    """Everything that was sent before was dealt with: the socket is read in order."""
    before = stage.eve.checks
    stage.eve.check()
    await until(lambda: stage.eve.checks > before, "Eve is answered")


async def test_broken_packets_inside_a_valid_session_are_dropped(stage: Stage) -> None:
    stage.show(stage.bob, stage.tracks)
    whole = stage.eve.packet(b"x" * 40)
    broken = [
        bytes((whole[0] | 0x20,)) + whole[1:-1] + b"\xff",  # more padding than packet
        bytes((whole[0] | 0x20,)) + whole[1:-1] + b"\0",  # padding of nothing
        bytes((whole[0] | 0x0F,)) + whole[1:],  # sources that are not there
        bytes((whole[0] | 0x10,)) + whole[1:12] + struct.pack("!HH", 0xBEDE, 200) + b"x" * 8,
        bytes((whole[0] | 0x10,)) + whole[1:12] + struct.pack("!HH", 0xBEDE, 1) + b"\x1f\xff\xff\xff" + b"x",
        whole[:12],
    ]
    for number, packet in enumerate(broken, 1):
        sealed = stage.eve.wire.seal(packet[:2] + number.to_bytes(2, "big") + packet[4:])
        if sealed is not None:  # libsrtp itself refuses some
            stage.eve.send(sealed)
    for _ in range(50):
        stage.eve.send(os.urandom(65_507))  # as large as a datagram can be
        stage.eve.report(b"\x80" + os.urandom(1) + b"\x00\x02" + os.urandom(8))
    await stage.goes_on()


async def test_a_streams_number_of_somebody_else_is_not_theirs_to_use(stage: Stage) -> None:
    stage.eve.send(stage.eve.seal(stage.eve.packet(b"forged", ssrc=stage.ada.audio, seq=5)))
    await settled(stage)
    await stage.goes_on()
    assert b"forged" not in stage.bob.heard()


async def test_a_packet_that_is_sent_again_by_whoever_saw_it_is_heard_once(stage: Stage) -> None:
    sealed = stage.ada.seal(stage.ada.packet(b"once"))
    for sender in (stage.ada, stage.ada, stage.eve, stage.eye):
        sender.send(sealed)
    await settled(stage)
    await stage.goes_on()
    assert list(stage.bob.heard()).count(b"once") == 1


async def test_numbers_that_jump_by_half_their_range_harm_only_their_own_stream(stage: Stage) -> None:
    for number in range(200):
        jumped = stage.eve.packet(KEYFRAME, VIDEO_TYPE, seq=number * 32_768 + number)
        sealed = stage.eve.wire.seal(jumped)
        if sealed is not None:
            stage.eve.send(sealed)
    await settled(stage)
    await stage.goes_on()
    assert len(stage.engine.rooms["r"].publishers) == 2


async def test_a_flood_of_requests_is_a_few_for_who_publishes_and_nothing_for_others(stage: Stage) -> None:
    stage.ada.send(stage.ada.seal(stage.ada.packet(KEYFRAME, VIDEO_TYPE)))
    await until(lambda: len(stage.eye.heard(VIDEO_TYPE)) == 1 == len(stage.bob.heard(VIDEO_TYPE)), "both see Ada")
    before = len(stage.ada.reports)
    ssrc = next(each.ssrc for each in stage.eye.packets if each.payload_type == VIDEO_TYPE)
    remb = b"\x8f\xce\x00\x05" + bytes(8) + b"REMB\x01\x00\x00\x00" + ssrc.to_bytes(4, "big")
    for number in range(300):
        stage.eye.report(rtcp.pli(1, ssrc))
        fir = b"\x84\xce\x00\x04" + bytes(8) + ssrc.to_bytes(4, "big") + bytes((number % 256, 0, 0, 0))
        stage.eye.report(fir)
        stage.eye.report(rtcp.nack(1, ssrc, range(0, 60_000, 500)))
        stage.eye.report(remb)  # an estimate of nothing
    stage.eye.check()
    await until(lambda: stage.eye.checks > 1, "Eve is answered")
    await stage.goes_on()
    asked = sum(len(each) == 12 and each[1] == 206 for each in stage.ada.reports[before:])
    assert asked <= 3, "of hundreds of requests"
    stage.ada.send(stage.ada.seal(stage.ada.packet(DELTA, VIDEO_TYPE)))
    await until(lambda: len(stage.bob.heard(VIDEO_TYPE)) == 2, "Bob sees Ada")


async def test_pictures_have_numbers_and_what_is_told_of_them_harms_nobody(stage: Stage) -> None:
    for payload in (KEYFRAME, DELTA, DELTA):
        stage.ada.send(stage.ada.seal(stage.ada.packet(payload, VIDEO_TYPE)))
    await until(lambda: len(stage.eye.heard(VIDEO_TYPE)) == 3, "Eve sees Ada")
    seen = [each for each in stage.eye.packets if each.payload_type == VIDEO_TYPE]
    assert [each.extensions[sdp.TRANSPORT_WIDE_NUMBER] for each in seen] == [b"\0\0", b"\0\1", b"\0\2"]
    before = len(stage.eye.packets)
    told = [
        b"\x00\x00\x00\x03\x00\x00\x01\x00\xd5\x40\x00\x00\x00\x00",  # all three at one moment
        b"\x00\x00\x10\x00\x00\x00\x01\x01\x1f\xff",  # thousands that were never sent
        b"\x00\x00\xff\xff\x00\x00\x01\x02\x1f\xff",  # more than there can be
        b"\x00\x00\x00\x03\x7f\xff\xff\x03\xe5\x40\x80\x00\x7f\xff\x80\x00",  # from end to end of time
        b"\x00\x00",
    ]
    for _ in range(100):
        for body in told:
            stage.eye.report(rtcp.transport_feedback(1, seen[0].ssrc, body))
    stage.eye.report(rtcp.transport_feedback(1, seen[0].ssrc, os.urandom(1_200)))
    await settled(stage)
    await stage.goes_on()
    subscriber = stage.engine.rooms["r"].subscribers["eve"].subscriber
    assert subscriber is not None
    assert subscriber.congestion is not None
    assert subscriber.congestion.heard
    assert LEAST_BPS <= subscriber.available_bps <= 50_000_000
    assert len(stage.eye.packets) - before < 2_000, "she is sent a train or two, and no flood"


async def test_whoever_is_muted_or_removed_is_heard_by_nobody_and_hears_nobody(stage: Stage) -> None:
    stage.show(stage.bob, stage.theirs)
    stage.eve.send(stage.eve.seal(stage.eve.packet(b"hello")))
    await until(lambda: b"hello" in stage.bob.heard(), "Bob hears Eve")
    stage.engine.mute("r", "eve", {"audio": True})
    stage.eve.send(stage.eve.seal(stage.eve.packet(b"muted")))
    await settled(stage)
    stage.engine.leave("r", "eve")
    heard = len(stage.eye.packets)
    stage.eve.send(stage.eve.seal(stage.eve.packet(b"removed")))
    stage.eve.check()
    stage.show(stage.bob, stage.tracks)
    await stage.goes_on()
    assert {b"muted", b"removed"}.isdisjoint(stage.bob.heard())
    assert len(stage.eye.packets) == heard
