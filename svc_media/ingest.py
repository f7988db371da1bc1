"""What is made of a video once its bytes are here. Every step can be done again after a crash."""

import asyncio
import contextlib
import hashlib
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Hashable
from dataclasses import replace
from pathlib import Path
from typing import Final

from rushes.errors import NotFound, ResourceExhausted, Unavailable
from svc_media.core.compose import Composition
from svc_media.core.facts import VideoFacts
from svc_media.core.model import Content, Owner, Rendition, Video, VideoState
from svc_media.core.plan import ReviewPlan
from svc_media.lock import Locks
from svc_media.shelf import Shelf
from svc_media.stores import Store
from svc_media.stores.folder import Folder
from svc_media.thread import Threads
from svc_media.worker.client import WorkCancelled, run
from svc_media.worker.request import Operation, Request, Result

log = logging.getLogger(__name__)

AGAIN_S: Final = (0.2, 5.0)
"""First and longest wait before a bucket is tried again."""

SHARES: Final = {
    "compose": (0, 0),
    "checksum": (0, 80),
    "probe": (80, 150),
    "review": (150, 880),
    "poster": (880, 900),
    "filmstrip": (900, 970),
    "waveform": (970, 1000),
}
"""Where each step stands in a job's progress, in 1/1000."""
PART_S: Final = 0.2
PART_TRIES: Final = 10
"""How often a file is looked for that is being moved."""
NAMES: Final = {"poster": "poster.jpg", "filmstrip": "filmstrip.jpg", "waveform": "waveform.bin"}


class Ingest:
    """The steps of one video: checksum, keep, probe, review file, poster, then ready; filmstrip, waveform."""

    def __init__(
        self,
        store: Store,
        folder: Folder,
        shelf: Shelf,
        threads: Threads,
        video: Video,
        cancel: asyncio.Event,
        report: Callable[[str, float], None],
        locks: Locks,
    ) -> None:
        self._store = store
        self._folder = folder
        self._shelf = shelf
        self._threads = threads
        self._video = video
        self._cancel = cancel
        self._report = report
        self._locks = locks

    async def run(self) -> None:
        """All that is not done yet."""
        owner = self._video.owner
        # Whose job was given to another may still be at it for a moment.
        async with self._alone(("video", self._video.video_id)):
            video = await self._store.video(self._video.video_id)
            if video is None:
                raise NotFound("The video of this job is gone.")
            self._video = video  # as the other left it
            if not self._video.sha256:
                await self._compose()
            sha256 = self._video.sha256 or await self._digest()
            async with self._alone((owner.tenant_id, sha256)):
                await self._run_content(owner, sha256)

    @contextlib.asynccontextmanager
    async def _alone(self, name: Hashable) -> AsyncIterator[None]:
        """Of two uploads of the same bytes one does the work; who waits for the other can be cancelled."""
        lock = self._locks.of(name)
        acquiring = asyncio.ensure_future(lock.acquire())
        stop = asyncio.ensure_future(self._cancel.wait())
        try:
            await asyncio.wait((acquiring, stop), return_when=asyncio.FIRST_COMPLETED)
            self._check()
            yield
        finally:
            stop.cancel()
            acquiring.cancel()
            await asyncio.gather(acquiring, stop, return_exceptions=True)
            if not acquiring.cancelled():
                lock.release()

    async def _run_content(self, owner: Owner, sha256: bytes) -> None:
        upload = await self._store.upload(self._video.upload_id)
        file = upload.file if upload is not None else ""
        original = await self._placed(file, owner.tenant_id, sha256)
        content = await self._store.content(owner.tenant_id, sha256)
        if content is None:
            content = Content(owner.tenant_id, sha256, self._video.size_bytes)
        if not content.ready:
            await self._keep(original)
        if file:
            await self._store.release_upload(self._video.upload_id)
        if not content.ready:
            content = await self._make_ready(content, original)
        await self._store.set_video(self._video.video_id, VideoState.READY, sha256=sha256)
        made = {rendition.kind for rendition in content.renditions}
        if "filmstrip" not in made:
            content = await self._filmstrip(content)
        if "waveform" not in made:
            await self._waveform(content)

    async def _placed(self, file: str, tenant_id: str, sha256: bytes) -> Path:
        """The original, in the folder: just uploaded, or made into one before. Raises NotFound."""
        try:
            return await self._threads.run(self._folder.keep, file, tenant_id, sha256)
        except NotFound as gone:
            try:
                return await self._shelf.local(self._folder.content(tenant_id, sha256, "original"))
            except NotFound:
                raise gone from None

    async def _keep(self, path: Path) -> None:
        """A file is kept for good. A bucket that is away for an hour fails no job."""
        wait_s, longest_s = AGAIN_S
        while True:
            self._check()
            try:
                await self._shelf.keep(path)
                return
            except (Unavailable, ResourceExhausted) as error:
                log.warning("file_not_kept", extra={"reason": error.reason})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._cancel.wait()
            wait_s = min(2 * wait_s, longest_s)

    def _check(self) -> None:
        if self._cancel.is_set():
            raise WorkCancelled("The work was stopped.")

    async def _compose(self) -> None:
        """What is to be made of other videos is made, in the place of what others upload."""
        text = await self._store.composition(self._video.video_id)
        upload = await self._store.upload(self._video.upload_id)
        if not text or upload is None:
            return
        output = self._folder.upload(upload.file)
        size_bytes = await asyncio.to_thread(lambda: output.stat().st_size if output.exists() else 0)
        if not size_bytes:
            size_bytes = await self._composed(Composition.from_json(text), output)
        await self._store.set_size(self._video.video_id, size_bytes)
        self._video = replace(self._video, size_bytes=size_bytes)

    async def _composed(self, composition: Composition, output: Path) -> int:
        links = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="parts-", dir=self._folder.scratch))
        try:
            inputs = [
                replace(each, source=str(await self._linked(int(each.source), links / str(number))))
                for number, each in enumerate(composition.inputs)
            ]
            composition = replace(composition, inputs=tuple(inputs))
            made = await self._worker("compose", Request(Operation.COMPOSE, output, output, composition=composition))
        finally:
            await asyncio.to_thread(shutil.rmtree, links, ignore_errors=True)
        await self._threads.run(self._folder.secure, output)
        return made.size_bytes

    async def _linked(self, video_id: int, link: Path) -> Path:
        """Another name of the file of another video, which may be on its way to its place. Raises NotFound."""
        for _ in range(PART_TRIES):
            video = await self._store.video(video_id)
            if video is None or video.owner.tenant_id != self._video.owner.tenant_id:
                break
            upload = await self._store.upload(video.upload_id)
            with contextlib.suppress(NotFound, FileNotFoundError):
                if upload is not None and upload.file:
                    await asyncio.to_thread(os.link, self._folder.upload(upload.file), link)
                    return link
            with contextlib.suppress(NotFound, FileNotFoundError):
                if video.sha256:
                    kept = self._folder.content(video.owner.tenant_id, video.sha256, "original")
                    await asyncio.to_thread(os.link, await self._shelf.local(kept), link)
                    return link
            self._check()
            await asyncio.sleep(PART_S)
        raise NotFound("A video that this one is made of is gone.")

    async def _digest(self) -> bytes:
        upload = await self._store.upload(self._video.upload_id)
        if upload is None or not upload.done or not upload.file:
            raise NotFound("The uploaded file is gone; upload it again.")
        stopped = threading.Event()

        def report(share: float) -> None:
            if stopped.is_set():
                raise WorkCancelled("The work was stopped.")
            self._check()
            self._report("checksum", share)

        self._report("checksum", 0.0)
        path = self._folder.upload(upload.file)
        digest = asyncio.ensure_future(self._threads.run(self._folder.digest, path, report))
        try:
            sha256 = await asyncio.shield(digest)
        except asyncio.CancelledError:
            stopped.set()
            await asyncio.gather(digest, return_exceptions=True)
            raise
        if self._video.rate:
            # With another rate it is another video, though its bytes are the same.
            sha256 = hashlib.sha256(sha256 + self._video.rate.encode()).digest()
        await self._store.set_video(self._video.video_id, VideoState.PROCESSING, sha256=sha256)
        return sha256

    async def _make_ready(self, content: Content, original: Path) -> Content:
        found = await self._worker("probe", Request(Operation.PROBE, original, rate=self._video.rate))
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
        for path in {review_path, poster_path}:
            await self._threads.run(self._folder.secure, path)
            await self._keep(path)
        kept = {"facts": facts.to_json(), "review": review_facts.to_json()}
        content = replace(content, facts=kept, renditions=tuple(renditions), ready=True)
        await self._store.put_content(content)
        return content

    async def _filmstrip(self, content: Content) -> Content:
        made, output = await self._made_of_review(content, Operation.FILMSTRIP)
        strip = made.filmstrip
        assert strip is not None
        size, width, height = made.size_bytes, made.width, made.height
        tiles = (strip.columns, strip.tiles, strip.frames_per_tile)
        return await self._add(
            content, Rendition(output.name, "filmstrip", made.content_type, size, width, height, *tiles)
        )

    async def _waveform(self, content: Content) -> None:
        assert content.facts is not None
        if VideoFacts.from_json(content.facts["review"]).has_sound:
            made, output = await self._made_of_review(content, Operation.WAVEFORM)
            await self._add(content, Rendition(output.name, "waveform", made.content_type, made.size_bytes))

    async def _made_of_review(self, content: Content, operation: Operation) -> tuple[Result, Path]:
        """A file made of the review file, safe on the disk."""
        assert content.facts is not None
        facts = VideoFacts.from_json(content.facts["review"])
        review = next(rendition for rendition in content.renditions if rendition.kind == "review")
        source = await self._shelf.local(self._folder.content(content.tenant_id, content.sha256, review.name))
        output = source.with_name(NAMES[operation])
        made = await self._worker(operation, Request(operation, source, output, facts))
        await self._threads.run(self._folder.secure, output)
        await self._keep(output)
        return made, output

    async def _add(self, content: Content, rendition: Rendition) -> Content:
        content = replace(content, renditions=(*content.renditions, rendition))
        await self._store.put_content(content)
        return content

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
