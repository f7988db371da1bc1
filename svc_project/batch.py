"""Use cases about many assets at once: changing them, the trash and back, the end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from svc_project.context import Context, Work
from svc_project.core import text
from svc_project.core.errors import AssetInTrash, AssetNotFound, AssetNotInTrash, InvalidField
from svc_project.core.model import Asset, AssetId, FolderId, Kind, Once, Project, ProjectId, Resource, Who
from svc_project.library import check_folder, find_project, save

MOST = 1000


@dataclass(frozen=True, slots=True)
class Chosen:
    """Assets of one project."""

    project_id: ProjectId
    asset_ids: Sequence[AssetId]


@dataclass(frozen=True, slots=True)
class BatchChange:
    """What is to change of all of them; None leaves it."""

    status: str | None = None
    folder_id: FolderId | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()


class Batch:
    """Many assets at once: all of them change, or none."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def update(self, who: Who, chosen: Chosen, change: BatchChange, once: Once) -> Sequence[Asset]:
        """A status, a folder, tags more or fewer."""
        _check(chosen)
        wanted = replace(
            change, add_tags=text.clean_tags(change.add_tags), remove_tags=text.clean_tags(change.remove_tags)
        )

        def do(work: Work, project: Project, assets: Sequence[Asset]) -> None:
            if wanted.folder_id is not None:
                check_folder(work, project, wanted.folder_id)
            status = None if wanted.status is None else text.check_status(wanted.status, project.statuses)
            for asset in assets:
                if asset.deleted_ms:
                    raise AssetInTrash
                after = _changed(asset, replace(wanted, status=status))
                if after != asset:
                    save(work, after)

        detail = {
            "status": change.status or "",
            "folder": "" if change.folder_id is None else str(change.folder_id),
            "add_tags": ", ".join(wanted.add_tags),
            "remove_tags": ", ".join(wanted.remove_tags),
        }
        return await self._run(who, chosen, "asset.batch_update", detail, do, once)

    async def delete(self, who: Who, chosen: Chosen, once: Once) -> None:
        """Into the trash; what is there already stays as it is."""

        def do(work: Work, project: Project, assets: Sequence[Asset]) -> None:
            for asset in assets:
                if not asset.deleted_ms:
                    save(work, replace(asset, deleted_ms=work.now_ms))
                    _tell(work, asset)

        await self._run(who, chosen, "asset.delete", {}, do, once)

    async def restore(self, who: Who, chosen: Chosen, once: Once) -> Sequence[Asset]:
        """Out of the trash; what is not there stays as it is."""

        def do(work: Work, project: Project, assets: Sequence[Asset]) -> None:
            for asset in assets:
                if asset.deleted_ms:
                    save(work, replace(asset, deleted_ms=0))
                    _tell(work, asset)

        return await self._run(who, chosen, "asset.restore", {}, do, once)

    async def purge(self, who: Who, chosen: Chosen, once: Once) -> None:
        """Gone for good."""
        _check(chosen)

        def remove(work: Work) -> str:
            assets = _find(work, who, chosen)
            if not all(asset.deleted_ms for asset in assets):
                raise AssetNotInTrash
            for asset in assets:
                _tell(work, asset)
                detail = {"name": asset.name, "videos": " ".join(str(cut.video_id) for cut in asset.cuts)}
                work.trail.add(who.tenant_id, who.person_id, "asset.purge", f"asset/{asset.asset_id}", **detail)
            work.unit.assets.purge([asset.asset_id for asset in assets], work.now_ms)
            work.changes.projects.add(chosen.project_id)
            return ""

        await self._context.run(lambda work: work.unit.once(once, lambda: remove(work)))

    async def _run(
        self,
        who: Who,
        chosen: Chosen,
        action: str,
        detail: dict[str, str],
        do: Callable[[Work, Project, Sequence[Asset]], None],
        once: Once,
    ) -> Sequence[Asset]:
        _check(chosen)

        def change(work: Work) -> str:
            do(work, find_project(work, who, chosen.project_id), _find(work, who, chosen))
            assets = " ".join(str(asset_id) for asset_id in chosen.asset_ids)
            resource = f"project/{chosen.project_id}"
            work.trail.add(who.tenant_id, who.person_id, action, resource, assets=assets, **detail)
            return ""

        def run(work: Work) -> Sequence[Asset]:
            work.unit.once(once, lambda: change(work))
            return _find(work, who, chosen)

        return await self._context.run(run)


def _check(chosen: Chosen) -> None:
    if not 1 <= len(chosen.asset_ids) <= MOST:
        raise InvalidField("asset_ids", f"1 to {MOST} are needed")
    if len(set(chosen.asset_ids)) < len(chosen.asset_ids):
        raise InvalidField("asset_ids", "each only once")


def _find(work: Work, who: Who, chosen: Chosen) -> Sequence[Asset]:
    """The assets in the order that they were named; all of them are there."""
    possible = [asset_id for asset_id in chosen.asset_ids if 0 < asset_id < 2**63]
    found = {asset.asset_id: asset for asset in work.unit.assets.named(who.tenant_id, chosen.project_id, possible)}
    if len(found) < len(chosen.asset_ids):
        raise AssetNotFound
    return [found[asset_id] for asset_id in chosen.asset_ids]


def _changed(asset: Asset, wanted: BatchChange) -> Asset:
    tags = (set(asset.tags) | set(wanted.add_tags)) - set(wanted.remove_tags)
    return replace(
        asset,
        tags=text.clean_tags(tags),
        status=asset.status if wanted.status is None else wanted.status,
        folder_id=asset.folder_id if wanted.folder_id is None else wanted.folder_id,
    )


def _tell(work: Work, asset: Asset) -> None:
    """Who may see its cuts has changed."""
    work.changes.resources.add(Resource(Kind.ASSET, asset.asset_id))
    work.changes.resources.update(Resource(Kind.VIDEO, cut.video_id) for cut in asset.cuts)
