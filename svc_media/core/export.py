"""Exports: notes on their way into a file, and the notes as they were read for it."""

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any, Final

from rushes.annotation.v1.annotation_pb2 import Annotation
from rushes.errors import PermissionDenied, ResourceExhausted
from rushes.exchange.notes import Notes
from rushes.exchange.notes import VideoFacts as NotedVideo
from rushes.exchange.sheet import Head
from rushes.timecode import Timecode
from svc_media.core.facts import VideoFacts
from svc_media.core.model import JobState, Owner
from svc_media.core.tus import safe_name

ENDINGS: Final = {
    "csv": "csv",
    "json": "json",
    "otio": "otio",
    "otio-markers": "otio",
    "edl": "edl",
    "resolve": "edl",
    "pdf": "pdf",
}
"""File endings by format."""
MAX_OPEN: Final = 10
"""Exports of one person that wait or are written."""
PREFIX: Final = "export-"


class TooManyExports(ResourceExhausted):
    """The person has asked for more files than are written at a time."""

    reason = "TOO_MANY_EXPORTS"


class ExportInternal(PermissionDenied):
    """The file holds internal notes, which the person may not read any more."""

    reason = "EXPORT_INTERNAL"


@dataclass(frozen=True, slots=True)
class Export:
    """One file of notes."""

    export_id: str
    owner: Owner
    """Whoever asked for it: nobody else gets it."""
    video_id: int
    format: str
    source: str
    """Name of the file with the notes; whoever finds another here than they wrote was second."""
    file_name: str
    revision: int
    internal: bool
    created_ms: int
    expires_ms: int
    state: JobState = JobState.QUEUED
    progress_permille: int = 0
    error: str = ""
    error_reason: str = ""
    ended_ms: int = 0
    size_bytes: int = 0
    content_type: str = ""
    remark: str = ""

    @property
    def name(self) -> str:
        """The last part of its address."""
        return f"{PREFIX}{self.export_id}.{ENDINGS[self.format]}"


@dataclass(frozen=True, slots=True)
class Source:
    """What an export is written of."""

    format: str
    head: Head
    notes: Notes

    def to_json(self) -> str:
        """As a JSON object."""
        video = self.notes.video
        return json.dumps(
            {
                "format": self.format,
                "head": asdict(self.head),
                "video": {**asdict(video), "rate": str(video.rate)},
                "authors": dict(self.notes.authors),
                "annotations": [base64.b64encode(each.SerializeToString()).decode() for each in self.notes.annotations],
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "Source":
        """What `to_json` wrote."""
        fields: dict[str, Any] = json.loads(text)
        video = fields["video"]
        start = video["start"]
        noted = NotedVideo(
            **{
                **video,
                "rate": Fraction(video["rate"]),
                "start": Timecode(**start) if start else None,
                "numbers": tuple(video["numbers"]),
            }
        )
        annotations = [Annotation.FromString(base64.b64decode(each)) for each in fields["annotations"]]
        return cls(fields["format"], Head(**fields["head"]), Notes(noted, annotations, fields["authors"]))


@dataclass(frozen=True, slots=True)
class Read:
    """The notes of a video as somebody may read them."""

    annotations: Sequence[Annotation]
    revision: int
    authors: dict[str, str] = field(default_factory=dict)
    head: Head = field(default_factory=Head)


def noted_video(video_id: int, name: str, facts: VideoFacts) -> NotedVideo:
    """A video as files of notes know it."""
    ticks = [tick * facts.time_base * facts.rate for tick in facts.frame_ticks]
    return NotedVideo(
        video_id=video_id,
        name=name,
        rate=facts.rate,
        frame_count=facts.frame_count,
        width=facts.width,
        height=facts.height,
        start=facts.start_timecode,
        numbers=tuple(round(each) for each in ticks),
    )


def file_name(stem: str, cut: str, format: str) -> str:
    """A name for the file that people keep."""
    return safe_name(" ".join(filter(None, (stem, cut)))) + "." + ENDINGS[format]
