"""A copy of what is read most, in front of the store of record: losing it costs time, never a version."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from svc_version.core.model import Hash


class Hot(Protocol):
    """Contents of hot versions by their address. Nothing here raises: what cannot be had is not there."""

    async def get(self, video_id: int, addresses: Sequence[Hash]) -> Mapping[Hash, bytes]:
        """What is there of these. Not verified: who reads it does."""
        ...

    async def put(self, video_id: int, contents: Mapping[Hash, bytes]) -> None:
        """Keeps contents; what is there stays as it is."""
        ...

    async def drop(self, video_id: int, addresses: Sequence[Hash]) -> None:
        """Lets go of contents."""
        ...

    async def forget(self, video_id: int) -> None:
        """Lets go of all that a video has."""
        ...

    async def close(self) -> None:
        """Ends it."""
        ...


class NoHot:
    """None: the store is on this machine, and as near."""

    async def get(self, video_id: int, addresses: Sequence[Hash]) -> Mapping[Hash, bytes]:
        """See Hot."""
        return {}

    async def put(self, video_id: int, contents: Mapping[Hash, bytes]) -> None:
        """See Hot."""

    async def drop(self, video_id: int, addresses: Sequence[Hash]) -> None:
        """See Hot."""

    async def forget(self, video_id: int) -> None:
        """See Hot."""

    async def close(self) -> None:
        """See Hot."""
