"""Calls between services: channels that prove who calls, and errors to and from gRPC's status."""

import json
import re
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, cast

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from mesh import telemetry
from mesh.auth.caller import SERVICE_METADATA, current, service_token
from mesh.config import MeshConfig
from mesh.mutual import NAME, Mutual
from rushes import errors
from rushes.status import DETAILS_METADATA, code_of, from_call

S = TypeVar("S")
DOMAIN = "rushes"
UNIX = "unix:"
REQUEST_ID_METADATA = "rushes-request-id"
MAX_TEXT = 1_000
UNARY_TIMEOUT_S = 10.0
_IPV4 = re.compile(r"[0-9]+(\.[0-9]+){3}:[0-9]+")
MAX_MESSAGE_BYTES = 4 * 1024 * 1024

_SERVICE_CONFIG = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 5,
                    "initialBackoff": "0.05s",
                    "maxBackoff": "1s",
                    "backoffMultiplier": 3,
                    # A server that stops ends as CANCELLED the calls that it has not begun (grpc/grpc#41785). Whoever
                    # cancels a call itself tries nothing again.
                    "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
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
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
    # A stream whose reader stops holds what the window lets in, and gRPC would let it grow to megabytes of each.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 64 * 1024),
)

_LOCAL_PINGS = (("grpc.keepalive_time_ms", 20_000), ("grpc.http2.ping_timeout_ms", 60_000))
HOST_PINGS = (("grpc.keepalive_time_ms", 3_000), ("grpc.http2.ping_timeout_ms", 4_000))
"""A process that ends says so, a machine that loses its power or its network does not: after seven seconds it is gone,
and whoever was served there has some of ten left to come to another. gRPC's "keepalive_timeout" only sets what the
kernel waits for unsent bytes (grpc/grpc#39239).
"""


def to_status(error: errors.RushesError, request_id: str) -> status_pb2.Status:
    """A google.rpc.Status with ErrorInfo, and RetryInfo where it is known when to try again."""
    status = status_pb2.Status(code=code_of(error), message=error.message[:MAX_TEXT])
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


def internal_status(request_id: str) -> status_pb2.Status:
    """What is said of an error that nobody foresaw: where to find it, not what it is."""
    text = f"Something went wrong here; the log has it under {request_id}."
    info = error_details_pb2.ErrorInfo(reason="INTERNAL", domain=DOMAIN, metadata={"request_id": request_id})
    return status_pb2.Status(code=code_pb2.INTERNAL, message=text, details=[_packed(info)])


def to_error(error: grpc.aio.AioRpcError) -> errors.RushesError:
    """A failed call as one of our errors."""
    details = next((value for key, value in error.trailing_metadata() or () if key == DETAILS_METADATA), None)
    return from_call(error.code().value[0], error.details() or "", details if isinstance(details, bytes) else None)


class Channels:
    """The channels of one service to the others. A channel is opened when it is first used, so after the fork."""

    def __init__(self, name: str, mesh: MeshConfig) -> None:
        self._proof = service_token(name, mesh.secret)
        self._services = mesh.services
        self.mutual = Mutual.of(mesh)
        self._turn = secrets.randbelow(1 << 16)
        self._channels: dict[str, grpc.aio.Channel] = {}

    def stub(self, stub_class: Callable[[grpc.aio.Channel], S], service: str, *, as_person: bool = True) -> S:
        """A stub. Its calls carry the service's proof and the request's id; if `as_person`, the caller's token too."""
        return stub_class(self._carrying(service, as_person=as_person))

    def raw_to(self, target: str) -> grpc.aio.Channel:
        """As `raw`, to one target."""
        return self._carry(self.to(target), as_person=False)

    def raw(self, service: str) -> grpc.aio.Channel:
        """A channel that adds the service's proof alone: for calls in its own name and for bytes passed through."""
        return self._carrying(service, as_person=False)

    def address(self, service: str) -> str:
        """Where a service is: one target, or the targets of its instances with commas between."""
        address = self._services.get(service)
        if address is None:
            raise KeyError(f"no address of {service} is configured (mesh.services)")
        return address

    def bare(self, service: str) -> grpc.aio.Channel:
        """A channel that adds nothing; its calls need `metadata()`. Of several instances any can do: it keeps to one,
        not the same for all who call, and goes to the next when that is gone. Instances that are named one by one
        cannot stand in for each other: name all of them as one, dns:///name:port.
        """
        return self.to(_any_of(self.address(service), self._turn))

    def to(self, target: str) -> grpc.aio.Channel:
        """A channel to one target, as `bare`."""
        channel = self._channels.get(target)
        if channel is None:
            channel = self._channels[target] = self._open(target)
        return channel

    def _open(self, target: str) -> grpc.aio.Channel:
        if target.startswith(UNIX):
            return grpc.aio.insecure_channel(target, options=(*_OPTIONS, *_LOCAL_PINGS))
        if self.mutual is None:
            return grpc.aio.insecure_channel(target, options=(*_OPTIONS, *HOST_PINGS))
        options = (*_OPTIONS, *HOST_PINGS, ("grpc.ssl_target_name_override", NAME))
        return grpc.aio.secure_channel(target, self.mutual.channel_credentials, options=options)

    def metadata(self) -> list[tuple[str, str]]:
        """What a call on a bare channel must carry."""
        return [(SERVICE_METADATA, self._proof), (REQUEST_ID_METADATA, _request_id())]

    def _carrying(self, service: str, *, as_person: bool) -> grpc.aio.Channel:
        return self._carry(self.bare(service), as_person=as_person)

    def _carry(self, channel: grpc.aio.Channel, *, as_person: bool) -> grpc.aio.Channel:
        # It has what stubs and pass-through use of a channel: the four ways to make a call.
        return cast(grpc.aio.Channel, _Carrier(channel, self._proof, as_person=as_person))

    async def close(self) -> None:
        """Closes all channels."""
        channels, self._channels = self._channels, {}
        for channel in channels.values():
            await channel.close()


def _any_of(address: str, turn: int) -> str:
    """One target for gRPC that stands for all of an address, in an order of one's own."""
    targets = [each.strip() for each in address.split(",")]
    turn %= len(targets)
    targets = targets[turn:] + targets[:turn]
    if all(each.startswith(UNIX) for each in targets):
        return UNIX + ",".join(each.removeprefix(UNIX) for each in targets)
    if all(_IPV4.fullmatch(each) for each in targets):
        return "ipv4:" + ",".join(targets)
    return targets[0]  # gRPC has no target that stands for several names


class _Carrier:
    """A channel whose calls carry what the mesh needs. Not made of gRPC's interceptors: those put a task and a queue
    between a stream and whoever writes it, and cost a unary call as much again.
    """

    def __init__(self, channel: grpc.aio.Channel, proof: str, *, as_person: bool) -> None:
        self._channel = channel
        self._proof = proof
        self._as_person = as_person

    def unary_unary(self, method: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """See grpc.aio.Channel. A call without a timeout has UNARY_TIMEOUT_S."""
        return self._with_request(self._channel.unary_unary(method, *args, **kwargs), UNARY_TIMEOUT_S)

    def unary_stream(self, method: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """See grpc.aio.Channel."""
        return self._with_request(self._channel.unary_stream(method, *args, **kwargs), None)

    def stream_unary(self, method: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """See grpc.aio.Channel."""
        return self._with_request(self._channel.stream_unary(method, *args, **kwargs), None)

    def stream_stream(self, method: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """See grpc.aio.Channel."""
        return self._with_request(self._channel.stream_stream(method, *args, **kwargs), None)

    def _with_request(self, make: Any, default_s: float | None) -> Callable[..., Any]:
        def begin(
            request: Any = None,
            *,
            timeout: float | None = None,
            metadata: Iterable[tuple[str, str | bytes]] | None = None,
            **kwargs: Any,
        ) -> Any:
            timeout_s = _timeout_s(default_s if timeout is None else timeout)
            return make(request, timeout=timeout_s, metadata=self._metadata(metadata), **kwargs)

        return begin

    def _metadata(self, given: Iterable[tuple[str, str | bytes]] | None) -> list[tuple[str, str | bytes]]:
        metadata = [pair for pair in given or () if pair[0] != SERVICE_METADATA]
        names = {key for key, _ in metadata}
        metadata.append((SERVICE_METADATA, self._proof))
        if REQUEST_ID_METADATA not in names:
            metadata.append((REQUEST_ID_METADATA, _request_id()))
        call = current() if self._as_person else None
        if call is not None and call.caller is not None and call.caller.token and "authorization" not in names:
            metadata.append(("authorization", f"Bearer {call.caller.token}"))
        return metadata


def _request_id() -> str:
    return telemetry.REQUEST_ID.get() or secrets.token_hex(8)


def _timeout_s(timeout_s: float | None) -> float | None:
    """The time that a call has: never more than the call has left that it is made for."""
    call = current()
    if call is None or call.deadline_s is None:
        return timeout_s
    left_s = max(call.deadline_s - time.monotonic(), 0.0)
    return left_s if timeout_s is None else min(timeout_s, left_s)


def metadata_value(metadata: Sequence[tuple[str, str | bytes]] | None, key: str) -> str:
    """The text value of a metadata key; empty: there is none."""
    for name, value in metadata or ():
        if name == key and isinstance(value, str):
            return value
    return ""
