"""The snapshot port: states of documents, so that a cold open need not read all of history. Only a short cut."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A document's state after a record."""

    ordinal: int
    """Records folded into it."""
    state: bytes
    """A serialised DocumentState."""


class Snapshots(Protocol):
    """Holds the newest snapshots of each video. Any of them may be lost: then history is read from further back.

    Durability: what `put` returned for survives a crash. Integrity: what does not have its checksum is never
    answered, but counts as lost. The tenant is part of every key.
    """

    async def newest(self, tenant_id: str, video_id: int, max_ordinal: int) -> Snapshot | None:
        """The newest whole snapshot of at most so many records."""
        ...

    async def put(self, tenant_id: str, video_id: int, ordinal: int, state: Iterable[bytes]) -> None:
        """Stores one, in pieces that are put together, and forgets those that are no longer among the newest two."""
        ...

    async def remove(self, tenant_id: str, video_id: int) -> None:
        """Forgets all of a video."""
        ...
