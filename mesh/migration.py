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

log = logging.getLogger(__name__)

SCRIPTS: Final = Path(__file__).parent / "alembic"
_version = Table("alembic_version", MetaData(), Column("version_num", Text, primary_key=True))


@dataclass(frozen=True)
class Schema:
    """The tables of a service as they are now, and the folder of the migrations that lead there."""

    metadata: MetaData
    migrations: Path

    @property
    def head(self) -> str:
        """The newest revision: migrations are files NUMBER_NAME.py, and the number is the revision."""
        return max(path.name.partition("_")[0] for path in self.migrations.glob("[0-9]*.py"))


def migrate(connection: Connection, schema: Schema) -> str:
    """Brings the database to the head; gives the revision that it was at, which is empty for a new one.

    It belongs into one transaction. Several may do so at once. Alembic is imported only where there is something to do.
    """
    _alone(connection, schema)
    tables = set(inspect(connection).get_table_names())
    found = _revision(connection) if _version.name in tables else ""
    head = schema.head
    if not found and not tables & set(schema.metadata.tables):
        schema.metadata.create_all(connection)
        _version.create(connection, checkfirst=True)
        connection.execute(insert(_version).values(version_num=head))
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
    config.attributes.update(connection=connection, metadata=schema.metadata)
    return config


def bring_up(connection: Connection, metadata: MetaData) -> set[str]:
    """Makes what is not there of tables, columns and indexes; gives the tables that were there before.

    For the first migration alone, which meets databases from before there were migrations.
    """
    inspector = inspect(connection)
    before = set(inspector.get_table_names())
    metadata.create_all(connection)
    for table in metadata.sorted_tables:
        if table.name in before:
            _add_columns(connection, table, {column["name"] for column in inspector.get_columns(table.name)})
            known = {index["name"] for index in inspector.get_indexes(table.name)}
            for index in table.indexes:
                if index.name not in known:
                    index.create(connection)
    return before


def _add_columns(connection: Connection, table: Table, known: set[str]) -> None:
    quote = connection.dialect.identifier_preparer.format_table
    for column in table.columns:
        if column.name not in known:
            definition = CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {quote(table)} ADD COLUMN {definition}")


def _revision(connection: Connection) -> str:
    return connection.execute(select(_version.c.version_num)).scalar() or ""


def _alone(connection: Connection, schema: Schema) -> None:
    """Until the end of the transaction nobody else migrates this store; SQLite lets one write at a time anyway."""
    if connection.dialect.name == "postgresql":
        key = zlib.crc32(str(schema.migrations.parent.parent.name).encode())
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)").bindparams(key=key))
