"""What was read from a file of notes, before anybody decides what of it is new."""

import hashlib
from dataclasses import dataclass, field

from rushes.annotation.v1.annotation_pb2 import Annotation
from rushes.document.limit import ID_BYTES


@dataclass(frozen=True, slots=True)
class Item:
    """One note of a file."""

    annotation: Annotation
    """As it is to be made. Its id, author_id and parent_id are those it had where the file was written, if known."""
    content: bytes
    """Hash of what the file shows of it: the same for the same words or lines on the same frames."""
    author: str = ""
    """Name of who wrote it, if that is known."""


@dataclass(slots=True)
class Found:
    """The notes of a file, in its order."""

    video_id: int = 0
    """The video that the file was written of; 0: not known."""
    items: list[Item] = field(default_factory=list)
    outside: int = 0
    """How many lie on no frame of the video."""
    left_out: list[str] = field(default_factory=list)
    """What cannot become a note, with the reason, for people."""


def content_of(annotation: Annotation) -> bytes:
    """Hash of what is seen of an annotation: neither who made it nor what is kept about it."""
    shown = Annotation(
        kind=annotation.kind,
        first_frame=annotation.first_frame,
        last_frame=annotation.last_frame,
        position=annotation.position,
        box=annotation.box,
        points=annotation.points,
        pressure=annotation.pressure,
        mode=annotation.mode,
        style=annotation.style,
        text=annotation.text,
    )
    return hashlib.blake2b(shown.SerializeToString(deterministic=True), digest_size=ID_BYTES).digest()
