"""A SQL store of a service: whole transactions, in order, durable, and clear errors when its disk is not there."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from mesh.migration import MESH, migrate
from mesh.sql import AlreadyUsed, Database, StoreBusy, StoreUnavailable, idempotent


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A database with a table of numbers."""
    database = Database(f"sqlite:///{tmp_path / 'it.db'}")
    await database.run(lambda connection: migrate(connection, MESH))
    await database.run(lambda connection: connection.execute(text("CREATE TABLE number (n INTEGER)")))
    yield database
    await database.close()


def add(number: int) -> Any:
    """Work that adds a number."""
    return lambda connection: connection.execute(text("INSERT INTO number VALUES (:n)"), {"n": number})


def numbers(connection: Connection) -> list[int]:
    """The numbers in the order they were added."""
    return [row.n for row in connection.execute(text("SELECT n FROM number ORDER BY rowid"))]


async def test_work_is_done_in_the_order_it_is_given(database: Database) -> None:
    await asyncio.gather(*(database.run(add(number)) for number in range(100)))
    assert await database.run(numbers) == list(range(100))


async def test_work_that_raises_leaves_nothing_behind_not_even_tables(database: Database) -> None:
    def fail(connection: Connection) -> None:
        add(1)(connection)
        connection.execute(text("CREATE TABLE other (n INTEGER)"))
        raise KeyError("x")

    with pytest.raises(KeyError):
        await database.run(fail)
    assert await database.run(numbers) == []
    await database.run(lambda connection: connection.execute(text("CREATE TABLE other (n INTEGER)")))


async def test_a_caller_who_goes_away_does_not_undo_the_work(database: Database) -> None:
    task = asyncio.create_task(database.run(add(1)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await database.run(numbers) == [1]


async def test_what_is_committed_is_on_the_disk_and_keys_are_checked(database: Database) -> None:
    def pragmas(connection: Connection) -> dict[str, Any]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names}

    assert await database.run(pragmas) == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


async def test_closing_waits_for_the_work_and_may_be_done_twice(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'it.db'}")
    work = asyncio.ensure_future(database.run(lambda connection: connection.execute(text("SELECT 1")).scalar()))
    await asyncio.sleep(0)
    await database.close()
    await database.close()
    assert await work == 1
    with pytest.raises(StoreUnavailable):
        await database.run(numbers)


async def test_too_much_waiting_work_is_refused(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mesh.sql.MAX_WAITING", 3)
    outcomes = await asyncio.gather(*(database.run(add(number)) for number in range(5)), return_exceptions=True)
    assert [isinstance(outcome, StoreBusy) for outcome in outcomes] == [False, False, False, True, True]
    assert await database.run(numbers) == [0, 1, 2]


async def test_a_full_disk_is_a_clear_error_and_reading_goes_on(database: Database) -> None:
    await database.run(add(1))

    def limit(connection: Connection, pages: int) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    await database.run(lambda connection: limit(connection, 1))
    series = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s LIMIT 100000)"
    fill = f"{series} INSERT INTO number SELECT n FROM s"
    with pytest.raises(StoreUnavailable, match="full"):
        await database.run(lambda connection: connection.execute(text(fill)))
    assert await database.run(numbers) == [1]
    await database.run(lambda connection: limit(connection, 1_000_000))
    await database.run(lambda connection: connection.execute(text(fill)))


async def test_a_new_file_that_somebody_writes_to_is_waited_for(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "new.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("CREATE TABLE number (n INTEGER)")
    asyncio.get_running_loop().call_later(0.1, other.execute, "COMMIT")
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")
    assert await database.run(numbers) == []
    await database.close()
    other.close()


async def test_a_database_that_somebody_holds_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mesh.sql.BUSY_TIMEOUT_MS", 10)
    path = tmp_path / "held.db"
    database = Database(f"sqlite:///{path}")
    await database.run(lambda connection: connection.execute(text("CREATE TABLE number (n INTEGER)")))
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await database.run(add(1))
    holder.execute("ROLLBACK")
    holder.close()
    await database.run(add(2))
    assert await database.run(numbers) == [2]
    await database.close()


async def test_a_folder_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'none' / 'it.db'}")
    with pytest.raises(StoreUnavailable):
        await database.run(numbers)
    await database.close()


# The same request twice


class Counter:
    """Work that counts how often it is done."""

    def __init__(self) -> None:
        self.done = 0

    def answer(self) -> bytes:
        """Done."""
        self.done += 1
        return f"answer {self.done}".encode()

    def work(self, request: bytes = b"r", **key: str) -> Any:
        """For `run`."""
        full = {"tenant": "t", "person": "p", "method": "Make", "request_id": "1", **key}
        return lambda connection: idempotent(connection, request=request, answer=self.answer, **full)


async def test_a_request_that_comes_twice_is_done_once(database: Database) -> None:
    counter = Counter()
    assert [await database.run(counter.work()) for _ in range(3)] == [b"answer 1"] * 3
    assert counter.done == 1


@pytest.mark.parametrize("key", ["tenant", "person", "method", "request_id"])
async def test_another_request_is_done_too(database: Database, key: str) -> None:
    counter = Counter()
    await database.run(counter.work())
    await database.run(counter.work(b"r", **{key: "other"}))
    assert counter.done == 2


async def test_the_same_id_with_another_request_is_refused(database: Database) -> None:
    counter = Counter()
    await database.run(counter.work())
    with pytest.raises(AlreadyUsed):
        await database.run(counter.work(b"other"))
    assert counter.done == 1


async def test_without_an_id_it_is_done_each_time(database: Database) -> None:
    counter = Counter()
    for _ in range(2):
        await database.run(counter.work(request_id=""))
    assert counter.done == 2


async def test_a_request_that_failed_may_be_tried_again_the_very_first_too(database: Database) -> None:
    counter = Counter()

    def fail(connection: Connection) -> None:
        counter.work()(connection)
        raise KeyError("x")

    with pytest.raises(KeyError):
        await database.run(fail)
    assert await database.run(counter.work()) == b"answer 2"


async def test_old_requests_are_forgotten(database: Database) -> None:
    counter = Counter()
    await database.run(counter.work())
    await database.run(lambda connection: connection.execute(text("UPDATE mesh_request SET time_ms = 0")))
    await database.run(counter.work(request_id="2"))
    assert await database.run(counter.work()) == b"answer 3"


_WRITER = """
import asyncio, sys
from sqlalchemy import text
from mesh.sql import Database

async def main():
    database = Database(sys.argv[1])
    await database.run(lambda c: c.execute(text("CREATE TABLE IF NOT EXISTS number (n INTEGER PRIMARY KEY)")))
    n = await database.run(lambda c: c.execute(text("SELECT coalesce(max(n), 0) FROM number")).scalar())
    while True:
        n += 1
        await database.run(lambda c: c.execute(text("INSERT INTO number VALUES (:n)"), {"n": n}))
        print(n, flush=True)

asyncio.run(main())
"""


def write_and_be_killed(url: str, count: int) -> int:
    """Lets a process write numbers and kills it after so many; gives the last that it said is written."""
    with subprocess.Popen([sys.executable, "-c", _WRITER, url], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(count)]
        process.kill()
        lines += process.stdout.read().splitlines()
    return int(lines[-1])


async def test_what_was_acknowledged_before_a_kill_is_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'it.db'}"
    acknowledged = 0
    for round_ in range(1, 4):
        acknowledged = await asyncio.to_thread(write_and_be_killed, url, 20 * round_)
    database = Database(url)
    found = await database.run(numbers)
    await database.close()
    assert found[:acknowledged] == list(range(1, acknowledged + 1))
    assert len(found) <= acknowledged + 5
