"""What is made of a video: whether browsers may play the file as it is, or which review file is made instead."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Final

from svc_media.core.container import GIF, JPEG, MP4, PNG, WEBP, Kind
from svc_media.core.facts import VideoFacts

MAX_VIDEO_PIXELS: Final = 8192 * 8192
MAX_FRAMES: Final = 5_000_000
"""A day at 50 frames a second."""
REVIEW_SIDE: Final = 4096
PICTURE_SIDE: Final = 8192
KEPT_KEY_INTERVAL_S: Final = 1.0
"""A step back decodes at most this much; longer, and it is felt."""
KEPT_BITS_A_SECOND: Final = 40_000_000
KEPT_PICTURE_BYTES: Final = 40_000_000
KEY_INTERVAL_S: Final = Fraction(1, 2)
SOUND_SIZE: Final = (1280, 360)
SOUND_KEY_INTERVAL_S: Final = 2
DEFAULT_RATE: Final = Fraction(24)
"""Frames a second of a sequence or a sound for which none was chosen."""
MIN_TIMESCALE: Final = 12_000
MAX_TIMESCALE: Final = 1_000_000

HDR_TRANSFERS: Final = frozenset({"smpte2084", "arib-std-b67"})
_SAFE_PROFILES: Final = {
    "h264": frozenset({"Baseline", "Constrained Baseline", "Main", "High"}),
    "vp9": frozenset({"Profile 0"}),
    "av1": frozenset({"Main"}),
}
_SAFE_SOUND: Final = frozenset({"aac", "mp3", "opus"})
_WEB_PICTURES: Final = {
    PNG.demuxer: "image/png",
    JPEG.demuxer: "image/jpeg",
    WEBP.demuxer: "image/webp",
    GIF.demuxer: "image/gif",
}


@dataclass(frozen=True, slots=True)
class ReviewPlan:
    """What players get."""

    keep: bool
    """The uploaded file itself."""
    because: tuple[str, ...]
    """Why it is not kept."""
    content_type: str
    suffix: str
    """Of a file that is made, such as ".mp4"."""
    width: int
    height: int
    timescale: int
    """Ticks a second of a review file that is made."""
    frame_ticks: int
    """Ticks a frame; 0 when the rate varies."""
    key_frames: int
    """Frames from one that can be decoded alone to the next."""


def plan_review(facts: VideoFacts, size_bytes: int) -> ReviewPlan:
    """What players get of a video or picture of `size_bytes`."""
    if facts.kind is Kind.SOUND:
        return _plan_sound(facts)
    return _plan_picture(facts, size_bytes) if facts.kind is Kind.STILL else _plan_video(facts, size_bytes)


def _plan_sound(facts: VideoFacts) -> ReviewPlan:
    """A video of its waveform: its frames are what notes are written on. Hardly anything moves, so keys may be far."""
    timescale, frame_ticks = _time_grid(facts)
    key_frames = max(1, round(facts.rate * SOUND_KEY_INTERVAL_S))
    return ReviewPlan(
        False, ("sound",), "video/mp4", ".mp4", facts.width, facts.height, timescale, frame_ticks, key_frames
    )


def _plan_video(facts: VideoFacts, size_bytes: int) -> ReviewPlan:
    because = tuple(reason for reason, wrong in _obstacles(facts, size_bytes) if wrong)
    width, height = (
        (facts.width, facts.height) if not because else fit(facts.width, facts.height, REVIEW_SIDE, even=True)
    )
    timescale, frame_ticks = _time_grid(facts)
    key_frames = max(1, round(facts.rate * KEY_INTERVAL_S))
    return ReviewPlan(not because, because, "video/mp4", ".mp4", width, height, timescale, frame_ticks, key_frames)


def _obstacles(facts: VideoFacts, size_bytes: int) -> tuple[tuple[str, bool], ...]:
    """Each reason why browsers would not show the file frame by frame, and whether it holds."""
    bits_a_second = size_bytes * 8 * 1_000_000 / max(1, facts.duration_us)
    return (
        ("container", facts.container != MP4.demuxer or facts.brand.strip() == "qt" or not facts.front_index),
        ("codec", facts.profile not in _SAFE_PROFILES.get(facts.codec, ())),
        ("pixels", facts.pixel_format != "yuv420p" or facts.sample_aspect != 1 or facts.interlaced),
        ("high dynamic range", facts.color.transfer in HDR_TRANSFERS),
        ("size", max(facts.width, facts.height) > REVIEW_SIDE),
        ("bits a second", bits_a_second > KEPT_BITS_A_SECOND),
        ("variable rate", facts.variable_rate or not facts.timed),
        ("rotation", facts.rotation != 0 or facts.mirrored),
        ("start time", facts.first_s != 0),
        ("edit list", facts.trimmed_frames > 0),
        ("key frames", not facts.keyed_from_start or facts.key_interval_s > KEPT_KEY_INTERVAL_S),
        ("sound", len(facts.sounds) > 1 or any(sound.codec not in _SAFE_SOUND for sound in facts.sounds)),
        ("channels of sound", any(sound.channels > 2 for sound in facts.sounds)),
    )


def _time_grid(facts: VideoFacts) -> tuple[int, int]:
    """Ticks a second and ticks a frame of the review file, such that every frame's time is a whole tick."""
    if not facts.variable_rate:
        factor = max(1, ceil(MIN_TIMESCALE / facts.rate.numerator))
        return facts.rate.numerator * factor, facts.rate.denominator * factor
    den = facts.time_base.denominator
    if den > MAX_TIMESCALE:
        return 90_000, 0
    return den * max(1, ceil(MIN_TIMESCALE / den)), 0


def _plan_picture(facts: VideoFacts, size_bytes: int) -> ReviewPlan:
    content_type = _WEB_PICTURES.get(facts.container, "")
    obstacles = (
        ("container", not content_type),
        ("bit depth", facts.bit_depth > 8),
        ("rotation", facts.rotation != 0 or facts.mirrored),
        ("pixels", facts.sample_aspect != 1),
        ("size", max(facts.width, facts.height) > PICTURE_SIDE or size_bytes > KEPT_PICTURE_BYTES),
    )
    because = tuple(reason for reason, wrong in obstacles if wrong)
    width, height = fit(facts.width, facts.height, PICTURE_SIDE)
    if because:
        content_type = "image/jpeg" if facts.container == JPEG.demuxer else "image/png"
    suffix = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/gif": ".gif"}[content_type]
    return ReviewPlan(not because, because, content_type, suffix, width, height, MIN_TIMESCALE, 0, 1)


def fit(width: int, height: int, side: int, *, even: bool = False) -> tuple[int, int]:
    """A size of the same shape whose longer side is at most `side`; `even` as H.264 needs it."""
    scale = min(Fraction(1), Fraction(side, max(width, height)))
    unit = 2 if even else 1
    across, down = (max(unit, round(length * scale / unit) * unit) for length in (width, height))
    return across, down


@dataclass(frozen=True, slots=True)
class Filmstrip:
    """Many small stills in one picture: tile k is at column k % columns, row k // columns."""

    tiles: int
    columns: int
    tile_width: int
    tile_height: int
    frames_per_tile: float

    @property
    def rows(self) -> int:
        """Rows of tiles."""
        return -(-self.tiles // self.columns)

    def frame_of(self, tile: int, frame_count: int) -> int:
        """The frame that a tile shows: the first of those it stands for."""
        return tile * frame_count // self.tiles


def plan_filmstrip(width: int, height: int, frame_count: int) -> Filmstrip:
    """Up to 120 tiles, 160 pixels across (fewer if the picture is tall)."""
    tiles = min(120, frame_count)
    tile_width, tile_height = 160, even_down(160 * height // width)
    if tile_height > 160:
        tile_width, tile_height = even_down(160 * width // height), 160
    return Filmstrip(tiles, min(12, tiles), tile_width, tile_height, frame_count / tiles)


def even_down(length: int) -> int:
    """The next even number at or below, at least 2."""
    return max(2, length // 2 * 2)
