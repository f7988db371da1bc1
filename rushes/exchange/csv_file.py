"""Notes as a table for spreadsheets."""

import csv
from typing import Any, Final

from rushes.annotation.v1.annotation_pb2 import Annotation
from rushes.exchange.notes import KINDS, Notes, audience_name

COLUMNS: Final = (
    "frame",
    "last_frame",
    "timecode",
    "kind",
    "author",
    "text",
    "tags",
    "audience",
    "resolved",
    "created_ms",
    "id",
    "parent",
)


class _Lines(list[str]):
    """What the csv module writes to."""

    def write(self, line: str) -> int:
        self.append(line)
        return len(line)


def row(notes: Notes, annotation: Annotation) -> dict[str, Any]:
    """An annotation as a line of a table."""
    return {
        "frame": annotation.first_frame,
        "last_frame": annotation.last_frame,
        "timecode": notes.video.label(annotation.first_frame),
        "kind": KINDS[annotation.kind],
        "author": notes.author(annotation),
        "text": annotation.text,
        "tags": " ".join(annotation.tags),
        "audience": audience_name(annotation),
        "resolved": annotation.resolved,
        "created_ms": annotation.created_ms,
        "id": annotation.id.hex(),
        "parent": annotation.parent_id.hex(),
    }


def write(notes: Notes) -> bytes:
    """CSV in UTF-8, by frame; no spreadsheet takes its text for a formula."""
    lines = _Lines()
    writer = csv.DictWriter(lines, COLUMNS)
    writer.writeheader()
    for annotation in sorted(notes.annotations, key=lambda each: each.first_frame):
        writer.writerow({name: _cell(value) for name, value in row(notes, annotation).items()})
    return "".join(lines).encode("utf-8", "replace")


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
