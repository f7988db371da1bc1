"""What every copy of hot contents promises: what it gives was put there, and what it cannot give is not missed."""

import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from svc_version.stores.hot import Hot, NoHot
from svc_version.stores.hot_redis import MAX_BYTES, RedisHot

WEEK_S = 7 * 86_400
ONE, TWO, THREE = b"1" * 32, b"2" * 32, b"3" * 32


@pytest.fixture(params=["none", "redis", "redis that is away"])
async def hot(request: pytest.FixtureRequest) -> AsyncIterator[Hot]:
    """A copy with nothing in it."""
    made: Hot = NoHot()
    if request.param == "redis":
        made = RedisHot(request.getfixturevalue("fresh_redis"), WEEK_S)
    elif request.param != "none":
        made = RedisHot("redis://127.0.0.1:9/0", WEEK_S)
    yield made
    await made.close()


async def test_it_gives_what_was_put_or_nothing_and_never_fails(hot: Hot) -> None:
    assert await hot.get(7, [ONE]) == {}
    assert await hot.get(7, []) == {}
    await hot.put(7, {})
    await hot.put(7, {ONE: b"one", TWO: b"two"})
    found = await hot.get(7, [ONE, TWO, THREE])
    assert found in ({}, {ONE: b"one", TWO: b"two"})
    assert await hot.get(8, [ONE, TWO]) == {}
    await hot.drop(7, [ONE, THREE])
    await hot.drop(7, [])
    assert ONE not in await hot.get(7, [ONE, TWO])


@pytest.fixture
async def redis(fresh_redis: str) -> AsyncIterator[Redis]:
    """What is in it, looked at from outside."""
    async with Redis.from_url(fresh_redis) as client:
        yield client


async def test_in_redis_what_is_there_stays_and_each_put_moves_the_end_of_all_on(
    fresh_redis: str, redis: Redis
) -> None:
    hot, key = RedisHot(fresh_redis, WEEK_S), "rushes:video:7:versions"
    await hot.put(7, {ONE: b"one"})
    await hot.put(7, {ONE: b"something else", TWO: b"two"})
    assert await hot.get(7, [ONE, TWO]) == {ONE: b"one", TWO: b"two"}
    assert await redis.hgetall(key) == {ONE: b"one", TWO: b"two"}
    await redis.expire(key, 100)
    await hot.put(7, {THREE: b"three"})
    assert WEEK_S - 60 <= await redis.ttl(key) <= WEEK_S
    assert abs(await redis.expiretime(key) - (time.time() + WEEK_S)) < 60
    # Those that are not hot any more go one by one; the last takes the key with it.
    await hot.drop(7, [ONE, TWO])
    assert await redis.hkeys(key) == [THREE]
    await hot.drop(7, [THREE])
    assert not await redis.exists(key)
    await hot.close()


async def test_in_redis_what_would_push_out_many_others_is_not_kept(fresh_redis: str, redis: Redis) -> None:
    hot = RedisHot(fresh_redis, WEEK_S)
    await hot.put(7, {ONE: bytes(MAX_BYTES + 1), TWO: b"two"})
    assert await redis.hkeys("rushes:video:7:versions") == [TWO]
    await redis.flushall()
    assert await hot.get(7, [TWO]) == {}
    await hot.close()


async def test_a_video_is_forgotten_with_all_that_it_has_and_others_are_not(hot: Hot) -> None:
    await hot.put(7, {ONE: b"one", TWO: b"two"})
    await hot.put(8, {ONE: b"one"})
    there = await hot.get(8, [ONE])
    await hot.forget(7)
    await hot.forget(9)
    assert await hot.get(7, [ONE, TWO]) == {}
    assert await hot.get(8, [ONE]) == there
