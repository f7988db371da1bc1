"""What anybody may fill stays within its bytes."""

from collections.abc import Sequence
from typing import cast

import pytest

from gateway.access import MeshAccess
from gateway.core.kept import Kept
from gateway.core.limit import Demand
from gateway.core.origin import Origins
from gateway.http.session import TokenCache
from gateway.limiter import MemoryLimiter, Policy, RateLimited
from gateway.passage import Passage, Target
from gateway.upstream import Way
from mesh.auth.identity import Identity
from rushes.errors import Unauthenticated


def test_entries_are_forgotten_before_they_are_too_many_bytes() -> None:
    kept = Kept[int, str](1_000, 100)
    for number in range(500):
        kept.put(number, "x", 90)
        assert kept.get(number) == "x"
        assert len(kept) * 90 <= 1_000


def test_what_is_long_is_not_kept() -> None:
    kept = Kept[str, str](1_000, 100)
    kept.put("long", "x", 101)
    assert kept.get("long") is None
    assert len(kept) == 0


class Nobody:
    """Knows no token."""

    def verify(self, token: str) -> None:
        """See Identity."""
        raise Unauthenticated("no")


class Spent(MemoryLimiter):
    """Nobody may call any more."""

    def take(self, demands: Sequence[Demand]) -> float | None:
        """See Limiter."""
        return 1.0


def test_nothing_is_kept_of_a_call_that_is_refused() -> None:
    access = MeshAccess(
        cast(Identity, Nobody()), cast(TokenCache, None), Spent(10), Policy(1.0, 0.0), (), "a service's token"
    )
    passage = Passage(
        lambda path: Target(path, cast(Way, None), unary=True),
        access,
        Origins(()),
        max_message_bytes=1_000,
        slow_reader_s=1.0,
        lines=b"",
    )
    _, plan = passage.plan(
        b"POST /a.B/C HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc-web\r\n"
        b"Authorization: Bearer made.up\r\n\r\n"
    )
    assert plan is not None
    with pytest.raises(RateLimited):
        access.fields(plan, "192.0.2.1")
    assert len(access._blocks) == 0
    access.rest("made.up", "192.0.2.1", True)
    access.rest("long" * 2_000, "192.0.2.1", True)
    assert len(access._blocks) == 1
