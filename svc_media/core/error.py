"""What is refused about a media file, each with a reason of its own and a sentence for people.

::

    InvalidArgument      MEDIA_EMPTY, NOT_MEDIA, MEDIA_BROKEN, MEDIA_INCOMPLETE, NO_PICTURE,
                         CODEC_UNSUPPORTED, PICTURE_TOO_LARGE, MEDIA_TOO_LONG, INVALID_TIMECODE,
                         ARCHIVE_UNSAFE, SEQUENCE_BROKEN
    ResourceExhausted    WORKER_LIMIT
    FailedPrecondition   WORKER_FAILED
"""

from rushes.errors import FailedPrecondition, InvalidArgument, ResourceExhausted, RushesError
from rushes.timecode import InvalidTimecode


class MediaEmpty(InvalidArgument):
    """The file has no bytes."""

    reason = "MEDIA_EMPTY"


class NotMedia(InvalidArgument):
    """The file is of a kind that is not read."""

    reason = "NOT_MEDIA"


class MediaBroken(InvalidArgument):
    """The file is of a known kind, but its content makes no sense."""

    reason = "MEDIA_BROKEN"


class MediaIncomplete(InvalidArgument):
    """The file ends before it should."""

    reason = "MEDIA_INCOMPLETE"


class NoPicture(InvalidArgument):
    """The file has no moving or still picture."""

    reason = "NO_PICTURE"


class CodecUnsupported(InvalidArgument):
    """The picture is stored in a way that cannot be decoded here."""

    reason = "CODEC_UNSUPPORTED"


class PictureTooLarge(InvalidArgument):
    """More pixels than are decoded here."""

    reason = "PICTURE_TOO_LARGE"


class MediaTooLong(InvalidArgument):
    """More frames than are reviewed in one video."""

    reason = "MEDIA_TOO_LONG"


class ArchiveUnsafe(InvalidArgument):
    """The archive has names or sizes that only somebody who means harm makes."""

    reason = "ARCHIVE_UNSAFE"


class SequenceBroken(InvalidArgument):
    """The pictures of an archive are no sequence."""

    reason = "SEQUENCE_BROKEN"


class WorkerLimit(ResourceExhausted):
    """The work needed more memory, time or disk than a worker may use."""

    reason = "WORKER_LIMIT"


class WorkerFailed(FailedPrecondition):
    """The work ended in a way that the file alone does not explain."""

    reason = "WORKER_FAILED"


_ALL: tuple[type[RushesError], ...] = (
    MediaEmpty,
    NotMedia,
    MediaBroken,
    MediaIncomplete,
    NoPicture,
    CodecUnsupported,
    PictureTooLarge,
    MediaTooLong,
    InvalidTimecode,
    ArchiveUnsafe,
    SequenceBroken,
    WorkerLimit,
    WorkerFailed,
)
BY_REASON: dict[str, type[RushesError]] = {kind.reason: kind for kind in _ALL}


def error_of(reason: str, message: str, metadata: dict[str, str]) -> RushesError:
    """The error that a worker reported by its reason."""
    return BY_REASON.get(reason, WorkerFailed)(message, **metadata)
