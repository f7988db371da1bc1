"""Where the clips, markers and layers of an OTIO timeline lie on the frames of one video."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from rushes.exchange.notes import VideoFacts
from rushes.exchange.plain import Json, list_at, number_at, object_at, text_at
from rushes.timecode import nominal_rate

_TRANSITION: Final = "Transition"


def schema(item: Json) -> str:
    """Name of an object's schema, without the version."""
    return text_at(item.get("OTIO_SCHEMA")).partition(".")[0]


@dataclass(frozen=True, slots=True)
class Span:
    """A range of time, in frames of the video."""

    start: Fraction
    length: Fraction


@dataclass(frozen=True, slots=True)
class Clock:
    """Times of a file in frames of the video."""

    rate: Fraction

    def count(self, time: Json) -> Fraction:
        """A RationalTime. Raises ValueError.

        One of nearly our rate counts our frames: files say 23.98, 23.976 and 24 and mean the same.
        """
        value = Fraction(number_at(time.get("value"), "a time"))
        rate = number_at(time.get("rate"), "a rate")
        if rate <= 0:
            raise ValueError("a rate that is not above zero")
        if nominal_rate(Fraction(rate)) == nominal_rate(self.rate):
            return value
        return value / Fraction(rate) * self.rate

    def span(self, value: object) -> Span | None:
        """A TimeRange; None: there is none."""
        found = object_at(value)
        if not found:
            return None
        return Span(self.count(object_at(found.get("start_time"))), self.count(object_at(found.get("duration"))))


@dataclass(frozen=True, slots=True)
class Placed:
    """A clip on the timeline."""

    clip: Json
    start: Fraction
    """Where it begins on the timeline."""
    source: Span
    """What of its media it shows."""


def media_of(clip: Json) -> Json:
    """The media that a clip shows now."""
    if "media_references" in clip:
        key = text_at(clip.get("active_media_reference_key")) or "DEFAULT_MEDIA"
        return object_at(object_at(clip.get("media_references")).get(key))
    return object_at(clip.get("media_reference"))


def source_of(item: Json, clock: Clock) -> Span:
    """What of itself an item shows."""
    own = clock.span(item.get("source_range")) or clock.span(media_of(item).get("available_range"))
    if own is not None:
        return own
    lengths = [source_of(child, clock).length for child in _children(item)]
    if schema(item) == "Track":
        return Span(Fraction(0), sum(lengths, Fraction(0)))
    return Span(Fraction(0), max(lengths, default=Fraction(0)))


def _children(item: Json) -> list[Json]:
    children = [object_at(child) for child in list_at(item.get("children"))]
    return [child for child in children if schema(child) != _TRANSITION]


def clips(item: Json, clock: Clock, start: Fraction = Fraction(0)) -> Iterator[Placed]:
    """The clips of a timeline's tracks, whatever they are nested in, but those of sound."""
    if schema(item) == "Clip":
        yield Placed(item, start, source_of(item, clock))
        return
    if text_at(item.get("kind")) == "Audio":
        return
    trimmed = clock.span(item.get("source_range"))
    at = start - trimmed.start if trimmed else start
    for child in _children(item):
        yield from clips(child, clock, at)
        if schema(item) == "Track":
            at += source_of(child, clock).length


def is_of(clip: Json, video: VideoFacts) -> bool:
    """Whether a clip shows the video, by the names it goes by."""
    media = media_of(clip)
    url = text_at(media.get("target_url")).replace("\\", "/").rsplit("/", 1)[-1].replace("%20", " ")
    names = {text_at(clip.get("name")), text_at(media.get("name")), url} - {""}
    return bool({name.casefold() for name in names} & {video.name.casefold(), video.stem.casefold()})


def media_start(placed: Placed, video: VideoFacts, clock: Clock) -> Fraction:
    """The media's time of the video's first frame."""
    available = clock.span(media_of(placed.clip).get("available_range"))
    if available is not None:
        return available.start
    start = Fraction(video.origin.frames)
    return start if placed.source.start >= start else Fraction(0)
