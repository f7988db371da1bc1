"""A room on two forwarders: whoever watches does not notice on which of them somebody publishes."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator

import pytest

from svc_sfu.engine import Engine, Show
from svc_sfu.envelope import KEY_BYTES
from svc_sfu.relays import RelayInvalid, RoomNotHere
from svc_sfu.tap import Tap
from tests.integration.sfu_peer import VIDEO_TYPE, Peer
from tests.waiting import until

KEY = b"\x90\xe0\x80\x01\x01\x10\x00\x9d\x01\x2a"
DELTA = b"\x90\xe0\x80\x02\x01\x10\x01more"


@pytest.fixture
async def engines() -> AsyncIterator[list[Engine]]:
    """Two workers on loopback."""
    made = [Engine("127.0.0.1", 0, ["127.0.0.1"], lambda _: None) for _ in range(2)]
    for each in made:
        each.start()
    yield made
    for each in made:
        await each.close()


def link(one: Engine, other: Engine) -> None:
    """What svc_signaling asks of both when both have people of a room."""
    relay, there, back = secrets.randbits(64), secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES)
    address = other.open_relay("r", relay, "one", (back, there), None)
    one.open_relay("r", relay, "other", (there, back), address)


async def speak(peer: Peer, said: asyncio.Event) -> None:
    """Publishes a sound and a picture every 20 ms, as encoders do: a keyframe for whoever asked for one."""
    while not said.is_set():
        asked = any(report[1] == 206 for report in peer.reports)
        peer.reports.clear()
        peer.send(peer.seal(peer.packet(peer.name.encode())))
        peer.send(peer.seal(peer.packet((KEY if asked else DELTA) + peer.name.encode(), VIDEO_TYPE)))
        await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def speaking(*peers: Peer) -> AsyncIterator[None]:
    """They publish meanwhile."""
    said = asyncio.Event()
    tasks = [asyncio.create_task(speak(peer, said)) for peer in peers]
    yield
    said.set()
    await asyncio.gather(*tasks)


def sees(peer: Peer, whom: str) -> bool:
    """Whether somebody's sound and pictures came, the pictures from a keyframe on."""
    pictures = [each for each in peer.heard(VIDEO_TYPE) if each.endswith(whom.encode())]
    return whom.encode() in peer.heard() and bool(pictures) and not pictures[0][6] & 1


def show(engine: Engine, who: str, tracks: list[str]) -> None:
    """Shows the two tracks of somebody to somebody."""
    engine.show("r", who, [Show("a0", tracks[0]), Show("v0", tracks[1])])


async def test_people_on_two_forwarders_see_and_hear_each_other(engines: list[Engine]) -> None:
    one, other = engines
    ann, bob = Peer(one, "ann", 1000), Peer(other, "bob", 2000)
    anna, bobby = Peer(one, "anna", 3000), Peer(other, "bobby", 4000)
    peers = [ann, bob, anna, bobby]
    ann_tracks, bob_tracks = await ann.publish("r"), await bob.publish("r")
    await anna.watch("r")
    await bobby.watch("r")
    link(one, other)
    tap = Tap(lambda: 0)
    other.tap("r", tap)
    show(one, "anna", bob_tracks)  # of whom that forwarder may not have heard yet
    show(other, "bobby", ann_tracks)
    async with speaking(ann, bob):
        await until(lambda: sees(anna, "bob") and sees(bobby, "ann"), "both being seen from the other forwarder")
        # A recorder taps every forwarder: each gives it what is published there.
        await until(lambda: set(tap.subscriber.slots) == {"bob.audio", "bob.video"}, "the recorder having Bob alone")
        one.mute("r", "ann", {"audio": True, "video": True})
        await until(lambda: _muted(other, ann_tracks), "the other forwarder being told")
        bobby.packets.clear()
        one.mute("r", "ann", {"audio": False, "video": False})
        await until(lambda: sees(bobby, "ann"), "being seen again, from a keyframe on")
        one.leave("r", "ann")
        show(other, "bobby", bob_tracks)
        bobby.packets.clear()
        await until(lambda: sees(bobby, "bob"), "somebody on the own forwarder being seen")
    for peer in peers:
        await peer.close()


def _muted(engine: Engine, tracks: list[str]) -> bool:
    found = [engine.rooms["r"].find(each) for each in tracks]
    return all(track is not None and track.muted for track in found)


async def test_a_forwarder_that_is_gone_takes_away_its_people_alone(engines: list[Engine]) -> None:
    one, other = engines
    ann, bob, bobby = Peer(one, "ann", 1000), Peer(other, "bob", 2000), Peer(other, "bobby", 3000)
    ann_tracks, bob_tracks = await ann.publish("r"), await bob.publish("r")
    await bobby.watch("r")
    link(one, other)
    show(other, "bobby", ann_tracks)
    async with speaking(bob):
        async with speaking(ann):
            await until(lambda: sees(bobby, "ann"), "being seen from the other forwarder")
        await ann.close()
        await one.close()
        engines.remove(one)
        await until(lambda: other.rooms["r"].find(ann_tracks[0]) is None, "the tracks being gone")
        bobby.packets.clear()
        show(other, "bobby", bob_tracks)
        await until(lambda: sees(bobby, "bob"), "somebody on the own forwarder being seen")
    await bob.close()
    await bobby.close()


async def test_a_link_that_is_opened_anew_goes_on_with_what_was_shown(engines: list[Engine]) -> None:
    one, other = engines
    ann, bobby = Peer(one, "ann", 1000), Peer(other, "bobby", 3000)
    tracks = await ann.publish("r")
    await bobby.watch("r")
    link(one, other)
    show(other, "bobby", tracks)
    async with speaking(ann):
        for _ in range(2):
            bobby.packets.clear()
            await until(lambda: sees(bobby, "ann"), "being seen from the other forwarder")
            link(one, other)
        other.close_relay("r", "one")
        assert other.rooms["r"].find(tracks[0]) is None
        assert not one.rooms["r"].of_use(one.rooms["r"].find(tracks[1]))[1:]  # type: ignore[arg-type]
    await ann.close()
    await bobby.close()


async def test_a_relay_that_makes_no_sense_is_refused(engines: list[Engine]) -> None:
    one, _ = engines
    one.subscribe("r", "ann", audio=1, video=1)
    key = bytes(KEY_BYTES)
    with pytest.raises(RoomNotHere):
        one.open_relay("another", 1, "other", (key, key), None)
    for relay, peer, keys in ((0, "other", (key, key)), (1, "", (key, key)), (1, "other", (key, b"short"))):
        with pytest.raises(RelayInvalid):
            one.open_relay("r", relay, peer, keys, None)
    assert one.open_relay("r", 1, "other", (key, key), None) == one.open_relay("r", 1, "other", (key, key), None)
