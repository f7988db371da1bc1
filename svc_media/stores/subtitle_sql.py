"""Subtitles over SQL: the words too, for they are small and change with what is known of them."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from mesh.audit import Event, record
from mesh.migration import migrate
from mesh.sql import Database, idempotent
from rushes.errors import NotFound
from svc_media.core.model import Owner
from svc_media.core.subtitle import MAX_PER_VIDEO, Subtitle, TooManySubtitles
from svc_media.stores.table import SCHEMA, subtitles

_FIELDS = [name for name in Subtitle.__slots__ if name != "owner"]


def _subtitle(row: RowMapping) -> Subtitle:
    owner = Owner(row["tenant_id"], row["person_id"], row["project_id"])
    return Subtitle(owner=owner, **{name: row[name] for name in _FIELDS})


def _found(connection: Connection, video_id: int, subtitle_id: int) -> Subtitle | None:
    columns = subtitles.c
    query = select(subtitles).where(columns.subtitle_id == subtitle_id, columns.video_id == video_id)
    row = connection.execute(query).mappings().one_or_none()
    return _subtitle(row) if row is not None else None


def _tell(connection: Connection, by: Owner, action: str, subtitle: Subtitle, now_ms: int) -> None:
    detail: dict[str, str | int] = {
        "subtitle": subtitle.subtitle_id,
        "language": subtitle.language,
        "offset_ms": subtitle.offset_ms,
    }
    resource = f"video/{subtitle.video_id}"
    record(connection, "svc_media", Event(by.tenant_id, by.person_id, action, resource, now_ms, detail))


class SqlSubtitles:
    """See the port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare(self) -> None:
        """See the port."""
        await self._database.run(lambda connection: migrate(connection, SCHEMA))

    async def add(self, subtitle: Subtitle, text: str, request_id: str) -> Subtitle:
        """See the port."""
        columns, by = subtitles.c, subtitle.owner

        def add(connection: Connection) -> bytes:
            there = select(func.count()).where(columns.video_id == subtitle.video_id)
            if connection.execute(there).scalar_one() >= MAX_PER_VIDEO:
                raise TooManySubtitles(f"A video has at most {MAX_PER_VIDEO} subtitles.")
            fields = {name: getattr(subtitle, name) for name in _FIELDS if name != "subtitle_id"}
            made = connection.execute(insert(subtitles).values(**fields, **asdict(by), text=text))
            assert made.inserted_primary_key is not None
            subtitle_id: int = made.inserted_primary_key[0]
            added = _found(connection, subtitle.video_id, subtitle_id)
            assert added is not None
            _tell(connection, by, "subtitle.create", added, subtitle.created_ms)
            return str(subtitle_id).encode()

        def work(connection: Connection) -> Subtitle:
            said = f"{subtitle.video_id} {subtitle.language} {subtitle.name} {subtitle.offset_ms} {text}"
            given = idempotent(
                connection,
                tenant=by.tenant_id,
                person=by.person_id,
                method="CreateSubtitle",
                request_id=request_id,
                request=said.encode(),
                answer=lambda: add(connection),
            )
            added = _found(connection, subtitle.video_id, int(given))
            if added is None:
                raise NotFound("These subtitles were taken away since.")
            return added

        return await self._database.run(work)

    async def all(self, video_id: int) -> list[Subtitle]:
        """See the port."""
        columns = subtitles.c
        query = select(subtitles).where(columns.video_id == video_id)
        query = query.order_by(columns.language, columns.name, columns.subtitle_id)
        return await self._database.run(lambda c: [_subtitle(row) for row in c.execute(query).mappings()])

    async def text(self, video_id: int, subtitle_id: int) -> tuple[Subtitle, str] | None:
        """See the port."""

        def work(connection: Connection) -> tuple[Subtitle, str] | None:
            found = _found(connection, video_id, subtitle_id)
            words = select(subtitles.c.text).where(subtitles.c.subtitle_id == subtitle_id)
            return (found, connection.execute(words).scalar_one()) if found is not None else None

        return await self._database.run(work)

    async def change(
        self, by: Owner, video_id: int, subtitle_id: int, values: Mapping[str, Any], now_ms: int
    ) -> Subtitle:
        """See the port."""

        def work(connection: Connection) -> Subtitle:
            found = _found(connection, video_id, subtitle_id)
            if found is None:
                raise NotFound("There are no such subtitles; somebody may have taken them away.")
            changes = {name: value for name, value in values.items() if getattr(found, name) != value}
            if not changes:
                return found
            connection.execute(update(subtitles).where(subtitles.c.subtitle_id == subtitle_id).values(**changes))
            changed = _found(connection, video_id, subtitle_id)
            assert changed is not None
            _tell(connection, by, "subtitle.update", changed, now_ms)
            return changed

        return await self._database.run(work)

    async def remove(self, by: Owner, video_id: int, subtitle_id: int, now_ms: int) -> None:
        """See the port."""

        def work(connection: Connection) -> None:
            found = _found(connection, video_id, subtitle_id)
            if found is not None:
                connection.execute(delete(subtitles).where(subtitles.c.subtitle_id == subtitle_id))
                _tell(connection, by, "subtitle.delete", found, now_ms)

        await self._database.run(work)
