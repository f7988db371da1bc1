"""Ports of svc_media's stores."""

from collections.abc import Sequence
from typing import Protocol

from svc_media.core.model import Content, Job, JobEvent, Owner, Upload, Video, VideoState


class Store(Protocol):
    """Uploads, videos, contents and jobs. Each method is one durable transaction; what is missing is None."""

    async def prepare(self) -> None:
        """Makes what is missing."""

    async def add_upload(self, upload: Upload, display_offset: int) -> Upload:
        """Adds an upload; one that is no part gets a video (state UPLOADING), whose id the answer has."""

    async def upload(self, upload_id: str) -> Upload | None:
        """An upload."""

    async def parts_of(self, upload_ids: Sequence[str]) -> list[Upload]:
        """Uploads in the order of the ids; those that are not there are left out."""

    async def advance(self, upload_id: str, offset: int, now_ms: int) -> None:
        """Bytes up to the offset are safe."""

    async def finish_upload(self, upload_id: str, file: str, parts: Sequence[str], now_ms: int) -> Job:
        """All bytes are in `file`: the parts are forgotten, a job waits. Again: the same job."""

    async def remove_upload(self, upload_id: str, error: str) -> None:
        """Forgets an upload; its video, if it is still UPLOADING, becomes FAILED."""

    async def stale_uploads(self, before_ms: int) -> list[Upload]:
        """Unfinished uploads that have not changed since."""

    async def video(self, video_id: int) -> Video | None:
        """A video."""

    async def set_video(
        self, video_id: int, state: VideoState, *, sha256: bytes = b"", error: str = "", error_reason: str = ""
    ) -> None:
        """Changes a video's state. sha256 is kept when empty."""

    async def content(self, tenant_id: str, sha256: bytes) -> Content | None:
        """A content."""

    async def put_content(self, content: Content) -> None:
        """Adds or replaces a content."""

    async def add_job(self, owner: Owner, video_id: int, request_id: str, now_ms: int) -> Job:
        """A new job for a video that has none under way (else that one). Sent twice: the same job."""

    async def job(self, job_id: int) -> Job | None:
        """A job."""

    async def move_job(self, job_id: int, event: JobEvent, now_ms: int, *, error: str = "", reason: str = "") -> Job:
        """What happens to a job. Raises JobHasEnded."""

    async def note_job(self, job_id: int, step: str, progress_permille: int) -> None:
        """How far a job is."""

    async def open_jobs(self) -> list[Job]:
        """Jobs that have not ended, the oldest first."""

    async def close(self) -> None:
        """Closes the store."""
