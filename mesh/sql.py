"""SQL stores: SQLAlchemy Core, synchronous, in one thread of their own for each store."""

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, LargeBinary, MetaData, String, Table, create_engine, event, insert, select
from sqlalchemy.engine import Engine
from sqlalchemy.pool import StaticPool

from rushes.errors import Conflict

T = TypeVar("T")


class AlreadyUsed(Conflict):
    """The request_id was used for another request."""

    reason = "ALREADY_USED"


class Database:
    """A store: every piece of work is one transaction, one after the other. Committed means on disk."""

    def __init__(self, url: str) -> None:
        self._engine: Engine = _engine(url)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sql")
        self._closed = False
        self._prepared = False

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Does the work in a transaction, off the event loop. An exception rolls it back and is raised here."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transaction, work)

    def _transaction(self, work: Callable[[Connection], T]) -> T:
        with self._engine.begin() as connection:
            if not self._prepared:
                _metadata.create_all(connection)
                self._prepared = True
            return work(connection)

    async def close(self) -> None:
        """Waits for what is under way and closes. Closing again does nothing."""
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.dispose)
        self._thread.shutdown()


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False, "timeout": 10})

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy begins transactions itself, below
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


_metadata = MetaData()
_own = Table(
    "idempotent_requests",
    _metadata,
    Column("tenant_id", String, primary_key=True),
    Column("person_id", String, primary_key=True),
    Column("method", String, primary_key=True),
    Column("request_id", String, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
)


def idempotent(
    connection: Connection,
    *,
    tenant: str,
    person: str,
    method: str,
    request_id: str,
    request: bytes,
    answer: Callable[[], bytes],
) -> bytes:
    """The answer given before to this request_id, or the work done now and its answer kept, in the caller's transaction.

    Without a request_id the work is simply done. Raises AlreadyUsed when the id came with another request.
    """
    if not request_id:
        return answer()
    key = {"tenant_id": tenant, "person_id": person, "method": method, "request_id": request_id}
    digest = hashlib.sha256(request).digest()
    query = select(_own.c.hash, _own.c.answer)
    for name, value in key.items():
        query = query.where(_own.c[name] == value)
    row = connection.execute(query).one_or_none()
    if row is not None:
        if row.hash != digest:
            raise AlreadyUsed("This request_id was used for another request; take a new one.", request_id=request_id)
        return bytes(row.answer)
    given = answer()
    connection.execute(insert(_own).values(**key, hash=digest, answer=given))
    return given
