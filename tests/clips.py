"""Clips whose every frame carries its own number as bars, and files that are broken on purpose.

The bars are two rows of blocks across the upper two fifths of the picture; the second row is the first inverted, so
that a block is read by comparing it with the one below it: compression, colour ranges and scaling do not matter.
Clips are made with ffmpeg once and kept under .cache/clips/.
"""

import hashlib
import os
import shutil
import struct
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from benchmarks.footage import footage as footage

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "clips"

BITS = 16
COLUMNS = BITS + 4
"""White, black, the bits (highest first), their parity, its inverse."""
ROW = Fraction(1, 5)
"""Height of a row of blocks, of the picture's height."""
_LEAST_CONTRAST = 60


@dataclass(frozen=True)
class Clip:
    """A clip to be made, and what is true about it."""

    name: str
    """File name; the suffix decides the container."""
    rate: Fraction
    frames: int
    width: int = 640
    height: int = 360
    codec: tuple[str, ...] = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "20", "-bf", "2", "-g", "250")
    sound: bool = False
    timecode: str = ""
    variable: bool = False
    """Frame n is shown at uneven_ms(n)."""
    start_s: str = "0"
    """Time of the first frame in the file."""
    more: tuple[str, ...] = ()
    """Further options of the output."""

    @property
    def path(self) -> Path:
        """The clip, made if it is not there yet."""
        return _cached(self)


_SHORT_GOP = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "20", "-bf", "0", "-g", "12", "-sc_threshold", "0")
_FRONT = ("-movflags", "+faststart")
_VARIABLE = ("-fps_mode", "passthrough", "-enc_time_base", "1:1000", "-video_track_timescale", "1000")
_PRORES = ("-c:v", "prores_ks", "-profile:v", "0")
_NTSC = Fraction(30000, 1001)
_UNEVEN_MS = (0, 7, 3, 11, 2)


def uneven_ms(frame: int) -> int:
    """When a frame of variable rate is shown: as of a phone in the dark, with half a second of nothing."""
    return frame * 33 + _UNEVEN_MS[frame % 5] + (500 if frame >= 120 else 0)


FILM = Clip("film-23.976.mp4", Fraction(24000, 1001), 288, sound=True, codec=("-c:v", "libx264", "-preset", "veryfast"))
CINEMA = Clip("cinema-24.mp4", Fraction(24), 240)
PAL = Clip("pal-25.mkv", Fraction(25), 250, sound=True)
NTSC_DROP = Clip("ntsc-29.97-drop.mov", _NTSC, 360, timecode="01:00:51;12", sound=True)
NTSC_FAST = Clip("ntsc-59.94.mp4", Fraction(60000, 1001), 480)
VARIABLE = Clip("variable.mp4", Fraction(30), 240, variable=True, sound=True)
ODD_START = Clip("odd-start.mov", Fraction(24), 240, timecode="09:58:13:07", start_s="1.4", sound=True)
UHD = Clip("uhd-4k.mp4", Fraction(24), 48, width=3840, height=2160)
BROWSER_SAFE = Clip("browser-safe.mp4", Fraction(24), 240, codec=_SHORT_GOP, sound=True, more=_FRONT)
TRANSPORT = Clip("transport.ts", Fraction(25), 100, start_s="10", codec=_SHORT_GOP)
PRORES = Clip("prores.mov", Fraction(24000, 1001), 48, codec=_PRORES, timecode="10:00:00:00")
ROTATED = Clip("rotated.mp4", Fraction(25), 50)

CLIPS = (FILM, CINEMA, PAL, NTSC_DROP, NTSC_FAST, VARIABLE, ODD_START, UHD, BROWSER_SAFE, TRANSPORT, PRORES)


def bars(number: int, width: int, height: int) -> bytes:
    """A grey picture with a frame's number, one byte a pixel."""
    bits = [number >> shift & 1 for shift in reversed(range(BITS))]
    parity = sum(bits) & 1
    blocks = [1, 0, *bits, parity, 1 - parity]
    edges = [column * width // COLUMNS for column in range(COLUMNS + 1)]
    widths = [right - left for left, right in pairwise(edges)]
    upper = b"".join(bytes([235 if bit else 16]) * size for bit, size in zip(blocks, widths, strict=True))
    lower = b"".join(bytes([16 if bit else 235]) * size for bit, size in zip(blocks, widths, strict=True))
    tall = int(height * ROW)
    # Something below that moves, so that the encoder has real work and a frozen picture is seen by people too.
    position = number * 8 % max(1, width - 32)
    rest = bytes([96]) * position + bytes([180]) * 32 + bytes([96]) * (width - position - 32)
    return upper * tall + lower * tall + rest * (height - 2 * tall)


def read_bars(pixels: bytes, width: int, height: int) -> int:
    """The number in a picture of grey, RGB or RGBA bytes without padding; raises ValueError where there is none."""
    channels, odd = divmod(len(pixels), width * height)
    if odd or channels not in (1, 3, 4):
        raise ValueError(f"{len(pixels)} bytes are no picture of {width} x {height}")
    tall = float(height * ROW)
    blocks = []
    for column in range(COLUMNS):
        x = (2 * column + 1) * width / (2 * COLUMNS)
        upper, lower = (_mean(pixels, width, channels, x, y, width / COLUMNS, tall) for y in (tall / 2, tall * 1.5))
        if abs(upper - lower) < _LEAST_CONTRAST:
            raise ValueError(f"no bars: block {column} is {upper:.0f} above {lower:.0f}")
        blocks.append(upper > lower)
    bits = blocks[2:-2]
    if blocks[:2] != [True, False] or blocks[-2] != bool(sum(bits) & 1) or blocks[-1] == blocks[-2]:
        raise ValueError("the bars do not agree with their parity")
    return sum(bit << shift for shift, bit in enumerate(reversed(bits)))


def _mean(pixels: bytes, width: int, channels: int, x: float, y: float, wide: float, tall: float) -> float:
    """Mean of nine points in the middle of a block."""
    offset = 1 if channels > 1 else 0
    total = 0
    for dx in (-0.2, 0, 0.2):
        for dy in (-0.2, 0, 0.2):
            total += pixels[(int(y + dy * tall) * width + int(x + dx * wide)) * channels + offset]
    return total / 9


def _cached(clip: Clip) -> Path:
    recipe = repr((clip.name, clip.rate, clip.frames, clip.width, clip.height, clip.codec, clip.sound, clip.timecode))
    recipe += repr((clip.start_s, clip.more, clip.variable, 5))
    stem, suffix = os.path.splitext(clip.name)
    return _make(f"{stem}-{hashlib.sha256(recipe.encode()).hexdigest()[:8]}{suffix}", lambda path: _encode(clip, path))


def _make(name: str, write: Callable[[Path], None]) -> Path:
    """A file of the cache; made beside it and renamed, so that two test runs do not meet half a file."""
    path = CACHE / name
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="making-") as folder:
            made = Path(folder) / name
            write(made)
            os.replace(made, path)
    return path


def ffmpeg() -> str:
    """The ffmpeg that makes clips."""
    found = shutil.which("ffmpeg")
    if found is None:
        raise RuntimeError("making clips needs ffmpeg on PATH")
    return found


def _encode(clip: Clip, path: Path) -> None:
    """Pipes grey frames into ffmpeg; of large clips small ones that it enlarges."""
    width, height = (clip.width, clip.height) if clip.width <= 1280 else (640, 360)
    sound = ("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={_length_s(clip)}")
    command = [
        *(ffmpeg(), "-hide_banner", "-v", "error", "-nostdin", "-y"),
        *("-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}", "-r", str(clip.rate), "-i", "pipe:0"),
        *(sound if clip.sound else ()),
        *("-vf", ",".join(_filters(clip, (width, height)))),
        *(clip.codec if "prores_ks" in clip.codec else (*clip.codec, "-pix_fmt", "yuv420p")),
        *(("-c:a", "aac") if clip.sound else ()),
        *(_VARIABLE if clip.variable else ()),
        *(("-timecode", clip.timecode) if clip.timecode else ()),
        *(("-output_ts_offset", clip.start_s) if clip.start_s != "0" else ()),
        *clip.more,
        str(path),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for number in range(clip.frames):
            process.stdin.write(bars(number, width, height))
        process.stdin.close()
    if process.returncode:
        raise RuntimeError(f"ffmpeg could not make {clip.name}")


def _length_s(clip: Clip) -> float:
    last = uneven_ms(clip.frames - 1) / 1000 if clip.variable else float((clip.frames - 1) / clip.rate)
    return last + float(1 / clip.rate)


def _filters(clip: Clip, size: tuple[int, int]) -> Iterator[str]:
    if size != (clip.width, clip.height):
        yield f"scale={clip.width}:{clip.height}:flags=neighbor"
    if _can_write():
        yield "drawtext=text='%{frame_num}':x=(w-tw)/2:y=h*0.6:fontsize=h/6:fontcolor=white"
    if clip.variable:
        # uneven_ms as an expression.
        steps = "+".join(f"{step}*eq(mod(N,5),{n})" for n, step in enumerate(_UNEVEN_MS))
        yield f"settb=1/1000,setpts='N*33+{steps}+if(gte(N,120),500,0)'"


def _can_write() -> bool:
    """Whether this ffmpeg draws text and finds a font to do it."""
    test = ("-f", "lavfi", "-i", "color=s=64x64:d=0.04", "-vf", "drawtext=text=1", "-f", "null", "-")
    done = subprocess.run([ffmpeg(), "-v", "quiet", "-nostdin", *test], capture_output=True, check=False)
    return done.returncode == 0


def rotated() -> Path:
    """A clip that is stored on its side, as phones do, with a matrix that turns it upright."""

    def write(path: Path) -> None:
        turn = ("-display_rotation", "90") if _has_option("display_rotation") else ()
        tag = () if turn else ("-metadata:s:v:0", "rotate=270")
        run_ffmpeg(*turn, "-i", str(ROTATED.path), "-c", "copy", *tag, str(path))

    return _make("rotated-on-its-side.mp4", write)


def _has_option(name: str) -> bool:
    done = subprocess.run([ffmpeg(), "-hide_banner", "-h", "full"], capture_output=True, check=True)
    return name.encode() in done.stdout


def run_ffmpeg(*arguments: str) -> None:
    """Runs ffmpeg, which overwrites."""
    subprocess.run([ffmpeg(), "-hide_banner", "-v", "error", "-nostdin", "-y", *arguments], check=True)


def picture(name: str, width: int = 320, height: int = 180, *options: str) -> Path:
    """A still with the number 7 in it; the suffix decides the format."""

    def write(path: Path) -> None:
        raw = path.with_suffix(".gray")
        raw.write_bytes(bars(7, width, height))
        size = ("-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}", "-i", str(raw))
        run_ffmpeg(*size, "-frames:v", "1", *options, str(path))

    return _make(name, write)


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """A JPEG with an EXIF segment that says how it is to be turned."""
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = b"MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
    segment = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:]


def huge_png(width: int = 65535, height: int = 65535) -> bytes:
    """A PNG that says it is huge, in a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(64))) + chunk(b"IEND", b"")
    )


def huge_jpeg(width: int = 65535, height: int = 65535) -> bytes:
    """A JPEG that says it is huge, in a few bytes."""
    frame = struct.pack(">BHHB", 8, height, width, 3) + bytes([1, 0x11, 0, 2, 0x11, 1, 3, 0x11, 1])
    return b"\xff\xd8\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xd9"


def bad_files(folder: Path) -> dict[str, tuple[Path, str]]:
    """Files that must be refused, by what they are: path, and reason of the error."""
    whole = CINEMA.path.read_bytes()
    front = BROWSER_SAFE.path.read_bytes()
    noise = hashlib.sha512(b"noise").digest() * 500
    secret = folder / "secret.mp4"
    shutil.copy(CINEMA.path, secret)
    contents: dict[str, tuple[str, bytes, str]] = {
        "truncated, its index at the end": ("truncated.mp4", whole[: len(whole) // 2], "MEDIA_INCOMPLETE"),
        "truncated, its index in front": ("front.mp4", front[: len(front) * 2 // 3], "MEDIA_INCOMPLETE"),
        "text": ("text.mp4", b"This is not a video.\n" * 50, "NOT_MEDIA"),
        "ffconcat": ("clip.mp4", b"ffconcat version 1.0\nfile 'secret.mp4'\n", "NOT_MEDIA"),
        "playlist": ("list.mp4", b"#EXTM3U\n#EXTINF:1,\nsecret.mp4\n", "NOT_MEDIA"),
        "svg": ("drawing.png", b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "NOT_MEDIA"),
        "huge png": ("huge.png", huge_png(), "PICTURE_TOO_LARGE"),
        "huge jpeg": ("huge.jpg", huge_jpeg(), "PICTURE_TOO_LARGE"),
        "empty": ("empty.mp4", b"", "MEDIA_EMPTY"),
        "zeros": ("zeros.mp4", bytes(100_000), "NOT_MEDIA"),
        "noise behind a header": (
            "noise.mkv",
            b"\x1a\x45\xdf\xa3" + noise,
            "MEDIA_BROKEN",
        ),
    }
    found = {}
    for what, (name, content, reason) in contents.items():
        path = folder / name
        path.write_bytes(content)
        found[what] = (path, reason)
    return found
