"""A SQL store: SQLAlchemy Core in one thread, one transaction at a time."""

import asyncio
import hashlib
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, StaticPool, create_engine, delete, event, insert, make_url, select
from sqlalchemy.exc import DBAPIError, OperationalError

from mesh.table import request as request_table
from rushes.errors import Conflict, ResourceExhausted, Unavailable

T = TypeVar("T")

MAX_WAITING = 10_000
BUSY_TIMEOUT_MS = 5_000
KEEP_REQUESTS_MS = 7 * 86_400_000
_TURN = (
    "SET LOCAL lock_timeout = '5s'; SET LOCAL idle_in_transaction_session_timeout = '5s';"
    " SELECT pg_advisory_xact_lock(7236838)"
)
"""Waits for one's turn among the processes on a PostgreSQL database."""

_TROUBLE = frozenset(
    (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY,
     sqlite3.SQLITE_CANTOPEN)
)  # fmt: skip


class AlreadyUsed(Conflict):
    """The request_id was used for another request."""

    reason = "ALREADY_USED"


class StoreUnavailable(Unavailable):
    """The store cannot be written or read now: its disk is full or failing, or somebody holds it."""

    reason = "STORE_UNAVAILABLE"


class StoreBusy(ResourceExhausted):
    """Too much waits for the store."""

    reason = "STORE_BUSY"


class Database:
    """A database that is used by one thread of its own.

    What `run` is given happens in one transaction, whole or not at all, and in the order of the calls; once it returns
    it is durable (SQLite: WAL with synchronous=FULL). Nothing is opened before the first `run`.
    """

    def __init__(self, url: str, *, mapped_bytes: int = 0, one_writer: bool = False) -> None:
        """`mapped_bytes`: so much of an SQLite file is read through memory, where it takes no call for each page.
        `one_writer`: that order holds among all processes on a server's database, one transaction at a time, as a file
        has it; the server puts out whoever stands still in the middle of one.
        """
        self._turn = _TURN if one_writer and make_url(url).drivername.startswith("postgresql") else ""
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._engine = _engine(url, mapped_bytes)
        self._waiting = 0
        self._closed = False

    async def run(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns; if it raises, nothing has happened. A caller who is cancelled does not undo it."""
        if self._closed:
            raise StoreUnavailable("The store is closed.")
        if self._waiting >= MAX_WAITING:
            raise StoreBusy("Too much waits for the store; try again in a moment.")
        self._waiting += 1
        future = asyncio.get_running_loop().run_in_executor(self._executor, self._transaction, work)
        future.add_done_callback(self._done)
        return await asyncio.shield(future)

    async def close(self) -> None:
        """Ends it, once all work that waits is done. May be called twice."""
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._executor, self._engine.dispose)
        self._executor.shutdown(wait=False)

    def _done(self, future: "asyncio.Future[Any]") -> None:
        self._waiting -= 1
        # Retrieved here too, for whoever waited may have gone: it would be reported as lost.
        if not future.cancelled():
            future.exception()

    def _transaction(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._engine.begin() as connection:
                if self._turn:
                    connection.exec_driver_sql(self._turn)
                return work(connection)
        except DBAPIError as error:
            if _is_trouble(error):
                raise StoreUnavailable(f"The store cannot be used now: {error.orig}.") from error
            raise


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
    """What `answer` gives, done once for each request_id: later it is what was given then, for a week.

    Belongs into the transaction of the change, in a store that `mesh.migration` has made. The same id with another
    request raises AlreadyUsed; without an id the work is simply done.
    """
    if not request_id:
        return answer()
    before = answered(connection, tenant=tenant, person=person, method=method, request_id=request_id, request=request)
    if before is not None:
        return before
    given = answer()
    now_ms = int(time.time() * 1000)
    connection.execute(delete(request_table).where(request_table.c.time_ms < now_ms - KEEP_REQUESTS_MS))
    connection.execute(
        insert(request_table).values(
            tenant_id=tenant,
            person_id=person,
            method=method,
            request_id=request_id,
            request_sha256=hashlib.sha256(request).digest(),
            answer=given,
            time_ms=now_ms,
        )
    )
    return given


def answered(
    connection: Connection, *, tenant: str, person: str, method: str, request_id: str, request: bytes
) -> bytes | None:
    """What was given to this very request; None: it was not made before. Raises as `idempotent` does."""
    columns = request_table.c
    row = connection.execute(
        select(columns.request_sha256, columns.answer).where(
            columns.tenant_id == tenant,
            columns.person_id == person,
            columns.method == method,
            columns.request_id == request_id,
        )
    ).first()
    if row is None:
        return None
    if bytes(row[0]) != hashlib.sha256(request).digest():
        raise AlreadyUsed("This request_id was used for another request; take a new one.", request_id=request_id)
    return bytes(row[1])


def _engine(url: str, mapped_bytes: int) -> Engine:
    if not make_url(url).drivername.startswith("sqlite"):
        return create_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True)
    # One thread uses it, but closing at exit may come from another.
    engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", partial(_prepare, mapped_bytes))
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(mapped_bytes: int, connection: Any, record: Any) -> None:
    # The driver's own transactions leave DDL and reads outside; with None it begins none, and _begin does.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}").close()
    _write_ahead(connection)
    for pragma in (
        "synchronous = FULL",
        "foreign_keys = ON",
        "trusted_schema = OFF",
        # Some builds of SQLite overwrite all that is let go of: of a page that is free now, one more write.
        "secure_delete = FAST",
        f"mmap_size = {mapped_bytes}",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _write_ahead(connection: Any) -> None:
    """Asks a file for its log until whoever writes to it is done: for this SQLite does not wait of itself."""
    until = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
        time.sleep(0.005)


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _is_trouble(error: DBAPIError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is None:  # of a server: it is away, goes, or does not let us in
        return error.connection_invalidated or isinstance(error, OperationalError)
    return code & 0xFF in _TROUBLE
