"""A SQL store on a server that goes away and comes back."""

import pytest
from sqlalchemy import Connection, text

from mesh.sql import Database, StoreUnavailable
from tests.engine import Engine, need, running
from tests.engine_fixtures import answers, passable_folder


def numbers(connection: Connection) -> list[int]:
    return [row.n for row in connection.execute(text("SELECT n FROM number ORDER BY n"))]


async def test_what_was_acknowledged_is_there_when_the_server_is_back_and_until_then_all_is_refused() -> None:
    need("postgres")
    with passable_folder() as folder:
        server = Engine("postgres", folder)
        url = f"postgresql+psycopg://rushes@{server.address}/rushes"
        with running([server], lambda: answers(url)):
            database = Database(url)
            await database.run(lambda connection: connection.execute(text("CREATE TABLE number (n INTEGER)")).close())
            for number in range(20):
                statement = text("INSERT INTO number VALUES (:n)").bindparams(n=number)
                await database.run(lambda connection, made=statement: connection.execute(made).close())  # type: ignore[misc]
            server.kill()
            with pytest.raises(StoreUnavailable):
                await database.run(numbers)
            with pytest.raises(StoreUnavailable):
                await database.run(numbers)
            server.start()
            server.wait(lambda: answers(url))
            assert await database.run(numbers) == list(range(20))
            await database.close()
