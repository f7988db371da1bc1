"""What every HTTP request passes: who may ask from where, what headers every answer carries, how errors are said."""

import logging
import secrets
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import grpc
from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway.fault import error_of
from rushes import errors

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

STATUS: dict[type[errors.RushesError], int] = {
    errors.InvalidArgument: 400,
    errors.Unauthenticated: 401,
    errors.PermissionDenied: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.FailedPrecondition: 412,
    errors.OutOfRange: 416,
    errors.ResourceExhausted: 429,
    errors.Unavailable: 503,
}

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
        "connect-src 'self'; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
}


def http_status(error: errors.RushesError) -> int:
    """HTTP status of an error by its category."""
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)


def error_response(error: errors.RushesError) -> web.Response:
    """An error as JSON: reason, message, metadata."""
    body = {"reason": error.reason, "message": str(error), "metadata": dict(error.metadata)}
    response = web.json_response(body, status=http_status(error))
    if error.retry_after_s:
        response.headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
    return response


class ForeignOrigin(errors.PermissionDenied):
    """A page of another site calls, and configuration does not name it."""

    reason = "FOREIGN_ORIGIN"


class OriginGuard:
    """Refuses pages of other origins, but those that configuration allows, and answers their preflights."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self._allowed = frozenset(origin.rstrip("/").lower() for origin in allowed)

    def check(self, request: web.Request) -> bool:
        """Whether the request may come from where its page is. Programs send no Origin."""
        origin = request.headers.get("Origin")
        if origin is None:
            return request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")
        return self.own(request, origin) or origin.lower() in self._allowed

    def own(self, request: web.Request, origin: str) -> bool:
        """Whether the origin is the gateway's own address, as the browser wrote it."""
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and parts.netloc.lower() == (request.host or "").lower()

    def cors(self, request: web.Request, response: web.StreamResponse) -> None:
        """Headers that let an allowed origin's page read the answer."""
        origin = request.headers.get("Origin")
        if self._allowed:
            response.headers["Vary"] = "Origin"
        if origin is None or origin.lower() not in self._allowed:
            return
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers["Access-Control-Expose-Headers"] = (
            "grpc-status, grpc-message, grpc-status-details-bin, Location, Upload-Offset, Upload-Length, "
            "Tus-Resumable, Tus-Version, Tus-Extension, Rushes-Video-Id, ETag, Content-Range, Accept-Ranges"
        )

    def preflight(self, request: web.Request) -> web.Response:
        """Answer to OPTIONS before a request of another origin."""
        response = web.Response(status=204)
        asked = request.headers.get("Access-Control-Request-Headers", "")
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, POST, PATCH, DELETE"
        if asked:
            response.headers["Access-Control-Allow-Headers"] = asked
        response.headers["Access-Control-Max-Age"] = "7200"
        return response


def _navigation(request: web.Request) -> bool:
    """A person following a link from elsewhere: a plain page, which any site may link to."""
    return request.method in ("GET", "HEAD") and request.headers.get("Sec-Fetch-Mode") == "navigate"


def headers(guard: OriginGuard, *, tls: bool) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """What every answer carries, streams and refusals too: for `on_response_prepare`."""

    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        if tls:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        response.headers["Server"] = "Rushes"
        guard.cors(request, response)

    return prepare


def middleware(guard: OriginGuard) -> Middleware:
    """The one middleware: origin and errors."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not guard.check(request) and not _navigation(request):
            return error_response(ForeignOrigin("Pages of other sites may not call this one."))
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            return guard.preflight(request)
        return await _answer(request, handler)

    return guarded


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except errors.RushesError as error:
        return error_response(error)
    except grpc.aio.AioRpcError as error:
        return error_response(error_of(error))
    except (web.HTTPException, ConnectionError):
        raise  # the second: whoever asked is gone
    except Exception:
        request_id = secrets.token_hex(8)
        log.exception("request_failed", extra={"request_id": request_id, "path": request.path})
        return web.json_response(
            {"reason": "INTERNAL", "message": f"Something went wrong here; the log has it under {request_id}."},
            status=500,
        )
