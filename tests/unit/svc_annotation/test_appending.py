"""What becomes of appends that begin together: each sender is told of its own, as soon as it is known."""

import asyncio
from dataclasses import dataclass, field

import pytest

from rushes.errors import Unavailable
from svc_annotation.appending import Appends
from svc_annotation.stores import LogFull, LogReadOnly

pytestmark = pytest.mark.asyncio


@dataclass
class Sender:
    """Notes what it is told."""

    in_trouble: bool = True
    told: list[object] = field(default_factory=list)

    def landed(self) -> None:
        """See Sender."""
        self.told.append("landed")

    def lost(self, client_seq: int, error: Exception) -> None:
        """See Sender."""
        self.told.append((client_seq, type(error)))


async def turns() -> None:
    """The loop goes round."""
    for _ in range(4):
        await asyncio.sleep(0)


async def test_each_sender_is_told_what_became_of_its_own() -> None:
    appends, senders = Appends(), [Sender() for _ in range(4)]
    begun = [asyncio.get_running_loop().create_future() for _ in senders]
    for number, (sender, appending) in enumerate(zip(senders, begun, strict=True)):
        appends.add(appending, sender, number)
    await turns()
    begun[0].set_result(7)
    begun[1].set_exception(LogFull("the disk is full"))
    begun[2].cancel()
    begun[3].set_exception(Unavailable("not now"))
    await turns()
    assert [sender.told for sender in senders] == [["landed"], [(1, LogReadOnly)], [], [(3, Unavailable)]]


async def test_whose_append_takes_longer_than_those_after_it_is_told_later() -> None:
    appends, first, last = Appends(), Sender(), Sender()
    slow, quick = (asyncio.get_running_loop().create_future() for _ in range(2))
    appends.add(slow, first, 1)
    appends.add(quick, last, 1)
    await turns()
    quick.set_result(1)
    await turns()
    assert (first.told, last.told) == ([], ["landed"])
    slow.set_exception(Unavailable("too late"))
    await turns()
    assert first.told == [(1, Unavailable)]


async def test_what_is_done_before_anybody_looks_is_told_too() -> None:
    appends, sender = Appends(), Sender()
    for number in range(2):
        done = asyncio.get_running_loop().create_future()
        done.set_result(number)
        appends.add(done, sender, number)
        await turns()
    assert sender.told == ["landed"] * 2
