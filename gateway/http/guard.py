"""What every HTTP request passes: who may ask from where, what headers every answer carries, how errors are said."""

import logging
import math
import secrets
from collections.abc import Awaitable, Callable

import grpc
from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway.core.origin import EXPOSED, Origins
from gateway.fault import error_of
from rushes import errors

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Admit = Callable[[web.Request], Awaitable[None]]
"""Raises RateLimited for a request that is one too many."""

Refuse = Callable[[web.Request, errors.RushesError], web.Response]
"""How an error is said to whoever made this request."""

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


def every_answer(*, tls: bool) -> list[tuple[str, str]]:
    """Headers of every answer, a call's too."""
    found = [*SECURITY_HEADERS.items(), ("Server", "Rushes")]
    return [*found, ("Strict-Transport-Security", "max-age=31536000")] if tls else found


def http_status(error: errors.RushesError) -> int:
    """HTTP status of an error by its category."""
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)


def error_response(request: web.Request, error: errors.RushesError) -> web.Response:
    """An error as JSON: reason, message, metadata. Calls by JSON have words of their own (gateway/http/twin.py)."""
    body = {"reason": error.reason, "message": str(error), "metadata": dict(error.metadata)}
    response = web.json_response(body, status=http_status(error))
    if error.retry_after_s:
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    if response.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"  # RFC 9110, 15.5.2
    return response


class ForeignOrigin(errors.PermissionDenied):
    """A page of another site calls, and configuration does not name it."""

    reason = "FOREIGN_ORIGIN"


def _navigation(request: web.Request) -> bool:
    """A person following a link from elsewhere: a plain page, which any site may link to."""
    return request.method in ("GET", "HEAD") and request.headers.get("Sec-Fetch-Mode") == "navigate"


def headers(origins: Origins, *, tls: bool) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """What every answer carries, streams and refusals too: for `on_response_prepare`."""

    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        for name, value in every_answer(tls=tls):
            if name == "Server" or name not in response.headers:
                response.headers[name] = value
        for name, value in origins.answer(request.headers):
            # A file that goes out packed varies by more than where the request comes from.
            varied = response.headers.get(name, "") if name == "Vary" else ""
            response.headers[name] = f"{varied}, {value}" if varied else value
        if origins.friend(request.headers):
            response.headers["Access-Control-Expose-Headers"] = EXPOSED

    return prepare


def middleware(origins: Origins, admit: Admit, refuse: Refuse = error_response) -> Middleware:
    """The one middleware: origin, rates and errors."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not origins.admits(request.headers) and not _navigation(request):
            return refuse(request, ForeignOrigin("Pages of other sites may not call this one."))
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            return web.Response(status=204, headers=dict(origins.preflight(request.headers)))

        async def admitted(request: web.Request) -> web.StreamResponse:
            await admit(request)
            return await handler(request)

        return await _answer(request, admitted, refuse)

    return guarded


async def _answer(request: web.Request, handler: Handler, refuse: Refuse) -> web.StreamResponse:
    try:
        return await handler(request)
    except errors.RushesError as error:
        return refuse(request, error)
    except grpc.aio.AioRpcError as error:
        return refuse(request, error_of(error))
    except (web.HTTPException, ConnectionError):
        raise  # the second: whoever asked is gone
    except Exception:
        request_id = secrets.token_hex(8)
        log.exception("request_failed", extra={"request_id": request_id, "path": request.path})
        return web.json_response(
            {"reason": "INTERNAL", "message": f"Something went wrong here; the log has it under {request_id}."},
            status=500,
        )
