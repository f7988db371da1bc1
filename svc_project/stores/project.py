"""Projects in SQL."""

import json
from collections.abc import Sequence

from sqlalchemy import Connection, Row, ScalarSelect, and_, delete, func, insert, select, tuple_, update

from svc_project.core import text
from svc_project.core.model import PersonId, Project, ProjectId, TenantId
from svc_project.core.page import Key
from svc_project.stores import schema

_project = schema.project
_asset = schema.asset
_grant = schema.role_grant
_invitation = schema.invitation
_secret = schema.invitation_secret


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

    def save(self, project: Project) -> None:
        """Name, statuses and version as they are now."""
        self._connection.execute(
            update(_project)
            .where(_project.c.tenant_id == project.tenant_id, _project.c.project_id == project.project_id)
            .values(
                name=project.name,
                name_key=project.name_key,
                statuses=json.dumps(list(project.statuses), ensure_ascii=False),
                version=project.version,
            )
        )

    def lends(self, project: Project) -> bool:
        """See `Projects`."""
        cut, here = schema.cut.c, project.project_id
        query = select(cut.asset_id).where(cut.home_id == here, cut.project_id != here).limit(1)
        return self._connection.execute(query).first() is not None

    def remove(self, project: Project) -> bool:
        """See `Projects`."""
        here = project.project_id
        if self._connection.execute(select(_asset.c.asset_id).where(_asset.c.project_id == here).limit(1)).first():
            return False
        invitations = select(_invitation.c.invitation_id).where(_invitation.c.project_id == here)
        secrets = delete(_secret).where(_secret.c.invitation_id.in_(invitations))
        self._connection.execute(secrets)
        for table in (_invitation, _grant, schema.guest_limit, schema.folder, _project):
            self._connection.execute(delete(table).where(table.c.project_id == here))
        return True

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


def _asset_count() -> ScalarSelect[int]:
    here = (_asset.c.project_id == _project.c.project_id, _asset.c.deleted_ms == 0)
    return select(func.count()).select_from(_asset).where(*here).correlate(_project).scalar_subquery()


def _to_project(row: Row[tuple[object, ...]]) -> Project:
    return Project(
        project_id=row.project_id,
        tenant_id=row.tenant_id,
        name=row.name,
        name_key=row.name_key,
        created_ms=row.created_ms,
        version=row.version,
        asset_count=row.asset_count,
        statuses=tuple(json.loads(row.statuses)) if row.statuses else text.STATUSES,
    )
