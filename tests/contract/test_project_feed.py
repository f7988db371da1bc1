"""News of rights between instances on one store."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mesh.clock import Clock
from mesh.sql import Database
from svc_project.bulletin import Bulletin
from svc_project.context import Context, Work
from svc_project.core.model import Kind, PersonId, ProjectId, Resource, SessionId, TenantId, Who
from svc_project.feed import KEEP_MS, LATE_S, Feed
from svc_project.stores.sql import SqlStore
from tests.waiting import until

ANNA = PersonId("anna")
HERE = Resource(Kind.PROJECT, 7)


class Instance:
    """A service's side of it."""

    def __init__(self, url: str, name: str) -> None:
        self.store = SqlStore(Database(url, one_writer=True))
        self.bulletin = Bulletin(Clock(), token_ms=1_000, heartbeat_s=3_600, watchers=9, pending=100)
        self.context = Context(self.store, Clock(), self.bulletin, name)
        self.now_s = 1_000.0
        self.feed = Feed(self.context, self.bulletin, 0.01, lambda: self.now_s)

    async def change(self, person: PersonId = ANNA) -> None:
        """Changes what somebody may do."""

        def work(work: Work) -> None:
            work.changes.people.add(person)
            work.changes.resources.add(HERE)
            work.changes.sessions.add(SessionId(f"session of {person}"))

        await self.context.run(work)


@pytest.fixture(params=["sqlite", "postgresql"])
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Instance, Instance]]:
    """Two on one store."""
    sqlite = f"sqlite:///{tmp_path / 'project.db'}"
    url = sqlite if request.param == "sqlite" else request.getfixturevalue("fresh_postgresql")
    made = Instance(url, "one"), Instance(url, "other")
    await made[0].store.prepare()
    yield made
    for each in made:
        await each.feed.stop()
        await each.store.close()


async def test_what_another_changed_is_told_once_and_in_order(pair: tuple[Instance, Instance]) -> None:
    one, other = pair
    await one.change(PersonId("before anybody was there"))
    for each in pair:
        await each.feed.start()
    watch = other.bulletin.watch()
    assert (await anext(watch)).everything
    for number in range(3):
        await one.change(PersonId(f"person {number}"))
        notice = await anext(watch)
        assert notice.people == (f"person {number}",)
        assert notice.resources == (HERE,)
        assert notice.sessions == (f"session of person {number}",)
    assert other.bulletin.ended("session of person 2")
    # One's own is told by oneself, at once, and not again.
    mine = one.bulletin.watch()
    assert (await anext(mine)).everything
    await one.change()
    assert (await anext(mine)).people == (ANNA,)
    await until(lambda: other.bulletin.ended("session of anna"))
    assert not one.bulletin._watchers.copy().pop().pending.waiting()


async def test_whoever_looks_at_a_project_hears_of_what_another_instance_changed_in_it_and_of_nothing_else(
    pair: tuple[Instance, Instance],
) -> None:
    one, other = pair
    for each in pair:
        await each.feed.start()
    rights = other.bulletin.watch()
    assert (await anext(rights)).everything
    who, session_id = Who(TenantId("one"), ANNA), SessionId("anna's")
    listings = other.bulletin.listings
    looks = {each: listings.watch(ProjectId(each), who, session_id, lambda: 60.0) for each in (7, 8)}
    for look in looks.values():
        await anext(look)
    waits = asyncio.create_task(looks[8].__anext__())
    await one.context.run(lambda work: work.changes.projects.add(ProjectId(7)))
    await anext(looks[7])
    assert not waits.done()
    assert not other.bulletin._watchers.copy().pop().pending.waiting()
    waits.cancel()


async def test_who_slept_for_longer_than_news_are_kept_has_all_asked_anew(pair: tuple[Instance, Instance]) -> None:
    one, other = pair
    other.feed._every_s = 3_600.0
    await other.feed.start()
    watch = other.bulletin.watch()
    assert (await anext(watch)).everything
    await one.change()
    one.context.clock = Clock(wall=lambda: Clock().now_ms() / 1_000 + 2 * KEEP_MS / 1_000)
    await one.feed.prune()
    other.now_s += KEEP_MS / 1_000
    assert not other.bulletin.well()
    assert await other.feed.read() == 0
    assert (await anext(watch)).everything
    assert other.bulletin.well()
    other.now_s += LATE_S
    assert not other.bulletin.well()
