"""Ports of svc_project's store.

Promises that every adapter keeps:

- `Store.run(work)` is one transaction: all of what `work` did is durable when it returns, or nothing of it happened.
- Transactions take effect one after the other: no two see the other half done.
- Every row belongs to a tenant, and what is asked for by tenant never answers another's. Keys alone belong to all.
- Lists come in the order that their docstring names, from the row after the key `after`, at most `limit` rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from svc_project.core.change import Changes
from svc_project.core.model import (
    Asset,
    AssetFilter,
    AssetId,
    ChainedEvent,
    Cut,
    Event,
    Folder,
    FolderId,
    Invitation,
    InvitationId,
    Once,
    Person,
    PersonId,
    Project,
    ProjectId,
    PurgedVideo,
    RoleGrant,
    Session,
    SessionId,
    Setting,
    SigningKey,
    TenantId,
    VideoFacts,
    VideoId,
    VideoPath,
    Who,
)
from svc_project.core.page import Key

T = TypeVar("T")


class People(Protocol):
    """Tenants and the people in them."""

    def tenants(self) -> Sequence[TenantId]:
        """All tenants."""

    def add_tenant(self, tenant_id: TenantId, name: str, now_ms: int) -> None:
        """A new tenant."""

    def add(self, person: Person) -> None:
        """A new person; EmailTaken when another has the address."""

    def get(self, tenant_id: TenantId, person_id: PersonId) -> Person | None:
        """A person of the tenant."""

    def count(self, tenant_id: TenantId) -> int:
        """How many people the tenant has."""

    def by_email(self, email: str) -> Person | None:
        """Who signs in with this address, of whichever tenant."""

    def save(self, person: Person) -> None:
        """Name, colour and password of a person as they are now."""

    def named(self, tenant_id: TenantId, person_ids: Sequence[PersonId]) -> Sequence[Person]:
        """Those of these people who are of the tenant, by (name key, id)."""

    def page(
        self, tenant_id: TenantId, sharing_with: PersonId | None, after: Key | None, limit: int
    ) -> Sequence[Person]:
        """People of the tenant by (name key, id): all, or who shares a project with one (that one among them)."""


class Sessions(Protocol):
    """Sign-ins."""

    def add(self, session: Session, secret_hash: bytes) -> None:
        """A new session."""

    def get(self, session_id: SessionId) -> Session | None:
        """A session by id."""

    def by_secret(self, secret_hash: bytes) -> Session | None:
        """A session by the hash of its secret."""

    def extend(self, session_id: SessionId, expires_ms: int) -> None:
        """It lasts until then."""

    def end(self, session_id: SessionId, now_ms: int) -> None:
        """It has ended."""

    def end_others(self, tenant_id: TenantId, person_id: PersonId, keep: SessionId, now_ms: int) -> Sequence[SessionId]:
        """All open sessions of a person but one end; these were they."""

    def ended_since(self, since_ms: int) -> Sequence[tuple[SessionId, int]]:
        """Sessions that ended at `since_ms` or later, and when."""

    def prune(self, before_ms: int) -> int:
        """Drops sessions that ended or ran out before then; how many."""


class Keys(Protocol):
    """Signing keys, of all tenants together."""

    def all(self) -> Sequence[SigningKey]:
        """All keys, the oldest first."""

    def add(self, key: SigningKey) -> None:
        """A new key."""

    def drop(self, kids: Sequence[str]) -> None:
        """These are forgotten."""


class Invitations(Protocol):
    """Links into projects."""

    def add(self, invitation: Invitation) -> None:
        """A new invitation."""

    def add_secret(self, invitation: Invitation, secret_hash: bytes) -> int:
        """A secret that opens it; how many it has with this one."""

    def get(self, tenant_id: TenantId, project_id: ProjectId, invitation_id: InvitationId) -> Invitation | None:
        """An invitation by id."""

    def open(
        self, tenant_id: TenantId, project_id: ProjectId, now_ms: int, after: Key | None, limit: int
    ) -> Sequence[Invitation]:
        """Those of a project that let somebody in now, the newest first; `after`: (created_ms, invitation_id)."""

    def by_secret(self, secret_hash: bytes) -> Invitation | None:
        """An invitation by the hash of a secret."""

    def use(self, invitation_id: InvitationId) -> None:
        """One more has used it."""

    def revoke(self, invitation_id: InvitationId) -> None:
        """It is withdrawn."""

    def prune(self, before_ms: int) -> int:
        """Drops those that ended before then; how many."""


class Access(Protocol):
    """Roles, and the ways from people to resources."""

    def role(self, tenant_id: TenantId, project_id: ProjectId, person_id: PersonId) -> str:
        """A person's role on a project; "": none."""

    def put(self, tenant_id: TenantId, project_id: ProjectId, person_id: PersonId, role: str, now_ms: int) -> None:
        """The role is this from now on."""

    def take(self, tenant_id: TenantId, project_id: ProjectId, person_id: PersonId) -> None:
        """No role any more."""

    def owners(self, tenant_id: TenantId, project_id: ProjectId) -> Sequence[PersonId]:
        """Who owns the project; until the transaction ends nobody else changes the project's roles."""

    def page(self, tenant_id: TenantId, project_id: ProjectId, after: Key | None, limit: int) -> Sequence[RoleGrant]:
        """Roles on a project by (name key, person id)."""

    def project_of(self, tenant_id: TenantId, asset_id: AssetId) -> ProjectId | None:
        """The project of an asset."""

    def video_paths(self, person: Person, video_id: VideoId) -> Sequence[VideoPath]:
        """One for each cut of the video in the person's tenant."""

    def most(self, person: Person, project_id: ProjectId) -> int:
        """The most that a person may do in a project, whatever the role; -1: no room narrows it. Only guests' is."""

    def limit(
        self, tenant_id: TenantId, project_id: ProjectId, room_id: str, limits: Mapping[PersonId, int]
    ) -> Sequence[PersonId]:
        """Narrows what these guests of the tenant may do there, in the place of all that this room narrowed before.

        Gives whose rights are other ones now.
        """

    def lent_videos(self, tenant_id: TenantId, home_id: ProjectId, person_id: PersonId) -> Sequence[VideoId]:
        """Videos of a project that this person has stacked in other projects: rights on them follow theirs."""


class Projects(Protocol):
    """Projects."""

    def add(self, tenant_id: TenantId, name: str, name_key: str, now_ms: int) -> ProjectId:
        """A new project with version 1; ids are dense and never given twice."""

    def get(self, tenant_id: TenantId, project_id: ProjectId) -> Project | None:
        """A project with its count of assets."""

    def save(self, project: Project) -> None:
        """Name, statuses and version as they are now."""

    def lends(self, project: Project) -> bool:
        """Whether another project, or its trash, has cuts of videos that were uploaded for this one."""

    def remove(self, project: Project) -> bool:
        """It is gone with its folders, roles and invitations; False: it has assets, and nothing has changed."""

    def page(
        self, tenant_id: TenantId, visible_to: PersonId | None, after: Key | None, limit: int
    ) -> Sequence[tuple[Project, str]]:
        """Projects by (name key, id), all or those where one has a role, each with that role."""


class Assets(Protocol):
    """Assets and their cuts."""

    def add(self, project: Project, name: str, tags: Sequence[str], folder_id: FolderId, now_ms: int) -> AssetId:
        """A new asset with version 1 and the project's first status; ids are dense and never given twice."""

    def get(self, tenant_id: TenantId, asset_id: AssetId) -> Asset | None:
        """An asset with its cuts."""

    def named(self, tenant_id: TenantId, project_id: ProjectId, asset_ids: Sequence[AssetId]) -> Sequence[Asset]:
        """Those of these assets that are in the project, by id."""

    def save(self, asset: Asset) -> None:
        """All but the cuts as it is now."""

    def set_cut_status(self, asset_id: AssetId, number: int, status: str, person_id: PersonId, now_ms: int) -> None:
        """A cut has this status."""

    def purge(self, asset_ids: Sequence[AssetId], now_ms: int) -> None:
        """They are gone, with their cuts and tags. Videos that are no cut of anything any more are noted as purged."""

    def purged(self, after: int, limit: int) -> Sequence[PurgedVideo]:
        """Videos that were purged after that number and are no cut again, in order."""

    def is_purged(self, video_id: VideoId) -> bool:
        """Whether a video was: it is never a cut again."""

    def add_cut(self, asset: Asset, video: VideoFacts, person_id: PersonId, now_ms: int) -> Cut:
        """Stacks a video on the asset; CutExists when it is there already."""

    def page(self, project: Project, wanted: AssetFilter, after: Key | None, limit: int) -> Sequence[Asset]:
        """Assets of a project that are wanted. CHANGED: by (updated_ms, id), the newest first; NAME: by (name key, id);
        CREATED: by (created_ms, id), the newest first; STATUS: by its place among the project's (unknown ones last),
        then as CHANGED.
        """

    def count(self, project: Project, wanted: AssetFilter) -> int:
        """How many assets are wanted."""

    def tags(
        self, tenant_id: TenantId, project_id: ProjectId, after: Key | None, limit: int
    ) -> Sequence[tuple[str, int]]:
        """Tags of assets that are not in the trash, by tag, and how many have each."""


class Folders(Protocol):
    """Folders of projects."""

    def add(self, folder: Folder) -> FolderId:
        """A new folder, whose id is given here, dense and never twice; FolderExists where its name is taken."""

    def get(self, tenant_id: TenantId, project_id: ProjectId, folder_id: FolderId) -> Folder | None:
        """A folder of the project with its count of assets."""

    def save(self, folder: Folder) -> None:
        """Name, place and version as they are now; FolderExists where the name is taken."""

    def remove(self, folder: Folder) -> None:
        """It is gone; its assets, those in the trash too, and its folders are in the folder it was in. FolderExists
        where one of them has a name that is taken there.
        """

    def page(self, tenant_id: TenantId, project_id: ProjectId, after: Key | None, limit: int) -> Sequence[Folder]:
        """Folders of a project by (name key, id)."""

    def count(self, tenant_id: TenantId, project_id: ProjectId) -> int:
        """How many the project has."""


class Settings(Protocol):
    """What people keep for themselves."""

    def find(self, who: Who, names: Sequence[str], limit: int) -> Sequence[Setting]:
        """A person's settings by name: those of these names, a name that ends with / standing for all that begin so;
        without names those that have no / in theirs.
        """

    def put(self, who: Who, setting: Setting) -> None:
        """It is this from now on."""

    def remove(self, who: Who, name: str) -> None:
        """There is none of this name."""

    def size(self, who: Who) -> tuple[int, int]:
        """How many a person has, and the bytes of their names and values."""


class Audit(Protocol):
    """The audit chain of each tenant. Nothing here changes or drops an event."""

    def append(self, event: Event) -> bool:
        """Takes an event as the next of its tenant's chain; False when its id was taken before."""

    def page(self, tenant_id: str, after: int, limit: int) -> Sequence[ChainedEvent]:
        """Events by ordinal, those after `after`."""

    def head(self, tenant_id: str) -> tuple[int, bytes]:
        """Ordinal and hash of the last event, kept apart from the events; (0, 32 zero bytes) of an empty chain."""

    def heads(self) -> Sequence[tuple[str, int, bytes]]:
        """Tenant, ordinal and hash of every chain's end."""


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of news: what changed, and which instance changed it."""

    number: int
    origin: str
    changes: Changes


class News(Protocol):
    """What changed about rights, for the other instances on this store. Numbers become visible in their order."""

    def add(self, origin: str, changes: Changes, now_ms: int) -> None:
        """This changed, in this transaction."""

    def last(self) -> int:
        """The newest number; 0: there is none."""

    def after(self, number: int, limit: int) -> Sequence[Item]:
        """What came after a number, in order."""

    def prune(self, before_ms: int) -> int:
        """Forgets what is older; gives how much."""


class Unit(Protocol):
    """One transaction."""

    @property
    def news(self) -> News:
        """What other instances are to be told."""

    @property
    def people(self) -> People:
        """Tenants and people."""

    @property
    def sessions(self) -> Sessions:
        """Sign-ins."""

    @property
    def keys(self) -> Keys:
        """Signing keys."""

    @property
    def invitations(self) -> Invitations:
        """Links into projects."""

    @property
    def access(self) -> Access:
        """Roles."""

    @property
    def projects(self) -> Projects:
        """Projects."""

    @property
    def assets(self) -> Assets:
        """Assets and cuts."""

    @property
    def folders(self) -> Folders:
        """Folders."""

    @property
    def settings(self) -> Settings:
        """What people keep for themselves."""

    @property
    def audit(self) -> Audit:
        """The audit chain."""

    def once(self, once: Once, do: Callable[[], str]) -> tuple[str, bool]:
        """What `do` answers, and whether it was done now. The same request again answers what it did then and does
        nothing; the same id with other content is refused (Conflict). Without a request id it is always done.
        """

    def was_done(self, once: Once) -> bool:
        """Whether `once` would answer what it did before. Raises as it does."""


class Store(Protocol):
    """The store."""

    async def run(self, work: Callable[[Unit], T]) -> T:
        """Does the work in one transaction and gives its answer; an exception leaves everything as it was."""

    async def close(self) -> None:
        """Ends it, once all work is done."""


class Videos(Protocol):
    """What svc_media knows."""

    async def look_up(self, video_id: VideoId) -> VideoFacts | None:
        """Facts of a video, of whichever tenant; None: there is none."""
