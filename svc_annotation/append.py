"""From a batch to a record in the log: what is known when it is appended goes with it."""

import asyncio

from rushes.document.submitted import Sender
from svc_annotation.core.submission import Head, Submission
from svc_annotation.facts import VideoFacts
from svc_annotation.shared import Shared
from svc_annotation.stores import partition_of


def head_of(
    shared: Shared,
    video_id: int,
    facts: VideoFacts,
    *,
    person_id: str,
    permissions: int,
    client_id: bytes,
    epoch: int,
) -> Head:
    """What the records of a sender begin with."""
    return Head.of(
        Sender(
            rules=shared.config.rules,
            epoch=epoch,
            video_id=video_id,
            tenant_id=facts.tenant_id,
            person_id=person_id,
            permissions=permissions,
            client_id=client_id,
            frame_count=facts.frame_count,
        )
    )


def begin_append(shared: Shared, video_id: int, submitted: Submission) -> "asyncio.Future[int]":
    """Appends it; once it is durable, the fold will have it. To be followed by `finish_append`."""
    shared.videos.underway.put(submitted)
    return shared.log.append(partition_of(video_id), video_id, submitted.payload)
