"""Sequences: an archive of numbered pictures, read without believing a word of it, as a video."""

import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import IO, Final

from svc_media.core import command
from svc_media.core.container import HEAD_BYTES, TAR, Container, Kind, sniff
from svc_media.core.error import ArchiveUnsafe, MediaBroken, SequenceBroken, WorkerLimit
from svc_media.core.facts import VideoFacts
from svc_media.core.picture import check_size, read_header
from svc_media.core.plan import MAX_VIDEO_PIXELS, ReviewPlan
from svc_media.core.sequence import MAX_PICTURES, Entry, Plan, plan_sequence
from svc_media.worker.media import reader

COPY_BYTES: Final = 1 << 20
_PATTERN: Final = "frame%08d"
_SPARE_BYTES: Final = 256 << 20
"""Left free on the disk while pictures are taken out."""

Open = Callable[[str], IO[bytes]]


@contextmanager
def opened(source: Path, container: Container) -> Iterator[tuple[list[Entry], Open]]:
    """The files of an archive, and how to read one. Raises MediaBroken, ArchiveUnsafe."""
    try:
        if container is TAR:
            with tarfile.open(source, "r:") as archive:
                yield _tar_entries(archive), lambda name: _tar_file(archive, name)
        else:
            with zipfile.ZipFile(source) as packed:
                yield _zip_entries(packed), packed.open
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise MediaBroken(f"The {container.name} is damaged or incomplete.", detail=str(error)[:200]) from error


def _zip_entries(archive: zipfile.ZipFile) -> list[Entry]:
    entries = []
    for info in archive.infolist():
        if info.flag_bits & 1:
            raise SequenceBroken("The archive has a password: upload it without one.")
        if not info.is_dir():
            entries.append(Entry(info.filename, info.file_size, info.compress_size))
        _check_count(entries)
    return entries


def _tar_entries(archive: tarfile.TarFile) -> list[Entry]:
    entries = []
    for info in archive:
        if info.isfile() and not info.issparse():
            entries.append(Entry(info.name, info.size, info.size))
        elif not info.isdir():
            raise ArchiveUnsafe("The archive has links or devices in it; it is not read.")
        _check_count(entries)
    return entries


def _check_count(entries: list[Entry]) -> None:
    if len(entries) > 2 * MAX_PICTURES:
        raise ArchiveUnsafe("The archive has too many files; it is not read.")


def _tar_file(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    file = archive.extractfile(name)
    if file is None:
        raise MediaBroken("The archive names a file that it does not have.")
    return file


def sequence_facts(
    source: Path, container: Container, rate: Fraction, folder: Path, probe: Callable[[Path], VideoFacts]
) -> VideoFacts:
    """The facts of the video that the pictures become; the first one is probed for all."""
    with opened(source, container) as (entries, open_file):
        plan = plan_sequence(entries)
        picture = folder / "first"
        _take_out(open_file, plan.names[0], {each.name: each.size_bytes for each in entries}, picture)
    first = probe(picture)
    if first.kind is not Kind.STILL:
        raise SequenceBroken("The files of the archive are no pictures, whatever their names say.")
    check_size(first.coded_width, first.coded_height, MAX_VIDEO_PIXELS)
    count = len(plan.names)
    return replace(
        first,
        kind=Kind.VIDEO,
        container=container.demuxer,
        brand=first.container,
        rate=rate,
        frame_count=count,
        time_base=1 / rate,
        duration_us=round(count / rate * 1_000_000),
        timed=False,
        first_number=plan.first_number,
        remarks=plan.remarks,
    )


def make_sequence_review(
    source: Path, made: Path, facts: VideoFacts, plan: ReviewPlan, folder: Path, container: Container
) -> list[str]:
    """The arguments that make the review file, once the pictures lie in a folder under numbers."""
    with opened(source, container) as (entries, open_file):
        sequence = plan_sequence(entries)
        suffix = _extract(sequence, entries, open_file, facts, folder)
    return command.sequence_arguments(str(folder / f"{_PATTERN}{suffix}"), str(made), facts, plan)


def _extract(sequence: Plan, entries: list[Entry], open_file: Open, facts: VideoFacts, folder: Path) -> str:
    sizes = {each.name: each.size_bytes for each in entries}
    needed = sum(sizes[name] for name in set(sequence.names))
    if shutil.disk_usage(folder).free < needed + _SPARE_BYTES:
        raise WorkerLimit("There is no space left on the disk for the pictures of the archive.")
    suffix = "." + sequence.names[0].rpartition(".")[2].lower()
    before: tuple[str, Path] | None = None
    for number, name in enumerate(sequence.names):
        path = folder / f"{_PATTERN % number}{suffix}"
        if before is not None and before[0] == name:
            os.link(before[1], path)
            continue
        _take_out(open_file, name, sizes, path)
        _check_like(path, name, facts)
        before = name, path
    return suffix


def _take_out(open_file: Open, name: str, sizes: dict[str, int], path: Path) -> None:
    """Writes a picture to a file, never more bytes of it than were announced."""
    left = sizes[name]
    with open_file(name) as source, path.open("wb") as target:
        while chunk := source.read(min(COPY_BYTES, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise ArchiveUnsafe("A file of the archive is larger than the archive says; it is not read.")
            target.write(chunk)


def _check_like(path: Path, name: str, facts: VideoFacts) -> None:
    """Each picture has the kind and size of the first, by its own header, before anything decodes it."""
    with reader(path) as read:
        container = sniff(read(0, HEAD_BYTES), path.stat().st_size)
        header = read_header(container, read)
    short = "".join(char for char in name[-60:] if char.isprintable())
    if header is None or container.demuxer != facts.brand:
        raise SequenceBroken(f"“{short}” is not of the kind of the other pictures, whatever its name says.")
    if (header.width, header.height) != (facts.coded_width, facts.coded_height):
        raise SequenceBroken(
            f"“{short}” has {header.width} x {header.height} pixels, "
            f"the first picture {facts.coded_width} x {facts.coded_height}."
        )
