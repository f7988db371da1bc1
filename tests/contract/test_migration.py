"""Schemas of SQL stores: new ones, ones that migrations made, and ones from before migrations, are the same."""

import asyncio
import importlib
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, text

from mesh.migration import MESH, Schema, migrate, upgrade
from mesh.sql import Database
from mesh.supervisor.migrate import STORES
from svc_version.stores import Head
from svc_version.stores.sql import SqlStore

ROOT = Path(__file__).resolve().parent.parent.parent
SCHEMAS: dict[str, Schema] = {
    name: importlib.import_module(f"{name}.setup").store(Path("/nowhere"))[1] for name in STORES
} | {"mesh": MESH}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with nothing in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    given: str = request.getfixturevalue("fresh_postgresql")
    return given


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """The same, open."""
    opened = Database(url)
    yield opened
    await opened.close()


@pytest.fixture(params=sorted(SCHEMAS))
def schema(request: pytest.FixtureRequest) -> Schema:
    """A service's."""
    return SCHEMAS[request.param]


def difference(connection: Connection, schema: Schema) -> Any:
    """What a database has that the tables do not say, or the other way."""
    others = set() if schema is MESH else {*MESH.metadata.tables, MESH.version_table}

    def mine(name: str | None, kind: str, parents: Any) -> bool:
        return kind != "table" or name not in others

    options = {"version_table": schema.version_table, "include_name": mine}
    return compare_metadata(MigrationContext.configure(connection, opts=options), schema.metadata)


def test_every_store_in_sql_has_migrations_that_rushes_migrate_runs() -> None:
    keepers = set()
    for path in sorted(ROOT.glob("[a-z]*/**/*.py")):
        package = path.relative_to(ROOT).parts[0]
        if not (package.startswith("svc_") or package in ("gateway", "mesh")) or path.parent.name == "migrations":
            continue
        source = path.read_text()
        assert (
            not re.search("CREATE (TABLE|INDEX|UNIQUE)|create_all|CreateTable", source)
            or path == ROOT / "mesh/migration.py"
        ), path
        if re.search(r"\bMetaData\(|\bDatabase\(|^import sqlite3|\bpsycopg", source, re.M) and package != "mesh":
            keepers.add(package)
    assert keepers == set(STORES)
    for schema in SCHEMAS.values():
        assert schema.head >= "0001"


async def test_migrations_lead_to_the_tables_as_they_are(database: Database, schema: Schema) -> None:
    await database.run(lambda connection: upgrade(connection, schema))
    assert not await database.run(lambda connection: difference(connection, schema)), "scripts/migration is to be run"
    assert await database.run(lambda connection: migrate(connection, schema)) == schema.head


async def test_a_new_store_is_at_the_head(database: Database, schema: Schema) -> None:
    assert await database.run(lambda connection: migrate(connection, schema)) == ""
    assert not await database.run(lambda connection: difference(connection, schema))
    assert await database.run(lambda connection: migrate(connection, schema)) == schema.head


def baseline(schema: Schema) -> MetaData:
    """The tables of the first migration."""
    (path,) = schema.migrations.glob("0001_*.py")
    specification = spec_from_file_location("baseline", path)
    assert specification is not None
    assert specification.loader is not None
    module = module_from_spec(specification)
    specification.loader.exec_module(module)
    found: MetaData = module.metadata
    return found


def old_versions(connection: Connection) -> None:
    """A store of the first release: each table was made as it was missed, and nothing moved by turns."""
    baseline(SCHEMAS["svc_version"]).create_all(connection)
    for statement in (
        "DROP TABLE leases",
        "DROP INDEX versions_age",
        "INSERT INTO heads (video_id, tenant_id, version_id, count, change) VALUES (7, 't', 70, 1, 1)",
        "INSERT INTO tags (video_id, tag, version_id) VALUES (7, 'final', 70)",
    ):
        connection.execute(text(statement))


async def test_a_store_of_versions_from_before_migrations_is_brought_up(database: Database) -> None:
    schema = SCHEMAS["svc_version"]
    await database.run(old_versions)
    assert await database.run(lambda connection: migrate(connection, schema)) == ""
    assert not await database.run(lambda connection: difference(connection, schema))
    store = SqlStore(database)
    assert await store.head("t", 7) == Head(70, 1)
    assert await store.lease("mover", "me", 1, 2)


def old_assets(connection: Connection) -> None:
    """A store of the first release: assets had no tags of their own, nor a name to be sorted by."""
    baseline(SCHEMAS["svc_project"]).create_all(connection)
    for statement in (
        "DROP TABLE asset_tag",
        "DROP INDEX asset_by_name",
        "ALTER TABLE asset DROP COLUMN name_key",
        "INSERT INTO tenant (tenant_id, name, created_ms) VALUES ('t', 'Studio', 1)",
        "INSERT INTO project (project_id, tenant_id, name, name_key, created_ms, version)"
        " VALUES (1, 't', 'Film', 'film', 1, 1)",
        "INSERT INTO asset (asset_id, tenant_id, project_id, name, tags, status, search, created_ms, updated_ms,"
        """ version) VALUES (1, 't', 1, 'Shot 9', '["night", "rain"]', '', '', 1, 1, 1)""",
    ):
        connection.execute(text(statement))


async def test_a_store_from_before_migrations_is_brought_up_and_keeps_what_it_has(database: Database) -> None:
    schema = SCHEMAS["svc_project"]
    await database.run(old_assets)
    assert await database.run(lambda connection: migrate(connection, schema)) == ""
    assert not await database.run(lambda connection: difference(connection, schema))

    def found(connection: Connection) -> list[str]:
        return [
            *connection.execute(text("SELECT name_key FROM asset")).scalars(),
            *connection.execute(text("SELECT tag FROM asset_tag ORDER BY tag")).scalars(),
        ]

    key, *tags = await database.run(found)
    assert (bool(key), tags) == (True, ["night", "rain"])


async def test_several_who_migrate_at_once_do_it_once(url: str, schema: Schema) -> None:
    databases = [Database(url) for _ in range(4)]
    found = await asyncio.gather(*(each.run(lambda connection: migrate(connection, schema)) for each in databases))
    assert sorted(found) == ["", *[schema.head] * 3]
    for each in databases:
        await each.close()


async def test_a_store_of_a_newer_release_is_used_as_it_is(
    database: Database, schema: Schema, caplog: pytest.LogCaptureFixture
) -> None:
    await database.run(lambda connection: migrate(connection, schema))
    statement = text(f"UPDATE {schema.version_table} SET version_num = '9999'")
    await database.run(lambda connection: connection.execute(statement).close())
    assert await database.run(lambda connection: migrate(connection, schema)) == "9999"
    assert "store_is_newer" in caplog.messages


async def test_a_migration_that_fails_changes_nothing(database: Database, tmp_path: Path) -> None:
    schema = SCHEMAS["svc_signaling"]
    await database.run(lambda connection: upgrade(connection, schema))
    folder = tmp_path / "broken" / "stores" / "migrations"
    folder.mkdir(parents=True)
    for sound in schema.migrations.glob("[0-9]*.py"):
        (folder / sound.name).write_text(sound.read_text())
    (folder / "9000_broken.py").write_text(
        f"from alembic import op\nimport sqlalchemy as sa\nrevision = '9000'\ndown_revision = '{schema.head}'\n\n"
        "def upgrade():\n"
        "    op.add_column('room', sa.Column('colour', sa.Text(), nullable=True))\n"
        "    op.execute('INSERT INTO nowhere VALUES (1)')\n"
    )
    with pytest.raises(Exception, match="nowhere"):
        await database.run(lambda connection: migrate(connection, Schema(schema.metadata, folder)))
    assert not await database.run(lambda connection: difference(connection, schema))
    assert await database.run(lambda connection: migrate(connection, schema)) == schema.head


def test_an_operator_brings_up_all_stores_before_anything_starts(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mesh.supervisor.migrate", "--data", str(tmp_path / "data")]
    first, again = (subprocess.run(command, capture_output=True, text=True, check=False, timeout=60) for _ in range(2))
    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert first.stdout.count("is new") == again.stdout.count("was there already") == len(STORES)
    wrong = {**os.environ, "RUSHES_MEDIA__DATABASE": f"sqlite:///{tmp_path}/no/such/folder/it.db"}
    failed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=wrong)
    assert failed.returncode == 1
    assert "svc_media" in failed.stderr
    assert "Traceback" not in failed.stderr
