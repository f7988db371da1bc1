"""Packets of one stream that came together: what is to be done for each slot is done once for all of them."""

from collections.abc import Sequence
from typing import Final

from svc_sfu.core.publisher import Track
from svc_sfu.core.stream import Incoming, Stream

MAX_PACKETS: Final = 32
"""Of a run: so many are read before what they bring goes on."""
MAX_SEGMENTS: Final = 64
MAX_BYTES: Final = 60_000
"""What the kernel takes at once, to be taken apart by it."""


class Run:
    """See the module. Of what came late, each packet is one of its own."""

    __slots__ = ("incoming", "late", "octets", "stream", "track")

    def __init__(self, track: Track, stream: Stream, first: Incoming) -> None:
        self.track = track
        self.stream = stream
        self.late = first.late
        self.incoming = [first]
        self.octets = len(first.packet.payload)

    def add(self, incoming: Incoming) -> bool:
        """Takes the next one; False: there is no room for it."""
        if len(self.incoming) >= MAX_PACKETS:
            return False
        self.incoming.append(incoming)
        self.octets += len(incoming.packet.payload)
        return True


def alike(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Where packets lie that can go out together: of one size, but for the last of them, which may be shorter."""
    found: list[tuple[int, int]] = []
    start, count = 0, len(sizes)
    while start < count:
        size = sizes[start]
        last = min(count, start + min(MAX_SEGMENTS, MAX_BYTES // size))
        end = start + 1
        while end < last and sizes[end] == size:
            end += 1
        if end < last and sizes[end] < size:
            end += 1
        found.append((start, end))
        start = end
    return found
