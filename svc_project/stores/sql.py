"""The store in SQL: SQLite, and whatever else SQLAlchemy speaks to."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from mesh.migration import migrate
from mesh.sql import Database, answered, idempotent
from svc_project.core.model import Once
from svc_project.stores import Unit
from svc_project.stores.access import SqlAccess, SqlInvitations
from svc_project.stores.asset import SqlAssets
from svc_project.stores.audit import SqlAudit
from svc_project.stores.folder import SqlFolders
from svc_project.stores.news import SqlNews
from svc_project.stores.people import SqlKeys, SqlPeople, SqlSessions
from svc_project.stores.project import SqlProjects
from svc_project.stores.schema import SCHEMA
from svc_project.stores.settings import SqlSettings

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
        self.folders = SqlFolders(connection)
        self.settings = SqlSettings(connection)
        self.audit = SqlAudit(connection)
        self.news = SqlNews(connection)

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

    def was_done(self, once: Once) -> bool:
        """See `Unit`."""
        given = answered(
            self._connection,
            tenant=once.tenant_id,
            person=once.person_id,
            method=once.method,
            request_id=once.request_id,
            request=once.content,
        )
        return given is not None


class SqlStore:
    """The store over a database of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare(self) -> None:
        """Makes what is not there of tables, and brings older ones up."""
        await self._database.run(lambda connection: migrate(connection, SCHEMA))

    async def run(self, work: Callable[[Unit], T]) -> T:
        """Does the work in one transaction."""
        return await self._database.run(lambda connection: work(SqlUnit(connection)))

    async def close(self) -> None:
        """Ends it, once all work is done."""
        await self._database.close()
