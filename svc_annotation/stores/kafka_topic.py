"""The topic of the log and how its brokers are spoken to: what is asked for is made, what is there is checked."""

import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    ConfigResource,
    ListOffsetsResultInfo,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from rushes.errors import FailedPrecondition
from svc_annotation.stores.log import MAX_PAYLOAD_BYTES, PARTITIONS, LogUnreadable

MAX_MESSAGE_BYTES: Final = MAX_PAYLOAD_BYTES + 1024 * 1024
"""A payload with what the protocol puts around it."""
KEPT_MS: Final = 30 * 86_400_000
ASK_S: Final = 20.0
ANSWER_S: Final = 2.0
"""A broker that has not answered by then may hang: another leads, or will."""
AGAIN_S: Final = 0.05
_PASSING: Final = frozenset(
    (
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._NOENT,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._TIMED_OUT,
    )
)
"""What is said while brokers agree on who leads, or come back."""

_logger = logging.getLogger("kafka")


class LogMisconfigured(FailedPrecondition):
    """The topic is there, but does not keep what the log promises; an operator has to change it."""

    reason = "LOG_MISCONFIGURED"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Which brokers, and which topic of theirs."""

    servers: str
    """host:port, with commas between."""
    topic: str = "video_annotations"
    replicas: int = 3
    """Brokers that hold each record. Fewer than 3 only where there are fewer: one that dies may take records along."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Further settings of the client library, as for TLS and passwords."""

    @property
    def in_sync(self) -> int:
        """Brokers that must have a record before it is acknowledged."""
        return max(1, self.replicas - 1)

    def client(self, **more: Any) -> dict[str, Any]:
        """Settings of any client. Those of time make it notice within seconds that a broker is gone."""
        return {
            "bootstrap.servers": self.servers,
            "client.id": "rushes-annotation",
            "socket.keepalive.enable": True,
            "socket.nagle.disable": True,
            "socket.connection.setup.timeout.ms": 3_000,
            "reconnect.backoff.ms": 50,
            "reconnect.backoff.max.ms": 500,
            "retry.backoff.ms": 50,
            "retry.backoff.max.ms": 500,
            "topic.metadata.refresh.fast.interval.ms": 100,
            "topic.metadata.refresh.interval.ms": 30_000,
            "logger": _logger,
            **self.options,
            **more,
        }


def prepare(cluster: Cluster) -> None:
    """Makes the topic or checks the one that is there. Waits for brokers, a while. Blocks."""
    client = admin(cluster)
    try:
        topic = client.list_topics(cluster.topic, timeout=ASK_S).topics[cluster.topic]
        if topic.error is not None:
            _make(client, cluster)
            _wait(client, cluster)
        _check(client, cluster)
    except KafkaException as error:
        raise LogUnreadable(f"the brokers cannot be used: {describe(error)}") from error


def admin(cluster: Cluster) -> AdminClient:
    """Asks the brokers about themselves. Of a leader that hangs it would go on to hope, if it did not ask who leads."""
    settings = {"metadata.max.age.ms": 2_000, "topic.metadata.refresh.interval.ms": 1_000, "socket.timeout.ms": 3_000}
    return AdminClient(cluster.client(**settings))


def bounds(client: AdminClient, cluster: Cluster, partition: int) -> "Sequence[Future[ListOffsetsResultInfo]]":
    """Asks where a partition begins and where it ends: after the last record that all brokers in sync have."""
    place = TopicPartition(cluster.topic, partition)
    return [
        client.list_offsets({place: specification}, request_timeout=ANSWER_S)[place]
        for specification in (OffsetSpec.earliest(), OffsetSpec.latest())
    ]


def is_passing(error: KafkaException) -> bool:
    """Whether to ask again helps."""
    return error.args[0].retriable() or error.args[0].code() in _PASSING


def _wait(client: AdminClient, cluster: Cluster) -> None:
    """A topic is made before every partition has a leader."""
    end_s = time.monotonic() + ASK_S
    for partition in range(PARTITIONS):
        while True:
            try:
                for each in bounds(client, cluster, partition):
                    each.result(ASK_S)
                break
            except KafkaException as error:
                if not is_passing(error) or time.monotonic() > end_s:
                    raise
            time.sleep(AGAIN_S)


def _make(client: AdminClient, cluster: Cluster) -> None:
    wanted = {
        "min.insync.replicas": str(cluster.in_sync),
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
        "retention.ms": str(KEPT_MS),
        "cleanup.policy": "delete",
        "unclean.leader.election.enable": "false",
        "compression.type": "producer",
        "message.timestamp.type": "CreateTime",
    }
    new = NewTopic(cluster.topic, PARTITIONS, cluster.replicas, config=wanted)
    making = client.create_topics([new], operation_timeout=ASK_S)[cluster.topic]
    try:
        making.result(ASK_S)
    except KafkaException as error:
        # Another instance was first.
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def _check(client: AdminClient, cluster: Cluster) -> None:
    partitions = len(client.list_topics(cluster.topic, timeout=ASK_S).topics[cluster.topic].partitions)
    resource = ConfigResource(ResourceType.TOPIC, cluster.topic)
    found = {name: entry.value for name, entry in client.describe_configs([resource])[resource].result(ASK_S).items()}
    problems = [] if partitions == PARTITIONS else [f"it has {partitions} partitions, not {PARTITIONS}"]
    problems += [
        f"{name} is {found.get(name)}"
        for name, fine in (
            ("min.insync.replicas", lambda value: int(value) >= cluster.in_sync),
            ("max.message.bytes", lambda value: int(value) >= MAX_MESSAGE_BYTES),
            ("cleanup.policy", lambda value: value == "delete"),
            ("unclean.leader.election.enable", lambda value: value == "false"),
            ("retention.ms", lambda value: int(value) == -1 or int(value) >= KEPT_MS),
        )
        if not fine(found.get(name))
    ]
    if problems:
        raise LogMisconfigured(f"the topic {cluster.topic} does not suit: {'; '.join(problems)}")


def describe(error: KafkaException) -> str:
    """What went wrong, in the library's words."""
    return str(error.args[0].str()) if error.args and isinstance(error.args[0], KafkaError) else str(error)
