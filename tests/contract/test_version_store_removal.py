"""What every store of versions promises of purged videos: they go whole, and nothing else does."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from svc_version.core.model import State, Tier
from svc_version.stores import Head, Store, mongo_removal, sql_removal
from tests.contract.version_stores import ENGINES, START_MS, VIDEO, Open, content, draft, line, once, opener, work


@pytest.fixture(params=ENGINES)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """What opens the store, once more each time."""
    return opener(request.param, request, tmp_path)


@pytest.fixture
async def store(opened: Open, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Store]:
    """An empty store that lets go of two contents at a time."""
    for adapter in (mongo_removal, sql_removal):
        monkeypatch.setattr(adapter, "AT_ONCE", 2)
    made = await opened()
    yield made
    await made.close()


async def remove(store: Store, video_id: int = VIDEO, tenant_id: str = "t") -> int:
    """In how many steps a video is gone."""
    steps = 1
    while await store.remove_some(tenant_id, video_id):
        steps += 1
    return steps


async def test_of_a_removed_video_nothing_is_left_and_of_others_everything(store: Store) -> None:
    *_, last = versions = await line(store, 3)
    other = await store.commit(draft(None, "other", video_id=8), None, once())
    await store.tag("t", VIDEO, last.version_id, "call", False, once())
    await store.put_snapshot(VIDEO, last.version_id, content("all of it"))
    await store.archived([(versions[0], {versions[0].delta: "t/video_7_version_1.bin"})])
    begun = await store.begin_work(work(state=State.RUNNING), [b"one", b"two"])
    elsewhere = await store.begin_work(work("elsewhere", video_id=8), [b"three"])

    assert await remove(store) == 3
    assert await store.head("t", VIDEO) == Head(0, 0)
    assert await store.newest("t", VIDEO, 99, 99) == await store.changed("t", VIDEO, 0, 99) == []
    assert await store.get("t", VIDEO, last.version_id) is None
    assert await store.tagged("t", VIDEO, "call") is None
    assert await store.contents(VIDEO, [each.delta for each in versions]) == []
    assert (await store.sizes(VIDEO))["count"] == 0
    assert await store.archive_keys() == []
    assert await store.older(Tier.COLD, START_MS + 1, 99) == [other]
    assert await store.work("t", VIDEO, begun.work_id) is None
    assert await store.batches(begun.work_id) == []
    assert await store.running() == [elsewhere]
    assert await store.batches(elsewhere.work_id) == [b"three"]
    assert await store.get("t", 8, other.version_id) == other
    assert [each.sha256 for each in await store.contents(8, [other.delta])] == [other.delta]


async def test_removing_again_and_what_never_was_is_nothing(store: Store) -> None:
    await line(store, 2)
    assert await remove(store) == 2
    assert await remove(store) == 1
    assert await remove(store, 99) == 1


async def test_a_removed_video_of_another_tenant_stays(store: Store) -> None:
    *_, last = await line(store, 2)
    assert await remove(store, tenant_id="other") == 1
    assert await store.get("t", VIDEO, last.version_id) == last
    assert (await store.sizes(VIDEO))["count"] == 2


async def test_what_was_cut_off_is_finished_by_the_next(store: Store) -> None:
    await line(store, 5)
    assert await store.remove_some("t", VIDEO)
    assert await store.head("t", VIDEO) == Head(0, 0)
    assert (await store.sizes(VIDEO))["count"] == 3
    assert await remove(store) == 3
    assert (await store.sizes(VIDEO))["count"] == 0


async def test_how_far_it_is_is_known_after_a_restart(store: Store, opened: Open) -> None:
    assert await store.removed_to() == 0
    await store.set_removed_to(4)
    await store.set_removed_to(1 << 40)
    again = await opened()
    assert await again.removed_to() == 1 << 40
    await again.close()
