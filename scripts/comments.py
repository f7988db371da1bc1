"""Puts what an image of the protos says of calls, messages and fields into a file, for the description of the API."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

PARTS = {4: "message_type", 5: "enum_type", 6: "service"}
INNER = {2: "field", 3: "nested_type", 4: "enum_type"}
"""Numbers of the fields of FileDescriptorProto and DescriptorProto that a path in a SourceCodeInfo goes by."""


def named(file: FileDescriptorProto, path: Sequence[int]) -> str:
    """Full name of what a path leads to; empty: nothing that is described."""
    names, at, kinds = [file.package], 0, PARTS
    thing: Any = file
    while at + 1 < len(path):
        kind = kinds.get(path[at])
        if kind is None:
            return ""
        thing = getattr(thing, kind)[path[at + 1]]
        names.append(thing.name)
        kinds = {"service": {2: "method"}, "enum_type": {2: "value"}}.get(kind, INNER)
        at += 2
    return ".".join(names) if at == len(path) else ""


def comments(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    """Names, and what stands above them."""
    for location in file.source_code_info.location:
        text = " ".join(location.leading_comments.split())
        name = named(file, location.path) if text and location.path else ""
        if name:
            yield name, text


source, target = map(Path, sys.argv[1:])
image = FileDescriptorSet.FromString(source.read_bytes())
found = {name: text for file in image.file if file.package.startswith("rushes.") for name, text in comments(file)}
target.write_text(json.dumps(found, ensure_ascii=False, indent=0, sort_keys=True) + "\n")
