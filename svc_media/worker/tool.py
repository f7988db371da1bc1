"""The ffmpeg program: which one, what it can do, and running it with progress."""

import functools
import importlib
import re
import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import IO

from rushes.errors import RushesError
from svc_media.core.error import CodecUnsupported, MediaBroken, WorkerFailed, WorkerLimit
from svc_media.worker.sandbox import die_with_parent

_OLDEST = (5, 1)
"""The first with -fps_mode."""
_KEPT_LINES = 40
_READ_BYTES = 256 << 10
_SIGNALS_OF_LIMITS = (-24, -25, -9)  # SIGXCPU, SIGXFSZ, and SIGKILL as of the kernel's memory killer


@functools.cache
def ffmpeg() -> str:
    """Path of the ffmpeg on PATH if it is new enough, else of the one from the Python package."""
    found = shutil.which("ffmpeg")
    if found and _is_usable(found):
        return found
    try:
        # 68 MB that is installed only where there is no ffmpeg.
        package = importlib.import_module("imageio_ffmpeg")
    except ImportError as error:
        raise WorkerFailed("No ffmpeg 5.1 or newer with libx264 is installed on the server.") from error
    return str(package.get_ffmpeg_exe())


def _is_usable(program: str) -> bool:
    text = _output(program, "-version")
    match = re.search(r"version n?(\d+)\.(\d+)", text)
    return match is not None and (int(match[1]), int(match[2])) >= _OLDEST and "--enable-libx264" in text


@functools.cache
def can_tone_map() -> bool:
    """Whether this ffmpeg has the filters for high dynamic range."""
    return {"zscale", "tonemap"} <= set(_output(ffmpeg(), "-filters").split())


@functools.cache
def can_write() -> bool:
    """Whether this ffmpeg has the filter for text."""
    return "drawtext" in _output(ffmpeg(), "-filters").split()


def _output(program: str, argument: str) -> str:
    done = subprocess.run([program, "-hide_banner", argument], capture_output=True, text=True, check=False)
    return done.stdout


def run(arguments: Sequence[str], folder: Path, on_frame: Callable[[int], None]) -> None:
    """Runs ffmpeg to its end, telling how many frames are done; raises the errors of `svc_media.core.error`."""
    with _running(arguments, folder) as out:
        for line in out:
            if line.startswith(b"frame="):
                on_frame(int(line[6:]))


@contextmanager
def piped(arguments: Sequence[str], folder: Path) -> Iterator[Iterator[bytes]]:
    """Runs ffmpeg for what it writes to its standard output; raises as `run` does."""
    with _running(arguments, folder) as out:
        yield iter(lambda: out.read(_READ_BYTES), b"")


@contextmanager
def _running(arguments: Sequence[str], folder: Path) -> Iterator[IO[bytes]]:
    with subprocess.Popen(
        [ffmpeg(), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(folder), "HOME": str(folder), "LC_ALL": "C"},
        preexec_fn=die_with_parent,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        complaints: deque[str] = deque(maxlen=_KEPT_LINES)
        listener = Thread(target=_gather, args=(process.stderr, complaints))
        listener.start()
        yield process.stdout
        listener.join()
    if process.returncode:
        raise _failure(process.returncode, "\n".join(complaints))


def _gather(stream: IO[bytes], lines: deque[str]) -> None:
    for line in stream:
        lines.append(line.decode(errors="replace").rstrip()[:300])


def _failure(code: int, text: str) -> RushesError:
    """What went wrong, from what ffmpeg printed."""
    detail = text[-2000:]
    if code in _SIGNALS_OF_LIMITS or re.search("cannot allocate memory|file too large", text, re.I):
        return WorkerLimit("Making the review file needs more memory, time or space than is allowed.", detail=detail)
    if re.search("no space left", text, re.I):
        return WorkerLimit("There is no space left on the disk for the review file.", detail=detail)
    if re.search("decoder .*not found|no decoder|could not find codec|unknown decoder", text, re.I):
        return CodecUnsupported("The picture or sound is stored in a way that cannot be decoded here.", detail=detail)
    if re.search("invalid data|error while decoding|moov atom|corrupt", text, re.I):
        return MediaBroken("The file is damaged: it cannot be decoded.", detail=detail)
    return WorkerFailed("The review file could not be made.", detail=detail, code=str(code))
