"""Several processes on one database, one transaction at a time."""

import asyncio
import threading

import pytest
from sqlalchemy import Connection, text

from mesh.sql import Database, StoreUnavailable

EACH = 50


def make(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE number (n INTEGER)"))
    connection.execute(text("INSERT INTO number VALUES (0)"))


def count(connection: Connection) -> int:
    """Reads, then writes: two at once would count the same number."""
    n = int(connection.execute(text("SELECT n FROM number")).scalar_one())
    connection.execute(text("UPDATE number SET n = :n").bindparams(n=n + 1))
    return n + 1


async def test_what_is_read_in_a_transaction_nobody_changes_meanwhile(fresh_postgresql: str) -> None:
    databases = [Database(fresh_postgresql, one_writer=True) for _ in range(3)]
    await databases[0].run(make)
    found = await asyncio.gather(*(each.run(count) for each in databases for _ in range(EACH)))
    assert sorted(found) == list(range(1, 3 * EACH + 1))
    for each in databases:
        await each.close()


async def test_who_stands_still_in_its_turn_is_put_out_and_has_changed_nothing(fresh_postgresql: str) -> None:
    hanging, other = (Database(fresh_postgresql, one_writer=True) for _ in range(2))
    await other.run(make)
    inside, over = threading.Event(), threading.Event()

    def hang(connection: Connection) -> None:
        count(connection)
        inside.set()
        assert over.wait(60)
        count(connection)

    held = asyncio.create_task(hanging.run(hang))
    await asyncio.to_thread(inside.wait, 60)
    # It may be told to come again, but not for ever.
    for _ in range(10):
        try:
            assert await other.run(count) == 1
            break
        except StoreUnavailable:
            continue
    else:
        pytest.fail("nobody else ever had a turn")
    over.set()
    with pytest.raises(StoreUnavailable):
        await held
    assert await hanging.run(count) == 2
    await hanging.close()
    await other.close()
