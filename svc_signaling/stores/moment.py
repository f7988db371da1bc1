"""Rooms as they lately were, for whoever takes them up: a copy, whose loss costs time and nothing else."""

from collections import OrderedDict
from typing import Final, Protocol

MOST_BYTES: Final = 64 * 1024 * 1024


class Moments(Protocol):
    """The last moment of each room, for a day at least if nothing is lost. Nothing here raises: what cannot be had is
    not there, and what is there may be older than what was put last.
    """

    async def put(self, room_id: str, moment: bytes) -> None:
        """Keeps it in the place of what was there."""

    async def get(self, room_id: str) -> bytes | None:
        """What is there."""

    async def drop(self, room_id: str) -> None:
        """Lets go of it."""

    async def close(self) -> None:
        """Ends it."""


class MemoryMoments:
    """Of one instance: see Moments. What was put longest ago goes first when there is too much."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0

    async def put(self, room_id: str, moment: bytes) -> None:
        """See Moments."""
        await self.drop(room_id)
        self._kept[room_id] = moment
        self._bytes += len(moment)
        while self._bytes > self._most_bytes:
            await self.drop(next(iter(self._kept)))

    async def get(self, room_id: str) -> bytes | None:
        """See Moments."""
        return self._kept.get(room_id)

    async def drop(self, room_id: str) -> None:
        """See Moments."""
        self._bytes -= len(self._kept.pop(room_id, b""))

    async def close(self) -> None:
        """See Moments."""
