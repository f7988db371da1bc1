"""Subtitles: SubRip and WebVTT read strictly, and written as WebVTT that can do nothing but show words. Pure."""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rushes.errors import InvalidArgument, ResourceExhausted
from svc_media.core.model import Owner

PREFIX: Final = "subtitle-"
MAX_BYTES: Final = 1 << 20
MAX_CUES: Final = 20_000
MAX_OFFSET_MS: Final = 24 * 3_600_000
MAX_NAME: Final = 100
MAX_PER_VIDEO: Final = 50
_MAX_TIME_MS: Final = 100 * 3_600_000
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}")
_TIME: Final = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{2})[.,](\d{3})"
_TIMES: Final = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s+(.*))?")
_SETTING: Final = re.compile(r"(?:align|line|position|size|vertical):[A-Za-z0-9.,%-]{1,20}")
# A name ends where its letters do: were it tried shorter, a mark that never ends would take quadratic time.
_TAG: Final = re.compile(r"<(/?)([A-Za-z]*)(?![A-Za-z])[^<>]*>|\{\\[^{}]*\}")
_MAX_OPENED: Final = 16
"""Marks within each other; those within more are taken out."""
_KEPT_TAGS: Final = frozenset(("i", "b", "u"))
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class SubtitleBroken(InvalidArgument):
    """The file is no subtitles that can be read; the message says where."""

    reason = "SUBTITLE_BROKEN"


class TooManySubtitles(ResourceExhausted):
    """The video has as many subtitles as it may have."""

    reason = "TOO_MANY_SUBTITLES"


@dataclass(frozen=True, slots=True)
class Cue:
    """Words and when they show."""

    begin_ms: int
    end_ms: int
    text: str
    """Lines of WebVTT: <i>, <b> and <u>, and nothing else that is not words."""
    settings: str = ""


@dataclass(frozen=True, slots=True)
class Subtitle:
    """Subtitles of a video."""

    subtitle_id: int
    owner: Owner
    """Who added them, and where the video was uploaded."""
    video_id: int
    language: str
    name: str
    offset_ms: int
    cue_count: int
    created_ms: int


def check_language(language: str) -> str:
    """The language. Raises InvalidArgument."""
    if not _LANGUAGE.fullmatch(language):
        raise InvalidArgument('The language must be as in "en", "zh-Hans" or "pt-BR".')
    return language


def check_name(name: str) -> str:
    """The name, without blanks around it. Raises InvalidArgument."""
    clean = " ".join(_CONTROL.sub(" ", name).split())
    if len(clean) > MAX_NAME:
        raise InvalidArgument(f"The name has at most {MAX_NAME} characters.")
    return clean


def check_offset(offset_ms: int) -> int:
    """The offset. Raises InvalidArgument."""
    if abs(offset_ms) > MAX_OFFSET_MS:
        raise InvalidArgument("The offset is at most a day, in milliseconds.")
    return offset_ms


def read(data: bytes) -> list[Cue]:
    """The cues of a file that somebody adds, by time. Raises SubtitleBroken."""
    if len(data) > MAX_BYTES:
        raise SubtitleBroken("Subtitles have at most 1 MB.")
    return parse(_decoded(data).replace("\r\n", "\n").replace("\r", "\n"))


def parse(text: str) -> list[Cue]:
    """The cues of what `to_vtt` wrote, which may be longer than the file that it was written of, or of such a file."""
    cues = sorted(_cues(text.split("\n")), key=lambda cue: (cue.begin_ms, cue.end_ms))
    if not cues:
        raise SubtitleBroken("There are no subtitles in this file: Rushes reads SubRip (.srt) and WebVTT (.vtt).")
    return cues


def _decoded(data: bytes) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise SubtitleBroken(f"The file is not in UTF-8 (byte {error.start + 1}): save it in UTF-8.") from None


def _cues(lines: Sequence[str]) -> Iterator[Cue]:
    """Blocks with empty lines between; a block without times is a comment, a style, or nothing that is shown."""
    count, at = 0, 0
    while at < len(lines):
        if "-->" not in lines[at]:
            at += 1
            continue
        match = _TIMES.fullmatch(lines[at])
        if match is None:
            raise SubtitleBroken(f"Line {at + 1} is no time of a subtitle: {lines[at].strip()[:60]}")
        begin_ms, end_ms = _ms(match.groups()[:4]), _ms(match.groups()[4:8])
        if end_ms <= begin_ms or end_ms > _MAX_TIME_MS:
            raise SubtitleBroken(f"Line {at + 1}: the subtitle ends before it begins, or after 100 hours.")
        count += 1
        if count > MAX_CUES:
            raise SubtitleBroken(f"Subtitles have at most {MAX_CUES:,} cues.")
        words, at = _words(lines, at + 1)
        if words:
            yield Cue(begin_ms, end_ms, words, _settings(match[9] or ""))


def _words(lines: Sequence[str], at: int) -> tuple[str, int]:
    found = []
    while at < len(lines) and lines[at].strip() and "-->" not in lines[at]:
        found.append(lines[at])
        at += 1
    if at < len(lines) and "-->" in lines[at] and found and found[-1].strip().isdigit():
        found.pop()  # the next one's number, with no empty line before it
    return _clean("\n".join(found)), at


def _ms(parts: Sequence[str | None]) -> int:
    hours, minutes, seconds, ms = (int(part or 0) for part in parts)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms


def _settings(text: str) -> str:
    """Where a cue of WebVTT stands; SubRip has coordinates there, which mean nothing here."""
    return " ".join(each for each in text.split() if _SETTING.fullmatch(each))[:200]


def _clean(text: str) -> str:
    """Words with <i>, <b>, <u>, each closed in its place; all other marks are taken out, and lines that were no more:
    an empty line would end the cue."""
    made, opened, at = list[str](), list[str](), 0
    for match in _TAG.finditer(text):
        made.append(_plain(text[at : match.start()]))
        at = match.end()
        closing, name = match[1], (match[2] or "").lower()
        if name in _KEPT_TAGS and not closing and len(opened) < _MAX_OPENED:
            opened.append(name)
            made.append(f"<{name}>")
        elif name in opened and closing:
            while opened:
                last = opened.pop()
                made.append(f"</{last}>")
                if last == name:
                    break
    made.append(_plain(text[at:]))
    made += [f"</{name}>" for name in reversed(opened)]
    return "\n".join(line for line in "".join(made).split("\n") if line.strip())


def _plain(text: str) -> str:
    try:
        words = html.unescape(text)
    except ValueError:
        raise SubtitleBroken("A character is written as a number that is far too long.") from None
    return html.escape(_CONTROL.sub("", words), quote=False)


def to_vtt(cues: Sequence[Cue], offset_ms: int = 0) -> str:
    """WebVTT with every time moved; what would end before the first frame is left out."""
    blocks = ["WEBVTT\n"]
    for cue in cues:
        begin_ms, end_ms = max(0, cue.begin_ms + offset_ms), cue.end_ms + offset_ms
        if end_ms > 0:
            settings = f" {cue.settings}" if cue.settings else ""
            blocks.append(f"{_time(begin_ms)} --> {_time(end_ms)}{settings}\n{cue.text}\n")
    return "\n".join(blocks)


def _time(time_ms: int) -> str:
    seconds, ms = divmod(time_ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{ms:03}"
