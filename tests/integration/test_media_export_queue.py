"""The queue of exports: a store that refuses once, and whoever does not want to wait any more."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from mesh.auth import Caller
from mesh.clock import Clock
from mesh.sql import Database, StoreUnavailable
from rushes.errors import NotFound
from svc_media.catalog import Catalog
from svc_media.core.export import Export
from svc_media.core.model import JobEvent, JobState, Owner
from svc_media.export import Exports
from svc_media.reading import Reader
from svc_media.stores.export_sql import SqlExports
from svc_media.stores.folder import Folder

ANNA = Caller("gateway", person_id="anna", tenant_id="one")


class Refusing(SqlExports):
    """Refuses each kind of move once, as a store that begins again."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.refused: list[JobEvent] = []
        self.refuse = False

    async def move(self, export_id: str, event: JobEvent, now_ms: int, **changes: Any) -> Export:
        if self.refuse and event not in self.refused:
            self.refused.append(event)
            raise StoreUnavailable("The store cannot be used now.")
        return await super().move(export_id, event, now_ms, **changes)


class Gate:
    """A catalog whose videos are there once it is opened, and then are none."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.opened = asyncio.Event()

    async def review(self, video_id: int) -> Any:
        self.asked.set()
        await self.opened.wait()
        raise NotFound("There is no such video.")


class Queue:
    """Exports that wait in a store from the start."""

    def __init__(self, store: Refusing, folder: Path) -> None:
        self.store, self.gate = store, Gate()
        reader = cast("Reader", None)  # nothing is asked for here
        catalog = cast("Catalog", self.gate)
        self.exports = Exports(store, catalog, Folder(folder), reader, Clock(), days=1, retry_s=0.001)

    async def add(self, *names: str) -> None:
        owner = Owner("one", "anna", 1)
        for at, name in enumerate(names):
            export = Export(name, owner, 7, "csv", f"source-{name}", "a.csv", 1, False, at, 1 << 60)
            await self.store.add(export, "", name)

    async def ended(self, name: str) -> Export:
        async with asyncio.timeout(60):
            return [seen async for seen in self.exports.watch(name, 7, ANNA)][-1]


@pytest.fixture
async def queue(tmp_path: Path) -> AsyncIterator[Queue]:
    database = Database(f"sqlite:///{tmp_path / 'media.db'}")
    store = Refusing(database)
    await store.prepare()
    queue = Queue(store, tmp_path / "media")
    yield queue
    queue.gate.opened.set()
    await queue.exports.stop()
    await database.close()


async def test_a_store_that_refuses_once_keeps_nobody_waiting_for_ever(queue: Queue) -> None:
    await queue.add("a")
    queue.gate.opened.set()
    await queue.exports.start()
    queue.store.refuse = True
    assert (await queue.ended("a")).state is JobState.FAILED
    assert queue.store.refused == [JobEvent.BEGIN, JobEvent.FAIL]


async def test_an_export_that_waits_is_cancelled_at_once_and_never_written(queue: Queue) -> None:
    await queue.add("a", "b", "c")
    await queue.exports.start()
    await queue.gate.asked.wait()
    cancelled = await queue.exports.cancel("b", 7, ANNA)
    assert (cancelled.state, cancelled.error_reason) == (JobState.CANCELLED, "CANCELLED")
    assert (await queue.exports.get("a", 7, ANNA)).state is JobState.RUNNING
    assert await queue.exports.cancel("b", 7, ANNA) == cancelled == await queue.ended("b")
    queue.gate.opened.set()
    assert (await queue.ended("c")).state is JobState.FAILED
    assert await queue.exports.get("b", 7, ANNA) == cancelled


async def test_who_cannot_be_cancelled_now_is_written_as_if_nothing_was_said(queue: Queue) -> None:
    await queue.add("a", "b")
    await queue.exports.start()
    await queue.gate.asked.wait()
    queue.store.refuse = True
    with pytest.raises(StoreUnavailable):
        await queue.exports.cancel("b", 7, ANNA)
    queue.gate.opened.set()
    assert (await queue.ended("b")).state is JobState.FAILED
