"""A browser's session cookie, and the access tokens it stands for."""

import asyncio
import time
from dataclasses import dataclass

import grpc
from aiohttp import web

from gateway.core.metadata import CLIENT_METADATA, bearer_of, cookie_of
from gateway.core.origin import Headers
from gateway.fault import error_of
from rushes.errors import Unauthenticated, Unavailable
from rushes.project.v1 import identity_service_pb2
from rushes.project.v1.identity_service_pb2_grpc import IdentityServiceStub

COOKIE = "rushes_session"
RENEW_BEFORE_MS = 90_000
MAX_CACHED = 20_000
MAX_SECRET = 256
ADDRESS = "rushes.address"
"""Key of a request's address, where proxies are trusted to say it."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and when it ends."""

    value: str
    expires_ms: int

    def fresh(self, now_ms: float) -> bool:
        """Whether it lasts long enough to be used."""
        return self.expires_ms - now_ms > RENEW_BEFORE_MS


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose connection it is, by the head of the request that opened it."""

    host: str
    address: str
    secret: str
    """Of the cookie's session; empty: there is none."""
    bearer: str
    """Token of `authorization`; empty: there is none."""


class TokenCache:
    """Access tokens by session secret; one request to svc_project per session and few minutes, however many ask."""

    def __init__(self, identity: IdentityServiceStub) -> None:
        self._identity = identity
        self._tokens: dict[str, Token] = {}
        self._asking: dict[str, asyncio.Task[Token]] = {}

    def peek(self, secret: str) -> str | None:
        """A token that is here and fresh; None: it has to be asked for."""
        token = self._tokens.get(secret)
        return token.value if token is not None and token.fresh(time.time() * 1000) else None

    async def get(self, secret: str) -> Token:
        """A token of the session; raises Unauthenticated when it has ended."""
        token = self._tokens.get(secret)
        if token is not None and token.fresh(time.time() * 1000):
            return token
        task = self._asking.get(secret)
        if task is None:
            task = self._asking[secret] = asyncio.create_task(self._ask(secret))
            task.add_done_callback(lambda done: self._answered(secret, done))
        try:
            return await asyncio.shield(task)
        except Unavailable:
            # It was to be renewed early; until it ends it does as well.
            if token is not None and token.expires_ms > time.time() * 1000:
                return token
            raise

    def _answered(self, secret: str, done: "asyncio.Task[Token]") -> None:
        self._asking.pop(secret, None)
        # Asked for here too, since whoever waited may be gone.
        if not done.cancelled() and isinstance(done.exception(), Unauthenticated):
            self._tokens.pop(secret, None)

    async def _ask(self, secret: str) -> Token:
        request = identity_service_pb2.IssueTokenRequest(session_secret=secret)
        try:
            answer = await self._identity.IssueToken(request)
        except grpc.aio.AioRpcError as error:
            raise error_of(error) from error
        token = Token(answer.token, answer.expires_ms)
        if len(self._tokens) >= MAX_CACHED:
            self._tokens.pop(next(iter(self._tokens)))
        self._tokens[secret] = token
        return token

    def forget(self, secret: str) -> None:
        """The session was ended here."""
        self._tokens.pop(secret, None)


def secret_of(request: web.Request) -> str:
    """The session's secret from the cookie, or empty."""
    secret = request.cookies.get(COOKIE, "")
    return secret if len(secret) <= MAX_SECRET and secret.isascii() else ""


async def token_of(request: web.Request, tokens: TokenCache) -> str:
    """Access token of a request: from its cookie, or from `authorization` for programs; empty: it has none."""
    secret = secret_of(request)
    if secret:
        return (await tokens.get(secret)).value
    return bearer_of(request.headers.get("authorization", ""))


def caller_of(head: Headers, address: str) -> Caller:
    """Whose connection it is that begins with this head."""
    secret = cookie_of(head.get("cookie", ""), COOKIE)
    return Caller(
        head.get("host", ""),
        address,
        secret if len(secret) <= MAX_SECRET else "",
        bearer_of(head.get("authorization", "")),
    )


async def token_of_caller(caller: Caller, tokens: TokenCache) -> str:
    """Access token of whoever opened a connection; empty: they have none."""
    return (await tokens.get(caller.secret)).value if caller.secret else caller.bearer


def client_of(request: web.Request) -> tuple[str, str]:
    """Metadata that tells svc_project who it is that tries passwords."""
    return CLIENT_METADATA, request.get(ADDRESS) or request.remote or ""


async def required_token(request: web.Request, tokens: TokenCache) -> str:
    """As token_of, but raises Unauthenticated where there is none."""
    token = await token_of(request, tokens)
    if not token:
        raise Unauthenticated("Sign in first.")
    return token


def set_cookie(response: web.StreamResponse, session: identity_service_pb2.Session, secure: bool) -> None:
    """Keeps the session in a cookie that scripts cannot read and other sites cannot use."""
    max_age_s = max(0, int(session.expires_ms / 1000 - time.time()))
    response.set_cookie(
        COOKIE, session.secret, max_age=max_age_s, path="/", httponly=True, samesite="Strict", secure=secure
    )


def clear_cookie(response: web.StreamResponse) -> None:
    """Takes the cookie away."""
    response.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
