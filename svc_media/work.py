"""Jobs: what is done with a video once its bytes are here. Every step can be done again after a crash."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

from mesh.clock import Clock
from rushes.errors import NotFound, RushesError
from svc_media import metrics
from svc_media.core.facts import VideoFacts
from svc_media.core.model import ENDED, Content, Job, JobEvent, JobState, Owner, Rendition, Video, VideoState
from svc_media.core.plan import ReviewPlan
from svc_media.stores import Store
from svc_media.stores.folder import Folder
from svc_media.worker.client import WorkCancelled, run
from svc_media.worker.request import Operation, Request, Result

log = logging.getLogger(__name__)

NOTE_EVERY_S = 1.0
SHARES = {"checksum": (0, 80), "probe": (80, 150), "review": (150, 880), "poster": (880, 900), "filmstrip": (900, 1000)}
"""Where each step stands in a job's progress, in 1/1000."""
NAMES = {"original": "original", "review": "review", "poster": "poster.jpg", "filmstrip": "filmstrip.jpg"}


class Jobs:
    """Does jobs, a few at a time, the oldest first, and tells who watches."""

    def __init__(self, store: Store, folder: Folder, clock: Clock, workers: int) -> None:
        self._store = store
        self._folder = folder
        self._clock = clock
        self._workers = workers
        self._queue: asyncio.Queue[int] = asyncio.Queue()
        self._cancels: dict[int, asyncio.Event] = {}
        self._live: dict[int, Job] = {}
        self._changed = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []
        self._content_locks: dict[tuple[str, bytes], asyncio.Lock] = {}

    async def start(self) -> None:
        """Takes up what was under way when the process ended."""
        for job in await self._store.open_jobs():
            self.enqueue(await self._store.move_job(job.job_id, JobEvent.RESTART, self._clock.now_ms()))
        self._tasks = [asyncio.create_task(self._work(), name=f"job-{n}") for n in range(self._workers)]

    async def stop(self) -> None:
        """Stops; what is under way begins again at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def enqueue(self, job: Job) -> None:
        """A job waits."""
        if job.job_id not in self._cancels and job.state is JobState.QUEUED:
            self._cancels[job.job_id] = asyncio.Event()
            self._live[job.job_id] = job
            self._queue.put_nowait(job.job_id)

    async def get(self, job_id: int, video_id: int) -> Job:
        """A job of a video, with its progress at this moment."""
        job = self._live.get(job_id) or await self._store.job(job_id)
        if job is None or job.video_id != video_id:
            raise NotFound("There is no such job.")
        return job

    async def watch(self, job_id: int, video_id: int) -> AsyncIterator[Job]:
        """A job now and whenever it changes, until it has ended."""
        last: Job | None = None
        while True:
            job = await self.get(job_id, video_id)
            if job != last:
                last = job
                yield job
            if job.state in ENDED:
                return
            async with self._changed:
                if self._live.get(job_id) == last:
                    await self._changed.wait()

    async def cancel(self, job_id: int, video_id: int) -> Job:
        """Stops a job. One that has ended is left as it is."""
        job = await self.get(job_id, video_id)
        if job.state in ENDED:
            return job
        cancel = self._cancels.get(job_id)
        if cancel is not None:
            cancel.set()
        if job.state is JobState.QUEUED:
            await self._end(job_id, JobEvent.CANCEL, "Cancelled.", "CANCELLED")
        return [seen async for seen in self.watch(job_id, video_id)][-1]

    # -- doing ---------------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            job_id = await self._queue.get()
            job = self._live.get(job_id)
            if job is None or job.state is not JobState.QUEUED:
                continue
            try:
                await self._do(job)
            except Exception:
                log.exception("job_failed", extra={"job": job_id})
                await self._end(job_id, JobEvent.FAIL, "Something went wrong here; try it again.", "INTERNAL")

    async def _do(self, job: Job) -> None:
        job = await self._store.move_job(job.job_id, JobEvent.BEGIN, self._clock.now_ms())
        await self._tell(job)
        video = await self._store.video(job.video_id)
        if video is None:
            raise NotFound("The video of this job is gone.")
        work = Work(
            self._store, self._folder, video, self._cancels[job.job_id], self._reporter(job), self._content_locks
        )
        try:
            with metrics.JOB_SECONDS.time():
                await work.run()
        except WorkCancelled:
            await self._end(job.job_id, JobEvent.CANCEL, "Cancelled.", "CANCELLED")
        except RushesError as error:
            log.warning("job_refused", extra={"job": job.job_id, "reason": error.reason})
            await self._end(job.job_id, JobEvent.FAIL, str(error), error.reason)
        else:
            await self._end(job.job_id, JobEvent.SUCCEED)

    async def _end(self, job_id: int, event: JobEvent, error: str = "", reason: str = "") -> None:
        now_ms = self._clock.now_ms()
        job = await self._store.move_job(job_id, event, now_ms, error=error, reason=reason)
        video = await self._store.video(job.video_id)
        if error and video is not None and video.state is not VideoState.READY:
            await self._store.set_video(job.video_id, VideoState.FAILED, error=error, error_reason=reason)
        metrics.JOBS.labels(job.state).inc()
        self._cancels.pop(job_id, None)
        await self._tell(job)
        self._live.pop(job_id, None)

    async def _tell(self, job: Job) -> None:
        self._live[job.job_id] = job
        async with self._changed:
            self._changed.notify_all()

    def _reporter(self, job: Job) -> "Callable[[str, float], None]":
        loop = asyncio.get_running_loop()
        noted_at = 0.0
        noted_step = ""

        async def note(step: str, permille: int, *, durable: bool) -> None:
            live = self._live.get(job.job_id)
            if live is None or live.state is not JobState.RUNNING:
                return
            await self._tell(replace(live, step=step, progress_permille=max(permille, live.progress_permille)))
            if durable:
                await self._store.note_job(job.job_id, step, permille)

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


class Work:
    """The steps of one video: checksum, keep, probe, review file, poster, then ready; filmstrip."""

    def __init__(
        self,
        store: Store,
        folder: Folder,
        video: Video,
        cancel: asyncio.Event,
        report: Callable[[str, float], None],
        locks: dict[tuple[str, bytes], asyncio.Lock],
    ) -> None:
        self._store = store
        self._folder = folder
        self._video = video
        self._cancel = cancel
        self._report = report
        self._locks = locks

    async def run(self) -> None:
        """All that is not done yet."""
        owner = self._video.owner
        sha256 = self._video.sha256 or await self._digest(owner)
        lock = self._locks.setdefault((owner.tenant_id, sha256), asyncio.Lock())
        async with lock:  # of two uploads of the same bytes one does the work
            await self._run_content(owner, sha256)

    async def _run_content(self, owner: Owner, sha256: bytes) -> None:
        upload = await self._store.upload(self._video.upload_id)
        original = self._folder.content(owner.tenant_id, sha256, "original")
        if upload is not None and upload.file:
            original = await asyncio.to_thread(self._folder.keep, upload.file, owner.tenant_id, sha256)
        content = await self._store.content(owner.tenant_id, sha256)
        if content is None:
            content = Content(owner.tenant_id, sha256, self._video.size_bytes)
        if not content.ready:
            content = await self._make_ready(content, original)
        await self._store.set_video(self._video.video_id, VideoState.READY, sha256=sha256)
        if upload is not None:
            await self._store.remove_upload(upload.upload_id, "")
        if not any(rendition.kind == "filmstrip" for rendition in content.renditions):
            await self._filmstrip(content)

    async def _digest(self, owner: Owner) -> bytes:
        upload = await self._store.upload(self._video.upload_id)
        if upload is None:
            raise NotFound("The uploaded file is gone; upload it again.")
        path = self._folder.upload(upload.file)
        if not path.exists():
            raise NotFound("The uploaded file is gone; upload it again.")
        sha256 = await asyncio.to_thread(self._folder.digest, path, lambda share: self._report("checksum", share))
        await self._store.set_video(self._video.video_id, VideoState.PROCESSING, sha256=sha256)
        return sha256

    async def _make_ready(self, content: Content, original: Path) -> Content:
        found = await self._worker("probe", Request(Operation.PROBE, original))
        facts, plan = found.facts, found.plan
        assert plan is not None
        renditions = [Rendition("original", "original", _original_type(plan), content.size_bytes)]
        if plan.keep:
            review_path, review_facts = original, facts
            review = Rendition("original", "review", plan.content_type, content.size_bytes, facts.width, facts.height)
        else:
            review_path = original.with_name(f"review{plan.suffix}")
            made = await self._worker("review", Request(Operation.REVIEW, original, review_path, facts))
            review_facts = made.facts
            facts = facts.reviewed_as(review_facts)
            size, width, height = made.size_bytes, made.width, made.height
            review = Rendition(review_path.name, "review", made.content_type, size, width, height)
        renditions.append(review)
        poster_path = original.with_name(NAMES["poster"])
        made = await self._worker("poster", Request(Operation.POSTER, review_path, poster_path, review_facts))
        renditions.append(
            Rendition(poster_path.name, "poster", made.content_type, made.size_bytes, made.width, made.height)
        )
        kept = {"facts": facts.to_json(), "review": review_facts.to_json()}
        content = replace(content, facts=kept, renditions=tuple(renditions), ready=True)
        await self._store.put_content(content)
        return content

    async def _filmstrip(self, content: Content) -> None:
        assert content.facts is not None
        review_facts = VideoFacts.from_json(content.facts["review"])
        review = next(rendition for rendition in content.renditions if rendition.kind == "review")
        source = self._folder.content(content.tenant_id, content.sha256, review.name)
        output = source.with_name(NAMES["filmstrip"])
        made = await self._worker("filmstrip", Request(Operation.FILMSTRIP, source, output, review_facts))
        strip = made.filmstrip
        assert strip is not None
        rendition = Rendition(
            output.name,
            "filmstrip",
            made.content_type,
            made.size_bytes,
            made.width,
            made.height,
            strip.columns,
            strip.tiles,
            strip.frames_per_tile,
        )
        await self._store.put_content(replace(content, renditions=(*content.renditions, rendition)))

    async def _worker(self, step: str, request: Request) -> Result:
        self._report(step, 0.0)
        result = await run(
            request,
            scratch=self._folder.scratch,
            on_progress=lambda share: self._report(step, share),
            cancel=self._cancel,
        )
        self._report(step, 1.0)
        return result


def _original_type(plan: ReviewPlan) -> str:
    return plan.content_type if plan.keep else "application/octet-stream"
