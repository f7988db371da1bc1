"""gRPC-Web over HTTP/1.1: unary calls and server streams, as bytes; nothing is decoded."""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

import grpc
from aiohttp import web
from google.rpc import code_pb2

from gateway import metrics
from gateway.core import grpcweb
from gateway.core.grpcweb import ProtocolError
from gateway.fault import status_of
from gateway.http.guard import Handler
from gateway.http.session import CLIENT_METADATA, TokenCache, client_of, token_of
from gateway.route import ROUTES, Route
from mesh.rpc import Channels, to_status
from rushes import errors

log = logging.getLogger(__name__)

CONTENT_TYPES = ("application/grpc-web", "application/grpc-web+proto")
_SKIPPED = frozenset(
    ("authorization", "cookie", "host", "connection", "content-length", "content-type", "te", "user-agent", "accept",
     "accept-encoding", "accept-language", "origin", "referer", "x-grpc-web", "x-user-agent", "grpc-timeout",
     "grpc-encoding", "grpc-accept-encoding", "transfer-encoding", "upgrade", "rushes-service", CLIENT_METADATA)
)  # fmt: skip
_NAME = re.compile(r"[0-9a-z_.-]+")
_VALUE = re.compile(r"[ -~]*")
UNARY_S = 30.0
MESSAGE_S = 30.0

Metadata = list[tuple[str, str | bytes]]


def metadata_of(fields: Iterable[tuple[str, str]], token: str, client: tuple[str, str]) -> Metadata:
    """Metadata for the service behind: what the caller set, less what is the connection's or no metadata; the token;
    whose connection it is.
    """
    metadata: Metadata = []
    for name, value in fields:
        name = name.lower()
        if name in _SKIPPED or name.startswith(("sec-", "grpc-", "access-control-")) or not _NAME.fullmatch(name):
            continue
        if name.endswith("-bin"):
            metadata.append((name, grpcweb.decode_binary(value)))
        elif _VALUE.fullmatch(value):
            metadata.append((name, value))
    metadata.append(client)
    if token:
        metadata.append(("authorization", f"Bearer {token}"))
    return metadata


def timeout_s(value: str) -> float | None:
    """A grpc-timeout (at most 8 digits and a unit) in seconds; None: there is none."""
    if not value:
        return None
    units = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
    if value[-1] not in units or not value[:-1].isdecimal() or len(value) > 9:
        raise ProtocolError("grpc-timeout is not understood")
    return int(value[:-1]) * units[value[-1]]


def trailers_of(error: BaseException, request_id: str) -> list[tuple[str, str]]:
    """Trailers of a failed call: those of the service as they came, or our own error's."""
    if isinstance(error, grpc.aio.AioRpcError):
        failed = status_of(error, request_id)
        return grpcweb.status_trailers(failed.code, failed.message, failed.SerializeToString())
    if isinstance(error, TimeoutError):
        return grpcweb.status_trailers(code_pb2.DEADLINE_EXCEEDED, "The message did not come in time.")
    known = error if isinstance(error, errors.RushesError) else None
    if isinstance(error, ProtocolError):
        known = errors.InvalidArgument(str(error))
    if known is None:
        log.error("grpc_web_failed", extra={"request_id": request_id}, exc_info=error)
        return grpcweb.status_trailers(
            code_pb2.INTERNAL, f"Something went wrong here; the log has it under {request_id}."
        )
    status = to_status(known, request_id)
    return grpcweb.status_trailers(status.code, status.message, status.SerializeToString())


_TYPE = {"Content-Type": "application/grpc-web+proto"}


def _check_type(request: web.Request) -> None:
    if request.content_type not in CONTENT_TYPES:
        raise web.HTTPUnsupportedMediaType(text="gRPC-Web is application/grpc-web+proto.")


async def _unknown(request: web.Request) -> web.Response:
    """A method that is not there, or not open to the outside."""
    _check_type(request)
    trailers = grpcweb.status_trailers(code_pb2.UNIMPLEMENTED, "There is no such method.")
    return web.Response(body=grpcweb.trailer_frame(trailers), headers=_TYPE)


class GrpcWebRoutes:
    """POST /PACKAGE.SERVICE/METHOD."""

    def __init__(self, channels: Channels, tokens: TokenCache, *, max_message_bytes: int, slow_reader_s: float) -> None:
        self._channels = channels
        self._tokens = tokens
        self._max_message_bytes = max_message_bytes
        self._slow_reader_s = slow_reader_s

    def add_to(self, app: web.Application) -> None:
        """Adds a route for every RPC that is open to the outside."""
        for path, route in ROUTES.items():
            if not route.client_streaming:
                app.router.add_post(path, self._handler(route))
        app.router.add_post(r"/{service:\w+(\.\w+)+}/{method:\w+}", _unknown)

    def _handler(self, route: Route) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            _check_type(request)
            response = web.StreamResponse(headers=_TYPE)
            trailers = grpcweb.status_trailers(0, "")
            body = bytearray()
            try:
                async with aclosing(self._call(route, request)) as messages:
                    async for message in messages:
                        body += grpcweb.data_frame(message)
                        if route.server_streaming:
                            await self._flush(request, response, body)
            except (errors.RushesError, grpc.aio.AioRpcError, ProtocolError, TimeoutError) as error:
                trailers = trailers_of(error, request.headers.get("rushes-request-id", "-"))
            metrics.REQUESTS.labels(route.path, trailers[0][1]).inc()
            body += grpcweb.trailer_frame(trailers)
            if not response.prepared:
                return web.Response(body=bytes(body), headers=_TYPE)
            await self._flush(request, response, body)
            await response.write_eof()
            return response

        return handle

    async def _flush(self, request: web.Request, response: web.StreamResponse, body: bytearray) -> None:
        if not response.prepared:
            await response.prepare(request)
        try:
            async with asyncio.timeout(self._slow_reader_s):
                await response.write(bytes(body))
        except TimeoutError:
            metrics.CUTS.labels("SLOW_READER").inc()
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError("the reader takes nothing") from None
        body.clear()

    async def _call(self, route: Route, request: web.Request) -> AsyncGenerator[bytes, None]:
        message = await self._message(request)
        token = "" if route.public else await token_of(request, self._tokens)
        metadata = metadata_of(request.headers.items(), token, client_of(request))
        timeout = timeout_s(request.headers.get("grpc-timeout", ""))
        channel = self._channels.raw(route.service)
        if not route.server_streaming:
            unary: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(route.path)
            yield await unary(message, metadata=metadata, timeout=UNARY_S if timeout is None else timeout)
            return
        method: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream(route.path)
        call = method(message, metadata=metadata, timeout=timeout)
        try:
            async for answer in call:
                yield answer
        finally:
            call.cancel()

    async def _message(self, request: web.Request) -> bytes:
        reader = grpcweb.FrameReader(self._max_message_bytes)
        frames: list[tuple[int, bytes]] = []
        async with asyncio.timeout(MESSAGE_S):
            async for chunk in request.content.iter_any():
                frames += reader.feed(chunk)
                if len(frames) > 1:
                    raise ProtocolError("a unary call has exactly one message")
        if len(frames) != 1 or reader.pending or frames[0][0] != grpcweb.DATA:
            raise ProtocolError("a unary call has exactly one message")
        return frames[0][1]
