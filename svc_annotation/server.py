"""The gRPC side: protobuf in, protobuf out, and what is decided elsewhere in between.

Streams write bytes that are serialised already, so that what many receive is encoded once.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import aclosing
from typing import Any

import grpc
from google.protobuf.message import Message

from mesh import telemetry
from mesh.auth import caller, granted
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1 import history_service_pb2 as history
from rushes.annotation.v1 import relay_service_pb2 as relay
from rushes.document.wire import field, number_field, repeated_delimited
from svc_annotation import inside, query
from svc_annotation.collaborate import Write, collaborate
from svc_annotation.core.encoded import STATES
from svc_annotation.core.reader import SlowReader
from svc_annotation.errors import Draining, OpenInvalid
from svc_annotation.relay import relay_stream
from svc_annotation.shared import Shared

ANNOTATION_SERVICE = "rushes.annotation.v1.AnnotationService"
HISTORY_SERVICE = "rushes.annotation.v1.HistoryService"
RELAY_SERVICE = "rushes.annotation.v1.RelayService"


def as_bytes(payload: bytes) -> bytes:
    """What is serialised already."""
    return payload


class Handlers:
    """Every RPC of the service. `draining`: nothing new begins."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.draining = False

    async def collaborate(
        self, requests: AsyncIterator[service.CollaborateRequest], context: "grpc.aio.ServicerContext[Any, bytes]"
    ) -> None:
        """See AnnotationService.Collaborate."""
        self._check()
        first = await anext(requests, None)
        if first is None or first.WhichOneof("message") != "open":
            raise OpenInvalid("the first message of a stream is open")
        await collaborate(self._shared, caller(), first.open, requests, _writer(context), granted(), acks=True)

    async def follow(self, request: service.FollowRequest, context: object) -> AsyncIterator[bytes]:
        """See AnnotationService.Follow."""
        self._check()
        opening = service.CollaborateOpen(
            video_id=request.video_id,
            resume_revision=request.resume_revision if request.HasField("resume_revision") else None,
            epoch=request.epoch,
            delivery=request.delivery,
            audience=request.audience,
        )
        pipe = Pipe()
        serving = collaborate(self._shared, caller(), opening, _nothing(), pipe.write, granted(), acks=False)
        async for payload in pipe.read(serving):
            yield field(1, payload)

    async def create_batch(self, request: service.CreateBatchAnnotationsRequest, context: object) -> bytes:
        """See AnnotationService.CreateBatchAnnotations."""
        self._check()
        answer = await query.create_batch(self._shared, caller(), granted(), request)
        return answer.SerializeToString()

    async def get_document(self, request: service.GetDocumentRequest, context: object) -> bytes:
        """See AnnotationService.GetDocument."""
        page = await query.get_document(self._shared, caller(), granted(), request)
        head = number_field(1, self._shared.videos.epoch) + number_field(2, page.moment.revision)
        token = page.next_token.encode()
        tail = number_field(5, page.moment.time_ms) + number_field(6, page.head)
        return head + repeated_delimited(STATES, page.states) + (field(4, token) if token else b"") + tail

    async def read_document(
        self, request: service.ReadDocumentRequest, context: "grpc.aio.ServicerContext[Any, bytes]"
    ) -> None:
        """See AnnotationService.ReadDocument. Who does not take a part for long is cut, and begins anew."""
        limit_s = self._shared.config.unacked_s
        async with aclosing(query.read_document(self._shared, caller(), granted(), request)) as parts:
            async for part in parts:
                head = number_field(1, self._shared.videos.epoch) + number_field(2, part.moment.revision)
                tail = number_field(4, part.moment.time_ms) + number_field(5, part.head)
                try:
                    async with asyncio.timeout(limit_s):
                        await context.write(b"".join((head, part.states, tail)))
                except TimeoutError as error:
                    raise SlowReader(f"a part of the document was not taken in {limit_s:g} s") from error

    async def list_annotations(self, request: service.ListAnnotationsRequest, context: object) -> bytes:
        """See AnnotationService.ListAnnotations."""
        answer = await query.list_annotations(self._shared, caller(), granted(), request)
        return answer.SerializeToString()

    async def list_operations(self, request: service.ListOperationsRequest, context: object) -> bytes:
        """See AnnotationService.ListOperations."""
        answer = await query.list_operations(self._shared, caller(), granted(), request)
        return answer.SerializeToString()

    async def list_changes(self, request: service.ListChangesRequest, context: object) -> bytes:
        """See AnnotationService.ListChanges."""
        answer = await query.list_changes(self._shared, caller(), granted(), request)
        return answer.SerializeToString()

    async def read_states(self, request: history.ReadStatesRequest, context: object) -> AsyncIterator[bytes]:
        """See HistoryService.ReadStates."""
        async for answer in inside.read_states(self._shared, request):
            yield answer.SerializeToString()

    async def append_batch(self, request: history.AppendBatchRequest, context: object) -> bytes:
        """See HistoryService.AppendBatch."""
        self._check()
        answer = await inside.append_batch(self._shared, caller().service, request)
        return answer.SerializeToString()

    async def relay(
        self, requests: AsyncIterator[relay.RelayRequest], context: "grpc.aio.ServicerContext[Any, bytes]"
    ) -> None:
        """See RelayService.Relay."""
        self._check()
        await relay_stream(self._shared, requests, _writer(context), telemetry.REQUEST_ID.get())

    def _check(self) -> None:
        if self.draining:
            raise Draining("this instance stops: open again")

    def generic(self) -> Sequence[grpc.GenericRpcHandler]:
        """The handlers as gRPC takes them."""
        annotations: dict[str, Any] = {
            "CreateBatchAnnotations": _unary(self.create_batch, service.CreateBatchAnnotationsRequest),
            "GetDocument": _unary(self.get_document, service.GetDocumentRequest),
            "ListAnnotations": _unary(self.list_annotations, service.ListAnnotationsRequest),
            "ListOperations": _unary(self.list_operations, service.ListOperationsRequest),
            "ListChanges": _unary(self.list_changes, service.ListChangesRequest),
            "ReadDocument": _answers(self.read_document, service.ReadDocumentRequest),
            "Follow": _answers(self.follow, service.FollowRequest),
            "Collaborate": _both(self.collaborate, service.CollaborateRequest),
        }
        histories: dict[str, Any] = {
            "ReadStates": _answers(self.read_states, history.ReadStatesRequest),
            "AppendBatch": _unary(self.append_batch, history.AppendBatchRequest),
        }
        relays: dict[str, Any] = {"Relay": _both(self.relay, relay.RelayRequest)}
        return (
            grpc.method_handlers_generic_handler(ANNOTATION_SERVICE, annotations),
            grpc.method_handlers_generic_handler(HISTORY_SERVICE, histories),
            grpc.method_handlers_generic_handler(RELAY_SERVICE, relays),
        )


def _unary(method: Any, request: type[Message]) -> Any:
    """The handler of an RPC with one answer, which comes as bytes."""
    return grpc.unary_unary_rpc_method_handler(
        method, request_deserializer=request.FromString, response_serializer=as_bytes
    )


def _answers(method: Any, request: type[Message]) -> Any:
    """The handler of an RPC with a stream of answers."""
    return grpc.unary_stream_rpc_method_handler(
        method, request_deserializer=request.FromString, response_serializer=as_bytes
    )


def _both(method: Any, request: type[Message]) -> Any:
    """The handler of an RPC with a stream each way."""
    return grpc.stream_stream_rpc_method_handler(
        method, request_deserializer=request.FromString, response_serializer=as_bytes
    )


class Pipe:
    """What one side writes the other yields, a message at a time: who does not read is not written to."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(1)

    async def write(self, payload: bytes) -> None:
        """Returns once the message before was taken."""
        await self._queue.put(payload)

    async def read(self, writing: Coroutine[Any, Any, None]) -> AsyncIterator[bytes]:
        """Runs the writing side and yields what it writes, until it ends. Raises what it raises."""
        task = asyncio.create_task(writing)
        try:
            while True:
                taking = asyncio.ensure_future(self._queue.get())
                done, _ = await asyncio.wait((task, taking), return_when=asyncio.FIRST_COMPLETED)
                if taking not in done:
                    taking.cancel()
                    task.result()
                    return
                yield taking.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _writer(context: "grpc.aio.ServicerContext[Any, bytes]") -> Write:
    async def write(payload: bytes) -> None:
        await context.write(payload)

    return write


async def _nothing() -> AsyncIterator[service.CollaborateRequest]:
    """No messages."""
    requests: tuple[service.CollaborateRequest, ...] = ()
    for request in requests:
        yield request
