"""Appends wait in order, within a bound, and nobody is forgotten."""

import asyncio

from svc_annotation.core.segment import RECORD_BYTES
from svc_annotation.stores.log import LogFull
from svc_annotation.stores.segment_queue import AppendQueue, Pending

ROOM = 2 * RECORD_BYTES + 20  # for two records of ten bytes


def put(queue: AppendQueue, number: int, payload: bytes = bytes(10)) -> "asyncio.Future[int]":
    offset: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    queue.put(number, (payload,), offset)
    return offset


def numbers(batch: list[Pending]) -> list[int]:
    return [pending.partition for pending in batch]


async def test_who_does_not_fit_waits_outside_and_enters_in_order() -> None:
    queue = AppendQueue(ROOM)
    for number in range(5):
        put(queue, number)
    batch = queue.take(1_000)
    assert numbers(batch) == [0, 1]
    queue.release(batch[0].size_bytes)
    put(queue, 5, b"")
    assert numbers(queue.take(1_000)) == [2]
    for _ in range(2):
        queue.release(RECORD_BYTES + 10)
    assert numbers(queue.take(1_000)) == [3, 4]
    for _ in range(2):
        queue.release(RECORD_BYTES + 10)
    assert numbers(queue.take(1_000)) == [5]
    assert queue.idle


async def test_no_more_than_a_group_is_taken_at_once() -> None:
    queue = AppendQueue(10_000)
    for number in range(5):
        put(queue, number)
    assert numbers(queue.take(ROOM)) == [0, 1]
    assert numbers(queue.take(1)) == [2]
    await asyncio.wait_for(queue.wait(), 1.0)
    assert numbers(queue.take(ROOM)) == [3, 4]


async def test_a_record_larger_than_the_queue_enters_when_it_is_alone() -> None:
    queue = AppendQueue(10)
    put(queue, 0, bytes(100))
    put(queue, 1)
    batch = queue.take(1_000)
    assert numbers(batch) == [0]
    queue.release(batch[0].size_bytes)
    assert numbers(queue.take(1)) == [1]


async def test_a_record_that_nobody_waits_for_is_not_written_and_gives_its_room_back() -> None:
    queue = AppendQueue(ROOM)
    first, second, outside = [put(queue, number) for number in range(3)]
    first.cancel()
    assert numbers(queue.take(1_000)) == [1, 2]
    assert not second.done()
    assert not outside.done()


async def test_who_gives_up_outside_leaves_no_trace() -> None:
    queue = AppendQueue(ROOM)
    futures = [put(queue, number) for number in range(5)]
    futures[2].cancel()
    batch = queue.take(1_000)
    queue.release(batch[0].size_bytes)
    queue.release(batch[1].size_bytes)
    assert numbers(queue.take(1_000)) == [3, 4]
    futures = [put(queue, number) for number in range(2)]
    for future in futures:
        future.cancel()
    queue.release(2 * (RECORD_BYTES + 10))
    assert queue.idle
    put(queue, 9, bytes(ROOM - RECORD_BYTES))
    assert numbers(queue.take(1)) == [9]


async def test_a_failure_reaches_everybody_with_an_error_of_their_own() -> None:
    queue = AppendQueue(ROOM)
    futures = [put(queue, number) for number in range(3)]
    queue.fail(lambda: LogFull("full"))
    errors = [future.exception() for future in futures]
    assert [type(error) for error in errors] == [LogFull] * 3
    assert len(set(map(id, errors))) == 3
    assert queue.idle
    put(queue, 0, bytes(ROOM - RECORD_BYTES))
    assert numbers(queue.take(1)) == [0]
