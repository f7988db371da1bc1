"""Uploads: created, written piece by piece, joined, finished; each step durable before it is answered."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from mesh.clock import Clock
from mesh.ids import new_id
from rushes.errors import InvalidArgument, NotFound
from svc_media.core import tus
from svc_media.core.model import Job, Owner, Upload
from svc_media.core.tus import Checksum, Concat, Place, UploadBusy, UploadTooLarge, WrongChecksum, WrongOffset
from svc_media.stores import Store
from svc_media.stores.folder import Folder

log = logging.getLogger(__name__)

SAFE_EVERY_BYTES = 32 << 20
GATHER_BYTES = 1 << 20
DAY_MS = 86_400_000


class Uploads:
    """What tus does here. One request at a time writes to an upload."""

    def __init__(
        self, store: Store, folder: Folder, clock: Clock, enqueue: Callable[[Job], None], *, max_bytes: int, days: float
    ) -> None:
        self._store = store
        self._folder = folder
        self._clock = clock
        self._enqueue = enqueue
        self._max_bytes = max_bytes
        self._keep_ms = int(days * DAY_MS)
        self._writing: set[str] = set()

    def expires_ms(self, upload: Upload) -> int:
        """When an unfinished upload is forgotten."""
        return upload.changed_ms + self._keep_ms

    async def create(
        self, owner: Owner, length: int, metadata: dict[str, str], *, partial: bool, offset: int = 0
    ) -> Upload:
        """A new upload of so many bytes."""
        if length > self._max_bytes:
            raise UploadTooLarge(f"Files of more than {self._max_bytes >> 30} GB are not taken.")
        if not partial and length == 0:
            raise InvalidArgument("The file is empty.")
        upload_id = new_id()
        place = tus.parse_place(metadata, length) if partial else None
        if place is not None and place.total > self._max_bytes:
            raise UploadTooLarge(f"Files of more than {self._max_bytes >> 30} GB are not taken.")
        file = _group_file(owner, place) if place is not None else upload_id
        await asyncio.to_thread(self._folder.create, file, place.total if place is not None else length)
        upload = Upload(
            upload_id=upload_id,
            owner=owner,
            file=file,
            base=place.at if place is not None else 0,
            length=length,
            offset=offset,
            partial=partial,
            file_name=tus.safe_name(metadata.get("filename", "")),
            video_id=0,
            changed_ms=self._clock.now_ms(),
        )
        return await self._store.add_upload(upload, _display_offset(metadata))

    async def get(self, upload_id: str, tenant_id: str, person_id: str) -> Upload:
        """An upload of that person. Raises NotFound."""
        upload = await self._store.upload(upload_id) if len(upload_id) <= 64 else None
        if upload is None or (upload.owner.tenant_id, upload.owner.person_id) != (tenant_id, person_id):
            raise NotFound("There is no such upload; it may have expired. Begin again.")
        return upload

    async def write(
        self, upload: Upload, offset: int, chunks: AsyncIterator[bytes], checksum: Checksum | None = None
    ) -> Upload:
        """Takes bytes from `offset` on; gives the upload as it stands afterwards. What came before a cut is kept."""
        if upload.upload_id in self._writing:
            raise UploadBusy("Another request is writing to this upload; try again in a moment.")
        self._writing.add(upload.upload_id)
        try:
            upload = await self.get(upload.upload_id, upload.owner.tenant_id, upload.owner.person_id)
            if offset != upload.offset:
                raise WrongOffset(f"The upload stands at {upload.offset}.", offset=str(upload.offset))
            if not upload.done:
                upload = await _Writing(self._store, self._folder, self._clock, upload, checksum).run(chunks)
            if upload.offset == upload.length and not upload.partial and not upload.done:
                upload = await self._finish(upload, upload.file, ())
            return upload
        finally:
            self._writing.discard(upload.upload_id)

    async def join(self, owner: Owner, concat: Concat, metadata: dict[str, str]) -> Upload:
        """The whole of parts that are complete. Sent twice, the second finds no parts any more: NotFound."""
        parts = await self._store.parts_of(concat.parts)
        if len(parts) != len(concat.parts) or any(
            (part.owner.tenant_id, part.owner.person_id) != (owner.tenant_id, owner.person_id) or not part.partial
            for part in parts
        ):
            raise NotFound("Not all of these parts are there.")
        if any(part.offset != part.length for part in parts):
            raise InvalidArgument("Not all of these parts are complete.")
        length = sum(part.length for part in parts)
        if not metadata.get("filename"):
            metadata = {**metadata, "filename": parts[0].file_name}
        if _in_place(parts):
            whole = await self._create_whole(owner, length, metadata)
            return await self._finish(whole, parts[0].file, concat.parts)
        whole = await self.create(owner, length, metadata, partial=False)
        named = [(part.file, part.length) for part in parts]
        await asyncio.to_thread(self._folder.join, whole.file, named)
        return await self._finish(whole, whole.file, concat.parts)

    async def _create_whole(self, owner: Owner, length: int, metadata: dict[str, str]) -> Upload:
        upload = Upload(
            upload_id=new_id(),
            owner=owner,
            file="",
            base=0,
            length=length,
            offset=0,
            partial=False,
            file_name=tus.safe_name(metadata.get("filename", "")),
            video_id=0,
            changed_ms=self._clock.now_ms(),
        )
        return await self._store.add_upload(upload, _display_offset(metadata))

    async def _finish(self, upload: Upload, file: str, parts: tuple[str, ...]) -> Upload:
        job = await self._store.finish_upload(upload.upload_id, file, parts, self._clock.now_ms())
        self._enqueue(job)
        return replace(upload, done=True, offset=upload.length, file=file)

    async def remove(self, upload: Upload, error: str = "The upload was cancelled.") -> None:
        """Forgets an unfinished upload; a finished one is a video and stays."""
        if upload.done:
            raise InvalidArgument("This upload is complete.")
        if upload.upload_id in self._writing:
            raise UploadBusy("A request is writing to this upload; try again in a moment.")
        await self._store.remove_upload(upload.upload_id, error)
        await asyncio.to_thread(self._folder.remove_upload, upload.file)

    async def expire(self) -> None:
        """Forgets uploads that nobody goes on with."""
        for upload in await self._store.stale_uploads(self._clock.now_ms() - self._keep_ms):
            if upload.upload_id not in self._writing:
                await self.remove(upload, "The upload was not finished in time.")


def _group_file(owner: Owner, place: Place) -> str:
    """Parts of one group share a file; a person cannot reach into another's."""
    return f"group-{owner.tenant_id}-{owner.person_id}-{place.group}-{place.total}"


def _in_place(parts: list[Upload]) -> bool:
    """Whether the parts were written into one file, one behind the other from its beginning."""
    at = 0
    for part in parts:
        if part.file != parts[0].file or part.file == part.upload_id or part.base != at:
            return False
        at += part.length
    return parts[0].file.endswith(f"-{at}")


def _display_offset(metadata: dict[str, str]) -> int:
    value = metadata.get("display_offset", "")
    return tus.parse_number(value, "display_offset", most=10_000_000) if value else 0


class _Writing:
    """One request's bytes on their way into the file."""

    def __init__(self, store: Store, folder: Folder, clock: Clock, upload: Upload, checksum: Checksum | None) -> None:
        self._store = store
        self._folder = folder
        self._clock = clock
        self._upload = upload
        self._checksum = checksum
        self._sum = checksum.start() if checksum is not None else None
        self._at = upload.offset
        self._safe = upload.offset
        self._descriptor = -1

    async def run(self, chunks: AsyncIterator[bytes]) -> Upload:
        """Writes until the bytes end or the connection does."""
        self._descriptor = await asyncio.to_thread(self._folder.open, self._upload.file)
        try:
            try:
                await self._take(chunks)
            except (ConnectionError, TimeoutError, asyncio.CancelledError):
                if self._checksum is None:
                    await asyncio.shield(self._make_safe())
                raise
            if self._checksum is not None and self._sum.digest() != self._checksum.digest:
                await asyncio.to_thread(self._wipe)
                raise WrongChecksum("The bytes are not what their checksum says; send them again.")
            await self._make_safe()
        finally:
            await asyncio.to_thread(self._folder.close, self._descriptor)
        return replace(self._upload, offset=self._at)

    async def _take(self, chunks: AsyncIterator[bytes]) -> None:
        gathered = bytearray()
        async for chunk in chunks:
            gathered += chunk
            if len(gathered) >= GATHER_BYTES:
                await self._write(bytes(gathered))
                gathered.clear()
        if gathered:
            await self._write(bytes(gathered))

    async def _write(self, data: bytes) -> None:
        if self._at + len(data) > self._upload.length:
            raise InvalidArgument("More bytes came than the upload was to have.")
        await asyncio.to_thread(self._put, data)
        self._at += len(data)
        if self._checksum is None and self._at - self._safe >= SAFE_EVERY_BYTES:
            await self._make_safe()

    def _put(self, data: bytes) -> None:
        if self._sum is not None:
            self._sum.update(data)
        self._folder.write(self._descriptor, self._upload.base + self._at, data)

    async def _make_safe(self) -> None:
        if self._at == self._safe and self._upload.length:
            return
        await asyncio.to_thread(self._folder.sync, self._descriptor)
        await self._store.advance(self._upload.upload_id, self._at, self._clock.now_ms())
        self._safe = self._at

    def _wipe(self) -> None:
        """What was refused leaves no trace where zeros may come to stand."""
        self._folder.wipe(self._descriptor, self._upload.base + self._safe, self._at - self._safe)
