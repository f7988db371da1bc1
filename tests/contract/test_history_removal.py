"""What every history promises of purged videos: they go whole, in bites, and nothing else does."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from svc_annotation.stores import START, Criteria
from svc_annotation.stores import removal_mongo as in_mongo
from svc_annotation.stores import removal_sqlite as in_sqlite
from svc_annotation.stores.history_mongo import MongoHistory, open_mongo_history
from svc_annotation.stores.history_sqlite import SqliteHistory, open_sqlite_history
from tests.contract.test_history import row

AnyHistory = SqliteHistory | MongoHistory


@pytest.fixture(params=["sqlite", "mongo"])
async def history(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AnyHistory]:
    """Two videos, of which two rows go at a time."""
    for adapter in (in_mongo, in_sqlite):
        monkeypatch.setattr(adapter, "AT_ONCE", 2)
    made: AnyHistory
    if request.param == "mongo":
        made = await open_mongo_history(request.getfixturevalue("mongo_url") + f"removal-{uuid.uuid4().hex}")
    else:
        made = await open_sqlite_history(tmp_path / "history.sqlite")
    await made.write({7: 15, 8: 3}, [row(0), row(1), row(2, revision=0), row(3, revision=3), row(4, revision=4)])
    await made.write({}, [row(0, video=8), row(1, video=8)])
    yield made
    await made.close()


async def remove(history: AnyHistory, video_id: int = 7) -> int:
    """In how many steps a video is gone."""
    steps = 0
    while await history.remove_some(video_id):
        steps += 1
    return steps


async def test_of_a_removed_video_nothing_is_left_and_of_others_everything(history: AnyHistory) -> None:
    kept = await history.rows(8, 0, 10)
    assert await remove(history) == 3 + 2 + 1  # of five rows, four changes, one annotation
    assert await history.head(7) is None
    assert await history.rows(7, 0, 10) == []
    assert await history.commits(7, 0, 10) == []
    assert await history.states(7, 4, after=START, limit=10) == []
    assert await history.find(7, Criteria(0, 4, client=False), 10) == []
    assert await history.rows(8, 0, 10) == kept
    assert len(await history.states(8, 2, after=START, limit=10)) == 1
    assert await history.positions() == {7: 15, 8: 3}
    assert await history.epoch() == 1


async def test_what_is_left_of_one_that_was_cut_off_is_its_beginning(history: AnyHistory) -> None:
    whole = await history.rows(7, 0, 10)
    assert await history.remove_some(7)
    assert await history.rows(7, 0, 10) == whole[:3]
    assert [each.revision for each in await history.commits(7, 0, 10)] == [1, 2]
    assert await remove(history) == 5
    assert await remove(history) == 0


async def test_a_video_that_was_removed_may_be_written_again(history: AnyHistory) -> None:
    rows = await history.rows(7, 0, 10)
    await remove(history)
    await history.write({}, rows)
    assert await history.rows(7, 0, 10) == rows


async def test_how_far_it_is_is_kept_and_is_no_matter_of_the_log(history: AnyHistory) -> None:
    assert await history.removed_to() == 0
    await history.set_removed_to(4)
    await history.set_removed_to(1 << 40)
    assert await history.removed_to() == 1 << 40
    assert await history.epoch() == 1
    assert await history.positions() == {7: 15, 8: 3}
