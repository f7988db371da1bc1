"""Frames to more viewers than are written to in one go: in turns, in order, and together where it is late."""

import asyncio
from collections.abc import Sequence

import pytest

from gateway.fanout import HIGH_BYTES, MAX_WAITING, MAX_WAITING_BYTES, FanOut
from tests.unit.gateway.fanout_rig import Viewer, congested, counted

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("two_a_turn")]


async def turns(count: int = 1) -> None:
    """Lets the loop go round so many times."""
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture
def two_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few are written to before others have their turn."""
    monkeypatch.setattr("gateway.fanout.TURN", 2)


async def test_a_frame_goes_to_many_in_turns_and_others_have_theirs_between() -> None:
    fan_out = FanOut(congested)
    viewers = [Viewer(waiting=1) for _ in range(5)]
    fan_out.sockets.update(enumerate(viewers))
    got: list[int] = []
    fan_out.send(range(5), b"<1>")
    for _ in range(3):
        got.append(sum(bool(each.queued) for each in viewers))
        await turns()
    assert got == [2, 4, 5]
    assert [each.queued for each in viewers] == [[b"<1>"]] * 5


@pytest.mark.parametrize("sessions", [range(5), (4,)], ids=["to all", "to one"])
async def test_what_comes_next_waits_until_all_have_the_frame_before(sessions: Sequence[int]) -> None:
    fan_out = FanOut(congested)
    viewers = [Viewer(waiting=1) for _ in range(5)]
    fan_out.sockets.update(enumerate(viewers))
    before = counted("out")
    fan_out.send(range(5), b"<1>")
    fan_out.send(sessions, b"<2>")
    await turns(6)
    assert [each.queued for each in viewers] == [[b"<1>", *[b"<2>"] * (number in sessions)] for number in range(5)]
    assert counted("out") - before == 5 + len(sessions)


async def test_what_comes_before_its_turn_goes_in_one_write_and_counts_as_what_it_is() -> None:
    fan_out = FanOut(congested)
    viewers = [Viewer(waiting=1) for _ in range(3)]
    fan_out.sockets.update(enumerate(viewers))
    before = counted("out")
    for frame in (b"<1>", b"<2>", b"<3>"):
        fan_out.send(range(3), frame)
    fan_out.send(range(2), b"<4>")
    fan_out.send(range(3), b"<5>")
    await turns(6)
    assert viewers[0].queued == [b"<1>", b"<2><3>", b"<4>", b"<5>"], (
        "others are written to in between: it keeps its place"
    )
    assert viewers[2].queued == [b"<1>", b"<2><3>", b"<5>"]
    assert counted("out") - before == 3 * 4 + 2


async def test_one_of_those_who_have_had_their_turn_is_written_to_at_once() -> None:
    fan_out = FanOut(congested)
    viewers = [Viewer(waiting=1) for _ in range(4)]
    fan_out.sockets.update(enumerate(viewers))
    fan_out.send(range(4), b"<1>")
    fan_out.send((1,), b"<2>")
    assert [len(each.queued) for each in viewers] == [1, 2, 0, 0]
    fan_out.send((3,), b"<2>")
    assert [len(each.queued) for each in viewers] == [1, 2, 1, 2]


@pytest.mark.parametrize(
    "waiting",
    [[(range(3), b"x" * (MAX_WAITING_BYTES + 1))], [(range(each), b"x") for each in range(2, 2 + MAX_WAITING)]],
    ids=["many bytes", "many frames"],
)
async def test_too_much_is_written_before_anything_else(waiting: list[tuple[Sequence[int], bytes]]) -> None:
    fan_out = FanOut(congested)
    viewers = [Viewer(waiting=1) for _ in range(2 + MAX_WAITING)]
    fan_out.sockets.update(enumerate(viewers))
    fan_out.send(range(3), b"<1>")
    fan_out.send(range(3), b"<2>")
    assert not viewers[2].queued
    for each in waiting:
        fan_out.send(*each)
    assert viewers[2].queued[0] == b"<1>"


async def test_who_leaves_before_its_turn_gets_nothing_more_and_who_is_full_is_named_in_it() -> None:
    named: list[int] = []
    fan_out = FanOut(lambda session, now: named.append(session))
    gone, full = Viewer(waiting=1), Viewer(waiting=HIGH_BYTES + 1)
    fan_out.sockets.update({0: Viewer(waiting=1), 1: Viewer(waiting=1), 2: gone, 3: full})
    fan_out.send(range(4), b"<1>")
    assert not named
    del fan_out.sockets[2]
    await turns()
    assert (gone.queued, full.queued, named) == ([], [b"<1>"], [3])


async def test_presence_that_comes_between_turns_goes_with_what_is_still_to_be_written() -> None:
    fan_out = FanOut(congested)
    viewers = [Viewer(waiting=1) for _ in range(4)]
    fan_out.sockets.update(enumerate(viewers))
    fan_out.send_later(range(4), b"[a]")
    fan_out.send(range(4), b"<1>")
    fan_out.send_later((0, 3), b"[b]")
    await turns()
    fan_out.close()
    assert [each.queued for each in viewers] == [[b"<1>[a]"]] * 3 + [[b"<1>[b]"]]


async def test_a_fan_out_that_closes_writes_what_it_is_asked_to_and_no_more() -> None:
    fan_out = FanOut(congested)
    viewers = [Viewer(waiting=1) for _ in range(4)]
    fan_out.sockets.update(enumerate(viewers))
    fan_out.send(range(4), b"<1>")
    fan_out.finish()
    fan_out.send(range(4), b"<2>")
    fan_out.close()
    await turns(2)
    assert [each.queued for each in viewers] == [[b"<1>", b"<2>"]] * 2 + [[b"<1>"]] * 2


class Broken(Viewer):
    """A socket that cannot be written to, in a way that nobody thought of."""

    def write(self, frame: bytes) -> None:
        """See Socket."""
        raise ValueError(frame)


async def test_what_one_socket_raises_in_its_turn_keeps_nobody_from_what_comes_later() -> None:
    said: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: said.append(context["exception"]))
    fan_out = FanOut(congested)
    viewers = [Viewer(waiting=1), Viewer(waiting=1), Broken(waiting=1), Viewer(waiting=1), Viewer(waiting=1)]
    fan_out.sockets.update(enumerate(viewers))
    fan_out.send(range(5), b"<1>")
    fan_out.send(range(5), b"<2>")
    await turns()
    assert [type(each) for each in said] == [ValueError]
    del fan_out.sockets[2]
    fan_out.send(range(5), b"<3>")
    await turns(6)
    assert viewers[4].queued == [b"<1>", b"<2><3>"]
