"""The store in SQL: SQLite, and whatever else SQLAlchemy speaks to."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from mesh.sql import Database, idempotent
from svc_project.core.model import Once
from svc_project.stores import Unit, schema
from svc_project.stores.access import SqlAccess, SqlInvitations
from svc_project.stores.audit import SqlAudit
from svc_project.stores.library import SqlAssets, SqlProjects
from svc_project.stores.people import SqlKeys, SqlPeople, SqlSessions

T = TypeVar("T")


class SqlUnit:
    """One transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.people = SqlPeople(connection)
        self.sessions = SqlSessions(connection)
        self.keys = SqlKeys(connection)
        self.invitations = SqlInvitations(connection)
        self.access = SqlAccess(connection)
        self.projects = SqlProjects(connection)
        self.assets = SqlAssets(connection)
        self.audit = SqlAudit(connection)

    def once(self, once: Once, do: Callable[[], str]) -> tuple[str, bool]:
        """What `do` answers, and whether it was done now."""
        done = False

        def answer() -> bytes:
            nonlocal done
            done = True
            return do().encode()

        given = idempotent(
            self._connection,
            tenant=once.tenant_id,
            person=once.person_id,
            method=once.method,
            request_id=once.request_id,
            request=once.content,
            answer=answer,
        )
        return given.decode(), done


class SqlStore:
    """The store over a database of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare(self) -> None:
        """Makes the tables that are not there."""
        await self._database.run(schema.metadata.create_all)

    async def run(self, work: Callable[[Unit], T]) -> T:
        """Does the work in one transaction."""
        return await self._database.run(lambda connection: work(SqlUnit(connection)))

    async def close(self) -> None:
        """Ends it, once all work is done."""
        await self._database.close()
