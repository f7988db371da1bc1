"""Schemas of SQL stores: what is new is made in one go, what is older is brought up by Alembic's migrations.

A migration only adds: while instances of two releases run beside each other, and after going back, the older reads on.
"""

import logging
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Column, Connection, MetaData, Table, Text, insert, inspect, select, text
from sqlalchemy.schema import CreateColumn

from mesh import table

log = logging.getLogger(__name__)

SCRIPTS: Final = Path(__file__).parent / "alembic"


@dataclass(frozen=True)
class Schema:
    """The tables of a service as they are now, and the folder of the migrations that lead there."""

    metadata: MetaData
    migrations: Path
    requests: bool = True
    """Whether the mesh's tables are in the store too: requests that may come again, and the audit's outbox."""

    version_table: str = "alembic_version"
    """What the revision is kept in."""

    @property
    def version(self) -> Table:
        """The table of the revision."""
        return Table(self.version_table, MetaData(), Column("version_num", Text, primary_key=True))

    @property
    def head(self) -> str:
        """The newest revision: migrations are files NUMBER_NAME.py, and the number is the revision."""
        return max(path.name.partition("_")[0] for path in self.migrations.glob("[0-9]*.py"))


MESH: Final = Schema(table.metadata, Path(__file__).parent / "migrations", requests=False, version_table="mesh_version")
"""Of the tables that the mesh has in the stores of services."""


def migrate(connection: Connection, schema: Schema) -> str:
    """Brings the database to the head; gives the revision that it was at, which is empty for a new one.

    It belongs into one transaction. Several may do so at once. Alembic is imported only where there is something to do.
    """
    _alone(connection, schema)
    tables = set(inspect(connection).get_table_names())
    if schema.requests:
        _migrate(connection, MESH, tables)
    return _migrate(connection, schema, tables)


def _migrate(connection: Connection, schema: Schema, tables: set[str]) -> str:
    version = schema.version
    found = (connection.execute(select(version.c.version_num)).scalar() or "") if version.name in tables else ""
    head = schema.head
    if not found and not tables & set(schema.metadata.tables):
        schema.metadata.create_all(connection)
        version.create(connection, checkfirst=True)
        connection.execute(insert(version).values(version_num=head))
    elif found > head:
        log.warning("store_is_newer", extra={"found": found, "known": head})
    elif found != head:
        upgrade(connection, schema)
        log.info("store_migrated", extra={"found": found, "now": head})
    return found


def upgrade(connection: Connection, schema: Schema) -> None:
    """Runs the migrations that the database has not had. What is older than the first is what that one mends."""
    from alembic import command

    command.upgrade(configuration(schema, connection), "head")


def configuration(schema: Schema, connection: Connection) -> Any:
    """What Alembic's commands take."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(schema.migrations))
    config.attributes.update(connection=connection, metadata=schema.metadata, version_table=schema.version_table)
    return config


def bring_up(connection: Connection, metadata: MetaData) -> set[str]:
    """Makes what is not there of tables, columns and indexes; gives the tables that were there before.

    For the first migration alone, which meets databases from before there were migrations.
    """
    inspector = inspect(connection)
    before = set(inspector.get_table_names())
    metadata.create_all(connection)
    for each in metadata.sorted_tables:
        if each.name in before:
            _add_columns(connection, each, {column["name"] for column in inspector.get_columns(each.name)})
            known = {index["name"] for index in inspector.get_indexes(each.name)}
            for index in each.indexes:
                if index.name not in known:
                    index.create(connection)
    return before


def _add_columns(connection: Connection, table: Table, known: set[str]) -> None:
    quote = connection.dialect.identifier_preparer.format_table
    for column in table.columns:
        if column.name not in known:
            definition = CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {quote(table)} ADD COLUMN {definition}")


def _alone(connection: Connection, schema: Schema) -> None:
    """Until the end of the transaction nobody else migrates this store; SQLite lets one write at a time anyway."""
    if connection.dialect.name == "postgresql":
        key = zlib.crc32(schema.migrations.parent.parent.name.encode())
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)").bindparams(key=key))
