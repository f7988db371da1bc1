"""The commands `rushes watch` and `rushes annotate`; those about the past and versions of notes come with them."""

import argparse
from collections.abc import Mapping

import rushes
from rushes.annotation.v1 import annotation_pb2
from rushes.command import versions
from rushes.command.account import add_server, add_video, client, command
from rushes.document.pending_event import Changed
from rushes.exchange.notes import KINDS
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, AUDIENCE_INTERNAL


async def _names(connected: "rushes.Client", annotations: list[annotation_pb2.Annotation]) -> dict[str, str]:
    people = await connected.people(sorted({annotation.author_id for annotation in annotations}))
    return {person_id: person.name for person_id, person in people.items()}


async def watch(arguments: argparse.Namespace) -> int:
    """Prints notes as they come and change, a line each, until it is stopped."""
    async with client(arguments) as connected, connected.collaborate(arguments.video) as session:
        shown: dict[bytes, str] = {}
        names: dict[str, str] = {}
        async for event in session.changes():
            if not isinstance(event, Changed):
                continue
            for state in session.annotations:
                annotation = state.annotation
                if event.ids is not None and annotation.id not in event.ids:
                    continue
                if annotation.author_id and annotation.author_id not in names:
                    names |= await _names(connected, [annotation])
                line = _line(annotation, names)
                if shown.get(annotation.id) != line:
                    shown[annotation.id] = line
                    print(line, flush=True)
    return 0


def _line(annotation: annotation_pb2.Annotation, names: Mapping[str, str]) -> str:
    marks = "".join(
        mark for mark, there in ((" [deleted]", annotation.deleted), (" [resolved]", annotation.resolved)) if there
    )
    text = " ".join(annotation.text.split())
    author = names.get(annotation.author_id, "you")
    return f"frame {annotation.first_frame:>6}  {KINDS[annotation.kind]:<8} {author}: {text}{marks}"


async def annotate(arguments: argparse.Namespace) -> int:
    """Writes a comment; when this ends, it is saved."""
    audience = AUDIENCE_INTERNAL if arguments.internal else AUDIENCE_CLIENT
    async with client(arguments) as connected, connected.collaborate(arguments.video, arguments.frame) as session:
        made = await session.comment(arguments.frame, arguments.text, last_frame=arguments.last, audience=audience)
        print(f"saved as {made.hex()}, revision {session.revision}")
    return 0


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the commands."""
    parser = subparsers.add_parser("watch", help="print a video's notes as they come")
    add_server(parser)
    add_video(parser)
    parser.set_defaults(run=command(watch))
    parser = subparsers.add_parser("annotate", help="write a comment on a frame")
    add_server(parser)
    add_video(parser)
    parser.add_argument("--frame", type=int, required=True, help="0-based")
    parser.add_argument("--last", type=int, help="last frame, for a range")
    parser.add_argument("--internal", action="store_true", help="not for clients")
    parser.add_argument("text")
    parser.set_defaults(run=command(annotate))
    versions.register(subparsers)
