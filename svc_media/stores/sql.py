"""The store over SQL: SQLite on one machine."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    RowMapping,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from mesh.sql import Database, idempotent
from rushes.errors import NotFound
from svc_media.core.model import (
    ENDED,
    Content,
    Job,
    JobEvent,
    JobState,
    Owner,
    Rendition,
    Upload,
    Video,
    VideoState,
    next_state,
)

T = TypeVar("T")
metadata = MetaData()

_OWNER = ("tenant_id", "person_id", "project_id")


def _owner_columns() -> list[Column[Any]]:
    return [
        Column("tenant_id", String, nullable=False),
        Column("person_id", String, nullable=False),
        Column("project_id", BigInteger, nullable=False),
    ]


videos = Table(
    "videos",
    metadata,
    Column("video_id", Integer, primary_key=True, autoincrement=True),
    *_owner_columns(),
    Column("state", String, nullable=False),
    Column("file_name", String, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("display_offset", Integer, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False, default=b""),
    Column("error", Text, nullable=False, default=""),
    Column("error_reason", String, nullable=False, default=""),
    Column("job_id", Integer, nullable=False, default=0),
    Column("upload_id", String, nullable=False, default=""),
    sqlite_autoincrement=True,
)
uploads = Table(
    "uploads",
    metadata,
    Column("upload_id", String, primary_key=True),
    *_owner_columns(),
    Column("file", String, nullable=False),
    Column("base", BigInteger, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("partial", Boolean, nullable=False),
    Column("file_name", String, nullable=False),
    Column("video_id", Integer, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Column("done", Boolean, nullable=False, default=False),
    Index("uploads_changed", "done", "changed_ms"),
)
contents = Table(
    "contents",
    metadata,
    Column("tenant_id", String, primary_key=True),
    Column("sha256", LargeBinary, primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("facts", Text, nullable=False, default=""),
    Column("renditions", Text, nullable=False, default="[]"),
    Column("ready", Boolean, nullable=False, default=False),
)
jobs = Table(
    "jobs",
    metadata,
    Column("job_id", Integer, primary_key=True, autoincrement=True),
    Column("video_id", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("step", String, nullable=False, default=""),
    Column("progress_permille", Integer, nullable=False, default=0),
    Column("error", Text, nullable=False, default=""),
    Column("error_reason", String, nullable=False, default=""),
    Column("created_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger, nullable=False, default=0),
    Index("jobs_state", "state"),
    sqlite_autoincrement=True,
)


def _owner(row: RowMapping) -> Owner:
    return Owner(row["tenant_id"], row["person_id"], row["project_id"])


def _upload(row: RowMapping) -> Upload:
    return Upload(owner=_owner(row), **{name: row[name] for name in Upload.__slots__ if name != "owner"})


def _video(row: RowMapping) -> Video:
    fields = {name: row[name] for name in Video.__slots__ if name not in ("owner", "state")}
    return Video(owner=_owner(row), state=VideoState(row["state"]), **fields)


def _job(row: RowMapping) -> Job:
    fields = {name: row[name] for name in Job.__slots__ if name != "state"}
    return Job(state=JobState(row["state"]), **fields)


def _columns(owner: Owner) -> dict[str, Any]:
    return asdict(owner)


def _one(connection: Connection, table: Table, **key: Any) -> RowMapping | None:
    query = select(table)
    for name, value in key.items():
        query = query.where(table.c[name] == value)
    return connection.execute(query).mappings().one_or_none()


class SqlStore:
    """See the port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def _run(self, work: Callable[[Connection], T]) -> T:
        return await self._database.run(work)

    async def prepare(self) -> None:
        """See the port."""
        await self._run(metadata.create_all)

    async def close(self) -> None:
        """See the port."""
        await self._database.close()

    # -- uploads ---------------------------------------------------------------------------------------------

    async def add_upload(self, upload: Upload, display_offset: int) -> Upload:
        """See the port."""

        def work(connection: Connection) -> Upload:
            video_id = 0
            if not upload.partial:
                made = connection.execute(
                    insert(videos).values(
                        **_columns(upload.owner),
                        state=VideoState.UPLOADING,
                        file_name=upload.file_name,
                        size_bytes=upload.length,
                        display_offset=display_offset,
                        created_ms=upload.changed_ms,
                        upload_id=upload.upload_id,
                    )
                )
                assert made.inserted_primary_key is not None
                video_id = made.inserted_primary_key[0]
            fields = {name: getattr(upload, name) for name in Upload.__slots__ if name != "owner"}
            connection.execute(insert(uploads).values(**{**fields, **_columns(upload.owner), "video_id": video_id}))
            row = _one(connection, uploads, upload_id=upload.upload_id)
            assert row is not None
            return _upload(row)

        return await self._run(work)

    async def upload(self, upload_id: str) -> Upload | None:
        """See the port."""

        def work(connection: Connection) -> Upload | None:
            row = _one(connection, uploads, upload_id=upload_id)
            return _upload(row) if row is not None else None

        return await self._run(work)

    async def parts_of(self, upload_ids: Sequence[str]) -> list[Upload]:
        """See the port."""

        def work(connection: Connection) -> list[Upload]:
            rows = connection.execute(select(uploads).where(uploads.c.upload_id.in_(upload_ids))).mappings()
            found = {row["upload_id"]: _upload(row) for row in rows}
            return [found[upload_id] for upload_id in upload_ids if upload_id in found]

        return await self._run(work)

    async def advance(self, upload_id: str, offset: int, now_ms: int) -> None:
        """See the port."""
        change = update(uploads).where(uploads.c.upload_id == upload_id).values(offset=offset, changed_ms=now_ms)
        await self._run(lambda connection: connection.execute(change))

    async def finish_upload(self, upload_id: str, file: str, parts: Sequence[str], now_ms: int) -> Job:
        """See the port."""

        def work(connection: Connection) -> Job:
            row = _one(connection, uploads, upload_id=upload_id)
            if row is None:
                raise NotFound("There is no such upload.")
            video = _one(connection, videos, video_id=row["video_id"])
            assert video is not None
            if not row["done"]:
                change = update(uploads).where(uploads.c.upload_id == upload_id)
                connection.execute(change.values(done=True, file=file, offset=row["length"], changed_ms=now_ms))
                connection.execute(delete(uploads).where(uploads.c.upload_id.in_(parts)))
                return self._new_job(connection, row["video_id"], now_ms)
            job = _one(connection, jobs, job_id=video["job_id"])
            assert job is not None
            return _job(job)

        return await self._run(work)

    def _new_job(self, connection: Connection, video_id: int, now_ms: int) -> Job:
        made = connection.execute(insert(jobs).values(video_id=video_id, state=JobState.QUEUED, created_ms=now_ms))
        assert made.inserted_primary_key is not None
        job_id = made.inserted_primary_key[0]
        change = update(videos).where(videos.c.video_id == video_id)
        connection.execute(change.values(state=VideoState.PROCESSING, job_id=job_id, error="", error_reason=""))
        row = _one(connection, jobs, job_id=job_id)
        assert row is not None
        return _job(row)

    async def remove_upload(self, upload_id: str, error: str) -> None:
        """See the port."""

        def work(connection: Connection) -> None:
            connection.execute(delete(uploads).where(uploads.c.upload_id == upload_id))
            change = update(videos).where(videos.c.upload_id == upload_id, videos.c.state == VideoState.UPLOADING)
            connection.execute(change.values(state=VideoState.FAILED, error=error, error_reason="UPLOAD_ENDED"))

        await self._run(work)

    async def stale_uploads(self, before_ms: int) -> list[Upload]:
        """See the port."""
        query = select(uploads).where(uploads.c.done.is_(False), uploads.c.changed_ms < before_ms)
        return await self._run(lambda connection: [_upload(row) for row in connection.execute(query).mappings()])

    # -- videos and contents ---------------------------------------------------------------------------------

    async def video(self, video_id: int) -> Video | None:
        """See the port."""

        def work(connection: Connection) -> Video | None:
            row = _one(connection, videos, video_id=video_id)
            return _video(row) if row is not None else None

        return await self._run(work)

    async def set_video(
        self, video_id: int, state: VideoState, *, sha256: bytes = b"", error: str = "", error_reason: str = ""
    ) -> None:
        """See the port."""
        values: dict[str, Any] = {"state": state, "error": error, "error_reason": error_reason}
        if sha256:
            values["sha256"] = sha256
        change = update(videos).where(videos.c.video_id == video_id).values(**values)
        await self._run(lambda connection: connection.execute(change))

    async def content(self, tenant_id: str, sha256: bytes) -> Content | None:
        """See the port."""

        def work(connection: Connection) -> Content | None:
            row = _one(connection, contents, tenant_id=tenant_id, sha256=sha256)
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

    # -- jobs ------------------------------------------------------------------------------------------------

    async def add_job(self, owner: Owner, video_id: int, request_id: str, now_ms: int) -> Job:
        """See the port."""

        def work(connection: Connection) -> Job:
            def answer() -> bytes:
                video = _one(connection, videos, video_id=video_id)
                if video is None:
                    raise NotFound("There is no such video.")
                row = _one(connection, jobs, job_id=video["job_id"])
                if row is not None and JobState(row["state"]) not in ENDED:
                    return str(row["job_id"]).encode()
                return str(self._new_job(connection, video_id, now_ms).job_id).encode()

            given = idempotent(
                connection,
                tenant=owner.tenant_id,
                person=owner.person_id,
                method="CreateJob",
                request_id=request_id,
                request=str(video_id).encode(),
                answer=answer,
            )
            row = _one(connection, jobs, job_id=int(given))
            assert row is not None
            return _job(row)

        return await self._run(work)

    async def job(self, job_id: int) -> Job | None:
        """See the port."""

        def work(connection: Connection) -> Job | None:
            row = _one(connection, jobs, job_id=job_id)
            return _job(row) if row is not None else None

        return await self._run(work)

    async def move_job(self, job_id: int, event: JobEvent, now_ms: int, *, error: str = "", reason: str = "") -> Job:
        """See the port."""

        def work(connection: Connection) -> Job:
            row = _one(connection, jobs, job_id=job_id)
            if row is None:
                raise NotFound("There is no such job.")
            state = next_state(JobState(row["state"]), event)
            values: dict[str, Any] = {"state": state, "error": error, "error_reason": reason}
            if state in ENDED:
                values["ended_ms"] = now_ms
            if state is JobState.DONE:
                values["progress_permille"] = 1000
            connection.execute(update(jobs).where(jobs.c.job_id == job_id).values(**values))
            changed = _one(connection, jobs, job_id=job_id)
            assert changed is not None
            return _job(changed)

        return await self._run(work)

    async def note_job(self, job_id: int, step: str, progress_permille: int) -> None:
        """See the port."""
        change = update(jobs).where(jobs.c.job_id == job_id).values(step=step, progress_permille=progress_permille)
        await self._run(lambda connection: connection.execute(change))

    async def open_jobs(self) -> list[Job]:
        """See the port."""
        query = select(jobs).where(jobs.c.state.in_((JobState.QUEUED, JobState.RUNNING))).order_by(jobs.c.job_id)
        return await self._run(lambda connection: [_job(row) for row in connection.execute(query).mappings()])
