"""The commands `rushes watch`, `rushes annotate` and `rushes export`."""

import argparse
import asyncio
import csv
import io
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict

import rushes
from rushes.annotation.v1 import annotation_pb2
from rushes.command.account import add_server, client, command
from rushes.document.pending_event import Changed
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, AUDIENCE_INTERNAL

KINDS = {value: name.removeprefix("ANNOTATION_KIND_").lower() for name, value in annotation_pb2.AnnotationKind.items()}
COLUMNS = (
    "frame",
    "last_frame",
    "kind",
    "author",
    "text",
    "tags",
    "audience",
    "resolved",
    "created_ms",
    "id",
    "parent",
)


def _audience(annotation: annotation_pb2.Annotation) -> str:
    return "internal" if annotation.audience == AUDIENCE_INTERNAL else "client"


def row(annotation: annotation_pb2.Annotation, names: Mapping[str, str]) -> dict[str, Any]:
    """An annotation as a line of a table."""
    return {
        "frame": annotation.first_frame,
        "last_frame": annotation.last_frame,
        "kind": KINDS[annotation.kind],
        "author": names.get(annotation.author_id, annotation.author_id),
        "text": annotation.text,
        "tags": " ".join(annotation.tags),
        "audience": _audience(annotation),
        "resolved": annotation.resolved,
        "created_ms": annotation.created_ms,
        "id": annotation.id.hex(),
        "parent": annotation.parent_id.hex(),
    }


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


async def export(arguments: argparse.Namespace) -> int:
    """Writes the notes of a video as JSON or CSV."""
    async with client(arguments) as connected:
        annotations = await connected.annotations(arguments.video)
        names = await _names(connected, annotations)
        video = await connected.video(arguments.video)
    if arguments.format == "csv":
        text = _csv([row(annotation, names) for annotation in annotations])
    else:
        document = {
            "video": MessageToDict(video, preserving_proto_field_name=True),
            "annotations": [
                row(annotation, names) | {"state": MessageToDict(annotation, preserving_proto_field_name=True)}
                for annotation in annotations
            ],
        }
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if arguments.output == "-":
        sys.stdout.write(text)
    else:
        await asyncio.to_thread(Path(arguments.output).write_bytes, text.encode())
        print(f"{len(annotations)} notes written to {arguments.output}")
    return 0


def _csv(rows: list[dict[str, Any]]) -> str:
    """CSV whose text cells no spreadsheet takes for a formula."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    for cells in rows:
        writer.writerow({name: _cell(value) for name, value in cells.items()})
    return out.getvalue()


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the commands."""
    parser = subparsers.add_parser("watch", help="print a video's notes as they come")
    add_server(parser)
    parser.add_argument("video", type=int, metavar="VIDEO")
    parser.set_defaults(run=command(watch))
    parser = subparsers.add_parser("annotate", help="write a comment on a frame")
    add_server(parser)
    parser.add_argument("video", type=int, metavar="VIDEO")
    parser.add_argument("--frame", type=int, required=True, help="0-based")
    parser.add_argument("--last", type=int, help="last frame, for a range")
    parser.add_argument("--internal", action="store_true", help="not for clients")
    parser.add_argument("text")
    parser.set_defaults(run=command(annotate))
    parser = subparsers.add_parser("export", help="write a video's notes to a file")
    add_server(parser)
    parser.add_argument("video", type=int, metavar="VIDEO")
    parser.add_argument("--format", choices=("json", "csv"), default="json")
    parser.add_argument("-o", "--output", default="-", help="file (default: the terminal)")
    parser.set_defaults(run=command(export))
