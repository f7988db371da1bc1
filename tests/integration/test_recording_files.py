"""What a recorder writes plays, also when it is killed; takes are put together to one video."""

import asyncio
import dataclasses
import signal
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import pytest

from mesh.config import MeshConfig
from mesh.rpc import Channels
from rushes.exchange.pdf import Font, Fonts
from svc_media.core.compose import Composition, Input, compose_arguments
from svc_media.core.plan import plan_review
from svc_media.worker import tool
from svc_media.worker.compose import label
from svc_media.worker.probe import probe
from svc_signaling.core import av1
from svc_signaling.core.name import PART
from svc_signaling.core.payload import Codec, Packet
from svc_signaling.core.take import Begin
from svc_signaling.recorder.__main__ import Recorder
from svc_signaling.recorder.file import File
from svc_signaling.recorder.join import join
from svc_signaling.recorder.writer import Writer
from tests.integration.recording_child import START_US, record
from tests.unit.svc_signaling.layered import PICTURES, SIZES, layered, narrowed

SECONDS = 4
CODERS = {
    Codec.VP8: ("libvpx", "-auto-alt-ref", "0"),
    Codec.H264: ("libx264", "-tune", "zerolatency", "-bf", "0"),
    Codec.VP9: ("libvpx-vp9", "-auto-alt-ref", "0", "-deadline", "realtime", "-cpu-used", "8"),
    Codec.AV1: ("libsvtav1", "-preset", "12", "-svtav1-params", "pred-struct=1"),
}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[Codec, Path]:
    """By how they are coded."""
    folder = tmp_path_factory.mktemp("sources")
    return {codec: _source(folder, codec) for codec in CODERS}


def test_a_name_is_written_in_the_font_that_has_its_letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fonts = {name: tmp_path / name for name in ("latin.ttf", "chinese.ttf")}
    for name, path in fonts.items():
        path.write_text(name)
    found = Fonts(Font(str(fonts["latin.ttf"])), None, (Font(str(fonts["chinese.ttf"])),))
    monkeypatch.setattr("svc_media.worker.compose.find_fonts", lambda: found)
    monkeypatch.setattr(tool, "can_write", lambda: True)
    names = ("Ada", "小明", "Ben")
    inputs = tuple(Input("", "mov", 0, 1, tile, True, False, name) for tile, name in enumerate(names))
    labels = label(Composition(inputs, 1), tmp_path)
    assert [(tmp_path / labels[tile].font_file).read_text() for tile in range(3)] == [
        "latin.ttf",
        "chinese.ttf",
        "latin.ttf",
    ]
    assert [(tmp_path / labels[tile].text_file).read_text() for tile in range(3)] == list(names)


def _source(folder: Path, codec: Codec) -> Path:
    """Pictures that move and a tone, coded as a browser does: a keyframe every two seconds here."""
    path = folder / f"{codec}.{'mp4' if codec is Codec.H264 else 'webm'}"
    subprocess.run(
        [
            *(tool.ffmpeg(), "-v", "error", "-f", "lavfi", "-i", f"testsrc2=s=320x180:r=25:d={SECONDS}"),
            *("-f", "lavfi", "-i", f"sine=440:d={SECONDS}", "-c:v", *CODERS[codec], "-g", "50"),
            *("-pix_fmt", "yuv420p", "-c:a", "libopus", str(path)),
        ],
        check=True,
    )
    return path


def _decoded(path: Path) -> tuple[int, Fraction]:
    """Pictures of a file, all of them decoded, and how much sound there is."""
    with av.open(str(path)) as file:
        pictures = sum(1 for _ in file.decode(video=0))
    with av.open(str(path)) as file:
        samples = sum(frame.samples for frame in file.decode(audio=0))
    return pictures, Fraction(samples, 48_000)


@pytest.mark.parametrize("codec", CODERS)
def test_segments_become_one_file_with_every_picture(tmp_path: Path, sources: dict[Codec, Path], codec: Codec) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    record(folder, sources[codec], codec).close()
    segments = sorted(folder.iterdir())
    assert len(segments) == 2
    output = tmp_path / f"take{segments[0].suffix}"
    facts = join(segments, output)
    assert abs(facts["duration_ms"] - SECONDS * 1_000) <= 60
    pictures, sound_s = _decoded(output)
    assert pictures == SECONDS * 25
    assert abs(sound_s - SECONDS) < Fraction(1, 10)
    with av.open(str(output)) as file:
        first = [Fraction(stream.start_time or 0) * (stream.time_base or 0) for stream in file.streams]
    assert abs(first[0] - first[1]) < Fraction(1, 20)


def _sizes(folder: Path, packets: Sequence[Packet]) -> list[tuple[int, int]]:
    """Of all pictures of the file that these become, and first what it says."""
    work = folder / "work"
    work.mkdir()
    writer = Writer(work, 10_000_000)
    writer.stream(("worker", 1), "ada")
    for packet in packets:
        writer.packet(("worker", 1), packet)
    writer.close()
    output = folder / "take.webm"
    join(sorted(work.iterdir()), output)
    with av.open(str(output)) as file:
        stream = file.streams.video[0]
        said = stream.width, stream.height
        pictures = list(file.decode(stream))
    times = [picture.time or 0.0 for picture in pictures]
    assert times == sorted(set(times))
    return [said, *((picture.width, picture.height) for picture in pictures)]


@pytest.mark.parametrize("codec", [Codec.VP9, Codec.AV1])
def test_of_three_sizes_in_one_stream_the_largest_plays(tmp_path: Path, codec: Codec) -> None:
    assert _sizes(tmp_path, layered(codec, START_US)) == [SIZES[-1]] * (1 + PICTURES)


@pytest.mark.parametrize("codec", [Codec.VP9, Codec.AV1])
def test_while_the_largest_is_not_sent_the_next_plays(tmp_path: Path, codec: Codec) -> None:
    sizes = _sizes(tmp_path, narrowed(layered(codec, START_US)))
    assert sizes == [SIZES[-1]] * 2 + [SIZES[-2]] * (PICTURES - 1)


def test_somebody_whose_packets_cannot_be_read_ends_nobody_elses_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Also if reading has a fault that nobody knows of."""
    whole, bad = av1.Layers.together, b"\x30bad"

    def faulty(layers: av1.Layers, units: Sequence[bytes]) -> bytes:
        if units[0] == bad:
            raise IndexError("index out of range")
        return whole(layers, units)

    monkeypatch.setattr(av1.Layers, "together", faulty)
    writer = Writer(tmp_path, 10_000_000)
    writer.stream(("worker", 1), "ada")
    writer.stream(("worker", 2), "mallory")
    for packet in layered(Codec.AV1, START_US):
        writer.packet(("worker", 1), packet)
        writer.packet(("worker", 2), dataclasses.replace(packet, marker=True, payload=b"\x18" + bad))
    writer.tick(START_US + 800_000)
    writer.close()
    (segment,) = tmp_path.iterdir()
    with av.open(str(segment)) as file:
        assert len(list(file.decode(video=0))) == PICTURES
    assert [record.message for record in caplog.records] == ["not_recorded"], "the stream is over after the first"


async def test_a_tap_that_fails_for_whatever_reason_is_made_again(tmp_path: Path) -> None:
    again = asyncio.Event()

    class Failing(Recorder):
        failed = False

        async def _tap(self, worker: str) -> None:
            if self.failed:
                again.set()
                await asyncio.Event().wait()
            self.failed = True
            raise IndexError("index out of range")

    channels = Channels("svc_signaling", MeshConfig(secret="secret", services={"svc_sfu": "127.0.0.1:9"}))
    tap = asyncio.create_task(Failing("room", Writer(tmp_path, 1), channels)._tap_for_ever("worker"))
    try:
        async with asyncio.timeout(60):
            await again.wait()
    finally:
        tap.cancel()
        await asyncio.gather(tap, return_exceptions=True)
        await channels.close()


@pytest.mark.parametrize("codec", [Codec.VP8, Codec.H264])
def test_what_a_killed_recorder_wrote_plays(tmp_path: Path, sources: dict[Codec, Path], codec: Codec) -> None:
    folder, source = tmp_path / "work", sources[codec]
    folder.mkdir()
    command = [sys.executable, "-m", "tests.integration.recording_child", str(folder), str(source), codec]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    segments = sorted(folder.iterdir())
    assert segments[-1].name.endswith(PART)
    output = tmp_path / f"take{segments[0].suffix}"
    join(segments, output)
    pictures, sound_s = _decoded(output)
    assert pictures >= (SECONDS - 1) * 25
    assert sound_s > SECONDS - 1


def test_takes_are_put_together_as_a_video_that_is_reviewed_as_it_is(
    tmp_path: Path, sources: dict[Codec, Path]
) -> None:
    source = sources[Codec.VP8]
    inputs = (
        Input(str(source), "matroska", 1_000, 4_000, 0, video=True, audio=True, name="Ada's 100 %: 林"),
        Input(str(source), "matroska", 2_000, 4_000, 1, video=True, audio=False),
        Input(str(source), "matroska", 0, 4_000, 2, video=False, audio=True),
    )
    made = tmp_path / "whole.mp4"
    whole = Composition(inputs, 6_000)
    tool.run(compose_arguments(whole, str(made), label(whole, tmp_path)), tmp_path, lambda frame: None)
    facts = probe(made, lambda share: None, tmp_path)
    assert (facts.width, facts.height, facts.frame_count, facts.rate) == (1280, 360, 150, Fraction(25))
    assert plan_review(facts, made.stat().st_size).because == ()
    with av.open(str(made)) as file:
        pictures = [frame.reformat(format="gray") for frame in file.decode(video=0)]
    bright = [[_brightness(picture, left) for left in (100, 740)] for picture in pictures]
    lit = [[seen > 40 for seen in picture] for picture in bright]
    # Each is dark before its take and after it.
    assert lit[10] == [False, False]
    assert lit[40] == [True, False]
    assert lit[75] == [True, True]
    assert lit[140] == [False, True]
    # A name is on its tile also where nothing is played.
    assert [_brightest(pictures[10], left) > 200 for left in (0, 640)] == [True, False]


def _brightest(picture: av.VideoFrame, left: int) -> int:
    plane = picture.planes[0]
    data = bytes(plane)
    return max(max(data[y * plane.line_size + left : y * plane.line_size + left + 300]) for y in range(320, 360))


def _brightness(picture: av.VideoFrame, left: int) -> float:
    plane = picture.planes[0]
    data = bytes(plane)
    rows = [data[y * plane.line_size + left : y * plane.line_size + left + 400] for y in range(50, 300, 10)]
    return sum(map(sum, rows)) / sum(map(len, rows))


def test_of_a_file_in_which_nothing_was_written_nothing_is_left(tmp_path: Path) -> None:
    File(tmp_path, "ada", Begin(start_ms=1, offset_ms=0, codecs=(Codec.OPUS,), first_key=b"")).close()
    assert list(tmp_path.iterdir()) == []
