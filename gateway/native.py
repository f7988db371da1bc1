"""The native gRPC door: programs' calls, passed on as bytes to the service that answers them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping

import grpc
from google.rpc import status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from gateway.core import grpcweb
from gateway.core.grpcweb import ProtocolError
from gateway.core.metadata import CLIENT_METADATA, bearer_of
from gateway.door import peer_of
from gateway.fault import status_of
from gateway.http.call import Hold
from gateway.http.grpcweb import metadata_of
from gateway.passage import fault_status
from gateway.route import ROUTES, Route
from gateway.spread import key_of
from mesh.fleet import Fleet
from mesh.rpc import REQUEST_ID_METADATA, Channels, metadata_value, to_status
from rushes.errors import InvalidArgument, RushesError
from rushes.status import DETAILS_METADATA

_OPTIONS = (
    ("grpc.max_concurrent_streams", 100),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_ping_strikes", 4),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.absolute_max_metadata_size", 32 * 1024),
)

MESSAGE_S = 30.0
_CODES = {code.value[0]: code for code in grpc.StatusCode}


Admit = Callable[[str, str, str], Awaitable[None]]
"""Counts a call by its path, token and address. Raises RateLimited."""


Address = Callable[[str, str], str]
"""From the address of a connection and X-Forwarded-For: where the call comes from."""


class OneMessage(InvalidArgument):
    """A call that takes one message came with none, or with more; or a stream without a first."""

    reason = "ONE_MESSAGE"


class Door(grpc.GenericRpcHandler):
    """Handles every RPC that is open to the outside; others are UNIMPLEMENTED."""

    def __init__(
        self, channels: Channels, fleets: Mapping[str, Fleet], admit: Admit, hold: Hold, address: Address
    ) -> None:
        self._channels = channels
        self._fleets = fleets
        self._admit = admit
        self._hold = hold
        self._address = address

    def service(self, details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        """The handler of a method, or None."""
        route = ROUTES.get(details.method)
        if route is None:
            return None

        async def handle(
            requests: AsyncIterator[bytes], context: "grpc.aio.ServicerContext[bytes, bytes]"
        ) -> AsyncIterator[bytes]:
            async for answer in self._forward(route, requests, context):
                yield answer

        return grpc.stream_stream_rpc_method_handler(handle)

    async def _forward(
        self, route: Route, requests: AsyncIterator[bytes], context: "grpc.aio.ServicerContext[bytes, bytes]"
    ) -> AsyncIterator[bytes]:
        fields = [
            (key, value if isinstance(value, str) else grpcweb.encode_binary(value))
            for key, value in context.invocation_metadata() or ()
        ]
        request_id = metadata_value(fields, REQUEST_ID_METADATA)
        try:
            token = bearer_of(metadata_value(fields, "authorization"))
            address = self._address(peer_of(context.peer()), metadata_value(fields, "x-forwarded-for"))
            await self._admit(route.path, token, address)
            with self._hold(token, address) if route.streams else contextlib.nullcontext():
                call = await self._begin(route, requests, fields, context, address)
                try:
                    async for answer in call:
                        yield answer
                finally:
                    call.cancel()
        except grpc.aio.AioRpcError as error:
            await _abort(context, status_of(error, request_id))
        except RushesError as error:
            await _abort(context, to_status(error, request_id))
        except ProtocolError as error:
            await _abort(context, fault_status(error))

    async def _begin(
        self,
        route: Route,
        requests: AsyncIterator[bytes],
        fields: Iterable[tuple[str, str]],
        context: "grpc.aio.ServicerContext[bytes, bytes]",
        address: str,
    ) -> "grpc.aio.UnaryStreamCall[bytes, bytes] | grpc.aio.StreamStreamCall[bytes, bytes]":
        metadata = metadata_of(fields, "", (CLIENT_METADATA, address))
        metadata += [(key, value) for key, value in fields if key == "authorization"]
        left_s = context.time_remaining()
        timeout = left_s if left_s and left_s < 1e9 else None
        if route.client_streaming:
            first = await _first(requests)
            channel = self._channel(route, first)
            both: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(route.path)
            return both(_begun(first, requests), metadata=metadata, timeout=timeout)
        # What answers once is on the wire a stream of one.
        message = await _only(requests)
        many: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = self._channel(route, message).unary_stream(route.path)
        return many(message, metadata=metadata, timeout=timeout)

    def _channel(self, route: Route, message: bytes) -> grpc.aio.Channel:
        fleet = self._fleets.get(route.service)
        if fleet is not None:
            return fleet.raw(key_of(route.service, message))
        return self._channels.raw(route.service)


async def _only(requests: AsyncIterator[bytes]) -> bytes:
    """The one message of a call that has one: without it, it would never be answered; of two, one would be lost."""
    try:
        async with asyncio.timeout(MESSAGE_S):
            messages = [message async for message in _two(requests)]
    except TimeoutError:
        raise OneMessage("The message did not come in time.") from None
    if len(messages) != 1:
        raise OneMessage("This call has exactly one message.")
    return messages[0]


async def _first(requests: AsyncIterator[bytes]) -> bytes:
    """The first message of a stream: who is refused before it was sent would not learn why."""
    try:
        async with asyncio.timeout(MESSAGE_S):
            return await anext(requests)
    except (StopAsyncIteration, TimeoutError):
        raise OneMessage("The stream has no first message.") from None


async def _begun(first: bytes, requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The messages of a stream whose first is here."""
    yield first
    async for request in requests:
        yield request


async def _two(requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    count = 0
    async for request in requests:
        yield request
        count += 1
        if count == 2:
            return


async def _abort(context: "grpc.aio.ServicerContext[bytes, bytes]", status: status_pb2.Status) -> None:
    trailing = ((DETAILS_METADATA, status.SerializeToString()),)
    await context.abort(_CODES[status.code], status.message, trailing)


class DoorServer:
    """A gRPC server that passes everything on, and says itself how it is and which services are open to the outside."""

    def __init__(
        self,
        channels: Channels,
        fleets: Mapping[str, Fleet],
        listen: str,
        max_message_bytes: int,
        admit: Admit,
        hold: Hold,
        address: Address,
    ) -> None:
        self._checks = health.aio.HealthServicer()
        self._server = grpc.aio.server(
            handlers=[Door(channels, fleets, admit, hold, address)],
            options=(*_OPTIONS, ("grpc.max_receive_message_length", max_message_bytes)),
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._checks, self._server)
        open_services = sorted({path[1:].partition("/")[0] for path in ROUTES})
        names = (*open_services, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)
        self._server.add_insecure_port(listen)

    async def start(self) -> None:
        """Listens, and serves."""
        await self._server.start()
        await self._checks.set("", health_pb2.HealthCheckResponse.SERVING)

    async def drain(self) -> None:
        """Says that it is going away."""
        await self._checks.enter_graceful_shutdown()

    async def stop(self, grace_s: float) -> None:
        """Ends, after the grace for calls in progress."""
        await self._server.stop(grace_s)
