"""How fast the engines take what the annotation service gives them, and the whole product on them, one instance and
one gateway beside two of each: `python -m benchmarks.engines [--quick]`.

Starts one Kafka broker and a server of MongoDB's protocol (scripts/engines), or uses those that the variables
RUSHES_ANNOTATION__KAFKA and RUSHES_ANNOTATION__MONGO name. The last line is one JSON object.
"""

import argparse
import asyncio
import contextlib
import json
import os
import tempfile
import time
import uuid
from collections.abc import Awaitable, Iterator
from pathlib import Path
from statistics import quantiles
from typing import Any

from benchmarks.engines_product import compare
from rushes.annotation.v1.annotation_pb2 import AnnotationState
from svc_annotation.core.row import Change, HistoryRow
from svc_annotation.stores.history_mongo import open_mongo_history
from svc_annotation.stores.kafka import Cluster, KafkaLog, open_kafka_log
from svc_annotation.stores.mongo_schema import connect, database_of
from tests.engine import Engine, kafka, running

OPERATIONS = 20
"""In a batch, which is a record."""
BATCH_BYTES = 4_000
WARM = 2_000
IN_FLIGHT = 500
RATE_S = 200
BULK = 1_000


@contextlib.contextmanager
def engines() -> Iterator[tuple[str, str, int]]:
    """Addresses of both, and how many brokers hold a record."""
    servers, mongo = os.environ.get("RUSHES_ANNOTATION__KAFKA", ""), os.environ.get("RUSHES_ANNOTATION__MONGO", "")
    if servers and mongo:
        yield servers, mongo, int(os.environ.get("RUSHES_ANNOTATION__KAFKA_REPLICAS", "3"))
        return
    with tempfile.TemporaryDirectory(prefix="rushes-engines-") as folder:
        (broker,) = kafka(Path(folder) / "kafka")
        store = Engine("mongo", Path(folder) / "mongo")
        with running([broker, store]):
            yield broker.address, f"mongodb://{store.address}/bench-{uuid.uuid4().hex}", 1


class Reading:
    """Follows a partition and notes when each record came."""

    def __init__(self, log: KafkaLog, partition: int) -> None:
        self.came_s: dict[bytes, float] = {}
        self.records = 0
        self._more = asyncio.Event()
        self._task = asyncio.create_task(self._read(log, partition))

    async def _read(self, log: KafkaLog, partition: int) -> None:
        async for entries in log.read(partition, 0):
            now_s = time.perf_counter()
            self.records += len(entries)
            for entry in entries:
                self.came_s[entry.payload[:16]] = now_s
            self._more.set()

    async def has(self, count: int) -> None:
        """Returns once so many came."""
        while self.records < count:
            self._more.clear()
            await self._more.wait()

    def stop(self) -> None:
        """Reads no more."""
        self._task.cancel()


def record(number: int) -> bytes:
    """A batch whose bytes begin with its number, and do not compress to nothing."""
    return number.to_bytes(16, "big") + os.urandom(BATCH_BYTES // 2) + bytes(BATCH_BYTES // 2)


async def ingest(log: KafkaLog, reading: Reading, count: int) -> dict[str, Any]:
    """Batches through one partition as fast as they go."""
    turn = asyncio.Semaphore(IN_FLIGHT)

    async def append(number: int) -> None:
        async with turn:
            await log.append(0, 32, record(number))

    await asyncio.gather(*(append(number) for number in range(WARM)))
    began_s = time.perf_counter()
    await asyncio.gather(*(append(WARM + number) for number in range(count)))
    await reading.has(WARM + count)
    seconds = time.perf_counter() - began_s
    return {
        "ingest_ops_s": round(count * OPERATIONS / seconds),
        "lost": WARM + count - len(reading.came_s),
        "duplicated": reading.records - len(reading.came_s),
    }


async def latency(log: KafkaLog, reading: Reading, first: int, count: int) -> dict[str, Any]:
    """From append to reading, at a steady rate."""
    began_s: dict[bytes, float] = {}
    appended: list[Awaitable[int]] = []
    before = reading.records
    for number in range(first, first + count):
        payload = record(number)
        began_s[payload[:16]] = time.perf_counter()
        appended.append(log.append(0, 32, payload))
        await asyncio.sleep(1 / RATE_S)
    await asyncio.gather(*appended)
    await reading.has(before + count)
    hundredths = quantiles(((reading.came_s[key] - start_s) * 1_000 for key, start_s in began_s.items()), n=100)
    return {"log_p50_ms": round(hundredths[49], 1), "log_p99_ms": round(hundredths[98], 1)}


async def project(url: str, count: int) -> dict[str, Any]:
    """Rows into history, in bulks."""
    history = await open_mongo_history(url)
    began_s = time.perf_counter()
    for at in range(0, count, BULK):
        await history.write({7: at}, [row(at + number) for number in range(BULK)])
    seconds = time.perf_counter() - began_s
    written = await history.head(7)
    await history.close()
    operator = connect(url)
    await operator.drop_database(database_of(operator))
    await operator.close()
    assert written is not None
    assert written.ordinal == count - 1
    return {"projector_ops_s": round(count * OPERATIONS / seconds)}


def row(ordinal: int) -> HistoryRow:
    """A batch that moved one annotation many times: one commit, one state."""
    commit = os.urandom(BATCH_BYTES // 4)
    state = AnnotationState(order_revision=ordinal % 100 + 1).SerializeToString()
    identity = (ordinal % 100).to_bytes(16, "big")
    at = (7, ordinal, 1, ordinal, "t", "ann", bytes(16), ordinal + 1, ordinal, 1, ordinal, ordinal + 1, ordinal + 1)
    return HistoryRow(*at, b"", commit, None, (Change(identity, state),))


async def run(*, quick: bool) -> dict[str, Any]:
    """All of it."""
    with engines() as (servers, mongo, replicas):
        product = await asyncio.to_thread(compare, servers, mongo, replicas, quick=quick)
        log = await open_kafka_log(Cluster(servers, f"bench-{uuid.uuid4().hex}", replicas))
        reading = Reading(log, 0)
        records = 5_000 if quick else 50_000
        found = await ingest(log, reading, records)
        # From append to reading; `p99_ms` is what people see of the whole product.
        found |= await latency(log, reading, WARM + records, 400 if quick else 4_000)
        reading.stop()
        await log.close()
        return found | await project(mongo, 10_000 if quick else 50_000) | product


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    print(json.dumps(asyncio.run(run(quick=parser.parse_args().quick))))


if __name__ == "__main__":
    main()
