"""Frames to more viewers than are written to in one go: one part after the other, each with all that it lacks."""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from google.rpc import status_pb2

from gateway.core.ending import ENDINGS
from gateway.core.socket import binary_frame
from gateway.fanout import HIGH_BYTES, MAX_WAITING_BYTES, FanOut
from tests.unit.gateway.fanout_rig import Viewer, congested, counted, frames

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("two_a_turn")]

ONE, TWO, THREE = frames(b"<1>", b"<2>", b"<3>")


async def turns(count: int = 1) -> None:
    """Lets the loop go round so many times."""
    for _ in range(count):
        await asyncio.sleep(0)


async def until(done: Callable[[], bool]) -> None:
    """Lets it go round until this holds."""
    while not done():  # noqa: ASYNC110  # nothing else tells
        await asyncio.sleep(0)


@pytest.fixture
def two_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few are written to before others have their turn."""
    monkeypatch.setattr("gateway.fanout.TURN", 2)


@pytest.fixture
def at_leisure(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes next is waited for without end."""
    monkeypatch.setattr("gateway.core.parts.LEFT_S", 1e6)


def viewers(fan_out: FanOut, count: int) -> list[Viewer]:
    """So many, whose sockets keep what is queued."""
    made = [Viewer(waiting=1) for _ in range(count)]
    fan_out.sockets.update(enumerate(made))
    return made


async def test_after_a_quiet_time_all_have_a_frame_at_once_and_others_have_their_turns_between() -> None:
    fan_out = FanOut(congested)
    all_five = viewers(fan_out, 5)
    got: list[int] = []
    fan_out.send(range(5), ONE)
    for _ in range(4):
        got.append(sum(bool(each.queued) for each in all_five))
        await turns()
    assert got == [0, 2, 4, 5]
    assert [each.queued for each in all_five] == [[ONE]] * 5


@pytest.mark.usefixtures("at_leisure")
async def test_while_much_comes_each_frame_is_the_turn_of_one_part_which_gets_all_that_it_lacks() -> None:
    fan_out = FanOut(congested)
    all_four = viewers(fan_out, 4)
    fan_out.send(range(4), ONE)
    await turns(4)
    before = counted("out")
    for number, frame in enumerate((TWO, THREE)):
        fan_out.send(range(4), frame)
        await until(lambda number=number: len(all_four[number].queued) > 1)  # type: ignore[misc]
    assert [each.queued[1:] for each in all_four] == [[TWO], [binary_frame(b"<2><3>")]] * 2
    assert counted("out") - before == 2 + 2 * 2
    fan_out.finish()
    assert [each.queued[1:] for each in all_four] == [[TWO, THREE], [binary_frame(b"<2><3>")]] * 2


async def test_what_is_left_goes_out_once_nothing_more_comes() -> None:
    fan_out = FanOut(congested)
    all_six = viewers(fan_out, 6)
    fan_out.send(range(6), ONE)
    fan_out.send(range(6), TWO)
    await until(lambda: all(each.queued for each in all_six))
    assert [each.queued for each in all_six] == [[binary_frame(b"<1><2>")]] * 6


@pytest.mark.parametrize("sessions", [range(5), (4,)], ids=["to all", "to one"])
async def test_nothing_overtakes_what_was_sent_before(sessions: Sequence[int]) -> None:
    fan_out = FanOut(congested)
    all_five = viewers(fan_out, 5)
    before = counted("out")
    fan_out.send(range(5), ONE)
    fan_out.send(sessions, TWO)
    fan_out.finish()
    both = [binary_frame(b"<1><2>")] if len(sessions) > 1 else [ONE, TWO]
    assert [each.queued for each in all_five] == [both if number in sessions else [ONE] for number in range(5)]
    assert counted("out") - before == 5 + len(sessions)


async def test_one_whom_nothing_waits_for_is_written_to_at_once_and_nobody_else() -> None:
    fan_out = FanOut(congested)
    all_four = viewers(fan_out, 4)
    fan_out.send(range(3), ONE)
    fan_out.send((3,), TWO)
    assert [len(each.queued) for each in all_four] == [0, 0, 0, 1]
    fan_out.send((1,), TWO)
    assert [each.queued for each in all_four] == [[], [ONE, TWO], [], [TWO]]


async def test_when_there_are_more_parts_nobody_misses_what_waited() -> None:
    fan_out = FanOut(congested)
    all_six = viewers(fan_out, 3)
    fan_out.send(range(3), ONE)
    all_six += [Viewer(waiting=1) for _ in range(3)]
    fan_out.sockets.update(enumerate(all_six))
    fan_out.send(range(6), TWO)
    fan_out.finish()
    assert [each.queued for each in all_six] == [[ONE, TWO]] * 3 + [[TWO]] * 3


async def test_too_much_is_written_before_anything_else() -> None:
    fan_out = FanOut(congested)
    all_three = viewers(fan_out, 3)
    fan_out.send(range(3), ONE)
    assert not all_three[2].queued
    fan_out.send(range(3), binary_frame(b"x" * MAX_WAITING_BYTES))
    assert all(len(each.queued) == 1 for each in all_three)


async def test_who_leaves_before_its_turn_gets_nothing_more_and_who_is_full_is_named_in_it() -> None:
    named: list[int] = []
    fan_out = FanOut(lambda session, now: named.append(session))
    gone, full = Viewer(waiting=1), Viewer(waiting=HIGH_BYTES + 1)
    fan_out.sockets.update({0: Viewer(waiting=1), 1: Viewer(waiting=1), 2: gone, 3: full})
    fan_out.send(range(4), ONE)
    assert not named
    del fan_out.sockets[2]
    await turns(4)
    assert (gone.queued, full.queued, named) == ([], [ONE], [3])


@pytest.mark.usefixtures("at_leisure")
async def test_presence_that_comes_between_turns_goes_with_what_is_still_to_be_written() -> None:
    fan_out = FanOut(congested)
    all_four = viewers(fan_out, 4)
    fan_out.send(range(4), ONE)
    await turns(4)
    fan_out.send_later(range(4), binary_frame(b"[a]"))
    fan_out.send(range(4), TWO)
    await until(lambda: len(all_four[0].queued) > 1)
    fan_out.send_later((0, 3), binary_frame(b"[b]"))
    fan_out.finish()
    fan_out.close()
    with_a, with_b = frames(b"<2>[a]", b"<2>[b]")
    assert [each.queued[1:] for each in all_four] == [[with_a], [with_a], [with_a], [with_b]]


async def test_presence_of_those_whom_something_waits_for_waits_with_it() -> None:
    fan_out = FanOut(congested)
    all_four = viewers(fan_out, 4)
    fan_out.send_later(range(4), binary_frame(b"[a]"))
    fan_out.send((0, 1), ONE)
    fan_out.send((0, 1), TWO)
    await until(lambda: bool(all_four[3].queued))
    assert [each.queued for each in all_four[2:]] == [[binary_frame(b"[a]")]] * 2
    fan_out.finish()
    fan_out.close()
    assert [each.queued for each in all_four[:2]] == [[binary_frame(b"<1><2>[a]")]] * 2


async def test_a_fan_out_that_closes_writes_what_it_is_asked_to_and_no_more() -> None:
    fan_out = FanOut(congested)
    all_four = viewers(fan_out, 4)
    fan_out.send(range(4), ONE)
    fan_out.finish()
    fan_out.send(range(4), TWO)
    fan_out.close()
    await turns(4)
    assert [each.queued for each in all_four] == [[ONE]] * 4


class Broken(Viewer):
    """A socket that cannot be written to, in a way that nobody thought of."""

    def write(self, frame: bytes) -> None:
        """See Socket."""
        raise ValueError(frame)

    def end(self, status: status_pb2.Status) -> None:
        """See Socket."""
        self.left.append(status.message.encode())


async def test_a_socket_that_raises_is_ended_and_keeps_nobody_from_anything(caplog: pytest.LogCaptureFixture) -> None:
    fan_out = FanOut(congested)
    all_four = [Viewer(waiting=1), Broken(waiting=1), Viewer(waiting=1), Viewer(waiting=1)]
    fan_out.sockets.update(enumerate(all_four))
    fan_out.send(range(4), ONE)
    fan_out.finish()
    await turns()
    assert [each.queued for each in all_four] == [[ONE], [], [ONE], [ONE]]
    assert all_four[1].left == [ENDINGS["NOT_WRITTEN"][1].encode()]
    assert "viewer_failed" in caplog.text


async def test_a_socket_that_raises_keeps_nobody_from_presence_either() -> None:
    fan_out = FanOut(congested)
    broken, other = Broken(waiting=1), Viewer(waiting=1)
    fan_out.sockets.update({0: broken, 1: other})
    fan_out.send_later((0, 1), ONE)
    await until(lambda: bool(broken.left))
    assert other.queued == [ONE]
