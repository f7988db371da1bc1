"""The audit trail of a service: an outbox in its own store, filled in the transaction of each change, and emptied to
svc_project, which chains what it takes.
"""

import asyncio
import contextlib
import json
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import grpc
from sqlalchemy import Connection, delete, insert, select, update

from mesh.rpc import Channels, to_error
from mesh.sql import Database
from mesh.table import outbox
from rushes.errors import InvalidArgument
from rushes.project.v1 import audit_service_pb2 as pb
from rushes.project.v1.audit_service_pb2_grpc import AuditServiceStub

log = logging.getLogger(__name__)

FIELD_CHARACTERS = 256
DETAIL_BYTES = 8_192
BATCH = 200
LOOK_S = 5.0
"""The outbox is looked at so often even if nobody says that there is something in it."""

LONGEST_DELAY_S = 30.0


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done: `action` such as "upload.create", `resource` such as "video/12". Never secrets."""

    tenant_id: str
    person_id: str
    action: str
    resource: str
    time_ms: int
    detail: Mapping[str, str | int] = field(default_factory=dict)
    event_id: str = field(default_factory=lambda: secrets.token_hex(16))


class Outbox(Protocol):
    """Events on their way out of a store, by keys that it has given them."""

    async def oldest(self, limit: int) -> Sequence[tuple[Any, bytes]]:
        """Events that are to be handed over, in order. They stay until they are forgotten."""
        ...

    async def forget(self, keys: Sequence[Any]) -> None:
        """These are handed over."""
        ...

    async def refuse(self, key: Any) -> None:
        """This one is never taken: it is kept, and not given again."""
        ...


def encode(service: str, event: Event) -> bytes:
    """An event as an outbox has it. Raises ValueError when it is too long."""
    detail = json.dumps(dict(event.detail), ensure_ascii=False, sort_keys=True) if event.detail else ""
    texts = (event.tenant_id, event.person_id, event.action, event.resource)
    if any(len(text) > FIELD_CHARACTERS or "\0" in text for text in texts) or len(detail.encode()) > DETAIL_BYTES:
        raise ValueError(f"an audit event has at most {FIELD_CHARACTERS} characters a field, {DETAIL_BYTES} of detail")
    message = pb.AuditEvent(
        event_id=event.event_id,
        tenant_id=event.tenant_id,
        time_ms=event.time_ms,
        service=service,
        person_id=event.person_id,
        action=event.action,
        resource=event.resource,
        detail_json=detail,
    )
    return message.SerializeToString()


def record(connection: Connection, service: str, event: Event) -> None:
    """Puts an event into the outbox, in the transaction of the change it tells of. Raises ValueError when too long."""
    encoded = encode(service, event)
    connection.execute(insert(outbox).values(event=encoded, refused=False))


class SqlOutbox:
    """See Outbox: beside what it tells of, in the same database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def oldest(self, limit: int) -> Sequence[tuple[Any, bytes]]:
        """See Outbox."""
        return await self._database.run(lambda connection: _oldest(connection, limit))

    async def forget(self, keys: Sequence[Any]) -> None:
        """See Outbox."""
        await self._database.run(lambda connection: _forget(connection, keys))

    async def refuse(self, key: Any) -> None:
        """See Outbox."""
        await self._database.run(lambda connection: _refuse(connection, key))


class Shipper:
    """A task that hands the outbox over, in order. What svc_project has taken is deleted here; sent twice it is taken
    once, so a crash between the two loses and doubles nothing.
    """

    def __init__(self, outbox: Outbox, channels: Channels) -> None:
        self._outbox = outbox
        self._stub = channels.stub(AuditServiceStub, "svc_project", as_person=False)
        self._more = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins."""
        self._task = asyncio.create_task(self._run(), name="ship-audit")

    def wake(self) -> None:
        """There is something in the outbox."""
        self._more.set()

    async def stop(self) -> None:
        """Ends; what is left is sent after the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _run(self) -> None:
        delay_s = LOOK_S
        while True:
            self._more.clear()
            try:
                while await self._ship():
                    pass
                delay_s = LOOK_S
            except grpc.aio.AioRpcError as error:
                log.warning("audit_not_shipped", extra={"code": error.code().name})
                delay_s = min(delay_s * 2, LONGEST_DELAY_S)
            except Exception:
                log.exception("audit_not_shipped")
                delay_s = min(delay_s * 2, LONGEST_DELAY_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay_s):
                    await self._more.wait()

    async def _ship(self) -> bool:
        """Hands a batch over; False: there was none."""
        rows = await self._outbox.oldest(BATCH)
        if not rows:
            return False
        try:
            await self._send(rows)
        except grpc.aio.AioRpcError as error:
            if not isinstance(to_error(error), InvalidArgument):
                raise
            # One bad event must not keep the others from the trail.
            for row in rows:
                await self._send_alone(row)
        return True

    async def _send(self, rows: Sequence[tuple[Any, bytes]]) -> None:
        events = [pb.AuditEvent.FromString(event) for _, event in rows]
        await self._stub.RecordEvents(pb.RecordEventsRequest(events=events))
        await self._outbox.forget([key for key, _ in rows])

    async def _send_alone(self, row: tuple[Any, bytes]) -> None:
        try:
            await self._send([row])
        except grpc.aio.AioRpcError as error:
            if not isinstance(to_error(error), InvalidArgument):
                raise
            log.error("audit_event_refused", extra={"number": str(row[0]), "reason": to_error(error).reason})
            await self._outbox.refuse(row[0])


def _oldest(connection: Connection, limit: int) -> list[tuple[int, bytes]]:
    columns = outbox.c
    query = select(columns.number, columns.event).where(~columns.refused).order_by(columns.number).limit(limit)
    return [(number, bytes(event)) for number, event in connection.execute(query)]


def _forget(connection: Connection, numbers: Sequence[int]) -> None:
    connection.execute(delete(outbox).where(outbox.c.number.in_(numbers)))


def _refuse(connection: Connection, number: int) -> None:
    connection.execute(update(outbox).where(outbox.c.number == number).values(refused=True))
