"""The native gRPC door: programs' calls, passed on as bytes to the service that answers them."""

from collections.abc import AsyncIterator

import grpc

from gateway.http.grpcweb import metadata_of
from gateway.route import ROUTES, Route
from mesh.rpc import Channels

_OPTIONS = (
    ("grpc.max_concurrent_streams", 100),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_ping_strikes", 4),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.absolute_max_metadata_size", 32 * 1024),
)


class Door(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Handles every RPC that is open to the outside; others are UNIMPLEMENTED."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
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
        fields = [(key, value) for key, value in context.invocation_metadata() or () if isinstance(value, str)]
        metadata = metadata_of(fields, "")
        metadata += [(key, value) for key, value in fields if key == "authorization"]
        timeout = context.time_remaining()
        if not route.client_streaming:
            requests = _exactly_one(requests, context)
        call = self._channels.raw(route.service).stream_stream(route.path)(
            requests, metadata=metadata, timeout=timeout if timeout and timeout < 1e9 else None
        )
        try:
            async for answer in call:
                yield answer
        except grpc.aio.AioRpcError as error:
            trailing = [(k, v) for k, v in error.trailing_metadata() or () if k != "content-type"]
            await context.abort(error.code(), error.details() or "", tuple(trailing))
        finally:
            call.cancel()


async def _exactly_one(
    requests: AsyncIterator[bytes], context: "grpc.aio.ServicerContext[bytes, bytes]"
) -> AsyncIterator[bytes]:
    """A unary call without a message would never be answered, one with two would end in confusion."""
    count = 0
    async for request in requests:
        count += 1
        if count > 1:
            break
        yield request
    if count != 1:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "a unary call has exactly one message")


def door_server(channels: Channels, listen: str, max_message_bytes: int) -> grpc.aio.Server:
    """A gRPC server that passes everything on; not started."""
    server = grpc.aio.server(
        handlers=[Door(channels)],
        options=(*_OPTIONS, ("grpc.max_receive_message_length", max_message_bytes)),
    )
    server.add_insecure_port(listen)
    return server
