"""Assets and their cuts in SQL."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from svc_project.core import text
from svc_project.core.errors import CutExists
from svc_project.core.model import (
    Asset,
    AssetFilter,
    AssetId,
    Cut,
    FolderId,
    Order,
    PersonId,
    Project,
    ProjectId,
    PurgedVideo,
    TenantId,
    VideoFacts,
    VideoId,
)
from svc_project.core.page import Key
from svc_project.stores import schema

_asset = schema.asset
_cut = schema.cut
_purged = schema.purged_video
_tag = schema.asset_tag
_CHANGED = (_asset.c.updated_ms, _asset.c.asset_id)
_CREATED = (_asset.c.created_ms, _asset.c.asset_id)
_NAME = (_asset.c.name_key, _asset.c.asset_id)


class SqlAssets:
    """Assets and their cuts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, project: Project, name: str, tags: Sequence[str], folder_id: FolderId, now_ms: int) -> AssetId:
        """A new asset."""
        values = {
            "tenant_id": project.tenant_id,
            "project_id": project.project_id,
            "status": project.statuses[0],
            "folder_id": folder_id,
            "created_ms": now_ms,
            "updated_ms": now_ms,
            "version": 1,
            **_named(name, tags),
        }
        made = self._connection.execute(insert(_asset).values(values).returning(_asset.c.asset_id))
        asset_id = AssetId(made.scalar_one())
        self._tag(project.tenant_id, project.project_id, asset_id, tags)
        return asset_id

    def get(self, tenant_id: TenantId, asset_id: AssetId) -> Asset | None:
        """An asset with its cuts."""
        query = select(_asset).where(_asset.c.tenant_id == tenant_id, _asset.c.asset_id == asset_id)
        row = self._connection.execute(query.with_for_update()).one_or_none()
        return self._with_cuts([row])[0] if row else None

    def named(self, tenant_id: TenantId, project_id: ProjectId, asset_ids: Sequence[AssetId]) -> Sequence[Asset]:
        """Those of these assets that are in the project, by id."""
        query = select(_asset).where(
            _asset.c.tenant_id == tenant_id, _asset.c.project_id == project_id, _asset.c.asset_id.in_(asset_ids)
        )
        return self._with_cuts(self._connection.execute(query.order_by(_asset.c.asset_id).with_for_update()).all())

    def save(self, asset: Asset) -> None:
        """All but the cuts as it is now."""
        where = (_asset.c.tenant_id == asset.tenant_id, _asset.c.asset_id == asset.asset_id)
        values = {
            "status": asset.status,
            "folder_id": asset.folder_id,
            "deleted_ms": asset.deleted_ms,
            "updated_ms": asset.updated_ms,
            "version": asset.version,
            **_named(asset.name, asset.tags),
        }
        self._connection.execute(update(_asset).where(*where).values(values))
        self._connection.execute(delete(_tag).where(_tag.c.asset_id == asset.asset_id))
        self._tag(asset.tenant_id, asset.project_id, asset.asset_id, asset.tags)

    def add_cut(self, asset: Asset, video: VideoFacts, person_id: PersonId, now_ms: int) -> Cut:
        """Stacks a video on the asset."""
        if any(cut.video_id == video.video_id for cut in asset.cuts):
            raise CutExists
        number = max((cut.number for cut in asset.cuts), default=0) + 1
        file_name = text.file_name(video.file_name)
        cut = Cut(asset.asset_id, number, video.video_id, video.project_id, person_id, now_ms, file_name)
        self._connection.execute(
            insert(_cut).values(
                tenant_id=asset.tenant_id,
                asset_id=cut.asset_id,
                number=cut.number,
                project_id=asset.project_id,
                video_id=cut.video_id,
                home_id=cut.home_id,
                person_id=cut.person_id,
                created_ms=cut.created_ms,
                file_name=cut.file_name,
                status=cut.status,
            )
        )
        return cut

    def set_cut_status(self, asset_id: AssetId, number: int, status: str, person_id: PersonId, now_ms: int) -> None:
        """A cut has this status, which this person chose now."""
        where = (_cut.c.asset_id == asset_id, _cut.c.number == number)
        values = {"status": status, "status_by": person_id, "status_ms": now_ms}
        self._connection.execute(update(_cut).where(*where).values(values))

    def purge(self, asset_ids: Sequence[AssetId], now_ms: int) -> None:
        """See `Assets`."""
        other = _cut.alias()
        cut_elsewhere = exists().where(other.c.video_id == _cut.c.video_id, other.c.asset_id.not_in(asset_ids))
        columns = (_cut.c.tenant_id, _cut.c.project_id, _cut.c.video_id, literal(now_ms))
        gone = select(*columns).where(_cut.c.asset_id.in_(asset_ids), ~cut_elsewhere).distinct()
        into = ("tenant_id", "project_id", "video_id", "time_ms")
        # Of one that became a cut again what was said before is no longer so: its last cut goes now, or there is one.
        videos = select(_cut.c.video_id).where(_cut.c.asset_id.in_(asset_ids))
        self._connection.execute(delete(_purged).where(_purged.c.video_id.in_(videos)))
        self._connection.execute(insert(_purged).from_select(into, gone))
        for table in (_cut, _tag, _asset):
            self._connection.execute(delete(table).where(table.c.asset_id.in_(asset_ids)))

    def purged(self, after: int, limit: int) -> Sequence[PurgedVideo]:
        """See `Assets`."""
        # Whoever hears of a video removes it for good, so one that has a cut is not named, however that came to be.
        no_cut = ~exists().where(_cut.c.video_id == _purged.c.video_id)
        query = select(_purged).where(_purged.c.number > after, no_cut).order_by(_purged.c.number).limit(limit)
        return [PurgedVideo(**row._mapping) for row in self._connection.execute(query)]

    def is_purged(self, video_id: VideoId) -> bool:
        """See `Assets`."""
        return self._connection.scalar(select(_purged.c.number).where(_purged.c.video_id == video_id)) is not None

    def page(self, project: Project, wanted: AssetFilter, after: Key | None, limit: int) -> Sequence[Asset]:
        """Assets of a project that are wanted."""
        query = select(_asset).where(*_wanted(project, wanted)).order_by(*_order(project, wanted.order)).limit(limit)
        if after is not None:
            query = query.where(_beyond(project, wanted.order, after))
        return self._with_cuts(self._connection.execute(query).all())

    def count(self, project: Project, wanted: AssetFilter) -> int:
        """How many assets are wanted."""
        query = select(func.count()).select_from(_asset).where(*_wanted(project, wanted))
        return self._connection.scalar(query) or 0

    def tags(
        self, tenant_id: TenantId, project_id: ProjectId, after: Key | None, limit: int
    ) -> Sequence[tuple[str, int]]:
        """Tags by tag, with how many assets have each."""
        query = (
            select(_tag.c.tag, func.count().label("assets"))
            .join(_asset, _asset.c.asset_id == _tag.c.asset_id)
            .where(_tag.c.tenant_id == tenant_id, _tag.c.project_id == project_id, _asset.c.deleted_ms == 0)
            .group_by(_tag.c.tag)
        )
        if after is not None:
            query = query.where(_tag.c.tag > after[0])
        rows = self._connection.execute(query.order_by(_tag.c.tag).limit(limit))
        return [(row.tag, row.assets) for row in rows]

    def _tag(self, tenant_id: TenantId, project_id: ProjectId, asset_id: AssetId, tags: Iterable[str]) -> None:
        of = {"tenant_id": tenant_id, "project_id": project_id, "asset_id": asset_id}
        rows = [{**of, "tag": tag} for tag in tags]
        if rows:
            self._connection.execute(insert(_tag), rows)

    def _with_cuts(self, rows: Sequence[Row[tuple[object, ...]]]) -> list[Asset]:
        cuts: defaultdict[AssetId, list[Cut]] = defaultdict(list)
        query = select(_cut).where(_cut.c.asset_id.in_([row.asset_id for row in rows]))
        for row in self._connection.execute(query.order_by(_cut.c.number.desc())):
            cuts[row.asset_id].append(_to_cut(row))
        return [_to_asset(row, cuts[row.asset_id]) for row in rows]


def _named(name: str, tags: Sequence[str]) -> dict[str, str]:
    return {
        "name": name,
        "name_key": text.sort_key(name),
        "tags": json.dumps(list(tags), ensure_ascii=False),
        "search": text.search_text(name, tags),
    }


def _wanted(project: Project, wanted: AssetFilter) -> list[ColumnElement[bool]]:
    where = [
        _asset.c.tenant_id == project.tenant_id,
        _asset.c.project_id == project.project_id,
        _asset.c.deleted_ms > 0 if wanted.deleted else _asset.c.deleted_ms == 0,
    ]
    where += [_asset.c.search.contains(word, autoescape=True) for word in wanted.words]
    where += [exists().where(_tag.c.asset_id == _asset.c.asset_id, _tag.c.tag == tag) for tag in wanted.tags]
    if wanted.statuses:
        where.append(_asset.c.status.in_(wanted.statuses))
    if wanted.folder_id is not None:
        where.append(_asset.c.folder_id == wanted.folder_id)
    return where


def _order(project: Project, order: Order) -> list[ColumnElement[Any]]:
    if order is Order.NAME:
        return list(_NAME)
    newest = [column.desc() for column in (_CREATED if order is Order.CREATED else _CHANGED)]
    return [_rank(project), *newest] if order is Order.STATUS else [*newest]


def _beyond(project: Project, order: Order, after: Key) -> ColumnElement[bool]:
    """What comes after this one."""
    if order is Order.NAME:
        return tuple_(*_NAME) > tuple_(*after)
    if order is not Order.STATUS:
        return tuple_(*(_CREATED if order is Order.CREATED else _CHANGED)) < tuple_(*after)
    rank, (place, *rest) = _rank(project), after
    return or_(rank > place, and_(rank == place, tuple_(*_CHANGED) < tuple_(*rest)))


def _rank(project: Project) -> ColumnElement[Any]:
    """The place of a status among the project's; one that is not there any more comes last."""
    places = [(_asset.c.status == status, place) for place, status in enumerate(project.statuses)]
    return case(*places, else_=len(places))


def _to_cut(row: Row[Any]) -> Cut:
    return Cut(
        asset_id=row.asset_id,
        number=row.number,
        video_id=row.video_id,
        home_id=row.home_id,
        person_id=row.person_id,
        created_ms=row.created_ms,
        file_name=row.file_name,
        status=row.status,
        status_by=row.status_by,
        status_ms=row.status_ms,
    )


def _to_asset(row: Row[Any], cuts: Sequence[Cut]) -> Asset:
    return Asset(
        asset_id=row.asset_id,
        tenant_id=row.tenant_id,
        project_id=row.project_id,
        name=row.name,
        tags=tuple(json.loads(row.tags)),
        status=row.status,
        created_ms=row.created_ms,
        updated_ms=row.updated_ms,
        version=row.version,
        cuts=tuple(cuts),
        folder_id=row.folder_id,
        deleted_ms=row.deleted_ms,
    )
