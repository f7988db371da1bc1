"""Sounds and sequences on real files: exact frames, the sound in its place, and archives that mean harm."""

import io
import tarfile
import zipfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest

from rushes.errors import RushesError
from svc_media.core.container import Kind
from svc_media.core.facts import VideoFacts
from svc_media.worker.client import run
from svc_media.worker.request import Operation, Request, Result
from tests import clips
from tests.integration.test_media_worker import decoded

SOUNDS = (
    ("tone.wav", ()),
    ("tone.aiff", ()),
    ("tone.flac", ()),
    ("tone.mp3", ()),
    ("bare.mp3", ("-id3v2_version", "0", "-write_xing", "0")),
    ("tone.ogg", ("-c:a", "libvorbis")),
    ("tone.aac", ()),
    ("tone.m4a", ("-c:a", "aac")),
    ("tone.mka", ("-c:a", "flac")),
)
LENGTH_S = 5


async def probe(source: Path, scratch: Path, rate: str = "") -> Result:
    return await run(Request(Operation.PROBE, source, rate=rate), scratch=scratch)


async def review(source: Path, facts: VideoFacts, scratch: Path) -> tuple[Path, Result]:
    output = scratch / "review"
    return output, await run(Request(Operation.REVIEW, source, output, facts), scratch=scratch)


def sound(folder: Path, name: str, options: tuple[str, ...]) -> Path:
    """Two seconds of silence, then a tone."""
    path = folder / name
    tone = f"aevalsrc='if(gte(t,2),0.5*sin(440*2*PI*t),0)':s=48000:d={LENGTH_S}"
    clips.run_ffmpeg("-f", "lavfi", "-i", tone, *options, str(path))
    return path


@pytest.mark.parametrize(("name", "options"), SOUNDS, ids=[name for name, _ in SOUNDS])
async def test_a_sound_has_frames_of_the_chosen_rate(name: str, options: tuple[str, ...], tmp_path: Path) -> None:
    source = sound(tmp_path, name, options)
    facts = (await probe(source, tmp_path, "25")).facts
    assert (facts.kind, facts.rate, facts.has_sound) == (Kind.SOUND, Fraction(25), True)
    # Lossy codecs fill their last packet.
    assert LENGTH_S * 25 <= facts.frame_count <= LENGTH_S * 25 + 3


async def test_the_review_file_of_a_sound_is_exact_and_heard_in_its_place(tmp_path: Path) -> None:
    source = sound(tmp_path, "tone.wav", ())
    facts = (await probe(source, tmp_path, "24000/1001")).facts
    assert facts.frame_count == 120
    path, made = await review(source, facts, tmp_path)
    assert (made.facts.frame_count, made.facts.rate) == (120, Fraction(24000, 1001))
    assert (made.width, made.height, made.content_type) == (1280, 360, "video/mp4")
    assert made.facts.sounds[0].codec == "aac"
    with av.open(str(path), format="mov") as media:
        times = [frame.pts * frame.time_base for frame in media.decode(video=0) if frame.pts is not None]  # type: ignore[operator]
    assert times == [n / Fraction(24000, 1001) for n in range(120)]
    with av.open(str(path), format="mov") as media:
        loud = next(
            frame.pts * frame.time_base  # type: ignore[operator]
            for frame in media.decode(audio=0)
            if max(abs(each) for each in memoryview(bytes(frame.planes[0])).cast("f")) > 0.2
        )
    assert abs(loud - 2) < Fraction(1, 20)


def numbered(numbers: range | list[int], width: int = 320, height: int = 180) -> Iterator[tuple[str, bytes]]:
    """Pictures with their number in bars."""
    for number in numbers:
        grey = b"P5 %d %d 255\n" % (width, height) + clips.bars(number, width, height)
        yield f"shot/sh010.{number:04}.png", png_of(grey, width, height)


def png_of(grey: bytes, width: int, height: int) -> bytes:
    frame = av.VideoFrame(width, height, "gray")
    rows, plane = grey[-width * height :], frame.planes[0]
    padded = b"".join(rows[row * width : (row + 1) * width].ljust(plane.line_size, b"\0") for row in range(height))
    plane.update(padded)
    context = av.CodecContext.create("png", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt, context.time_base = width, height, "gray", Fraction(1, 24)
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])


def zipped(folder: Path, files: Iterator[tuple[str, bytes]] | list[tuple[str, bytes]], method: int = 0) -> Path:
    path = folder / "pictures.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return path


def tarred(folder: Path, files: Iterator[tuple[str, bytes]]) -> Path:
    path = folder / "pictures.tar"
    with tarfile.open(path, "w") as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.parametrize("pack", [zipped, tarred])
async def test_numbered_pictures_are_a_video_of_exactly_these_frames(pack: object, tmp_path: Path) -> None:
    numbers = [*range(1001, 1012), *range(1014, 1020)]
    source = pack(tmp_path, numbered(list(reversed(numbers))))  # type: ignore[operator]
    facts = (await probe(source, tmp_path, "30000/1001")).facts
    assert (facts.kind, facts.width, facts.height, facts.frame_count) == (Kind.VIDEO, 320, 180, 19)
    assert facts.first_number == 1001
    assert facts.remarks == ("2 numbers are missing, where the picture before is held: 1012-1013.",)
    path, made = await review(source, facts, tmp_path)
    shown = list(decoded(path, made.facts))
    held = [number if number in numbers else 1011 for number in range(1001, 1020)]
    assert [number for _, number in shown] == held
    assert [time for time, _ in shown] == [n * Fraction(1001, 30000) for n in range(19)]
    assert VideoFacts.from_json(facts.to_json()) == facts


async def refused(source: Path, scratch: Path) -> str:
    """The reason why a file is refused, at the latest when its review file is made."""
    with pytest.raises(RushesError) as caught:
        await review(source, (await probe(source, scratch)).facts, scratch)
    assert caught.value.message.endswith(".")
    assert str(scratch) not in caught.value.message
    return caught.value.reason


async def test_archives_that_mean_harm_or_are_no_sequence_are_refused(tmp_path: Path) -> None:
    good = list(numbered(range(1, 4)))
    outside = [("../../etc/0001.png", good[0][1]), *good]
    assert await refused(zipped(tmp_path, outside), tmp_path) == "ARCHIVE_UNSAFE"
    bomb = [(f"a{number:04}.bmp", bytes(100_000_000)) for number in range(4)]
    assert await refused(zipped(tmp_path, bomb, zipfile.ZIP_DEFLATED), tmp_path) == "ARCHIVE_UNSAFE"
    huge = [("a0001.png", clips.huge_png()), ("a0002.png", clips.huge_png())]
    assert await refused(zipped(tmp_path, huge), tmp_path) == "PICTURE_TOO_LARGE"
    late = [*good, ("shot/sh010.0004.png", clips.huge_png())]
    assert await refused(zipped(tmp_path, late), tmp_path) == "PICTURE_TOO_LARGE"
    other = [*good, next(numbered([4], 160, 90))]
    assert await refused(zipped(tmp_path, other), tmp_path) == "SEQUENCE_BROKEN"
    disguised = [*good, ("shot/sh010.0004.png", b"ffconcat version 1.0\nfile 'secret.mp4'\n")]
    assert await refused(zipped(tmp_path, disguised), tmp_path) == "NOT_MEDIA"
    assert await refused(zipped(tmp_path, [("letter.txt", b"hello")]), tmp_path) == "SEQUENCE_BROKEN"
    cut = zipped(tmp_path, iter(good))
    cut.write_bytes(cut.read_bytes()[:-40])
    assert await refused(cut, tmp_path) == "MEDIA_BROKEN"


async def test_links_in_an_archive_are_not_followed(tmp_path: Path) -> None:
    path = tarred(tmp_path, numbered(range(1, 3)))
    with tarfile.open(path, "a") as archive:
        link = tarfile.TarInfo("shot/sh010.0003.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert await refused(path, tmp_path) == "ARCHIVE_UNSAFE"
