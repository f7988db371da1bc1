"""One program's connection: the channel, who one is, and tokens that are renewed before they end."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import grpc

from rushes.errors import FailedPrecondition, InvalidArgument, RushesError, Unauthenticated, Unavailable
from rushes.project.v1 import identity_service_pb2
from rushes.project.v1.identity_service_pb2_grpc import IdentityServiceStub
from rushes.status import DETAILS_METADATA, from_call

T = TypeVar("T")
RENEW_BEFORE_S = 60.0
CALL_S = 30.0
TRIES = 6
MAX_WAIT_S = 3.0
_OPTIONS = (
    ("grpc.max_receive_message_length", 8 * 1024 * 1024),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),  # without it gRPC waits a minute (grpc/grpc#39239)
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.enable_http_proxy", 0),
)


def error_of(error: grpc.aio.AioRpcError) -> RushesError:
    """A failed call as one of our errors."""
    if error.details() == "Internal error from Core":  # gRPC's word for a message to a connection that is gone
        return Unavailable("The connection was cut.")
    details = next((v for k, v in error.trailing_metadata() or () if k == DETAILS_METADATA), None)
    if details is None and "RST_STREAM" in (error.details() or ""):  # a proxy's word for the same of the one behind it
        return Unavailable("The connection was cut.")
    if "CERTIFICATE_VERIFY_FAILED" in (error.details() or ""):
        return FailedPrecondition(
            "The server's certificate is not trusted here. Give that of its authority, "
            "tls/authority.pem in its data folder: ca=, or --ca.",
            cause=error.details() or "",
        )
    if error.code() is grpc.StatusCode.UNAVAILABLE and details is None:
        return Unavailable("The server does not answer.", cause=error.details() or "")
    return from_call(error.code().value[0], error.details() or "", details if isinstance(details, bytes) else None)


def address_of(text: str) -> tuple[str, str]:
    """The address of a server as people write it: its origin, and host and port for gRPC. Raises InvalidArgument."""
    try:
        parts = urlsplit(text if "//" in text else f"http://{text}")
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidArgument("The address must be like http://127.0.0.1:8080.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{parts.netloc}", f"{host}:{port}"


class Connection:
    """Open it with `open`, close it with `close`."""

    def __init__(self, address: str, *, email: str, password: str, session: str, ca: bytes | None) -> None:
        self.address, self.target = address_of(address)
        self._tls = self.address.startswith("https:")
        self._ca = ca
        self._email, self._password = email, password
        self.session = session
        self._channel: grpc.aio.Channel | None = None
        self._token = ""
        self._token_ends_s = 0.0
        self._renewing = asyncio.Lock()

    @property
    def channel(self) -> grpc.aio.Channel:
        """The channel; opened when it is first asked for."""
        if self._channel is None:
            if self._tls:
                credentials = grpc.ssl_channel_credentials(self._ca)
                self._channel = grpc.aio.secure_channel(self.target, credentials, options=_OPTIONS)
            else:
                self._channel = grpc.aio.insecure_channel(self.target, options=_OPTIONS)
        return self._channel

    def tls(self) -> ssl.SSLContext | None:
        """How HTTPS requests trust the server; None: there is no TLS."""
        if not self._tls:
            return None
        return ssl.create_default_context(cadata=self._ca.decode("ascii") if self._ca else None)

    async def open(self) -> None:
        """Signs in. Raises Unauthenticated or Unavailable."""
        if not self.session:
            if not self._email:
                raise Unauthenticated("Give an email and a password, or a session.")
            await self._sign_in()
        await self.token()

    async def _sign_in(self) -> None:
        request = identity_service_pb2.SignInRequest(email=self._email, password=self._password)
        answer = await self.attempt(lambda: self._identity.SignIn(request, timeout=CALL_S))
        self.session = answer.session.secret

    @property
    def _identity(self) -> IdentityServiceStub:
        return IdentityServiceStub(self.channel)

    async def token(self) -> str:
        """An access token that lasts a while yet."""
        async with self._renewing:
            if time.time() > self._token_ends_s - RENEW_BEFORE_S:
                request = identity_service_pb2.IssueTokenRequest(session_secret=self.session)
                answer = await self.attempt(lambda: self._identity.IssueToken(request, timeout=CALL_S))
                self._token, self._token_ends_s = answer.token, answer.expires_ms / 1000
            return self._token

    async def metadata(self) -> tuple[tuple[str, str], ...]:
        """What every call carries."""
        return (("authorization", f"Bearer {await self.token()}"),)

    async def attempt(self, call: Callable[[], Awaitable[T]]) -> T:
        """Makes a call that may be made twice; again, with growing waits, while the other side is not there."""
        wait_s = 0.2
        for left in reversed(range(TRIES)):
            try:
                return await call()
            except grpc.aio.AioRpcError as error:
                known = error_of(error)
                if not isinstance(known, Unavailable) or not left:
                    raise known from error
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 3, MAX_WAIT_S)
        raise AssertionError("the last try raises or returns")

    async def call(self, method: Callable[..., Awaitable[T]], request: Any, timeout_s: float = CALL_S) -> T:
        """A unary call with a token."""
        metadata = await self.metadata()
        try:
            return await self.attempt(lambda: method(request, metadata=metadata, timeout=timeout_s))
        except Unauthenticated as error:
            if error.reason != "TOKEN_EXPIRED":
                raise
        # Clocks differ: ours says that it lasts yet.
        self.expire()
        metadata = await self.metadata()
        return await self.attempt(lambda: method(request, metadata=metadata, timeout=timeout_s))

    def expire(self) -> None:
        """The server says that the token has expired: the next call asks for another."""
        self._token_ends_s = 0.0

    async def close(self) -> None:
        """Closes the channel. The session stays open: it may be used again."""
        if self._channel is not None:
            await self._channel.close()
            self._channel = None
