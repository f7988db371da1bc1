"""Ports of svc_media's stores."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from svc_media.core.export import Export
from svc_media.core.model import Content, Job, JobEvent, Owner, Upload, Video, VideoState
from svc_media.core.subtitle import Subtitle


class Store(Protocol):
    """Uploads, videos, contents and jobs. Each method is one durable transaction; what is missing is None.

    What people do is told to the audit trail in the same transaction: uploads, jobs, downloads.
    """

    async def prepare(self) -> None:
        """Makes what is missing."""

    # -- uploads

    async def add_upload(self, upload: Upload, display_offset: int, rate: str = "") -> Upload:
        """Adds an upload; one that is no part gets a video (state UPLOADING), whose id the answer has.

        Raises TooManyUploads; UploadJoined for a part of a group that became a whole.
        """

    async def upload(self, upload_id: str) -> Upload | None:
        """An upload."""

    async def parts_of(self, upload_ids: Sequence[str]) -> list[Upload]:
        """Uploads in the order of the ids; those that are not there are left out."""

    async def advance(self, upload_id: str, offset: int, now_ms: int) -> None:
        """Bytes up to the offset are safe."""

    async def reopen(self, files: Sequence[str], now_ms: int) -> None:
        """The bytes of these files are gone: parts that were to be in them begin at 0 again."""

    async def begin_join(self, whole: Upload, parts: Sequence[str], display_offset: int, rate: str = "") -> Upload:
        """Claims complete parts for a new upload. Again with the same parts: the upload that has them already.

        Raises UploadJoined when some belong to another upload, or to this one in another order; NotFound when one is
        gone or not complete.
        """

    async def joined_parts(self, whole_id: str) -> list[Upload]:
        """The parts that an upload has claimed, in their order."""

    async def finish_upload(self, upload_id: str, file: str, now_ms: int) -> Job:
        """All bytes are in `file`: a job waits. Again: the same job.

        The upload's parts are done; other parts that were in the same file are forgotten.
        """

    async def release_upload(self, upload_id: str) -> None:
        """The bytes of a finished upload are kept elsewhere: its file is gone."""

    async def remove_upload(self, upload_id: str, error: str, now_ms: int, *, expired: bool = False) -> None:
        """Forgets an upload that its person gave up, or that `expired`; its video, if UPLOADING, becomes FAILED.

        A whole goes with its parts while one of them is not complete. Raises UploadJoined for one that is done, is
        being joined or has been claimed.
        """

    async def unsettled_uploads(self) -> list[Upload]:
        """Uploads, no parts, that are not finished though all their bytes, or all their parts, are here."""

    async def stale_uploads(self, before_ms: int) -> list[Upload]:
        """Unfinished uploads that have not changed since, nor any other in the same file; wholes that lack bytes."""

    async def purge_uploads(self, before_ms: int) -> None:
        """Forgets uploads that were finished before that and whose bytes are kept elsewhere."""

    async def files(self) -> set[str]:
        """Files of all uploads."""

    async def has_file(self, file: str) -> bool:
        """Whether an upload has that file."""

    # -- videos and contents

    async def video(self, video_id: int) -> Video | None:
        """A video."""

    async def composition(self, video_id: int) -> str:
        """What a video is made of, as it was put; empty: of what was uploaded."""

    async def put_composition(self, video_id: int, composition: str) -> None:
        """What a video is to be made of. What was said first stays."""

    async def set_size(self, video_id: int, size_bytes: int) -> None:
        """How large a video is that was made here."""

    async def set_video(self, video_id: int, state: VideoState, *, sha256: bytes = b"") -> None:
        """Changes a video's state. sha256 is kept when empty."""

    async def content(self, tenant_id: str, sha256: bytes) -> Content | None:
        """A content."""

    async def put_content(self, content: Content) -> None:
        """Adds or replaces a content."""

    async def some_contents(self, count: int) -> list[tuple[str, bytes]]:
        """So many contents that are ready, or all: of each the tenant and the hash."""

    async def note_download(self, video: Video, person_id: str, now_ms: int) -> None:
        """Somebody takes the original away."""

    # -- removal

    async def removed_to(self) -> int:
        """The number of the last purged video that was removed."""

    async def set_removed_to(self, number: int) -> None:
        """That one was."""

    async def shares_content(self, video: Video) -> bool:
        """Whether another video is of the same bytes."""

    async def spoil_content(self, tenant_id: str, sha256: bytes) -> None:
        """Files of the content may be gone: whoever brings the same bytes has all of it made anew."""

    async def remove_video(self, video: Video, now_ms: int, *, content: bool) -> None:
        """Forgets a video with its jobs and subtitles, and its content if that is gone too. Again: nothing changes."""

    # -- jobs

    async def add_job(self, owner: Owner, video_id: int, request_id: str, now_ms: int) -> Job:
        """A new job for a video that has none under way (else that one). Sent twice: the same job.

        A video that is READY stays so. Raises NotFound, VideoUploading.
        """

    async def job(self, job_id: int) -> Job | None:
        """A job."""

    async def move_job(
        self,
        job_id: int,
        event: JobEvent,
        now_ms: int,
        *,
        error: str = "",
        reason: str = "",
        person_id: str = "",
        holder: str = "",
        until_ms: int = 0,
    ) -> Job:
        """What happens to a job, and who had it done. With an error its video, unless it is READY, is FAILED.

        Who begins it is its holder, until `until_ms` if it is not heard of; what happens later is the holder's to say.
        Raises NotFound, JobHasEnded: also where another holds it, or has begun it before. Begun twice by its holder it
        is the same.
        """

    async def take_up(self, holder: str, now_ms: int) -> list[Job]:
        """Jobs that wait, the oldest first; those that wait again whose holder is gone, or is this one, too."""

    async def hold(self, holder: str, until_ms: int, job_ids: Collection[int]) -> dict[int, str]:
        """The holder is at these. Gives those that it holds, and who asked each to stop, if anybody did."""

    async def cancel_job(self, job_id: int, now_ms: int, person_id: str) -> Job:
        """Stops a job: one that waits at once, one that runs by asking its holder. Raises NotFound."""

    async def note_job(self, job_id: int, step: str, progress_permille: int) -> None:
        """How far a job is that is running."""

    async def close(self) -> None:
        """Closes the store."""


class ExportStore(Protocol):
    """Exports. Each method is one durable transaction, which tells the audit trail what people do."""

    async def prepare(self) -> None:
        """Makes what is missing."""

    async def add(self, export: Export, request_id: str, asked: str, holder: str = "") -> Export:
        """Adds an export, which `holder` will write; the same request again: the one that it made. `asked` is all that
        was asked for.

        Raises TooManyExports; AlreadyUsed: the request_id was for something else; NotFound: it expired.
        """

    async def get(self, export_id: str) -> Export | None:
        """An export."""

    async def move(self, export_id: str, event: JobEvent, now_ms: int, **changes: Any) -> Export:
        """What happens to an export, with what else changes. Raises NotFound, JobHasEnded."""

    async def note_download(self, export: Export, now_ms: int) -> None:
        """Its person takes the file."""

    async def open(self, holder: str = "") -> list[Export]:
        """Exports that have not ended, the oldest first; of one holder, or all."""

    async def expired(self, before_ms: int) -> list[Export]:
        """Exports that have ended, and whose time is over."""

    async def remove(self, export_id: str) -> None:
        """Forgets an export."""

    async def of_video(self, video_id: int) -> list[Export]:
        """All exports of a video."""

    async def sources(self) -> set[str]:
        """Names of the files of all."""


class SubtitleStore(Protocol):
    """Subtitles. Each method is one durable transaction, which tells the audit trail what people do."""

    async def prepare(self) -> None:
        """Makes what is missing."""

    async def add(self, subtitle: Subtitle, text: str, request_id: str) -> Subtitle:
        """Adds some with their words; they get an id. The same request again: those that it made.

        Raises TooManySubtitles; NotFound: they were taken away since.
        """

    async def all(self, video_id: int) -> list[Subtitle]:
        """Those of a video, by language and name."""

    async def text(self, video_id: int, subtitle_id: int) -> tuple[Subtitle, str] | None:
        """Some with their words."""

    async def change(
        self, by: Owner, video_id: int, subtitle_id: int, values: Mapping[str, Any], now_ms: int
    ) -> Subtitle:
        """Changes fields. Raises NotFound."""

    async def remove(self, by: Owner, video_id: int, subtitle_id: int, now_ms: int) -> None:
        """Takes some away; those that are not there are fine."""
