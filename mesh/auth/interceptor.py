"""The one server interceptor: who calls, may they, how errors are said, what is counted."""

import asyncio
import contextlib
import inspect
import logging
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import status_pb2

from mesh import telemetry
from mesh.auth.caller import CALL, SERVICE_METADATA, Call, Caller, proven_service
from mesh.auth.identity import Identity, TokenInvalid, TokenMissing, claims_of, permissions_of
from mesh.auth.permission import has
from mesh.auth.rule import CALLERS, methods, resource_of, rule_of
from mesh.rpc import REQUEST_ID_METADATA, internal_status, to_error, to_status
from rushes.errors import InvalidArgument, NotFound, PermissionDenied, RushesError, Unavailable
from rushes.status import DETAILS_METADATA
from rushes.type.v1.access_pb2 import AccessRule, Permission, Resource

log = logging.getLogger(__name__)

FREE = ("/grpc.health.v1.Health/", "/grpc.reflection.")
FIRST_MESSAGE_S = 30.0
REFUSED_S = 1.0
Resources = Callable[[Resource], Awaitable[Sequence[Resource]]]
"""From the resource that a rule names to those whose permissions count together, as `permissions_of` has it."""

WasDone = Callable[[str, Message], Awaitable[bool]]
"""Whether the caller has made this very request (to this path) before: asked of what is refused now."""

Behaviour = Callable[[Any, Any], Any]
_STATUS = {code.value[0]: code for code in grpc.StatusCode}
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class ServiceNotAllowed(PermissionDenied):
    """This service may not make this call."""

    reason = "SERVICE_NOT_ALLOWED"


class PermissionMissing(PermissionDenied):
    """The person may see the thing, but not do this."""

    reason = "PERMISSION_MISSING"


class MessageMalformed(InvalidArgument):
    """The bytes are not a message of this type."""

    reason = "MESSAGE_MALFORMED"


class MessageMissing(InvalidArgument):
    """A stream ended, or waited too long, before its first message."""

    reason = "MESSAGE_MISSING"


class Interrupted(Unavailable):
    """What the call waited for was given up, as it is when a part of the service stops."""

    reason = "INTERRUPTED"


class _Malformed:
    """Stands for bytes that are no message: to raise while deserialising would end in INTERNAL."""


_MALFORMED = _Malformed()


class Guard(grpc.aio.ServerInterceptor):
    """Wraps every method of a server."""

    def __init__(
        self, secret: str, identity: Identity, resources: Resources | None = None, was_done: WasDone | None = None
    ) -> None:
        self._gate = _Gate(secret, identity, resources, was_done)
        self._wrapped: dict[str, Any] = {}

    async def intercept_service(self, continuation: Any, details: grpc.HandlerCallDetails) -> Any:
        """The handler with the guard before it; None, so UNIMPLEMENTED, where there is no such method."""
        path: str = details.method
        wrapped = self._wrapped.get(path)
        if wrapped is None:
            handler = await continuation(details)
            if handler is None or path.startswith(FREE):
                return handler
            wrapped = self._wrapped[path] = self._wrap(path, handler)
        return wrapped

    def _wrap(self, path: str, handler: Any) -> Any:
        coders = (_lenient(handler.request_deserializer), handler.response_serializer)
        if handler.request_streaming and handler.response_streaming:
            stream = _Stream(self._gate, path, handler.stream_stream)
            return grpc.stream_stream_rpc_method_handler(stream.answer_many, *coders)
        if handler.request_streaming:
            stream = _Stream(self._gate, path, handler.stream_unary)
            return grpc.stream_unary_rpc_method_handler(stream.answer_one, *coders)
        if handler.response_streaming:
            single = _Single(self._gate, path, handler.unary_stream)
            return grpc.unary_stream_rpc_method_handler(single.answer_many, *coders)
        single = _Single(self._gate, path, handler.unary_unary, timed=True)
        return grpc.unary_unary_rpc_method_handler(single.answer_one, *coders)


class _Gate:
    """Lets an RPC in or not. In two steps, since of a stream the first message comes later than its metadata."""

    def __init__(self, secret: str, identity: Identity, resources: Resources | None, was_done: WasDone | None) -> None:
        self._secret = secret
        self._identity = identity
        self._resources = resources
        self._was_done = was_done

    async def enter(self, path: str, metadata: Mapping[str, str]) -> tuple[AccessRule, Caller]:
        """The rule, and who calls, who may do so as far as the metadata tells."""
        service = proven_service(metadata.get(SERVICE_METADATA, ""), self._secret)
        rule = rule_of(path)
        kind = rule.WhichOneof("rule") if rule is not None else None
        if rule is None or kind is None:
            raise PermissionDenied("This method has no rule, so nobody may call it.")
        if service not in CALLERS.get(path[1:].partition("/")[0], ()) or (
            kind == "services" and service not in rule.services.names
        ):
            raise ServiceNotAllowed(f"{service} may not call this.")
        if kind in ("public", "services"):
            return rule, Caller(service)
        token = _bearer(metadata.get("authorization", ""))
        claims = await claims_of(self._identity, token)
        return rule, Caller(service, claims.person_id, claims.session_id, claims.tenant_id, claims.expires_ms, token)

    async def admit(self, rule: AccessRule, caller: Caller, message: Message) -> int:
        """What the person may do with what the (first) message names, which is enough for the rule."""
        if rule.WhichOneof("rule") != "needs":
            return 0
        mask = await self._mask(caller, resource_of(rule, message))
        if not mask:
            raise NotFound("There is no such thing, or it is not yours to see.")
        permission = rule.needs.permission
        if not has(mask, permission):
            name = Permission.Name(permission).removeprefix("PERMISSION_").lower()
            raise PermissionMissing(f"You may see this, but this needs the permission {name}.", permission=name)
        return mask

    async def again(self, path: str, request: Any) -> Message | None:
        """The answer to a refused request that took its own rights away when it was done: what it names is gone.

        Only where the answer says nothing, so that nobody sees by it what they may not see any more.
        """
        answer = methods()[path].output_type
        if self._was_done is None or answer.fields or not getattr(request, "request_id", ""):
            return None
        return GetMessageClass(answer)() if await self._was_done(path, request) else None

    async def _mask(self, caller: Caller, resource: Resource) -> int:
        resources = (resource,) if self._resources is None else await self._resources(resource)
        return await permissions_of(self._identity, caller, resources)


def _bearer(value: str) -> str:
    if not value:
        raise TokenMissing("Sign in first.")
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenInvalid("authorization is: Bearer TOKEN.")
    return token.strip()


class _Handler:
    """What the four kinds of RPC share. A servicer's handler takes its requests from the iterator it is given:
    context.read would miss the first message, which the gate has read.
    """

    def __init__(self, gate: _Gate, path: str, behaviour: Behaviour, *, timed: bool = False) -> None:
        self._gate = gate
        self._path = path
        self._behaviour = behaviour
        self._timed = timed

    async def answer_one(self, request: Any, context: Any) -> Any:
        """For a handler that returns its answer."""
        async with _Answering(self._path, context, timed=self._timed) as answering:
            try:
                admitted = await self._admitted(answering, request)
            except (NotFound, PermissionMissing):
                again = await self._gate.again(self._path, request)
                if again is None:
                    raise
                return again
            return await self._behaviour(admitted, context)

    async def answer_many(self, request: Any, context: Any) -> None:
        """For a handler that yields its answers, or writes them itself."""
        async with _Answering(self._path, context, timed=False) as answering:
            admitted = await self._admitted(answering, request)
            answers = self._behaviour(admitted, context)
            if inspect.isawaitable(answers):
                await answers
                return
            async with aclosing(answers):
                async for answer in answers:
                    await context.write(answer)

    async def _admitted(self, answering: "_Answering", request: Any) -> Any:
        raise NotImplementedError


class _Single(_Handler):
    """One request."""

    async def _admitted(self, answering: "_Answering", request: Any) -> Any:
        call = answering.call
        rule, call.caller = await self._gate.enter(self._path, answering.metadata)
        call.granted = await self._gate.admit(rule, call.caller, _whole(request))
        return request


class _Stream(_Handler):
    """Many requests: the gate sees the first before the servicer does."""

    async def _admitted(self, answering: "_Answering", request: Any) -> AsyncIterator[Any]:
        call = answering.call
        messages = aiter(request)
        try:
            rule, call.caller = await self._gate.enter(self._path, answering.metadata)
        except RushesError:
            # Who is refused while it still writes learns from its gRPC that the call broke, not why.
            with contextlib.suppress(StopAsyncIteration, TimeoutError):
                async with asyncio.timeout(REFUSED_S):
                    await anext(messages)
            raise
        try:
            async with asyncio.timeout(FIRST_MESSAGE_S):
                first = _whole(await anext(messages))
        except (StopAsyncIteration, TimeoutError) as error:
            raise MessageMissing("The stream has no first message.") from error
        call.granted = await self._gate.admit(rule, call.caller, first)
        return _after(first, messages)


async def _after(first: Any, rest: AsyncIterator[Any]) -> AsyncIterator[Any]:
    yield first
    async for message in rest:
        yield _whole(message)


def _lenient(deserializer: Callable[[bytes], Any] | None) -> Callable[[bytes], Any] | None:
    if deserializer is None:
        return None

    def deserialize(data: bytes) -> Any:
        try:
            return deserializer(data)
        except DecodeError:
            return _MALFORMED

    return deserialize


def _whole(message: Any) -> Any:
    if message is _MALFORMED:
        raise MessageMalformed("The bytes are not a message of this type.")
    return message


class _Answering:
    """Around one RPC: its id and deadline, count and time, and every error as a status with details."""

    def __init__(self, path: str, context: Any, *, timed: bool) -> None:
        self._path = path
        self._context = context
        self._timed = timed
        self._began_s = time.perf_counter()
        self.metadata: Mapping[str, str] = {
            name: value for name, value in context.invocation_metadata() or () if isinstance(value, str)
        }
        given = self.metadata.get(REQUEST_ID_METADATA, "")
        self._request_id = given if _ID.fullmatch(given) else secrets.token_hex(8)
        left_s = context.time_remaining()
        # A call without a deadline has hundreds of years left.
        self.call = Call(time.monotonic() + left_s if left_s is not None and left_s < 1e8 else None)

    async def __aenter__(self) -> "_Answering":
        telemetry.REQUEST_ID.set(self._request_id)
        CALL.set(self.call)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        self.call.over = True
        if self._timed:
            telemetry.RPC_SECONDS.labels(self._path).observe(time.perf_counter() - self._began_s)
        if error is None or isinstance(error, grpc.aio.AbortError):
            self._count(_name(self._context.code()) if error is None else "ABORT")
        elif isinstance(error, Exception):
            await self._refuse(error)
        elif _left_alone(error):
            await self._refuse(Interrupted("This was interrupted; try again."))
        else:
            self._count("CANCELLED")

    async def _refuse(self, error: Exception) -> None:
        status = self._status(error)
        code = _STATUS[status.code]
        self._count(code.name)
        trailing = ((DETAILS_METADATA, status.SerializeToString()), (REQUEST_ID_METADATA, self._request_id))
        await self._context.abort(code, status.message, trailing)

    def _status(self, error: Exception) -> status_pb2.Status:
        known = to_error(error) if isinstance(error, grpc.aio.AioRpcError) else error
        # One of no category is nobody's to see: another service's bug, or ours.
        if isinstance(known, RushesError) and type(known) is not RushesError:
            return to_status(known, self._request_id)
        log.error("rpc_failed", extra={"method": self._path}, exc_info=error)
        return internal_status(self._request_id)

    def _count(self, code: str) -> None:
        telemetry.RPC_TOTAL.labels(self._path, code).inc()


def _left_alone(error: BaseException) -> bool:
    """Whether not the call was cancelled but something that it waited for: gRPC would never answer it."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and not task.cancelling()


def _name(code: Any) -> str:
    """Of the code that a handler set itself; grpc gives it as enum, number or not at all."""
    if not code:
        return "OK"
    return code.name if isinstance(code, grpc.StatusCode) else _STATUS[int(code)].name
