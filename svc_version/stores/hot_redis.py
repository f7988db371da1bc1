"""Hot contents in a Redis: a hash for each video, `video:ID:versions`, with a field for each content.

Each field is put by HSETNX and taken out by the mover; the key's EXPIREAT, moved on by every put, is what cleans up
after videos that nobody comes to any more (by itself it would drop newer contents with the old).
"""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import redis.asyncio
from redis.exceptions import RedisError

from svc_version.core.model import Hash

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 0.5
AWAY_S: Final = 2.0
"""After a failure Redis is left alone for so long."""

LEAST_S: Final = 60
MAX_BYTES: Final = 8 * 1024 * 1024
"""Larger contents are left to the store: they would push out many others."""

PREFIX: Final = "rushes:video:"


class RedisHot:
    """See Hot."""

    def __init__(self, url: str, keep_s: float) -> None:
        self._redis: Any = redis.asyncio.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)
        self._keep_s = max(int(keep_s), LEAST_S)
        self._away_until_s = 0.0

    async def get(self, video_id: int, addresses: Sequence[Hash]) -> Mapping[Hash, bytes]:
        """See Hot."""
        if not addresses or self._away:
            return {}
        try:
            found = await self._redis.hmget(_key(video_id), list(addresses))
        except (RedisError, OSError) as error:
            self._leave(error)
            return {}
        return {sha256: data for sha256, data in zip(addresses, found, strict=True) if data is not None}

    async def put(self, video_id: int, contents: Mapping[Hash, bytes]) -> None:
        """See Hot."""
        small = {sha256: data for sha256, data in contents.items() if len(data) <= MAX_BYTES}
        if not small or self._away:
            return
        key = _key(video_id)
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for sha256, data in small.items():
                    pipeline.hsetnx(key, sha256, data)
                pipeline.expireat(key, int(time.time()) + self._keep_s)
                await pipeline.execute()
        except (RedisError, OSError) as error:
            self._leave(error)

    async def drop(self, video_id: int, addresses: Sequence[Hash]) -> None:
        """See Hot."""
        if not addresses or self._away:
            return
        try:
            await self._redis.hdel(_key(video_id), *addresses)
        except (RedisError, OSError) as error:
            self._leave(error)

    async def forget(self, video_id: int) -> None:
        """See Hot."""
        if self._away:
            return
        try:
            await self._redis.delete(_key(video_id))
        except (RedisError, OSError) as error:
            self._leave(error)

    async def close(self) -> None:
        """See Hot."""
        await self._redis.aclose()

    @property
    def _away(self) -> bool:
        return time.monotonic() < self._away_until_s

    def _leave(self, error: Exception) -> None:
        log.warning("hot_versions_away", extra={"error": str(error)})
        self._away_until_s = time.monotonic() + AWAY_S


def _key(video_id: int) -> str:
    return f"{PREFIX}{video_id}:versions"
