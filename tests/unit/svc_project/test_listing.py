"""Whoever looks at a project is told that something else is listed of it."""

import asyncio

import pytest

from svc_project.core.errors import TooManyWatchers
from svc_project.core.model import ProjectId
from svc_project.listing import Listings

ONE, TWO = ProjectId(1), ProjectId(2)


async def test_changes_in_quick_succession_are_one_and_none_is_missed() -> None:
    listings = Listings(calm_s=0)
    look = listings.watch(ONE)
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
    look = listings.watch(ONE)
    await anext(look)
    with pytest.raises(TooManyWatchers):
        await anext(listings.watch(TWO))
    listings.close()
    with pytest.raises(StopAsyncIteration):
        await anext(look)
    assert listings._wakes == {}
