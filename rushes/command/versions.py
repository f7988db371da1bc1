"""The commands `rushes show`, `versions`, `commit`, `diff`, `rollback` and `carry`."""

import argparse
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime

import rushes
from rushes.annotation.v1 import annotation_pb2
from rushes.command.account import add_server, add_video, client, command
from rushes.errors import InvalidArgument
from rushes.exchange.notes import KINDS
from rushes.version.v1 import version_pb2
from rushes.version.v1 import version_service_pb2 as service

TIERS = {
    version_pb2.VERSION_TIER_HOT: "",
    version_pb2.VERSION_TIER_WARM: "",
    version_pb2.VERSION_TIER_COLD: " [archived]",
}


def time_ms(text: str) -> int:
    """A time as people write it: 2026-11-20, 2026-11-20T14:30, with or without an offset; else local time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidArgument(f"{text} is no time: write it as 2026-11-20T14:30") from error
    return int(moment.astimezone(UTC).timestamp() * 1000)


def frame_range(text: str) -> tuple[int, int]:
    """N, or N-M."""
    first, dash, last = text.partition("-")
    if not first.isdecimal() or (dash and not last.isdecimal()):
        raise InvalidArgument(f"{text} is no frame, and no range of frames such as 100-120")
    return int(first), int(last or first)


async def _names(connected: "rushes.Client", people: Iterable[str]) -> dict[str, str]:
    found = await connected.people(sorted(set(people)))
    return {person_id: person.name for person_id, person in found.items()}


def _when(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _line(annotation: annotation_pb2.Annotation, names: dict[str, str]) -> str:
    marks = " [resolved]" if annotation.resolved else ""
    text = " ".join(annotation.text.split())
    author = names.get(annotation.author_id, annotation.author_id)
    return f"frame {annotation.first_frame:>6}  {KINDS[annotation.kind]:<8} {author}: {text}{marks}"


async def show(arguments: argparse.Namespace) -> int:
    """Prints the notes of a video, or of a frame of it, as they are or were."""
    frames = frame_range(arguments.frame) if arguments.frame else None
    async with client(arguments) as connected:
        states = await connected.document(
            arguments.video,
            revision=arguments.revision,
            time_ms=time_ms(arguments.at) if arguments.at else None,
            frames=frames,
        )
        there = [state.annotation for state in states if not state.annotation.deleted]
        names = await _names(connected, (annotation.author_id for annotation in there))
        for annotation in sorted(there, key=lambda each: each.first_frame):
            print(_line(annotation, names))
    return 0


async def versions(arguments: argparse.Namespace) -> int:
    """Prints the versions, the newest first."""
    async with client(arguments) as connected:
        found = [version async for version in connected.versions.all(arguments.video)]
        names = await _names(connected, (version.person_id for version in found))
        numbers = {version.version_id: version.number for version in found}
        for version in found[: arguments.limit]:
            base = f"on {numbers.get(version.base_version_id, '?')}" if version.base_version_id else "first"
            merged = f" and {numbers.get(version.merged_version_id, '?')}" if version.merged_version_id else ""
            tags = "".join(f" <{tag}>" for tag in version.tags)
            author = names.get(version.person_id, version.person_id)
            when = _when(version.created_ms)
            print(
                f"{version.number:>5}  {base}{merged}  {when}  {author}{tags}{TIERS[version.tier]}  {version.message}"
            )
    return 0


async def commit(arguments: argparse.Namespace) -> int:
    """Saves the notes as a version."""
    async with client(arguments) as connected:
        base = 0
        if arguments.base:
            base = (await connected.versions.find(arguments.video, arguments.base)).version_id
        made = await connected.versions.commit(
            arguments.video, arguments.message, revision=arguments.revision, base_version_id=base
        )
        if arguments.tag:
            await connected.versions.tag(arguments.video, made.version_id, arguments.tag)
        print(f"saved as {made.number}, revision {made.revision}")
    return 0


async def diff(arguments: argparse.Namespace) -> int:
    """Prints what differs between two versions, a line for each note."""
    async with client(arguments) as connected:
        first = await connected.versions.find(arguments.video, arguments.first)
        second = await connected.versions.find(arguments.video, arguments.second)
        async for each in connected.versions.diff(arguments.video, first.version_id, second.version_id):
            sign = "~" if each.fields else ("+" if each.HasField("after") else "-")
            annotation = each.after.annotation if each.HasField("after") else each.before.annotation
            fields = f"  ({', '.join(each.fields)})" if each.fields else ""
            print(f"{sign} {_line(annotation, {})}{fields}")
    return 0


async def rollback(arguments: argparse.Namespace) -> int:
    """Brings the live notes back."""
    async with client(arguments) as connected:
        target = service.RollbackTarget()
        if arguments.version:
            target.version_id = (await connected.versions.find(arguments.video, arguments.version)).version_id
        elif arguments.at:
            target.time_ms = time_ms(arguments.at)
        elif arguments.undo:
            target.rollback_id = arguments.undo
        else:
            target.revision = arguments.revision
        scope = service.RollbackScope()
        if arguments.frames:
            scope.frames.first, scope.frames.last = frame_range(arguments.frames)
        if arguments.mine:
            scope.author_id = (await connected.me()).person_id
        done = await connected.versions.roll_back(
            arguments.video, target, scope=scope, dry_run=arguments.dry_run, message=arguments.message
        )
        would = "would change" if arguments.dry_run else "changed"
        print(f"{would} {done.annotation_count} notes by {done.operation_count} operations")
        if done.rollback_id:
            mine = " --mine" if arguments.mine else ""
            print(f"to undo it: rushes rollback {arguments.video} --undo {done.rollback_id}{mine}")
    return 0


async def carry(arguments: argparse.Namespace) -> int:
    """Brings the notes of one cut to another."""
    async with client(arguments) as connected:
        done = await connected.versions.carry(
            arguments.video, arguments.to, arguments.offset, open_only=arguments.open_only
        )
        left = f"; {done.kept_count} are on no frame of it" if done.kept_count else ""
        print(f"carried {done.annotation_count} notes to video {arguments.to}{left}")
        if done.operation_count:
            print(f"to undo it: rushes rollback {arguments.to} --undo {done.rollback_id} --mine")
    return 0


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the commands."""
    parser = _parser(subparsers, "show", "print notes as they are, or were", show)
    parser.add_argument("--at", metavar="TIME", default="", help="such as 2026-11-20T14:30")
    parser.add_argument("--revision", type=int)
    parser.add_argument("--frame", metavar="N[-M]", default="", help="only what shows there; 0-based")
    parser = _parser(subparsers, "versions", "list the saved versions of a video's notes", versions)
    parser.add_argument("--limit", type=int, default=50)
    parser = _parser(subparsers, "commit", "save a video's notes as a version", commit)
    parser.add_argument("-m", "--message", default="")
    parser.add_argument("--revision", type=int, help="as they were then")
    parser.add_argument("--base", default="", metavar="NUMBER|TAG", help="what it follows; the head, unless told")
    parser.add_argument("--tag", default="")
    parser = _parser(subparsers, "diff", "compare two versions", diff)
    parser.add_argument("first", metavar="NUMBER|TAG")
    parser.add_argument("second", metavar="NUMBER|TAG")
    parser = _parser(
        subparsers, "rollback", "bring a video's notes back; everybody sees it, and it can be undone", rollback
    )
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--version", metavar="NUMBER|TAG", default="")
    target.add_argument("--revision", type=int)
    target.add_argument("--at", metavar="TIME", default="", help="such as 2026-11-20T14:30")
    target.add_argument("--undo", type=int, metavar="ID", help="of an earlier roll-back")
    parser.add_argument("--frames", metavar="N[-M]", default="", help="only notes there")
    parser.add_argument("--mine", action="store_true", help="only one's own notes")
    parser.add_argument("--dry-run", action="store_true", help="only say what would happen")
    parser.add_argument("-m", "--message", default="")
    parser = _parser(subparsers, "carry", "bring a video's notes to its next cut as one's own; it can be undone", carry)
    parser.add_argument("to", type=int, metavar="TO", help="the video of the next cut")
    parser.add_argument("--offset", type=int, default=0, metavar="FRAMES", help="added to the frame of each")
    parser.add_argument("--open", action="store_true", dest="open_only", help="only what is not resolved")


def _parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    help_text: str,
    run: Callable[[argparse.Namespace], Awaitable[int]],
) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(name, help=help_text)
    add_server(parser)
    add_video(parser)
    parser.set_defaults(run=command(run))
    return parser
