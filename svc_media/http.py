"""HTTP of svc_media: tus 1.0 at /uploads, files at /media. The gateway in front turns cookies into tokens."""

import email.utils
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import quote

from aiohttp import web

from mesh.auth import Caller, has
from mesh.auth.caller import proven_service
from mesh.auth.identity import Identity
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
from svc_media.core.model import Owner, Upload
from svc_media.stores.folder import DiskFull
from svc_media.upload import Uploads

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

STATUS: tuple[tuple[type[errors.RushesError], int], ...] = (
    (tus.WrongOffset, 409),
    (tus.WrongChecksum, 460),
    (tus.UploadTooLarge, 413),
    (tus.UploadBusy, 423),
    (tus.UnknownVersion, 412),
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
    try:
        response = await handler(request)
    except errors.RushesError as error:
        status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
        body = {"reason": error.reason, "message": str(error), "metadata": dict(error.metadata)}
        response = web.json_response(body, status=status)
        if not request.content.is_eof():
            response.force_close()
    if request.path.startswith("/uploads") and not response.prepared:
        response.headers["Tus-Resumable"] = tus.VERSION
        response.headers.setdefault("Cache-Control", "no-store")
    return response


class MediaHttp:
    """The routes."""

    def __init__(self, uploads: Uploads, catalog: Catalog, identity: Identity, secret: str, max_bytes: int) -> None:
        self._uploads = uploads
        self._catalog = catalog
        self._identity = identity
        self._secret = secret
        self._max_bytes = max_bytes

    def app(self) -> web.Application:
        """The application."""
        app = web.Application(middlewares=[said])
        app.router.add_options("/uploads", self.options)
        app.router.add_options("/uploads/{upload_id}", self.options)
        app.router.add_post("/uploads", self.create)
        app.router.add_head("/uploads/{upload_id}", self.head)
        app.router.add_patch("/uploads/{upload_id}", self.patch)
        app.router.add_delete("/uploads/{upload_id}", self.delete)
        app.router.add_get("/media/{video_id}/{name}", self.media)
        return app

    def _caller(self, request: web.Request) -> Caller:
        service = proven_service(request.headers.get("rushes-service", ""), self._secret)
        if service != "gateway":
            raise errors.PermissionDenied("Only the gateway may call this.")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise errors.Unauthenticated("Sign in first.")
        claims = self._identity.verify(token)
        return Caller(service, claims.person_id, claims.session_id, claims.tenant_id, claims.expires_ms, token)

    # -- tus -------------------------------------------------------------------------------------------------

    async def options(self, request: web.Request) -> web.Response:
        """What the server can do."""
        return web.Response(
            status=204,
            headers={
                "Tus-Version": tus.VERSION,
                "Tus-Extension": tus.EXTENSIONS,
                "Tus-Max-Size": str(self._max_bytes),
                "Tus-Checksum-Algorithm": ",".join(tus.CHECKSUMS),
            },
        )

    def _version(self, request: web.Request) -> None:
        if request.headers.get("Tus-Resumable") != tus.VERSION:
            raise tus.UnknownVersion(f"Tus-Resumable must be {tus.VERSION}.")

    async def create(self, request: web.Request) -> web.Response:
        """A new upload, a part of one, or the whole of parts."""
        self._version(request)
        caller = self._caller(request)
        metadata = tus.parse_metadata(request.headers.get("Upload-Metadata", ""))
        concat = tus.parse_concat(request.headers.get("Upload-Concat", ""))
        owner = await self._owner(caller, metadata)
        if concat.parts:
            upload = await self._uploads.join(owner, concat, metadata)
        else:
            length = tus.parse_number(request.headers.get("Upload-Length", ""), "Upload-Length")
            upload = await self._uploads.create(owner, length, metadata, partial=concat.partial)
            if request.can_read_body:
                upload = await self._write(request, upload, 0)
        headers = self._headers(upload)
        headers["Location"] = f"/uploads/{upload.upload_id}"
        return web.Response(status=201, headers=headers)

    async def _owner(self, caller: Caller, metadata: dict[str, str]) -> Owner:
        project_id = tus.parse_number(metadata.get("project_id", ""), "Upload-Metadata project_id")
        resource = Resource(kind=RESOURCE_KIND_PROJECT, id=str(project_id))
        mask = await self._identity.permissions(caller, resource)
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
        self._version(request)
        caller = self._caller(request)
        return await self._uploads.get(request.match_info["upload_id"], caller.tenant_id, caller.person_id)

    async def head(self, request: web.Request) -> web.Response:
        """Where an upload stands."""
        return web.Response(status=200, headers=self._headers(await self._upload(request)))

    async def patch(self, request: web.Request) -> web.Response:
        """More bytes."""
        upload = await self._upload(request)
        if request.content_type != "application/offset+octet-stream":
            raise web.HTTPUnsupportedMediaType(text="PATCH takes application/offset+octet-stream.")
        offset = tus.parse_number(request.headers.get("Upload-Offset", ""), "Upload-Offset")
        upload = await self._write(request, upload, offset)
        return web.Response(status=204, headers=self._headers(upload))

    async def _write(self, request: web.Request, upload: Upload, offset: int) -> Upload:
        checksum = tus.parse_checksum(request.headers.get("Upload-Checksum", ""))
        return await self._uploads.write(upload, offset, _counted(request), checksum)

    async def delete(self, request: web.Request) -> web.Response:
        """Cancels an upload."""
        await self._uploads.remove(await self._upload(request))
        return web.Response(status=204)

    # -- media -----------------------------------------------------------------------------------------------

    async def media(self, request: web.Request) -> web.StreamResponse:
        """A file of a video, whole or in ranges."""
        caller = self._caller(request)
        video_id = tus.parse_number(request.match_info["video_id"], "video_id")
        name = request.match_info["name"]
        mask = await self._permissions(caller, video_id)
        served = await self._catalog.file(video_id, name)
        if not has(mask, PERMISSION_DOWNLOAD if served.download else PERMISSION_VIEW):
            raise errors.PermissionDenied("You may look at this, but not download it.")
        response = web.FileResponse(served.path, chunk_size=1 << 20)
        response.content_type = served.content_type
        response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
        response.headers["Rushes-Content"] = served.etag
        if served.download:
            encoded = quote(served.file_name)
            response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{encoded}"
        response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
        metrics.BYTES_OUT.inc(served.size_bytes)
        return response

    async def _permissions(self, caller: Caller, video_id: int) -> int:
        mask = 0
        for resource in await self._catalog.resources_of(video_id, caller.tenant_id):
            mask |= await self._identity.permissions(caller, resource)
        if not mask:
            raise errors.NotFound("There is no such video, or it is not yours to see.")
        return mask


async def _counted(request: web.Request) -> AsyncIterator[bytes]:
    async for chunk in request.content.iter_any():
        metrics.BYTES_IN.inc(len(chunk))
        yield chunk
