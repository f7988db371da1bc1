"""The ports of svc_version: the store of record, and the archive of cold contents (mesh.blobs.Blobs)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from mesh.audit import Outbox
from svc_version.core.model import Draft, Hash, Once, Packed, Tier, Version, Work
from svc_version.core.sonyflake import Reservation

LEASE_MS: Final = 120_000
"""For so long a machine id is its holder's."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A content as it is kept: here, or under a key in the archive."""

    sha256: Hash
    data: bytes | None
    archive_key: str


@dataclass(frozen=True, slots=True)
class Head:
    """Where the versions of a video stand."""

    version_id: int
    change: int


class Store(Protocol):
    """The store of record. What a method returned for survives a crash; each happens whole or not at all.

    Versions of one video are numbered without gaps in the order of their commits. `change` grows by one with each
    commit, tag and change of tier of a video. Contents are kept once for each video and address.
    """

    async def reserve(self, holder: str, now_ms: int) -> Reservation:
        """Ticks for ids, on a machine id that `holder` has leased (anew). No tick of a machine is given twice."""
        ...

    async def lease(self, name: str, holder: str, now_ms: int, until_ms: int) -> bool:
        """Whether `holder` has something for itself until then: nobody else has it, or their time is over."""
        ...

    async def commit(self, draft: Draft, expected_head: int | None, once: Once) -> Version:
        """Stores a version with its content. If its base is the head, or there is none, it is the new head.

        Raises VersionUnknown if the base is not there, HeadMoved, or AlreadyUsed (see `mesh.sql`).
        """
        ...

    async def done(self, once: Once) -> Version | None:
        """What a request made when it was sent before. Raises AlreadyUsed."""
        ...

    async def head(self, tenant_id: str, video_id: int) -> Head:
        """The head; 0 if there is no version."""
        ...

    async def get(self, tenant_id: str, video_id: int, version_id: int) -> Version | None:
        """A version."""
        ...

    async def tagged(self, tenant_id: str, video_id: int, tag: str) -> Version | None:
        """The version that has a tag."""
        ...

    async def newest(self, tenant_id: str, video_id: int, before_number: int, limit: int) -> Sequence[Version]:
        """Versions below a number, the newest first."""
        ...

    async def changed(self, tenant_id: str, video_id: int, after_change: int, limit: int) -> Sequence[Version]:
        """Versions that changed later, in order of change."""
        ...

    async def parents(self, tenant_id: str, video_id: int) -> Mapping[int, tuple[int, ...]]:
        """What each version follows, in the order of their numbers."""
        ...

    async def tag(self, tenant_id: str, video_id: int, version_id: int, tag: str, remove: bool, once: Once) -> Version:
        """Gives or takes a tag. Raises VersionUnknown, AlreadyUsed."""
        ...

    async def chain(self, video_id: int, version_id: int) -> Sequence[Hash]:
        """Addresses that make up a version: a snapshot, or the first difference, then those after it."""
        ...

    async def contents(self, video_id: int, addresses: Sequence[Hash]) -> Sequence[Stored]:
        """Contents by their address; what is not there is left out."""
        ...

    async def stored_bytes(self, video_id: int, addresses: Sequence[Hash]) -> Mapping[Hash, int]:
        """How much each of these contents takes as it is stored; what is not there is left out."""
        ...

    async def put_snapshot(self, video_id: int, version_id: int, packed: Packed) -> None:
        """Keeps all that a version holds."""
        ...

    async def older(self, tier: Tier, before_ms: int, limit: int) -> Sequence[Version]:
        """Versions hotter than a tier that were made, and last brought back, before a time: the oldest first."""
        ...

    async def cooled(self, versions: Sequence[Version]) -> None:
        """Hot versions are warm."""
        ...

    async def archived(self, moved: Sequence[tuple[Version, Mapping[Hash, str]]]) -> None:
        """The contents of these versions are in the archive, verified, under these keys: the versions are cold, and
        only the archive has those contents.
        """
        ...

    async def brought_back(self, video_id: int, contents: Sequence[Packed], now_ms: int) -> None:
        """Contents from the archive are here again, and the versions that they are of are warm."""
        ...

    async def shared(self, video_id: int, addresses: Sequence[Hash]) -> Sequence[Hash]:
        """Of these contents, those that several versions have."""
        ...

    async def archive_keys(self) -> Sequence[str]:
        """All keys that are pointed to."""
        ...

    async def tenants(self) -> Sequence[str]:
        """Whose versions there are."""
        ...

    async def sizes(self, video_id: int) -> Mapping[str, int]:
        """What a video's versions take: count, bytes as stored, raw bytes, and bytes if nothing were kept once."""
        ...

    async def sweep(self, before_ms: int) -> int:
        """Lets go of what a crash before a time has left and nothing points to; says how much there was."""
        ...

    # Removing

    async def removed_to(self) -> int:
        """See `mesh.purged.Place`."""
        ...

    async def set_removed_to(self, number: int) -> None:
        """See `mesh.purged.Place`."""
        ...

    async def remove_some(self, tenant_id: str, video_id: int) -> bool:
        """Lets go of a tenant's video: at once of all its versions, tags and work, and of some of its contents. Says
        whether there were contents: then again.
        """
        ...

    @property
    def outbox(self) -> Outbox:
        """What is told to the audit trail: as durable as what it tells of."""
        ...

    # Work in several batches

    async def begin_work(self, work: Work, batches: Sequence[bytes]) -> Work:
        """Stores work with its batches, to be done; sent again it is the work there is.

        Raises AlreadyUsed, or RollbackRunning if other work on the video runs.
        """
        ...

    async def save_work(self, work: Work) -> None:
        """How far it is now. Once it has ended, it stays as it is."""
        ...

    async def work(self, tenant_id: str, video_id: int, work_id: int) -> Work | None:
        """It."""
        ...

    async def asked(self, tenant_id: str, person_id: str, request_id: str) -> Work | None:
        """The work that a request began."""
        ...

    async def batches(self, work_id: int) -> Sequence[bytes]:
        """Its batches, in order."""
        ...

    async def batch(self, work_id: int, number: int) -> bytes:
        """One of its batches; the first has number 1."""
        ...

    async def running(self) -> Sequence[Work]:
        """All work that is not done, of whatever video."""
        ...

    async def close(self) -> None:
        """Finishes what was begun and lets go of the store."""
        ...
