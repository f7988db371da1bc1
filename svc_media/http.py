"""HTTP of svc_media: tus 1.0 at /uploads, files at /media. The gateway in front turns cookies into tokens."""

import asyncio
import email.utils
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import ClientError, web

from mesh.auth import Caller, has
from rushes import errors
from rushes.type.v1.access_pb2 import (
    PERMISSION_DOWNLOAD,
    PERMISSION_UPLOAD,
    PERMISSION_VIEW,
    RESOURCE_KIND_PROJECT,
    Resource,
)
from svc_media import metrics
from svc_media.catalog import Catalog
from svc_media.core import tus
from svc_media.core.export import PREFIX
from svc_media.core.model import Owner, Upload
from svc_media.core.subtitle import PREFIX as SUBTITLE_PREFIX
from svc_media.delivery import Delivery
from svc_media.door import Door
from svc_media.download import Downloads
from svc_media.export import Exports
from svc_media.stores.folder import DiskFull
from svc_media.subtitle import Subtitles
from svc_media.upload import Uploads

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
BODY_TYPE = "application/offset+octet-stream"


class UploadCut(errors.Unavailable):
    """The connection ended, or stood still, before the bytes that it announced."""

    reason = "UPLOAD_CUT"


STATUS: tuple[tuple[type[errors.RushesError], int], ...] = (
    (tus.WrongOffset, 409),
    (tus.WrongChecksum, 460),
    (tus.UploadTooLarge, 413),
    (tus.UploadBusy, 423),
    (tus.UnknownVersion, 412),
    (UploadCut, 408),
    (DiskFull, 507),
    (errors.InvalidArgument, 400),
    (errors.Unauthenticated, 401),
    (errors.PermissionDenied, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.FailedPrecondition, 412),
    (errors.ResourceExhausted, 429),
    (errors.Unavailable, 503),
)


@web.middleware
async def said(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors as JSON, and what tus says in each answer."""
    response: web.StreamResponse
    try:
        response = await handler(request)
    except errors.RushesError as error:
        status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
        response = _refusal(status, error.reason, str(error), dict(error.metadata))
    except web.HTTPException as error:
        response = _refusal(error.status, "HTTP", error.text or error.reason)
        response.headers.update({name: value for name, value in error.headers.items() if name == "Allow"})
    if not request.content.is_eof():
        # Unread bytes of a refused upload are no next request.
        response.force_close()
    if request.path.startswith("/uploads") and not response.prepared:
        response.headers["Tus-Resumable"] = tus.VERSION
        response.headers.setdefault("Cache-Control", "no-store")
        if response.status == 412:
            response.headers["Tus-Version"] = tus.VERSION
    return response


def _refusal(status: int, reason: str, message: str, metadata: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"reason": reason, "message": message, "metadata": metadata or {}}, status=status)


def _words(request: web.Request, text: str) -> web.Response:
    """WebVTT, asked for again each time: its offset may have changed."""
    etag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}
    if request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers=headers)
    return web.Response(text=text, content_type="text/vtt", charset="utf-8", headers=headers)


class MediaHttp:
    """The routes."""

    def __init__(
        self,
        uploads: Uploads,
        catalog: Catalog,
        delivery: Delivery,
        downloads: Downloads,
        exports: Exports,
        subtitles: Subtitles,
        door: Door,
        *,
        max_bytes: int,
        idle_s: float,
    ) -> None:
        self._uploads = uploads
        self._catalog = catalog
        self._delivery = delivery
        self._downloads = downloads
        self._exports = exports
        self._subtitles = subtitles
        self._door = door
        self._max_bytes = max_bytes
        self._idle_s = idle_s

    def app(self) -> web.Application:
        """The application."""
        app = web.Application(middlewares=[said])
        app.router.add_options("/uploads", self.options)
        app.router.add_options("/uploads/{upload_id}", self.options)
        app.router.add_post("/uploads", self.create)
        app.router.add_post("/uploads/{upload_id}", self.override)
        app.router.add_head("/uploads/{upload_id}", self.head)
        app.router.add_patch("/uploads/{upload_id}", self.patch)
        app.router.add_delete("/uploads/{upload_id}", self.delete)
        app.router.add_get("/media/{video_id}/{name}", self.media)
        return app

    # -- tus -------------------------------------------------------------------------------------------------

    async def options(self, request: web.Request) -> web.Response:
        """What the server can do: the same for everybody."""
        self._door.check_service(request.headers)
        return web.Response(
            status=204,
            headers={
                "Tus-Version": tus.VERSION,
                "Tus-Extension": tus.EXTENSIONS,
                "Tus-Max-Size": str(self._max_bytes),
                "Tus-Checksum-Algorithm": ",".join(tus.CHECKSUMS),
            },
        )

    async def create(self, request: web.Request) -> web.Response:
        """A new upload, a part of one, or the whole of parts."""
        caller = await self._entered(request)
        metadata = tus.parse_metadata(request.headers.get("Upload-Metadata", ""))
        concat = tus.parse_concat(request.headers.get("Upload-Concat", ""))
        if request.can_read_body and (concat.parts or request.content_type != BODY_TYPE):
            raise web.HTTPUnsupportedMediaType(text=f"Bytes come as {BODY_TYPE}, and not with a whole of parts.")
        owner = await self._owner(caller, metadata)
        if concat.parts:
            upload = await self._uploads.join(owner, concat, metadata)
        else:
            length = tus.parse_number(request.headers.get("Upload-Length", ""), "Upload-Length")
            checksum = tus.parse_checksum(request.headers.get("Upload-Checksum", ""))
            if (request.content_length or 0) > length:
                raise errors.InvalidArgument("More bytes came than the upload was to have.")
            upload = await self._uploads.create(owner, length, metadata, partial=concat.partial)
            if request.can_read_body:
                upload = await self._write(request, upload, 0, checksum)
        headers = self._headers(upload)
        headers["Location"] = f"/uploads/{upload.upload_id}"
        return web.Response(status=201, headers=headers)

    async def _entered(self, request: web.Request) -> Caller:
        caller = await self._door.caller(request.headers)
        if request.headers.get("Tus-Resumable") != tus.VERSION:
            raise tus.UnknownVersion(f"Tus-Resumable must be {tus.VERSION}.")
        return caller

    async def _owner(self, caller: Caller, metadata: dict[str, str]) -> Owner:
        project_id = tus.parse_number(metadata.get("project_id", ""), "Upload-Metadata project_id")
        resource = Resource(kind=RESOURCE_KIND_PROJECT, id=str(project_id))
        mask = await self._door.permissions(caller, (resource,))
        if not mask:
            raise errors.NotFound("There is no such project, or it is not yours to see.")
        if not has(mask, PERMISSION_UPLOAD):
            raise errors.PermissionDenied("You may not upload to this project.")
        return Owner(caller.tenant_id, caller.person_id, project_id)

    def _headers(self, upload: Upload) -> dict[str, str]:
        headers = {"Upload-Offset": str(upload.offset), "Upload-Length": str(upload.length)}
        if upload.partial:
            headers["Upload-Concat"] = "partial"
        if upload.video_id:
            headers["Rushes-Video-Id"] = str(upload.video_id)
        if not upload.done:
            headers["Upload-Expires"] = email.utils.formatdate(self._uploads.expires_ms(upload) / 1000, usegmt=True)
        return headers

    async def _upload(self, request: web.Request) -> Upload:
        caller = await self._entered(request)
        return await self._uploads.get(request.match_info["upload_id"], caller.tenant_id, caller.person_id)

    async def head(self, request: web.Request) -> web.Response:
        """Where an upload stands."""
        return web.Response(status=200, headers=self._headers(await self._upload(request)))

    async def patch(self, request: web.Request) -> web.Response:
        """More bytes."""
        upload = await self._upload(request)
        if request.content_type != BODY_TYPE:
            raise web.HTTPUnsupportedMediaType(text=f"PATCH takes {BODY_TYPE}.")
        offset = tus.parse_number(request.headers.get("Upload-Offset", ""), "Upload-Offset")
        checksum = tus.parse_checksum(request.headers.get("Upload-Checksum", ""))
        upload = await self._write(request, upload, offset, checksum)
        return web.Response(status=204, headers=self._headers(upload))

    async def _write(self, request: web.Request, upload: Upload, offset: int, checksum: tus.Checksum | None) -> Upload:
        body = self._body(request)
        return await self._uploads.write(upload, offset, body, checksum, request.content_length or 0)

    async def _body(self, request: web.Request) -> AsyncIterator[bytes]:
        """The bytes of a request as they come. Raises UploadCut."""
        try:
            while True:
                async with asyncio.timeout(self._idle_s):
                    chunk = await request.content.readany()
                if not chunk:
                    return
                metrics.BYTES_IN.inc(len(chunk))
                yield chunk
        except TimeoutError as error:
            raise UploadCut("No byte came for a while; go on from where the upload stands.") from error
        except (ConnectionError, ClientError, web.RequestPayloadError) as error:
            raise UploadCut("The connection ended before its bytes did.") from error

    async def delete(self, request: web.Request) -> web.Response:
        """Cancels an upload."""
        await self._uploads.remove(await self._upload(request))
        return web.Response(status=204)

    async def override(self, request: web.Request) -> web.Response:
        """POST that stands for another method, from where others are not let through."""
        handlers = {"PATCH": self.patch, "DELETE": self.delete, "HEAD": self.head}
        handler = handlers.get(request.headers.get("X-HTTP-Method-Override", "").upper())
        if handler is None:
            raise web.HTTPMethodNotAllowed("POST", ("HEAD", "PATCH", "DELETE", "OPTIONS"))
        return await handler(request)

    # -- media -----------------------------------------------------------------------------------------------

    async def media(self, request: web.Request) -> web.StreamResponse:
        """A file of a video, whole or in ranges."""
        caller = await self._door.caller(request.headers)
        video_id = tus.parse_number(request.match_info["video_id"], "video_id")
        resources = await self._catalog.resources_of(video_id, caller.tenant_id)
        mask = await self._door.permissions(caller, resources)
        if not has(mask, PERMISSION_VIEW):
            raise errors.NotFound("There is no such video, or it is not yours to see.")
        name = request.match_info["name"]
        if name.startswith(SUBTITLE_PREFIX):
            return _words(request, await self._subtitles.vtt(video_id, name))
        if name.startswith(PREFIX):
            video = await self._catalog.video(video_id)
            return await self._delivery.send(request, await self._exports.file(video, name, caller, mask))
        served = await self._catalog.file(video_id, name)
        if served.download and not has(mask, PERMISSION_DOWNLOAD):
            raise errors.PermissionDenied("You may look at this, but not download it.")
        if served.download and request.method == "GET":
            await self._downloads.note(served.video, caller.person_id)
        return await self._delivery.send(request, served)
