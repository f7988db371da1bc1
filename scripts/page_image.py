"""Takes out of an image of the protos what the page does not need and would load: the readable paths of calls."""

import sys
from pathlib import Path

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet

PATHS = annotations_pb2.DESCRIPTOR.name

source, target = map(Path, sys.argv[1:])
image = FileDescriptorSet.FromString(source.read_bytes())
for file in image.file:
    kept = [name for name in file.dependency if name != PATHS]
    del file.dependency[:]
    file.dependency.extend(kept)
    for service in file.service:
        for method in service.method:
            method.options.ClearExtension(annotations_pb2.http)
target.write_bytes(image.SerializeToString())
