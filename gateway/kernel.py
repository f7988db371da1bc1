"""Pieces to descriptors, each its own: by loops that are not Python's, and copied once where many get the same.

Between two writes the kernel's own work empties the processor's caches, so that whatever a program does there costs
several times as much: all is decided first, then written in one go.

A large piece that goes to many is put into memory that the kernel keeps as a file (memfd), and sent from there
(sendfile): all sockets hold the same pages until their readers have taken them, instead of a copy each.
`docs/adr/0013-frames-are-shared-with-the-kernel.md` has what that saves.
"""

import mmap
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Final

SHARED_BYTES: Final = 16 * 1024
"""Smaller pieces are written as quickly as they are shared."""
SHARED_BY: Final = 8
"""To fewer sockets a piece is written as quickly."""


def write_all(descriptors: Sequence[int], pieces: Sequence[bytes]) -> list[int]:
    """How many bytes of its piece each descriptor has taken; 0: it is full or broken, its owner finds out which."""
    sizes = list(map(len, pieces))
    if sys.platform == "linux" and max(sizes, default=0) >= SHARED_BYTES:
        return _share(descriptors, pieces, sizes)
    return _taken(map(os.write, descriptors, pieces), len(pieces))


def _taken(calls: Iterator[int], count: int) -> list[int]:
    taken: list[int] = []
    while len(taken) < count:
        try:
            taken.extend(calls)
        except OSError:  # the next one's turn
            taken.append(0)
    return taken


def _share(descriptors: Sequence[int], pieces: Sequence[bytes], sizes: Sequence[int]) -> list[int]:
    places: dict[int, list[int]] = {}
    for place, piece in enumerate(pieces):
        places.setdefault(id(piece), []).append(place)
    taken = [0] * len(pieces)
    alone: list[int] = []
    with _Memory() as memory:
        for same in places.values():
            size = sizes[same[0]]
            start = memory.put(pieces[same[0]]) if len(same) >= SHARED_BY and size >= SHARED_BYTES else None
            if start is None:
                alone += same
                continue
            to = [descriptors[place] for place in same]
            sending = map(os.sendfile, to, repeat(memory.descriptor), repeat(start), repeat(size))
            for place, count in zip(same, _taken(sending, len(same)), strict=True):
                taken[place] = count
    writing = map(os.write, [descriptors[place] for place in alone], [pieces[place] for place in alone])
    for place, count in zip(alone, _taken(writing, len(alone)), strict=True):
        taken[place] = count
    return taken


class _Memory:
    """A file that is nowhere but in memory; sockets keep of it what they have not sent yet."""

    def __init__(self) -> None:
        self.descriptor = -1
        self._end = 0

    def __enter__(self) -> "_Memory":
        return self

    def __exit__(self, *_: object) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)

    def put(self, piece: bytes) -> int | None:
        """Where it begins; None: there is no room for it."""
        start = self._end
        try:
            if self.descriptor < 0:
                self.descriptor = os.memfd_create("frames")
            if os.pwrite(self.descriptor, piece, start) < len(piece):
                return None
        except OSError:  # no descriptor is left, or no memory: it is written to each
            return None
        self._end = -(-(start + len(piece)) // mmap.PAGESIZE) * mmap.PAGESIZE
        return start
