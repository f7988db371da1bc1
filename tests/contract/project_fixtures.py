"""A store of svc_project of each kind that there is."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mesh.sql import Database
from svc_project.stores import Store
from svc_project.stores.sql import SqlStore
from tests.contract.project_stores import seed


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """The store, seeded."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'project.db'}")
    else:
        database = Database(request.getfixturevalue("fresh_postgresql"))
    made = SqlStore(database)
    await made.prepare()
    await made.run(seed)
    yield made
    await made.close()
