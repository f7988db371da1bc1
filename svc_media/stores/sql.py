"""The store over SQL: SQLite on one machine."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, exists, func, insert, or_, select, update

from mesh.migration import migrate
from rushes.errors import NotFound
from svc_media.core.model import (
    MAX_OPEN_UPLOADS,
    Content,
    Job,
    Rendition,
    TooManyUploads,
    Upload,
    UploadJoined,
    Video,
    VideoState,
)
from svc_media.stores.job_sql import SqlJobs, job_of, new_job, one, owner_of, tell
from svc_media.stores.removal_sql import SqlRemovals
from svc_media.stores.table import SCHEMA, compositions, contents, jobs, joins, rates, uploads, videos


def _video(row: RowMapping, rate: str) -> Video:
    fields = {name: row[name] for name in Video.__slots__ if name not in ("owner", "state", "rate")}
    return Video(owner=owner_of(row), state=VideoState(row["state"]), rate=rate, **fields)


def _upload(row: RowMapping) -> Upload:
    return Upload(owner=owner_of(row), **{name: row[name] for name in Upload.__slots__ if name != "owner"})


def _parts(connection: Connection, upload_ids: Sequence[str]) -> list[Upload]:
    rows = connection.execute(select(uploads).where(uploads.c.upload_id.in_(upload_ids))).mappings()
    found = {row["upload_id"]: _upload(row) for row in rows}
    return [found[upload_id] for upload_id in upload_ids if upload_id in found]


def _joined(connection: Connection, whole_id: str) -> list[str]:
    query = select(joins.c.part_id).where(joins.c.whole_id == whole_id).order_by(joins.c.position)
    return list(connection.execute(query).scalars())


def _is_joined(connection: Connection, upload_id: str) -> bool:
    query = select(joins.c.part_id).where(or_(joins.c.part_id == upload_id, joins.c.whole_id == upload_id)).limit(1)
    return connection.execute(query).first() is not None


def _has_file(connection: Connection, file: str, *more: ColumnElement[bool]) -> bool:
    query = select(uploads.c.upload_id).where(uploads.c.file == file, *more).limit(1)
    return connection.execute(query).first() is not None


def _add_upload(connection: Connection, upload: Upload, display_offset: int, rate: str) -> Upload:
    owner = asdict(upload.owner)
    columns = uploads.c
    mine = select(func.count()).where(
        columns.tenant_id == owner["tenant_id"], columns.person_id == owner["person_id"], columns.done.is_(False)
    )
    if connection.execute(mine).scalar_one() >= MAX_OPEN_UPLOADS:
        raise TooManyUploads("You have begun too many uploads; finish or cancel some.")
    video_id = 0
    if not upload.partial:
        video = insert(videos).values(
            **owner,
            state=VideoState.UPLOADING,
            file_name=upload.file_name,
            size_bytes=upload.length,
            display_offset=display_offset,
            created_ms=upload.changed_ms,
            upload_id=upload.upload_id,
        )
        made = connection.execute(video)
        assert made.inserted_primary_key is not None
        video_id = made.inserted_primary_key[0]
        if rate:
            connection.execute(insert(rates).values(video_id=video_id, rate=rate))
        detail: dict[str, str | int] = {"file": upload.file_name, "size_bytes": upload.length}
        tell(connection, upload.owner, "upload.create", video_id, upload.changed_ms, **detail)
    fields = {name: getattr(upload, name) for name in Upload.__slots__ if name != "owner"}
    connection.execute(insert(uploads).values(**{**fields, **owner, "video_id": video_id}))
    row = one(connection, uploads, upload_id=upload.upload_id)
    assert row is not None
    return _upload(row)


class SqlStore(SqlJobs, SqlRemovals):
    """See the port."""

    async def prepare(self) -> None:
        """See the port."""
        await self._run(lambda connection: migrate(connection, SCHEMA))

    async def close(self) -> None:
        """See the port."""
        await self._database.close()

    # -- uploads ---------------------------------------------------------------------------------------------

    async def add_upload(self, upload: Upload, display_offset: int, rate: str = "") -> Upload:
        """See the port."""

        def work(connection: Connection) -> Upload:
            if upload.partial and _has_file(connection, upload.file, uploads.c.partial.is_(False)):
                raise UploadJoined("The parts of this group were joined already.")
            return _add_upload(connection, upload, display_offset, rate)

        return await self._run(work)

    async def upload(self, upload_id: str) -> Upload | None:
        """See the port."""

        def work(connection: Connection) -> Upload | None:
            row = one(connection, uploads, upload_id=upload_id)
            return _upload(row) if row is not None else None

        return await self._run(work)

    async def parts_of(self, upload_ids: Sequence[str]) -> list[Upload]:
        """See the port."""
        return await self._run(lambda connection: _parts(connection, upload_ids))

    async def advance(self, upload_id: str, offset: int, now_ms: int) -> None:
        """See the port."""
        change = update(uploads).where(uploads.c.upload_id == upload_id).values(offset=offset, changed_ms=now_ms)
        await self._run(lambda connection: connection.execute(change))

    async def reopen(self, files: Sequence[str], now_ms: int) -> None:
        """See the port."""
        columns = uploads.c
        change = update(uploads).where(columns.file.in_(files), columns.partial.is_(True), columns.done.is_(False))
        await self._run(lambda connection: connection.execute(change.values(offset=0, changed_ms=now_ms)))

    async def begin_join(self, whole: Upload, parts: Sequence[str], display_offset: int, rate: str = "") -> Upload:
        """See the port."""

        def work(connection: Connection) -> Upload:
            claims = select(joins.c.whole_id).where(joins.c.part_id.in_(parts)).distinct()
            claimed = connection.execute(claims).scalars().all()
            row = one(connection, uploads, upload_id=claimed[0]) if len(claimed) == 1 else None
            if row is not None and _joined(connection, claimed[0]) == list(parts):
                return _upload(row)
            if claimed:
                raise UploadJoined("Some of these parts belong to another upload.")
            found = _parts(connection, parts)
            if len(found) != len(parts) or not all(part.partial and part.complete for part in found):
                raise NotFound("Not all of these parts are there.")
            made = _add_upload(connection, whole, display_offset, rate)
            connection.execute(
                insert(joins),
                [
                    {"part_id": part, "whole_id": whole.upload_id, "position": position}
                    for position, part in enumerate(parts)
                ],
            )
            return made

        return await self._run(work)

    async def joined_parts(self, whole_id: str) -> list[Upload]:
        """See the port."""
        return await self._run(lambda connection: _parts(connection, _joined(connection, whole_id)))

    async def finish_upload(self, upload_id: str, file: str, now_ms: int) -> Job:
        """See the port."""

        def work(connection: Connection) -> Job:
            row = one(connection, uploads, upload_id=upload_id)
            if row is None:
                raise NotFound("There is no such upload.")
            if row["done"]:
                video = one(connection, videos, video_id=row["video_id"])
                job = one(connection, jobs, job_id=video["job_id"]) if video is not None else None
                assert job is not None
                return job_of(job)
            change = update(uploads).where(uploads.c.upload_id == upload_id)
            connection.execute(change.values(done=True, file=file, offset=row["length"], changed_ms=now_ms))
            parts = update(uploads).where(uploads.c.upload_id.in_(_joined(connection, upload_id)))
            connection.execute(parts.values(done=True, file="", changed_ms=now_ms))
            others = delete(uploads).where(uploads.c.file == file, uploads.c.partial.is_(True))
            connection.execute(others)
            tell(connection, owner_of(row), "upload.finish", row["video_id"], now_ms)
            return new_job(connection, row["video_id"], now_ms)

        return await self._run(work)

    async def release_upload(self, upload_id: str) -> None:
        """See the port."""
        change = update(uploads).where(uploads.c.upload_id == upload_id, uploads.c.done.is_(True)).values(file="")
        await self._run(lambda connection: connection.execute(change))

    async def remove_upload(self, upload_id: str, error: str, now_ms: int, *, expired: bool = False) -> None:
        """See the port."""

        def work(connection: Connection) -> None:
            row = one(connection, uploads, upload_id=upload_id)
            if row is None:
                return
            parts = _joined(connection, upload_id)
            lacking = any(not part.complete for part in _parts(connection, parts))
            if row["done"] or (_is_joined(connection, upload_id) and not lacking):
                raise UploadJoined("This upload is complete, or part of one that is.")
            connection.execute(delete(joins).where(joins.c.whole_id == upload_id))
            connection.execute(delete(uploads).where(uploads.c.upload_id.in_([upload_id, *parts])))
            change = update(videos).where(videos.c.video_id == row["video_id"], videos.c.state == VideoState.UPLOADING)
            connection.execute(change.values(state=VideoState.FAILED, error=error, error_reason="UPLOAD_ENDED"))
            if row["video_id"]:
                owner = replace(owner_of(row), person_id="") if expired else owner_of(row)
                tell(connection, owner, "upload.expire" if expired else "upload.cancel", row["video_id"], now_ms)

        await self._run(work)

    async def unsettled_uploads(self) -> list[Upload]:
        """See the port."""
        columns = uploads.c
        query = select(uploads).where(
            columns.done.is_(False),
            columns.partial.is_(False),
            or_(columns.file == "", columns.offset == columns.length),
        )
        return await self._uploads(query)

    async def stale_uploads(self, before_ms: int) -> list[Upload]:
        """See the port."""
        columns = uploads.c
        sharing, part = uploads.alias(), uploads.alias()
        lacking = exists().where(
            joins.c.whole_id == columns.upload_id,
            joins.c.part_id == part.c.upload_id,
            part.c.offset < part.c.length,
            part.c.changed_ms < before_ms,
        )
        query = select(uploads).where(
            columns.done.is_(False),
            or_(columns.file != "", lacking),
            columns.changed_ms < before_ms,
            ~exists().where(sharing.c.file == columns.file, sharing.c.changed_ms >= before_ms),
            ~exists().where(joins.c.part_id == columns.upload_id),
        )
        return await self._uploads(query)

    async def _uploads(self, query: Any) -> list[Upload]:
        return await self._run(lambda connection: [_upload(row) for row in connection.execute(query).mappings()])

    async def purge_uploads(self, before_ms: int) -> None:
        """See the port."""
        columns = uploads.c
        old = delete(uploads).where(columns.done.is_(True), columns.file == "", columns.changed_ms < before_ms)
        lost = delete(joins).where(~exists().where(columns.upload_id == joins.c.part_id))

        def work(connection: Connection) -> None:
            connection.execute(old)
            connection.execute(lost)

        await self._run(work)

    async def files(self) -> set[str]:
        """See the port."""
        query = select(uploads.c.file).where(uploads.c.file != "").distinct()
        return await self._run(lambda connection: set(connection.execute(query).scalars()))

    async def has_file(self, file: str) -> bool:
        """See the port."""
        return await self._run(lambda connection: _has_file(connection, file))

    # -- videos and contents ---------------------------------------------------------------------------------

    async def video(self, video_id: int) -> Video | None:
        """See the port."""

        def work(connection: Connection) -> Video | None:
            row = one(connection, videos, video_id=video_id)
            chosen = one(connection, rates, video_id=video_id)
            return _video(row, chosen["rate"] if chosen is not None else "") if row is not None else None

        return await self._run(work)

    async def composition(self, video_id: int) -> str:
        """See the port."""

        def work(connection: Connection) -> str:
            row = one(connection, compositions, video_id=video_id)
            return row["composition"] if row is not None else ""

        return await self._run(work)

    async def put_composition(self, video_id: int, composition: str) -> None:
        """See the port."""

        def work(connection: Connection) -> None:
            if one(connection, compositions, video_id=video_id) is None:
                connection.execute(insert(compositions).values(video_id=video_id, composition=composition))

        await self._run(work)

    async def set_size(self, video_id: int, size_bytes: int) -> None:
        """See the port."""
        change = update(videos).where(videos.c.video_id == video_id).values(size_bytes=size_bytes)
        await self._run(lambda connection: connection.execute(change))

    async def set_video(self, video_id: int, state: VideoState, *, sha256: bytes = b"") -> None:
        """See the port."""
        values: dict[str, Any] = {"state": state, "error": "", "error_reason": ""}
        if sha256:
            values["sha256"] = sha256
        change = update(videos).where(videos.c.video_id == video_id).values(**values)
        await self._run(lambda connection: connection.execute(change))

    async def content(self, tenant_id: str, sha256: bytes) -> Content | None:
        """See the port."""

        def work(connection: Connection) -> Content | None:
            row = one(connection, contents, tenant_id=tenant_id, sha256=sha256)
            if row is None:
                return None
            return Content(
                tenant_id,
                sha256,
                row["size_bytes"],
                json.loads(row["facts"]) if row["facts"] else None,
                tuple(Rendition(**fields) for fields in json.loads(row["renditions"])),
                row["ready"],
            )

        return await self._run(work)

    async def put_content(self, content: Content) -> None:
        """See the port."""
        key = {"tenant_id": content.tenant_id, "sha256": content.sha256}
        values = {
            "size_bytes": content.size_bytes,
            "facts": json.dumps(content.facts) if content.facts is not None else "",
            "renditions": json.dumps([asdict(rendition) for rendition in content.renditions]),
            "ready": content.ready,
        }

        def work(connection: Connection) -> None:
            change = (
                update(contents).where(*(contents.c[name] == value for name, value in key.items())).values(**values)
            )
            if not connection.execute(change).rowcount:
                connection.execute(insert(contents).values(**key, **values))

        await self._run(work)

    async def some_contents(self, count: int) -> list[tuple[str, bytes]]:
        """See the port."""
        query = select(contents.c.tenant_id, contents.c.sha256).where(contents.c.ready).limit(count)
        found = await self._run(lambda connection: connection.execute(query).all())
        return [(tenant_id, bytes(sha256)) for tenant_id, sha256 in found]

    async def note_download(self, video: Video, person_id: str, now_ms: int) -> None:
        """See the port."""
        owner = replace(video.owner, person_id=person_id)
        await self._run(
            lambda connection: tell(connection, owner, "media.download", video.video_id, now_ms, file=video.file_name)
        )
