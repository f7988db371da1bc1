"""The media worker on real files: facts, review files whose every frame is the right one, errors, cancelling."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from pathlib import Path

import av
import pytest

from rushes.errors import RushesError
from rushes.timecode import label
from svc_media.core import waveform
from svc_media.core.container import Kind
from svc_media.core.error import CodecUnsupported, WorkerLimit
from svc_media.core.facts import VideoFacts
from svc_media.worker.client import WorkCancelled, lives, run
from svc_media.worker.request import Limits, Operation, Request, Result
from tests import clips
from tests.clips import Clip

SHORT = [clip for clip in clips.CLIPS if clip is not clips.UHD]


async def probe(source: Path, scratch: Path) -> Result:
    return await run(Request(Operation.PROBE, source), scratch=scratch)


async def review(source: Path, facts: VideoFacts, scratch: Path) -> tuple[Path, Result]:
    output = scratch / "review"
    return output, await run(Request(Operation.REVIEW, source, output, facts), scratch=scratch)


def decoded(path: Path, facts: VideoFacts) -> Iterator[tuple[Fraction, int]]:
    """Time and number in the bars of every frame, decoded."""
    with av.open(str(path), format=facts.container) as media:
        for frame in media.decode(video=0):
            assert frame.pts is not None
            assert frame.time_base is not None
            yield frame.pts * frame.time_base, read(frame)


def read(frame: av.VideoFrame) -> int:
    """The number in a frame's bars."""
    grey = frame.reformat(format="gray")
    plane = grey.planes[0]
    rows = bytes(plane)
    packed = b"".join(rows[row * plane.line_size :][: grey.width] for row in range(grey.height))
    return clips.read_bars(packed, grey.width, grey.height)


def expected_times(clip: Clip) -> list[Fraction]:
    if clip.variable:
        return [Fraction(clips.uneven_ms(n), 1000) for n in range(clip.frames)]
    return [n / clip.rate for n in range(clip.frames)]


@pytest.mark.parametrize("clip", clips.CLIPS, ids=lambda clip: clip.name)
async def test_a_clip_has_the_frames_rate_and_times_it_was_made_with(clip: Clip, tmp_path: Path) -> None:
    facts = (await probe(clip.path, tmp_path)).facts
    assert (facts.kind, facts.width, facts.height) == (Kind.VIDEO, clip.width, clip.height)
    assert facts.frame_count == clip.frames
    assert [facts.time_of(n) for n in range(clip.frames)] == expected_times(clip)
    assert facts.variable_rate == clip.variable
    assert clip.variable or facts.rate == clip.rate
    assert facts.has_sound == clip.sound
    assert facts.timed
    if clip.timecode:
        assert label(0, facts.rate, facts.start_timecode) == clip.timecode
        assert facts.start_timecode is not None
        assert facts.start_timecode.drop_frame == (";" in clip.timecode)
    else:
        assert facts.start_timecode is None


@pytest.mark.parametrize("clip", SHORT, ids=lambda clip: clip.name)
async def test_a_review_file_shows_each_frame_once_at_its_time(clip: Clip, tmp_path: Path) -> None:
    facts = (await probe(clip.path, tmp_path)).facts
    path, made = await review(clip.path, facts, tmp_path)
    shown = list(decoded(path, made.facts))
    assert [number for _, number in shown] == list(range(clip.frames))
    assert [time for time, _ in shown] == expected_times(clip)
    assert made.facts.frame_count == clip.frames
    assert [made.facts.time_of(n) for n in range(clip.frames)] == expected_times(clip)
    assert (made.facts.codec, made.facts.pixel_format) == ("h264", "yuv420p")
    assert made.facts.front_index
    assert made.facts.key_interval_s <= (1.1 if clip.variable else 0.51)
    assert made.facts.has_sound == clip.sound
    assert made.size_bytes == path.stat().st_size


async def test_a_4k_clip_keeps_its_size_and_frames(tmp_path: Path) -> None:
    facts = (await probe(clips.UHD.path, tmp_path)).facts
    path, made = await review(clips.UHD.path, facts, tmp_path)
    assert (made.width, made.height) == (3840, 2160)
    assert [number for _, number in decoded(path, made.facts)] == list(range(clips.UHD.frames))


async def test_a_browser_safe_file_is_kept_and_only_that(tmp_path: Path) -> None:
    for clip in (clips.BROWSER_SAFE, clips.CINEMA, clips.PAL, clips.ODD_START, clips.VARIABLE):
        plan = (await probe(clip.path, tmp_path)).plan
        assert plan is not None
        assert plan.keep == (clip is clips.BROWSER_SAFE), plan.because


async def test_a_review_file_would_itself_be_kept(tmp_path: Path) -> None:
    facts = (await probe(clips.FILM.path, tmp_path)).facts
    path, _ = await review(clips.FILM.path, facts, tmp_path)
    plan = (await probe(path, tmp_path)).plan
    assert plan is not None
    assert plan.because == ()


async def test_the_packaged_ffmpeg_makes_the_same_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("imageio_ffmpeg")
    paths = [clip.path for clip in (clips.NTSC_DROP, clips.VARIABLE, clips.TRANSPORT)]
    monkeypatch.setenv("PATH", str(tmp_path))
    for source in paths:
        facts = (await probe(source, tmp_path)).facts
        path, made = await review(source, facts, tmp_path)
        assert [number for _, number in decoded(path, made.facts)] == list(range(facts.frame_count))
        assert [made.facts.time_of(n) for n in range(facts.frame_count)] == [
            facts.time_of(n) for n in range(facts.frame_count)
        ]


async def test_sound_begins_with_the_first_frame_wherever_the_file_starts(tmp_path: Path) -> None:
    facts = (await probe(clips.ODD_START.path, tmp_path)).facts
    assert facts.first_s > 1
    path, made = await review(clips.ODD_START.path, facts, tmp_path)
    with av.open(str(path), format="mov") as media:
        first = next(media.decode(audio=0))
        assert first.pts is not None
        assert first.time_base is not None
        assert abs(first.pts * first.time_base) < Fraction(1, 20)
    assert abs(made.facts.duration_us - facts.duration_us) < 1000


@pytest.mark.parametrize("packaged", [False, True])
async def test_a_clip_stored_on_its_side_is_turned_upright(
    packaged: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = clips.rotated()
    if packaged:
        pytest.importorskip("imageio_ffmpeg")
        monkeypatch.setenv("PATH", str(tmp_path))
    facts = (await probe(source, tmp_path)).facts
    assert (facts.width, facts.height, facts.coded_width, facts.coded_height) == (360, 640, 640, 360)
    path, made = await review(source, facts, tmp_path)
    assert (made.width, made.height, made.facts.rotation) == (360, 640, 0)
    with av.open(str(path), format="mov") as media:
        frame = next(media.decode(video=0)).reformat(format="gray")
    # Turned clockwise the bars, the white block first, go down the right edge.
    rows, stride = bytes(frame.planes[0]), frame.planes[0].line_size
    column = [rows[row * stride + frame.width - 20] for row in (16, 48)]
    expected = [True, False] if facts.rotation == 90 else [False, True]
    assert [value > 128 for value in column] == expected


async def test_real_footage_is_reviewed_frame_by_frame(tmp_path: Path) -> None:
    facts = (await probe(clips.footage(), tmp_path)).facts
    assert (facts.width, facts.height, facts.rate, facts.frame_count) == (640, 272, Fraction(25), 250)
    _, made = await review(clips.footage(), facts, tmp_path)
    assert (made.facts.frame_count, made.facts.rate, made.facts.duration_us) == (250, Fraction(25), 10_000_000)


@pytest.mark.parametrize("clip", [clips.ODD_START, clips.BROWSER_SAFE], ids=lambda clip: clip.name)
async def test_a_waveform_is_loud_where_the_sound_is_and_as_long_as_the_picture(clip: Clip, tmp_path: Path) -> None:
    facts = (await probe(clip.path, tmp_path)).facts
    path, made = await review(clip.path, facts, tmp_path)
    output = tmp_path / "waveform"
    done = await run(Request(Operation.WAVEFORM, path, output, made.facts), scratch=tmp_path)
    data = output.read_bytes()
    assert (done.content_type, done.size_bytes) == (waveform.CONTENT_TYPE, len(data))
    found = waveform.Waveform.from_bytes(data)
    assert len(found.fine) // 2 == ceil(made.facts.end_s * 100)
    # The tone is an eighth of full scale, from the first frame on to nearly the last.
    assert all(low < 125 and high > 131 for low, high in pairwise_of(found.fine)[5:-20])
    assert all(low > 100 and high < 156 for low, high in pairwise_of(found.coarse))


def pairwise_of(data: bytes) -> list[tuple[int, int]]:
    return list(zip(data[::2], data[1::2], strict=True))


async def test_poster_and_filmstrip_are_jpegs_of_their_plan(tmp_path: Path) -> None:
    facts = (await probe(clips.BROWSER_SAFE.path, tmp_path)).facts
    source, poster, strip = clips.BROWSER_SAFE.path, tmp_path / "poster.jpg", tmp_path / "strip.jpg"
    made = await run(Request(Operation.POSTER, source, poster, facts), scratch=tmp_path)
    assert (made.content_type, made.width, made.height) == ("image/jpeg", 640, 360)
    with av.open(str(poster), format="jpeg_pipe") as media:
        assert read(next(media.decode(video=0))) == 24
    shares: list[float] = []
    made = await run(Request(Operation.FILMSTRIP, source, strip, facts), scratch=tmp_path, on_progress=shares.append)
    assert made.filmstrip is not None
    assert (made.filmstrip.tiles, made.filmstrip.frames_per_tile, made.width) == (120, 2.0, 1920)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert tiles(strip, made) == [2 * tile for tile in range(120)]


def tiles(path: Path, made: Result) -> list[int]:
    """The number in each tile of a filmstrip."""
    strip = made.filmstrip
    assert strip is not None
    with av.open(str(path), format="jpeg_pipe") as media:
        sheet = next(media.decode(video=0)).reformat(format="gray")
    rows, stride = bytes(sheet.planes[0]), sheet.planes[0].line_size
    numbers = []
    for tile in range(strip.tiles):
        left, top = tile % strip.columns * strip.tile_width, tile // strip.columns * strip.tile_height
        cut = b"".join(rows[(top + y) * stride + left :][: strip.tile_width] for y in range(strip.tile_height))
        numbers.append(clips.read_bars(cut, strip.tile_width, strip.tile_height))
    return numbers


_MATRIX = ("-vf", "scale=out_color_matrix={0}:out_range=tv,format=yuv420p", "-colorspace", "{1}", "-c:v", "libx264")
COLORED = {
    "standard definition, tagged": [option.format("bt470", "bt470bg") for option in _MATRIX],
    "wide, tagged": [option.format("bt2020", "bt2020nc") for option in _MATRIX],
    "high definition, tagged": [option.format("bt709", "bt709") for option in _MATRIX],
    "standard definition, not tagged": ["-vf", "scale=out_color_matrix=bt601,format=yuv420p", "-c:v", "libx264"],
    "rgb": ["-c:v", "libx264rgb"],
    "full range": ["-vf", "scale=out_color_matrix=bt601:out_range=pc,format=yuvj420p", "-c:v", "libx264"],
}


@pytest.mark.parametrize("packaged", [False, True])
@pytest.mark.parametrize("options", COLORED.values(), ids=COLORED.keys())
async def test_colours_are_what_they_were(
    options: list[str], packaged: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "colored.mkv"
    clips.run_ffmpeg("-f", "lavfi", "-i", "color=c=0xC03060:s=320x240:d=0.2", *options, "-crf", "1", str(source))
    if packaged:
        pytest.importorskip("imageio_ffmpeg")
        monkeypatch.setenv("PATH", str(tmp_path))
    facts = (await probe(source, tmp_path)).facts
    path, made = await review(source, facts, tmp_path)
    assert made.facts.color.range == "tv"
    assert made.facts.color.matrix
    with av.open(str(path), format="mov") as media:
        frame = next(media.decode(video=0))
        rgb = frame.reformat(format="rgb24", src_colorspace=frame.colorspace, src_color_range=frame.color_range)
    pixel = bytes(rgb.planes[0])[:3]
    assert all(abs(value - wanted) <= 4 for value, wanted in zip(pixel, (0xC0, 0x30, 0x60), strict=True)), pixel.hex()


@pytest.mark.parametrize("name", ["still.png", "still.jpg", "still.webp", "still.gif"])
async def test_a_picture_that_browsers_show_is_a_video_of_one_frame_and_kept(name: str, tmp_path: Path) -> None:
    found = await probe(clips.picture(name), tmp_path)
    assert (found.facts.kind, found.facts.frame_count, found.facts.width, found.facts.height) == (
        *(Kind.STILL, 1),
        *(320, 180),
    )
    assert found.plan is not None
    assert found.plan.keep


@pytest.mark.parametrize(
    ("name", "options"),
    [("still.tiff", ()), ("still.bmp", ()), ("still-16.png", ("-pix_fmt", "rgb48be"))],
)
async def test_other_pictures_become_ones_that_browsers_show(
    name: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    found = await probe(clips.picture(name, 320, 180, *options), tmp_path)
    path, made = await review(clips.picture(name, 320, 180, *options), found.facts, tmp_path)
    assert made.content_type == "image/png"
    assert (made.facts.bit_depth, made.facts.container) == (8, "png_pipe")
    with av.open(str(path), format="png_pipe") as media:
        assert read(next(media.decode(video=0))) == 7


@pytest.mark.parametrize("packaged", [False, True])
async def test_a_photo_is_turned_as_its_exif_says(
    packaged: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jpeg = clips.picture("still.jpg").read_bytes()
    if packaged:
        pytest.importorskip("imageio_ffmpeg")
        monkeypatch.setenv("PATH", str(tmp_path))
    corners = {}
    for orientation in range(1, 9):
        source = tmp_path / f"{orientation}.jpg"
        source.write_bytes(clips.with_orientation(jpeg, orientation))
        facts = (await probe(source, tmp_path)).facts
        assert (facts.width, facts.height) == ((320, 180) if orientation < 5 else (180, 320))
        path, made = await review(source, facts, tmp_path)
        assert (made.width, made.height) == (facts.width, facts.height)
        corners[orientation] = white_corner(path)
    # Where the upper left corner of the stored picture, which is white, is to be seen (TIFF 6.0, tag 274).
    assert corners == {1: "left top", 2: "right top", 3: "right bottom", 4: "left bottom"} | {
        5: "left top",
        6: "right top",
        7: "right bottom",
        8: "left bottom",
    }


def white_corner(path: Path) -> str:
    """The corner where the first block of the bars is: white, with black both beside and below it."""
    with av.open(str(path), format="jpeg_pipe") as media:
        frame = next(media.decode(video=0)).reformat(format="gray")
    rows, stride = bytes(frame.planes[0]), frame.planes[0].line_size
    found = []
    for horizontal, x, dx in (("left", 4, 1), ("right", frame.width - 5, -1)):
        for vertical, y, dy in (("top", 4, 1), ("bottom", frame.height - 5, -1)):
            # A block is 16 pixels along the bars and 36 across them.
            across, down = (16, 36) if frame.width > frame.height else (36, 16)
            points = [(x, y), (x + dx * across, y), (x, y + dy * down)]
            if [rows[py * stride + px] > 128 for px, py in points] == [True, False, False]:
                found.append(f"{horizontal} {vertical}")
    assert len(found) == 1, found
    return found[0]


async def test_bad_files_are_refused_with_a_reason_and_a_sentence(tmp_path: Path) -> None:
    for what, (path, reason) in clips.bad_files(tmp_path).items():
        with pytest.raises(RushesError) as refused:
            await probe(path, tmp_path)
        assert (what, refused.value.reason) == (what, reason)
        assert refused.value.message.endswith(".")
        assert str(tmp_path) not in refused.value.message


async def test_sound_alone_is_a_sound_and_unknown_codecs_are_refused(tmp_path: Path) -> None:
    sound = tmp_path / "sound.mp4"
    with av.open(str(sound), "w", format="mp4") as media:
        stream = media.add_stream("aac", rate=48000)
        frame = av.AudioFrame("fltp", "mono", 1024)
        frame.sample_rate, frame.pts = 48000, 0
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        media.mux([*stream.encode(frame), *stream.encode(None)])
    facts = (await probe(sound, tmp_path)).facts
    assert (facts.kind, facts.has_sound) == (Kind.SOUND, True)
    strange = tmp_path / "strange.mp4"
    content = clips.CINEMA.path.read_bytes()
    strange.write_bytes(content.replace(b"avc1\0\0\0\0", b"zzz9\0\0\0\0").replace(b"avcC", b"zzzC"))
    with pytest.raises(CodecUnsupported):
        await probe(strange, tmp_path)


async def test_a_worker_is_stopped_in_the_middle_and_leaves_nothing(tmp_path: Path) -> None:
    facts = (await probe(clips.UHD.path, tmp_path)).facts
    cancel = asyncio.Event()
    request = Request(Operation.REVIEW, clips.UHD.path, tmp_path / "review.mp4", facts)
    with pytest.raises(WorkCancelled):
        await run(request, scratch=tmp_path, on_progress=lambda _: cancel.set(), cancel=cancel)
    assert names_in(tmp_path) == []
    assert not processes_in(tmp_path)


def test_a_group_lives_until_its_last_process_has_ended_though_nobody_has_asked_for_it() -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as leader:
        assert lives(leader.pid)
        leader.kill()
        os.waitid(os.P_PID, leader.pid, os.WEXITED | os.WNOWAIT)
        assert not lives(leader.pid)
    assert not lives(leader.pid)


async def test_a_task_that_is_cancelled_takes_its_worker_with_it(tmp_path: Path) -> None:
    facts = (await probe(clips.UHD.path, tmp_path)).facts
    begun = asyncio.Event()
    request = Request(Operation.REVIEW, clips.UHD.path, tmp_path / "review.mp4", facts)
    task = asyncio.create_task(run(request, scratch=tmp_path, on_progress=lambda _: begun.set()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert names_in(tmp_path) == []
    assert not processes_in(tmp_path)


def names_in(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def processes_in(folder: Path) -> list[str]:
    """Processes that name the folder in their command."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended since it was listed
            continue
        if str(folder) in text:
            found.append(text)
    return found


async def test_a_worker_that_needs_more_than_it_may_is_told_so(tmp_path: Path) -> None:
    facts = (await probe(clips.UHD.path, tmp_path)).facts
    for limits in (Limits(file_bytes=20_000), Limits(memory_bytes=500 << 20), Limits(cpu_s=1)):
        request = Request(Operation.REVIEW, clips.UHD.path, tmp_path / "review.mp4", facts, limits)
        with pytest.raises(WorkerLimit):
            await run(request, scratch=tmp_path)
    assert names_in(tmp_path) == []


async def test_a_worker_knows_no_secret_of_its_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSHES_MESH__SECRET", "canary-of-the-service")
    seen: list[bytes] = []

    def look(_: float) -> None:
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                mine = b"svc_media.worker" in entry.read_bytes() and int(entry.parent.name) != os.getpid()
                seen.extend([entry.with_name("environ").read_bytes()] if mine else [])
            except OSError:  # it has ended since it was listed
                continue

    facts = (await probe(clips.CINEMA.path, tmp_path)).facts
    request = Request(Operation.REVIEW, clips.CINEMA.path, tmp_path / "review.mp4", facts)
    await run(request, scratch=tmp_path, on_progress=look)
    assert seen
    assert not any(b"canary" in environment for environment in seen)
