"""A Redis that is emptied, hangs, dies and comes back: it costs exactness for a moment, and keeps nobody out."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.core.limit import Rate
from gateway.limiter_redis import RedisLimiter
from tests.engine import Engine, need, running
from tests.waiting import until

FEW = Rate(0.01, 5)
"""So slow that none comes back within a test."""

PATIENCE_S = 1.0
"""A busy machine is no Redis that hangs."""

MANY = Rate(1_000_000.0, 1_000_000.0)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Engine]:
    """One of this test alone."""
    need("redis")
    engine = Engine("redis", tmp_path / "redis")
    with running([engine]):
        yield engine


async def taken(limiter: RedisLimiter, key: str, rate: Rate, count: int) -> int:
    """How many of so many calls are let through."""
    found = 0
    for _ in range(count):
        wait_s = limiter.take([(key, rate)])
        found += (await limiter.ask([(key, rate)]) if wait_s is None else wait_s) == 0.0
    return found


async def together(limiters: list[RedisLimiter], key: str) -> bool:
    """Whether they count together, as told by a key that nobody used."""
    return sum([await taken(each, key, FEW, 5) for each in limiters]) == 5


async def test_whatever_becomes_of_redis_nobody_is_kept_out_and_they_count_together_again(redis: Engine) -> None:
    limiters = [RedisLimiter(f"redis://{redis.address}/0", PATIENCE_S) for _ in range(2)]
    numbers = iter(range(10_000))

    async def again() -> bool:
        return await together(limiters, f"key {next(numbers)}")

    await until(again, "counting together")
    for number in (None, signal.SIGSTOP, signal.SIGKILL):
        if number is None:
            await limiters[0]._redis.flushall()
        elif number is signal.SIGSTOP:
            redis.send(number)
        else:
            redis.kill()
        for each in limiters:
            assert await taken(each, "busy", MANY, 50) == 50
        if number is not None:
            assert sum([await taken(each, f"alone {number}", FEW, 5) for each in limiters]) == 10
        if number is signal.SIGSTOP:
            redis.send(signal.SIGCONT)
        elif number is signal.SIGKILL:
            redis.start()
            redis.wait()
        await until(again, "counting together again")
    for each in limiters:
        await each.close()
