"""Use cases about the audit trail."""

from collections.abc import Sequence
from functools import partial

from svc_project.context import Context, Work
from svc_project.core import chain, page
from svc_project.core.errors import InvalidField, WrongService
from svc_project.core.model import ChainedEvent, Event, Who

BATCH = 1000


class AuditTrail:
    """Taking events of other services, and showing the trail."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def take(self, service: str, events: Sequence[Event]) -> None:
        """Events of a service's outbox; those taken before are passed over."""
        if len(events) > BATCH:
            raise InvalidField("events", f"at most {BATCH}")
        for event in events:
            chain.check_event(event)
            if event.service != service:
                raise WrongService

        def append(work: Work) -> None:
            for event in events:
                work.unit.audit.append(event)

        await self._context.run(append)

    async def events(self, who: Who, page_size: int, page_token: str) -> tuple[Sequence[ChainedEvent], str, bool]:
        """A page of the tenant's trail, the token of the next, and whether all up to its end is as it was written."""
        scope = f"audit/{who.tenant_id}"
        asked = page.parse(page_size, page_token, scope, (int,))
        after = int(asked.after[0]) if asked.after else 0
        tenant_id = who.tenant_id
        rows, head = await self._context.run(
            lambda work: (work.unit.audit.page(tenant_id, after, asked.size + 1), work.unit.audit.head(tenant_id))
        )
        found = rows[: asked.size]
        more = len(rows) > asked.size
        intact = await self._intact(tenant_id, found[-1].ordinal if found else after, None if more else head)
        return found, page.token(scope, (found[-1].ordinal,)) if more else "", intact

    async def _intact(self, tenant_id: str, last: int, head: tuple[int, bytes] | None) -> bool:
        """From the beginning each time: what was right yesterday may have been altered since. In batches, so that a
        long trail does not keep others from the store. `head` is given where the chain should end with `last`.
        """
        verifier = chain.Verifier()
        while verifier.intact and verifier.ordinal < last:
            after, limit = verifier.ordinal, min(BATCH, last - verifier.ordinal)
            events = await self._context.run(partial(_read, tenant_id=tenant_id, after=after, limit=limit))
            if not events:
                return False
            verifier.walk(events)
        if head is not None:
            verifier.end(*head)
        return verifier.intact


def _read(work: Work, *, tenant_id: str, after: int, limit: int) -> Sequence[ChainedEvent]:
    return work.unit.audit.page(tenant_id, after, limit)
