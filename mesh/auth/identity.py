"""What a service knows of people: a port, and the verification of access tokens that all adapters share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from mesh.auth.caller import Caller
from rushes.errors import Unauthenticated
from rushes.type.v1.access_pb2 import Resource

AUDIENCE = "rushes"
MAX_TOKEN_BYTES = 8 * 1024
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

    async def permissions(self, caller: Caller, resource: Resource) -> int:
        """The caller's permissions on a resource; 0: none, or no such thing for them. Raises Unavailable when nobody can say."""

    async def name(self, caller: Caller) -> str:
        """The person's name as others read it."""

    def ended(self, session_id: str) -> bool:
        """Whether the session is known to have ended."""

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back whenever rights may have changed."""

    async def close(self) -> None:
        """Stops watching."""


def verify_token(token: str, keys: Mapping[str, Ed25519PublicKey]) -> Claims:
    """Verifies an access token with public keys by their kid. Raises Unauthenticated; KeyError's kind for an unknown kid."""
    if len(token) > MAX_TOKEN_BYTES:
        raise Unauthenticated("The access token is too long.")
    try:
        kid = jwt.get_unverified_header(token).get("kid", "")
        if kid not in keys:
            raise UnknownKey("The access token was signed by nobody known here.")
        claims = jwt.decode(
            token, keys[kid], algorithms=["EdDSA"], audience=AUDIENCE, options={"require": list(_REQUIRED)}
        )
        values = [claims[name] for name in ("sub", "sid", "tid")]
        if not all(isinstance(value, str) and value for value in values):
            raise Unauthenticated("The access token names nobody.")
        return Claims(*values, expires_ms=int(claims["exp"] * 1000))
    except jwt.ExpiredSignatureError as error:
        raise TokenExpired("The access token has expired; ask for a new one.") from error
    except (jwt.PyJWTError, TypeError, ValueError) as error:
        raise Unauthenticated("The access token is not valid.") from error


class UnknownKey(Unauthenticated):
    """The token names a key that is not known (yet)."""

    reason = "UNKNOWN_KEY"


class TokenExpired(Unauthenticated):
    """The token was valid once."""

    reason = "TOKEN_EXPIRED"
