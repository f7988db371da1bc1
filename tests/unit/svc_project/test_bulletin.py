"""Telling watchers, on an event loop without sockets."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from mesh.clock import Clock
from svc_project.bulletin import Bulletin
from svc_project.core.change import Changes, Notice
from svc_project.core.errors import TooManyWatchers
from svc_project.core.model import PersonId, SessionId

ANNA = PersonId("anna")


class Time:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def clock(self) -> Clock:
        return Clock(wall=lambda: self.now_s, monotonic=lambda: self.now_s)


def bulletin(time: Time | None = None, *, heartbeat_s: float = 3600.0, watchers: int = 2, pending: int = 2) -> Bulletin:
    clock = (time or Time()).clock()
    return Bulletin(clock, token_ms=1000, heartbeat_s=heartbeat_s, watchers=watchers, pending=pending)


async def opened(one: Bulletin) -> AsyncIterator[Notice]:
    watch = one.watch()
    assert (await anext(watch)).everything
    return watch


async def test_every_watcher_hears_what_changes() -> None:
    one = bulletin()
    watches = [await opened(one), await opened(one)]
    one.publish(Changes(people={ANNA}))
    assert [await anext(watch) for watch in watches] == [Notice((ANNA,))] * 2


async def test_a_change_wakes_a_watcher_who_waits() -> None:
    one = bulletin()
    watch = await opened(one)
    waiting = asyncio.ensure_future(anext(watch))
    await asyncio.sleep(0)
    one.publish(Changes(people={ANNA}))
    assert await waiting == Notice((ANNA,))


async def test_without_changes_there_is_a_heartbeat() -> None:
    watch = await opened(bulletin(heartbeat_s=0.001))
    assert await anext(watch) == Notice()


async def test_who_does_not_know_what_changes_says_nothing_until_it_does() -> None:
    one = bulletin(heartbeat_s=0.001)
    asked = 0

    def well() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    watch = await opened(one)
    one.well = well
    assert await anext(watch) == Notice()
    assert asked == 4


async def test_what_is_known_is_told_at_once_though_all_is_not_well() -> None:
    one = bulletin()
    watch = await opened(one)
    one.well = lambda: False
    one.publish(Changes(people={ANNA}))
    assert await anext(watch) == Notice((ANNA,))
    one.everything()
    assert (await anext(watch)).everything


async def test_a_watcher_who_falls_behind_is_told_everything() -> None:
    one = bulletin()
    watch = await opened(one)
    for number in range(100):
        one.publish(Changes(people={PersonId(str(number))}))
    assert await anext(watch) == Notice(everything=True)


async def test_more_watchers_than_allowed_are_refused_until_one_goes() -> None:
    one = bulletin()
    first, _second = await opened(one), await opened(one)
    with pytest.raises(TooManyWatchers):
        await anext(one.watch())
    await first.aclose()  # type: ignore[attr-defined]
    await opened(one)


async def test_closing_ends_every_stream_and_opens_none() -> None:
    one = bulletin()
    watch = await opened(one)
    one.close()
    with pytest.raises(StopAsyncIteration):
        await anext(watch)
    with pytest.raises(TooManyWatchers):
        await anext(one.watch())


async def test_ended_sessions_are_known_until_their_tokens_are_over() -> None:
    time = Time()
    one = bulletin(time)
    one.load([(SessionId("before"), 999_500)])
    one.publish(Changes(sessions={SessionId("now")}))
    time.now_s += 1.9
    one.prune()
    assert (one.ended("before"), one.ended("now"), one.ended("other")) == (False, True, False)
    time.now_s += 0.2
    one.prune()
    assert not one.ended("now")


async def test_callbacks_hear_of_changes() -> None:
    one = bulletin()
    heard: list[str] = []
    one.callbacks.append(lambda: heard.append("changed"))
    one.publish(Changes(people={ANNA}))
    assert heard == ["changed"]
