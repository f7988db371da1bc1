"""The RPC at hand: who calls, until when, and the proof by which services know each other."""

import hashlib
import hmac
import re
from contextvars import ContextVar
from dataclasses import dataclass

from rushes.errors import Unauthenticated

SERVICE_METADATA = "rushes-service"
_NAME = re.compile(r"[a-z][a-z_]{0,31}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Which service calls, and for whom. The person's fields are empty when a service acts in its own name."""

    service: str
    person_id: str = ""
    session_id: str = ""
    tenant_id: str = ""
    expires_ms: int = 0
    token: str = ""


@dataclass(slots=True)
class Call:
    """An RPC that is being served.

    Tasks begun inside it inherit it and may outlive it, so it says when it is over: from then on neither its deadline
    nor its person counts for calls to other services.
    """

    deadline_s: float | None
    """Monotonic time at which its caller gives up; None: never."""

    caller: Caller | None = None
    granted: int = 0
    over: bool = False


class ServiceUnknown(Unauthenticated):
    """The call does not come from a service of this mesh."""

    reason = "SERVICE_UNKNOWN"


CALL: ContextVar[Call | None] = ContextVar("call", default=None)


def caller() -> Caller:
    """Who calls the RPC at hand."""
    call = CALL.get()
    if call is None or call.caller is None:
        raise Unauthenticated("Nobody is calling.")
    return call.caller


def renew(who: Caller) -> None:
    """Calls that the RPC at hand makes for its caller are made with that token from now on."""
    call = CALL.get()
    if call is not None:
        call.caller = who


def current() -> Call | None:
    """The RPC that this code runs for; None outside of one, and once it is over."""
    call = CALL.get()
    return None if call is None or call.over else call


def granted() -> int:
    """The caller's permissions, as a mask, on the resource that the RPC at hand is about."""
    call = CALL.get()
    return 0 if call is None else call.granted


def service_token(name: str, secret: str) -> str:
    """What a service proves its name by: NAME.HMAC-SHA256(secret, NAME) in hexadecimal."""
    return f"{name}.{hmac.new(secret.encode(), name.encode(), hashlib.sha256).hexdigest()}"


def proven_service(token: str, secret: str) -> str:
    """The name that a service token proves. Raises ServiceUnknown."""
    name = token.partition(".")[0]
    if not secret or not _NAME.fullmatch(name):
        raise ServiceUnknown("The calling service did not prove itself.")
    if not hmac.compare_digest(token.encode(), service_token(name, secret).encode()):
        raise ServiceUnknown("The calling service did not prove itself.")
    return name
