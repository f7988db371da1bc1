"""The log on Kafka: a topic of 32 partitions, which any number of instances append to and read."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from confluent_kafka import KafkaException

from svc_annotation.stores.kafka_append import Appender
from svc_annotation.stores.kafka_read import Follower, PartitionReader
from svc_annotation.stores.kafka_topic import AGAIN_S, ASK_S, Cluster, admin, bounds, describe, is_passing, prepare
from svc_annotation.stores.log import (
    MAX_PAYLOAD_BYTES,
    PARTITIONS,
    LogClosed,
    LogDamaged,
    LogEntry,
    LogUnreadable,
    OffsetOutOfRange,
    RecordInvalid,
    SomeFailed,
)

__all__ = ["Cluster", "KafkaLog", "open_kafka_log"]


async def open_kafka_log(cluster: Cluster, *, linger_ms: int = 2, delivery_s: float = 30.0) -> "KafkaLog":
    """Opens the topic, made if missing. Raises LogUnreadable, LogMisconfigured.

    `delivery_s`: how long a record is tried; it must be longer than brokers need to agree on a new leader.
    """
    await asyncio.to_thread(prepare, cluster)
    return KafkaLog(cluster, Appender(cluster, linger_ms=linger_ms, delivery_s=delivery_s))


class KafkaLog:
    """See `Log`. A record is acknowledged once all brokers in sync have it, and read only then."""

    def __init__(self, cluster: Cluster, appender: Appender) -> None:
        self._cluster = cluster
        self._admin = admin(cluster)
        self._appender = appender
        self._readers = [PartitionReader(cluster)]
        self._closing: asyncio.Task[None] | None = None

    def append(self, partition: int, key: int, payload: bytes) -> "asyncio.Future[int]":
        """See `Log`."""
        if not 0 <= partition < PARTITIONS:
            return _refused(_no_partition(partition))
        return self._appender.append(partition, key, payload)

    def append_all(self, partition: int, key: int, payloads: Sequence[bytes]) -> "asyncio.Future[int]":
        """See `Log`."""
        if len(payloads) > 1 and any(len(payload) > MAX_PAYLOAD_BYTES for payload in payloads):
            return _refused(RecordInvalid(f"a record has at most {MAX_PAYLOAD_BYTES} bytes"))
        appended = [self.append(partition, key, payload) for payload in payloads]
        return appended[0] if len(appended) == 1 else asyncio.ensure_future(last_of(appended))

    async def read(self, partition: int, offset: int) -> AsyncIterator[Sequence[LogEntry]]:
        """See `Log`."""
        if offset < 0:
            raise RecordInvalid("an offset is not negative")
        first, end = await self._bounds(partition)
        if offset > end:
            raise OffsetOutOfRange(f"partition {partition} ends at {end}, before {offset}")
        if offset < first:
            raise LogDamaged(
                f"the brokers do not keep partition {partition} before {first} any more; {offset} was asked for",
                partition=str(partition),
                offset=str(offset),
            )
        follower = Follower(partition, offset, end)
        reader = self._reader(partition)
        reader.follow(follower)
        try:
            while True:
                yield await follower.take()
        finally:
            reader.leave(follower)

    def _reader(self, partition: int) -> PartitionReader:
        """A consumer reads a partition at one place only: who reads it at another has one beside it."""
        if self._closing is not None:
            raise LogClosed("the log is closed")
        for reader in self._readers:
            if partition not in reader.followers:
                return reader
        self._readers.append(PartitionReader(self._cluster))
        return self._readers[-1]

    async def end(self, partition: int) -> int:
        """See `Log`."""
        return (await self._bounds(partition))[1]

    async def _bounds(self, partition: int) -> tuple[int, int]:
        if not 0 <= partition < PARTITIONS:
            raise _no_partition(partition)
        if self._closing is not None:
            raise LogClosed("the log is closed")
        return await self._bounds_of(partition)

    async def _bounds_of(self, partition: int) -> tuple[int, int]:
        """The first offset that can be read and the one after the last. Patient while a leader is chosen."""
        end_s = asyncio.get_running_loop().time() + ASK_S
        while True:
            asked = bounds(self._admin, self._cluster, partition)
            try:
                first, end = await asyncio.gather(*map(asyncio.wrap_future, asked))
            except KafkaException as error:
                if not is_passing(error) or asyncio.get_running_loop().time() > end_s:
                    raise LogUnreadable(f"where partition {partition} ends is not known: {describe(error)}") from error
            else:
                return first.offset, end.offset
            await asyncio.sleep(AGAIN_S)

    async def close(self) -> None:
        """See `Log`."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(self._closing)

    async def _close(self) -> None:
        await self._appender.close()
        await asyncio.gather(*(reader.close() for reader in self._readers))


def _no_partition(partition: int) -> RecordInvalid:
    return RecordInvalid(f"there are partitions 0 to {PARTITIONS - 1}, not {partition}")


def _refused(error: RecordInvalid) -> "asyncio.Future[int]":
    refused: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    refused.set_exception(error)
    return refused


async def last_of(appended: "Sequence[asyncio.Future[int]]") -> int:
    """The last one's offset once all are durable. Raises SomeFailed once it is known of each whether it is."""
    last = -1
    errors: dict[int, Exception] = {}
    for place, outcome in enumerate(await asyncio.gather(*appended, return_exceptions=True)):
        if isinstance(outcome, Exception):
            errors[place] = outcome
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            last = outcome
    if errors:
        raise SomeFailed(errors)
    return last
