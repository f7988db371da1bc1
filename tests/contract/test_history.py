"""What every adapter of the history port promises."""

import asyncio
import sqlite3
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from rushes.annotation.v1.annotation_pb2 import Annotation, AnnotationState
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT
from svc_annotation.stores import (
    Change,
    Head,
    History,
    HistoryDiverged,
    HistoryGap,
    HistoryLost,
    HistoryRow,
    LandedCommit,
)
from svc_annotation.stores.history_mongo import open_mongo_history
from svc_annotation.stores.history_sqlite import open_sqlite_history
from svc_annotation.stores.mongo_schema import connect, database_of


def state(number: int) -> bytes:
    """A state that differs from others by a number."""
    annotation = Annotation(id=b"a" * 16, text=f"state {number}", audience=AUDIENCE_CLIENT)
    return AnnotationState(annotation=annotation, order_revision=1).SerializeToString()


def row(ordinal: int, *, video: int = 7, revision: int | None = None, **changed: Any) -> HistoryRow:
    revision = ordinal + 1 if revision is None else revision
    made = HistoryRow(
        video_id=video,
        ordinal=ordinal,
        epoch=1,
        offset=10 + ordinal,
        tenant_id="t",
        person_id="ann",
        client_id=bytes(16),
        client_seq=ordinal + 1,
        hash=(1 << 64) - 1 - ordinal,
        rules=1,
        time_ms=1_000 + ordinal,
        revision=revision,
        at_revision=revision,
        refusal=b"" if revision else b"refused",
        commit=b"commit %d" % ordinal if revision else b"",
        client_commit=None,
        changes=(Change(b"a" * 16, state(ordinal)),) if revision else (),
    )
    return made._replace(**changed)


class Opened:
    """A store that can be opened again."""

    def __init__(self, open_history: Callable[[], Awaitable[History]]) -> None:
        self._open = open_history
        self.history: History

    async def open(self) -> None:
        self.history = await self._open()

    async def again(self) -> None:
        await self.history.close()
        await self.open()


@pytest.fixture(params=["sqlite", "mongo"])
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opened]:
    if request.param == "mongo":
        url = request.getfixturevalue("mongo_url") + f"history-{uuid.uuid4().hex}"
        store = Opened(lambda: open_mongo_history(url))
    else:
        store = Opened(lambda: open_sqlite_history(tmp_path / "annotation" / "history.sqlite"))
    await store.open()
    yield store
    await store.history.close()


async def test_an_empty_history_has_the_first_epoch_and_nothing_else(opened: Opened) -> None:
    history = opened.history
    assert await history.epoch() == 1
    assert await history.positions() == {}
    assert await history.head(7) is None
    assert await history.rows(7, 0, 10) == []
    assert await history.commits(7, 0, 10) == []


async def test_rows_are_read_as_they_were_written_after_a_restart_too(opened: Opened) -> None:
    rows = [row(0), row(1, revision=0), row(2, revision=2, client_commit=b""), row(3, revision=3, client_commit=b"x")]
    await opened.history.write({7: 14}, rows)
    await opened.again()
    assert await opened.history.rows(7, 0, 10) == rows
    assert await opened.history.rows(7, 1, 2) == rows[1:3]
    assert await opened.history.head(7) == Head(3, 1, 13)
    assert await opened.history.positions() == {7: 14}
    assert await opened.history.commits(7, 1, 10) == [
        LandedCommit(2, b"commit 2", b""),
        LandedCommit(3, b"commit 3", b"x"),
    ]


async def test_writing_the_same_rows_again_changes_nothing(opened: Opened) -> None:
    rows = [row(ordinal) for ordinal in range(5)]
    await opened.history.write({7: 12}, rows[:3])
    await opened.history.write({7: 15}, rows)
    assert await opened.history.rows(7, 0, 10) == rows
    assert await opened.history.positions() == {7: 15}


async def test_a_row_that_says_something_else_is_refused_and_nothing_of_the_bulk_is_written(opened: Opened) -> None:
    await opened.history.write({7: 11}, [row(0)])
    with pytest.raises(HistoryDiverged) as failure:
        await opened.history.write({7: 13}, [row(1), row(0, hash=5)])
    assert failure.value.metadata["video_id"] == "7"
    assert await opened.history.rows(7, 0, 10) == [row(0)]
    assert await opened.history.positions() == {7: 11}


async def test_a_gap_is_never_read_over(opened: Opened) -> None:
    await opened.history.write({}, [row(0), row(2)])
    with pytest.raises(HistoryGap):
        await opened.history.rows(7, 0, 10)
    with pytest.raises(HistoryGap):
        await opened.history.commits(7, 0, 10)


async def test_videos_and_partitions_are_kept_apart(opened: Opened) -> None:
    await opened.history.write({7: 1, 8: 5}, [row(0), row(0, video=8), row(1, video=8)])
    await opened.history.write({8: 6}, [])
    assert [each.video_id for each in await opened.history.rows(7, 0, 10)] == [7]
    assert [each.ordinal for each in await opened.history.rows(8, 0, 10)] == [0, 1]
    assert await opened.history.positions() == {7: 1, 8: 6}


async def test_a_new_epoch_is_one_more_and_sets_positions(opened: Opened) -> None:
    await opened.history.write({7: 11}, [row(0)])
    assert await opened.history.begin_epoch({7: 3}) == 2
    await opened.again()
    assert await opened.history.epoch() == 2
    assert await opened.history.positions() == {7: 3}


async def test_a_read_is_bounded_in_bytes(opened: Opened) -> None:
    rows = [row(ordinal, commit=bytes(900_000)) for ordinal in range(10)]
    await opened.history.write({}, rows)
    read = await opened.history.rows(7, 0, 1_000)
    assert 1 <= len(read) < 10
    assert 1 <= len(await opened.history.commits(7, 0, 1_000)) < 10
    rest = await opened.history.rows(7, read[-1].ordinal + 1, 1_000)
    assert rest[0].ordinal == read[-1].ordinal + 1


async def test_a_bulk_of_a_thousand_rows_is_one_transaction(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    history = await open_sqlite_history(path)
    await history.write({7: 1_010}, [row(ordinal) for ordinal in range(1_000)])
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM records").fetchone() == (1_000,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
    await history.close()


async def test_two_who_write_the_same_rows_at_once_disturb_each_other_not(mongo_url: str) -> None:
    url = mongo_url + f"history-{uuid.uuid4().hex}"
    first, second = await open_mongo_history(url), await open_mongo_history(url)
    rows = [row(ordinal, video=video) for video in (7, 39) for ordinal in range(200)]
    for at in range(0, 400, 50):
        await asyncio.gather(
            first.write({7: 10 + at}, rows[at : at + 50]), second.write({7: 5 + at}, rows[max(0, at - 20) : at + 50])
        )
    for video in (7, 39):
        assert await first.rows(video, 0, 1_000) == [each for each in rows if each.video_id == video]
    assert await first.positions() == {7: 360}
    await second.write({}, [row(200, hash=1)])
    with pytest.raises(HistoryDiverged):
        await first.write({}, [row(200, hash=2)])
    assert [await each.begin_epoch({7: 20}) for each in (first, second)] == [2, 2]
    await first.close()
    await second.close()


async def test_a_history_that_was_lost_is_not_gone_on_with(mongo_url: str) -> None:
    url = mongo_url + f"history-{uuid.uuid4().hex}"
    running, operator = await open_mongo_history(url), connect(url)
    await running.positions()
    await running.write({7: 11}, [row(0)])
    await operator.drop_database(database_of(operator))
    for call in (running.epoch, running.positions, lambda: running.write({7: 12}, [row(1)])):
        with pytest.raises(HistoryLost):
            await call()
    begun_anew = await open_mongo_history(url)
    assert await begun_anew.positions() == {}
    await begun_anew.write({7: 12}, [row(0), row(1)])
    with pytest.raises(HistoryLost):
        await running.write({7: 13}, [row(2)])
    assert await begun_anew.positions() == {7: 12}
    for each in (running, operator, begun_anew):
        await each.close()
