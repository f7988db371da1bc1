"""The caller of the RPC at hand, and the proof by which services know each other."""

import hashlib
import hmac
from contextvars import ContextVar
from dataclasses import dataclass

from rushes.errors import Unauthenticated

SERVICE_METADATA = "rushes-service"


@dataclass(frozen=True, slots=True)
class Caller:
    """Which service calls, and for whom. The person's fields are empty when a service acts in its own name."""

    service: str
    person_id: str = ""
    session_id: str = ""
    tenant_id: str = ""
    expires_ms: int = 0
    token: str = ""


CALLER: ContextVar[Caller | None] = ContextVar("caller", default=None)
GRANTED: ContextVar[int] = ContextVar("granted", default=0)


def caller() -> Caller:
    """Who calls the RPC at hand."""
    present = CALLER.get()
    if present is None:
        raise Unauthenticated("Nobody is calling.")
    return present


def current() -> Caller | None:
    """As caller, but None outside an RPC."""
    return CALLER.get()


def granted() -> int:
    """The caller's permissions, as a mask, on the resource that the RPC at hand is about."""
    return GRANTED.get()


def service_token(name: str, secret: str) -> str:
    """What a service proves its name by: NAME.HMAC-SHA256(secret, NAME) in hexadecimal."""
    return f"{name}.{hmac.new(secret.encode(), name.encode(), hashlib.sha256).hexdigest()}"


def proven_service(token: str, secret: str) -> str:
    """The name that a service token proves. Raises Unauthenticated."""
    name, dot, _ = token.partition(".")
    if not dot or not secret or not hmac.compare_digest(token.encode(), service_token(name, secret).encode()):
        raise Unauthenticated("The calling service did not prove itself.")
    return name
