"""Whoever looks at a project is told that something else is listed of it."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from mesh.auth.identity import TokenExpired
from svc_project.core.errors import TooManyWatchers
from svc_project.core.model import PersonId, ProjectId, SessionId, TenantId, Who
from svc_project.listing import Listings

ONE, TWO = ProjectId(1), ProjectId(2)
ANNA, BEN = Who(TenantId("one"), PersonId("anna")), Who(TenantId("one"), PersonId("ben"))


def watch(listings: Listings, project_id: ProjectId = ONE, who: Who = ANNA, session: str = "s") -> AsyncGenerator[None]:
    return listings.watch(project_id, who, SessionId(session), lambda: 60)


async def test_changes_in_quick_succession_are_one_and_none_is_missed() -> None:
    listings = Listings(calm_s=0)
    look = watch(listings)
    await anext(look)
    for _ in range(3):
        listings.changed([ONE, TWO])
    await anext(look)
    waits = asyncio.create_task(look.__anext__())
    listings.changed([TWO])
    await asyncio.sleep(0)
    assert not waits.done()
    listings.everything()
    await waits


async def test_as_many_look_as_may_and_all_are_over_when_it_closes() -> None:
    listings = Listings(limit=1, calm_s=0)
    look = watch(listings)
    await anext(look)
    with pytest.raises(TooManyWatchers):
        await anext(watch(listings, TWO, BEN))
    listings.close()
    with pytest.raises(StopAsyncIteration):
        await anext(look)
    assert listings._wakes == {}


async def test_of_one_person_so_many_look_and_another_may_all_the_same() -> None:
    listings = Listings(of_one=2, calm_s=0)
    looks = [watch(listings, each) for each in (ONE, TWO)]
    for look in looks:
        await anext(look)
    with pytest.raises(TooManyWatchers):
        await anext(watch(listings, session="other"))
    await anext(watch(listings, who=BEN))
    await looks[0].aclose()
    await anext(watch(listings))


async def test_whose_session_ends_is_woken_alone() -> None:
    listings = Listings(calm_s=0)
    ends, stays = watch(listings, session="ends"), watch(listings, session="stays")
    for look in (ends, stays):
        await anext(look)
    waits = asyncio.create_task(stays.__anext__())
    listings.changed([SessionId("ends")])
    await anext(ends)
    assert not waits.done()
    waits.cancel()
    await asyncio.gather(waits, return_exceptions=True)


@pytest.mark.parametrize("quiet", [True, False])
async def test_a_look_ends_with_its_token_however_much_or_little_changes(quiet: bool) -> None:
    listings, left_s = Listings(calm_s=0), [60.0]
    look = listings.watch(ONE, ANNA, SessionId("s"), lambda: left_s[0])
    await anext(look)
    left_s[0] = 0
    if not quiet:
        listings.changed([ONE])
    with pytest.raises(TokenExpired):
        await anext(look)
    assert listings._wakes == {}
