"""How many batches a person may send: 20 a second with bursts of 40; a service may have 8 in flight instead."""

from collections import OrderedDict
from typing import Final

BATCHES_S: Final = 20.0
BATCH_BURST: Final = 40.0
PRESENCE_S: Final = 60.0
PRESENCE_BURST: Final = 120.0
SERVICE_IN_FLIGHT: Final = 8
MAX_PEOPLE: Final = 20_000


class Bucket:
    """A token bucket: who is over the rate is told how long to wait."""

    __slots__ = ("_burst", "_rate_s", "_tokens", "_updated")

    def __init__(self, rate_s: float, burst: float, now: float) -> None:
        self._rate_s = rate_s
        self._burst = burst
        self._tokens = burst
        self._updated = now

    def _refill(self, now: float) -> None:
        if now > self._updated:
            self._tokens = min(self._burst, self._tokens + (now - self._updated) * self._rate_s)
            self._updated = now

    def take(self, now: float) -> float:
        """Takes one now and returns 0, or takes none and returns the seconds until there is one."""
        self._refill(now)
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self._rate_s

    def full(self, now: float) -> bool:
        """Whether nothing is known that a new bucket would not know."""
        self._refill(now)
        return self._tokens >= self._burst


class PeopleRates:
    """A bucket of batches for each person, over all their sessions. Forgets whom it need not remember."""

    def __init__(self, max_people: int = MAX_PEOPLE) -> None:
        self._max_people = max_people
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def _bucket(self, person_id: str, now: float) -> Bucket:
        bucket = self._buckets.get(person_id)
        if bucket is None:
            bucket = self._buckets[person_id] = Bucket(BATCHES_S, BATCH_BURST, now)
            self._forget(now)
        self._buckets.move_to_end(person_id)
        return bucket

    def _forget(self, now: float) -> None:
        while len(self._buckets) > 1:
            oldest = next(iter(self._buckets))
            if len(self._buckets) <= self._max_people and not self._buckets[oldest].full(now):
                return
            del self._buckets[oldest]

    def take(self, person_id: str, now: float) -> float:
        """See `Bucket.take`."""
        return self._bucket(person_id, now).take(now)


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
