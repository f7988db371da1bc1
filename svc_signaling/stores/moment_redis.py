"""Moments in a Redis, where every instance finds them: a key for each room, which ends by itself."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import redis.asyncio
from redis.exceptions import RedisError

from svc_signaling.metrics import MOMENTS_AWAY

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 0.5
AWAY_S: Final = 2.0
"""After a failure Redis is left alone for so long."""
KEEP_S: Final = 2 * 86_400
PREFIX: Final = "rushes:room:"


class RedisMoments:
    """See Moments."""

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        self._redis: Any = redis.asyncio.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s)
        self._away_until_s = 0.0

    async def put(self, room_id: str, moment: bytes) -> None:
        """See Moments."""
        await self._ask(lambda: self._redis.set(PREFIX + room_id, moment, ex=KEEP_S))

    async def get(self, room_id: str) -> bytes | None:
        """See Moments."""
        found: bytes | None = await self._ask(lambda: self._redis.get(PREFIX + room_id))
        return found

    async def drop(self, room_id: str) -> None:
        """See Moments."""
        await self._ask(lambda: self._redis.delete(PREFIX + room_id))

    async def close(self) -> None:
        """See Moments."""
        await self._redis.aclose()

    async def _ask(self, asked: Callable[[], Awaitable[Any]]) -> Any:
        if time.monotonic() < self._away_until_s:
            return None
        try:
            return await asked()
        except (RedisError, OSError) as error:
            MOMENTS_AWAY.inc()
            log.warning("moments_away", extra={"error": str(error)})
            self._away_until_s = time.monotonic() + AWAY_S
            return None
