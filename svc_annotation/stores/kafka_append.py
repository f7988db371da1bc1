"""Appends to Kafka: one idempotent producer, and a thread that hears what became of each record."""

import asyncio
import logging
import threading
from collections import deque
from functools import partial
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from rushes.errors import RushesError
from svc_annotation.stores.kafka_topic import MAX_MESSAGE_BYTES, Cluster
from svc_annotation.stores.log import MAX_PAYLOAD_BYTES, LogClosed, LogReadOnly, RecordInvalid

POLL_S: Final = 0.05
FLUSH_S: Final = 4.0
QUEUE_KIB: Final = 64 * 1024

_logger = logging.getLogger(__name__)

_Appended = asyncio.Future[int]


class Appender:
    """See the module. For one event loop; `append` never waits, what it returns does."""

    def __init__(self, cluster: Cluster, *, linger_ms: int, delivery_s: float) -> None:
        self._topic = cluster.topic
        self._settings = cluster.client(
            **{
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": linger_ms,
                "compression.type": "snappy",
                "message.max.bytes": MAX_MESSAGE_BYTES,
                "delivery.timeout.ms": int(delivery_s * 1_000),
                "request.timeout.ms": 2_500,
                "socket.timeout.ms": 3_000,
                "queue.buffering.max.kbytes": QUEUE_KIB,
                "on_delivery": self._heard,
            }
        )
        self._loop = asyncio.get_running_loop()
        self._producer = Producer(self._settings)
        self._told: deque[tuple[_Appended, int | RushesError]] = deque()
        self._waiting: set[_Appended] = set()
        self._closing = False
        self._thread = threading.Thread(target=self._listen, name="log-append", daemon=True)
        self._thread.start()

    def append(self, partition: int, key: int, payload: bytes) -> _Appended:
        """See `Log.append`."""
        appended: _Appended = self._loop.create_future()
        if self._closing:
            appended.set_exception(LogClosed("the log is closed"))
        elif len(payload) > MAX_PAYLOAD_BYTES:
            appended.set_exception(RecordInvalid(f"a record has at most {MAX_PAYLOAD_BYTES} bytes"))
        else:
            self._waiting.add(appended)
            appended.add_done_callback(self._waiting.discard)
            self._produce(appended, partition, str(key).encode(), payload)
        return appended

    def _produce(self, appended: _Appended, partition: int, key: bytes, payload: bytes) -> None:
        delivered = partial(self._delivered, appended)
        try:
            try:
                self._producer.produce(self._topic, payload, key, partition, delivered)
            except KafkaException as error:
                if not _fatal(error):
                    raise
                self._begin_anew(error)
                self._producer.produce(self._topic, payload, key, partition, delivered)
        except BufferError:
            appended.set_exception(LogReadOnly("the brokers do not take records as fast as they come"))
        except KafkaException as error:
            appended.set_exception(_refusal(error.args[0]))

    def _begin_anew(self, error: KafkaException) -> None:
        """The producer can go on no more: who waits for what it had is told so; what comes now begins a sequence."""
        _logger.critical("producer_begins_anew", extra={"error": str(error)})
        self._producer.purge()
        self._producer.poll(0)
        self._producer = Producer(self._settings)

    def _heard(self, error: KafkaError | None, message: Message) -> None:
        """Every record has a callback of its own."""

    def _delivered(self, appended: _Appended, error: KafkaError | None, message: Message) -> None:
        """In the thread."""
        offset = message.offset()
        self._told.append((appended, offset if error is None and offset is not None else _refusal(error)))

    def _listen(self) -> None:
        """The thread: whoever waits is told in the event loop, many at a time."""
        while not self._closing or self._waiting:
            self._producer.poll(POLL_S)
            if self._told:
                try:
                    self._loop.call_soon_threadsafe(self._tell)
                except RuntimeError:  # the loop is gone
                    return

    def _tell(self) -> None:
        told = self._told
        while told:
            appended, outcome = told.popleft()
            if appended.done():
                continue
            if isinstance(outcome, int):
                appended.set_result(outcome)
            else:
                appended.set_exception(outcome)

    async def close(self) -> None:
        """Finishes what waits, for a while; what is not done then is refused."""
        self._closing = True
        waiting = list(self._waiting)
        if waiting:
            await asyncio.wait(waiting, timeout=FLUSH_S)
        for appended in waiting:
            if not appended.done():
                appended.set_exception(LogClosed("the log was closed before the brokers had the record"))
                appended.exception()
        self._waiting.clear()
        await asyncio.to_thread(self._thread.join)
        self._producer.purge(blocking=False)


def _fatal(error: KafkaException) -> bool:
    return bool(error.args[0].fatal()) or error.args[0].code() == KafkaError._FATAL


def _refusal(error: Any) -> RushesError:
    if error is not None and error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        return RecordInvalid("the record is too large for the brokers")
    return LogReadOnly(f"the brokers did not take the record: {error.str() if error is not None else 'no offset'}")
