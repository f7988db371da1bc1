"""The notes of one video with what a file of them must know: what every writer takes."""

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from rushes import timecode
from rushes.annotation.v1 import annotation_pb2
from rushes.annotation.v1.annotation_pb2 import ANNOTATION_KIND_COMMENT, ANNOTATION_KIND_TEXT, Annotation
from rushes.timecode import Timecode
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
KINDS = {value: name.removeprefix("ANNOTATION_KIND_").lower() for name, value in annotation_pb2.AnnotationKind.items()}


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What is known of the video. Frames are 0-based indices; numbers count on an even grid from its start."""

    video_id: int
    name: str
    """Name of its file."""
    rate: Fraction
    """Frames a second; of variable rate the mean."""
    frame_count: int
    width: int = 0
    height: int = 0
    start: Timecode | None = None
    """Timecode of its first frame; None: it has none, count from zero."""
    numbers: tuple[int, ...] = ()
    """Of variable rate: the number of each frame, by its time; empty: a frame's number is its index."""

    @property
    def origin(self) -> Timecode:
        """The timecode that its first frame is called by."""
        return self.start or Timecode(0)

    @property
    def length(self) -> int:
        """How many numbers it spans."""
        return self.number(self.frame_count - 1) + 1 if self.frame_count else 0

    @property
    def aspect(self) -> Fraction:
        """Width by height; 16:9 where that is not known."""
        return Fraction(self.width, self.height) if self.width and self.height else Fraction(16, 9)

    @property
    def stem(self) -> str:
        """Its name without the ending."""
        return self.name.rsplit(".", 1)[0] or self.name

    def number(self, frame: int) -> int:
        """The number of a frame."""
        return self.numbers[frame] if self.numbers else frame

    def frame(self, number: int) -> int | None:
        """The frame that shows at a number; None: it lies outside the video."""
        if not 0 <= number < self.length:
            return None
        if not self.numbers:
            return number
        at = bisect_left(self.numbers, number)
        return at if self.numbers[at] == number else at - 1

    def label(self, frame: int) -> str:
        """The timecode of a frame."""
        return timecode.label(self.number(frame), self.rate, self.start)


@dataclass(frozen=True, slots=True)
class Notes:
    """The notes of a video that somebody may read, in drawing order."""

    video: VideoFacts
    annotations: Sequence[Annotation]
    authors: Mapping[str, str] = field(default_factory=dict)
    """Person -> name."""

    def author(self, annotation: Annotation) -> str:
        """Name of an annotation's author, as far as it is known."""
        return one_line(self.authors.get(annotation.author_id, annotation.author_id))

    def line(self, annotation: Annotation) -> str:
        """Who said what, in one line."""
        said = one_line(annotation.text)
        author = self.author(annotation)
        return f"{author}: {said}" if author else said

    @property
    def worded(self) -> list[Annotation]:
        """Those with words, by frame: what a format without pictures can carry."""
        said = (ANNOTATION_KIND_COMMENT, ANNOTATION_KIND_TEXT)
        found = [each for each in self.annotations if each.kind in said and one_line(each.text)]
        return sorted(found, key=lambda each: each.first_frame)


def one_line(text: str) -> str:
    """A text without line ends, control characters and repeated blanks."""
    return " ".join(_CONTROL.sub(" ", text).split())


def audience_name(annotation: Annotation) -> str:
    """For whom it is, in a word."""
    return "client" if annotation.audience == AUDIENCE_CLIENT else "internal"
