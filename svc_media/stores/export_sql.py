"""Exports over SQL."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from mesh.audit import Event, record
from mesh.migration import migrate
from mesh.sql import Database, idempotent
from rushes.errors import NotFound
from svc_media.core.export import MAX_OPEN, Export, TooManyExports
from svc_media.core.model import JobEvent, JobState, Owner, next_state
from svc_media.stores.table import SCHEMA, exports

_OPEN = (JobState.QUEUED, JobState.RUNNING)


def _export(row: RowMapping) -> Export:
    owner = Owner(row["tenant_id"], row["person_id"], row["project_id"])
    fields = {name: row[name] for name in Export.__slots__ if name not in ("owner", "state")}
    return Export(owner=owner, state=JobState(row["state"]), **fields)


def _found(connection: Connection, export_id: str) -> Export | None:
    row = connection.execute(select(exports).where(exports.c.export_id == export_id)).mappings().one_or_none()
    return _export(row) if row is not None else None


def _tell(connection: Connection, export: Export, action: str, now_ms: int) -> None:
    owner, detail = export.owner, {"export": export.export_id, "format": export.format}
    resource = f"video/{export.video_id}"
    record(connection, "svc_media", Event(owner.tenant_id, owner.person_id, action, resource, now_ms, detail))


class SqlExports:
    """See the port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare(self) -> None:
        """See the port."""
        await self._database.run(lambda connection: migrate(connection, SCHEMA))

    async def add(self, export: Export, request_id: str, asked: str, holder: str = "") -> Export:
        """See the port."""
        owner = export.owner

        def add(connection: Connection) -> bytes:
            mine = select(func.count()).where(
                exports.c.tenant_id == owner.tenant_id,
                exports.c.person_id == owner.person_id,
                exports.c.state.in_(_OPEN),
            )
            if connection.execute(mine).scalar_one() >= MAX_OPEN:
                raise TooManyExports("You have asked for too many files at once; wait for some, or cancel them.")
            fields = {name: getattr(export, name) for name in Export.__slots__ if name != "owner"}
            connection.execute(insert(exports).values(**fields, **asdict(owner), holder=holder))
            _tell(connection, export, "export.create", export.created_ms)
            return export.export_id.encode()

        def work(connection: Connection) -> Export:
            given = idempotent(
                connection,
                tenant=owner.tenant_id,
                person=owner.person_id,
                method="CreateExport",
                request_id=request_id,
                request=asked.encode(),
                answer=lambda: add(connection),
            )
            found = _found(connection, given.decode())
            if found is None:
                raise NotFound("This export has expired; ask for a new one.")
            return found

        return await self._database.run(work)

    async def get(self, export_id: str) -> Export | None:
        """See the port."""
        return await self._database.run(lambda connection: _found(connection, export_id))

    async def move(self, export_id: str, event: JobEvent, now_ms: int, **changes: Any) -> Export:
        """See the port."""

        def work(connection: Connection) -> Export:
            found = _found(connection, export_id)
            if found is None:
                raise NotFound("There is no such export; it may have expired.")
            state = next_state(found.state, event)
            values: dict[str, Any] = {"state": state, **changes}
            if state not in _OPEN:
                values["ended_ms"] = now_ms
            if state is JobState.DONE:
                values["progress_permille"] = 1000
            connection.execute(update(exports).where(exports.c.export_id == export_id).values(**values))
            if state is JobState.CANCELLED:
                _tell(connection, found, "export.cancel", now_ms)
            changed = _found(connection, export_id)
            assert changed is not None
            return changed

        return await self._database.run(work)

    async def note_download(self, export: Export, now_ms: int) -> None:
        """See the port."""
        await self._database.run(lambda connection: _tell(connection, export, "export.download", now_ms))

    async def open(self, holder: str = "") -> list[Export]:
        """See the port."""
        query = select(exports).where(exports.c.state.in_(_OPEN)).order_by(exports.c.created_ms)
        return await self._all(query.where(exports.c.holder == holder) if holder else query)

    async def expired(self, before_ms: int) -> list[Export]:
        """See the port."""
        return await self._all(select(exports).where(exports.c.expires_ms < before_ms, exports.c.state.not_in(_OPEN)))

    async def _all(self, query: Any) -> list[Export]:
        return await self._database.run(lambda c: [_export(row) for row in c.execute(query).mappings()])

    async def remove(self, export_id: str) -> None:
        """See the port."""
        await self._database.run(lambda c: c.execute(delete(exports).where(exports.c.export_id == export_id)))

    async def of_video(self, video_id: int) -> list[Export]:
        """See the port."""
        return await self._all(select(exports).where(exports.c.video_id == video_id))

    async def sources(self) -> set[str]:
        """See the port."""
        return await self._database.run(lambda c: set(c.execute(select(exports.c.source)).scalars()))
