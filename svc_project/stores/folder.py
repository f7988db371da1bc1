"""Folders in SQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, ScalarSelect, delete, func, insert, select, tuple_, update

from svc_project.core.errors import FolderExists
from svc_project.core.model import Folder, FolderId, ProjectId, TenantId
from svc_project.core.page import Key
from svc_project.stores import schema

_folder = schema.folder
_asset = schema.asset


class SqlFolders:
    """Folders of projects."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, folder: Folder) -> FolderId:
        """A new folder."""
        self._check_name(folder)
        values = {
            "tenant_id": folder.tenant_id,
            "project_id": folder.project_id,
            "parent_id": folder.parent_id,
            "name": folder.name,
            "name_key": folder.name_key,
            "created_ms": folder.created_ms,
            "version": folder.version,
        }
        made = self._connection.execute(insert(_folder).values(values).returning(_folder.c.folder_id))
        return FolderId(made.scalar_one())

    def get(self, tenant_id: TenantId, project_id: ProjectId, folder_id: FolderId) -> Folder | None:
        """A folder of the project."""
        query = select(_folder, _asset_count()).where(*_of(tenant_id, project_id), _folder.c.folder_id == folder_id)
        row = self._connection.execute(query).one_or_none()
        return _to_folder(row) if row else None

    def save(self, folder: Folder) -> None:
        """Name, place and version as they are now."""
        self._check_name(folder)
        values = {
            "parent_id": folder.parent_id,
            "name": folder.name,
            "name_key": folder.name_key,
            "version": folder.version,
        }
        self._connection.execute(update(_folder).where(_folder.c.folder_id == folder.folder_id).values(values))

    def remove(self, folder: Folder) -> None:
        """It is gone; what was in it is where it was."""
        self._connection.execute(delete(_folder).where(_folder.c.folder_id == folder.folder_id))
        inside = select(_folder, _asset_count()).where(_folder.c.parent_id == folder.folder_id)
        for row in self._connection.execute(inside).all():
            self._check_name(_to_folder(row), folder.parent_id)
        up = {"folder_id": folder.parent_id}
        self._connection.execute(update(_asset).where(_asset.c.folder_id == folder.folder_id).values(up))
        up = {"parent_id": folder.parent_id}
        self._connection.execute(update(_folder).where(_folder.c.parent_id == folder.folder_id).values(up))

    def page(self, tenant_id: TenantId, project_id: ProjectId, after: Key | None, limit: int) -> Sequence[Folder]:
        """Folders of a project by name."""
        order = (_folder.c.name_key, _folder.c.folder_id)
        query = select(_folder, _asset_count()).where(*_of(tenant_id, project_id))
        if after is not None:
            query = query.where(tuple_(*order) > tuple_(*after))
        return [_to_folder(row) for row in self._connection.execute(query.order_by(*order).limit(limit))]

    def count(self, tenant_id: TenantId, project_id: ProjectId) -> int:
        """How many the project has."""
        query = select(func.count()).select_from(_folder).where(*_of(tenant_id, project_id))
        return self._connection.scalar(query) or 0

    def _check_name(self, folder: Folder, parent_id: FolderId | None = None) -> None:
        taken = select(_folder.c.folder_id).where(
            *_of(folder.tenant_id, folder.project_id),
            _folder.c.parent_id == (folder.parent_id if parent_id is None else parent_id),
            _folder.c.name_key == folder.name_key,
            _folder.c.folder_id != folder.folder_id,
        )
        if self._connection.scalar(taken) is not None:
            raise FolderExists


def _of(tenant_id: TenantId, project_id: ProjectId) -> tuple[ColumnElement[bool], ...]:
    return _folder.c.tenant_id == tenant_id, _folder.c.project_id == project_id


def _asset_count() -> Any:
    here = (
        _asset.c.project_id == _folder.c.project_id,
        _asset.c.folder_id == _folder.c.folder_id,
        _asset.c.deleted_ms == 0,
    )
    count: ScalarSelect[int] = (
        select(func.count()).select_from(_asset).where(*here).correlate(_folder).scalar_subquery()
    )
    return count.label("asset_count")


def _to_folder(row: Row[Any]) -> Folder:
    return Folder(
        folder_id=row.folder_id,
        tenant_id=row.tenant_id,
        project_id=row.project_id,
        parent_id=row.parent_id,
        name=row.name,
        name_key=row.name_key,
        created_ms=row.created_ms,
        version=row.version,
        asset_count=row.asset_count,
    )
