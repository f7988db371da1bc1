"""What every adapter of the log port must do."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from rushes.errors import Unavailable
from svc_annotation.stores.kafka import Cluster, open_kafka_log
from svc_annotation.stores.log import (
    MAX_PAYLOAD_BYTES,
    PARTITIONS,
    Log,
    LogClosed,
    LogEntry,
    OffsetOutOfRange,
    RecordInvalid,
    partition_of,
)
from svc_annotation.stores.segment import open_segment_log
from tests.contract.log_reading import everything, take, take_all
from tests.engine import BROKERS

Open = Callable[[], Awaitable[Log]]


async def open_small_segments(folder: Path) -> Log:
    """Goes to a new file every few records, so that the suite crosses files all the time."""
    return await open_segment_log(folder, segment_bytes=2_000)


ADAPTERS: dict[str, Callable[[Path], Awaitable[Log]]] = {
    "segment": open_segment_log,
    "small_segments": open_small_segments,
}


@pytest.fixture(params=[*ADAPTERS, "kafka"])
async def open_log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens the same log each time, as after a restart."""
    if request.param == "kafka":
        cluster = Cluster(request.getfixturevalue("kafka_servers"), topic=f"log-{uuid.uuid4()}", replicas=BROKERS)
        adapter: Callable[[Path], Awaitable[Log]] = lambda _: open_kafka_log(cluster)  # noqa: E731
    else:
        adapter = ADAPTERS[request.param]
    opened: list[Log] = []

    async def open_again() -> Log:
        for log in opened:
            await log.close()
        opened.append(await adapter(tmp_path / "log"))
        return opened[-1]

    yield open_again
    for log in opened:
        await log.close()


@pytest.fixture
async def log(open_log: Open) -> Log:
    """A log with nothing in it."""
    return await open_log()


def test_the_videos_are_spread_over_the_partitions() -> None:
    assert {partition_of(video_id) for video_id in range(1, 65)} == set(range(PARTITIONS))


async def test_an_empty_partition_ends_at_0(log: Log) -> None:
    assert [await log.end(partition) for partition in range(PARTITIONS)] == [0] * PARTITIONS


async def test_what_is_appended_together_is_read_in_its_order_among_all_else(log: Log) -> None:
    before, together, other, after = (
        log.append(3, 35, b"before"),
        log.append_all(3, 35, [b"1", b"", b"x" * 1_000]),
        log.append_all(4, 4, [b"of another partition", b"and one more"]),
        log.append_all(3, 35, [b"after"]),
    )
    assert await before < await together < await after
    assert [payload for _, payload in await take_all(log, 3)] == [b"before", b"1", b"", b"x" * 1_000, b"after"]
    assert (await take_all(log, 4))[-1] == LogEntry(await other, b"and one more")
    assert (await take_all(log, 3))[-2].offset == await together


async def test_what_is_too_large_is_refused_with_all_that_it_comes_with(log: Log) -> None:
    with pytest.raises(RecordInvalid):
        await log.append_all(3, 35, [b"x", bytes(MAX_PAYLOAD_BYTES + 1)])
    assert await log.append(3, 35, b"after") == await log.end(3) - 1
    assert [payload for _, payload in await take_all(log, 3)] == [b"after"], "all are refused, or none"


async def test_what_is_appended_is_read_at_the_offset_that_was_returned(log: Log) -> None:
    payloads = [b"", b"one", bytes(range(256)), b"x" * 100_000, "\u00e9\ud55c".encode()]
    offsets = [await log.append(3, 35, payload) for payload in payloads]

    assert offsets == sorted(set(offsets))
    assert await take_all(log, 3) == list(map(LogEntry, offsets, payloads))
    assert await log.end(3) == offsets[-1] + 1


async def test_the_greatest_payload_is_kept_and_a_greater_one_refused(log: Log) -> None:
    with pytest.raises(RecordInvalid):
        await log.append(0, 32, bytes(MAX_PAYLOAD_BYTES + 1))
    await log.append(0, 32, b"\1" * MAX_PAYLOAD_BYTES)

    assert [len(entry.payload) for entry in await take_all(log, 0)] == [MAX_PAYLOAD_BYTES]


async def test_concurrent_appends_are_read_in_the_order_of_their_offsets(log: Log) -> None:
    acknowledged: dict[int, dict[int, bytes]] = {partition: {} for partition in range(PARTITIONS)}

    async def write(writer: int) -> None:
        for number in range(20):
            partition = (writer + number) % 5
            payload = f"{writer}:{number}".encode()
            offset = await log.append(partition, writer, payload)
            assert offset not in acknowledged[partition]
            acknowledged[partition][offset] = payload

    await asyncio.gather(*(write(writer) for writer in range(50)))

    for partition, by_offset in acknowledged.items():
        read = await take(log, partition, 0, len(by_offset))
        assert [(entry.offset, entry.payload) for entry in read] == sorted(by_offset.items())


async def test_appends_started_one_after_the_other_land_in_that_order(log: Log) -> None:
    payloads = [str(number).encode() for number in range(300)]
    tasks = [asyncio.ensure_future(log.append(1, 1, payload)) for payload in payloads]
    await asyncio.gather(*tasks)

    assert [entry.payload for entry in await take_all(log, 1)] == payloads


async def test_reading_starts_in_the_middle_wherever_one_wants(log: Log) -> None:
    for number in range(60):
        await log.append(number % 2, number, b"%d" % number)
    whole = await take_all(log, 1)

    for start, entry in enumerate(whole):
        assert await take(log, 1, entry.offset, len(whole) - start) == whole[start:]


async def test_a_reader_at_the_end_gets_what_is_appended_later(log: Log) -> None:
    await log.append(2, 2, b"before")
    following = asyncio.ensure_future(take(log, 2, await log.end(2), 50))
    for number in range(50):
        await log.append(4, 4, b"of another partition")
        await log.append(2, 2, b"%d" % number)

    assert [entry.payload for entry in await following] == [b"%d" % number for number in range(50)]


async def test_readers_that_follow_while_many_append_all_see_the_same(log: Log) -> None:
    readers = [asyncio.ensure_future(take(log, 7, 0, 600)) for _ in range(3)]

    async def write(writer: int) -> None:
        for number in range(30):
            await log.append(7, 7, f"{writer}:{number}".encode() * 20)

    await asyncio.gather(*(write(writer) for writer in range(20)))
    first, *others = await asyncio.gather(*readers)

    assert len({entry.payload for entry in first}) == 600
    assert all(other == first for other in others)


async def test_a_reader_that_is_cancelled_or_left_disturbs_nobody(log: Log) -> None:
    await log.append(0, 0, b"first")
    cancelled = asyncio.ensure_future(take(log, 0, 0, 2))
    left = aiter(log.read(0, 0))
    assert await anext(left) == [LogEntry(0, b"first")]
    staying = asyncio.ensure_future(take(log, 0, 0, 2))
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    await log.append(0, 0, b"second")

    assert [entry.payload for entry in await staying] == [b"first", b"second"]


async def test_an_append_that_is_cancelled_leaves_the_others_whole(log: Log) -> None:
    tasks = [asyncio.ensure_future(log.append(0, 0, b"%d" % number)) for number in range(100)]
    await asyncio.sleep(0)
    for task in tasks[::3]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    read = {entry.offset: entry.payload for entry in await take_all(log, 0)}
    for number, result in enumerate(results):
        if isinstance(result, int):
            assert read[result] == b"%d" % number
    assert len(set(read.values())) == len(read)
    assert await log.append(0, 0, b"after") == max(read, default=-1) + 1


async def test_everything_is_there_after_a_restart_and_offsets_go_on(open_log: Open) -> None:
    log = await open_log()
    for number in range(100):
        await log.append(number % 7, number, b"%d" % number * 10)
    before = await everything(log)
    ends = [await log.end(partition) for partition in range(PARTITIONS)]

    for restart in range(3):
        log = await open_log()
        assert await everything(log) == before
        assert [await log.end(partition) for partition in range(PARTITIONS)] == ends
        assert await log.append(1, 1, b"restart %d" % restart) >= ends[1]
        before[1].append(b"restart %d" % restart)
        ends[1] = await log.end(1)


async def test_a_follower_crosses_from_what_is_old_to_what_is_new(open_log: Open) -> None:
    log = await open_log()
    for number in range(50):
        await log.append(5, 5, b"%d" % number)
    log = await open_log()
    following = asyncio.ensure_future(take(log, 5, 0, 100))
    for number in range(50, 100):
        await log.append(5, 5, b"%d" % number)

    assert [entry.payload for entry in await following] == [b"%d" % number for number in range(100)]


@pytest.mark.parametrize("partition", [-1, PARTITIONS])
async def test_a_partition_that_does_not_exist_is_refused(log: Log, partition: int) -> None:
    with pytest.raises(RecordInvalid):
        await log.append(partition, 0, b"")
    with pytest.raises(RecordInvalid):
        await log.end(partition)
    with pytest.raises(RecordInvalid):
        await take(log, partition, 0, 1)


async def test_reading_from_where_the_log_has_never_been_is_refused(log: Log) -> None:
    await log.append(0, 0, b"")
    with pytest.raises(OffsetOutOfRange):
        await take(log, 0, 2, 1)
    with pytest.raises(RecordInvalid):
        await take(log, 0, -1, 1)


async def test_a_closed_log_refuses_appends_and_ends_its_readers(log: Log) -> None:
    reading = asyncio.ensure_future(take(log, 0, 0, 1))
    await asyncio.sleep(0)
    await log.close()
    await log.close()

    with pytest.raises(LogClosed) as refusal:
        await log.append(0, 0, b"")
    assert isinstance(refusal.value, Unavailable)
    assert refusal.value.reason == "LOG_CLOSED"
    with pytest.raises(LogClosed):
        await reading
    with pytest.raises(LogClosed):
        await take(log, 0, 0, 1)


async def test_appends_that_wait_when_the_log_closes_are_finished(open_log: Open) -> None:
    log = await open_log()
    tasks = [asyncio.ensure_future(log.append(0, 0, b"%d" % number)) for number in range(200)]
    await asyncio.sleep(0)
    await log.close()
    offsets = await asyncio.gather(*tasks)

    log = await open_log()
    assert [entry.offset for entry in await take_all(log, 0)] == offsets
