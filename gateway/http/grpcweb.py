"""What of gRPC-Web does not pass as bytes: calls that are refused, and metadata for calls on WebSockets and by JSON."""

import logging
from collections.abc import Iterable

import grpc
from aiohttp import web
from google.rpc import code_pb2

from gateway.core import grpcweb
from gateway.core.grpcweb import ProtocolError
from gateway.core.metadata import passed_on
from gateway.core.twin import refusal_text
from gateway.fault import status_of
from gateway.passage import TEXT_TYPES, TYPES, fault_status
from mesh.rpc import to_status
from rushes import errors

log = logging.getLogger(__name__)

METHOD_PATH = r"/{service:\w+(\.\w+)+}/{method:\w+}"

Metadata = list[tuple[str, str | bytes]]


def metadata_of(fields: Iterable[tuple[str, str]], token: str, client: tuple[str, str]) -> Metadata:
    """Metadata for the service behind: what the caller set, less what is the connection's or no metadata; the token;
    whose connection it is.
    """
    metadata: Metadata = []
    for name, value in passed_on(fields):
        metadata.append((name, grpcweb.decode_binary(value) if name.endswith("-bin") else value))
    metadata.append(client)
    if token:
        metadata.append(("authorization", f"Bearer {token}"))
    return metadata


def trailers_of(error: BaseException, request_id: str) -> list[tuple[str, str]]:
    """Trailers of a failed call: those of the service as they came, or our own error's."""
    if isinstance(error, grpc.aio.AioRpcError):
        failed = status_of(error, request_id)
        return grpcweb.status_trailers(failed.code, failed.message, failed.SerializeToString())
    if isinstance(error, TimeoutError):
        return grpcweb.status_trailers(code_pb2.DEADLINE_EXCEEDED, "The message did not come in time.")
    if isinstance(error, ProtocolError):
        fault = fault_status(error)
        return grpcweb.status_trailers(fault.code, fault.message, fault.SerializeToString())
    if not isinstance(error, errors.RushesError):
        log.error("grpc_web_failed", extra={"request_id": request_id}, exc_info=error)
        return grpcweb.status_trailers(
            code_pb2.INTERNAL, f"Something went wrong here; the log has it under {request_id}."
        )
    status = to_status(error, request_id)
    return grpcweb.status_trailers(status.code, status.message, status.SerializeToString())


async def refused(request: web.Request) -> web.Response:
    """A call that nothing takes: another HTTP method, another content type, or a method that is not there."""
    if request.method != "POST":
        text = refusal_text(code_pb2.UNIMPLEMENTED, "Calls are made with POST.")
        raise web.HTTPMethodNotAllowed(request.method, ["POST"], text=text, content_type="application/json")
    base = request.content_type.partition("+")[0]
    if base not in (TYPES, TEXT_TYPES):
        words = "A call is application/grpc-web(-text), or application/json for a method with one answer."
        text = refusal_text(code_pb2.INVALID_ARGUMENT, words)
        raise web.HTTPUnsupportedMediaType(text=text, content_type="application/json")
    return _no_such_method(text=base == TEXT_TYPES)


def _no_such_method(*, text: bool) -> web.Response:
    trailers = grpcweb.status_trailers(code_pb2.UNIMPLEMENTED, "There is no such method.")
    body = grpcweb.trailer_frame(trailers)
    kind = f"application/grpc-web{'-text' if text else ''}+proto"
    return web.Response(body=grpcweb.encode_text(body) if text else body, headers={"Content-Type": kind})


def add_refusals(app: web.Application) -> None:
    """Adds the routes of everything that has the form of a call; must come after those that are taken."""
    app.router.add_route("*", METHOD_PATH, refused)
