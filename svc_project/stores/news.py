"""What changed about rights, for the other instances on the store, in SQL."""

import json
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select

from svc_project.core.change import Changes
from svc_project.core.model import Kind, PersonId, ProjectId, Resource, SessionId
from svc_project.stores import Item, schema

_news = schema.rights_news


class SqlNews:
    """See `News`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, origin: str, changes: Changes, now_ms: int) -> None:
        """See `News`."""
        self._connection.execute(insert(_news).values(origin=origin, changes=_encode(changes), time_ms=now_ms))

    def last(self) -> int:
        """See `News`."""
        return self._connection.scalar(select(func.max(_news.c.number))) or 0

    def after(self, number: int, limit: int) -> Sequence[Item]:
        """See `News`."""
        query = select(_news).where(_news.c.number > number).order_by(_news.c.number).limit(limit)
        return [Item(row.number, row.origin, _decode(row.changes)) for row in self._connection.execute(query)]

    def prune(self, before_ms: int) -> int:
        """See `News`."""
        return self._connection.execute(delete(_news).where(_news.c.time_ms < before_ms)).rowcount


# Of listings releases of before know nothing: for them it is a person whom nobody is.
_LISTING: Final = "listing/"


def _encode(changes: Changes) -> str:
    resources = sorted((each.kind, each.id) for each in changes.resources)
    people = [*sorted(changes.people), *(f"{_LISTING}{each}" for each in sorted(changes.projects))]
    return json.dumps([people, resources, sorted(changes.sessions)])


def _decode(text: str) -> Changes:
    people, resources, sessions = json.loads(text)
    return Changes(
        {PersonId(each) for each in people if not each.startswith(_LISTING)},
        {Resource(Kind(kind), identity) for kind, identity in resources},
        set(map(SessionId, sessions)),
        {ProjectId(int(each.removeprefix(_LISTING))) for each in people if each.startswith(_LISTING)},
    )
