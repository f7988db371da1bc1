"""A picture of many packets goes on together: it comes whole and in order, and what is asked for again comes again."""

import pytest

from svc_sfu.core import forwarder, rtcp
from svc_sfu.core.sdp import TRANSPORT_WIDE_NUMBER
from svc_sfu.engine import Engine, Show
from tests.integration.sfu_peer import AUDIO_TYPE, VIDEO_TYPE, Peer
from tests.waiting import until

FIRST, NEXT = b"\x10\x00", b"\x00\x00"
REPAIR_TYPE = 97


async def test_a_picture_comes_as_it_was_sent_and_what_is_missing_of_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarder, "KEPT_S", 600.0)  # on however busy a machine it is asked for in time
    engine = Engine("127.0.0.1", 0, ["127.0.0.1"], lambda _: None)
    engine.start()
    ada, bob = Peer(engine, "ada", 1_000), Peer(engine, "bob", 0)
    sound, picture = await ada.publish("r")
    await bob.watch("r")
    room = engine.rooms["r"]
    await until(lambda: room.subscribers["bob"].wire.ready and room.publishers["ada"].wire.ready, "both have keys")
    engine.show("r", "bob", [Show("a0", sound), Show("v0", picture)])
    ada.send(ada.seal(ada.packet(FIRST + b"key", VIDEO_TYPE)))
    await until(lambda: len(bob.heard(VIDEO_TYPE)) == 1, "Bob is shown Ada")

    sizes = [1_000] * 20 + [300] + [900] * 19
    burst = [NEXT + bytes((number,)) * size for number, size in enumerate(sizes)]
    for payload in burst:
        ada.send(ada.seal(ada.packet(payload, VIDEO_TYPE)))
    ada.send(ada.seal(ada.packet(b"word")))
    await until(lambda: len(bob.heard(VIDEO_TYPE)) == 1 + len(burst) and bob.heard(AUDIO_TYPE), "all of it comes")
    assert list(bob.heard(VIDEO_TYPE))[1:] == burst
    pictures = [each for each in bob.packets if each.payload_type == VIDEO_TYPE]
    assert [(each.seq - pictures[0].seq) % 65536 for each in pictures] == list(range(len(pictures)))
    wide = [int.from_bytes(each.extensions[TRANSPORT_WIDE_NUMBER], "big") for each in pictures]
    assert wide == [(wide[0] + step) % 65536 for step in range(len(pictures))]
    assert room.subscribers["bob"].subscriber is not None
    assert room.subscribers["bob"].subscriber.slots["v0"].forwarder.shift is not None, "nothing had to be decided"

    asked = [pictures[at] for at in (1, 20, 40)]
    bob.report(rtcp.nack(7, asked[0].ssrc, [each.seq for each in asked]))
    await until(lambda: len(bob.heard(REPAIR_TYPE)) == len(asked), "what was asked for comes again")
    assert list(bob.heard(REPAIR_TYPE)) == [each.seq.to_bytes(2, "big") + each.payload for each in asked]
    for peer in (ada, bob):
        await peer.close()
    await engine.close()
