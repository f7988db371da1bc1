"""The part of the store that is about jobs, and what it shares with the rest."""

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import Connection, RowMapping, Table, insert, or_, select, update

from mesh.audit import Event, record
from mesh.sql import Database, idempotent
from rushes.errors import NotFound
from svc_media.core.model import (
    ENDED,
    Job,
    JobEvent,
    JobHasEnded,
    JobState,
    Owner,
    VideoState,
    VideoUploading,
    next_state,
)
from svc_media.stores.table import jobs, videos

T = TypeVar("T")
SERVICE = "svc_media"


def owner_of(row: RowMapping) -> Owner:
    """Whose a video is, of its row."""
    return Owner(row["tenant_id"], row["person_id"], row["project_id"])


def job_of(row: RowMapping) -> Job:
    """A job, of its row."""
    fields = {name: row[name] for name in Job.__slots__ if name != "state"}
    return Job(state=JobState(row["state"]), **fields)


def one(connection: Connection, table: Table, **key: Any) -> RowMapping | None:
    """The row with a key; None: there is none."""
    query = select(table)
    for name, value in key.items():
        query = query.where(table.c[name] == value)
    return connection.execute(query).mappings().one_or_none()


def tell(connection: Connection, owner: Owner, action: str, video_id: int, now_ms: int, **detail: str | int) -> None:
    """Puts what was done into the outbox of the audit trail."""
    event = Event(owner.tenant_id, owner.person_id, action, f"video/{video_id}", now_ms, detail)
    record(connection, SERVICE, event)


def new_job(connection: Connection, video_id: int, now_ms: int) -> Job:
    """A job of a video, which is its newest from now on."""
    made = connection.execute(insert(jobs).values(video_id=video_id, state=JobState.QUEUED, created_ms=now_ms))
    assert made.inserted_primary_key is not None
    job_id = made.inserted_primary_key[0]
    video = videos.c.video_id == video_id
    connection.execute(update(videos).where(video).values(job_id=job_id))
    # What can be reviewed stays so while something is made again.
    processing = update(videos).where(video, videos.c.state != VideoState.READY)
    connection.execute(processing.values(state=VideoState.PROCESSING, error="", error_reason=""))
    row = one(connection, jobs, job_id=job_id)
    assert row is not None
    return job_of(row)


def _locked_job(connection: Connection, job_id: int) -> RowMapping:
    """A job that nobody else changes until the end of the transaction."""
    query = select(jobs).where(jobs.c.job_id == job_id).with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such job.")
    return row


def _move(
    connection: Connection,
    row: RowMapping,
    event: JobEvent,
    now_ms: int,
    error: str,
    reason: str,
    person_id: str,
    changes: dict[str, Any],
) -> Job:
    job_id, video_id = row["job_id"], row["video_id"]
    state = next_state(JobState(row["state"]), event)
    values: dict[str, Any] = {"state": state, "error": error, "error_reason": reason, **changes}
    if state in ENDED:
        values["ended_ms"] = now_ms
    if state is JobState.DONE:
        values["progress_permille"] = 1000
    connection.execute(update(jobs).where(jobs.c.job_id == job_id).values(**values))
    if state is JobState.CANCELLED:
        video = one(connection, videos, video_id=video_id)
        assert video is not None
        by = replace(owner_of(video), person_id=person_id)
        tell(connection, by, "job.cancel", video_id, now_ms, job_id=job_id)
    if error:
        failed = update(videos).where(
            videos.c.video_id == video_id, videos.c.job_id == job_id, videos.c.state != VideoState.READY
        )
        connection.execute(failed.values(state=VideoState.FAILED, error=error, error_reason=reason))
    changed = one(connection, jobs, job_id=job_id)
    assert changed is not None
    return job_of(changed)


class SqlJobs:
    """See the port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def _run(self, work: Callable[[Connection], T]) -> T:
        return await self._database.run(work)

    async def add_job(self, owner: Owner, video_id: int, request_id: str, now_ms: int) -> Job:
        """See the port."""

        def work(connection: Connection) -> Job:
            def answer() -> bytes:
                video = one(connection, videos, video_id=video_id)
                if video is None:
                    raise NotFound("There is no such video.")
                row = one(connection, jobs, job_id=video["job_id"])
                if row is not None and JobState(row["state"]) not in ENDED:
                    return str(row["job_id"]).encode()
                if video["state"] == VideoState.UPLOADING:
                    raise VideoUploading("The file is still being uploaded.")
                job_id = new_job(connection, video_id, now_ms).job_id
                tell(connection, owner, "job.create", video_id, now_ms, job_id=job_id)
                return str(job_id).encode()

            given = idempotent(
                connection,
                tenant=owner.tenant_id,
                person=owner.person_id,
                method="CreateJob",
                request_id=request_id,
                request=str(video_id).encode(),
                answer=answer,
            )
            row = one(connection, jobs, job_id=int(given))
            assert row is not None
            return job_of(row)

        return await self._run(work)

    async def job(self, job_id: int) -> Job | None:
        """See the port."""

        def work(connection: Connection) -> Job | None:
            row = one(connection, jobs, job_id=job_id)
            return job_of(row) if row is not None else None

        return await self._run(work)

    async def move_job(
        self,
        job_id: int,
        event: JobEvent,
        now_ms: int,
        *,
        error: str = "",
        reason: str = "",
        person_id: str = "",
        holder: str = "",
        until_ms: int = 0,
    ) -> Job:
        """See the port."""

        def work(connection: Connection) -> Job:
            row = _locked_job(connection, job_id)
            mine = bool(holder) and row["holder"] == holder
            if event is not JobEvent.BEGIN:
                if holder and not mine:
                    raise JobHasEnded("Another instance does this job.")
                return _move(connection, row, event, now_ms, error, reason, person_id, {})
            if mine and row["state"] == JobState.RUNNING:  # said again: the answer was lost
                connection.execute(update(jobs).where(jobs.c.job_id == job_id).values(held_until_ms=until_ms))
                return job_of(row)
            held = {"holder": holder, "held_until_ms": until_ms}
            return _move(connection, row, event, now_ms, error, reason, person_id, held)

        return await self._run(work)

    async def take_up(self, holder: str, now_ms: int) -> list[Job]:
        """See the port."""
        gone = or_(jobs.c.held_until_ms < now_ms, jobs.c.holder == holder)
        again = update(jobs).where(jobs.c.state == JobState.RUNNING, gone)
        waiting = select(jobs).where(jobs.c.state == JobState.QUEUED).order_by(jobs.c.job_id)

        def work(connection: Connection) -> list[Job]:
            connection.execute(again.values(state=JobState.QUEUED, holder="", held_until_ms=0))
            return [job_of(row) for row in connection.execute(waiting).mappings()]

        return await self._run(work)

    async def hold(self, holder: str, until_ms: int, job_ids: Collection[int]) -> dict[int, str]:
        """See the port."""
        mine = (jobs.c.state == JobState.RUNNING, jobs.c.holder == holder, jobs.c.job_id.in_(job_ids))

        def work(connection: Connection) -> dict[int, str]:
            connection.execute(update(jobs).where(*mine).values(held_until_ms=until_ms))
            rows = connection.execute(select(jobs.c.job_id, jobs.c.cancelled_by).where(*mine))
            return {row[0]: row[1] for row in rows}

        return await self._run(work)

    async def cancel_job(self, job_id: int, now_ms: int, person_id: str) -> Job:
        """See the port."""

        def work(connection: Connection) -> Job:
            row = _locked_job(connection, job_id)
            if row["state"] == JobState.QUEUED:
                return _move(connection, row, JobEvent.CANCEL, now_ms, "Cancelled.", "CANCELLED", person_id, {})
            if row["state"] == JobState.RUNNING:
                connection.execute(update(jobs).where(jobs.c.job_id == job_id).values(cancelled_by=person_id))
            return job_of(row)

        return await self._run(work)

    async def note_job(self, job_id: int, step: str, progress_permille: int) -> None:
        """See the port."""
        running = update(jobs).where(jobs.c.job_id == job_id, jobs.c.state == JobState.RUNNING)
        change = running.values(step=step, progress_permille=progress_permille)
        await self._run(lambda connection: connection.execute(change))
