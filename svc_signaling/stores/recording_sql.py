"""Recordings in a SQL database, beside the rooms."""

from typing import Any

from sqlalchemy import Connection, Select, insert, select, update

from mesh.audit import Event as AuditEvent
from mesh.audit import record
from mesh.sql import Database
from rushes.signaling.v1 import recording_pb2 as pb
from svc_signaling.core.recording import OPEN
from svc_signaling.stores import Owned
from svc_signaling.stores.table import RECORDING


class SqlRecordings:
    """See `RecordingStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, owned: Owned) -> None:
        """See `RecordingStore`."""

        def work(connection: Connection) -> None:
            recording = owned.recording
            there = select(RECORDING.c.recording_id).where(RECORDING.c.recording_id == recording.recording_id)
            if connection.execute(there).first() is not None:
                return
            row = {
                "recording_id": recording.recording_id,
                "tenant_id": owned.tenant_id,
                "project_id": owned.project_id,
                "room_id": recording.room_id,
                "start_ms": recording.start_time_ms,
                "state": recording.state,
                "recording": recording.SerializeToString(),
            }
            connection.execute(insert(RECORDING).values(row))
            _audit(connection, owned, "recording.start", recording.start_time_ms)

        await self._database.run(work)

    async def put(self, owned: Owned, action: str = "", now_ms: int = 0) -> None:
        """See `RecordingStore`."""

        def work(connection: Connection) -> None:
            recording = owned.recording
            change = update(RECORDING).where(RECORDING.c.recording_id == recording.recording_id)
            connection.execute(change.values(state=recording.state, recording=recording.SerializeToString()))
            if action:
                _audit(connection, owned, action, now_ms)

        await self._database.run(work)

    async def open(self) -> list[Owned]:
        """See `RecordingStore`."""
        query = select(RECORDING).where(RECORDING.c.state.in_(sorted(OPEN))).order_by(RECORDING.c.start_ms)
        return await self._database.run(lambda connection: _all(connection, query))

    async def list(self, tenant_id: str, project_id: int, room_id: str, limit: int) -> list[pb.Recording]:
        """See `RecordingStore`."""
        columns = RECORDING.c
        query = select(RECORDING).where(columns.tenant_id == tenant_id, columns.project_id == project_id)
        if room_id:
            query = query.where(columns.room_id == room_id)
        query = query.order_by(columns.start_ms.desc()).limit(limit)
        found = await self._database.run(lambda connection: _all(connection, query))
        return [owned.recording for owned in reversed(found)]


def _all(connection: Connection, query: Select[Any]) -> list[Owned]:
    rows = connection.execute(query).mappings()
    return [Owned(row["tenant_id"], row["project_id"], pb.Recording.FromString(row["recording"])) for row in rows]


def _audit(connection: Connection, owned: Owned, action: str, now_ms: int) -> None:
    recording = owned.recording
    detail: dict[str, str | int] = {"project": owned.project_id, "room": recording.room_id}
    event = AuditEvent(
        owned.tenant_id, recording.started_by, action, f"recording/{recording.recording_id}", now_ms, detail
    )
    record(connection, "svc_signaling", event)
