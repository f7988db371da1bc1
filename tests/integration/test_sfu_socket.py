"""The worker's socket: what is sent for what was just read goes out together, and arrives as it was sent."""

import asyncio
import errno
import select
import socket
from collections.abc import AsyncIterator

import pytest

from svc_sfu.bootstrap import own_addresses
from svc_sfu.core.ice import Address
from svc_sfu.core.run import MAX_BYTES, MAX_SEGMENTS, alike
from svc_sfu.near import keep_to, loopback
from svc_sfu.socket import WHOLE, MediaSocket

SIZES = (1200, 1200, 1200, 900, 1200, 40, 40, 41, 1)


def test_a_run_has_one_size_but_for_its_last() -> None:
    assert alike(SIZES) == [(0, 4), (4, 6), (6, 7), (7, 9)]
    assert alike([]) == []
    assert alike([1] * (2 * MAX_SEGMENTS + 1)) == [(0, 64), (64, 128), (128, 129)]
    assert all(1400 * (end - start) <= MAX_BYTES for start, end in alike([1400] * 200))


class Answering:
    """A socket that answers each datagram with some, and who asks it."""

    def __init__(self) -> None:
        self.answers = [bytes((number,)) * size for number, size in enumerate(SIZES)]
        self.made = MediaSocket("127.0.0.1", 0, self._receive, lambda: None)
        self._asker = self._facing("127.0.0.1")

    def _facing(self, host: str) -> socket.socket:
        asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        asker.setblocking(False)
        asker.connect((host, self.made.port))
        return asker

    def face(self, host: str) -> None:
        """Asks at that address from now on: what comes from elsewhere is no answer."""
        self._asker.close()
        self._asker = self._facing(host)

    def _receive(self, data: bytes, address: Address) -> None:
        self.made.send_all(self.answers, address)

    async def ask(self) -> list[bytes]:
        """The answers to one datagram, each as it came."""
        self._asker.send(b"?")
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(10):
            return [await loop.sock_recv(self._asker, 2048) for _ in self.answers]

    def close(self) -> None:
        """Ends both."""
        self._asker.close()
        self.made.close()


@pytest.fixture
async def answering() -> AsyncIterator[Answering]:
    """It listens."""
    made = Answering()
    made.made.start()
    yield made
    made.close()


async def test_what_goes_out_together_arrives_one_by_one(answering: Answering) -> None:
    assert await answering.ask() == answering.answers
    assert answering.made._segments, "this kernel takes runs apart"


async def test_one_that_is_this_machines_alone_is_reached_at_each_address_of_it(answering: Answering) -> None:
    for address in own_addresses("127.0.0.1"):
        answering.face(address)
        assert await answering.ask() == answering.answers


def test_what_comes_by_another_interface_is_not_received() -> None:
    for interface, comes in ((loopback(), True), (loopback() + 1, False)):
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker,
        ):
            keep_to(made, interface)
            made.bind(("127.0.0.1", 0))
            asker.sendto(b"?", made.getsockname())
            assert bool(select.select([made], [], [], 10 if comes else 0.05)[0]) is comes


class Refusing:
    """A socket that sends no segments, and why."""

    def __init__(self, real: socket.socket, why: int) -> None:
        self._real, self._why = real, why
        self.refused = 0

    def sendmsg(self, *_: object) -> int:
        """See socket."""
        self.refused += 1
        raise OSError(self._why, "no segments")

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)


@pytest.mark.parametrize("why", [errno.EOPNOTSUPP, errno.EMSGSIZE, errno.EINVAL, errno.EIO])
async def test_where_the_kernel_cannot_they_go_one_after_the_other(
    answering: Answering, monkeypatch: pytest.MonkeyPatch, why: int
) -> None:
    refusing = Refusing(answering.made._socket, why)
    monkeypatch.setattr(answering.made, "_socket", refusing)
    assert await answering.ask() == answering.answers
    assert await answering.ask() == answering.answers
    assert (refusing.refused, answering.made.dropped) == (1, 0), "what is known is not tried again"
    assert answering.made._segments is (why != errno.EOPNOTSUPP), "a way to one address is not all ways"


def test_of_the_addresses_without_segments_the_last_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    made = MediaSocket("127.0.0.1", 0, lambda _data, _address: None, lambda: None)
    real = made._socket
    monkeypatch.setattr(made, "_socket", Refusing(real, errno.EMSGSIZE))
    for number in range(WHOLE + 1):
        made.send_all([b"a", b"b"], ("127.0.0.1", 20_000 + number))
    real.close()
    assert len(made._whole) == WHOLE
    assert ("127.0.0.1", 20_000) not in made._whole
