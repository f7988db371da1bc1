"""Appends wait in order, within a bound, and nobody is forgotten."""

import asyncio

import pytest

from svc_annotation.core.segment import RECORD_BYTES
from svc_annotation.stores.log import LogFull
from svc_annotation.stores.segment_queue import AppendQueue, Pending

ROOM = 2 * RECORD_BYTES + 20  # for two records of ten bytes


async def until_blocked() -> None:
    """Lets all tasks run that can."""
    for _ in range(5):
        await asyncio.sleep(0)


def put(queue: AppendQueue, number: int) -> "asyncio.Task[asyncio.Future[int]]":
    return asyncio.ensure_future(queue.put(number, bytes(10)))


def numbers(batch: list[Pending]) -> list[int]:
    return [pending.partition for pending in batch]


async def test_who_does_not_fit_waits_outside_and_enters_in_order() -> None:
    queue = AppendQueue(ROOM)
    tasks = [put(queue, number) for number in range(5)]
    await until_blocked()
    assert [task.done() for task in tasks] == [True, True, False, False, False]

    batch = queue.take(1_000)
    assert numbers(batch) == [0, 1]
    queue.release(batch[0].size_bytes)
    late = asyncio.ensure_future(queue.put(5, b""))
    await until_blocked()
    assert numbers(queue.take(1_000)) == [2]
    assert not late.done()

    for _ in range(4):
        queue.release(RECORD_BYTES + 10)
        await until_blocked()
    assert numbers(queue.take(1_000)) == [3, 4, 5]
    assert queue.idle


async def test_a_record_larger_than_the_queue_enters_when_it_is_alone() -> None:
    queue = AppendQueue(10)
    await queue.put(0, bytes(100))
    second = put(queue, 1)
    await until_blocked()
    assert not second.done()

    batch = queue.take(1)
    assert numbers(batch) == [0]
    queue.release(batch[0].size_bytes)
    await until_blocked()
    assert numbers(queue.take(1)) == [1]


async def test_a_record_that_nobody_waits_for_is_not_written_and_gives_its_room_back() -> None:
    queue = AppendQueue(ROOM)
    first, second = await queue.put(0, bytes(10)), await queue.put(1, bytes(10))
    outside = put(queue, 2)
    await until_blocked()
    first.cancel()
    assert numbers(queue.take(1_000)) == [1]
    await until_blocked()
    assert outside.done()
    assert numbers(queue.take(1_000)) == [2]
    assert not second.done()


@pytest.mark.parametrize("granted", [False, True])
async def test_who_gives_up_outside_leaves_no_trace(granted: bool) -> None:
    queue = AppendQueue(ROOM)
    tasks = [put(queue, number) for number in range(4)]
    await until_blocked()
    batch = queue.take(1_000)
    if granted:
        queue.release(batch[0].size_bytes)
    tasks[2].cancel()
    await until_blocked()
    assert tasks[2].cancelled()
    if not granted:
        queue.release(batch[0].size_bytes)
    queue.release(batch[1].size_bytes)
    await until_blocked()
    assert numbers(queue.take(1_000)) == [3]
    queue.release(RECORD_BYTES + 10)
    assert queue.idle
    await queue.put(9, bytes(ROOM - RECORD_BYTES))


async def test_a_failure_reaches_everybody_with_an_error_of_their_own() -> None:
    queue = AppendQueue(ROOM)
    inside = [await queue.put(number, bytes(10)) for number in range(2)]
    outside = put(queue, 2)
    await until_blocked()
    queue.fail(lambda: LogFull("full"))
    await until_blocked()

    errors = [*(future.exception() for future in inside), outside.exception()]
    assert [type(error) for error in errors] == [LogFull] * 3
    assert len(set(map(id, errors))) == 3
    assert queue.idle
    assert (await queue.put(0, bytes(ROOM - RECORD_BYTES))) is not None
