"""Work in several batches, in the same database."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from mesh import audit
from mesh.sql import AlreadyUsed, Database
from svc_version.core.model import State, Work
from svc_version.errors import RollbackRunning
from svc_version.stores.dialect import ask, lock
from svc_version.stores.row import decode_work, encode_work

T = TypeVar("T")

_ASKED: Final = "SELECT work FROM works WHERE tenant_id = ? AND person_id = ? AND request_id = ?"


class SqlWork:
    """The part of `Store` that is about work."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, name: int, work: Callable[[Connection], T]) -> T:
        """Does the work alone among those that write about the same video. Once more if somebody with another was
        quicker to use a request_id: then it is found.
        """

        def alone(connection: Connection) -> T:
            lock(connection, name)
            return work(connection)

        try:
            return await self._database.run(alone)
        except IntegrityError:
            return await self._database.run(alone)

    async def begin_work(self, work: Work, batches: Sequence[bytes]) -> Work:
        """See `Store`."""

        def begin(connection: Connection) -> Work:
            asked = _asked(connection, work.tenant_id, work.person_id, work.request_id)
            if asked is not None:
                if asked.request_hash != work.request_hash:
                    raise AlreadyUsed("This request_id was used for another request; take a new one.")
                return asked
            running = ask(
                connection,
                f"SELECT work_id FROM works WHERE video_id = ? AND state = {State.RUNNING.value}",
                (work.video_id,),
            ).first()
            if running is not None:
                raise RollbackRunning("another roll-back of this video is being written", rollback_id=str(running[0]))
            ask(
                connection,
                "INSERT INTO works (work_id, tenant_id, video_id, person_id, request_id, state, work)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (work.work_id, work.tenant_id, work.video_id, work.person_id, work.request_id, work.state.value,
                 encode_work(work)),
            )  # fmt: skip
            if batches:
                ask(
                    connection,
                    "INSERT INTO batches (work_id, number, batch) VALUES (?, ?, ?)",
                    [(work.work_id, number, batch) for number, batch in enumerate(batches, 1)],
                )
            _tell(connection, work)
            return work

        return await self.write(work.video_id, begin)

    async def save_work(self, work: Work) -> None:
        """See `Store`."""

        def save(connection: Connection) -> None:
            ask(
                connection,
                f"UPDATE works SET state = ?, work = ? WHERE work_id = ? AND state = {State.RUNNING.value}",
                (work.state.value, encode_work(work), work.work_id),
            )

        await self._database.run(save)

    async def work(self, tenant_id: str, video_id: int, work_id: int) -> Work | None:
        """See `Store`."""

        def find(connection: Connection) -> Work | None:
            query = "SELECT work FROM works WHERE work_id = ? AND tenant_id = ? AND video_id = ?"
            row = ask(connection, query, (work_id, tenant_id, video_id)).first()
            return None if row is None else decode_work(row[0])

        return await self._database.run(find)

    async def asked(self, tenant_id: str, person_id: str, request_id: str) -> Work | None:
        """See `Store`."""
        return await self._database.run(lambda connection: _asked(connection, tenant_id, person_id, request_id))

    async def batches(self, work_id: int) -> Sequence[bytes]:
        """See `Store`."""

        def find(connection: Connection) -> Sequence[bytes]:
            query = "SELECT batch FROM batches WHERE work_id = ? ORDER BY number"
            return [row[0] for row in ask(connection, query, (work_id,))]

        return await self._database.run(find)

    async def batch(self, work_id: int, number: int) -> bytes:
        """See `Store`."""

        def find(connection: Connection) -> bytes:
            query = "SELECT batch FROM batches WHERE work_id = ? AND number = ?"
            batch: bytes = ask(connection, query, (work_id, number)).scalar_one()
            return batch

        return await self._database.run(find)

    async def running(self) -> Sequence[Work]:
        """See `Store`."""

        def find(connection: Connection) -> Sequence[Work]:
            query = f"SELECT work FROM works WHERE state = {State.RUNNING.value} ORDER BY work_id"
            return [decode_work(row[0]) for row in ask(connection, query)]

        return await self._database.run(find)

    async def close(self) -> None:
        """See `Store`."""
        await self._database.close()


def _asked(connection: Connection, tenant_id: str, person_id: str, request_id: str) -> Work | None:
    row = ask(connection, _ASKED, (tenant_id, person_id, request_id)).first()
    return None if row is None else decode_work(row[0])


def _tell(connection: Connection, work: Work) -> None:
    detail: dict[str, str | int] = {"operations": work.operation_count, "target_revision": work.target_revision}
    action = f"notes.{work.kind.name.lower()}"
    event = audit.Event(work.tenant_id, work.person_id, action, f"video/{work.video_id}", work.created_ms, detail)
    audit.record(connection, "svc_version", event)
