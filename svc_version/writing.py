"""Writes work batch by batch, goes on after a crash, and ends it with a version."""

import asyncio
import logging
from typing import Final

from rushes.annotation.v1.operation_pb2 import Batch
from rushes.errors import ResourceExhausted, RushesError, Unavailable
from svc_version import metrics
from svc_version.commit import Commits, Who
from svc_version.core.model import Once, State, Work
from svc_version.notes import Notes
from svc_version.stores import Store

LOOK_S: Final = 15.0
"""So often it is looked for work that an instance has left which does not come back."""
RETRY_S: Final = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)

log = logging.getLogger(__name__)


class Writing:
    """See the module. Every step can be done twice: batches have numbers, the version has a request_id."""

    def __init__(self, store: Store, commits: Commits, notes: Notes) -> None:
        self._store = store
        self._commits = commits
        self._notes = notes
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._seen: dict[int, int] = {}
        """How far others' work was at the last look."""

    async def resume(self) -> None:
        """Goes on with what a crash or a stop has left."""
        for work in await self._store.running():
            self.start(work)
        self._looking = asyncio.create_task(self._look())

    def start(self, work: Work) -> None:
        """Begins to write, or is about it already."""
        if work.state is State.RUNNING and work.work_id not in self._tasks:
            task = self._tasks[work.work_id] = asyncio.create_task(self._run(work))
            task.add_done_callback(lambda _: self._tasks.pop(work.work_id, None))

    async def wait(self, work: Work, timeout_s: float) -> Work:
        """The work once it is done, or as it is after a while."""
        task = self._tasks.get(work.work_id)
        if task is not None:
            await asyncio.wait((task,), timeout=timeout_s)
        return await self._store.work(work.tenant_id, work.video_id, work.work_id) or work

    async def stop(self) -> None:
        """Leaves what is being written to the next start."""
        tasks = [*self._tasks.values(), *([self._looking] if self._looking is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.adopt()
            except Exception:
                log.exception("work_not_looked_for")

    async def adopt(self) -> None:
        """Goes on with what others have begun and is where it was at the last look: nobody writes it. If somebody does
        after all, both write the same.
        """
        others = [work for work in await self._store.running() if work.work_id not in self._tasks]
        for work in others:
            if self._seen.get(work.work_id) == work.done_count:
                self.start(work)
        self._seen = {work.work_id: work.done_count for work in others}

    async def _run(self, work: Work) -> None:
        failures = 0
        while work.state is State.RUNNING:
            try:
                work = await self._save(await self._step(work))
                failures = 0
            except (Unavailable, ResourceExhausted) as error:
                log.warning("work_delayed", extra={"work": work.work_id, "reason": error.reason})
                await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)])
                failures += 1
            except RushesError as error:
                work = await self._fail(work, error.reason, error.message)
            except Exception:
                log.exception("work_failed", extra={"work": work.work_id})
                work = await self._fail(work, "INTERNAL", "something went wrong here")

    async def _step(self, work: Work) -> Work:
        """Writes the next batch or, when all are written, makes the version. What is done is saved after each step:
        an error later takes none of it back.
        """
        if work.done_count < work.batch_count:
            return await self._write(work)
        version = await self._commits.commit_live(
            Who(work.tenant_id, work.person_id, work.session_id, 0),
            work.video_id,
            revision=work.last_revision,
            kind=work.kind,
            message=work.message,
            once=Once(work.tenant_id, work.person_id, "work", str(work.work_id), b""),
        )
        return work.with_(state=State.DONE, version_id=version.version_id)

    async def _write(self, work: Work) -> Work:
        batch = Batch.FromString(await self._store.batch(work.work_id, work.done_count + 1))
        if not batch.base_revision:
            # Made on the batch before it, whose revision is the same however often it is sent.
            batch.base_revision = work.last_revision
        outcome = await self._notes.append(work, batch)
        if outcome.HasField("refusal"):
            return _failed(work, outcome.refusal.reason, outcome.refusal.message)
        metrics.WRITTEN.inc()
        return work.with_(
            done_count=work.done_count + 1,
            first_revision=work.first_revision or outcome.revision,
            last_revision=outcome.revision,
        )

    async def _fail(self, work: Work, reason: str, message: str) -> Work:
        return await self._save(_failed(work, reason, message))

    async def _save(self, work: Work) -> Work:
        await self._store.save_work(work)
        return work


def _failed(work: Work, reason: str, message: str) -> Work:
    return work.with_(state=State.FAILED, error_reason=reason, error_message=message)
