"""Facts of videos that were never there."""

from fractions import Fraction
from typing import Any

from rushes.timecode import Timecode
from svc_media.core.container import Kind
from svc_media.core.facts import Color, Sound, VideoFacts

SAFE: dict[str, Any] = {
    "kind": Kind.VIDEO,
    "container": "mov",
    "brand": "isom",
    "stream": 0,
    "codec": "h264",
    "profile": "High",
    "pixel_format": "yuv420p",
    "bit_depth": 8,
    "alpha": False,
    "coded_width": 1920,
    "coded_height": 1080,
    "width": 1920,
    "height": 1080,
    "sample_aspect": Fraction(1),
    "rotation": 0,
    "mirrored": False,
    "interlaced": False,
    "rate": Fraction(24000, 1001),
    "frame_count": 240,
    "time_base": Fraction(1, 24000),
    "frame_ticks": (),
    "first_s": Fraction(0),
    "duration_us": 10_010_000,
    "key_interval_s": 0.5,
    "keyed_from_start": True,
    "trimmed_frames": 0,
    "front_index": True,
    "timed": True,
    "start_timecode": Timecode(86400),
    "color": Color("bt709", "bt709", "bt709", "tv"),
    "sounds": (Sound(0, "aac", 48000, 2),),
}
STILL: dict[str, Any] = {
    **SAFE,
    "kind": Kind.STILL,
    "container": "png_pipe",
    "codec": "png",
    "pixel_format": "rgb24",
    "frame_count": 1,
    "sounds": (),
    "start_timecode": None,
}


def facts(**changes: Any) -> VideoFacts:
    """A video that browsers play as it is, but for the changes."""
    return VideoFacts(**{**SAFE, **changes})


def still(**changes: Any) -> VideoFacts:
    """A picture that browsers show as it is, but for the changes."""
    return VideoFacts(**{**STILL, **changes})
