"""Letting go of purged videos in the history's SQLite file."""

from typing import Final

from sqlalchemy import Connection

from mesh.sql import Database

AT_ONCE: Final = 500
"""Rows that go in one transaction: what is written meanwhile waits for no more."""

_NAME: Final = "removed_to"
_KEYS: Final = {
    "records": ("ordinal",),
    "changes": ("revision", "annotation_id"),
    "annotations": ("order_revision", "order_index"),
}


class SqliteRemovals:
    """The part of `History` that is about removing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def remove_some(self, video_id: int) -> bool:
        """See `History`."""

        def work(connection: Connection) -> bool:
            return any(
                connection.exec_driver_sql(_statement(table), (video_id, video_id, AT_ONCE)).rowcount for table in _KEYS
            )

        return await self._database.run(work)

    async def removed_to(self) -> int:
        """See `History`."""

        def work(connection: Connection) -> int:
            query = "SELECT value FROM metadata WHERE name = ?"
            return int(connection.exec_driver_sql(query, (_NAME,)).scalar() or 0)

        return await self._database.run(work)

    async def set_removed_to(self, number: int) -> None:
        """See `History`."""
        change = "INSERT OR REPLACE INTO metadata (name, value) VALUES (?, ?)"
        await self._database.run(lambda connection: connection.exec_driver_sql(change, (_NAME, number)))


def _statement(table: str) -> str:
    keys = ", ".join(_KEYS[table])
    newest = ", ".join(f"{key} DESC" for key in _KEYS[table])
    return (
        f"DELETE FROM {table} WHERE video_id = ? AND ({keys}) IN"
        f" (SELECT {keys} FROM {table} WHERE video_id = ? ORDER BY {newest} LIMIT ?)"
    )
