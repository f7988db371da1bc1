"""What is known about a video: read once, immutable afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any, Self

from rushes.timecode import Timecode
from svc_media.core.container import Kind


@dataclass(frozen=True, slots=True)
class Sound:
    """One stream of sound."""

    index: int
    """Its place among the streams of sound."""
    codec: str
    rate_hz: int
    channels: int


@dataclass(frozen=True, slots=True)
class Color:
    """How the numbers of the picture are meant, as ffmpeg names it; "" is unknown."""

    primaries: str = ""
    transfer: str = ""
    matrix: str = ""
    range: str = ""

    def __str__(self) -> str:
        return "/".join(part or "unknown" for part in (self.primaries, self.transfer, self.matrix, self.range))


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """A video as it is reviewed, and as it is stored."""

    kind: Kind
    container: str
    """Name of the only demuxer that may open the file."""
    brand: str
    """Of an MP4 file the first brand, such as "isom"; "qt" for QuickTime."""
    stream: int
    """Index of the picture among all streams of the file."""
    codec: str
    profile: str
    pixel_format: str
    bit_depth: int
    alpha: bool
    """Some of it may be see-through."""
    coded_width: int
    coded_height: int
    """As stored, before rotation and with the pixels' own shape."""
    width: int
    height: int
    """As shown: after rotation, with square pixels."""
    sample_aspect: Fraction
    rotation: int
    """Degrees clockwise that the stored picture is turned by to be shown: 0, 90, 180, 270."""
    mirrored: bool
    """The stored picture is mirrored left to right before it is turned."""
    interlaced: bool
    rate: Fraction
    """Frames a second; of variable rate the mean."""
    frame_count: int
    time_base: Fraction
    """Length of a tick in seconds."""
    frame_ticks: tuple[int, ...]
    """When each frame is shown, counted from the first, which is at 0; empty when frame n is at n / rate."""
    first_s: Fraction
    """Time of the first frame in the file itself, in seconds."""
    duration_us: int
    key_interval_s: float
    """Longest time from one frame that can be decoded alone to the next."""
    keyed_from_start: bool
    """The first frame can be decoded alone."""
    trimmed_frames: int
    """Frames in the file that its edit list does not show."""
    front_index: bool
    """The index stands before the pictures, so that playing can begin at once."""
    timed: bool
    """The file's own times can be used; otherwise its frames are counted at their declared rate."""
    start_timecode: Timecode | None
    color: Color
    sounds: tuple[Sound, ...]
    first_number: int = 0
    """Of a sequence: the number of its first picture."""
    remarks: tuple[str, ...] = ()
    """What people should know of it, such as which numbers are missing."""

    @property
    def variable_rate(self) -> bool:
        """The time between frames is not even."""
        return bool(self.frame_ticks)

    @property
    def has_sound(self) -> bool:
        """It has sound."""
        return bool(self.sounds)

    def time_of(self, frame: int) -> Fraction:
        """When a frame begins, in seconds from the first."""
        return self.frame_ticks[frame] * self.time_base if self.frame_ticks else frame / self.rate

    def middle_of(self, frame: int) -> Fraction:
        """Where a player seeks to show a frame: its middle, which no rounding takes for a neighbour."""
        end = self.time_of(frame + 1) if frame + 1 < self.frame_count else self.end_s
        return (self.time_of(frame) + end) / 2

    @property
    def end_s(self) -> Fraction:
        """When the last frame ends, in seconds from the first."""
        return max(Fraction(self.duration_us, 1_000_000), self.time_of(self.frame_count - 1))

    def tick_deltas(self) -> tuple[int, ...]:
        """`frame_ticks` as differences, the first from 0, as they are sent."""
        return tuple(b - a for a, b in pairwise((0, *self.frame_ticks)))

    def reviewed_as(self, review: "VideoFacts") -> "VideoFacts":
        """These facts with the frames of the review file: what people see is what frame numbers mean.

        They differ where frames of the original cannot be decoded.
        """
        return replace(
            self,
            rate=review.rate if review.frame_count > 1 else self.rate,
            frame_count=review.frame_count,
            time_base=review.time_base,
            frame_ticks=review.frame_ticks,
            duration_us=review.duration_us,
        )

    def to_json(self) -> dict[str, Any]:
        """As a JSON object; fractions are "num/den", times are differences."""
        fields = asdict(self)
        for name in ("sample_aspect", "rate", "time_base", "first_s"):
            fields[name] = str(fields[name])
        fields["frame_ticks"] = list(self.tick_deltas())
        fields["sounds"] = [asdict(sound) for sound in self.sounds]
        return fields

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """The facts that `to_json` wrote."""
        start = fields["start_timecode"]
        return cls(
            **{
                **fields,
                "kind": Kind(fields["kind"]),
                **{name: Fraction(fields[name]) for name in ("sample_aspect", "rate", "time_base", "first_s")},
                "frame_ticks": tuple(accumulate(fields["frame_ticks"])),
                "start_timecode": Timecode(**start) if start else None,
                "color": Color(**fields["color"]),
                "sounds": tuple(Sound(**sound) for sound in fields["sounds"]),
                "remarks": tuple(fields.get("remarks", ())),
            }
        )


@dataclass(frozen=True, slots=True)
class Timing:
    """The frames of a video in time."""

    rate: Fraction
    frame_ticks: tuple[int, ...]
    """Empty: even."""
    timed: bool
    """False: the times are of no use, and frames are counted at the declared rate."""


_WHOLE_RATES = (1, 2, 5, 6, 8, 10, 12, 15, 16, 18, 20, 24, 25, 30, 48, 50, 60, 72, 90, 100, 120, 144, 240)
_VIDEO_RATES = (12, 15, 24, 30, 48, 60, 120, 240)
STANDARD_RATES = tuple(
    sorted([*(Fraction(n) for n in _WHOLE_RATES), *(Fraction(n * 1000, 1001) for n in _VIDEO_RATES)])
)
_MAX_RATE = 1000
_MAX_GAP_S = 600


def timing(times: Sequence[int], time_base: Fraction, declared: Sequence[Fraction]) -> Timing:
    """The rate of sorted frame times, and the times themselves unless they are even.

    `declared` are the rates that the file claims, best first; the times decide which is true.
    """
    claimed = [rate for rate in declared if 0 < rate <= _MAX_RATE]
    if len(times) < 2:
        return Timing(claimed[0] if claimed else Fraction(24), (), bool(times))
    if not _usable(times, time_base):
        return Timing(claimed[0] if claimed else Fraction(25), (), False)
    ticks = [time - times[0] for time in times]
    mean = Fraction(len(ticks) - 1) / (ticks[-1] * time_base)
    near = sorted(STANDARD_RATES, key=lambda rate: abs(rate - mean))[:3]
    for rate in (*claimed, *near, mean.limit_denominator(1001)):
        if rate > 0 and _is_even(ticks, time_base, rate):
            return Timing(rate, (), True)
    return Timing(_rounded(mean), tuple(ticks), True)


def _usable(times: Sequence[int], time_base: Fraction) -> bool:
    """Every frame has a time of its own, and there is no gap that only a broken clock makes."""
    gaps = [b - a for a, b in pairwise(times)]
    return min(gaps) > 0 and max(gaps) * time_base < _MAX_GAP_S


def _is_even(ticks: Sequence[int], time_base: Fraction, rate: Fraction) -> bool:
    """Whether every frame is where the rate puts it, but for the rounding of a container with coarse ticks."""
    frame = 1 / (rate * time_base)
    # The first time is rounded too, so that a difference of two of them may be off by a whole tick.
    tolerance = 1 if frame >= 4 else 0
    num, den = frame.numerator, frame.denominator
    return all(abs(tick * den - index * num) <= tolerance * den for index, tick in enumerate(ticks))


def _rounded(mean: Fraction) -> Fraction:
    """A mean rate; a standard one if it is within a thousandth."""
    best = min(STANDARD_RATES, key=lambda rate: abs(rate - mean))
    return best if abs(best - mean) <= best / 1000 and best.denominator == 1 else mean.limit_denominator(10_000)
