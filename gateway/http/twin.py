"""Calls as JSON: POST by a method's name (the Connect protocol's unary form), and readable paths below /api/v1."""

import json
import logging
import math
import secrets
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import grpc
from aiohttp import web
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import code_pb2, status_pb2

import rushes
from gateway.core.grpcweb import ProtocolError
from gateway.core.openapi import openapi
from gateway.core.path import PREFIX, Match, Paths, queried, rules_of
from gateway.core.twin import NotAMessage, error_of, http_status, json_of, message_of, queried_message, refusal_text
from gateway.fault import status_of
from gateway.http.body import unpacked
from gateway.http.grpcweb import METHOD_PATH, metadata_of, refused
from gateway.http.guard import error_response
from gateway.http.session import TokenCache, client_of, token_of
from gateway.passage import fault_status
from gateway.route import ROUTES, Route
from mesh.rpc import to_status
from rushes import errors
from rushes.project.v1.project_service_pb2 import GetAssetRequest, GetAssetResponse

log = logging.getLogger(__name__)

CALLS = ("/api/", "/rushes.")
"""Beginnings of the paths of calls."""
JSON = "application/json"
PROTO = "application/proto"
UNARY_S = 30.0
GET_ASSET = "/rushes.project.v1.ProjectService/GetAsset"


class NoCut(errors.NotFound):
    """The asset has no cut yet, so nothing that notes could be on."""

    reason = "NO_CUT"


class NoSuchPath(errors.NotFound):
    """There is no such path."""

    reason = "NO_SUCH_PATH"


class TwinRoutes:
    """POST /PACKAGE.SERVICE/METHOD, /api/v1/..., and GET /api for what there is."""

    def __init__(self, raw: Callable[[Route, bytes], grpc.aio.Channel], tokens: TokenCache) -> None:
        self._raw = raw
        self._tokens = tokens
        self._unary = {path: route for path, route in ROUTES.items() if not route.streams}
        self._rules = rules_of(route.method for route in self._unary.values())
        self._paths = Paths(self._rules)
        self._document = b""

    def add_to(self, app: web.Application) -> None:
        """Adds the routes; must come before those of the page."""
        for path in ("/api", "/api/", "/api/openapi.json"):
            app.router.add_get(path, self.describe)
        app.router.add_route("*", "/api/{rest:(?s:.*)}", self.by_path)  # a line's end too: %0A
        app.router.add_post(METHOD_PATH, self.by_name)

    def called(self, request: web.Request) -> str:
        """Path of the RPC that a request is a call of, however it is written."""
        match = self._match(request) if request.path.startswith(PREFIX) else None
        return request.path if match is None else match.rule.method

    def _match(self, request: web.Request) -> Match | None:
        verb = "GET" if request.method == "HEAD" else request.method
        return self._paths.find(verb, request.rel_url.raw_path)

    async def describe(self, request: web.Request) -> web.Response:
        """OpenAPI of all of it."""
        if not self._document:
            methods = {path: route.method for path, route in self._unary.items()}
            comments = json.loads(files("gateway").joinpath("comments.json").read_text())
            document = openapi(methods, self._rules, getattr(rushes, "__version__", "0"), comments)
            self._document = json.dumps(document, ensure_ascii=False).encode()
        return web.Response(body=self._document, content_type=JSON)

    async def by_name(self, request: web.Request) -> web.Response:
        """The Connect protocol's unary form; other content types are gRPC-Web's, or nobody's."""
        route = self._unary.get(request.path)
        if request.content_type not in (JSON, PROTO) or (route is None and request.path in ROUTES):
            return await refused(request)
        return await self._answered(self._by_name(request, route))

    async def _by_name(self, request: web.Request, route: Route | None) -> web.Response:
        if route is None:
            raise _Failed(status_pb2.Status(code=code_pb2.UNIMPLEMENTED, message="There is no such method."))
        raw = await unpacked(request)
        if request.content_type == PROTO:
            answer = await self._call(request, route, raw)
            return web.Response(body=answer, content_type=PROTO)
        message = message_of(route.method.input_type, raw)
        return await self._json(request, route, message)

    async def by_path(self, request: web.Request) -> web.Response:
        """A readable path."""
        return await self._answered(self._by_path(request))

    async def _by_path(self, request: web.Request) -> web.Response:
        match = self._match(request)
        if match is None:
            verbs = self._paths.verbs(request.rel_url.raw_path)
            if verbs:
                text = refusal_text(code_pb2.UNIMPLEMENTED, f"This path takes {' and '.join(verbs)}.")
                raise web.HTTPMethodNotAllowed(request.method, verbs, text=text, content_type=JSON)
            raise NoSuchPath("There is no such path; /api says which there are.")
        route = self._unary[match.rule.method]
        values = await self._values(request, match)
        if match.rule.body:
            if request.can_read_body and request.content_type != JSON:
                text = refusal_text(code_pb2.INVALID_ARGUMENT, "Send JSON with content-type application/json.")
                raise web.HTTPUnsupportedMediaType(text=text, content_type=JSON)
            message = message_of(route.method.input_type, await unpacked(request), path=values)
        else:
            message = queried_message(route.method.input_type, queried(request.query.items()), values)
        return await self._json(request, route, message)

    async def _values(self, request: web.Request, match: Match) -> dict[str, str]:
        """The path's fields; of an asset, the video of its newest cut."""
        if not match.rule.by_asset:
            return match.values
        if not match.values["asset_id"].isdecimal():
            raise NoSuchPath("An asset's id is a number.")
        asked = GetAssetRequest(asset_id=min(int(match.values["asset_id"]), 2**63 - 1))
        raw = await self._call(request, self._unary[GET_ASSET], asked.SerializeToString())
        cuts = GetAssetResponse.FromString(raw).asset.cuts
        if not cuts:
            raise NoCut("This asset has no cut yet.")
        return {"video_id": str(cuts[-1].video_id)}

    async def _json(self, request: web.Request, route: Route, message: Message) -> web.Response:
        raw = await self._call(request, route, message.SerializeToString())
        answer = GetMessageClass(route.method.output_type).FromString(raw)
        return web.Response(body=json_of(answer), content_type=JSON)

    async def _call(self, request: web.Request, route: Route, message: bytes) -> bytes:
        token = "" if route.public else await token_of(request, self._tokens)
        fields = [pair for pair in request.headers.items() if not pair[0].lower().startswith("connect-")]
        metadata = metadata_of(fields, token, client_of(request))
        method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self._raw(route, message).unary_unary(route.path)
        return await method(message, metadata=metadata, timeout=_timeout_s(request))

    async def _answered(self, work: Any) -> web.Response:
        """The answer, or the error as JSON."""
        request_id = secrets.token_hex(8)
        try:
            response: web.Response = await work
            return response
        except _Failed as error:
            return _error(error.status)
        except NotAMessage as error:
            return _error(to_status(errors.InvalidArgument(str(error)), request_id))
        except errors.RushesError as error:
            return _error(to_status(error, request_id))
        except ProtocolError as error:
            return _error(fault_status(error))
        except grpc.aio.AioRpcError as error:
            return _error(status_of(error, request_id))
        except web.HTTPRequestEntityTooLarge:
            return _error(to_status(errors.ResourceExhausted("The body is larger than is taken."), request_id))
        except (web.HTTPException, ConnectionError):
            raise  # the second: whoever asked is gone
        except Exception:
            log.exception("request_failed", extra={"request_id": request_id})
            message = f"Something went wrong here; the log has it under {request_id}."
            return _error(status_pb2.Status(code=code_pb2.INTERNAL, message=message))


class _Failed(Exception):
    """A status that no error of ours has."""

    def __init__(self, status: status_pb2.Status) -> None:
        super().__init__(status.message)
        self.status = status


def refusal(request: web.Request, error: errors.RushesError) -> web.Response:
    """An error that came before anything was called, as whoever asked understands it."""
    if request.path.startswith(CALLS):
        return _error(to_status(error, secrets.token_hex(8)))
    return error_response(request, error)


def _error(status: status_pb2.Status) -> web.Response:
    known = error_of(status)
    response = web.json_response(known, status=http_status(status.code))
    for detail in known.get("details", ()):
        delay = detail.get("debug", {}).get("retryDelay", "")
        if delay:
            response.headers["Retry-After"] = str(max(1, math.ceil(float(delay.removesuffix("s")))))
    if response.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"  # RFC 9110, 15.5.2
    return response


def _timeout_s(request: web.Request) -> float:
    """Connect-Timeout-Ms, at most ten digits of milliseconds.

    Nothing is asked without time for the answer: it could still come before anybody looks at the clock.
    """
    text = request.headers.get("Connect-Timeout-Ms", "")
    if not text:
        return UNARY_S
    if not text.isascii() or not text.isdecimal() or len(text) > 10:
        raise errors.InvalidArgument("Connect-Timeout-Ms is not understood.")
    if not int(text):
        raise _Failed(status_pb2.Status(code=code_pb2.DEADLINE_EXCEEDED, message="The call has no time left."))
    return int(text) / 1000
