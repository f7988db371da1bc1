"""Which partitions are this projector's: the brokers share them out among the members of a consumer group.

The member itself reads nothing, for the log is read by `KafkaLog`. It says how far history is, so that the brokers' own
tools show the lag.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from svc_annotation.stores.kafka_topic import Cluster

GROUP: Final = "annotation-consumers"
POLL_S: Final = 0.2

_logger = logging.getLogger(__name__)


class Membership:
    """A member of the group. `changed` is called in the loop with all partitions that it has now."""

    def __init__(self, cluster: Cluster, changed: Callable[[Collection[int]], None]) -> None:
        self._topic = cluster.topic
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._mine: set[int] = set()
        self._positions: Mapping[int, int] = {}
        self._closing = False
        self._consumer = Consumer(
            cluster.client(
                **{
                    "group.id": GROUP,
                    "enable.auto.commit": False,
                    "enable.auto.offset.store": False,
                    "auto.offset.reset": "earliest",
                    "partition.assignment.strategy": "cooperative-sticky",
                    "session.timeout.ms": 6_000,
                    "heartbeat.interval.ms": 1_000,
                }
            )
        )
        self._thread = threading.Thread(target=self._run, name="log-group", daemon=True)
        self._thread.start()

    def tell(self, positions: Mapping[int, int]) -> None:
        """How far history is, by partition."""
        self._positions = dict(positions)

    async def close(self) -> None:
        """Leaves the group, so that others have its partitions at once."""
        self._closing = True
        await asyncio.to_thread(self._thread.join)

    # In the thread

    def _run(self) -> None:
        self._consumer.subscribe([self._topic], on_assign=self._given, on_revoke=self._taken, on_lost=self._taken)
        told: dict[int, int] = {}
        while not self._closing:
            self._consumer.poll(POLL_S)
            now = {number: position for number, position in self._positions.items() if number in self._mine}
            if now != told:
                told = now
                self._commit(now)
        self._consumer.close()

    def _commit(self, positions: Mapping[int, int]) -> None:
        places = [TopicPartition(self._topic, number, position) for number, position in positions.items()]
        try:
            if places:
                self._consumer.commit(offsets=places, asynchronous=True)
        except KafkaException as error:
            _logger.warning("position_not_told", extra={"error": str(error)})

    def _given(self, consumer: Any, places: list[TopicPartition]) -> None:
        consumer.incremental_assign(places)
        consumer.pause(places)
        self._mine |= {place.partition for place in places}
        self._say()

    def _taken(self, consumer: Any, places: list[TopicPartition]) -> None:
        self._mine -= {place.partition for place in places}
        consumer.incremental_unassign(places)
        self._say()

    def _say(self) -> None:
        mine = frozenset(self._mine)
        _logger.info("partitions_shared_out", extra={"partitions": len(mine)})
        try:
            self._loop.call_soon_threadsafe(self._changed, mine)
        except RuntimeError:  # the loop is gone
            self._closing = True
