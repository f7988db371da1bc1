"""A store of svc_project of each kind that there is."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text as sql

from mesh.sql import Database
from svc_project.stores import Store
from svc_project.stores.sql import SqlStore
from tests.contract.project_stores import seed

POSTGRESQL = os.environ.get("RUSHES_TEST_POSTGRESQL", "")


@pytest.fixture(params=["sqlite", *(["postgresql"] if POSTGRESQL else [])])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """The store, seeded."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'project.db'}")
    else:
        emptied = Database(POSTGRESQL)
        await emptied.run(lambda connection: connection.execute(sql("DROP SCHEMA public CASCADE")).close())
        await emptied.run(lambda connection: connection.execute(sql("CREATE SCHEMA public")).close())
        await emptied.close()
        database = Database(POSTGRESQL)
    made = SqlStore(database)
    await made.prepare()
    await made.run(seed)
    yield made
    await made.close()
