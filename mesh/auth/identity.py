"""What a service knows of people: a port, and the verification of access tokens that all adapters share."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from mesh.auth.caller import Caller
from mesh.auth.permission import has
from rushes.errors import Unauthenticated
from rushes.type.v1.access_pb2 import PERMISSION_UPLOAD, Resource

AUDIENCE = "rushes"
ALGORITHM = "EdDSA"
MAX_TOKEN_BYTES = 8 * 1024
MAX_ID = 128
EARLY_S = 60
"""How far the clock of whoever signed may be ahead of ours."""

_REQUIRED = ("sub", "sid", "tid", "aud", "exp", "iat", "jti")


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says. It holds no rights."""

    person_id: str
    session_id: str
    tenant_id: str
    expires_ms: int


class Identity(Protocol):
    """Who people are and what they may do, as far as this service needs it."""

    async def ready(self) -> None:
        """Returns once tokens can be verified and rights resolved."""

    def verify(self, token: str) -> Claims:
        """What a token says. Raises Unauthenticated unless it is genuine, unexpired and its session has not ended."""

    def cached(self, caller: Caller, resource: Resource) -> int | None:
        """The caller's permissions on a resource if they are known and current; a dictionary look-up."""

    @property
    def version(self) -> int:
        """While it stays the same and is not negative, what `cached` and `ended` said still holds."""

    async def permissions(self, caller: Caller, resource: Resource) -> int:
        """The caller's permissions on a resource; 0: none, or no such thing for them.

        Raises Unavailable when nobody can say.
        """

    async def name(self, caller: Caller) -> str:
        """The person's name as others read it."""

    def ended(self, session_id: str) -> bool:
        """Whether the session is known to have ended."""

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back whenever rights may have changed."""

    async def close(self) -> None:
        """Stops watching."""


class TokenInvalid(Unauthenticated):
    """The token is none of ours, or not whole."""

    reason = "TOKEN_INVALID"


class TokenMissing(Unauthenticated):
    """The call has no token."""

    reason = "TOKEN_MISSING"


class TokenExpired(Unauthenticated):
    """The token was valid once."""

    reason = "TOKEN_EXPIRED"


class SessionEnded(Unauthenticated):
    """The token's session was signed out."""

    reason = "SESSION_ENDED"


class UnknownKey(Unauthenticated):
    """The token names a key that is not known (yet). Where there is a `refetch`, it is worth a second try after it."""

    reason = "UNKNOWN_KEY"

    def __init__(self, message: str, refetch: Awaitable[None] | None = None) -> None:
        super().__init__(message)
        self.refetch = refetch


async def claims_of(identity: Identity, token: str) -> Claims:
    """What a token says; one signed by a key that is not known here yet is tried again with the keys fetched anew.

    Raises Unauthenticated, SessionEnded among it.
    """
    try:
        claims = identity.verify(token)
    except UnknownKey as error:
        if error.refetch is None:
            raise
        await error.refetch
        claims = identity.verify(token)
    if identity.ended(claims.session_id):
        raise SessionEnded("The session has ended; sign in again.")
    return claims


async def permissions_of(identity: Identity, caller: Caller, resources: Iterable[Resource]) -> int:
    """What a caller may do with a thing: the first, which may be followed by the project that it came in by.

    The project counts for those alone who may upload there; all others see a thing as what they find there, so that
    nobody else sees what is not put there yet, or lies in the trash.
    """
    mask = 0
    for place, resource in enumerate(resources):
        known = identity.cached(caller, resource)
        found = await identity.permissions(caller, resource) if known is None else known
        if place == 0 or has(found, PERMISSION_UPLOAD):
            mask |= found
    return mask


def verify_token(token: str, keys: Mapping[str, Ed25519PublicKey], now_ms: int | None = None) -> Claims:
    """Verifies an access token with public keys by their kid.

    Raises TokenInvalid, TokenExpired, or UnknownKey for a kid that is not among the keys.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenInvalid("The access token is too long.")
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") != ALGORITHM:
            raise TokenInvalid("The access token is not valid.")
        payload = jwt.decode(
            token,
            _key(header.get("kid"), keys),
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            # Times are checked below: with our clock, and room for whoever signed to be a little ahead of it.
            options={
                "require": list(_REQUIRED),
                "strict_aud": True,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except (jwt.PyJWTError, TypeError, ValueError) as error:
        raise TokenInvalid("The access token is not valid.") from error
    return _claims(payload, int(time.time() * 1000) if now_ms is None else now_ms)


def _key(kid: object, keys: Mapping[str, Ed25519PublicKey]) -> Ed25519PublicKey:
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_ID:
        raise TokenInvalid("The access token does not say which key signed it.")
    key = keys.get(kid)
    if key is None:
        raise UnknownKey("The access token was signed by nobody known here.")
    return key


def _claims(payload: Mapping[str, Any], now_ms: int) -> Claims:
    texts = [payload[name] for name in ("sub", "sid", "tid", "jti")]
    if not all(isinstance(text, str) and 0 < len(text) <= MAX_ID for text in texts):
        raise TokenInvalid("The access token names nobody.")
    times = [payload["exp"], payload["iat"], payload.get("nbf", 0)]
    if not all(isinstance(time_s, int) and not isinstance(time_s, bool) for time_s in times):
        raise TokenInvalid("The access token does not say when it holds.")
    expires_s, *begins_s = times
    if max(begins_s) * 1000 > now_ms + EARLY_S * 1000:
        raise TokenInvalid("The access token does not hold yet.")
    if expires_s * 1000 <= now_ms:
        raise TokenExpired("The access token has expired; ask for a new one.")
    return Claims(texts[0], texts[1], texts[2], expires_s * 1000)
