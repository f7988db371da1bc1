"""What svc_media's store tells the audit trail: each thing that people do, once, with who did it."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from mesh.sql import Database
from rushes.project.v1.audit_service_pb2 import AuditEvent
from svc_media.core.model import JobEvent, Owner, Upload
from svc_media.stores.sql import SqlStore

ANNA = Owner("one", "anna", 1)


def upload(name: str, *, partial: bool = False) -> Upload:
    return Upload(name, ANNA, name, 0, 10, 0, partial, f"{name}.mp4", 0, 5)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'media.db'}")
    yield database
    await database.close()


@pytest.fixture
async def store(database: Database) -> SqlStore:
    store = SqlStore(database)
    await store.prepare()
    return store


async def told(database: Database) -> list[AuditEvent]:
    """What is in the outbox."""

    rows = await database.run(lambda c: c.execute(text("SELECT event FROM mesh_outbox ORDER BY number")).all())
    events = [AuditEvent.FromString(bytes(row[0])) for row in rows]
    assert all((event.tenant_id, event.service) == ("one", "svc_media") for event in events)
    return events


async def short(database: Database) -> list[tuple[str, str, str]]:
    return [(event.action, event.person_id, event.resource) for event in await told(database)]


async def test_an_upload_and_its_end_are_told_once(store: SqlStore, database: Database) -> None:
    await store.add_upload(upload("part", partial=True), 0)
    await store.add_upload(upload("a"), 0)
    for _ in range(2):
        await store.finish_upload("a", "a", 7)
    assert await short(database) == [("upload.create", "anna", "video/1"), ("upload.finish", "anna", "video/1")]
    first = (await told(database))[0]
    assert (json.loads(first.detail_json), first.time_ms) == ({"file": "a.mp4", "size_bytes": 10}, 5)


async def test_who_gives_up_an_upload_is_told_and_time_is_nobody(store: SqlStore, database: Database) -> None:
    for name in ("a", "b"):
        await store.add_upload(upload(name), 0)
    await store.add_upload(upload("part", partial=True), 0)
    for name in ("a", "a", "part"):
        await store.remove_upload(name, "x", 8)
    await store.remove_upload("b", "x", 8, expired=True)
    assert (await short(database))[2:] == [("upload.cancel", "anna", "video/1"), ("upload.expire", "", "video/2")]


async def test_jobs_of_people_are_told_with_who_began_and_who_stopped_them(store: SqlStore, database: Database) -> None:
    await store.add_upload(upload("a"), 0)
    await store.finish_upload("a", "a", 7)
    await store.move_job(1, JobEvent.BEGIN, 8)
    await store.move_job(1, JobEvent.FAIL, 8, error="x", reason="X")
    for _ in range(2):
        await store.add_job(replace(ANNA, person_id="ben"), 1, "again", 9)
    await store.move_job(2, JobEvent.CANCEL, 10, error="Cancelled.", reason="CANCELLED", person_id="cleo")
    assert (await short(database))[2:] == [("job.create", "ben", "video/1"), ("job.cancel", "cleo", "video/1")]


async def test_a_download_is_told_with_who_has_the_file(store: SqlStore, database: Database) -> None:
    await store.add_upload(upload("a"), 0)
    video = await store.video(1)
    assert video is not None
    await store.note_download(video, "ben", 9)
    assert (await short(database))[-1] == ("media.download", "ben", "video/1")
