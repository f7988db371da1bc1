"""The things that svc_project knows, as values."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

PersonId = NewType("PersonId", str)
SessionId = NewType("SessionId", str)
TenantId = NewType("TenantId", str)
InvitationId = NewType("InvitationId", str)
ProjectId = NewType("ProjectId", int)
AssetId = NewType("AssetId", int)
FolderId = NewType("FolderId", int)
VideoId = NewType("VideoId", int)


@dataclass(frozen=True, slots=True)
class Who:
    """Whom a use case acts for."""

    tenant_id: TenantId
    person_id: PersonId


@dataclass(frozen=True, slots=True)
class Once:
    """Identity of a mutation: the same id with the same content is done once, with other content refused."""

    tenant_id: str
    person_id: str
    method: str
    request_id: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody; `password_hash` and `email` are empty for guests."""

    person_id: PersonId
    tenant_id: TenantId
    name: str
    email: str
    color: int
    guest: bool
    administrator: bool
    password_hash: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in of a person; `ended_ms` is 0 while it is open."""

    session_id: SessionId
    tenant_id: TenantId
    person_id: PersonId
    created_ms: int
    expires_ms: int
    ended_ms: int = 0


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key: it signs from `signs_ms` until `retires_ms`, and is published until `expires_ms`."""

    kid: str
    private: bytes
    created_ms: int
    signs_ms: int
    retires_ms: int
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Invitation:
    """A way into a project for whoever has its secret."""

    invitation_id: InvitationId
    tenant_id: TenantId
    project_id: ProjectId
    role: str
    person_id: PersonId
    created_ms: int
    expires_ms: int
    max_uses: int
    uses: int
    revoked: bool


@dataclass(frozen=True, slots=True)
class RoleGrant:
    """A person's role on a project."""

    project_id: ProjectId
    person_id: PersonId
    name: str
    name_key: str
    role: str


@dataclass(frozen=True, slots=True)
class Project:
    """A place for assets, and the unit of rights."""

    project_id: ProjectId
    tenant_id: TenantId
    name: str
    name_key: str
    created_ms: int
    version: int
    asset_count: int = 0
    statuses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PurgedVideo:
    """A video of which the last cut was purged; the number says when among others."""

    number: int
    tenant_id: TenantId
    project_id: ProjectId
    video_id: VideoId
    time_ms: int


@dataclass(frozen=True, slots=True)
class Cut:
    """A video stacked on an asset. `home_id` is the project it was uploaded for; who chose its status, and when, are
    "" and 0 while that is not known.
    """

    asset_id: AssetId
    number: int
    video_id: VideoId
    home_id: ProjectId
    person_id: PersonId
    created_ms: int
    file_name: str
    status: str = ""
    status_by: PersonId = PersonId("")
    status_ms: int = 0


@dataclass(frozen=True, slots=True)
class Asset:
    """What is being made; `cuts` has the newest first. `folder_id` 0: in none; `deleted_ms` 0: not in the trash."""

    asset_id: AssetId
    tenant_id: TenantId
    project_id: ProjectId
    name: str
    tags: tuple[str, ...]
    status: str
    created_ms: int
    updated_ms: int
    version: int
    cuts: tuple[Cut, ...] = ()
    folder_id: FolderId = FolderId(0)
    deleted_ms: int = 0


class Order(StrEnum):
    """What a list of assets goes by."""

    CHANGED = "changed"
    NAME = "name"
    CREATED = "created"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class AssetFilter:
    """Which assets of a project are listed, and in which order; `folder_id` None: of all folders."""

    words: tuple[str, ...] = ()
    folder_id: FolderId | None = None
    tags: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    order: Order = Order.CHANGED
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Folder:
    """A place for assets within a project; `parent_id` 0: it is in none."""

    folder_id: FolderId
    tenant_id: TenantId
    project_id: ProjectId
    parent_id: FolderId
    name: str
    name_key: str
    created_ms: int
    version: int
    asset_count: int = 0


@dataclass(frozen=True, slots=True)
class Setting:
    """Something that a person keeps for themselves; without a value there is none, and its version is 0."""

    name: str
    value_json: str
    version: int


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What svc_media says about a video."""

    video_id: VideoId
    tenant_id: TenantId
    project_id: ProjectId
    file_name: str


@dataclass(frozen=True, slots=True)
class VideoPath:
    """One way from a person to a video: the roles that decide it ("" is none)."""

    at_home: bool
    role: str
    adder_role: str
    in_trash: bool = False
    most: int = -1
    """The most that the person may do there now, whatever the role; -1: nothing is narrowed."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done, for the audit chain."""

    event_id: str
    tenant_id: str
    time_ms: int
    service: str
    person_id: str
    action: str
    resource: str
    detail_json: str


@dataclass(frozen=True, slots=True)
class ChainedEvent:
    """An event at its place in the tenant's chain."""

    ordinal: int
    event: Event
    hash: bytes


class Kind(StrEnum):
    """The kinds of things that rights are about."""

    TENANT = "tenant"
    PROJECT = "project"
    ASSET = "asset"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing that rights are about; the tenant has id 0."""

    kind: Kind
    id: int = 0
