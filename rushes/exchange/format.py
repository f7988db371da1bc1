"""The formats by name: who writes and who reads them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rushes.exchange import csv_file, edl, edl_reader, json_file, otio, otio_reader
from rushes.exchange.error import InvalidNotesFile
from rushes.exchange.found import Found
from rushes.exchange.notes import Notes, VideoFacts
from rushes.timecode import Timecode


@dataclass(frozen=True, slots=True)
class Format:
    """A format of files of notes."""

    ending: str
    content_type: str
    write: Callable[[Notes], bytes]
    read: Callable[[bytes, VideoFacts, Timecode | None], Found] | None
    """None: it only leaves. The timecode: that of the video's first frame in the file, if the file says no other."""
    alike: str = ""
    """The format that shows notes in the same way; empty: none does."""


def _read_json(data: bytes, video: VideoFacts, start: Timecode | None) -> Found:
    return json_file.read(data, video)


def _read_otio(data: bytes, video: VideoFacts, start: Timecode | None) -> Found:
    return otio_reader.read(data, video, None if start is None else start.frames)


FORMATS: Final[dict[str, Format]] = {
    "json": Format("json", "application/json", json_file.write, _read_json),
    "csv": Format("csv", "text/csv; charset=utf-8", csv_file.write, None),
    "otio": Format("otio", "application/vnd.pixar.opentimelineio+json", otio.write, _read_otio),
    "otio-markers": Format(
        "otio", "application/vnd.pixar.opentimelineio+json", otio.write_plain, _read_otio, alike="otio"
    ),
    "edl": Format("edl", "text/plain; charset=utf-8", edl.write, edl_reader.read),
    "resolve": Format("edl", "text/plain; charset=utf-8", edl.write_resolve, edl_reader.read),
}


def guess(file_name: str) -> str:
    """The format of a file by its name's ending. Raises InvalidNotesFile."""
    for name, known in FORMATS.items():
        if known.read is not None and file_name.casefold().endswith(f".{known.ending}"):
            return name
    raise InvalidNotesFile(f"“{file_name[-80:]}” is no file of notes that can be read: .otio, .edl or .json is.")


def write(notes: Notes, name: str) -> bytes:
    """A file of notes."""
    return FORMATS[name].write(notes)


def shown(notes: Notes, name: str) -> list[Found]:
    """What files of these notes show, in every format that the reader of this one reads."""
    reader = FORMATS[name].read
    names = [each for each, known in FORMATS.items() if known.read is reader and not known.alike]
    return [read(write(notes, each), each, notes.video) for each in names]


def read(data: bytes, name: str, video: VideoFacts, start: Timecode | None = None) -> Found:
    """The notes of a file. Raises InvalidNotesFile."""
    reader = FORMATS[name].read
    if reader is None:
        raise InvalidNotesFile(f"Files of the format {name} are written, not read.")
    return reader(data, video, start)
