"""`python -m svc_signaling.recorder.join OUT SEGMENT...`: one file of a take's segments, without decoding.

Prints what is in it as one line of JSON. A segment that ends in the middle of a frame gives what it has.
"""

import contextlib
import json
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av import FFmpegError

from svc_signaling.core.name import read_name


def packets(path: Path) -> Iterator[Any]:
    """The packets of a file, as far as it goes."""
    with contextlib.suppress(FFmpegError), av.open(str(path)) as source:
        for packet in source.demux():
            if packet.size and packet.pts is not None:
                yield packet


def join(segments: list[Path], output: Path) -> dict[str, int]:
    """Joins them in their order; gives how long it is and what it has. Of nothing, it is 0 ms long."""
    last: dict[str, Fraction] = {}
    with contextlib.ExitStack() as stack:
        out: Any = None
        streams: dict[str, Any] = {}
        for path in segments:
            name = read_name(path.name)
            assert name is not None
            for packet in packets(path):
                kind = packet.stream.type
                if out is None:
                    out = stack.enter_context(av.open(str(output), "w", format=name.suffix))
                    for each in packet.stream.container.streams:
                        streams[each.type] = out.add_stream_from_template(each, opaque=True)
                at = packet.pts * packet.time_base + Fraction(name.offset_ms, 1000)
                if kind not in streams or at <= last.get(kind, Fraction(-1)):
                    continue
                last[kind] = at
                packet.stream = streams[kind]
                packet.time_base = Fraction(1, 1_000_000)
                packet.pts = packet.dts = round(at * 1_000_000)
                out.mux(packet)
    duration_ms = int(max(last.values(), default=Fraction(0)) * 1000) + 40 if last else 0
    return {"duration_ms": duration_ms, "video": "video" in last, "audio": "audio" in last}


def main() -> None:
    """Joins."""
    output, *segments = (Path(argument) for argument in sys.argv[1:])
    print(json.dumps(join(segments, output)))  # noqa: T201 - it is what the caller reads


if __name__ == "__main__":
    main()
