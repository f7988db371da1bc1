"""One request's bytes on their way into the file of an upload."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace

from mesh.clock import Clock
from rushes.errors import InvalidArgument, RushesError
from svc_media.core.model import Upload
from svc_media.core.tus import Checksum, WrongChecksum
from svc_media.stores import Store
from svc_media.stores.folder import Folder
from svc_media.thread import Threads

log = logging.getLogger(__name__)

SAFE_EVERY_BYTES = 32 << 20
GATHER_BYTES = 1 << 20


class Writing:
    """Gathers, writes, and makes safe: the store never knows of bytes that a loss of power could take away."""

    def __init__(
        self, store: Store, folder: Folder, threads: Threads, clock: Clock, upload: Upload, checksum: Checksum | None
    ) -> None:
        self._store = store
        self._folder = folder
        self._threads = threads
        self._clock = clock
        self._upload = upload
        self._checksum = checksum
        self._sum = checksum.start() if checksum is not None else None
        self._at = upload.offset
        self._safe = upload.offset
        self._descriptor = -1
        self._buffer = memoryview(bytearray(GATHER_BYTES))
        self._gathered = 0

    async def run(self, chunks: AsyncIterator[bytes]) -> Upload:
        """Writes until the bytes end, or the connection does; gives the upload as it stands."""
        self._descriptor = await self._threads.run(self._folder.open, self._upload.file)
        try:
            try:
                await self._take(chunks)
            except BaseException:
                await self._save()
                raise
            if self._checksum and self._sum and self._sum.digest() != self._checksum.digest:
                raise WrongChecksum("The bytes are not what their checksum says; send them again.")
            await self._make_safe()
        finally:
            await self._threads.run(self._folder.close, self._descriptor)
        return replace(self._upload, offset=self._at)

    async def _take(self, chunks: AsyncIterator[bytes]) -> None:
        async for chunk in chunks:
            rest = memoryview(chunk)
            while rest:
                # Full buffers end at round places of the file, so that blocks are written whole.
                room = GATHER_BYTES - (self._upload.base + self._at + self._gathered) % GATHER_BYTES
                taken = rest[:room]
                self._buffer[self._gathered : self._gathered + len(taken)] = taken
                self._gathered += len(taken)
                rest = rest[room:]
                if len(taken) == room:
                    await self._flush()
        await self._flush()

    async def _flush(self) -> None:
        data, self._gathered = self._buffer[: self._gathered], 0
        if not data:
            return
        if self._at + len(data) > self._upload.length:
            raise InvalidArgument("More bytes came than the upload was to have.")
        await self._threads.run(self._put, data)
        self._at += len(data)
        if self._checksum is None and self._at - self._safe >= SAFE_EVERY_BYTES:
            await self._make_safe()

    def _put(self, data: memoryview) -> None:
        if self._sum is not None:
            self._sum.update(data)
        self._folder.write(self._descriptor, self._upload.base + self._at, data)

    async def _make_safe(self) -> None:
        if self._at > self._safe:
            await self._threads.run(self._folder.sync, self._descriptor)
            await self._store.advance(self._upload.upload_id, self._at, self._clock.now_ms())
            self._safe = self._at

    async def _save(self) -> None:
        """What came before the end that was none is kept; what ended it is what is told."""
        if self._checksum is not None:
            return
        for step in (self._flush, self._make_safe):
            try:
                await step()
            except RushesError as error:
                log.warning("bytes_not_kept", extra={"upload": self._upload.upload_id, "reason": error.reason})
