"""What every place for moments of rooms promises: it gives what was put there, or nothing."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from svc_signaling.stores.moment import MemoryMoments, Moments
from svc_signaling.stores.moment_redis import RedisMoments
from tests.engine import Engine, need, running
from tests.waiting import until

PATIENCE_S = 10.0
"""A busy machine is no Redis that hangs."""


@pytest.fixture(params=["memory", "redis"])
async def moments(request: pytest.FixtureRequest) -> AsyncIterator[Moments]:
    """A place with nothing in it."""
    made: Moments = MemoryMoments()
    if request.param == "redis":
        made = RedisMoments(request.getfixturevalue("fresh_redis"), PATIENCE_S)
    yield made
    await made.close()


async def test_the_last_moment_of_each_room_is_there_until_it_is_dropped(moments: Moments) -> None:
    assert await moments.get("a") is None
    for room_id, moment in (("a", b"one"), ("b", b"two"), ("a", b"\x00three")):
        await moments.put(room_id, moment)
    assert [await moments.get(each) for each in "ab"] == [b"\x00three", b"two"]
    await moments.drop("a")
    await moments.drop("never there")
    assert [await moments.get(each) for each in "ab"] == [None, b"two"]


async def test_in_memory_what_was_put_longest_ago_goes_when_there_is_too_much() -> None:
    moments = MemoryMoments(most_bytes=10)
    for room_id in "abca":
        await moments.put(room_id, b"four")
    assert [await moments.get(each) for each in "abc"] == [b"four", None, b"four"]


async def test_a_redis_that_dies_is_missed_by_nobody_and_used_again_once_it_is_back(tmp_path: Path) -> None:
    need("redis")
    engine = Engine("redis", tmp_path / "redis")
    with running([engine]):
        one, other = [RedisMoments(f"redis://{engine.address}/0") for _ in range(2)]

        async def there() -> bool:
            await one.put("a", b"one")
            return await other.get("a") == b"one"

        await until(there, "that one finds what the other put")
        engine.send(signal.SIGSTOP)
        await one.put("a", b"two")
        assert await other.get("a") is None
        engine.kill()
        await one.put("a", b"three")
        engine.start()
        engine.wait()
        await until(there, "that they find each other again")
        for each in (one, other):
            await each.close()
