"""The forwarder's socket among strangers: what they send harms nobody."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator

import pytest
from aioice import stun

from svc_sfu.core.sdp import DescriptionInvalid
from svc_sfu.engine import Engine, NothingOffered, ParticipantUnknown, RoomFull

ANSWER = """v=0
a=ice-ufrag:them
a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa
a=fingerprint:sha-256 AA:BB
a=setup:active
"""


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    """A worker on loopback."""
    made = Engine("127.0.0.1", 0, ["127.0.0.1"], lambda _: None)
    made.start()
    yield made
    await made.close()


def credentials(offer: str) -> tuple[str, str, int]:
    lines = dict(line.partition(":")[::2] for line in offer.split("\r\n") if line.startswith("a="))
    port = next(line.split(" ")[5] for line in offer.split("\r\n") if line.startswith("a=candidate"))
    return lines["a=ice-ufrag"], lines["a=ice-pwd"], int(port)


def check(ufrag: str, password: str) -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{ufrag}:them"
    message.add_message_integrity(password.encode())
    return bytes(message)


async def answered(port: int, datagrams: list[bytes], last: bytes) -> bytes:
    """Sends datagrams and gives the first answer, which is to the last."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.setblocking(False)
        own.connect(("127.0.0.1", port))
        for data in [*datagrams, last]:
            own.send(data)
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            return await loop.sock_recv(own, 2048)


async def test_garbage_of_every_kind_is_not_answered_and_a_check_still_is(engine: Engine) -> None:
    ufrag, password, port = credentials(engine.subscribe("r", "bob", audio=1, video=1))
    garbage = [bytes((first,)) + os.urandom(60) for first in range(256)]
    garbage += [b"", b"\x00", check(ufrag, "guessed"), check("else", password), os.urandom(60_000)]
    hello = b"\x16\xfe\xff" + bytes(10) + b"\x01" + bytes(40)
    answer = await answered(port, [*garbage, hello, hello], check(ufrag, password))
    assert stun.parse_message(answer).message_class is stun.Class.RESPONSE


async def test_packets_of_a_validated_address_without_keys_harm_nobody(engine: Engine) -> None:
    ufrag, password, port = credentials(engine.subscribe("r", "bob", audio=1, video=1))
    engine.accept("r", "bob", ANSWER)
    good = check(ufrag, password)
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.setblocking(False)
        own.connect(("127.0.0.1", port))
        own.send(good)
        await loop.sock_recv(own, 2048)
        for first in range(256):
            own.send(bytes((first,)) + os.urandom(200))
        own.send(check(ufrag, password))
        async with asyncio.timeout(5):
            while True:
                data = await loop.sock_recv(own, 2048)
                if data[0] < 4:
                    break
    assert "bob" in engine.rooms["r"].subscribers


async def test_what_is_asked_in_the_wrong_order_or_of_nobody_is_refused(engine: Engine) -> None:
    with pytest.raises(ParticipantUnknown):
        engine.accept("r", "bob", ANSWER)
    with pytest.raises(ParticipantUnknown):
        engine.mute("r", "bob", {"audio": True})
    with pytest.raises(RoomFull):
        engine.subscribe("r", "bob", audio=0, video=0)
    with pytest.raises(DescriptionInvalid):
        engine.publish("r", "bob", ANSWER)
    engine.subscribe("r", "bob", audio=1, video=0)
    engine.accept("r", "bob", ANSWER)
    with pytest.raises(NothingOffered):
        engine.accept("r", "bob", ANSWER)


async def test_a_room_is_gone_once_nobody_is_in_it(engine: Engine) -> None:
    engine.subscribe("r", "bob", audio=1, video=0)
    engine.subscribe("r", "eve", audio=1, video=0)
    engine.leave("r", "bob")
    assert list(engine.rooms["r"].subscribers) == ["eve"]
    engine.end("r")
    engine.end("r")
    engine.leave("r", "eve")
    assert engine.rooms == {}
