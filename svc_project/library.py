"""Use cases about projects, assets and cuts."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from svc_project.access import may_act, permissions, project_permissions
from svc_project.context import Context, Work
from svc_project.core import page, role, text
from svc_project.core.errors import (
    AssetInTrash,
    AssetNotFound,
    CutNotFound,
    EtagMismatch,
    FolderNotFound,
    GuestMayNot,
    InvalidField,
    PersonNotFound,
    ProjectLends,
    ProjectNotEmpty,
    ProjectNotFound,
    SessionEnded,
    VideoNotFound,
)
from svc_project.core.model import (
    Asset,
    AssetFilter,
    AssetId,
    FolderId,
    Kind,
    Once,
    Order,
    Person,
    Project,
    ProjectId,
    PurgedVideo,
    Resource,
    SessionId,
    VideoFacts,
    VideoId,
    Who,
)
from svc_project.stores import Videos

PURGED_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class NewAsset:
    """What an asset is to be; `video_id` 0: it has no cut yet."""

    project_id: ProjectId
    name: str
    tags: Sequence[str]
    video_id: VideoId
    folder_id: FolderId


@dataclass(frozen=True, slots=True)
class AssetChange:
    """What is to change; None leaves it. `etag` "" is any."""

    asset_id: AssetId
    name: str | None
    tags: tuple[str, ...] | None
    status: str | None
    etag: str
    folder_id: FolderId | None = None


@dataclass(frozen=True, slots=True)
class ProjectChange:
    """What is to change; None leaves it. `etag` "" is any."""

    project_id: ProjectId
    name: str | None
    statuses: tuple[str, ...] | None
    etag: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of assets; `total` counts those of all pages."""

    assets: Sequence[Asset]
    next_token: str
    total: int


class Library:
    """Projects, assets and their cuts."""

    def __init__(self, context: Context, videos: Videos) -> None:
        self._context = context
        self._videos = videos

    async def create_project(self, who: Who, name: str, once: Once) -> tuple[Project, int]:
        """A new project, whose maker owns it."""
        cleaned = text.clean_name(name)

        def create(work: Work) -> tuple[Project, int]:
            person = find_me(work, who)
            if person.guest:
                raise GuestMayNot
            made, _ = work.unit.once(once, lambda: str(add_project(work, person, cleaned)))
            project = find_project(work, who, ProjectId(int(made)))
            return project, project_permissions(work, person, project.project_id)

        return await self._context.run(create)

    async def project(self, who: Who, project_id: ProjectId) -> Project:
        """A project."""
        return await self._context.run(lambda work: find_project(work, who, project_id))

    async def watch(
        self, who: Who, project_id: ProjectId, session_id: SessionId, expires_ms: int
    ) -> AsyncGenerator[None]:
        """Now, and whenever something else is listed of the project, as long as one may view it.

        Raises SessionEnded once the session has ended, and TokenExpired once the token has, which is at `expires_ms`.
        """

        def check(work: Work) -> None:
            if not may_act(work, find_me(work, who), session_id):
                raise SessionEnded
            _check_view(work, who, project_id)

        clock, listings = self._context.clock, self._context.bulletin.listings
        looking = listings.watch(project_id, who, session_id, lambda: (expires_ms - clock.now_ms()) / 1000)
        async with aclosing(looking) as changes:
            async for _ in changes:
                await self._context.run(check)
                yield

    async def projects(self, who: Who, page_size: int, page_token: str) -> tuple[list[tuple[Project, int]], str]:
        """Projects that one may view, each with what one may do in it, by name; and the token of the next page."""
        scope = f"projects/{who.tenant_id}/{who.person_id}"
        asked = page.parse(page_size, page_token, scope, (str, int))

        def find(work: Work) -> tuple[list[tuple[Project, int]], str]:
            person = find_me(work, who)
            visible_to = None if person.administrator else person.person_id
            rows = work.unit.projects.page(who.tenant_id, visible_to, asked.after, asked.size + 1)
            found = [(one, role.mask(role.OWNER if person.administrator else mine)) for one, mine in rows[: asked.size]]
            last = found[-1][0] if len(rows) > asked.size else None
            return found, page.token(scope, (last.name_key, last.project_id)) if last else ""

        return await self._context.run(find)

    async def update_project(self, who: Who, wanted: ProjectChange, once: Once) -> Project:
        """A new name, or what a status may be."""
        name = None if wanted.name is None else text.clean_name(wanted.name, "project.name")
        statuses = None if wanted.statuses is None else text.clean_statuses(wanted.statuses)

        def change(work: Work) -> str:
            before = find_project(work, who, wanted.project_id)
            check_etag(wanted.etag, before.version)
            after = replace(before, name=name or before.name, statuses=statuses or before.statuses)
            if after == before:
                return ""
            work.unit.projects.save(replace(after, name_key=text.sort_key(after.name), version=before.version + 1))
            work.changes.projects.add(wanted.project_id)
            detail = {"name": after.name, "statuses": ", ".join(after.statuses)}
            work.trail.add(who.tenant_id, who.person_id, "project.update", f"project/{wanted.project_id}", **detail)
            return ""

        def update(work: Work) -> Project:
            work.unit.once(once, lambda: change(work))
            return find_project(work, who, wanted.project_id)

        return await self._context.run(update)

    async def delete_project(self, who: Who, project_id: ProjectId, once: Once) -> None:
        """It is gone for good. Raises ProjectNotEmpty, ProjectLends."""

        def remove(work: Work) -> str:
            project = find_project(work, who, project_id)
            if work.unit.projects.lends(project):
                raise ProjectLends
            if not work.unit.projects.remove(project):
                raise ProjectNotEmpty
            work.changes.resources.add(Resource(Kind.PROJECT, project_id))
            work.changes.projects.add(project_id)
            work.trail.add(who.tenant_id, who.person_id, "project.delete", f"project/{project_id}", name=project.name)
            return ""

        await self._context.run(lambda work: work.unit.once(once, lambda: remove(work)))

    async def create_asset(self, who: Who, new: NewAsset, once: Once) -> Asset:
        """A new asset, with a first cut when a video is given."""
        name = text.clean_name(new.name) if new.name else ""
        tags = text.clean_tags(new.tags)
        video = await self._look_up(new.video_id) if new.video_id else None
        name = name or (text.file_name(video.file_name) if video else "")
        if not name:
            raise InvalidField("name", "may not be empty where there is no video with a name")

        def add(work: Work) -> str:
            project = find_project(work, who, new.project_id)
            check_folder(work, project, new.folder_id)
            asset_id = work.unit.assets.add(project, name, tags, new.folder_id, work.now_ms)
            work.changes.resources.add(Resource(Kind.ASSET, asset_id))
            work.changes.projects.add(project.project_id)
            work.trail.add(who.tenant_id, who.person_id, "asset.create", f"asset/{asset_id}", name=name)
            if video is not None:
                _stack(work, who, find_asset(work, who, asset_id), video)
            return str(asset_id)

        def create(work: Work) -> Asset:
            find_project(work, who, new.project_id)
            made, _ = work.unit.once(once, lambda: add(work))
            return find_asset(work, who, AssetId(int(made)))

        return await self._context.run(create)

    async def asset(self, who: Who, asset_id: AssetId, *, in_trash: bool) -> Asset:
        """An asset with its cuts; `in_trash`: one that is there, too."""
        found = await self._context.run(lambda work: find_asset(work, who, asset_id))
        if found.deleted_ms and not in_trash:
            raise AssetNotFound
        return found

    async def assets(
        self, who: Who, project_id: ProjectId, wanted: AssetFilter, page_size: int, page_token: str
    ) -> Listed:
        """Assets of a project that are wanted."""
        scope = f"assets/{who.tenant_id}/{project_id}/{wanted}"
        asked = page.parse(page_size, page_token, scope, _SHAPES[wanted.order])

        def find(work: Work) -> Listed:
            project = find_project(work, who, project_id)
            check_folder(work, project, wanted.folder_id or FolderId(0))
            rows = work.unit.assets.page(project, wanted, asked.after, asked.size + 1)
            found = rows[: asked.size]
            more = len(rows) > asked.size
            token = page.token(scope, _key(project, wanted.order, found[-1])) if more else ""
            whole = asked.after is None and not more
            return Listed(found, token, len(found) if whole else work.unit.assets.count(project, wanted))

        return await self._context.run(find)

    async def tags(
        self, who: Who, project_id: ProjectId, page_size: int, page_token: str
    ) -> tuple[Sequence[tuple[str, int]], str]:
        """Tags of a project's assets, how many have each, and the token of the next page."""
        scope = f"tags/{who.tenant_id}/{project_id}"
        asked = page.parse(page_size, page_token, scope, (str,))
        rows = await self._context.run(
            lambda work: work.unit.assets.tags(who.tenant_id, project_id, asked.after, asked.size + 1)
        )
        found = rows[: asked.size]
        return found, page.token(scope, (found[-1][0],)) if len(rows) > asked.size else ""

    async def update_asset(self, who: Who, wanted: AssetChange, once: Once) -> Asset:
        """A new name, tags, status or folder."""
        name = None if wanted.name is None else text.clean_name(wanted.name, "asset.name")
        tags = None if wanted.tags is None else text.clean_tags(wanted.tags)

        def change(work: Work) -> str:
            before = find_kept(work, who, wanted.asset_id)
            check_etag(wanted.etag, before.version)
            project = find_project(work, who, before.project_id)
            if wanted.folder_id is not None:
                check_folder(work, project, wanted.folder_id)
            after = replace(
                before,
                name=before.name if name is None else name,
                tags=before.tags if tags is None else tags,
                status=before.status if wanted.status is None else text.check_status(wanted.status, project.statuses),
                folder_id=before.folder_id if wanted.folder_id is None else wanted.folder_id,
            )
            if after == before:
                return ""
            save(work, after)
            detail = {"name": after.name, "tags": ", ".join(after.tags), "status": after.status}
            detail["folder"] = str(after.folder_id)
            work.trail.add(who.tenant_id, who.person_id, "asset.update", f"asset/{wanted.asset_id}", **detail)
            return ""

        def update(work: Work) -> Asset:
            work.unit.once(once, lambda: change(work))
            return find_asset(work, who, wanted.asset_id)

        return await self._context.run(update)

    async def add_cut(self, who: Who, asset_id: AssetId, video_id: VideoId, once: Once) -> Asset:
        """Stacks a video on an asset."""
        video = await self._look_up(video_id)

        def add(work: Work) -> str:
            _stack(work, who, find_kept(work, who, asset_id), video)
            return ""

        def stack(work: Work) -> Asset:
            work.unit.once(once, lambda: add(work))
            return find_asset(work, who, asset_id)

        return await self._context.run(stack)

    async def update_cut(
        self, who: Who, asset_id: AssetId, number: int, status: str | None, once: Once, *, may_upload: bool
    ) -> Asset:
        """A new status of a cut; "" is none of its own. The asset has the status that its newest cut is given.

        Raises NotADecision: who only approves decides, and does no more.
        """

        def change(work: Work) -> str:
            asset = find_kept(work, who, asset_id)
            cut = next((cut for cut in asset.cuts if cut.number == number), None)
            if cut is None:
                raise CutNotFound
            newest = number == max(cut.number for cut in asset.cuts)
            after = replace(asset, status=status) if status and newest else asset
            if status is None or (status == cut.status and after == asset):
                return ""
            statuses = find_project(work, who, asset.project_id).statuses
            if status:
                text.check_status(status, statuses, field="cut.status")
            if not may_upload:
                text.check_decision(status, statuses)
            work.unit.assets.set_cut_status(asset_id, number, status, who.person_id, work.now_ms)
            save(work, after)
            work.trail.add(
                who.tenant_id, who.person_id, "cut.update", f"asset/{asset_id}", number=number, status=status
            )
            return ""

        def update(work: Work) -> Asset:
            work.unit.once(once, lambda: change(work))
            return find_asset(work, who, asset_id)

        return await self._context.run(update)

    async def purged(self, after: int, limit: int) -> Sequence[PurgedVideo]:
        """Videos that were purged after that number, in order; for services."""
        asked = min(limit or PURGED_AT_ONCE, PURGED_AT_ONCE)
        return await self._context.run(lambda work: work.unit.assets.purged(after, asked))

    async def _look_up(self, video_id: VideoId) -> VideoFacts:
        if not 0 < video_id < 2**63:
            raise VideoNotFound
        video = await self._videos.look_up(video_id)
        if video is None:
            raise VideoNotFound
        return video


def add_project(work: Work, maker: Person, name: str) -> ProjectId:
    """A new project of its maker."""
    project_id = work.unit.projects.add(maker.tenant_id, name, text.sort_key(name), work.now_ms)
    work.unit.access.put(maker.tenant_id, project_id, maker.person_id, role.OWNER, work.now_ms)
    work.changes.people.add(maker.person_id)
    work.changes.resources.add(Resource(Kind.PROJECT, project_id))
    work.trail.add(maker.tenant_id, maker.person_id, "project.create", f"project/{project_id}", name=name)
    return project_id


def _stack(work: Work, who: Who, asset: Asset, video: VideoFacts) -> None:
    person = find_me(work, who)
    usable = _may_stack(work, person, asset.project_id, video) and not work.unit.assets.is_purged(video.video_id)
    if video.tenant_id != who.tenant_id or not usable:
        raise VideoNotFound
    cut = work.unit.assets.add_cut(asset, video, who.person_id, work.now_ms)
    save(work, asset)
    work.changes.resources |= {Resource(Kind.VIDEO, video.video_id), Resource(Kind.ASSET, asset.asset_id)}
    resource = f"asset/{asset.asset_id}"
    work.trail.add(who.tenant_id, who.person_id, "cut.add", resource, video_id=video.video_id, number=cut.number)


def _may_stack(work: Work, person: Person, project_id: ProjectId, video: VideoFacts) -> bool:
    """It was uploaded for this project, or the person may view it already: as a cut, or by uploading at home."""
    if video.project_id == project_id:
        return True
    at_home = project_permissions(work, person, video.project_id)
    as_cut = permissions(work, person, Resource(Kind.VIDEO, video.video_id))
    return bool(at_home & role.Permission.UPLOAD or as_cut & role.Permission.VIEW)


def _check_view(work: Work, who: Who, project_id: ProjectId) -> None:
    if not project_permissions(work, find_me(work, who), project_id) & role.Permission.VIEW:
        raise ProjectNotFound


def save(work: Work, asset: Asset) -> None:
    """The asset as it is now, which is its next version."""
    work.unit.assets.save(replace(asset, version=asset.version + 1, updated_ms=max(work.now_ms, asset.updated_ms)))
    work.changes.projects.add(asset.project_id)


def check_etag(etag: str, version: int) -> None:
    """What was seen is what is there; "" is any."""
    if etag and etag != str(version):
        raise EtagMismatch(str(version))


def find_me(work: Work, who: Who) -> Person:
    """Oneself."""
    person = work.unit.people.get(who.tenant_id, who.person_id)
    if person is None:
        raise PersonNotFound
    return person


def find_project(work: Work, who: Who, project_id: ProjectId) -> Project:
    """A project of one's tenant."""
    project = work.unit.projects.get(who.tenant_id, project_id)
    if project is None:
        raise ProjectNotFound
    return project


def find_asset(work: Work, who: Who, asset_id: AssetId) -> Asset:
    """An asset of one's tenant, in the trash or not."""
    asset = work.unit.assets.get(who.tenant_id, asset_id)
    if asset is None:
        raise AssetNotFound
    return asset


def find_kept(work: Work, who: Who, asset_id: AssetId) -> Asset:
    """An asset that is to change: one that is not in the trash."""
    asset = find_asset(work, who, asset_id)
    if asset.deleted_ms:
        raise AssetInTrash
    return asset


def check_folder(work: Work, project: Project, folder_id: FolderId) -> None:
    """It is a folder of the project, or none."""
    if folder_id and work.unit.folders.get(project.tenant_id, project.project_id, folder_id) is None:
        raise FolderNotFound


_SHAPES: dict[Order, tuple[type, ...]] = {
    Order.CHANGED: (int, int),
    Order.CREATED: (int, int),
    Order.NAME: (str, int),
    Order.STATUS: (int, int, int),
}


def _key(project: Project, order: Order, asset: Asset) -> page.Key:
    """Where an asset stands in an order."""
    if order is Order.NAME:
        return text.sort_key(asset.name), asset.asset_id
    if order is Order.CREATED:
        return asset.created_ms, asset.asset_id
    changed = (asset.updated_ms, asset.asset_id)
    if order is Order.CHANGED:
        return changed
    known = project.statuses
    return known.index(asset.status) if asset.status in known else len(known), *changed
