"""Counts calls of all gateways together, in a Redis: each takes a little in advance, so most calls ask nobody."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any, Final

import redis.asyncio
from redis.exceptions import RedisError

from gateway.core.limit import Buckets, Demand
from gateway.limiter import CAPACITY

log = logging.getLogger(__name__)

LEASE_S: Final = 0.05
"""A lease is what the rate gives in so long; what is left of it after MAX_LEASE_S is not used."""

MAX_LEASE_S: Final = 1.0
TIMEOUT_S: Final = 0.25
AWAY_S: Final = 2.0
"""After a failure Redis is left alone for so long, and this gateway counts for itself."""

PREFIX: Final = "rushes:limit:"

# KEYS: buckets. ARGV: for each the rate a second, the burst and how many are wanted. Gives for each how many it has
# given, or if one has not a single one: the milliseconds until it has. A bucket is the time at which it is full.
_TAKE: Final = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
local given, wait = {}, 0
for i, key in ipairs(KEYS) do
  local rate, burst, wanted = tonumber(ARGV[3*i-2]), tonumber(ARGV[3*i-1]), tonumber(ARGV[3*i])
  local full = math.max(tonumber(redis.call('GET', key) or '0'), now)
  local has = math.floor(burst - (full - now) * rate + 0.000001)
  if has < 1 then
    wait = math.max(wait, (full - now) - (burst - 1) / rate)
  end
  given[i] = math.min(has, wanted)
end
if wait > 0 then
  return {-1, math.ceil(wait * 1000)}
end
for i, key in ipairs(KEYS) do
  local rate = tonumber(ARGV[3*i-2])
  local full = math.max(tonumber(redis.call('GET', key) or '0'), now) + given[i] / rate
  redis.call('SET', key, string.format('%.6f', full), 'PX', math.ceil((full - now) * 1000) + 1000)
end
return given
"""


class RedisLimiter:
    """See Limiter. FLUSHALL, or a Redis that is away, costs exactness for a moment and keeps nobody out."""

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._redis: Any = redis.asyncio.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s)
        self._take = self._redis.register_script(_TAKE)
        self._leases: dict[str, tuple[float, float]] = {}
        self._alone = Buckets(CAPACITY)
        self._away_until_s = 0.0
        self._asking = asyncio.Lock()

    def take(self, demands: Sequence[Demand]) -> float | None:
        """See Limiter: from the leases, if all have one left."""
        now = time.monotonic()
        if now < self._away_until_s:
            return self._alone.take(demands, now)
        leases = self._leases
        for key, _ in demands:
            left, ends_s = leases.get(key, (0.0, 0.0))
            if left < 1 or ends_s < now:
                return None
        for key, _ in demands:
            left, ends_s = leases[key]
            leases[key] = (left - 1, ends_s)
        return 0.0

    async def ask(self, demands: Sequence[Demand]) -> float:
        """See Limiter: fetches leases for those that have none, one request at a time: whoever waits may find them."""
        async with self._asking:
            now = time.monotonic()
            missing = [one for one in demands if not self._has(one[0], now)]
            if missing and now >= self._away_until_s:
                try:
                    given = await self._fetch(missing)
                except (RedisError, OSError, TimeoutError) as error:
                    log.warning("limits_alone", extra={"error": str(error)})
                    self._away_until_s = time.monotonic() + AWAY_S
                    return self._alone.take(demands, time.monotonic())
                if given[0] < 0:
                    return max(0.001, given[1] / 1000)
                self._keep(missing, given)
            return self._spend(demands)

    def _has(self, key: str, now: float) -> bool:
        left, ends_s = self._leases.get(key, (0.0, 0.0))
        return left >= 1 and ends_s >= now

    async def _fetch(self, demands: Sequence[Demand]) -> list[int]:
        arguments: list[float] = []
        for _, rate in demands:
            arguments += [rate.per_s, rate.burst, max(1, int(rate.per_s * LEASE_S))]
        async with asyncio.timeout(2 * self._timeout_s):
            given: list[int] = await self._take([PREFIX + key for key, _ in demands], arguments)
        return given

    def _keep(self, demands: Sequence[Demand], given: Sequence[int]) -> None:
        now = time.monotonic()
        if len(self._leases) > CAPACITY:
            self._leases = {key: lease for key, lease in self._leases.items() if lease[1] >= now}
        for (key, _), count in zip(demands, given, strict=True):
            left = self._leases.get(key, (0.0, 0.0))[0] if self._has(key, now) else 0.0
            self._leases[key] = (left + count, now + MAX_LEASE_S)

    def _spend(self, demands: Sequence[Demand]) -> float:
        wait_s = self.take(demands)
        return 0.01 if wait_s is None else wait_s

    async def close(self) -> None:
        """See Limiter."""
        await self._redis.aclose()
