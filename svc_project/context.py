"""What every use case needs: the store, the time, where changes are told, and the trail."""

import asyncio
import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from mesh.clock import Clock
from rushes.errors import RushesError
from svc_project.bulletin import Bulletin
from svc_project.core.change import Changes
from svc_project.core.model import Event, PersonId, TenantId
from svc_project.stores import Store, Unit

log = logging.getLogger(__name__)
T = TypeVar("T")
SERVICE = "svc_project"


class Trail:
    """Writes events into the chain, in the transaction of the change they tell of.

    Other services keep an outbox and hand over later; here chain and change share a store, so they share a fate.
    """

    def __init__(self, unit: Unit, now_ms: int) -> None:
        self._unit = unit
        self._now_ms = now_ms

    def add(self, tenant_id: TenantId, person_id: PersonId, action: str, resource: str, /, **detail: str | int) -> None:
        """Something was done."""
        text = json.dumps(detail, ensure_ascii=False, sort_keys=True) if detail else ""
        event_id = secrets.token_hex(16)
        event = Event(event_id, tenant_id, self._now_ms, SERVICE, person_id, action, resource, text)
        self._unit.audit.append(event)


@dataclass(slots=True)
class Work:
    """One transaction, as a use case sees it."""

    unit: Unit
    now_ms: int
    changes: Changes
    trail: Trail


class Context:
    """Shared by all use cases."""

    def __init__(self, store: Store, clock: Clock, bulletin: Bulletin, origin: str = "") -> None:
        self.origin = origin
        """The name of this instance, if others use the store too."""
        self.store = store
        self.clock = clock
        self.bulletin = bulletin
        self._running: set[asyncio.Task[Any]] = set()

    async def run(self, work: Callable[[Work], T]) -> T:
        """Does the work in one transaction, and tells watchers what it changed once that is durable.

        A caller who goes away in the middle does not undo the transaction, so it must not keep watchers from
        hearing of it either: it goes on as a task of its own.
        """
        return await asyncio.shield(self.begin(work))

    def begin(self, work: Callable[[Work], T]) -> asyncio.Task[T]:
        """As run, for who does not wait for it."""
        task = asyncio.create_task(self._run(work))
        self._running.add(task)
        task.add_done_callback(self._finished)
        return task

    async def settle(self) -> None:
        """Waits for what is still going on."""
        while self._running:
            await asyncio.wait(self._running)

    async def _run(self, work: Callable[[Work], T]) -> T:
        now_ms = self.clock.now_ms()
        changes = Changes()

        def transaction(unit: Unit) -> T:
            answer = work(Work(unit, now_ms, changes, Trail(unit, now_ms)))
            if changes and self.origin:
                unit.news.add(self.origin, changes, now_ms)
            return answer

        answer = await self.store.run(transaction)
        if changes:
            self.bulletin.publish(changes)
        return answer

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        # Retrieved here too, for whoever waited may have gone: a refusal would be reported as lost.
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, RushesError):
            log.error("transaction_failed", exc_info=error)


def secret() -> str:
    """A new secret of 256 bits, as text that fits a cookie and a link."""
    return secrets.token_urlsafe(32)
