"""What every adapter of the store of exports promises."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from mesh.sql import AlreadyUsed, Database
from rushes.errors import NotFound
from rushes.project.v1.audit_service_pb2 import AuditEvent
from svc_media.core.export import MAX_OPEN, Export, TooManyExports
from svc_media.core.model import JobEvent, JobHasEnded, JobState, Owner
from svc_media.stores import ExportStore
from svc_media.stores.export_sql import SqlExports

ANNA, BEN = Owner("one", "anna", 1), Owner("one", "ben", 1)


def export(name: str, owner: Owner = ANNA, *, expires_ms: int = 100, format_: str = "pdf") -> Export:
    return Export(name, owner, 7, format_, f"source-{name}", f"{name}.pdf", 3, True, 5, expires_ms)


ASKED = "7 pdf 2 0"


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    sqlite = f"sqlite:///{tmp_path / 'media.db'}"
    database = Database(sqlite if request.param == "sqlite" else request.getfixturevalue("fresh_postgresql"))
    yield database
    await database.close()


@pytest.fixture
async def store(database: Database) -> ExportStore:
    store = SqlExports(database)
    await store.prepare()
    return store


async def test_an_export_is_kept_as_it_was_asked_for(store: ExportStore) -> None:
    assert await store.add(export("a"), "", ASKED) == export("a") == await store.get("a")
    assert await store.get("b") is None
    assert await store.sources() == {"source-a"}


async def test_asked_twice_it_is_the_first(store: ExportStore) -> None:
    first = await store.add(export("a"), "request", ASKED)
    assert await store.add(export("b"), "request", ASKED) == first
    assert await store.get("b") is None
    with pytest.raises(AlreadyUsed):
        await store.add(export("c"), "request", "7 pdf 1 0")
    assert await store.add(export("d", BEN), "request", ASKED) == export("d", BEN)
    await store.remove("a")
    with pytest.raises(NotFound):
        await store.add(export("b"), "request", ASKED)


async def test_an_export_goes_its_way_and_never_back(store: ExportStore) -> None:
    await store.add(export("a"), "", ASKED)
    await store.move("a", JobEvent.BEGIN, 6)
    assert [each.state for each in await store.open()] == [JobState.RUNNING]
    await store.move("a", JobEvent.RESTART, 6)
    await store.move("a", JobEvent.BEGIN, 6)
    done = await store.move("a", JobEvent.SUCCEED, 9, size_bytes=12, content_type="application/pdf", remark="r")
    assert done == replace(
        export("a"),
        state=JobState.DONE,
        progress_permille=1000,
        ended_ms=9,
        size_bytes=12,
        content_type="application/pdf",
        remark="r",
    )
    assert await store.open() == []
    with pytest.raises(JobHasEnded):
        await store.move("a", JobEvent.CANCEL, 10)
    with pytest.raises(NotFound):
        await store.move("b", JobEvent.BEGIN, 10)


async def test_what_is_taken_up_is_who_takes_its_up_alone(store: ExportStore) -> None:
    for name, holder in (("a", "one"), ("b", "two")):
        await store.add(export(name), "", ASKED, holder)
    await store.move("b", JobEvent.RESTART, 6, holder="one")
    assert [each.export_id for each in await store.open("one")] == ["a", "b"]
    assert await store.open("two") == []


async def test_one_person_has_so_many_at_a_time_and_another_is_not_kept_waiting(store: ExportStore) -> None:
    for number in range(MAX_OPEN):
        await store.add(export(f"a{number}"), "", ASKED)
    with pytest.raises(TooManyExports):
        await store.add(export("more"), "", ASKED)
    await store.add(export("b", BEN), "", ASKED)
    await store.move("a0", JobEvent.CANCEL, 6)
    await store.add(export("more"), "", ASKED)


async def test_what_has_ended_expires_and_is_forgotten(store: ExportStore) -> None:
    for name, expires_ms in (("a", 10), ("b", 20), ("open", 10)):
        await store.add(export(name, expires_ms=expires_ms), "", ASKED)
    for name in ("a", "b"):
        await store.move(name, JobEvent.CANCEL, 6)
    assert await store.expired(10) == []
    assert [each.export_id for each in await store.expired(11)] == ["a"]
    await store.remove("a")
    assert await store.expired(11) == []


async def test_what_people_do_is_told_once(store: ExportStore, database: Database) -> None:
    made = await store.add(export("a"), "request", ASKED)
    await store.add(export("b"), "request", ASKED)
    await store.note_download(made, 8)
    await store.move("a", JobEvent.CANCEL, 9)
    rows = await database.run(lambda c: c.execute(text("SELECT event FROM mesh_outbox ORDER BY number")).all())
    events = [AuditEvent.FromString(bytes(row[0])) for row in rows]
    assert [event.action for event in events] == ["export.create", "export.download", "export.cancel"]
    assert {(event.person_id, event.resource, event.service) for event in events} == {("anna", "video/7", "svc_media")}
    assert json.loads(events[0].detail_json) == {"export": "a", "format": "pdf"}
