"""The commands `rushes export` and `rushes import`: notes leave and come back as files."""

import argparse
import asyncio
import secrets
import sys
from collections.abc import Iterable
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import rushes
from rushes.annotation.v1.annotation_pb2 import ANNOTATION_KIND_COMMENT, Annotation
from rushes.command.account import add_server, add_video, client, command
from rushes.document.limit import ID_BYTES
from rushes.exchange import arrival, format
from rushes.exchange.arrival import Plan, describe
from rushes.exchange.error import InvalidNotesFile, NotesElsewhere
from rushes.exchange.found import Found
from rushes.exchange.notes import Notes, VideoFacts
from rushes.media.v1 import media_service_pb2
from rushes.timecode import Timecode, parse_timecode
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, AUDIENCE_INTERNAL, AUDIENCE_UNSPECIFIED

MAX_FILE_BYTES = 512 << 20
SHEET = "pdf"
AT_ONCE = 200
"""Operations that are pending at a time while a file comes in."""


def facts_of(
    video: media_service_pb2.Video, times: media_service_pb2.GetFrameTimesResponse | None = None
) -> VideoFacts:
    """What the formats must know of a video; `times`: of its frames, if their rate is not even."""
    rate = Fraction(video.rate.num or 24, video.rate.den or 1)
    start = video.start_timecode if video.HasField("start_timecode") else None
    return VideoFacts(
        video_id=video.video_id,
        name=video.file_name,
        rate=rate,
        frame_count=video.frame_count,
        width=video.width,
        height=video.height,
        start=Timecode(start.frames, start.drop_frame) if start is not None else None,
        numbers=_numbers(times, rate) if times is not None else (),
    )


def _numbers(times: media_service_pb2.GetFrameTimesResponse, rate: Fraction) -> tuple[int, ...]:
    """Where each frame is on the even grid of the mean rate: as the page labels frames of variable rate."""
    tick_s = Fraction(times.time_base.num, times.time_base.den or 1)
    ticks = list(accumulate(times.deltas))
    return tuple(round((each - ticks[0]) * tick_s * rate) for each in ticks)


async def _facts(connected: "rushes.Client", video_id: int) -> VideoFacts:
    video = await connected.video(video_id)
    return facts_of(video, await connected.frame_times(video_id) if video.variable_rate else None)


async def _notes(connected: "rushes.Client", facts: VideoFacts, annotations: list[Annotation]) -> Notes:
    people = await connected.people(sorted({each.author_id for each in annotations if each.author_id}))
    return Notes(facts, annotations, {person_id: person.name for person_id, person in people.items()})


async def export(arguments: argparse.Namespace) -> int:
    """Writes the notes of a video to a file."""
    if arguments.format == SHEET:
        return await _sheet(arguments)
    async with client(arguments) as connected:
        states = await connected.document(arguments.video)
        readable = [state.annotation for state in states if not state.annotation.deleted]
        if arguments.for_clients:
            readable = [annotation for annotation in readable if annotation.audience == AUDIENCE_CLIENT]
        notes = await _notes(connected, await _facts(connected, arguments.video), readable)
    if await _put_out(arguments.output, format.write(notes, arguments.format)):
        print(f"{_count(readable)} written to {arguments.output}")
        _warn(arguments.format, notes)
    return 0


async def _put_out(output: str, data: bytes) -> bool:
    """Writes to a file; or to the terminal, where nothing else may be said then (False)."""
    if output == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return False
    await asyncio.to_thread(Path(output).write_bytes, data)
    return True


async def _sheet(arguments: argparse.Namespace) -> int:
    """A sheet of paper has stills, which the server has: it writes it."""
    audience = AUDIENCE_CLIENT if arguments.for_clients else AUDIENCE_UNSPECIFIED
    async with client(arguments) as connected:
        export, data = await connected.export(arguments.video, SHEET, audience, arguments.asset)
    if await _put_out(arguments.output, data):
        print(f"A sheet of the notes written to {arguments.output}")
        if export.remark:
            print(export.remark)
    return 0


def _warn(name: str, notes: Notes) -> None:
    """Says what a format does not do."""
    wordless = len(notes.annotations) - len(notes.worded)
    if name in ("edl", "resolve") and wordless:
        print(f"{wordless} without words left out: an EDL carries no drawings (--format otio does).")
    if name == "otio" and any(each.kind != ANNOTATION_KIND_COMMENT for each in notes.annotations):
        print("It has drawings, which OpenRV reads. Programs that refuse the file take --format otio-markers.")


def _count(annotations: list[Annotation]) -> str:
    comments = sum(annotation.kind == ANNOTATION_KIND_COMMENT for annotation in annotations)
    return f"{comments} comments and {len(annotations) - comments} drawings"


async def import_file(arguments: argparse.Namespace) -> int:
    """Shows what a file adds to a video's notes, and adds it."""
    name = arguments.format or format.guess(str(arguments.file))
    data = await asyncio.to_thread(_read, arguments.file)
    audience = AUDIENCE_INTERNAL if arguments.internal else AUDIENCE_CLIENT
    async with client(arguments) as connected:
        facts = await _facts(connected, arguments.video)
        start = parse_timecode(arguments.start, facts.rate) if arguments.start else None
        found = format.read(data, name, facts, start)
        _check(found, facts)
        states = await connected.document(arguments.video)
        here = [state.annotation for state in states]
        plan = arrival.plan(
            found,
            here,
            format.shown(await _notes(connected, facts, _undeleted(here)), name),
            frame_count=facts.frame_count,
            audience=audience,
            new_id=lambda: secrets.token_bytes(ID_BYTES),
        )
        _show(plan, found)
        if not arguments.dry_run:
            await _add(connected, arguments.video, plan)
    return 0


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise InvalidNotesFile(f"“{path.name}” is no file of notes: it has more than {MAX_FILE_BYTES >> 20} MB.")
    return data


def _undeleted(annotations: Iterable[Annotation]) -> list[Annotation]:
    """All of them, as if none were deleted: what was deleted here does not come back with a file."""
    copies = [Annotation.FromString(annotation.SerializeToString()) for annotation in annotations]
    for copy in copies:
        copy.deleted = False
    return copies


def _check(found: Found, facts: VideoFacts) -> None:
    """Says what to do when nothing lies on the video."""
    if found.items or not found.outside:
        return
    raise NotesElsewhere(
        f"All {found.outside} notes of this file lie outside the video, which has {facts.frame_count} frames from "
        f"{facts.label(0)} on. If it begins elsewhere on the file's timeline, say so: --start 01:00:00:00"
    )


def _show(plan: Plan, found: Found) -> None:
    for item in plan.items:
        said = f"  ({item.author})" if item.author else ""
        print(f"+ {describe(item)}{said}")
    for item in plan.differs:
        print(f"= {describe(item)}  (here already, and different here; not changed)")
    for line in plan.left_out:
        print(f"! {line}", file=sys.stderr)
    outside = f", {found.outside} outside the video" if found.outside else ""
    left_out = f", {len(plan.left_out)} cannot be read" if plan.left_out else ""
    print(f"{len(plan.items)} to add, {plan.here} here already{outside}{left_out}.")


async def _add(connected: "rushes.Client", video_id: int, plan: Plan) -> None:
    if not plan.operations:
        return
    async with connected.collaborate(video_id) as session:
        for first in range(0, len(plan.operations), AT_ONCE):
            await session.submit(plan.operations[first : first + AT_ONCE])
        print(f"{len(plan.items)} added and saved, revision {session.revision}.")


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the commands."""
    parser = subparsers.add_parser("export", help="write a video's notes to a file")
    add_server(parser)
    add_video(parser)
    parser.add_argument(
        "--format",
        choices=(*format.FORMATS, SHEET),
        default="json",
        help="otio: comments as markers, drawings as OpenRV reads them; otio-markers: for programs that refuse those "
        "drawings; edl: locators for editing suites; resolve: an EDL of timeline markers for DaVinci Resolve; "
        "pdf: a sheet with stills, drawings and comments (default: json)",
    )
    parser.add_argument("--for-clients", action="store_true", help="without internal notes")
    parser.add_argument("--asset", type=int, default=0, help="asset_id for the head of a sheet (pdf)")
    parser.add_argument("-o", "--output", default="-", help="file (default: the terminal)")
    parser.set_defaults(run=command(export))
    parser = subparsers.add_parser("import", help="add the notes of a file to a video")
    add_server(parser)
    add_video(parser)
    parser.add_argument("file", type=Path, metavar="FILE", help=".otio, .edl or .json")
    parser.add_argument("--format", choices=("otio", "edl", "json"), help="if the file's name does not say it")
    parser.add_argument("--start", help="timecode of the video's first frame on the file's timeline")
    parser.add_argument("--internal", action="store_true", help="not for clients")
    parser.add_argument("--dry-run", action="store_true", help="only show what would be added")
    parser.set_defaults(run=command(import_file))
