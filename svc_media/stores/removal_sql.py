"""The part of the store that removes videos for good."""

from sqlalchemy import Connection, delete, insert, select, update

from mesh.sql import Database
from svc_media.core.model import Owner, Video
from svc_media.stores.job_sql import one, tell
from svc_media.stores.table import compositions, contents, jobs, rates, removals, subtitles, uploads, videos

_ROW = 1


class SqlRemovals:
    """See the port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def removed_to(self) -> int:
        """See the port."""

        def work(connection: Connection) -> int:
            row = one(connection, removals, id=_ROW)
            return row["number"] if row is not None else 0

        return await self._database.run(work)

    async def set_removed_to(self, number: int) -> None:
        """See the port."""

        def work(connection: Connection) -> None:
            if not connection.execute(update(removals).where(removals.c.id == _ROW).values(number=number)).rowcount:
                connection.execute(insert(removals).values(id=_ROW, number=number))

        await self._database.run(work)

    async def shares_content(self, video: Video) -> bool:
        """See the port."""
        columns = videos.c
        query = select(columns.video_id).where(
            columns.tenant_id == video.owner.tenant_id,
            columns.sha256 == video.sha256,
            columns.video_id != video.video_id,
        )
        return await self._database.run(lambda connection: connection.execute(query.limit(1)).first() is not None)

    async def spoil_content(self, tenant_id: str, sha256: bytes) -> None:
        """See the port."""
        change = update(contents).where(contents.c.tenant_id == tenant_id, contents.c.sha256 == sha256)
        await self._database.run(lambda connection: connection.execute(change.values(ready=False)))

    async def remove_video(self, video: Video, now_ms: int, *, content: bool) -> None:
        """See the port."""
        tenant_id = video.owner.tenant_id

        def work(connection: Connection) -> None:
            if not connection.execute(delete(videos).where(videos.c.video_id == video.video_id)).rowcount:
                return
            for table in (jobs, subtitles, rates, compositions):
                connection.execute(delete(table).where(table.c.video_id == video.video_id))
            connection.execute(delete(uploads).where(uploads.c.upload_id == video.upload_id))
            if content:
                where = (contents.c.tenant_id == tenant_id, contents.c.sha256 == video.sha256)
                connection.execute(delete(contents).where(*where))
            owner = Owner(tenant_id, "", video.owner.project_id)
            tell(connection, owner, "video.remove", video.video_id, now_ms, file=video.file_name, files=int(content))

        await self._database.run(work)
