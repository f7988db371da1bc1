"""Who calls: the same, whatever it is asked for."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import cast

import pytest

from gateway.access import MeshAccess
from gateway.core.origin import Origins
from gateway.holding import Streams, TooManyStreams
from gateway.http.session import COOKIE, MAX_SECRET, TokenCache
from gateway.limiter import MemoryLimiter, Policy
from gateway.passage import CallPlan, Passage, Target
from gateway.upstream import Way
from mesh.auth.identity import Identity


class Everybody:
    """Knows a person by each token."""

    def verify(self, token: str) -> SimpleNamespace:
        """See Identity."""
        return SimpleNamespace(person_id=f"person {token}")


@dataclass
class Sessions:
    """Has the token of any session."""

    def peek(self, secret: str) -> str | None:
        """See TokenCache."""
        return "of a session"


def streams_of(head: str, *, public: bool = False) -> tuple[MeshAccess, CallPlan]:
    """A gateway where everybody may have one stream, and the plan of one with this head."""
    access = MeshAccess(
        cast(Identity, Everybody()),
        cast(TokenCache, Sessions()),
        MemoryLimiter(10),
        Policy(1_000.0, 0.0),
        (),
        "proof",
        Streams(1),
    )
    passage = Passage(
        lambda path: Target(path, cast(Way, None), unary=False, public=public),
        access,
        Origins(()),
        max_message_bytes=1_000,
        slow_reader_s=1.0,
        lines=b"",
    )
    lines = f"POST /a.B/C HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc-web\r\n{head}\r\n"
    _, plan = passage.plan(lines.encode())
    assert plan is not None
    return access, plan


BEARER = "Authorization: Bearer mine\r\n"


@pytest.mark.parametrize(
    ("head", "token"),
    [
        (BEARER, "mine"),
        (f"Cookie: {COOKIE}=secret\r\n{BEARER}", "of a session"),
        (f"Cookie: {COOKIE}={'x' * (MAX_SECRET + 1)}\r\n{BEARER}", "mine"),
    ],
    ids=["a token", "a cookie and a token", "a cookie that is none and a token"],
)
def test_streams_count_for_whoever_the_server_behind_is_told_of(head: str, token: str) -> None:
    access, plan = streams_of(head)
    told = access.fields(plan, "192.0.2.1")
    assert isinstance(told, bytes)
    assert told.startswith(access.rest(token, "192.0.2.1", True))
    assert access.begin(plan, "192.0.2.1")
    with pytest.raises(TooManyStreams):
        access.hold(f"{token}", "198.51.100.2").__enter__()
    access.hold("somebody else's", "198.51.100.2").__enter__()


def test_a_call_that_anybody_may_make_is_nobody_s() -> None:
    access, plan = streams_of(BEARER, public=True)
    told = access.fields(plan, "192.0.2.1")
    assert isinstance(told, bytes)
    assert told.startswith(access.rest("", "192.0.2.1", True))
    assert access.begin(plan, "192.0.2.1")
    assert access.begin(plan, "192.0.2.2"), "it counts for its address"
