"""What is stored of versions and of work in several batches."""

from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import NewType, TypeAlias

VersionId = NewType("VersionId", int)
Hash: TypeAlias = bytes


class Kind(IntEnum):
    """How a version came about. As in the protos."""

    COMMIT = 1
    ROLLBACK = 2
    MERGE = 3
    CARRY = 4


class Tier(IntEnum):
    """Where its content is. As in the protos."""

    HOT = 1
    WARM = 2
    COLD = 3


class State(IntEnum):
    """How far a piece of work is. As in the protos."""

    PLANNED = 1
    RUNNING = 2
    DONE = 3
    FAILED = 4


@dataclass(frozen=True, slots=True)
class Version:
    """A version as it is stored."""

    version_id: int
    tenant_id: str
    video_id: int
    number: int
    base_id: int
    merged_id: int
    revision: int
    """The live revision that it holds; 0: a state that never was live."""
    kind: Kind
    message: str
    person_id: str
    created_ms: int
    hash: Hash
    delta: Hash
    """Content address of its difference to the base."""
    snapshot: Hash | None
    """Content address of all that it holds; None: it is read from its base."""
    depth: int
    """Deltas that reading it takes, since the next snapshot before it."""
    change: int
    tier: Tier
    read_ms: int
    """When its content was last brought back from the archive; 0: never."""
    tags: tuple[str, ...] = ()

    @property
    def live(self) -> bool:
        """Whether it holds a state that was live."""
        return self.revision > 0


@dataclass(frozen=True, slots=True)
class Draft:
    """A version about to be stored: what the store does not give it."""

    version_id: int
    tenant_id: str
    video_id: int
    base_id: int
    merged_id: int
    revision: int
    kind: Kind
    message: str
    person_id: str
    created_ms: int
    hash: Hash
    delta: "Packed"
    depth: int


@dataclass(frozen=True, slots=True)
class Packed:
    """A content, compressed, by its address."""

    sha256: Hash
    data: bytes
    raw_bytes: int


@dataclass(frozen=True, slots=True)
class Once:
    """What makes a change happen once: whose request it is, its id, and what it asked for."""

    tenant_id: str
    person_id: str
    method: str
    request_id: str
    request: bytes


@dataclass(frozen=True, slots=True)
class Work:
    """Something that is written for a person in several batches: a roll-back, its undo, or notes carried over."""

    work_id: int
    tenant_id: str
    video_id: int
    person_id: str
    session_id: str
    request_id: str
    request_hash: Hash
    client_id: bytes
    kind: Kind
    state: State
    message: str
    from_revision: int
    target_revision: int
    annotation_count: int
    operation_count: int
    batch_count: int
    created_ms: int
    kept_count: int = 0
    done_count: int = 0
    last_revision: int = 0
    version_id: int = 0
    error_reason: str = ""
    error_message: str = ""
    frames: tuple[int, ...] = field(default=())
    first_revision: int = 0
    """Of its first batch; 0: none is written."""

    def with_(self, **changed: object) -> "Work":
        """It, a step further."""
        return replace(self, **changed)  # type: ignore[arg-type]
