"""Exports: read in the name of whoever asks, written by a worker, handed to that person alone, gone after a while."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from mesh.auth import Caller, has
from mesh.clock import Clock
from mesh.ids import new_id
from rushes.errors import InvalidArgument, NotFound, RushesError, Unavailable
from rushes.exchange.notes import Notes
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, PERMISSION_SEE_INTERNAL, Audience
from svc_media.catalog import Catalog, Served
from svc_media.core.export import ENDINGS, Export, ExportInternal, Read, Source, file_name, noted_video
from svc_media.core.facts import VideoFacts
from svc_media.core.model import ENDED, JobEvent, JobHasEnded, JobState, Owner, Video
from svc_media.live import Live
from svc_media.reading import Reader
from svc_media.stores import ExportStore
from svc_media.stores.folder import Folder
from svc_media.thread import Threads
from svc_media.worker.client import WorkCancelled, run
from svc_media.worker.request import Operation, Request, Result

log = logging.getLogger(__name__)

DAY_MS = 86_400_000
MAX_ID = 64
MAX_RETRY_S = 30.0
_CANCELLED = {"error": "Cancelled.", "error_reason": "CANCELLED"}


class Exports:
    """Writes one at a time: sheets of paper do not keep videos waiting."""

    def __init__(
        self,
        store: ExportStore,
        catalog: Catalog,
        folder: Folder,
        reader: Reader,
        clock: Clock,
        *,
        days: float,
        retry_s: float = 1.0,
        holder: str = "",
    ) -> None:
        self._holder = holder
        self._store = store
        self._catalog = catalog
        self._folder = folder
        self._reader = reader
        self._clock = clock
        self._keep_ms = int(days * DAY_MS)
        self._retry_s = retry_s
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._waiting: set[str] = set()
        """Those in the queue that are still to be written."""
        self._cancels: dict[str, asyncio.Event] = {}
        self._live: Live[str, Export] = Live()
        self._threads = Threads("export", 1)
        self._task: asyncio.Task[None] | None = None

    async def start(self, *, alone: bool = True) -> None:
        """Takes up what was under way when the process ended; `alone`: of all instances."""
        await self._store.prepare()
        if alone:
            await self._threads.run(self._folder.tidy_exports, await self._store.sources())
        for export in await self._store.open("" if alone else self._holder):
            now_ms = self._clock.now_ms()
            # Its holder from now on: whose it was finds it no more.
            self._enqueue(await self._store.move(export.export_id, JobEvent.RESTART, now_ms, holder=self._holder))
        self._task = asyncio.create_task(self._work(), name="exports")

    async def stop(self) -> None:
        """Stops; what is under way begins again at the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._threads.close()

    # -- asking --------------------------------------------------------------------------------------------------

    async def create(
        self,
        caller: Caller,
        video_id: int,
        format: str,
        audience: "Audience.ValueType",
        asset_id: int,
        request_id: str,
    ) -> Export:
        """Reads the notes as the caller may now, and begins."""
        video = await self._catalog.video(video_id)
        # First what the caller may not see: no other refusal may tell that it is there.
        read = await self._reader.read(video_id, video.owner.project_id, asset_id, audience)
        facts = await self._catalog.facts(video_id)
        if format not in ENDINGS:
            raise InvalidArgument("Say which format the file is to have.")
        wanted = self._wanted(caller, video, format, read)
        source = self._source(wanted, video, facts, read)
        await self._threads.run(lambda: self._folder.write_source(wanted.source, source.to_json()))
        try:
            export = await self._store.add(
                wanted, request_id, f"{video_id} {format} {audience} {asset_id}", self._holder
            )
        except RushesError:
            await self._drop(wanted)
            raise
        if export.source != wanted.source:
            await self._drop(wanted)  # asked before
        else:
            self._enqueue(export)
        return self._live.get(export.export_id) or export

    def _wanted(self, caller: Caller, video: Video, format: str, read: Read) -> Export:
        now_ms = self._clock.now_ms()
        stem = read.head.asset or video.file_name.rsplit(".", 1)[0]
        return Export(
            export_id=new_id(),
            owner=Owner(caller.tenant_id, caller.person_id, video.owner.project_id),
            video_id=video.video_id,
            format=format,
            source=new_id(),
            file_name=file_name(stem, read.head.cut, format),
            revision=read.revision,
            internal=any(each.audience != AUDIENCE_CLIENT for each in read.annotations),
            created_ms=now_ms,
            expires_ms=now_ms + self._keep_ms,
        )

    def _source(self, export: Export, video: Video, facts: VideoFacts, read: Read) -> Source:
        made = datetime.fromtimestamp(export.created_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
        head = replace(
            read.head, made=made, display_offset=video.display_offset or facts.first_number, internal=export.internal
        )
        notes = Notes(noted_video(video.video_id, video.file_name, facts), read.annotations, read.authors)
        return Source(export.format, head, notes)

    async def _drop(self, export: Export) -> None:
        await self._threads.run(self._folder.drop_export, export.source)

    def _enqueue(self, export: Export) -> None:
        if export.state is JobState.QUEUED:
            self._cancels[export.export_id] = asyncio.Event()
            self._live.tell(export.export_id, export)
            self._wait(export.export_id)

    def _wait(self, export_id: str) -> None:
        self._waiting.add(export_id)
        self._queue.put_nowait(export_id)

    async def get(self, export_id: str, video_id: int, caller: Caller) -> Export:
        """An export of the caller's. Raises NotFound for another's."""
        if not 0 < len(export_id) <= MAX_ID:
            raise InvalidArgument(f"Say which export: its id has 1 to {MAX_ID} characters.")
        export = self._live.get(export_id) or await self._store.get(export_id)
        mine = (caller.tenant_id, caller.person_id)
        if export is None or export.video_id != video_id or (export.owner.tenant_id, export.owner.person_id) != mine:
            raise NotFound("There is no such export; it may have expired.")
        return export

    async def watch(self, export_id: str, video_id: int, caller: Caller) -> AsyncIterator[Export]:
        """An export now and whenever it changes, until it has ended."""
        async for export in self._live.watch(
            lambda: self.get(export_id, video_id, caller), lambda export: export.state in ENDED
        ):
            yield export

    async def cancel(self, export_id: str, video_id: int, caller: Caller) -> Export:
        """Stops an export: one that waits at once. One that has ended is left as it is."""
        await self.get(export_id, video_id, caller)
        if export_id in self._waiting:
            return await self._cancel_waiting(export_id)
        if export_id in self._cancels:
            self._cancels[export_id].set()
        else:  # another instance writes it, and will find that it has ended
            with contextlib.suppress(JobHasEnded):
                await self._store.move(export_id, JobEvent.CANCEL, self._clock.now_ms(), **_CANCELLED)
        return [seen async for seen in self.watch(export_id, video_id, caller)][-1]

    async def _cancel_waiting(self, export_id: str) -> Export:
        # From here on the worker passes it by.
        self._waiting.discard(export_id)
        try:
            export = await self._store.move(export_id, JobEvent.CANCEL, self._clock.now_ms(), **_CANCELLED)
        except Exception:
            self._wait(export_id)
            raise
        self._cancels.pop(export_id, None)
        self._live.forget(export_id)
        await self._drop(export)
        return export

    async def file(self, video: Video, name: str, caller: Caller, mask: int) -> Served:
        """The finished file, for its person, who may still read what is in it. The audit trail is told of it."""
        export_id = name.removeprefix("export-").rpartition(".")[0]
        export = await self.get(export_id, video.video_id, caller)
        if export.name != name or export.state is not JobState.DONE or export.expires_ms <= self._clock.now_ms():
            raise NotFound("There is no such export; it may have expired.")
        if export.internal and not has(mask, PERMISSION_SEE_INTERNAL):
            raise ExportInternal("This file holds internal notes, which you may not read any more.")
        await self._store.note_download(export, self._clock.now_ms())
        path = self._folder.exports / export.source
        return Served(path, export.content_type, export.export_id, export.file_name, True, video, kept=False)

    async def forget(self, video_id: int) -> None:
        """The video is gone: so are its exports, and those that are being written will be."""
        for export in await self._store.of_video(video_id):
            if export.state in ENDED:
                await self._drop(export)
                await self._store.remove(export.export_id)
            else:
                with contextlib.suppress(JobHasEnded):
                    await self._store.move(export.export_id, JobEvent.CANCEL, self._clock.now_ms(), **_CANCELLED)

    async def upkeep(self) -> None:
        """Forgets exports whose time is over."""
        for export in await self._store.expired(self._clock.now_ms()):
            await self._drop(export)
            await self._store.remove(export.export_id)

    # -- doing ---------------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            export_id = await self._queue.get()
            if export_id not in self._waiting:
                continue  # cancelled while it waited
            self._waiting.discard(export_id)
            try:
                await self._do(export_id)
            except Exception:
                log.exception("export_lost", extra={"export": export_id})
            self._cancels.pop(export_id, None)
            self._live.forget(export_id)

    async def _do(self, export_id: str) -> None:
        ended: Export | None
        try:
            export = await self._begun(export_id)
            self._live.tell(export_id, export)
            event, changes = await self._outcome(export)
            ended = await self._moved(export_id, event, **changes)
        except JobHasEnded:  # cancelled at another instance, or the answer that it has ended was lost
            ended = await self._store.get(export_id)
        if ended is not None and ended.state in ENDED:
            done = ended.state is JobState.DONE
            await self._threads.run(self._folder.drop_export, ended.source, notes_only=done)

    async def _begun(self, export_id: str) -> Export:
        try:
            return await self._moved(export_id, JobEvent.BEGIN)
        except JobHasEnded:
            found = await self._store.get(export_id)
            if found is None or found.state is not JobState.RUNNING:
                raise
            return found  # nobody else begins it: the answer to an earlier try was lost

    async def _outcome(self, export: Export) -> tuple[JobEvent, dict[str, Any]]:
        """Writes the file: what happened, and what else changes with it."""
        try:
            made = await self._write(export)
        except WorkCancelled:
            return JobEvent.CANCEL, dict(_CANCELLED)
        except RushesError as refusal:
            log.warning("export_refused", extra={"export": export.export_id, "reason": refusal.reason})
            return JobEvent.FAIL, {"error": str(refusal), "error_reason": refusal.reason}
        except Exception:
            log.exception("export_failed", extra={"export": export.export_id})
            said = "Something went wrong here; ask for the file again."
            return JobEvent.FAIL, {"error": said, "error_reason": "INTERNAL"}
        changes = {"size_bytes": made.size_bytes, "content_type": made.content_type, "remark": made.remark}
        return JobEvent.SUCCEED, changes

    async def _moved(self, export_id: str, event: JobEvent, **changes: Any) -> Export:
        """What happens to an export. A store that is away is waited for: whoever watches would wait for ever."""
        wait_s = self._retry_s
        while True:
            try:
                return await self._store.move(export_id, event, self._clock.now_ms(), **changes)
            except RushesError as refusal:
                if not isinstance(refusal, Unavailable):
                    raise
                log.warning("export_store_away", extra={"export": export_id, "reason": refusal.reason})
            except Exception:
                log.exception("export_store_away", extra={"export": export_id})
            await asyncio.sleep(wait_s)
            wait_s = min(MAX_RETRY_S, 2 * wait_s)

    async def _write(self, export: Export) -> Result:
        cancel = self._cancels[export.export_id]
        heed = asyncio.create_task(self._heed(export.export_id, cancel))
        try:
            review, facts = await self._catalog.review(export.video_id)
            if cancel.is_set():
                raise WorkCancelled("The work was stopped.")
            source, output = self._folder.exports / f"{export.source}.json", self._folder.exports / export.source
            made = await run(
                Request(Operation.EXPORT, source, output, facts, review=review),
                scratch=self._folder.scratch,
                on_progress=lambda share: self._live.tell(
                    export.export_id, replace(export, progress_permille=min(999, int(1000 * share)))
                ),
                cancel=cancel,
            )
        finally:
            heed.cancel()
        await self._threads.run(self._folder.secure, output)
        return made

    async def _heed(self, export_id: str, cancel: asyncio.Event) -> None:
        """Stops the writing of what was cancelled at another instance, which can only say so in the store."""
        while not cancel.is_set():
            await asyncio.sleep(self._retry_s)
            try:
                found = await self._store.get(export_id)
            except RushesError:
                continue  # not now: it is asked again
            if found is None or found.state in ENDED:
                cancel.set()
