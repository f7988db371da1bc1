"""Use cases about projects, assets and cuts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from svc_project.access import permissions, project_permissions
from svc_project.context import Context, Work
from svc_project.core import page, role, text
from svc_project.core.errors import (
    AssetNotFound,
    EtagMismatch,
    GuestMayNot,
    InvalidField,
    PersonNotFound,
    ProjectNotFound,
    VideoNotFound,
)
from svc_project.core.model import (
    Asset,
    AssetId,
    Kind,
    Once,
    Person,
    Project,
    ProjectId,
    Resource,
    VideoFacts,
    VideoId,
    Who,
)
from svc_project.stores import Videos


@dataclass(frozen=True, slots=True)
class NewAsset:
    """What an asset is to be; `video_id` 0: it has no cut yet."""

    project_id: ProjectId
    name: str
    tags: Sequence[str]
    video_id: VideoId


@dataclass(frozen=True, slots=True)
class AssetChange:
    """What is to change; None leaves it. `etag` "" is any."""

    asset_id: AssetId
    name: str | None
    tags: tuple[str, ...] | None
    status: str | None
    etag: str


class Library:
    """Projects, assets and their cuts."""

    def __init__(self, context: Context, videos: Videos) -> None:
        self._context = context
        self._videos = videos

    async def create_project(self, who: Who, name: str, once: Once) -> tuple[Project, int]:
        """A new project, whose maker owns it."""
        cleaned = text.clean_name(name)

        def create(work: Work) -> tuple[Project, int]:
            person = _me(work, who)
            if person.guest:
                raise GuestMayNot
            made, _ = work.unit.once(once, lambda: str(add_project(work, person, cleaned)))
            project = _project(work, who, ProjectId(int(made)))
            return project, project_permissions(work, person, project.project_id)

        return await self._context.run(create)

    async def project(self, who: Who, project_id: ProjectId) -> Project:
        """A project."""
        return await self._context.run(lambda work: _project(work, who, project_id))

    async def projects(self, who: Who, page_size: int, page_token: str) -> tuple[list[tuple[Project, int]], str]:
        """Projects that one may view, each with what one may do in it, by name; and the token of the next page."""
        scope = f"projects/{who.tenant_id}/{who.person_id}"
        asked = page.parse(page_size, page_token, scope, (str, int))

        def find(work: Work) -> tuple[list[tuple[Project, int]], str]:
            person = _me(work, who)
            visible_to = None if person.administrator else person.person_id
            rows = work.unit.projects.page(who.tenant_id, visible_to, asked.after, asked.size + 1)
            found = [(one, role.mask(role.OWNER if person.administrator else mine)) for one, mine in rows[: asked.size]]
            last = found[-1][0] if len(rows) > asked.size else None
            return found, page.token(scope, (last.name_key, last.project_id)) if last else ""

        return await self._context.run(find)

    async def update_project(self, who: Who, project_id: ProjectId, name: str | None, etag: str, once: Once) -> Project:
        """A new name."""
        cleaned = None if name is None else text.clean_name(name, "project.name")

        def change(work: Work) -> str:
            project = _project(work, who, project_id)
            _check_etag(etag, project.version)
            if cleaned is not None and cleaned != project.name:
                work.unit.projects.rename(project, cleaned, text.sort_key(cleaned))
                resource = f"project/{project_id}"
                work.trail.add(who.tenant_id, who.person_id, "project.update", resource, name=cleaned)
            return ""

        def update(work: Work) -> Project:
            work.unit.once(once, lambda: change(work))
            return _project(work, who, project_id)

        return await self._context.run(update)

    async def create_asset(self, who: Who, new: NewAsset, once: Once) -> Asset:
        """A new asset, with a first cut when a video is given."""
        name = text.clean_name(new.name) if new.name else ""
        tags = text.clean_tags(new.tags)
        video = await self._look_up(new.video_id) if new.video_id else None
        name = name or (text.file_name(video.file_name) if video else "")
        if not name:
            raise InvalidField("name", "may not be empty where there is no video with a name")

        def add(work: Work) -> str:
            search = text.search_text(name, tags)
            asset_id = work.unit.assets.add(who.tenant_id, new.project_id, name, tags, search, work.now_ms)
            work.changes.resources.add(Resource(Kind.ASSET, asset_id))
            work.trail.add(who.tenant_id, who.person_id, "asset.create", f"asset/{asset_id}", name=name)
            if video is not None:
                _stack(work, who, _asset(work, who, asset_id), video)
            return str(asset_id)

        def create(work: Work) -> Asset:
            _project(work, who, new.project_id)
            made, _ = work.unit.once(once, lambda: add(work))
            return _asset(work, who, AssetId(int(made)))

        return await self._context.run(create)

    async def asset(self, who: Who, asset_id: AssetId) -> Asset:
        """An asset with its cuts."""
        return await self._context.run(lambda work: _asset(work, who, asset_id))

    async def assets(
        self, who: Who, project_id: ProjectId, query: str, page_size: int, page_token: str
    ) -> tuple[Sequence[Asset], str]:
        """Assets of a project, the last changed first, and the token of the next page."""
        words = text.search_words(query)
        scope = f"assets/{who.tenant_id}/{project_id}/{' '.join(words)}"
        asked = page.parse(page_size, page_token, scope, (int, int))
        rows = await self._context.run(
            lambda work: work.unit.assets.page(who.tenant_id, project_id, words, asked.after, asked.size + 1)
        )
        found = rows[: asked.size]
        last = found[-1] if len(rows) > asked.size else None
        return found, page.token(scope, (last.updated_ms, last.asset_id)) if last else ""

    async def update_asset(self, who: Who, wanted: AssetChange, once: Once) -> Asset:
        """A new name, tags or status."""
        name = None if wanted.name is None else text.clean_name(wanted.name, "asset.name")
        tags = None if wanted.tags is None else text.clean_tags(wanted.tags)
        status = None if wanted.status is None else text.check_status(wanted.status)

        def change(work: Work) -> str:
            before = _asset(work, who, wanted.asset_id)
            _check_etag(wanted.etag, before.version)
            after = replace(
                before,
                name=before.name if name is None else name,
                tags=before.tags if tags is None else tags,
                status=before.status if status is None else status,
            )
            if after == before:
                return ""
            _save(work, after)
            detail = {"name": after.name, "tags": ", ".join(after.tags), "status": after.status}
            work.trail.add(who.tenant_id, who.person_id, "asset.update", f"asset/{wanted.asset_id}", **detail)
            return ""

        def update(work: Work) -> Asset:
            work.unit.once(once, lambda: change(work))
            return _asset(work, who, wanted.asset_id)

        return await self._context.run(update)

    async def add_cut(self, who: Who, asset_id: AssetId, video_id: VideoId, once: Once) -> Asset:
        """Stacks a video on an asset."""
        video = await self._look_up(video_id)

        def add(work: Work) -> str:
            _stack(work, who, _asset(work, who, asset_id), video)
            return ""

        def stack(work: Work) -> Asset:
            work.unit.once(once, lambda: add(work))
            return _asset(work, who, asset_id)

        return await self._context.run(stack)

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
    person = _me(work, who)
    if video.tenant_id != who.tenant_id or not _may_stack(work, person, asset.project_id, video):
        raise VideoNotFound
    cut = work.unit.assets.add_cut(asset, video, who.person_id, work.now_ms)
    _save(work, asset)
    work.changes.resources |= {Resource(Kind.VIDEO, video.video_id), Resource(Kind.ASSET, asset.asset_id)}
    resource = f"asset/{asset.asset_id}"
    work.trail.add(who.tenant_id, who.person_id, "cut.add", resource, video_id=video.video_id, number=cut.number)


def _may_stack(work: Work, person: Person, project_id: ProjectId, video: VideoFacts) -> bool:
    """It was uploaded for this project, or the person may view it already: as a cut, or where it was uploaded."""
    if video.project_id == project_id:
        return True
    at_home = project_permissions(work, person, video.project_id)
    as_cut = permissions(work, person, Resource(Kind.VIDEO, video.video_id))
    return bool((at_home | as_cut) & role.Permission.VIEW)


def _save(work: Work, asset: Asset) -> None:
    saved = replace(asset, version=asset.version + 1, updated_ms=max(work.now_ms, asset.updated_ms))
    work.unit.assets.save(saved, text.search_text(saved.name, saved.tags))


def _check_etag(etag: str, version: int) -> None:
    if etag and etag != str(version):
        raise EtagMismatch(str(version))


def _me(work: Work, who: Who) -> Person:
    person = work.unit.people.get(who.tenant_id, who.person_id)
    if person is None:
        raise PersonNotFound
    return person


def _project(work: Work, who: Who, project_id: ProjectId) -> Project:
    project = work.unit.projects.get(who.tenant_id, project_id)
    if project is None:
        raise ProjectNotFound
    return project


def _asset(work: Work, who: Who, asset_id: AssetId) -> Asset:
    asset = work.unit.assets.get(who.tenant_id, asset_id)
    if asset is None:
        raise AssetNotFound
    return asset
