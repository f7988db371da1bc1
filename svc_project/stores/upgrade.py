"""Brings the tables of an older release to those of this one. It only adds, so the older one still reads them."""

import json

from sqlalchemy import Connection, Table, insert, inspect, select, update
from sqlalchemy.schema import CreateColumn

from svc_project.core import text
from svc_project.stores import schema


def upgrade(connection: Connection) -> None:
    """Makes what is not there: tables, columns, indexes, and what columns hold that are read by now."""
    inspector = inspect(connection)
    before = set(inspector.get_table_names())
    schema.metadata.create_all(connection)
    for table in schema.metadata.sorted_tables:
        if table.name in before:
            _add_columns(connection, table, {column["name"] for column in inspector.get_columns(table.name)})
            known = {index["name"] for index in inspector.get_indexes(table.name)}
            for index in table.indexes:
                if index.name not in known:
                    index.create(connection)
    if "asset" in before and "asset_tag" not in before:
        _fill_assets(connection)


def _add_columns(connection: Connection, table: Table, known: set[str]) -> None:
    quote = connection.dialect.identifier_preparer.format_table
    for column in table.columns:
        if column.name not in known:
            definition = CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {quote(table)} ADD COLUMN {definition}")


def _fill_assets(connection: Connection) -> None:
    asset, tag = schema.asset, schema.asset_tag
    for row in connection.execute(select(asset)).all():
        where = asset.c.asset_id == row.asset_id
        connection.execute(update(asset).where(where).values(name_key=text.sort_key(row.name)))
        for each in json.loads(row.tags):
            values = {"tenant_id": row.tenant_id, "project_id": row.project_id, "asset_id": row.asset_id, "tag": each}
            connection.execute(insert(tag).values(values))
