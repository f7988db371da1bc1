"""What every adapter of the gateway's limiter does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from gateway.core.limit import Demand, Rate
from gateway.limiter import Limiter, MemoryLimiter
from gateway.limiter_redis import RedisLimiter

SLOW = Rate(0.01, 5)
"""So slow that none comes back within a test."""

Make = Callable[[], Awaitable[Limiter]]


@pytest.fixture(params=["memory", "redis"])
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Make]:
    """Makes limiters that count together, as two gateways' do; in memory there is but one."""
    made: list[Limiter] = []
    url = request.getfixturevalue("fresh_redis") if request.param == "redis" else ""

    async def one() -> Limiter:
        if url or not made:
            made.append(RedisLimiter(url) if url else MemoryLimiter())
        return made[-1]

    yield one
    for limiter in set(made):
        await limiter.close()


async def taken(limiter: Limiter, demands: list[Demand]) -> float:
    """As the gateway asks: what is not known at once is asked for."""
    wait_s = limiter.take(demands)
    return await limiter.ask(demands) if wait_s is None else wait_s


async def test_a_burst_is_let_through_and_no_more(make: Make) -> None:
    limiter = await make()
    waits = [await taken(limiter, [("k", SLOW)]) for _ in range(8)]
    assert waits[:5] == [0.0] * 5
    assert all(50 < wait_s <= 101 for wait_s in waits[5:])


async def test_two_gateways_count_together(make: Make) -> None:
    one, two = await make(), await make()
    waits = [await taken(limiter, [("k", SLOW)]) for limiter in (one, two) * 5]
    assert waits.count(0.0) == 5


async def test_what_is_refused_takes_nothing_of_others(make: Make) -> None:
    limiter = await make()
    small = Rate(0.01, 1)
    assert await taken(limiter, [("large", SLOW), ("small", small)]) == 0.0
    for _ in range(10):
        assert await taken(limiter, [("large", SLOW), ("small", small)]) > 0
    assert [await taken(limiter, [("large", SLOW)]) for _ in range(5)].count(0.0) == 4


async def test_keys_do_not_share(make: Make) -> None:
    limiter = await make()
    assert [await taken(limiter, [("a", SLOW)]) for _ in range(6)][-1] > 0
    assert await taken(limiter, [("b", SLOW)]) == 0.0


async def test_calls_side_by_side_get_no_more_than_there_is(make: Make) -> None:
    one, two = await make(), await make()
    rate = Rate(0.01, 40)
    waits = await asyncio.gather(*(taken(limiter, [("k", rate)]) for limiter in (one, two) * 50))
    assert 30 <= waits.count(0.0) <= 40


async def test_without_redis_a_gateway_counts_for_itself() -> None:
    limiter = RedisLimiter("redis://127.0.0.1:1/0")
    try:
        waits = [await taken(limiter, [("k", SLOW)]) for _ in range(8)]
        assert waits.count(0.0) == 5
    finally:
        await limiter.close()
