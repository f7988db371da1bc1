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
        self.silent: set[JobEvent] = set()
        """Moves that are made, and whose answer is lost, once each."""

    async def move(self, export_id: str, event: JobEvent, now_ms: int, **changes: Any) -> Export:
        if self.refuse and event not in self.refused:
            self.refused.append(event)
            raise StoreUnavailable("The store cannot be used now.")
        moved = await super().move(export_id, event, now_ms, **changes)
        if event in self.silent:
            self.silent.remove(event)
            raise StoreUnavailable("The store cannot be used now.")
        return moved


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
        self.store, self.gate, self.folder = store, Gate(), Folder(folder)
        self.exports = self.instance("one")

    def instance(self, holder: str) -> Exports:
        """Of an instance of that name; not started."""
        reader = cast("Reader", None)  # nothing is asked for here
        catalog = cast("Catalog", self.gate)
        return Exports(self.store, catalog, self.folder, reader, Clock(), days=1, retry_s=0.001, holder=holder)

    async def add(self, *names: str, holder: str = "one") -> None:
        owner = Owner("one", "anna", 1)
        for at, name in enumerate(names):
            export = Export(name, owner, 7, "csv", f"source-{name}", "a.csv", 1, False, at, 1 << 60)
            await self.store.add(export, "", name, holder)
            for file in self.files(name):
                file.write_text("{}")

    def files(self, name: str) -> tuple[Path, Path]:
        """What it is written of, and itself."""
        return self.folder.exports / f"source-{name}.json", self.folder.exports / f"source-{name}"

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


async def test_what_another_instance_left_is_taken_up_by_one_alone(queue: Queue) -> None:
    await queue.add("a", holder="two")
    await queue.exports.start()
    await queue.gate.asked.wait()
    other = queue.instance("two")
    await other.start(alone=False)
    try:
        assert [each.state for each in await queue.store.open()] == [JobState.RUNNING]
        queue.gate.opened.set()
        assert (await queue.ended("a")).state is JobState.FAILED
    finally:
        await other.stop()


async def test_what_another_instance_cancelled_leaves_no_file(queue: Queue) -> None:
    await queue.add("a", "b", "c")
    await queue.exports.start()
    await queue.gate.asked.wait()
    other = queue.instance("two")
    # One that is written, and one that waits.
    assert [(await other.cancel(name, 7, ANNA)).state for name in "ab"] == [JobState.CANCELLED] * 2
    queue.gate.opened.set()
    assert (await queue.ended("c")).state is JobState.FAILED
    assert not [file for name in "ab" for file in queue.files(name) if file.exists()]


async def test_what_another_instance_cancels_while_it_is_written_is_written_no_further(queue: Queue) -> None:
    await queue.add("a")
    await queue.exports.start()
    await queue.gate.asked.wait()
    stopped = queue.exports._cancels["a"]
    assert (await queue.instance("two").cancel("a", 7, ANNA)).state is JobState.CANCELLED
    async with asyncio.timeout(60):
        await stopped.wait()
    queue.gate.opened.set()
    assert (await queue.ended("a")).state is JobState.CANCELLED


async def test_a_file_that_another_finished_stays_when_this_one_fails(queue: Queue) -> None:
    await queue.add("a", "b")
    await queue.exports.start()
    await queue.gate.asked.wait()
    await queue.store.move("a", JobEvent.SUCCEED, 1)
    queue.gate.opened.set()
    assert (await queue.ended("b")).state is JobState.FAILED
    notes, file = queue.files("a")
    assert (notes.exists(), file.exists()) == (False, True)


async def test_what_began_and_ended_unheard_is_written_once(queue: Queue) -> None:
    await queue.add("a", "b")
    queue.gate.opened.set()
    queue.store.silent = {JobEvent.BEGIN, JobEvent.FAIL}
    await queue.exports.start()
    assert [(await queue.ended(name)).error_reason for name in "ab"] == ["NOT_FOUND"] * 2
    assert not queue.store.silent
    await queue.exports.stop()
    assert not [file for name in "ab" for file in queue.files(name) if file.exists()]
