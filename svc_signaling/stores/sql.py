"""Rooms in a SQL database: an outbox of audit events beside them, in the same transaction."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select, update

from mesh.audit import Event as AuditEvent
from mesh.audit import record
from mesh.migration import migrate
from mesh.sql import Database, idempotent
from rushes.signaling.v1 import room_service_pb2 as pb
from svc_signaling.errors import RoomMoved, TooManyRooms
from svc_signaling.stores import Kept
from svc_signaling.stores.table import EVENT, ROOM, SCHEMA

_ENDED, _SEALED = 1, 2


class SqlStore:
    """See `Store`."""

    def __init__(self, database: Database, instance: str = "") -> None:
        """`instance`: the name of whoever owns rooms by this; it has the same one in its next life."""
        self._database = database
        self._instance = instance

    async def prepare(self) -> None:
        """Makes the tables, or brings older ones up."""
        await self._database.run(lambda connection: migrate(connection, SCHEMA))

    async def create(self, tenant_id: str, room: pb.Room, request_id: str, request: bytes, most: int) -> pb.Room:
        """See `Store`."""

        def work(connection: Connection) -> bytes:
            def make() -> bytes:
                if _open_rooms(connection, tenant_id, room.project_id) >= most:
                    raise TooManyRooms("this project has as many open rooms as it may have: end one first")
                connection.execute(insert(ROOM).values(_row(tenant_id, room)))
                _audit(connection, tenant_id, room.created_by, "room.create", room)
                return room.SerializeToString()

            return idempotent(
                connection,
                tenant=tenant_id,
                person=room.created_by,
                method="CreateRoom",
                request_id=request_id,
                request=request,
                answer=make,
            )

        return pb.Room.FromString(await self._database.run(work))

    async def room(self, tenant_id: str, project_id: int, room_id: str) -> pb.Room | None:
        """See `Store`."""

        def work(connection: Connection) -> pb.Room | None:
            found = connection.execute(
                select(ROOM.c.room).where(
                    ROOM.c.room_id == room_id, ROOM.c.tenant_id == tenant_id, ROOM.c.project_id == project_id
                )
            ).scalar()
            return pb.Room.FromString(found) if found is not None else None

        return await self._database.run(work)

    async def rooms(self, tenant_id: str, project_id: int, before: tuple[int, str] | None, limit: int) -> list[pb.Room]:
        """See `Store`."""

        def work(connection: Connection) -> list[pb.Room]:
            columns = ROOM.c
            query = select(columns.room).where(
                columns.tenant_id == tenant_id, columns.project_id == project_id, columns.parent_room_id == ""
            )
            if before is not None:
                time_ms, room_id = before
                query = query.where(
                    or_(
                        columns.create_time_ms < time_ms,
                        and_(columns.create_time_ms == time_ms, columns.room_id < room_id),
                    )
                )
            query = query.order_by(columns.create_time_ms.desc(), columns.room_id.desc()).limit(limit)
            return [pb.Room.FromString(found) for (found,) in connection.execute(query)]

        return await self._database.run(work)

    async def breakouts(self, tenant_id: str, project_id: int, room_ids: Sequence[str], limit: int) -> list[pb.Room]:
        """See `Store`."""
        columns = ROOM.c
        query = select(columns.room).where(
            columns.parent_room_id.in_(room_ids), columns.tenant_id == tenant_id, columns.project_id == project_id
        )
        query = query.order_by(columns.create_time_ms.desc(), columns.room_id.desc()).limit(limit)

        def work(connection: Connection) -> list[pb.Room]:
            return [pb.Room.FromString(found) for (found,) in connection.execute(query)]

        return await self._database.run(work)

    async def take(
        self, tenant_id: str, project_id: int, room_id: str, until_ms: int, free_ms: int | None = None
    ) -> pb.Room | None:
        """See `Store`."""
        columns = ROOM.c
        here = (columns.room_id == room_id, columns.tenant_id == tenant_id, columns.project_id == project_id)
        change = update(ROOM).where(*here).values(owner=self._instance, owned_until_ms=until_ms)
        if free_ms is not None:
            change = change.where(self._free(free_ms))

        def work(connection: Connection) -> pb.Room | None:
            if not connection.execute(change).rowcount:
                return None
            return pb.Room.FromString(connection.execute(select(columns.room).where(*here)).scalar_one())

        return await self._database.run(work)

    async def hold(self, until_ms: int) -> set[str]:
        """See `Store`."""
        mine = ROOM.c.owner == self._instance

        def work(connection: Connection) -> set[str]:
            connection.execute(update(ROOM).where(mine).values(owned_until_ms=until_ms))
            return set(connection.execute(select(ROOM.c.room_id).where(mine)).scalars())

        return await self._database.run(work)

    async def release(self, room_id: str) -> None:
        """See `Store`."""
        mine = (ROOM.c.room_id == room_id, ROOM.c.owner == self._instance)
        change = update(ROOM).where(*mine).values(owner="", owned_until_ms=0)
        await self._database.run(lambda connection: connection.execute(change))

    async def orphans(self, now_ms: int) -> list[tuple[str, int, str]]:
        """See `Store`."""
        columns = ROOM.c
        query = select(columns.tenant_id, columns.project_id, columns.room_id)
        query = query.where(columns.owner != "", self._free(now_ms)).order_by(columns.owned_until_ms)

        def work(connection: Connection) -> list[tuple[str, int, str]]:
            return [(row[0], row[1], row[2]) for row in connection.execute(query)]

        return await self._database.run(work)

    def _free(self, now_ms: int) -> ColumnElement[bool]:
        return or_(ROOM.c.owner.in_(("", self._instance)), ROOM.c.owned_until_ms < now_ms)

    async def append(self, tenant_id: str, person_id: str, room: pb.Room, kept: Sequence[Kept]) -> None:
        """See `Store`."""
        rows = [
            {
                "room_id": room.room_id,
                "ordinal": each.event.ordinal,
                "participant_id": each.participant_id,
                "number": each.number,
                "event": each.event.SerializeToString(),
            }
            for each in kept
        ]
        serialised = room.SerializeToString()
        ended = _ENDED if room.state == pb.ROOM_STATE_ENDED else 0

        def work(connection: Connection) -> None:
            # The room first: whoever takes it meanwhile waits for this, and else this finds that it was taken.
            mine = (ROOM.c.room_id == room.room_id, ROOM.c.owner == self._instance)
            if not connection.execute(update(ROOM).where(*mine).values(room=serialised, ended=ended)).rowcount:
                raise RoomMoved("this room is served by another instance now: come again")
            connection.execute(insert(EVENT), rows)
            if any(each.event.WhichOneof("what") == "ended" for each in kept):
                _audit(connection, tenant_id, person_id, "room.end", room)

        await self._database.run(work)

    async def events(self, room_id: str, after: int, limit: int) -> list[Kept]:
        """See `Store`."""

        def work(connection: Connection) -> list[Kept]:
            columns = EVENT.c
            query = (
                select(columns.event, columns.participant_id, columns.number)
                .where(columns.room_id == room_id, columns.ordinal > after)
                .order_by(columns.ordinal)
                .limit(limit)
            )
            return [Kept(pb.Event.FromString(row[0]), row[1], row[2]) for row in connection.execute(query)]

        return await self._database.run(work)

    async def ended(self) -> list[tuple[str, int, str]]:
        """See `Store`."""

        def work(connection: Connection) -> list[tuple[str, int, str]]:
            columns = ROOM.c
            query = select(columns.tenant_id, columns.project_id, columns.room_id, columns.room)
            found = connection.execute(query.where(columns.ended == _ENDED, columns.owner.in_(("", self._instance))))
            return [(row[0], row[1], row[2]) for row in found if not pb.Room.FromString(row[3]).people]

        return await self._database.run(work)

    async def sealed(self, room_id: str) -> None:
        """See `Store`."""
        change = update(ROOM).where(ROOM.c.room_id == room_id).values(ended=_SEALED)
        await self._database.run(lambda connection: connection.execute(change))

    async def close(self) -> None:
        """See `Store`."""
        await self._database.close()


def _row(tenant_id: str, room: pb.Room) -> dict[str, object]:
    return {
        "room_id": room.room_id,
        "tenant_id": tenant_id,
        "project_id": room.project_id,
        "create_time_ms": room.create_time_ms,
        "ended": 0,
        "parent_room_id": room.parent_room_id,
        "room": room.SerializeToString(),
    }


def _open_rooms(connection: Connection, tenant_id: str, project_id: int) -> int:
    columns = ROOM.c
    query = select(func.count()).where(
        columns.tenant_id == tenant_id,
        columns.project_id == project_id,
        columns.ended == 0,
        columns.parent_room_id == "",
    )
    return int(connection.execute(query).scalar_one())


def _audit(connection: Connection, tenant_id: str, person_id: str, action: str, room: pb.Room) -> None:
    at = room.end_time_ms or room.create_time_ms
    event = AuditEvent(tenant_id, person_id, action, f"room/{room.room_id}", at, {"project": room.project_id})
    record(connection, "svc_signaling", event)
