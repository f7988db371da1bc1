"""Calls to a service of several instances: those about one video or room go to the instance that serves it."""

import re
from collections.abc import Callable
from typing import Final

from gateway.upstream import Passing, Upstream
from mesh.fleet import Fleet
from mesh.ids import family
from mesh.rendezvous import partition_of

FRAME_BYTES: Final = 5
_NUMBER, _MESSAGE = 0x08, 0x0A
"""Tags of a first field: the video itself, or a message (such as open) whose first field it is."""


_ROOM: Final = re.compile(rb"(?<=\x1a)[a-z2-7]{26}|[a-z2-7]{26}(?=\.)")
"""Behind its length, as a field of its own, or at the beginning of a key."""


class Spread:
    """Does what an `Upstream` does. It is about where calls are quick, never about whether they are right."""

    reads_first = True

    def __init__(self, fleet: Fleet, make: Callable[[str], Upstream] = Upstream) -> None:
        self._fleet = fleet
        self._make = make
        self._upstreams: dict[str, Upstream] = {}

    def start(self, passing: Passing) -> None:
        """See `Upstream`."""
        target = self._fleet.target(key_of(self._fleet.service, passing.body[FRAME_BYTES:]))
        upstream = self._upstreams.get(target)
        if upstream is None:
            upstream = self._upstreams[target] = self._make(target)
        upstream.start(passing)

    def give_up(self, passing: Passing) -> None:
        """See `Upstream`."""
        for upstream in self._upstreams.values():
            upstream.give_up(passing)

    async def close(self) -> None:
        """See `Upstream`."""
        for upstream in self._upstreams.values():
            await upstream.close()


def key_of(service: str, message: bytes) -> int | str:
    """What decides which instance of a service a serialised request is for."""
    return family(room_of(message)) if service == "svc_signaling" else partition_of(video_of(message))


def room_of(message: bytes) -> str:
    """The room that a request to svc_signaling names, or that the key of a feed begins with; empty: none.

    In all of them it comes before anything else that reads like a room's id.
    """
    found = _ROOM.search(message)
    return found.group().decode() if found else ""


def video_of(message: bytes) -> int:
    """The video that a serialised request names first; 0: it names none there."""
    if not message:
        return 0
    at = 1
    if message[0] == _MESSAGE:
        _, at = _varint(message, 1)
        if at >= len(message) or message[at] != _NUMBER:
            return 0
        at += 1
    elif message[0] != _NUMBER:
        return 0
    return _varint(message, at)[0]


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """A number and where it ends; what is cut off counts as far as it goes."""
    value = shift = 0
    while at < len(message) and shift < 63:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
    return value, at
