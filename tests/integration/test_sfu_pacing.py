"""A keyframe for somebody whose way showed its end: it comes later, but whole and in order, and sound goes past it."""

import time

from svc_sfu.core.departure import Delivered
from svc_sfu.core.sdp import TRANSPORT_WIDE_NUMBER
from svc_sfu.engine import Engine, Show
from tests.integration.sfu_peer import AUDIO_TYPE, VIDEO_TYPE, Peer
from tests.waiting import until

FIRST, NEXT = b"\x10\x00", b"\x00\x00"


async def test_a_burst_on_a_narrow_way_comes_in_order_with_numbers_that_go_on() -> None:
    engine = Engine("127.0.0.1", 0, ["127.0.0.1"], lambda _: None)
    engine.start()
    ada, bob = Peer(engine, "ada", 1_000), Peer(engine, "bob", 0)
    sound, picture = await ada.publish("r")
    await bob.watch("r")
    room = engine.rooms["r"]
    subscriber = room.subscribers["bob"].subscriber
    assert subscriber is not None
    await until(lambda: room.subscribers["bob"].wire.ready and room.publishers["ada"].wire.ready, "both have keys")
    engine.show("r", "bob", [Show("a0", sound), Show("v0", picture)])
    ada.send(ada.seal(ada.packet(FIRST + b"key", VIDEO_TYPE)))
    await until(lambda: len(bob.heard(VIDEO_TYPE)) == 1, "Bob is shown Ada")

    # Half of what was sent is told to be lost.
    assert subscriber.congestion is not None
    told_s = time.monotonic()
    subscriber.congestion.arrived(Delivered(count=1, size_bytes=9, least_delay_s=0.0, latest_s=0.0), told_s - 1.5)
    subscriber.congestion.arrived(Delivered(count=9, lost=9, least_delay_s=0.0, latest_s=1.0), told_s)
    await until(lambda: subscriber.pacer is not None, "the way counts as narrow")

    burst = [NEXT + bytes((number,)) * 1_000 for number in range(30)]
    for payload in burst:
        ada.send(ada.seal(ada.packet(payload, VIDEO_TYPE)))
    ada.send(ada.seal(ada.packet(b"word")))
    await until(lambda: len(bob.heard(VIDEO_TYPE)) == 1 + len(burst), "all of the picture comes")
    kinds = [each.payload_type for each in bob.packets]
    assert kinds.index(AUDIO_TYPE) < len(kinds) - 1, "sound went past what waited"
    assert list(bob.heard(VIDEO_TYPE))[1:] == burst
    pictures = [each for each in bob.packets if each.payload_type == VIDEO_TYPE]
    assert [(each.seq - pictures[0].seq) % 65536 for each in pictures] == list(range(31))
    wide = [int.from_bytes(each.extensions[TRANSPORT_WIDE_NUMBER], "big") for each in pictures]
    assert wide == list(range(wide[0], wide[0] + 31))
    for each in (ada, bob):
        await each.close()
    await engine.close()
