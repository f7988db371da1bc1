"""Frames and timecodes: which label a frame carries, with and without dropped labels (SMPTE ST 12-1).

A timecode is kept as the count of frames from 00:00:00:00 to it, so that frame n of a video is at start + n.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from rushes.errors import InvalidArgument

HOURS_A_DAY: Final = 24
MINUTES_A_DAY: Final = HOURS_A_DAY * 60

_PATTERN = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})([:;.,])(\d{1,3})", re.ASCII)


class InvalidTimecode(InvalidArgument):
    """Not a timecode, or one that does not exist at this rate."""

    reason = "INVALID_TIMECODE"


@dataclass(frozen=True, slots=True)
class Timecode:
    """A label as the count of frames from 00:00:00:00 to it; labels that are dropped are not counted."""

    frames: int
    drop_frame: bool = False


def nominal_rate(rate: Fraction) -> int:
    """How many labels a second has: 24 at 23.976, 30 at 29.97."""
    return max(1, round(rate))


def can_drop(rate: Fraction) -> bool:
    """Whether labels may be dropped at this rate: 29.97 and its multiples only."""
    return rate.denominator == 1001 and rate.numerator % 30000 == 0


def dropped_a_minute(rate: Fraction) -> int:
    """How many labels are dropped at the start of a minute that is no tenth."""
    return nominal_rate(rate) // 15


def frames_a_day(rate: Fraction, drop_frame: bool) -> int:
    """How many labels there are from 00:00:00:00 to the next."""
    drops = dropped_a_minute(rate) * (MINUTES_A_DAY - MINUTES_A_DAY // 10) if drop_frame else 0
    return nominal_rate(rate) * 60 * MINUTES_A_DAY - drops


def format_timecode(frames: int, rate: Fraction, drop_frame: bool = False) -> str:
    """The label of a count of frames; it starts again after 24 hours."""
    nominal = nominal_rate(rate)
    number = frames % frames_a_day(rate, drop_frame)
    if drop_frame:
        number = _with_dropped(number, nominal, dropped_a_minute(rate))
    seconds, frame = divmod(number, nominal)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    separator = ";" if drop_frame else ":"
    digits = len(str(nominal - 1)) if nominal > 100 else 2
    return f"{hour:02}:{minute:02}:{second:02}{separator}{frame:0{digits}}"


def _with_dropped(count: int, nominal: int, dropped: int) -> int:
    """The number that a label spells, from the count of labels before it."""
    ten_minutes = nominal * 600 - dropped * 9
    tens, rest = divmod(count, ten_minutes)
    number = count + dropped * 9 * tens
    # The first minute of ten keeps all its labels; each of the other nine lacks `dropped` of them.
    if rest >= nominal * 60:
        number += dropped * (1 + (rest - nominal * 60) // (nominal * 60 - dropped))
    return number


def parse_timecode(text: str, rate: Fraction) -> Timecode:
    """A timecode from its label; `;` `.` or `,` before the frames says drop-frame.

    Raises InvalidTimecode for what is no label, and for a label that does not exist at this rate.
    """
    match = _PATTERN.fullmatch(text.strip())
    if match is None:
        raise InvalidTimecode(f"“{text[:40]}” is not a timecode such as 01:00:51:12.")
    hour, minute, second, frame = (int(match[group]) for group in (1, 2, 3, 5))
    nominal = nominal_rate(rate)
    if hour >= HOURS_A_DAY or minute >= 60 or second >= 60 or frame >= nominal:
        raise InvalidTimecode(f"The timecode {match[0]} does not exist at {float(rate):.6g} frames a second.")
    drop_frame = match[4] != ":"
    if drop_frame and not can_drop(rate):
        raise InvalidTimecode(f"Drop-frame timecode does not exist at {float(rate):.6g} frames a second.")
    minutes = hour * 60 + minute
    number = (minutes * 60 + second) * nominal + frame
    if not drop_frame:
        return Timecode(number)
    dropped = dropped_a_minute(rate)
    if minute % 10 and second == 0 and frame < dropped:
        raise InvalidTimecode(f"The label {match[0]} is one of those that drop-frame leaves out.")
    return Timecode(number - dropped * (minutes - minutes // 10), True)


def label(frame: int, rate: Fraction, start: Timecode | None) -> str:
    """The timecode of a video's frame, as the page shows it; a video without one counts from zero."""
    origin = start or Timecode(0)
    return format_timecode(origin.frames + frame, rate, origin.drop_frame)
