"""Use cases about folders."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from svc_project.context import Context, Work
from svc_project.core import page, text
from svc_project.core.errors import FolderInItself, FolderNotFound, FoldersTooDeep, TooManyFolders
from svc_project.core.model import Folder, FolderId, Once, ProjectId, Who
from svc_project.library import check_etag, find_project

MOST = 2000
DEEPEST = 16


@dataclass(frozen=True, slots=True)
class FolderChange:
    """What is to change; None leaves it. `etag` "" is any."""

    project_id: ProjectId
    folder_id: FolderId
    name: str | None
    parent_id: FolderId | None
    etag: str


class Folders:
    """The tree of a project's folders."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def create(self, who: Who, project_id: ProjectId, parent_id: FolderId, name: str, once: Once) -> Folder:
        """A new folder."""
        cleaned = text.clean_name(name)

        def add(work: Work) -> str:
            find_project(work, who, project_id)
            if work.unit.folders.count(who.tenant_id, project_id) >= MOST:
                raise TooManyFolders(MOST)
            if parent_id and len(_way_up(work, who, project_id, parent_id)) >= DEEPEST:
                raise FoldersTooDeep(DEEPEST)
            key = text.sort_key(cleaned)
            work.changes.projects.add(project_id)
            folder_id = work.unit.folders.add(
                Folder(FolderId(0), who.tenant_id, project_id, parent_id, cleaned, key, work.now_ms, 1)
            )
            work.trail.add(
                who.tenant_id, who.person_id, "folder.create", _resource(project_id, folder_id), name=cleaned
            )
            return str(folder_id)

        def create(work: Work) -> Folder:
            made, _ = work.unit.once(once, lambda: add(work))
            return _folder(work, who, project_id, FolderId(int(made)))

        return await self._context.run(create)

    async def folders(
        self, who: Who, project_id: ProjectId, page_size: int, page_token: str
    ) -> tuple[Sequence[Folder], str]:
        """Folders of a project by name, and the token of the next page."""
        scope = f"folders/{who.tenant_id}/{project_id}"
        asked = page.parse(page_size, page_token, scope, (str, int))
        rows = await self._context.run(
            lambda work: work.unit.folders.page(who.tenant_id, project_id, asked.after, asked.size + 1)
        )
        found = rows[: asked.size]
        last = found[-1] if len(rows) > asked.size else None
        return found, page.token(scope, (last.name_key, last.folder_id)) if last else ""

    async def update(self, who: Who, wanted: FolderChange, once: Once) -> Folder:
        """A new name or place."""
        name = None if wanted.name is None else text.clean_name(wanted.name, "folder.name")

        def change(work: Work) -> str:
            before = _folder(work, who, wanted.project_id, wanted.folder_id)
            check_etag(wanted.etag, before.version)
            after = replace(
                before,
                name=name or before.name,
                parent_id=before.parent_id if wanted.parent_id is None else wanted.parent_id,
            )
            if after == before:
                return ""
            if after.parent_id != before.parent_id:
                _check_place(work, who, after)
            work.unit.folders.save(replace(after, name_key=text.sort_key(after.name), version=before.version + 1))
            work.changes.projects.add(wanted.project_id)
            resource = _resource(wanted.project_id, wanted.folder_id)
            detail = {"name": after.name, "parent": str(after.parent_id)}
            work.trail.add(who.tenant_id, who.person_id, "folder.update", resource, **detail)
            return ""

        def update(work: Work) -> Folder:
            work.unit.once(once, lambda: change(work))
            return _folder(work, who, wanted.project_id, wanted.folder_id)

        return await self._context.run(update)

    async def delete(self, who: Who, project_id: ProjectId, folder_id: FolderId, once: Once) -> None:
        """It is gone; what was in it is where it was."""

        def remove(work: Work) -> str:
            folder = _folder(work, who, project_id, folder_id)
            work.unit.folders.remove(folder)
            work.changes.projects.add(project_id)
            resource = _resource(project_id, folder_id)
            work.trail.add(who.tenant_id, who.person_id, "folder.delete", resource, name=folder.name)
            return ""

        await self._context.run(lambda work: work.unit.once(once, lambda: remove(work)))


def _folder(work: Work, who: Who, project_id: ProjectId, folder_id: FolderId) -> Folder:
    possible = 0 < folder_id < 2**63
    folder = work.unit.folders.get(who.tenant_id, project_id, folder_id) if possible else None
    if folder is None:
        raise FolderNotFound
    return folder


def _way_up(work: Work, who: Who, project_id: ProjectId, folder_id: FolderId) -> list[FolderId]:
    """A folder, the one it is in, and so on to the top."""
    way: list[FolderId] = []
    while folder_id and len(way) <= DEEPEST:
        way.append(folder_id)
        folder_id = _folder(work, who, project_id, folder_id).parent_id
    return way


def _check_place(work: Work, who: Who, folder: Folder) -> None:
    """It may stand there: not in itself, and what it holds not too deep."""
    above = _way_up(work, who, folder.project_id, folder.parent_id)
    if folder.folder_id in above:
        raise FolderInItself
    folders = work.unit.folders.page(who.tenant_id, folder.project_id, None, MOST + 1)
    inside: dict[FolderId, list[FolderId]] = {}
    for each in folders:
        inside.setdefault(each.parent_id, []).append(each.folder_id)
    level, depth = [folder.folder_id], 0
    while level:
        depth += 1
        level = [child for each in level for child in inside.get(each, [])]
    if len(above) + depth > DEEPEST:
        raise FoldersTooDeep(DEEPEST)


def _resource(project_id: ProjectId, folder_id: FolderId) -> str:
    return f"project/{project_id}/folder/{folder_id}"
