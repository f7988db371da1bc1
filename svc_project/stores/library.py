"""Projects, assets and cuts in SQL."""

import json
from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, Row, ScalarSelect, and_, func, insert, select, tuple_, update

from svc_project.core import text
from svc_project.core.errors import CutExists
from svc_project.core.model import Asset, AssetId, Cut, PersonId, Project, ProjectId, TenantId, VideoFacts
from svc_project.core.page import Key
from svc_project.stores import schema

_project = schema.project
_asset = schema.asset
_cut = schema.cut
_grant = schema.role_grant


class SqlProjects:
    """Projects."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, tenant_id: TenantId, name: str, name_key: str, now_ms: int) -> ProjectId:
        """A new project."""
        values = {"tenant_id": tenant_id, "name": name, "name_key": name_key, "created_ms": now_ms, "version": 1}
        added = self._connection.execute(insert(_project).values(values).returning(_project.c.project_id))
        return ProjectId(added.scalar_one())

    def get(self, tenant_id: TenantId, project_id: ProjectId) -> Project | None:
        """A project with its count of assets."""
        query = select(_project, _asset_count().label("asset_count")).where(
            _project.c.tenant_id == tenant_id, _project.c.project_id == project_id
        )
        row = self._connection.execute(query).one_or_none()
        return _to_project(row) if row else None

    def rename(self, project: Project, name: str, name_key: str) -> None:
        """A new name, and the next version."""
        self._connection.execute(
            update(_project)
            .where(_project.c.tenant_id == project.tenant_id, _project.c.project_id == project.project_id)
            .values(name=name, name_key=name_key, version=_project.c.version + 1)
        )

    def page(
        self, tenant_id: TenantId, visible_to: PersonId | None, after: Key | None, limit: int
    ) -> Sequence[tuple[Project, str]]:
        """Projects by name, each with one's role."""
        order = (_project.c.name_key, _project.c.project_id)
        if visible_to is None:
            query = select(_project, _asset_count().label("asset_count"))
        else:
            mine = and_(_grant.c.project_id == _project.c.project_id, _grant.c.person_id == visible_to)
            query = select(_project, _asset_count().label("asset_count"), _grant.c.role).join(_grant, mine)
        query = query.where(_project.c.tenant_id == tenant_id)
        if after is not None:
            query = query.where(tuple_(*order) > tuple_(*after))
        rows = self._connection.execute(query.order_by(*order).limit(limit))
        return [(_to_project(row), "" if visible_to is None else row.role) for row in rows]


class SqlAssets:
    """Assets and their cuts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self, tenant_id: TenantId, project_id: ProjectId, name: str, tags: Sequence[str], search: str, now_ms: int
    ) -> AssetId:
        """A new asset."""
        values = {
            "tenant_id": tenant_id,
            "project_id": project_id,
            "name": name,
            "tags": json.dumps(list(tags), ensure_ascii=False),
            "status": text.STATUSES[0],
            "search": search,
            "created_ms": now_ms,
            "updated_ms": now_ms,
            "version": 1,
        }
        return AssetId(
            self._connection.execute(insert(_asset).values(values).returning(_asset.c.asset_id)).scalar_one()
        )

    def get(self, tenant_id: TenantId, asset_id: AssetId) -> Asset | None:
        """An asset with its cuts."""
        query = select(_asset).where(_asset.c.tenant_id == tenant_id, _asset.c.asset_id == asset_id)
        row = self._connection.execute(query.with_for_update()).one_or_none()
        return self._with_cuts([row])[0] if row else None

    def save(self, asset: Asset, search: str) -> None:
        """Name, tags, status, version and time of change as they are now."""
        self._connection.execute(
            update(_asset)
            .where(_asset.c.tenant_id == asset.tenant_id, _asset.c.asset_id == asset.asset_id)
            .values(
                name=asset.name,
                tags=json.dumps(list(asset.tags), ensure_ascii=False),
                status=asset.status,
                search=search,
                updated_ms=asset.updated_ms,
                version=asset.version,
            )
        )

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
            )
        )
        return cut

    def page(
        self, tenant_id: TenantId, project_id: ProjectId, words: Sequence[str], after: Key | None, limit: int
    ) -> Sequence[Asset]:
        """Assets of a project, the last changed first."""
        order = (_asset.c.updated_ms, _asset.c.asset_id)
        query = select(_asset).where(_asset.c.tenant_id == tenant_id, _asset.c.project_id == project_id)
        for word in words:
            query = query.where(_asset.c.search.contains(word, autoescape=True))
        if after is not None:
            query = query.where(tuple_(*order) < tuple_(*after))
        query = query.order_by(*(column.desc() for column in order)).limit(limit)
        return self._with_cuts(self._connection.execute(query).all())

    def _with_cuts(self, rows: Sequence[Row[tuple[object, ...]]]) -> list[Asset]:
        cuts: defaultdict[AssetId, list[Cut]] = defaultdict(list)
        query = select(_cut).where(_cut.c.asset_id.in_([row.asset_id for row in rows]))
        for row in self._connection.execute(query.order_by(_cut.c.number.desc())):
            cuts[row.asset_id].append(
                Cut(
                    asset_id=row.asset_id,
                    number=row.number,
                    video_id=row.video_id,
                    home_id=row.home_id,
                    person_id=row.person_id,
                    created_ms=row.created_ms,
                    file_name=row.file_name,
                )
            )
        return [_to_asset(row, cuts[row.asset_id]) for row in rows]


def _asset_count() -> ScalarSelect[int]:
    count = select(func.count()).select_from(_asset).where(_asset.c.project_id == _project.c.project_id)
    return count.correlate(_project).scalar_subquery()


def _to_project(row: Row[tuple[object, ...]]) -> Project:
    return Project(
        project_id=row.project_id,
        tenant_id=row.tenant_id,
        name=row.name,
        name_key=row.name_key,
        created_ms=row.created_ms,
        version=row.version,
        asset_count=row.asset_count,
    )


def _to_asset(row: Row[tuple[object, ...]], cuts: Sequence[Cut]) -> Asset:
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
    )
