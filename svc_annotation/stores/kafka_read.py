"""Reads from Kafka: consumers that follow many partitions each, in a thread to a consumer, which hands to the loop."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from rushes.errors import RushesError
from svc_annotation import metrics
from svc_annotation.stores.kafka_topic import MAX_MESSAGE_BYTES, Cluster, describe
from svc_annotation.stores.log import LogClosed, LogDamaged, LogEntry, LogUnreadable

POLL_S: Final = 0.02
COUNT: Final = 1_000
READ_BYTES: Final = 512 * 1024
HIGH_BYTES: Final = 4 * 1024 * 1024
"""Past it the partition is not read on until its reader has taken half of it."""

_LOST: Final = frozenset((KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE))
_UNREADABLE: Final = frozenset(
    (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)
)

_logger = logging.getLogger(__name__)


class Follower:
    """A read of one partition, from an offset on. The thread gives, the loop takes."""

    def __init__(self, partition: int, offset: int, live_offset: int) -> None:
        self.partition = partition
        self.offset = offset
        self.live_offset = live_offset
        """Records from here on are new, so that their latency counts."""
        self.given_bytes = 0
        self.taken_bytes = 0
        self.paused = False
        self._entries: deque[LogEntry] = deque()
        self._error: RushesError | None = None
        self._more = asyncio.Event()

    @property
    def waiting_bytes(self) -> int:
        """What was given and not taken; each count is written by one side alone."""
        return self.given_bytes - self.taken_bytes

    def give(self, entries: Sequence[LogEntry], error: RushesError | None = None) -> None:
        """In the loop: the next records, or why there are no more."""
        self._entries += entries
        self._error = self._error or error
        self._more.set()

    async def take(self) -> Sequence[LogEntry]:
        """The next batch, never empty."""
        while not self._entries:
            if self._error is not None:
                raise self._error
            self._more.clear()
            await self._more.wait()
        batch: list[LogEntry] = []
        size_bytes = 0
        while self._entries and size_bytes < READ_BYTES and len(batch) < COUNT:
            entry = self._entries.popleft()
            size_bytes += len(entry.payload)
            batch.append(entry)
        self.taken_bytes += size_bytes
        return batch


class PartitionReader:
    """One consumer with its thread; each partition has one follower at most."""

    def __init__(self, cluster: Cluster) -> None:
        self._topic = cluster.topic
        self._loop = asyncio.get_running_loop()
        self._consumer = Consumer(
            cluster.client(
                **{
                    "group.id": "rushes-annotation-readers",  # needed by the library; nothing is committed
                    "enable.auto.commit": False,
                    "enable.auto.offset.store": False,
                    "auto.offset.reset": "error",
                    "check.crcs": True,
                    "fetch.wait.max.ms": 100,
                    "fetch.error.backoff.ms": 50,
                    "fetch.message.max.bytes": 1024 * 1024,
                    "fetch.max.bytes": MAX_MESSAGE_BYTES,
                    "queued.max.messages.kbytes": 16 * 1024,
                    "socket.timeout.ms": 3_000,
                }
            )
        )
        self.followers: dict[int, Follower] = {}
        """In the loop: whom this consumer has, or is about to have."""
        self._orders: deque[Callable[[], None]] = deque()
        self._following: dict[int, Follower] = {}
        self._wanted = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="log-read", daemon=True)
        self._thread.start()

    # In the loop

    def follow(self, follower: Follower) -> None:
        """Begins to read for somebody."""
        self.followers[follower.partition] = follower
        self._order(lambda: self._assign(follower))

    def leave(self, follower: Follower) -> None:
        """Ends it."""
        del self.followers[follower.partition]
        self._order(lambda: self._unassign(follower))

    async def close(self) -> None:
        """Everybody is told that the log is closed."""
        self._closing = True
        self._wanted.set()
        for follower in self.followers.values():
            follower.give((), LogClosed("the log is closed"))
        await asyncio.to_thread(self._thread.join)

    def _order(self, order: Callable[[], None]) -> None:
        self._orders.append(order)
        self._wanted.set()

    # In the thread

    def _run(self) -> None:
        while not self._closing:
            try:
                self._turn()
            except KafkaException as error:
                _logger.critical("log_reader_failed", extra={"error": describe(error)})
                failed = LogUnreadable(f"the log cannot be read: {describe(error)}")
                self._hand_over([(follower, (), failed) for follower in self._following.values()])
        self._consumer.close()

    def _turn(self) -> None:
        self._wanted.clear()
        while self._orders:
            self._orders.popleft()()
        if not self._following:
            self._wanted.wait()
            return
        first = self._consumer.poll(POLL_S)
        if first is not None:
            self._deal([first, *self._consumer.consume(COUNT, 0)])
        self._resume()

    def _assign(self, follower: Follower) -> None:
        self._following[follower.partition] = follower
        self._consumer.incremental_assign([TopicPartition(self._topic, follower.partition, follower.offset)])

    def _unassign(self, follower: Follower) -> None:
        if self._following.pop(follower.partition, None) is not None:
            self._consumer.incremental_unassign([TopicPartition(self._topic, follower.partition)])

    def _deal(self, messages: Sequence[Message]) -> None:
        dealt: dict[Follower, list[LogEntry]] = {}
        errors: list[tuple[Follower, RushesError]] = []
        for message in messages:
            partition = message.partition()
            follower = self._following.get(-1 if partition is None else partition)
            problem = message.error()
            if problem is not None:
                error = _trouble(problem, follower)
                if follower is not None and error is not None:
                    errors.append((follower, error))
            elif follower is not None:
                entry = LogEntry(message.offset() or 0, message.value() or b"")
                entries = dealt.setdefault(follower, [])
                if not entries and entry.offset >= follower.live_offset:
                    metrics.LOG_LATENCY_S.observe(max(0.0, time.time() - message.timestamp()[1] / 1_000))
                entries.append(entry)
                follower.given_bytes += len(entry.payload)
        self._hand_over(
            [*((follower, entries, None) for follower, entries in dealt.items()), *((f, (), e) for f, e in errors)]
        )
        for follower in dealt:
            if follower.waiting_bytes > HIGH_BYTES and not follower.paused:
                follower.paused = True
                self._consumer.pause([TopicPartition(self._topic, follower.partition)])

    def _hand_over(self, gifts: Sequence[tuple[Follower, Sequence[LogEntry], RushesError | None]]) -> None:
        def give() -> None:
            for follower, entries, error in gifts:
                follower.give(entries, error)

        try:
            self._loop.call_soon_threadsafe(give)
        except RuntimeError:  # the loop is gone
            self._closing = True

    def _resume(self) -> None:
        for follower in self._following.values():
            if follower.paused and follower.waiting_bytes < HIGH_BYTES // 2:
                follower.paused = False
                self._consumer.resume([TopicPartition(self._topic, follower.partition)])


def _trouble(problem: KafkaError, follower: Follower | None) -> RushesError | None:
    """What ends a read; None: the library goes on by itself."""
    if problem.code() in _LOST and follower is not None:
        return LogDamaged(
            f"partition {follower.partition} cannot be read on: {problem.str()}", partition=str(follower.partition)
        )
    if problem.code() in _UNREADABLE:
        return LogUnreadable(f"the topic cannot be read: {problem.str()}")
    _logger.warning("log_read_trouble", extra={"error": problem.str()})
    return None
