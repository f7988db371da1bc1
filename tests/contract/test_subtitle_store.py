"""What every adapter of the store of subtitles promises."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from mesh.sql import AlreadyUsed, Database
from rushes.errors import NotFound
from rushes.project.v1.audit_service_pb2 import AuditEvent
from svc_media.core.model import Owner
from svc_media.core.subtitle import MAX_PER_VIDEO, Subtitle, TooManySubtitles
from svc_media.stores import SubtitleStore
from svc_media.stores.subtitle_sql import SqlSubtitles

ANNA = Owner("one", "anna", 1)
BEN = Owner("one", "ben", 1)


def subtitle(language: str = "en", name: str = "English", video_id: int = 7) -> Subtitle:
    return Subtitle(0, ANNA, video_id, language, name, -500, 2, 5)


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    sqlite = f"sqlite:///{tmp_path / 'media.db'}"
    database = Database(sqlite if request.param == "sqlite" else request.getfixturevalue("fresh_postgresql"))
    yield database
    await database.close()


@pytest.fixture
async def store(database: Database) -> SubtitleStore:
    store = SqlSubtitles(database)
    await store.prepare()
    return store


async def test_subtitles_are_kept_with_their_words_by_video_language_and_name(store: SubtitleStore) -> None:
    made = [
        await store.add(each, each.name, "")
        for each in (subtitle(), subtitle("de", "Deutsch"), subtitle("en", "Commentary"), subtitle(video_id=8))
    ]
    assert made[0] == replace(subtitle(), subtitle_id=made[0].subtitle_id)
    assert [each.name for each in await store.all(7)] == ["Deutsch", "Commentary", "English"]
    assert await store.text(7, made[1].subtitle_id) == (made[1], "Deutsch")
    assert await store.text(8, made[1].subtitle_id) is None


async def test_added_twice_they_are_the_first(store: SubtitleStore) -> None:
    first = await store.add(subtitle(), "words", "request")
    assert await store.add(subtitle(), "words", "request") == first
    with pytest.raises(AlreadyUsed):
        await store.add(subtitle(), "other words", "request")
    await store.remove(ANNA, 7, first.subtitle_id, 6)
    with pytest.raises(NotFound):
        await store.add(subtitle(), "words", "request")


async def test_a_video_has_so_many_and_no_more(store: SubtitleStore) -> None:
    for number in range(MAX_PER_VIDEO):
        await store.add(subtitle(name=str(number)), "", "")
    with pytest.raises(TooManySubtitles):
        await store.add(subtitle(), "", "")
    await store.add(subtitle(video_id=8), "", "")


async def test_fields_change_alone_and_what_people_do_is_told_once(store: SubtitleStore, database: Database) -> None:
    made = await store.add(subtitle(), "words", "")
    for _ in range(2):
        changed = await store.change(BEN, 7, made.subtitle_id, {"offset_ms": 40, "name": "E"}, 6)
    assert changed == replace(made, offset_ms=40, name="E")
    with pytest.raises(NotFound):
        await store.change(BEN, 8, made.subtitle_id, {"name": "x"}, 6)
    await store.remove(BEN, 8, made.subtitle_id, 7)
    assert await store.all(7) == [changed]
    for _ in range(2):
        await store.remove(BEN, 7, made.subtitle_id, 7)
    assert await store.all(7) == []
    rows = await database.run(lambda c: c.execute(text("SELECT event FROM mesh_outbox ORDER BY number")).all())
    events = [AuditEvent.FromString(bytes(row[0])) for row in rows]
    assert [(event.action, event.person_id) for event in events] == [
        ("subtitle.create", "anna"),
        ("subtitle.update", "ben"),
        ("subtitle.delete", "ben"),
    ]
