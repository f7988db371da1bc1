"""The one server interceptor: who calls, may they, how errors are said, what is counted."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import code_pb2, status_pb2

from mesh import telemetry
from mesh.auth.caller import CALLER, GRANTED, SERVICE_METADATA, Caller, proven_service
from mesh.auth.identity import Identity
from mesh.auth.permission import has
from mesh.auth.rule import CALLERS, resource_of, rule_of
from mesh.rpc import REQUEST_ID_METADATA, metadata_value, to_status
from rushes import errors
from rushes.type.v1.access_pb2 import AccessRule, Resource

log = logging.getLogger(__name__)

FREE = ("/grpc.health.v1.Health/", "/grpc.reflection.")
Resources = Callable[[Resource], "list[Resource]"]
_STATUS = {code.value[0]: code for code in grpc.StatusCode}


class Guard(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Wraps every method of a server."""

    def __init__(self, secret: str, identity: Identity, resources: Callable[[Resource], Any] | None = None) -> None:
        self._secret = secret
        self._identity = identity
        self._resources = resources

    async def intercept_service(self, continuation: Any, details: grpc.HandlerCallDetails) -> Any:
        """The handler with the guard before it."""
        handler = await continuation(details)
        path: str = details.method
        if handler is None or path.startswith(FREE):
            return handler
        rule = rule_of(path)
        if handler.request_streaming:
            return self._streaming(handler, path, rule)
        return self._single(handler, path, rule)

    def _single(self, handler: Any, path: str, rule: AccessRule | None) -> Any:
        if handler.response_streaming:

            async def stream(request: Message, context: Any) -> AsyncIterator[Any]:
                async with _Answering(path, context, timed=False):
                    await self._admit(path, rule, request, context)
                    async for answer in handler.unary_stream(request, context):
                        yield answer

            return grpc.unary_stream_rpc_method_handler(
                stream, handler.request_deserializer, handler.response_serializer
            )

        async def unary(request: Message, context: Any) -> Any:
            async with _Answering(path, context, timed=True):
                await self._admit(path, rule, request, context)
                return await handler.unary_unary(request, context)

        return grpc.unary_unary_rpc_method_handler(unary, handler.request_deserializer, handler.response_serializer)

    def _streaming(self, handler: Any, path: str, rule: AccessRule | None) -> Any:
        if not handler.response_streaming:

            async def collect(requests: AsyncIterator[Message], context: Any) -> Any:
                async with _Answering(path, context, timed=False):
                    first = await self._first(path, rule, requests, context)
                    return await handler.stream_unary(_after(first, requests), context)

            return grpc.stream_unary_rpc_method_handler(
                collect, handler.request_deserializer, handler.response_serializer
            )

        async def both(requests: AsyncIterator[Message], context: Any) -> AsyncIterator[Any]:
            async with _Answering(path, context, timed=False):
                first = await self._first(path, rule, requests, context)
                answers = handler.stream_stream(_after(first, requests), context)
                if hasattr(answers, "__aiter__"):
                    async for answer in answers:
                        yield answer
                else:
                    await answers

        return grpc.stream_stream_rpc_method_handler(both, handler.request_deserializer, handler.response_serializer)

    async def _first(self, path: str, rule: AccessRule | None, requests: Any, context: Any) -> Message:
        try:
            async with asyncio.timeout(30.0):
                first: Message = await anext(requests.__aiter__())
        except StopAsyncIteration:
            raise errors.InvalidArgument("The first message is missing.") from None
        except TimeoutError:
            raise errors.InvalidArgument("The first message did not come in 30 seconds.") from None
        await self._admit(path, rule, first, context)
        return first

    async def _admit(self, path: str, rule: AccessRule | None, request: Message, context: Any) -> None:
        """Raises unless the rule lets the caller in; sets who calls and what they may do."""
        if rule is None or rule.WhichOneof("rule") is None:
            raise errors.PermissionDenied("This method has no rule, so nobody may call it.")
        metadata = context.invocation_metadata()
        service = proven_service(metadata_value(metadata, SERVICE_METADATA), self._secret)
        if service not in CALLERS.get(path[1:].partition("/")[0], frozenset()):
            raise errors.PermissionDenied("This service may not call that one.")
        caller = Caller(service)
        if rule.HasField("services"):
            if service not in rule.services.names:
                raise errors.PermissionDenied("Only services may call this, and not this one.")
        elif not rule.HasField("public"):
            caller = self._person(service, metadata_value(metadata, "authorization"))
        CALLER.set(caller)
        if rule.HasField("needs"):
            GRANTED.set(await self._needed(rule, request, caller))

    def _person(self, service: str, authorization: str) -> Caller:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise errors.Unauthenticated("Sign in first.")
        claims = self._identity.verify(token)
        return Caller(service, claims.person_id, claims.session_id, claims.tenant_id, claims.expires_ms, token)

    async def _needed(self, rule: AccessRule, request: Message, caller: Caller) -> int:
        resource = resource_of(rule, request)
        resources = [resource]
        if self._resources is not None:
            resources = await self._resources(resource)
        mask = 0
        for item in resources:
            mask |= await self._identity.permissions(caller, item)
        if not mask:
            raise errors.NotFound("There is no such thing, or it is not yours to see.")
        if not has(mask, rule.needs.permission):
            raise errors.PermissionDenied("You may see this, but not do that.")
        return mask


async def _after(first: Message, rest: AsyncIterator[Message]) -> AsyncIterator[Message]:
    yield first
    async for message in rest:
        yield message


class _Answering:
    """Around one RPC: request id, count and time, and every error as a status with details."""

    def __init__(self, path: str, context: Any, *, timed: bool) -> None:
        self._path = path
        self._context = context
        self._timed = timed
        self._began = time.perf_counter()
        self._request_id = ""

    async def __aenter__(self) -> None:
        given = metadata_value(self._context.invocation_metadata(), REQUEST_ID_METADATA)
        self._request_id = given[:64] or secrets.token_hex(8)
        telemetry.REQUEST_ID.set(self._request_id)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if self._timed:
            telemetry.RPC_SECONDS.labels(self._path).observe(time.perf_counter() - self._began)
        if error is None:
            telemetry.RPC_TOTAL.labels(self._path, "OK").inc()
            return
        if not isinstance(error, Exception) or isinstance(error, grpc.aio.AbortError):
            telemetry.RPC_TOTAL.labels(self._path, "CANCELLED" if kind is asyncio.CancelledError else "ABORT").inc()
            return
        status = self._status(error)
        code = _STATUS[status.code]
        telemetry.RPC_TOTAL.labels(self._path, code.name).inc()
        details = (("grpc-status-details-bin", status.SerializeToString()),)
        await self._context.abort(code, status.message, details)

    def _status(self, error: Exception) -> status_pb2.Status:
        if isinstance(error, errors.RushesError):
            return to_status(error, self._request_id)
        log.error("rpc_failed", extra={"method": self._path}, exc_info=error)
        known = errors.RushesError(f"Something went wrong here; the log has it under {self._request_id}.")
        status = to_status(known, self._request_id)
        status.code = code_pb2.INTERNAL
        return status
