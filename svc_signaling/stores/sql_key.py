"""Keys of rooms in a SQL database, the same as rooms are in."""

from sqlalchemy import Connection, delete, func, insert, select, update

from mesh.audit import Event as AuditEvent
from mesh.audit import record
from mesh.sql import Database, idempotent
from rushes.signaling.v1 import feed_service_pb2 as feed
from svc_signaling.errors import TooManyKeys
from svc_signaling.stores import KeyRow
from svc_signaling.stores.table import FEED_KEY


class SqlKeys:
    """See `Keys`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, row: KeyRow, digest: bytes, request_id: str, request: bytes, most: int) -> feed.FeedKey:
        """See `Keys`."""

        def work(connection: Connection) -> bytes:
            def make() -> bytes:
                if _count(connection, row.room_id) >= most:
                    raise TooManyKeys("this room has as many keys as it may have: withdraw one first")
                connection.execute(insert(FEED_KEY).values(_values(row, digest)))
                _audit(connection, row, "room.key.create", row.key.created_by, row.key.create_time_ms)
                return row.key.SerializeToString()

            made = idempotent(
                connection,
                tenant=row.tenant_id,
                person=row.key.created_by,
                method="CreateFeedKey",
                request_id=request_id,
                request=request,
                answer=make,
            )
            # The answer that had the secret of before may be lost.
            key_id = feed.FeedKey.FromString(made).key_id
            connection.execute(update(FEED_KEY).where(FEED_KEY.c.key_id == key_id).values(digest=digest))
            return made

        return feed.FeedKey.FromString(await self._database.run(work))

    async def of_room(self, tenant_id: str, room_id: str) -> list[feed.FeedKey]:
        """See `Keys`."""

        def work(connection: Connection) -> list[feed.FeedKey]:
            columns = FEED_KEY.c
            query = select(columns.key).where(columns.room_id == room_id, columns.tenant_id == tenant_id)
            found = connection.execute(query.order_by(columns.create_time_ms, columns.key_id))
            return [feed.FeedKey.FromString(each) for (each,) in found]

        return await self._database.run(work)

    async def find(self, digest: bytes) -> KeyRow | None:
        """See `Keys`."""

        def work(connection: Connection) -> KeyRow | None:
            columns = FEED_KEY.c
            query = select(columns.tenant_id, columns.project_id, columns.room_id, columns.key)
            found = connection.execute(query.where(columns.digest == digest)).first()
            return KeyRow(found[0], found[1], found[2], feed.FeedKey.FromString(found[3])) if found else None

        return await self._database.run(work)

    async def revoke(self, row: KeyRow, person_id: str, now_ms: int) -> bool:
        """See `Keys`."""

        def work(connection: Connection) -> bool:
            columns = FEED_KEY.c
            gone = connection.execute(
                delete(FEED_KEY).where(
                    columns.key_id == row.key.key_id,
                    columns.room_id == row.room_id,
                    columns.tenant_id == row.tenant_id,
                )
            )
            if gone.rowcount:
                _audit(connection, row, "room.key.revoke", person_id, now_ms)
            return bool(gone.rowcount)

        return await self._database.run(work)


def _count(connection: Connection, room_id: str) -> int:
    return int(connection.execute(select(func.count()).where(FEED_KEY.c.room_id == room_id)).scalar_one())


def _values(row: KeyRow, digest: bytes) -> dict[str, object]:
    return {
        "key_id": row.key.key_id,
        "digest": digest,
        "tenant_id": row.tenant_id,
        "project_id": row.project_id,
        "room_id": row.room_id,
        "create_time_ms": row.key.create_time_ms,
        "key": row.key.SerializeToString(),
    }


def _audit(connection: Connection, row: KeyRow, action: str, person_id: str, at_ms: int) -> None:
    facts: dict[str, str | int] = {"project": row.project_id, "key": row.key.key_id}
    record(
        connection, "svc_signaling", AuditEvent(row.tenant_id, person_id, action, f"room/{row.room_id}", at_ms, facts)
    )
