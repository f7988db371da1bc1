"""A gRPC server of bytes for the gateway to stand before: echoes, streams, fails, waits; it writes down what it saw."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Self

import grpc
from google.protobuf.wrappers_pb2 import StringValue
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

SERVICE = "/test.v1.EchoService/"
_NAMES = ("Echo", "Many", "Both", "Fail", "Wait", "Large", "Never", "Strings", "Mirror", "Late")
ECHO, MANY, BOTH, FAIL, WAIT, LARGE, NEVER, STRINGS, MIRROR, LATE = (SERVICE + name for name in _NAMES)
Context = "grpc.aio.ServicerContext[bytes, bytes]"


@dataclass
class EchoServer(grpc.GenericRpcHandler):
    """Started with `async with`; `port` is known then."""

    port: int = 0
    compression: grpc.Compression | None = None
    most_calls: int = 0
    """At once on a connection; 0: any number."""
    metadata: list[dict[str, str | bytes]] = field(default_factory=list)
    values: dict[str, list[str | bytes]] = field(default_factory=dict)
    """All values of each name, of the call seen last."""
    remaining_s: list[float | None] = field(default_factory=list)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    begun: int = 0
    """Calls that wait for `release`, or did."""
    _server: grpc.aio.Server | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listens, on the same port as before if there was one."""
        server = self._server = grpc.aio.server(
            handlers=[self],
            compression=self.compression,
            options=(("grpc.max_concurrent_streams", self.most_calls),) if self.most_calls else (),
        )
        checks = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(checks, server)
        await checks.set("", health_pb2.HealthCheckResponse.SERVING)
        reflection.enable_server_reflection(("grpc.health.v1.Health",), server)
        self.port = server.add_insecure_port(f"127.0.0.1:{self.port}")
        await server.start()

    async def stop(self, grace_s: float = 0.0) -> None:
        """Says goodbye, and ends."""
        if self._server is not None:
            await self._server.stop(grace_s)
            self._server = None

    def service(self, details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        """See grpc.GenericRpcHandler."""
        method = details.method
        if method == ECHO:
            return grpc.unary_unary_rpc_method_handler(self._echo)
        if method == LATE:
            return grpc.unary_unary_rpc_method_handler(self._late)
        if method == NEVER:
            return grpc.unary_unary_rpc_method_handler(self._never)
        if method == FAIL:
            return grpc.unary_unary_rpc_method_handler(self._fail)
        if method in (MANY, WAIT, LARGE):
            return grpc.unary_stream_rpc_method_handler(
                {MANY: self._many, WAIT: self._wait, LARGE: self._large}[method]
            )
        if method == STRINGS:
            return grpc.unary_stream_rpc_method_handler(self._strings)
        if method == MIRROR:
            return grpc.stream_stream_rpc_method_handler(self._mirror)
        return grpc.stream_stream_rpc_method_handler(self._both) if method == BOTH else None

    def _note(self, context: "grpc.aio.ServicerContext[bytes, bytes]") -> None:
        pairs = list(context.invocation_metadata() or ())
        self.metadata.append(dict(pairs))
        self.values = {name: [value for other, value in pairs if other == name] for name, _ in pairs}
        self.remaining_s.append(context.time_remaining())

    async def _echo(self, request: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
        self._note(context)
        await context.send_initial_metadata((("x-first", "1"), ("x-first-bin", b"\0\1\2")))
        context.set_trailing_metadata((("x-last", "2"), ("x-last-bin", b"\3\4")))
        return request

    async def _fail(self, request: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
        status = status_pb2.Status(code=code_pb2.NOT_FOUND, message="nothing hère")
        status.details.add().Pack(error_details_pb2.ErrorInfo(reason="NOTHING"))
        await context.abort(
            grpc.StatusCode.NOT_FOUND, "nothing hère", (("grpc-status-details-bin", status.SerializeToString()),)
        )
        raise AssertionError

    async def _late(self, request: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
        """The request, once it is `release`d."""
        self.begun += 1
        self.waiting.set()
        await asyncio.wait_for(self.release.wait(), 60)
        return request

    async def _never(self, request: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
        await asyncio.sleep(60)
        return b""

    async def _strings(self, request: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> AsyncIterator[bytes]:
        """A StringValue says how many; they come as such."""
        for number in range(int(StringValue.FromString(request).value)):
            yield StringValue(value=str(number)).SerializeToString()

    async def _mirror(
        self, requests: AsyncIterator[bytes], context: "grpc.aio.ServicerContext[bytes, bytes]"
    ) -> AsyncIterator[bytes]:
        """Each message as it came, a StringValue too."""
        async for request in requests:
            yield request

    async def _many(self, request: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> AsyncIterator[bytes]:
        self._note(context)
        for number in range(int(request)):
            yield b"%d" % number

    async def _large(self, request: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> AsyncIterator[bytes]:
        for _ in range(int(request)):
            yield bytes(1 << 20)

    async def _wait(self, request: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> AsyncIterator[bytes]:
        try:
            yield b"waiting"
            self.waiting.set()
            await asyncio.wait_for(self.release.wait(), 60)
        finally:
            self.cancelled.set()

    async def _both(
        self, requests: AsyncIterator[bytes], context: "grpc.aio.ServicerContext[bytes, bytes]"
    ) -> AsyncIterator[bytes]:
        self._note(context)
        async for request in requests:
            yield request[::-1]
