"""How many batches a person may send: 20 a second with bursts of 40; a service may have 8 in flight instead."""

from typing import Final

BATCHES_S: Final = 20.0
BATCH_BURST: Final = 40.0
PRESENCE_S: Final = 60.0
PRESENCE_BURST: Final = 120.0
SERVICE_IN_FLIGHT: Final = 8
MAX_PEOPLE: Final = 20_000
_ROUNDING_S: Final = 1e-6
_WORTH_S: Final = 1.0 / BATCHES_S
_WORTH_OF_BURST_S: Final = (BATCH_BURST - 1.0) / BATCHES_S + _ROUNDING_S
"""So much later a bucket is full that has one batch left."""


class Bucket:
    """A token bucket: who is over the rate is told how long to wait. All it keeps is when it will be full again."""

    __slots__ = ("_full_at", "_worth_of_burst_s", "_worth_s")

    def __init__(self, rate_s: float, burst: float, now: float) -> None:
        self._full_at = now
        self._worth_s = 1.0 / rate_s
        self._worth_of_burst_s = (burst - 1.0) / rate_s + _ROUNDING_S

    def take(self, now: float) -> float:
        """Takes one now and returns 0, or takes none and returns the seconds until there is one."""
        full_at = self._full_at
        if full_at < now:
            full_at = now
        elif full_at - now > self._worth_of_burst_s:
            return full_at - now - self._worth_of_burst_s + _ROUNDING_S
        self._full_at = full_at + self._worth_s
        return 0.0


class PeopleRates:
    """A bucket of batches for each person, over all their sessions. Forgets whom it need not remember.

    Of a bucket it keeps one number: when it will be full again.
    """

    def __init__(self, max_people: int = MAX_PEOPLE) -> None:
        self._max_people = max_people
        self._full_at: dict[str, float] = {}
        self._forget_at = 0.0

    def take(self, person_id: str, now: float) -> float:
        """See `Bucket.take`."""
        full_at = self._full_at.get(person_id, 0.0)
        if full_at <= now:
            full_at = now
            if now >= self._forget_at or len(self._full_at) >= self._max_people:
                self._forget(now)
        elif full_at - now > _WORTH_OF_BURST_S:
            return full_at - now - _WORTH_OF_BURST_S + _ROUNDING_S
        self._full_at[person_id] = full_at + _WORTH_S
        return 0.0

    def _forget(self, now: float) -> None:
        """Nobody with a full bucket need be remembered; if too many are left, those go who came first."""
        self._full_at = {person_id: full_at for person_id, full_at in self._full_at.items() if full_at > now}
        while len(self._full_at) >= self._max_people:
            del self._full_at[next(iter(self._full_at))]
        self._forget_at = now + BATCH_BURST / BATCHES_S


class InFlight:
    """How many batches each service has in flight."""

    def __init__(self, limit: int = SERVICE_IN_FLIGHT) -> None:
        self._limit = limit
        self._counts: dict[str, int] = {}

    def enter(self, service: str) -> bool:
        """One more; False: it has as many as it may."""
        count = self._counts.get(service, 0)
        if count >= self._limit:
            return False
        self._counts[service] = count + 1
        return True

    def leave(self, service: str) -> None:
        """One less."""
        left = self._counts[service] - 1
        if left:
            self._counts[service] = left
        else:
            del self._counts[service]
