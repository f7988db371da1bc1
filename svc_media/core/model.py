"""What svc_media keeps: uploads, videos, the content they share, and jobs with their life cycle."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from rushes.errors import Conflict, FailedPrecondition, ResourceExhausted

MAX_OPEN_UPLOADS = 2_000
"""Unfinished uploads of one person, parts included."""


class VideoState(StrEnum):
    """Where a video is on its way."""

    UPLOADING = "uploading"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


class JobState(StrEnum):
    """Where a job is on its way."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobEvent(StrEnum):
    """What happens to a job."""

    BEGIN = "begin"
    SUCCEED = "succeed"
    FAIL = "fail"
    CANCEL = "cancel"
    RESTART = "restart"
    """The process that did it is gone; it will be done again."""


LIFE: dict[tuple[JobState, JobEvent], JobState] = {
    (JobState.QUEUED, JobEvent.BEGIN): JobState.RUNNING,
    (JobState.QUEUED, JobEvent.CANCEL): JobState.CANCELLED,
    (JobState.QUEUED, JobEvent.RESTART): JobState.QUEUED,
    (JobState.RUNNING, JobEvent.SUCCEED): JobState.DONE,
    (JobState.RUNNING, JobEvent.FAIL): JobState.FAILED,
    (JobState.RUNNING, JobEvent.CANCEL): JobState.CANCELLED,
    (JobState.RUNNING, JobEvent.RESTART): JobState.QUEUED,
}
ENDED = frozenset((JobState.DONE, JobState.FAILED, JobState.CANCELLED))


class JobHasEnded(FailedPrecondition):
    """The job is over; nothing happens to it any more."""

    reason = "JOB_HAS_ENDED"


class VideoUploading(FailedPrecondition):
    """The video's bytes are still coming in."""

    reason = "VIDEO_UPLOADING"


class UploadJoined(Conflict):
    """The part belongs to another upload already, or its group became one."""

    reason = "UPLOAD_JOINED"


class TooManyUploads(ResourceExhausted):
    """The person has begun more uploads than are kept open."""

    reason = "TOO_MANY_UPLOADS"


def next_state(state: JobState, event: JobEvent) -> JobState:
    """The state after an event. Raises JobHasEnded for a pair that is not in LIFE."""
    after = LIFE.get((state, event))
    if after is None:
        raise JobHasEnded(f"A job that is {state} cannot {event}.")
    return after


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose something is."""

    tenant_id: str
    person_id: str
    project_id: int


@dataclass(frozen=True, slots=True)
class Upload:
    """Bytes on their way in. They go into `file` from `base` on; parts of one group share a file.

    `file` is empty while parts are being joined into the upload, and again once its bytes are kept elsewhere.
    """

    upload_id: str
    owner: Owner
    file: str
    base: int
    length: int
    offset: int
    partial: bool
    file_name: str
    video_id: int
    """0: a part, which is no video of its own."""
    changed_ms: int
    done: bool = False

    @property
    def complete(self) -> bool:
        """All bytes are here."""
        return self.offset == self.length

    @property
    def joining(self) -> bool:
        """Its parts are on their way into it."""
        return not self.done and not self.file


@dataclass(frozen=True, slots=True)
class Video:
    """One immutable file that is reviewed."""

    video_id: int
    owner: Owner
    state: VideoState
    file_name: str
    size_bytes: int
    display_offset: int
    created_ms: int
    sha256: bytes = b""
    error: str = ""
    error_reason: str = ""
    job_id: int = 0
    upload_id: str = ""
    rate: str = ""
    """Frames a second that were chosen for it; empty: none were."""


@dataclass(frozen=True, slots=True)
class Job:
    """Long work on a video."""

    job_id: int
    video_id: int
    state: JobState
    step: str = ""
    progress_permille: int = 0
    error: str = ""
    error_reason: str = ""
    created_ms: int = 0
    ended_ms: int = 0


@dataclass(frozen=True, slots=True)
class Rendition:
    """A file made of a content. `name` is the last part of its address."""

    name: str
    kind: str
    content_type: str
    size_bytes: int
    width: int = 0
    height: int = 0
    columns: int = 0
    tiles: int = 0
    frames_per_tile: float = 0.0


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes that one or more videos of a tenant consist of, and what is known and made of them."""

    tenant_id: str
    sha256: bytes
    size_bytes: int
    facts: dict[str, Any] | None = None
    """VideoFacts.to_json(), as reviewed; None: not known yet."""
    renditions: tuple[Rendition, ...] = field(default=())
    ready: bool = False
    """It can be reviewed. (The filmstrip may follow.)"""
