"""Reading a log in tests: it follows for ever, so say how much to take."""

from contextlib import aclosing
from typing import TYPE_CHECKING, cast

from svc_annotation.stores.log import PARTITIONS, Log, LogEntry

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence


async def take(log: Log, partition: int, offset: int, count: int) -> list[LogEntry]:
    """The next `count` entries, waiting for them if need be."""
    found: list[LogEntry] = []
    if not count:
        return found
    batches = cast("AsyncGenerator[Sequence[LogEntry], None]", log.read(partition, offset))
    async with aclosing(batches):
        async for batch in batches:
            assert batch
            found += batch
            if len(found) >= count:
                break
    return found[:count]


async def take_all(log: Log, partition: int) -> list[LogEntry]:
    """What the partition holds now."""
    return await take(log, partition, 0, await log.end(partition))


async def everything(log: Log) -> dict[int, list[bytes]]:
    """The payloads of all partitions that hold something."""
    found = {partition: await take_all(log, partition) for partition in range(PARTITIONS)}
    return {partition: [entry.payload for entry in entries] for partition, entries in found.items() if entries}
