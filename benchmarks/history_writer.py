"""Somebody who writes notes as programs do, for the benchmarks of the past."""

import asyncio
import secrets
from collections.abc import Sequence
from random import Random

import rushes
from rushes.annotation.v1 import annotation_service_pb2 as annotation
from rushes.annotation.v1.annotation_service_pb2_grpc import AnnotationServiceStub
from rushes.annotation.v1.operation_pb2 import Batch, Operation


class Writer:
    """A person who writes, through a connection of their own."""

    def __init__(self, client: rushes.Client, video_id: int, random: Random) -> None:
        self._connection = client._connection
        self._video_id = video_id
        self._random = random
        self._client_id = secrets.token_bytes(16)
        self._number = 0
        self.head = 0

    async def write(self, operations: Sequence[Operation], base: int) -> int:
        """One batch; gives its revision."""
        self._number += 1
        batch = Batch(client_seq=self._number, base_revision=base, operations=operations)
        request = annotation.CreateBatchAnnotationsRequest(
            video_id=self._video_id, client_id=self._client_id, batch=batch
        )
        stub = AnnotationServiceStub(self._connection.channel)
        while True:
            try:
                answer = await self._connection.call(stub.CreateBatchAnnotations, request)
                break
            except rushes.errors.ResourceExhausted as error:
                await asyncio.sleep(error.retry_after_s or 0.05)
        assert answer.outcome.HasField("revision"), answer
        self.head = max(self.head, answer.outcome.revision)
        return self.head


def percentile(times_s: Sequence[float], percent: int) -> float:
    """In milliseconds."""
    ordered = sorted(times_s)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1000
