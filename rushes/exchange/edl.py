"""Notes as EDLs (CMX 3600): locators for editing suites, or the timeline markers of DaVinci Resolve.

An EDL has one line for a note, no drawings and no threads. Times are those of the video's own timecode.
"""

from itertools import groupby
from typing import Final

from rushes.annotation.v1.annotation_pb2 import Annotation
from rushes.exchange.notes import Notes, VideoFacts, one_line
from rushes.timecode import format_timecode

END: Final = "\r\n"
MERGED: Final = " // "
"""Between the notes of a frame where a format has one marker for a frame."""


def write(notes: Notes) -> bytes:
    """One event, the video whole, with a `* LOC:` line for each note."""
    lines = [*_head(notes.video), _event(1, "AX", notes.video, 0, notes.video.length)]
    lines.append(f"* FROM CLIP NAME: {one_line(notes.video.name)}")
    for note in notes.worded:
        color = "GREEN" if note.resolved else "RED"
        lines.append(f"* LOC: {notes.video.label(note.first_frame)} {color:<7} {notes.line(note)}")
    return _bytes(lines)


def write_resolve(notes: Notes) -> bytes:
    """An event for each frame with notes, as Resolve exports and imports its timeline markers: one for a frame."""
    video = notes.video
    lines = _head(video)
    frames = groupby(notes.worded, key=lambda note: note.first_frame)
    for number, (frame, group) in enumerate(frames, start=1):
        said = list(group)
        first = video.number(frame)
        length = max(video.number(note.last_frame) for note in said) - first + 1
        color = "Green" if all(note.resolved for note in said) else "Red"
        marks = f"|C:ResolveColor{color} |M:{_resolve_name(notes, said)} |D:{length}"
        lines += (_event(number, "001", video, first, 1), f"{_resolve_note(notes, said)} {marks}", "")
    return _bytes(lines)


def _resolve_name(notes: Notes, said: list[Annotation]) -> str:
    if len(said) > 1:
        return f"{len(said)} notes"
    return _unbarred(notes.author(said[0])) or "Note"


def _resolve_note(notes: Notes, said: list[Annotation]) -> str:
    """The words before the first bar. A line must not begin as an event or a comment does."""
    words = MERGED.join(map(notes.line, said)) if len(said) > 1 else one_line(said[0].text)
    words = _unbarred(words)
    return f"- {words}" if words[:1].isdigit() or words[:1] == "*" else words


def _unbarred(text: str) -> str:
    return text.replace("|", "/")


def _head(video: VideoFacts) -> list[str]:
    mode = "DROP FRAME" if video.origin.drop_frame else "NON-DROP FRAME"
    return [f"TITLE: {one_line(video.stem)[:70]}", f"FCM: {mode}", ""]


def _event(number: int, reel: str, video: VideoFacts, first: int, length: int) -> str:
    """A cut of the video, at the same times in it and on the timeline."""
    origin = video.origin
    times = [format_timecode(origin.frames + at, video.rate, origin.drop_frame) for at in (first, first + length)]
    return f"{number:03}  {reel:<8} V     C        {' '.join(times * 2)}"


def _bytes(lines: list[str]) -> bytes:
    return (END.join(lines) + END).encode("utf-8", "replace")
