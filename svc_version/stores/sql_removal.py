"""Letting go of purged videos, in the same database."""

from typing import Final

from sqlalchemy import Connection

from svc_version.stores.dialect import ask
from svc_version.stores.sql_work import SqlWork

AT_ONCE: Final = 200
"""Contents that go in one transaction: nobody who commits waits for all of a large video."""

_ROW: Final = 1
_CONTENTS: Final = """
    DELETE FROM contents WHERE video_id = ? AND sha256 IN (SELECT sha256 FROM contents WHERE video_id = ? LIMIT ?)"""


class SqlRemovals(SqlWork):
    """The part of `Store` that is about removing."""

    async def removed_to(self) -> int:
        """See `Store`."""

        def work(connection: Connection) -> int:
            return int(ask(connection, "SELECT number FROM removals WHERE id = ?", (_ROW,)).scalar() or 0)

        return await self._database.run(work)

    async def set_removed_to(self, number: int) -> None:
        """See `Store`."""

        def work(connection: Connection) -> None:
            ask(
                connection,
                "INSERT INTO removals (id, number) VALUES (?, ?)"
                " ON CONFLICT (id) DO UPDATE SET number = excluded.number",
                (_ROW, number),
            )

        await self._database.run(work)

    async def remove_some(self, tenant_id: str, video_id: int) -> bool:
        """See `Store`."""

        def work(connection: Connection) -> bool:
            whose = ask(connection, "SELECT tenant_id FROM heads WHERE video_id = ?", (video_id,)).scalar()
            if whose not in (None, tenant_id):
                return False
            ask(
                connection,
                "DELETE FROM batches WHERE work_id IN (SELECT work_id FROM works WHERE video_id = ?)",
                (video_id,),
            )
            for table in ("works", "tags", "versions", "heads"):
                ask(connection, f"DELETE FROM {table} WHERE video_id = ?", (video_id,))
            return bool(ask(connection, _CONTENTS, (video_id, video_id, AT_ONCE)).rowcount)

        return await self.write(video_id, work)
