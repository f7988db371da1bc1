"""Uploads: created, written piece by piece, joined, finished; each step durable before it is answered."""

import contextlib
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace

from mesh.clock import Clock
from mesh.ids import new_id
from rushes.errors import InvalidArgument, NotFound, RushesError
from svc_media.core import tus
from svc_media.core.model import Job, Owner, Upload
from svc_media.core.tus import Checksum, Concat, Place, UploadBusy, UploadTooLarge, WrongOffset
from svc_media.lock import Locks
from svc_media.stores import Store
from svc_media.stores.folder import Folder, PartLost, Piece, lost
from svc_media.thread import Threads
from svc_media.writing import Writing

log = logging.getLogger(__name__)

THREADS = 8
DAY_MS = 86_400_000
_BUSY = "Another request is writing to this upload; try again in a moment."


class Uploads:
    """What tus does here. One request at a time writes to an upload."""

    def __init__(
        self,
        store: Store,
        folder: Folder,
        clock: Clock,
        enqueue: Callable[[Job], None],
        *,
        max_bytes: int,
        days: float,
        locks: Locks | None = None,
    ) -> None:
        self._store = store
        self._folder = folder
        self._clock = clock
        self._enqueue = enqueue
        self._max_bytes = max_bytes
        self._keep_ms = int(days * DAY_MS)
        self._threads = Threads("upload", THREADS)
        self._locks = locks or Locks()
        """By file: of those who make and remove it. By upload: of those who join it."""
        self._writing: dict[str, str] = {}
        """Uploads that a request is changing, with their files."""
        self._joining: set[str] = set()
        """Files of groups that are becoming a whole: no other part writes there any more."""

    def expires_ms(self, upload: Upload) -> int:
        """When an unfinished upload is forgotten."""
        return upload.changed_ms + self._keep_ms

    async def create(self, owner: Owner, length: int, metadata: dict[str, str], *, partial: bool) -> Upload:
        """A new upload of so many bytes."""
        place = tus.parse_place(metadata, length) if partial else None
        total = place.total if place is not None else length
        self._check_length(total, partial=partial)
        display_offset, rate = _display_offset(metadata), tus.parse_rate(metadata.get("rate", ""))
        upload = self._new(owner, length, metadata, partial=partial)
        if place is not None:
            upload = replace(upload, file=_group_file(owner, place), base=place.at)
        async with self._locks.of(upload.file):
            if place is not None:
                await self._check_group(upload.file)
            await self._threads.run(self._folder.create, upload.file, total)
            try:
                return await self._store.add_upload(upload, display_offset, rate)
            except RushesError:
                await self._drop_file(upload.file)
                raise

    async def import_(self, owner: Owner, upload_id: str, file_name: str, length: int) -> Upload:
        """A new upload that a service brings; of none of its bytes, it is to be made here."""
        self._check_length(length or 1, partial=False)
        upload = self._new(owner, length, {"filename": file_name}, partial=False)
        upload = replace(upload, upload_id=upload_id, file=upload_id)
        if length:
            async with self._locks.of(upload.file):
                await self._threads.run(self._folder.create, upload.file, length)
        return await self._store.add_upload(upload, 0)

    async def _check_group(self, file: str) -> None:
        """A file that vanished with parts in it is begun anew, and so are they: a hole is not what they sent."""
        if not await self._threads.run(self._folder.has_upload, file) and await self._store.has_file(file):
            await self._store.reopen([file], self._clock.now_ms())

    def _check_length(self, length: int, *, partial: bool) -> None:
        if length > self._max_bytes:
            raise UploadTooLarge(f"Files of more than {self._max_bytes >> 30} GB are not taken.")
        if not length and not partial:
            raise InvalidArgument("The file is empty.")

    def _new(self, owner: Owner, length: int, metadata: dict[str, str], *, partial: bool) -> Upload:
        upload_id = new_id()
        return Upload(
            upload_id=upload_id,
            owner=owner,
            file=upload_id,
            base=0,
            length=length,
            offset=0,
            partial=partial,
            file_name=tus.safe_name(metadata.get("filename", "")),
            video_id=0,
            changed_ms=self._clock.now_ms(),
        )

    async def get(self, upload_id: str, tenant_id: str, person_id: str) -> Upload:
        """An upload of that person, finished if all its bytes are here. Raises NotFound."""
        upload = await self._store.upload(upload_id) if len(upload_id) <= 64 else None
        if upload is None or (upload.owner.tenant_id, upload.owner.person_id) != (tenant_id, person_id):
            raise NotFound("There is no such upload; it may have expired. Begin again.")
        return await self._settled(upload)

    async def write(
        self,
        upload: Upload,
        offset: int,
        chunks: AsyncIterator[bytes],
        checksum: Checksum | None = None,
        size_bytes: int = 0,
    ) -> Upload:
        """Takes bytes from `offset` on, `size_bytes` if that is known; gives the upload as it stands afterwards.

        What came before a cut is kept, unless there is a checksum, which stands for all or nothing.
        """
        with self._changing(upload):
            upload = await self.get(upload.upload_id, upload.owner.tenant_id, upload.owner.person_id)
            if upload.joining:
                raise UploadBusy("The parts of this upload are being joined.")
            if offset != upload.offset:
                raise WrongOffset(f"The upload stands at {upload.offset}.", offset=str(upload.offset))
            if offset + size_bytes > upload.length:
                raise InvalidArgument("More bytes came than the upload was to have.")
            if upload.done:
                return upload
            writing = Writing(self._store, self._folder, self._threads, self._clock, upload, checksum)
            return await self._settled(await writing.run(chunks))

    @contextlib.contextmanager
    def _changing(self, upload: Upload) -> Iterator[None]:
        """Of one request at a time. Raises UploadBusy."""
        if upload.upload_id in self._writing or upload.file in self._joining:
            raise UploadBusy(_BUSY)
        with self._kept(_writing(upload.upload_id), shared=False), self._kept(_joining(upload.file), shared=True):
            self._writing[upload.upload_id] = upload.file
            try:
                yield
            finally:
                del self._writing[upload.upload_id]

    @contextlib.contextmanager
    def _kept(self, name: str, *, shared: bool) -> Iterator[None]:
        """Of one process at a time, or of those who share. Raises UploadBusy."""
        if not (self._locks.share(name) if shared else self._locks.take(name)):
            raise UploadBusy(_BUSY)
        try:
            yield
        finally:
            (self._locks.unshare if shared else self._locks.drop)(name)

    async def _settled(self, upload: Upload) -> Upload:
        """A process may have ended, or the store failed, between an upload's last byte and its end."""
        if upload.partial or upload.done or upload.joining or not upload.complete:
            return upload
        return await self._finish(upload, upload.file)

    async def _finish(self, upload: Upload, file: str) -> Upload:
        job = await self._store.finish_upload(upload.upload_id, file, self._clock.now_ms())
        self._enqueue(job)
        return replace(upload, done=True, offset=upload.length, file=file)

    # -- joining ---------------------------------------------------------------------------------------------

    async def join(self, owner: Owner, concat: Concat, metadata: dict[str, str]) -> Upload:
        """The whole of parts that are complete. Sent twice, or by two at once: the same upload."""
        parts = await self._store.parts_of(concat.parts)
        if len(parts) != len(concat.parts) or any(
            (part.owner.tenant_id, part.owner.person_id) != (owner.tenant_id, owner.person_id) or not part.partial
            for part in parts
        ):
            raise NotFound("Not all of these parts are there.")
        if not all(part.complete for part in parts):
            raise InvalidArgument("Not all of these parts are complete.")
        length = sum(part.length for part in parts)
        self._check_length(length, partial=False)
        display_offset, rate = _display_offset(metadata), tus.parse_rate(metadata.get("rate", ""))
        whole = self._new(owner, length, {"filename": parts[0].file_name, **metadata}, partial=False)
        whole = await self._store.begin_join(replace(whole, file=""), concat.parts, display_offset, rate)
        return await self._join(whole.upload_id)

    async def _join(self, whole_id: str) -> Upload:
        """Puts the parts together that an upload has claimed."""
        async with self._locks.of(whole_id):
            whole = await self._store.upload(whole_id)
            if whole is None:
                raise NotFound("There is no such upload; it may have expired. Begin again.")
            if whole.done:
                return whole
            parts = await self._store.joined_parts(whole_id)
            if not all(part.complete for part in parts):
                raise InvalidArgument("Not all of these parts are complete.")
            try:
                return await self._put_together(whole, parts)
            except PartLost as error:
                await self._reopen(error.files, parts)
                raise

    async def _put_together(self, whole: Upload, parts: list[Upload]) -> Upload:
        if _in_place(parts):
            return await self._join_in_place(whole, parts)
        pieces = [Piece(part.file, part.base, part.length, part.file != part.upload_id) for part in parts]
        await self._threads.run(self._folder.join, whole.upload_id, pieces)
        whole = await self._finish(whole, whole.upload_id)
        for file in {piece.file for piece in pieces if piece.shared}:
            async with self._locks.of(file):
                await self._drop_file(file)
        return whole

    async def _reopen(self, files: Sequence[str], parts: list[Upload]) -> None:
        """Parts whose bytes are gone take them again from the first on; the whole waits for them."""
        for file in files:
            sharing = [part for part in parts if part.file == file]
            shared = any(part.file != part.upload_id for part in sharing)
            size_bytes = int(file.rsplit("-", 1)[1]) if shared else sharing[0].length
            async with self._locks.of(file):
                await self._store.reopen([file], self._clock.now_ms())
                await self._threads.run(self._folder.create, file, size_bytes)
            log.warning("part_lost", extra={"file": file})

    async def _join_in_place(self, whole: Upload, parts: list[Upload]) -> Upload:
        """The bytes are where they belong. Nobody else may write there from now on: they are about to be hashed."""
        file = parts[0].file
        if not await self._threads.run(self._folder.has_upload, file):
            raise lost([part.upload_id for part in parts], (file,))
        if any(written == file for written in self._writing.values()):
            raise UploadBusy("Another part of this group is being written; try again in a moment.")
        with self._kept(_joining(file), shared=False):
            self._joining.add(file)
            try:
                return await self._finish(whole, file)
            finally:
                self._joining.discard(file)

    # -- ending ----------------------------------------------------------------------------------------------

    async def remove(self, upload: Upload, error: str = "The upload was cancelled.", *, expired: bool = False) -> None:
        """Forgets an unfinished upload; a finished one is a video and stays."""
        if upload.done:
            raise InvalidArgument("This upload is complete.")
        with self._changing(upload):
            async with self._locks.of(upload.upload_id if upload.joining else upload.file):
                parts = await self._store.joined_parts(upload.upload_id)
                await self._store.remove_upload(upload.upload_id, error, self._clock.now_ms(), expired=expired)
                for file in {upload.file or upload.upload_id, *(part.file for part in parts)}:
                    await self._drop_file(file)

    async def _drop_file(self, file: str) -> None:
        """Removes a file unless an upload still has it: parts of a group share one."""
        if not await self._store.has_file(file):
            await self._threads.run(self._folder.remove_upload, file)

    async def tidy(self) -> None:
        """Removes what a process that was killed left behind. Before anything is served."""
        joining = {upload.upload_id for upload in await self._store.unsettled_uploads() if upload.joining}
        await self._threads.run(self._folder.tidy, await self._store.files() | joining)

    async def upkeep(self) -> None:
        """Finishes what was interrupted, and forgets uploads that nobody goes on with."""
        for upload in await self._store.unsettled_uploads():
            with _told("upload_not_settled", upload):
                await (self._join(upload.upload_id) if upload.joining else self._settled(upload))
        before_ms = self._clock.now_ms() - self._keep_ms
        for upload in await self._store.stale_uploads(before_ms):
            with _told("upload_not_expired", upload):
                await self.remove(upload, "The upload was not finished in time.", expired=True)
        await self._store.purge_uploads(before_ms)

    def close(self) -> None:
        """Ends the threads."""
        self._threads.close()


@contextlib.contextmanager
def _told(event: str, upload: Upload) -> Iterator[None]:
    """What cannot be done for one upload keeps nothing from the others; it is tried again next time."""
    try:
        yield
    except RushesError as error:
        log.warning(event, extra={"upload": upload.upload_id, "reason": error.reason})


def _writing(upload_id: str) -> str:
    return f"writing {upload_id}"


def _joining(file: str) -> str:
    return f"joining {file}"


def _group_file(owner: Owner, place: Place) -> str:
    """Parts of one group share a file; a person cannot reach into another's."""
    whose = "\n".join((owner.tenant_id, owner.person_id, place.group))
    return f"group-{hashlib.sha256(whose.encode()).hexdigest()[:40]}-{place.total}"


def _in_place(parts: list[Upload]) -> bool:
    """Whether the parts were written into one file, one behind the other from its beginning to its end."""
    at = 0
    for part in parts:
        if part.file != parts[0].file or part.file == part.upload_id or part.base != at:
            return False
        at += part.length
    return parts[0].file.endswith(f"-{at}")


def _display_offset(metadata: dict[str, str]) -> int:
    value = metadata.get("display_offset", "")
    return tus.parse_number(value, "display_offset", most=10_000_000) if value else 0
