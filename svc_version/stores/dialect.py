"""The few places where SQLite and PostgreSQL differ: statements are written once, with `?` for values."""

from typing import Any

from sqlalchemy import Connection


def is_server(connection: Connection) -> bool:
    """Whether several may use the store at once."""
    return connection.dialect.name == "postgresql"


def ask(connection: Connection, query: str, values: Any = ()) -> Any:
    """Runs a statement, or, with a list of values, one for each. No text of it holds a question mark."""
    return connection.exec_driver_sql(query.replace("?", "%s") if is_server(connection) else query, values)


def lock(connection: Connection, name: int) -> None:
    """Until the end of the transaction nobody else who asks for the same name writes. SQLite has one writer anyway."""
    if is_server(connection):
        ask(connection, "SELECT pg_advisory_xact_lock(?)", (name,))
