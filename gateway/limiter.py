"""How often who may call: the policy, the port that counts, and the adapter that counts in this process."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from gateway.core.forwarded import place
from gateway.core.limit import Buckets, Demand, Rate
from rushes.errors import ResourceExhausted

SIGN_INS: Final = frozenset(
    (
        "/auth/sign-in",
        "/auth/accept",
        "/rushes.project.v1.IdentityService/SignIn",
        "/rushes.project.v1.IdentityService/AcceptInvitation",
    )
)
CAPACITY: Final = 100_000
BURST_S: Final = 2.0
"""A burst is what the rate allows in so many seconds ..."""

SIGN_IN_BURST_S: Final = 4.0
ADDRESS_PEOPLE: Final = 10
"""... and one address may do what so many people may: an office has one."""


class RateLimited(ResourceExhausted):
    """More calls in a short time than one person, or one address, may make."""

    reason = "RATE_LIMITED"


class Limiter(Protocol):
    """Counts. Whoever takes does so for all demands of a request together, or for none."""

    def take(self, demands: Sequence[Demand]) -> float | None:
        """Seconds until there is enough; 0.0: taken; None: not known here, `ask`."""

    async def ask(self, demands: Sequence[Demand]) -> float:
        """As take, with the answer. It never fails: an engine that is away must not keep people out."""

    async def close(self) -> None:
        """Lets go of what it holds."""


class MemoryLimiter:
    """Counts for this process alone."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._buckets = Buckets(capacity)

    def take(self, demands: Sequence[Demand]) -> float | None:
        """See Limiter."""
        return self._buckets.take(demands, time.monotonic())

    async def ask(self, demands: Sequence[Demand]) -> float:
        """See Limiter."""
        return self._buckets.take(demands, time.monotonic())

    async def close(self) -> None:
        """See Limiter."""


@dataclass(frozen=True)
class Policy:
    """Rates, in calls a second; 0: no limit."""

    person_s: float
    sign_in_s: float
    methods: Mapping[str, float] = field(default_factory=dict)
    """Path of a method -> what one person may do of it, besides."""

    def demands(self, path: str, person: str, address: str) -> list[Demand]:
        """What a call takes. `person` is empty when it is not known for sure who calls."""
        found: list[Demand] = []
        address = place(address)
        if self.person_s:
            rate = _rate(self.person_s, BURST_S)
            if person:
                found += [(f"p|{person}", rate), (f"a|{address}", _rate(self.person_s * ADDRESS_PEOPLE, BURST_S))]
            else:
                found.append((f"n|{address}", rate))
        if self.sign_in_s and path in SIGN_INS:
            found.append((f"s|{address}", _rate(self.sign_in_s, SIGN_IN_BURST_S)))
        method_s = self.methods.get(path, 0.0)
        if method_s:
            found.append((f"m|{path}|{person or address}", _rate(method_s, BURST_S)))
        return found


_RATES: dict[tuple[float, float], Rate] = {}


def _rate(per_s: float, burst_s: float) -> Rate:
    known = _RATES.get((per_s, burst_s))
    if known is None:
        known = _RATES[per_s, burst_s] = Rate(per_s, max(1.0, per_s * burst_s))
    return known


def refusal(wait_s: float) -> RateLimited:
    """The error that says when to come again."""
    error = RateLimited("That is too many requests in a short time; try again in a moment.")
    error.retry_after_s = max(0.01, round(wait_s, 3))
    return error
