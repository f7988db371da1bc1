"""Notes from EDLs (CMX 3600): `* LOC:` lines and the timeline markers of DaVinci Resolve.

Times are those of the timeline (record times). If the EDL names clips, and some have the video's name, the notes on
those clips count, at the frames of the video that they show.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

from rushes.annotation.v1.annotation_pb2 import ANNOTATION_KIND_COMMENT, Annotation
from rushes.exchange.error import InvalidNotesFile
from rushes.exchange.found import Found, Item, content_of
from rushes.exchange.notes import VideoFacts, one_line
from rushes.timecode import InvalidTimecode, Timecode, format_timecode, frames_a_day, parse_timecode

COLORS: Final = frozenset(
    ("RED", "GREEN", "BLUE", "CYAN", "MAGENTA", "YELLOW", "BLACK", "WHITE", "PINK", "ORANGE", "PURPLE")
)
_TIME: Final = r"\d{1,2}[:;.,]\d{1,2}[:;.,]\d{1,2}[:;.,]\d{1,3}"
_EVENT: Final = re.compile(rf"\d+\s.*?({_TIME})\s+({_TIME})\s+({_TIME})\s+({_TIME})\s*", re.ASCII)
_LOCATOR: Final = re.compile(rf"\*?\s*LOC:\s*({_TIME})(?:\s+(.*))?", re.ASCII | re.IGNORECASE | re.DOTALL)
_NO_LOCATOR: Final = re.compile(r"\*?\s*LOC:", re.IGNORECASE)
_MARKER: Final = re.compile(r"(.*?)\s*\|C:\s*ResolveColor(\w*)\s*\|M:(.*?)\s*\|D:\s*(\d{1,9})\s*", re.ASCII | re.DOTALL)
_CLIP: Final = re.compile(r"\*\s*(?:FROM|TO) CLIP NAME:\s*(.*)", re.IGNORECASE)
_MAX_LINE: Final = 10_000
_NO_NAME: Final = re.compile(r"(marker|note) ?\d*|\d+ notes", re.IGNORECASE)


@dataclass(slots=True, eq=False)
class _Event:
    """An edit: what it shows, and where on the timeline; counts of frames."""

    source: int
    record: int
    record_end: int
    names: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A note: where on the timeline, and for how many frames."""

    record: int
    length: int
    text: str
    event: _Event | None


def read(data: bytes, video: VideoFacts, start: Timecode | None = None) -> Found:
    """The notes of an EDL; `start`: the timeline's time of the video's first frame (that of the video).

    Raises InvalidNotesFile.
    """
    parser = _Parser(video)
    for number, line in enumerate(decode(data).splitlines(), start=1):
        try:
            parser.take(line[:_MAX_LINE].strip())
        except InvalidTimecode as error:
            hint = "Is the EDL of a timeline of another frame rate?"
            raise InvalidNotesFile(f"Line {number} of this EDL cannot be read. {error.message} {hint}") from None
    if not parser.any:
        raise InvalidNotesFile("This is no EDL: it has neither a title nor events nor locators.")
    return _found(parser, video, start)


def decode(data: bytes) -> str:
    """The text of a file of unknown age. Raises InvalidNotesFile for what is no text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    if b"\0" in data[:4096]:
        raise InvalidNotesFile("This is no EDL: it is not text.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _found(parser: "_Parser", video: VideoFacts, start: Timecode | None) -> Found:
    names = {video.name.casefold(), video.stem.casefold()}
    ours = [event for event in parser.events if event.names & names] if start is None else []
    ours.sort(key=lambda event: event.record)
    own = set(ours)
    begin = parser.count_of(start or video.origin)
    found = Found()
    for mark in parser.marks:
        event = mark.event if mark.event in own else _around(ours, mark.record, parser.day)
        number = mark.record - begin + (event.source - event.record if event is not None else 0)
        # Labels begin again at midnight, in the middle of a video or not.
        number = (number + parser.day // 2) % parser.day - parser.day // 2
        first = video.frame(number) if event is not None or not ours else None
        if first is None:
            found.outside += 1
            continue
        last = video.frame(number + max(1, mark.length) - 1)
        note = Annotation(
            kind=ANNOTATION_KIND_COMMENT,
            first_frame=first,
            last_frame=video.frame_count - 1 if last is None else last,
            text=mark.text,
        )
        found.items.append(Item(note, content_of(note)))
    return found


def _around(events: list[_Event], record: int, day: int) -> _Event | None:
    """The event that a time of the timeline lies in; the last one may go on past midnight."""
    if not events:
        return None
    event = events[bisect_right(events, record, key=lambda event: event.record) - 1]
    return event if (record - event.record) % day < (event.record_end - event.record) % day else None


@dataclass(slots=True)
class _Parser:
    video: VideoFacts
    drop_frame: bool | None = None
    """What the file says of its times; None: nothing."""
    any: bool = False
    events: list[_Event] = field(default_factory=list)
    marks: list[_Mark] = field(default_factory=list)

    def take(self, line: str) -> None:
        """A line. Raises InvalidTimecode."""
        if line.startswith("TITLE:"):
            self.any = True
        elif line.startswith("FCM:"):
            self.drop_frame = "NON" not in line and "DROP" in line
        elif "|C:" in line and (marker := _MARKER.fullmatch(line)):
            self._marker(marker)
        elif event := _EVENT.fullmatch(line):
            source, _, record, record_end = map(self._count, event.groups())
            self.events.append(_Event(source, record, record_end))
            self.any = True
        elif locator := _LOCATOR.fullmatch(line):
            self._locator(locator)
        elif _NO_LOCATOR.match(line):
            raise InvalidTimecode(f"“{line[:40]}” has no timecode such as 01:00:51:12.")
        elif (clip := _CLIP.fullmatch(line)) and self.events:
            name = clip[1].strip().casefold()
            self.events[-1].names |= {name, name.rsplit(".", 1)[0]}

    def _marker(self, marker: "re.Match[str]") -> None:
        """A marker of Resolve: of the event before it."""
        if not self.events:
            raise InvalidTimecode("A marker stands before the first event.")
        note, name = one_line(marker[1]), one_line(marker[3])
        if _NO_NAME.fullmatch(name):
            name = ""
        text = f"{name}: {note}" if name and note else name or note
        if text:
            self.marks.append(_Mark(self.events[-1].record, int(marker[4]), text, None))

    def _locator(self, locator: "re.Match[str]") -> None:
        self.any = True
        words = one_line(locator[2] or "")
        color, _, rest = words.partition(" ")
        text = rest if color.upper() in COLORS else words
        if text:
            self.marks.append(_Mark(self._count(locator[1]), 1, text, self.events[-1] if self.events else None))

    def _count(self, label: str) -> int:
        """Frames before a label. A semicolon says drop-frame; else the file's head does, else the video."""
        if self.drop_frame is None and re.search("[;.,]", label):
            self.drop_frame = True
        drop_frame = self._mode or bool(re.search("[;.,]", label))
        hour, minute, second, frame = re.split("[:;.,]", label)
        text = f"{hour}:{minute}:{second}{';' if drop_frame else ':'}{frame}"
        return parse_timecode(text, self.video.rate).frames

    @property
    def _mode(self) -> bool:
        return self.video.origin.drop_frame if self.drop_frame is None else self.drop_frame

    @property
    def day(self) -> int:
        """How many labels there are from midnight to midnight."""
        return frames_a_day(self.video.rate, self._mode)

    def count_of(self, start: Timecode) -> int:
        """The count of a label in the mode of this file: suites keep labels when they change the mode."""
        label = format_timecode(start.frames, self.video.rate, start.drop_frame)
        return self._count(label.replace(";", ":"))
