"""From a batch to a record in the log: what is known when it is appended goes with it."""

import asyncio
import logging

from rushes.annotation.v1 import operation_pb2, record_pb2
from rushes.errors import Unavailable
from svc_annotation import metrics
from svc_annotation.core.submission import Submission, submission
from svc_annotation.facts import VideoFacts
from svc_annotation.shared import Shared
from svc_annotation.stores import LogFull, LogReadOnly, partition_of
from svc_annotation.video import Video

_logger = logging.getLogger(__name__)


def submit(
    shared: Shared,
    video: Video,
    facts: VideoFacts,
    *,
    person_id: str,
    permissions: int,
    client_id: bytes,
    epoch: int,
    batch: operation_pb2.Batch,
    service: bool,
) -> Submission:
    """A batch as it goes into the log now."""
    record = record_pb2.Record(
        rules=shared.config.rules,
        epoch=epoch,
        video_id=video.video_id,
        tenant_id=facts.tenant_id,
        person_id=person_id,
        permissions=permissions,
        client_id=client_id,
        time_ms=shared.clock.now_ms(),
        frame_count=facts.frame_count,
    )
    return submission(video.document, record, batch, service=service)


def begin_append(shared: Shared, video_id: int, submitted: Submission) -> "asyncio.Future[int]":
    """Appends it; once it is durable, the fold will have it. To be followed by `finish_append`."""
    return asyncio.ensure_future(shared.log.append(partition_of(video_id), video_id, submitted.payload))


def finish_append(appending: "asyncio.Future[int]") -> None:
    """Raises, if it failed, a subclass of Unavailable; LogReadOnly if the disk is full: the log recovers by itself."""
    try:
        appending.result()
    except LogFull as error:
        metrics.APPEND_FAILED.labels(error.reason).inc()
        raise LogReadOnly(f"nothing can be written at the moment: {error.message}") from error
    except Unavailable as error:
        metrics.APPEND_FAILED.labels(error.reason).inc()
        raise
    metrics.APPENDED.counts[""] += 1
