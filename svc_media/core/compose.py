"""One video of several that are played at their times side by side: what it is made of, and ffmpeg's arguments."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import ceil, isqrt
from types import MappingProxyType
from typing import Any, Final, Self

from rushes.errors import InvalidArgument

MAX_INPUTS: Final = 64
MAX_NAME: Final = 200
SHOWN_NAME: Final = 40
MAX_DURATION_MS: Final = 24 * 3600 * 1000
WIDTH: Final = 1280
RATE: Final = 25
_GROUND: Final = "0x101418"
_DEMUXERS: Final = {".webm": "matroska", ".mp4": "mov"}


class CompositionInvalid(InvalidArgument):
    """Nothing can be composed of this."""

    reason = "INVALID_COMPOSITION"


@dataclass(frozen=True, slots=True)
class Input:
    """A video of the whole."""

    source: str
    """Its id; for a worker the path of its file."""
    demuxer: str
    start_ms: int
    duration_ms: int
    tile: int
    """Those of one tile are shown one after the other."""
    video: bool
    audio: bool
    name: str = ""
    """What is written on its tile."""


@dataclass(frozen=True, slots=True)
class Label:
    """A name as ffmpeg takes it: files in the folder that it runs in, so that nothing has to be escaped."""

    text_file: str
    font_file: str


Labels = Mapping[int, Label]
"""By tile."""


@dataclass(frozen=True, slots=True)
class Composition:
    """The whole."""

    inputs: tuple[Input, ...]
    duration_ms: int

    def check(self) -> None:
        """Raises CompositionInvalid."""
        if not 0 < len(self.inputs) <= MAX_INPUTS or not 0 < self.duration_ms <= MAX_DURATION_MS:
            raise CompositionInvalid(f"a whole has 1 to {MAX_INPUTS} parts and is at most a day long")
        for each in self.inputs:
            if each.start_ms < 0 or each.duration_ms <= 0 or not (each.video or each.audio) or not each.demuxer:
                raise CompositionInvalid("a part has pictures or sound, lies in the whole, and is WebM or MP4")

    def names(self) -> dict[int, str]:
        """Of each tile that is seen, what is written on it."""
        names: dict[int, str] = {}
        for each in self.inputs:
            line = " ".join("".join(c if c.isprintable() else " " for c in each.name).split())[:SHOWN_NAME]
            if each.video and line:
                names.setdefault(each.tile, line)
        return names

    def to_json(self) -> str:
        """As text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` wrote."""
        return cls.of(json.loads(text))

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """Of its fields."""
        return cls(tuple(Input(**each) for each in fields["inputs"]), fields["duration_ms"])


def demuxer_of(file_name: str) -> str:
    """What opens a file of that name; empty: nothing does here."""
    return _DEMUXERS.get(file_name[file_name.rfind(".") :].lower(), "")


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where tiles are: rows of equal tiles of 16:9."""

    tiles: int

    @property
    def columns(self) -> int:
        return isqrt(self.tiles - 1) + 1

    @property
    def tile(self) -> tuple[int, int]:
        width = WIDTH // self.columns // 16 * 16
        return width, width * 9 // 16 // 2 * 2

    def at(self, index: int) -> str:
        """As xstack takes it."""
        width, height = self.tile
        row, column = divmod(index, self.columns)
        return f"{column * width}_{row * height}"

    @property
    def whole(self) -> tuple[int, int]:
        width, height = self.tile
        return width * self.columns, height * ceil(self.tiles / self.columns)


def compose_arguments(composition: Composition, output: str, labels: Labels = MappingProxyType({})) -> list[str]:
    """Makes the whole: each tile dark where nothing of it is played, with its name, all sound together."""
    seconds = f"{composition.duration_ms / 1000:.3f}"
    graph = [*_picture_graphs(composition, seconds, labels), *_sound_graphs(composition, seconds)]
    pictures, sound = any(each.video for each in composition.inputs), any(each.audio for each in composition.inputs)
    return [
        *("-hide_banner", "-nostdin", "-v", "error", "-y", "-nostats", "-progress", "pipe:1"),
        *("-protocol_whitelist", "file"),
        *(argument for each in composition.inputs for argument in _input(each)),
        *("-filter_complex", ";".join(graph)),
        *(("-map", "[picture]", *_CODING) if pictures else ()),
        *(("-map", "[sound]", "-c:a", "aac", "-b:a", "128k", "-ac", "2") if sound else ()),
        *("-t", seconds, "-map_metadata", "-1", "-movflags", "+faststart", "-f", "mp4", f"file:{output}"),
    ]


_CODING: Final = (
    *("-c:v", "libx264", "-preset", "medium", "-crf", "23", "-profile:v", "high", "-pix_fmt", "yuv420p"),
    # No reordering and a key each second: it is kept as it is for reviewing, frame by frame.
    *("-r", str(RATE), "-bf", "0", "-g", str(RATE), "-keyint_min", str(RATE), "-sc_threshold", "0"),
    *("-video_track_timescale", "25000"),
    *("-colorspace", "bt709", "-color_range", "tv", "-color_primaries", "bt709", "-color_trc", "bt709"),
)


def _input(each: Input) -> list[str]:
    # Pictures of a call change their size: the graph goes on, and its first filter takes what comes.
    still = ("-reinit_filter", "0") if each.video else ()
    return [*still, "-f", each.demuxer, "-i", f"file:{each.source}"]


def _picture_graphs(composition: Composition, seconds: str, labels: Labels) -> list[str]:
    order = list(dict.fromkeys(each.tile for each in composition.inputs if each.video))
    if not order:
        return []
    grid = _Grid(len(order))
    graphs = []
    for index, tile in enumerate(order):
        graphs += _tile_graphs(composition, tile, index, grid, seconds)
        graphs.append(f"[u{index}]{_named(labels.get(tile), grid)}[t{index}]")
    tiles = "".join(f"[t{index}]" for index in range(len(order)))
    if len(order) == 1:
        return [*graphs, f"{tiles}format=yuv420p[picture]"]
    layout = "|".join(grid.at(index) for index in range(len(order)))
    stack = f"xstack=inputs={len(order)}:layout={layout}:fill={_GROUND}"
    return [*graphs, f"{tiles}{stack},format=yuv420p[picture]"]


def _tile_graphs(composition: Composition, tile: int, index: int, grid: _Grid, seconds: str) -> list[str]:
    width, height = grid.tile
    below = f"g{index}"
    graphs = [f"color=c={_GROUND}:s={width}x{height}:r={RATE}:d={seconds}[{below}]"]
    for number, each in enumerate(composition.inputs):
        if each.tile != tile or not each.video:
            continue
        fitted = f"scale=w={width}:h={height}:force_original_aspect_ratio=decrease:out_color_matrix=bt709:out_range=tv"
        moved = f"setpts=PTS+{each.start_ms}/1000/TB"
        graphs.append(f"[{number}:v]{fitted},setsar=1,{moved}[v{number}]")
        placed = "overlay=x=(W-w)/2:y=(H-h)/2:eof_action=pass:eval=frame"
        graphs.append(f"[{below}][v{number}]{placed}[o{number}]")
        below = f"o{number}"
    return [*graphs, f"[{below}]null[u{index}]"]


def _named(label: Label | None, grid: _Grid) -> str:
    """Writes a name at the lower left of a tile."""
    if label is None:
        return "null"
    size = max(12, grid.tile[1] // 20)
    text = f"drawtext=fontfile={label.font_file}:textfile={label.text_file}:expansion=none:fontsize={size}"
    return f"{text}:fontcolor=white:x={size // 2}:y=h-th-{size // 2}:box=1:boxcolor=black@0.55:boxborderw={size // 4}"


def _sound_graphs(composition: Composition, seconds: str) -> list[str]:
    numbers = [number for number, each in enumerate(composition.inputs) if each.audio]
    if not numbers:
        return []
    graphs = [
        f"[{number}:a]aresample=48000:async=1:first_pts=0,aformat=channel_layouts=stereo,"
        f"adelay=delays={composition.inputs[number].start_ms}:all=1[a{number}]"
        for number in numbers
    ]
    mixed = "".join(f"[a{number}]" for number in numbers)
    mix = (
        f"amix=inputs={len(numbers)}:duration=longest:normalize=0,alimiter=limit=0.95" if len(numbers) > 1 else "anull"
    )
    return [*graphs, f"{mixed}{mix},apad,atrim=end={seconds}[sound]"]
