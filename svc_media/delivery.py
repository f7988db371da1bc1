"""Sends files: whole, in ranges, or only what is known of them."""

import logging
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from urllib.parse import quote

from aiohttp import web

from svc_media import metrics
from svc_media.catalog import Served
from svc_media.core.byterange import Answer, answer_to
from svc_media.shelf import Shelf
from svc_media.thread import Threads

log = logging.getLogger(__name__)

CHUNK_BYTES = 512 << 10
THREADS = 8


class Delivery:
    """Answers GET and HEAD of a file that may be seen."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._threads = Threads("deliver", THREADS)

    async def send(self, request: web.Request, served: Served) -> web.StreamResponse:
        """The answer, sent."""
        try:
            descriptor = await self._threads.run(os.open, served.path, os.O_RDONLY)
        except FileNotFoundError:
            return await self._send_from_shelf(request, served)
        try:
            size_bytes = os.fstat(descriptor).st_size
            answer = answer_to(request.headers, size_bytes, served.etag)
            return await _send(request, served, answer, size_bytes, self._read(descriptor, answer))
        finally:
            await self._threads.run(os.close, descriptor)

    async def _send_from_shelf(self, request: web.Request, served: Served) -> web.StreamResponse:
        size_bytes = await self._shelf.size(served.path)
        answer = answer_to(request.headers, size_bytes, served.etag)
        pieces = self._shelf.read(served.path, answer.begin, answer.begin + answer.length)
        return await _send(request, served, answer, size_bytes, pieces)

    async def _read(self, descriptor: int, answer: Answer) -> AsyncGenerator[bytes, None]:
        at, end = answer.begin, answer.begin + answer.length
        while at < end:
            chunk = await self._threads.run(os.pread, descriptor, min(CHUNK_BYTES, end - at), at)
            if not chunk:
                raise OSError("The file became shorter: the answer must not seem whole.")
            yield chunk
            at += len(chunk)

    def close(self) -> None:
        """Ends the threads."""
        self._threads.close()


async def _send(
    request: web.Request, served: Served, answer: Answer, size_bytes: int, pieces: AsyncGenerator[bytes, None]
) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=_headers(served, answer, size_bytes))
    if answer.status in (200, 206):
        response.content_type = served.content_type
        response.content_length = answer.length
    await response.prepare(request)
    try:
        if request.method != "HEAD":
            async with aclosing(pieces):
                async for piece in pieces:
                    await response.write(piece)
                    metrics.BYTES_OUT.inc(len(piece))
        await response.write_eof()
    except ConnectionError:
        log.debug("player_gone")  # players leave in the middle whenever somebody jumps
    return response


def _headers(served: Served, answer: Answer, size_bytes: int) -> dict[str, str]:
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{served.etag}"',
        "Cache-Control": "private, max-age=31536000, immutable" if served.kept else "private, no-store",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    if served.download:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(served.file_name, safe='')}"
    if answer.status == 206:
        headers["Content-Range"] = f"bytes {answer.begin}-{answer.begin + answer.length - 1}/{size_bytes}"
    elif answer.status == 416:
        headers["Content-Range"] = f"bytes */{size_bytes}"
    return headers
