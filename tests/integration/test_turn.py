"""coturn with the configuration that `rushes turn-config` writes: who may come in, and where it relays to."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aioice.stun import TransactionFailed
from aioice.turn import TurnClientUdpProtocol

from svc_signaling.core.turn import Relay, configuration, credentials
from tests.engine import Engine, free_ports, need, running

SECRET = "shared-with-coturn-for-this-test"
Guest = TurnClientUdpProtocol


@pytest.fixture(scope="module")
def turn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A coturn that may relay to what is public."""
    need("coturn")
    folder: Path = tmp_path_factory.mktemp("turn")
    (port,) = free_ports(1)
    file = folder / "turnserver.conf"
    file.write_text(configuration(Relay("rushes.test", SECRET, "127.0.0.1", port=port)))
    engine = Engine("coturn", folder, port=port, arguments=(str(file),))
    with running([engine]):
        yield engine


async def come(turn: Engine, username: str, credential: str) -> Guest:
    """An allocation, or TransactionFailed."""
    loop = asyncio.get_running_loop()
    server = ("127.0.0.1", turn.port)
    transport, guest = await loop.create_datagram_endpoint(
        lambda: Guest(server, username=username, password=credential, lifetime=600, channel_refresh_time=500),
        remote_addr=server,
    )
    try:
        await guest.connect()
    except BaseException:
        transport.close()
        raise
    return guest


@pytest.fixture
async def guest(turn: Engine) -> AsyncIterator[Guest]:
    """Somebody with credentials that are good."""
    made = await come(turn, *credentials(SECRET, int(time.time()) + 600, "ada"))
    yield made
    await made.delete()


@pytest.mark.parametrize(
    "peer",
    [
        "10.1.2.3",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "198.51.100.1",
        "224.0.0.1",
    ],
)
async def test_what_is_not_public_is_not_relayed_to(guest: Guest, peer: str) -> None:
    with pytest.raises(TransactionFailed) as raised:
        await guest.channel_bind(0x4000, (peer, 5000))
    assert raised.value.response.attributes["ERROR-CODE"][0] == 403


async def test_what_is_public_is_relayed_to(guest: Guest) -> None:
    await guest.channel_bind(0x4000, ("8.8.8.8", 5000))


async def test_credentials_that_are_over_or_of_another_secret_let_nobody_in(turn: Engine) -> None:
    now_s = int(time.time())
    for username, credential in (credentials(SECRET, now_s - 60, "ada"), credentials("guessed", now_s + 600, "ada")):
        with pytest.raises(TransactionFailed) as raised:
            await come(turn, username, credential)
        assert raised.value.response.attributes["ERROR-CODE"][0] == 401
