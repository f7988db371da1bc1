"""Jobs: what is done with a video once its bytes are here. Every step can be done again after a crash."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from mesh.clock import Clock
from rushes.errors import NotFound, ResourceExhausted, RushesError, Unavailable
from svc_media import metrics
from svc_media.core.model import ENDED, Job, JobEvent, JobHasEnded, JobState
from svc_media.ingest import SHARES, Ingest
from svc_media.live import Live
from svc_media.lock import Locks
from svc_media.shelf import Shelf
from svc_media.stores import Store
from svc_media.stores.folder import Folder
from svc_media.thread import Threads
from svc_media.worker.client import WorkCancelled

T = TypeVar("T")
log = logging.getLogger(__name__)

NOTE_EVERY_S = 1.0
AGAIN_S = (0.2, 5.0)
"""First and longest wait before the store is tried again."""
LOOK_S = 1.0
"""How often it is looked for jobs that nobody does, and told that this instance is there."""


class Jobs:
    """Does jobs, a few at a time, the oldest first, those that were postponed last, and tells who watches.

    Several instances may share the store and the folder: who begins a job holds it, and says so again and again.
    """

    def __init__(
        self,
        store: Store,
        folder: Folder,
        shelf: Shelf,
        clock: Clock,
        workers: int,
        *,
        holder: str = "svc_media",
        held_s: float = 15.0,
        locks: Locks | None = None,
    ) -> None:
        self._holder = holder
        self._held_ms = int(held_s * 1000)
        self._store = store
        self._folder = folder
        self._shelf = shelf
        self._clock = clock
        self._workers = workers
        self._queue: asyncio.PriorityQueue[tuple[bool, int]] = asyncio.PriorityQueue()
        self._later: set[int] = set()
        self._waiting: set[int] = set()
        """Jobs that nobody has taken: whoever takes one out, to do it or to cancel it, is the only one."""
        self._cancels: dict[int, asyncio.Event] = {}
        self._cancelled_by: dict[int, str] = {}
        self._beginning: set[int] = set()
        """Jobs of which it is not known yet whether they are this instance's."""
        self._live: Live[int, Job] = Live()
        self._tasks: list[asyncio.Task[None]] = []
        self._locks = locks or Locks()
        self._threads = Threads("digest", workers)

    async def start(self) -> None:
        """Takes up what was under way when the process ended."""
        for job in await self._store.take_up(self._holder, self._clock.now_ms()):
            self.enqueue(job)
        self._tasks = [asyncio.create_task(self._work(), name=f"job-{n}") for n in range(self._workers)]
        self._tasks.append(asyncio.create_task(self._look_for_ever(), name="job-look"))

    async def stop(self) -> None:
        """Stops; what is under way begins again at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._threads.close()

    def enqueue(self, job: Job) -> None:
        """A job waits."""
        if job.job_id not in self._cancels and job.state is JobState.QUEUED:
            self._cancels[job.job_id] = asyncio.Event()
            self._waiting.add(job.job_id)
            self._queue.put_nowait((job.video_id in self._later, job.job_id))

    def postpone(self, video_id: int) -> None:
        """What is to be done with this video is done after all else: nobody waits for it."""
        self._later.add(video_id)

    async def get(self, job_id: int, video_id: int) -> Job:
        """A job of a video, with its progress at this moment."""
        job = self._live.get(job_id) or await self._store.job(job_id)
        if job is None or job.video_id != video_id:
            raise NotFound("There is no such job.")
        return job

    async def watch(self, job_id: int, video_id: int) -> AsyncIterator[Job]:
        """A job now and whenever it changes, until it has ended."""
        async for job in self._live.watch(lambda: self.get(job_id, video_id), lambda job: job.state in ENDED):
            yield job

    async def cancel(self, job_id: int, video_id: int, person_id: str) -> Job:
        """Stops a job, which somebody asked for. One that has ended is left as it is."""
        job = await self.get(job_id, video_id)
        if job.state in ENDED:
            return job
        if job_id in self._cancels and job_id not in self._waiting and job_id not in self._beginning:
            self._cancelled_by.setdefault(job_id, person_id)
            self._cancels[job_id].set()
        else:
            job = await self._surely(lambda: self._store.cancel_job(job_id, self._clock.now_ms(), person_id))
            if job.state in ENDED:
                metrics.JOBS.labels(job.state).inc()
                self._forget(job_id)
        return [seen async for seen in self.watch(job_id, video_id)][-1]

    # -- whose they are ----------------------------------------------------------------------------------------------

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self._look()
            except RushesError as error:
                log.warning("jobs_not_looked_for", extra={"reason": error.reason})
            except Exception:
                log.exception("jobs_not_looked_for")

    async def _look(self) -> None:
        now_ms = self._clock.now_ms()
        begun = set(self._cancels) - self._waiting - self._beginning
        held = await self._store.hold(self._holder, now_ms + self._held_ms, begun) if begun else {}
        for job_id in begun:
            cancel = self._cancels.get(job_id)
            if cancel is None:
                continue
            if job_id not in held:  # given to another, for nothing was heard of this one
                log.warning("job_taken_away", extra={"job": job_id})
                cancel.set()
            elif held[job_id]:
                self._cancelled_by.setdefault(job_id, held[job_id])
                cancel.set()
        for job in await self._store.take_up("", now_ms):
            self.enqueue(job)

    # -- doing ---------------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            _, job_id = await self._queue.get()
            if job_id not in self._waiting:
                continue
            self._beginning.add(job_id)
            self._waiting.discard(job_id)
            try:
                await self._do(job_id)
            except JobHasEnded:  # another instance does it, or did
                self._forget(job_id)
            except Exception:
                log.exception("job_lost", extra={"job": job_id})
                self._forget(job_id)

    async def _do(self, job_id: int) -> None:
        try:
            job = await self._surely(lambda: self._begin(job_id))
        finally:
            self._beginning.discard(job_id)
        self._live.tell(job.job_id, job)
        event, error, reason = JobEvent.SUCCEED, "", ""
        try:
            with metrics.JOB_SECONDS.time():
                await self._run(job)
        except WorkCancelled:
            event, error, reason = JobEvent.CANCEL, "Cancelled.", "CANCELLED"
        except RushesError as refusal:
            log.warning("job_refused", extra={"job": job_id, "reason": refusal.reason})
            event, error, reason = JobEvent.FAIL, str(refusal), refusal.reason
        except Exception:
            log.exception("job_failed", extra={"job": job_id})
            event, error, reason = JobEvent.FAIL, "Something went wrong here; try it again.", "INTERNAL"
        await self._end(job_id, event, error, reason)

    async def _begin(self, job_id: int) -> Job:
        now_ms = self._clock.now_ms()
        return await self._store.move_job(
            job_id, JobEvent.BEGIN, now_ms, holder=self._holder, until_ms=now_ms + self._held_ms
        )

    async def _run(self, job: Job) -> None:
        video = await self._store.video(job.video_id)
        if video is None:
            raise NotFound("The video of this job is gone.")
        cancel = self._cancels[job.job_id]
        report = self._reporter(job)
        ingest = Ingest(self._store, self._folder, self._shelf, self._threads, video, cancel, report, self._locks)
        await ingest.run()

    async def _end(self, job_id: int, event: JobEvent, error: str = "", reason: str = "") -> None:
        async def move() -> Job:
            now_ms = self._clock.now_ms()
            person_id = self._cancelled_by.get(job_id, "")
            return await self._store.move_job(
                job_id, event, now_ms, error=error, reason=reason, person_id=person_id, holder=self._holder
            )

        try:
            job = await self._surely(move)
        except JobHasEnded:
            log.warning("job_had_ended", extra={"job": job_id})
        else:
            metrics.JOBS.labels(job.state).inc()
        self._forget(job_id)

    async def _surely(self, work: Callable[[], Awaitable[T]]) -> T:
        """Again until the store takes it: a disk that is full for an hour loses no job."""
        wait_s, longest_s = AGAIN_S
        while True:
            try:
                return await work()
            except (Unavailable, ResourceExhausted) as error:
                log.warning("store_tried_again", extra={"reason": error.reason})
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, longest_s)

    def _forget(self, job_id: int) -> None:
        """What the store has is the truth from now on."""
        self._waiting.discard(job_id)
        self._cancels.pop(job_id, None)
        self._cancelled_by.pop(job_id, None)
        self._live.forget(job_id)

    def _reporter(self, job: Job) -> "Callable[[str, float], None]":
        loop = asyncio.get_running_loop()
        noted_at = 0.0
        noted_step = ""

        async def note(step: str, permille: int, *, durable: bool) -> None:
            live = self._live.get(job.job_id)
            if live is None or live.state is not JobState.RUNNING:
                return
            permille = max(permille, live.progress_permille)
            self._live.tell(job.job_id, replace(live, step=step, progress_permille=permille))
            if durable:
                try:
                    await self._store.note_job(job.job_id, step, permille)
                except RushesError as error:
                    log.warning("progress_not_noted", extra={"job": job.job_id, "reason": error.reason})

        def report(step: str, share: float) -> None:
            nonlocal noted_at, noted_step
            now = loop.time()
            if step == noted_step and share < 1.0 and now - noted_at < NOTE_EVERY_S / 5:
                return
            durable = step != noted_step or now - noted_at > NOTE_EVERY_S
            noted_at, noted_step = now, step
            begin, end = SHARES[step]
            asyncio.run_coroutine_threadsafe(note(step, int(begin + (end - begin) * share), durable=durable), loop)

        return report
