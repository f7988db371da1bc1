"""The audit chain in SQL."""

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select, update

from svc_project.core import chain
from svc_project.core.model import ChainedEvent, Event
from svc_project.stores import schema

_event = schema.audit_event
_head = schema.audit_head


class SqlAudit:
    """The audit chain of each tenant."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, event: Event) -> bool:
        """Takes an event as the next of its tenant's chain."""
        ordinal, before = self._lock_head(event.tenant_id)
        taken = select(_event.c.ordinal).where(_event.c.event_id == event.event_id)
        if self._connection.scalar(taken) is not None:
            return False
        hash_ = chain.link(before, ordinal + 1, event)
        self._connection.execute(
            insert(_event).values(
                tenant_id=event.tenant_id,
                ordinal=ordinal + 1,
                event_id=event.event_id,
                time_ms=event.time_ms,
                service=event.service,
                person_id=event.person_id,
                action=event.action,
                resource=event.resource,
                detail_json=event.detail_json,
                hash=hash_,
            )
        )
        where = _head.c.tenant_id == event.tenant_id
        self._connection.execute(update(_head).where(where).values(ordinal=ordinal + 1, hash=hash_))
        return True

    def page(self, tenant_id: str, after: int, limit: int) -> Sequence[ChainedEvent]:
        """Events by ordinal, those after `after`."""
        query = select(_event).where(_event.c.tenant_id == tenant_id, _event.c.ordinal > after)
        rows = self._connection.execute(query.order_by(_event.c.ordinal).limit(limit))
        return [
            ChainedEvent(
                row.ordinal,
                Event(
                    event_id=row.event_id,
                    tenant_id=row.tenant_id,
                    time_ms=row.time_ms,
                    service=row.service,
                    person_id=row.person_id,
                    action=row.action,
                    resource=row.resource,
                    detail_json=row.detail_json,
                ),
                row.hash,
            )
            for row in rows
        ]

    def head(self, tenant_id: str) -> tuple[int, bytes]:
        """Ordinal and hash of the last event."""
        row = self._connection.execute(select(_head).where(_head.c.tenant_id == tenant_id)).one_or_none()
        return (row.ordinal, row.hash) if row else (0, chain.GENESIS)

    def heads(self) -> Sequence[tuple[str, int, bytes]]:
        """Tenant, ordinal and hash of every chain's end."""
        rows = self._connection.execute(select(_head).order_by(_head.c.tenant_id))
        return [(row.tenant_id, row.ordinal, row.hash) for row in rows]

    def _lock_head(self, tenant_id: str) -> tuple[int, bytes]:
        query = select(_head).where(_head.c.tenant_id == tenant_id).with_for_update()
        row = self._connection.execute(query).one_or_none()
        if row is None:
            self._connection.execute(insert(_head).values(tenant_id=tenant_id, ordinal=0, hash=chain.GENESIS))
            return 0, chain.GENESIS
        return row.ordinal, row.hash
