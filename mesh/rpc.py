"""Calls between services: channels that prove who calls, and errors to and from gRPC's status."""

import json
import secrets
from collections.abc import AsyncIterable, Callable, Sequence
from typing import Any, TypeVar

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from mesh import telemetry
from mesh.auth.caller import SERVICE_METADATA, current, service_token
from mesh.config import MeshConfig
from rushes import errors

S = TypeVar("S")
DOMAIN = "rushes"
REQUEST_ID_METADATA = "rushes-request-id"
UNARY_TIMEOUT_S = 10.0
MAX_MESSAGE_BYTES = 4 * 1024 * 1024

CODES: tuple[tuple[type[errors.RushesError], int], ...] = (
    (errors.InvalidArgument, code_pb2.INVALID_ARGUMENT),
    (errors.NotFound, code_pb2.NOT_FOUND),
    (errors.Conflict, code_pb2.ABORTED),
    (errors.FailedPrecondition, code_pb2.FAILED_PRECONDITION),
    (errors.OutOfRange, code_pb2.OUT_OF_RANGE),
    (errors.PermissionDenied, code_pb2.PERMISSION_DENIED),
    (errors.Unauthenticated, code_pb2.UNAUTHENTICATED),
    (errors.ResourceExhausted, code_pb2.RESOURCE_EXHAUSTED),
    (errors.Unavailable, code_pb2.UNAVAILABLE),
)
_CATEGORIES: dict[int, type[errors.RushesError]] = {code: kind for kind, code in CODES} | {
    code_pb2.ALREADY_EXISTS: errors.Conflict,
    code_pb2.DEADLINE_EXCEEDED: errors.Unavailable,
    code_pb2.CANCELLED: errors.Unavailable,
}

_SERVICE_CONFIG = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.05s",
                    "maxBackoff": "1s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ],
        "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1},
    }
)
_OPTIONS = (
    ("grpc.service_config", _SERVICE_CONFIG),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
)


def code_of(error: errors.RushesError) -> int:
    """google.rpc.Code of an error's category."""
    return next((code for kind, code in CODES if isinstance(error, kind)), code_pb2.UNKNOWN)


def to_status(error: errors.RushesError, request_id: str) -> status_pb2.Status:
    """A google.rpc.Status with ErrorInfo, and RetryInfo where it is known when to try again."""
    status = status_pb2.Status(code=code_of(error), message=str(error))
    metadata = {key: str(value) for key, value in error.metadata.items()}
    if request_id:
        metadata["request_id"] = request_id
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata)
    status.details.append(_packed(info))
    if error.retry_after_s is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(int(error.retry_after_s * 1000))
        status.details.append(_packed(error_details_pb2.RetryInfo(retry_delay=delay)))
    return status


def _packed(message: Any) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def from_status(status: status_pb2.Status) -> errors.RushesError:
    """An error of the category, with the reason and metadata that the status carries."""
    kind = _CATEGORIES.get(status.code, errors.Unavailable if status.code == code_pb2.UNKNOWN else errors.RushesError)
    error = kind(status.message)
    for detail in status.details:
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            error.metadata = dict(info.metadata)
            error.reason = info.reason  # type: ignore[misc]  # an instance's reason: the far side's class is not here
        elif detail.Unpack(retry):
            error.retry_after_s = retry.retry_delay.ToMilliseconds() / 1000
    return error


def to_error(error: grpc.aio.AioRpcError) -> errors.RushesError:
    """A failed call as one of our errors."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            return from_status(status_pb2.Status.FromString(value))
    return from_status(status_pb2.Status(code=error.code().value[0], message=error.details() or ""))


class Channels:
    """The channels of one service to the others."""

    def __init__(self, name: str, mesh: MeshConfig) -> None:
        self._name = name
        self._mesh = mesh
        self._raw: dict[str, grpc.aio.Channel] = {}
        self._person: dict[str, grpc.aio.Channel] = {}
        self._bare: dict[str, grpc.aio.Channel] = {}

    def stub(self, stub_class: Callable[[grpc.aio.Channel], S], service: str, *, as_person: bool = True) -> S:
        """A stub. Its calls carry the service's proof, the request's id, and the present caller's token if `as_person`."""
        if not as_person:
            return stub_class(self.raw(service))
        channel = self._person.get(service)
        if channel is None:
            channel = self._person[service] = self._channel(service, as_person=True)
        return stub_class(channel)

    def raw(self, service: str) -> grpc.aio.Channel:
        """A channel that adds the service's proof alone: for calls in its own name and for bytes passed through."""
        channel = self._raw.get(service)
        if channel is None:
            channel = self._raw[service] = self._channel(service, as_person=False)
        return channel

    def bare(self, service: str) -> grpc.aio.Channel:
        """A channel that adds nothing, for streams whose every message counts; its calls need `metadata()`."""
        channel = self._bare.get(service)
        if channel is None:
            channel = self._bare[service] = grpc.aio.insecure_channel(self._target(service), options=_OPTIONS)
        return channel

    def metadata(self) -> list[tuple[str, str]]:
        """What a call on a bare channel must carry."""
        return [
            (SERVICE_METADATA, service_token(self._name, self._mesh.secret)),
            (REQUEST_ID_METADATA, telemetry.REQUEST_ID.get() or secrets.token_hex(8)),
        ]

    def _target(self, service: str) -> str:
        target = self._mesh.services.get(service)
        if target is None:
            raise KeyError(f"no address of {service} is configured (mesh.services)")
        return target

    def _channel(self, service: str, *, as_person: bool) -> grpc.aio.Channel:
        proof = service_token(self._name, self._mesh.secret)
        kinds = (_UnaryUnary, _UnaryStream, _StreamUnary, _StreamStream)
        return grpc.aio.insecure_channel(
            self._target(service), options=_OPTIONS, interceptors=[kind(proof, as_person=as_person) for kind in kinds]
        )

    async def close(self) -> None:
        """Closes all channels."""
        for channels in (self._raw, self._person, self._bare):
            for channel in channels.values():
                await channel.close()
            channels.clear()


class _Carrier:
    """Adds to a call's details what every call carries."""

    def __init__(self, proof: str, *, as_person: bool) -> None:
        self._proof = proof
        self._as_person = as_person

    def details(self, details: grpc.aio.ClientCallDetails, *, unary: bool) -> grpc.aio.ClientCallDetails:
        """The details with metadata, and a deadline where a unary call has none."""
        metadata: list[tuple[str, Any]] = [pair for pair in details.metadata or () if pair[0] != SERVICE_METADATA]
        metadata.append((SERVICE_METADATA, self._proof))
        names = {key for key, _ in metadata}
        if REQUEST_ID_METADATA not in names:
            metadata.append((REQUEST_ID_METADATA, telemetry.REQUEST_ID.get() or secrets.token_hex(8)))
        caller = current() if self._as_person else None
        if caller is not None and caller.token and "authorization" not in names:
            metadata.append(("authorization", f"Bearer {caller.token}"))
        timeout = UNARY_TIMEOUT_S if unary and details.timeout is None else details.timeout
        return grpc.aio.ClientCallDetails(
            details.method, timeout, grpc.aio.Metadata(*metadata), details.credentials, details.wait_for_ready
        )


class _UnaryUnary(_Carrier, grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc]
    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(self.details(client_call_details, unary=True), request)


class _UnaryStream(_Carrier, grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[misc]
    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(self.details(client_call_details, unary=False), request)


class _StreamUnary(_Carrier, grpc.aio.StreamUnaryClientInterceptor):  # type: ignore[misc]
    async def intercept_stream_unary(
        self, continuation: Any, client_call_details: Any, request_iterator: AsyncIterable[Any]
    ) -> Any:
        return await continuation(self.details(client_call_details, unary=False), request_iterator)


class _StreamStream(_Carrier, grpc.aio.StreamStreamClientInterceptor):  # type: ignore[misc]
    async def intercept_stream_stream(
        self, continuation: Any, client_call_details: Any, request_iterator: AsyncIterable[Any]
    ) -> Any:
        return await continuation(self.details(client_call_details, unary=False), request_iterator)


def metadata_value(metadata: Sequence[tuple[str, str | bytes]] | None, key: str) -> str:
    """The text value of a metadata key; empty: there is none."""
    for name, value in metadata or ():
        if name == key and isinstance(value, str):
            return value
    return ""
