"""Notes as JSON with everything in it: what comes back as it was."""

import json
from typing import Final

from rushes.exchange.csv_file import row
from rushes.exchange.error import InvalidNotesFile
from rushes.exchange.found import Found, Item, content_of
from rushes.exchange.notes import Notes, VideoFacts
from rushes.exchange.plain import Json, from_plain, list_at, object_at, parse, text_at, to_plain, video_id_at

FORMAT: Final = "rushes.notes/1"


def write(notes: Notes) -> bytes:
    """A readable line of a table for each annotation, with its whole state beside it."""
    document = {
        "format": FORMAT,
        "video": _facts(notes.video),
        "annotations": [
            row(notes, annotation) | {"tags": list(annotation.tags), "state": to_plain(annotation)}
            for annotation in notes.annotations
        ],
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def _facts(video: VideoFacts) -> Json:
    return {
        "video_id": video.video_id,
        "name": video.name,
        "rate": str(video.rate),
        "frame_count": video.frame_count,
        "width": video.width,
        "height": video.height,
        "start_timecode": video.label(0) if video.start and video.frame_count else None,
    }


def read(data: bytes, video: VideoFacts) -> Found:
    """What `write` wrote. Raises InvalidNotesFile."""
    document = parse(data, "notes")
    if document.get("format") != FORMAT:
        raise InvalidNotesFile(f"This JSON file holds no notes of Rushes: its “format” is not “{FORMAT}”.")
    found = Found(video_id=video_id_at(object_at(document.get("video"))))
    for place, entry in enumerate(list_at(document.get("annotations")), start=1):
        try:
            annotation = from_plain(object_at(entry).get("state"))
        except ValueError as error:
            raise InvalidNotesFile(f"Note {place} of this file cannot be read: {error}") from None
        if annotation.deleted:
            continue
        if annotation.last_frame >= video.frame_count:
            found.outside += 1
            continue
        found.items.append(Item(annotation, content_of(annotation), text_at(object_at(entry).get("author"))))
    return found
