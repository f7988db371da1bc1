"""The audit outbox: with its change or not at all, in order, taken once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from mesh.audit import Event, Shipper, SqlOutbox, record
from mesh.migration import MESH, migrate
from mesh.sql import Database
from rushes.errors import InvalidArgument
from rushes.project.v1 import audit_service_pb2 as pb
from svc_project.core.chain import check_event
from svc_project.server.proto import from_event
from tests.integration.mesh_server import People, Served, Signer, run_folder
from tests.waiting import until

RECORD = "/rushes.project.v1.AuditService/RecordEvents"


class Trail:
    """svc_project's side: keeps what it takes."""

    def __init__(self) -> None:
        self.taken: list[pb.AuditEvent] = []
        self.error: Exception | None = None
        self.after: Exception | None = None
        self.refuse = ""

    async def take(self, request: pb.RecordEventsRequest, context: Any) -> pb.RecordEventsResponse:
        """Takes them, those taken before not again."""
        if self.error is not None:
            raise self.error
        for event in request.events:
            check_event(from_event(event))
            if self.refuse and event.action == self.refuse:
                raise InvalidArgument("not this one")
        known = {event.event_id for event in self.taken}
        self.taken += [event for event in request.events if event.event_id not in known]
        if self.after is not None:
            raise self.after
        return pb.RecordEventsResponse()

    @property
    def actions(self) -> list[str]:
        """What was taken."""
        return [event.action for event in self.taken]


def event(action: str, **detail: str | int) -> Event:
    """Something that was done."""
    return Event("t", "anna", action, "video/1", 1_700_000_000_000, detail)


async def put(database: Database, *events: Event) -> None:
    """Puts events into the outbox."""

    def work(connection: Connection) -> None:
        for one in events:
            record(connection, "svc_media", one)

    await database.run(work)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A service's store."""
    database = Database(f"sqlite:///{tmp_path / 'it.db'}")
    await database.run(lambda connection: migrate(connection, MESH))
    yield database
    await database.close()


@pytest.fixture
def trail() -> Trail:
    """Who takes."""
    return Trail()


@pytest.fixture
async def shipper(database: Database, trail: Trail) -> AsyncIterator[Shipper]:
    """Running, with svc_project there."""
    served = Served(People(Signer()), {RECORD: trail.take})
    with run_folder() as folder:
        listen = f"unix:{folder}/project.sock"
        async with served.serving(listen), served.channels("svc_media", svc_project=listen) as channels:
            shipper = Shipper(SqlOutbox(database), channels)
            shipper.start()
            yield shipper
            await shipper.stop()


async def left(database: Database) -> int:
    """How many are in the outbox."""
    return int(await database.run(lambda c: c.execute(text("SELECT count(*) FROM mesh_outbox")).scalar()) or 0)


async def emptied(database: Database, shipper: Shipper) -> None:
    """Waits until nothing is left."""
    for _ in range(1_000):
        if not await left(database):
            return
        shipper.wake()
        await asyncio.sleep(0.02)
    raise AssertionError("the outbox was not emptied")


async def test_events_arrive_whole_and_in_order_and_leave_the_outbox(
    database: Database, trail: Trail, shipper: Shipper
) -> None:
    await put(database, *(event(f"do.{number}", number=number) for number in range(500)))
    shipper.wake()
    await until(lambda: len(trail.taken) == 500)
    assert trail.actions == [f"do.{number}" for number in range(500)]
    first = trail.taken[0]
    assert (first.tenant_id, first.person_id, first.service) == ("t", "anna", "svc_media")
    assert (first.resource, first.detail_json, first.time_ms) == ("video/1", '{"number": 0}', 1_700_000_000_000)
    await emptied(database, shipper)


async def test_an_event_of_a_change_that_failed_is_not_told(database: Database, trail: Trail) -> None:
    def work(connection: Connection) -> None:
        record(connection, "svc_media", event("failed"))
        raise KeyError("x")

    await put(database, event("done"))
    with pytest.raises(KeyError):
        await database.run(work)
    assert await left(database) == 1


async def test_what_was_taken_but_not_acknowledged_is_taken_once(
    database: Database, trail: Trail, shipper: Shipper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mesh.audit.LOOK_S", 0.05)
    trail.after = KeyError("the answer is lost")
    await put(database, event("a"), event("b"))
    shipper.wake()
    await until(lambda: trail.taken)
    trail.after = None
    await emptied(database, shipper)
    assert trail.actions == ["a", "b"]


async def test_an_event_that_is_refused_does_not_keep_the_others(
    database: Database, trail: Trail, shipper: Shipper, caplog: pytest.LogCaptureFixture
) -> None:
    trail.refuse = "bad"
    await put(database, event("a"), event("bad"), event("b"))
    shipper.wake()
    await until(lambda: trail.actions == ["a", "b"])
    await put(database, event("c"))
    shipper.wake()
    await until(lambda: trail.actions == ["a", "b", "c"])
    assert await left(database) == 1
    assert "audit_event_refused" in caplog.text


async def test_svc_project_may_come_later(database: Database, trail: Trail) -> None:
    served = Served(People(Signer()), {RECORD: trail.take})
    with run_folder() as folder:
        listen = f"unix:{folder}/project.sock"
        async with served.channels("svc_media", svc_project=listen) as channels:
            shipper = Shipper(SqlOutbox(database), channels)
            await put(database, event("a"))
            shipper.start()
            async with served.serving(listen):
                await emptied(database, shipper)
            await shipper.stop()
    assert trail.actions == ["a"]


@pytest.mark.parametrize(
    "wrong", [Event("t", "p" * 257, "a", "r", 0), Event("t\0", "p", "a", "r", 0), event("a", x="x" * 9_000)]
)
async def test_an_event_that_svc_project_would_refuse_is_refused_at_once(database: Database, wrong: Event) -> None:
    with pytest.raises(ValueError, match="audit event"):
        await put(database, wrong)
