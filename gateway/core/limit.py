"""Limits of how often something may be done: a bucket of tokens for each key, kept as one number."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a second for long, and `burst` at once."""

    per_s: float
    burst: float


Demand = tuple[str, Rate]
"""What one request takes one of: a key and the rate that holds for it."""


class Buckets:
    """The buckets of many keys. A key that was quiet long enough to be full again is not kept.

    A bucket is the time at which it will be full (the generic cell rate algorithm), so nothing needs to refill it.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._full_at: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, demands: Iterable[Demand], now: float, count: float = 1.0) -> float:
        """Takes from every bucket, or from none: then gives the seconds until all have enough. 0.0: taken."""
        found = self._full_at
        after: list[tuple[str, float]] = []
        wait_s = 0.0
        for key, rate in demands:
            full_at = max(found.get(key, 0.0), now) + count / rate.per_s
            over_s = full_at - now - rate.burst / rate.per_s
            if over_s > 1e-9:
                wait_s = max(wait_s, over_s)
            after.append((key, full_at))
        if wait_s:
            return wait_s
        for key, full_at in after:
            if key not in self._full_at and len(self._full_at) >= self._capacity:
                self._make_room(now)
            self._full_at[key] = full_at
        return 0.0

    def _make_room(self, now: float) -> None:
        """Drops what is full again; if nothing is, the half that is nearest to it."""
        kept = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        if len(kept) >= self._capacity:
            latest = sorted(kept.items(), key=lambda one: one[1])[len(kept) // 2 :]
            kept = dict(latest)
        self._full_at = kept
