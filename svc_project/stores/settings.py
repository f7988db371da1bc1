"""What people keep for themselves, in SQL."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, update

from svc_project.core.model import Setting, Who
from svc_project.stores import schema

_setting = schema.setting


class SqlSettings:
    """Settings of people."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, who: Who, names: Sequence[str], limit: int) -> Sequence[Setting]:
        """Settings by name."""
        exact = [name for name in names if not name.endswith("/")]
        wanted: list[ColumnElement[bool]] = [
            _setting.c.name.startswith(name, autoescape=True) for name in names if name.endswith("/")
        ]
        if exact:
            wanted.append(_setting.c.name.in_(exact))
        if not names:
            wanted.append(~_setting.c.name.contains("/"))
        query = select(_setting).where(*_of(who), or_(*wanted)).order_by(_setting.c.name).limit(limit)
        return [Setting(row.name, row.value_json, row.version) for row in self._connection.execute(query)]

    def put(self, who: Who, setting: Setting) -> None:
        """It is this from now on."""
        values = {
            "value_json": setting.value_json,
            "size_bytes": len(setting.name.encode()) + len(setting.value_json.encode()),
            "version": setting.version,
        }
        here = update(_setting).where(*_of(who), _setting.c.name == setting.name).values(values)
        if not self._connection.execute(here).rowcount:
            made = {"tenant_id": who.tenant_id, "person_id": who.person_id, "name": setting.name, **values}
            self._connection.execute(insert(_setting).values(made))

    def remove(self, who: Who, name: str) -> None:
        """There is none of this name."""
        self._connection.execute(delete(_setting).where(*_of(who), _setting.c.name == name))

    def size(self, who: Who) -> tuple[int, int]:
        """How many a person has, and their bytes."""
        total = func.coalesce(func.sum(_setting.c.size_bytes), 0)
        row = self._connection.execute(select(func.count(), total).where(*_of(who))).one()
        return int(row[0]), int(row[1])


def _of(who: Who) -> tuple[ColumnElement[bool], ...]:
    return _setting.c.tenant_id == who.tenant_id, _setting.c.person_id == who.person_id
