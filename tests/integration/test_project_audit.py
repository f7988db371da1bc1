"""The audit chain of a running svc_project."""

import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import closing
from typing import Any

import grpc
import pytest

from rushes.project.v1 import audit_service_pb2 as pb
from tests.integration.project_server import Client, Person, ProjectServer, invite, reason, serving, sign_in

TABLES = ("audit_event", "audit_head")


@pytest.fixture(scope="module")
def module_server() -> Iterator[ProjectServer]:
    with serving() as running:
        yield running


@pytest.fixture
def server(module_server: ProjectServer) -> Iterator[ProjectServer]:
    """The trail is as it was before when a test is over: nothing but a test could take events out of it."""
    script = "".join(f"CREATE TABLE kept_{table} AS SELECT * FROM {table};" for table in TABLES)
    run_script(module_server, script)
    yield module_server
    restored = (f"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table};" for table in TABLES)
    run_script(module_server, "".join([*restored, *(f"DROP TABLE kept_{table};" for table in TABLES)]))


@pytest.fixture
async def admin(server: ProjectServer) -> AsyncIterator[Person]:
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield await sign_in(Client(channel), **server.first_sign_in())


def run_script(server: ProjectServer, script: str) -> None:
    with closing(sqlite3.connect(server.data / "project.db", timeout=20)) as connection:
        connection.executescript(f"BEGIN IMMEDIATE; {script} COMMIT;")


async def trail(person: Person, **fields: Any) -> pb.ListEventsResponse:
    answer: pb.ListEventsResponse = await person.client.call(
        person.client.audit.ListEvents, pb.ListEventsRequest(**fields)
    )
    return answer


async def refused(call: Awaitable[Any]) -> tuple[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return reason(error.value)


def event(number: int, **changes: Any) -> pb.AuditEvent:
    fields = {
        "event_id": f"{number:032x}",
        "tenant_id": "default",
        "time_ms": 1000 + number,
        "service": "svc_media",
        "action": "video.upload",
        "resource": f"video/{number}",
        "detail_json": '{"size":1}',
    }
    return pb.AuditEvent(**{**fields, **changes})


async def record(person: Person, *events: pb.AuditEvent, service: str = "svc_media") -> None:
    client = person.client.signed("", service)
    await client.call(client.audit.RecordEvents, pb.RecordEventsRequest(events=events))


def alter(server: ProjectServer, statement: str) -> None:
    with closing(sqlite3.connect(server.data / "project.db", timeout=20)) as connection, connection:
        assert connection.execute(statement).rowcount > 0


async def test_each_change_is_in_the_trail_with_who_made_it(admin: Person) -> None:
    project_id = (await admin.project("CreateProject", name="Spot", request_id="spot")).project.project_id
    await admin.project("CreateProject", name="Spot", request_id="spot")
    person = await invite(admin, project_id, "member", "Mia", email="mia@x.org", password="12345678")
    await admin.access("Revoke", project_id=project_id, person_id=person.person_id)
    answer = await trail(admin, page_size=1000)
    assert answer.intact
    assert [chained.ordinal for chained in answer.events] == list(range(1, len(answer.events) + 1))
    events = [chained.event for chained in answer.events][-6:]
    assert [(one.person_id, one.action, one.resource) for one in events] == [
        (admin.person_id, "project.create", f"project/{project_id}"),
        (admin.person_id, "invitation.create", f"project/{project_id}"),
        (person.person_id, "person.create", f"person/{person.person_id}"),
        (person.person_id, "invitation.accept", f"project/{project_id}"),
        (person.person_id, "session.open", events[4].resource),
        (admin.person_id, "access.revoke", f"project/{project_id}"),
    ]
    assert json.loads(events[-1].detail_json) == {"person_id": person.person_id, "before": "member"}
    text = answer.SerializeToString()
    assert b"12345678" not in text
    assert b"mia@x.org" not in text


async def test_events_of_other_services_are_taken_once(admin: Person) -> None:
    await record(admin, event(1), event(2))
    await record(admin, event(2), event(3))
    taken = [one.event for one in (await trail(admin)).events if one.event.service == "svc_media"]
    assert taken == [event(1), event(2), event(3)]


async def test_a_batch_with_a_wrong_event_is_refused_as_a_whole(admin: Person) -> None:
    wrong = [
        event(2, event_id="2"),
        event(2, detail_json="{"),
        event(2, tenant_id=""),
        event(2, action="x" * 300),
        event(2, time_ms=-1),
    ]
    for bad in wrong:
        assert (await refused(record(admin, event(1), bad)))[1] == "INVALID_FIELD"
    assert await refused(record(admin, event(1), service="svc_annotation")) == ("PERMISSION_DENIED", "WRONG_SERVICE")
    assert (await refused(record(admin, *(event(number) for number in range(1001)))))[1] == "INVALID_FIELD"
    assert not [one for one in (await trail(admin)).events if one.event.service == "svc_media"]


async def test_the_trail_comes_page_by_page_each_verified_from_the_beginning(
    server: ProjectServer, admin: Person
) -> None:
    await record(admin, *(event(number) for number in range(1, 1000)))
    first = await trail(admin, page_size=500)
    second = await trail(admin, page_size=1000, page_token=first.next_page_token)
    assert first.intact
    assert second.intact
    assert second.events[0].ordinal == 501
    assert second.next_page_token == ""
    alter(server, "UPDATE audit_event SET action = 'nothing' WHERE ordinal = 600")
    assert (await trail(admin, page_size=500)).intact
    assert not (await trail(admin, page_size=1000, page_token=first.next_page_token)).intact


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET person_id = 'somebody else' WHERE ordinal = 2",
        "UPDATE audit_event SET time_ms = time_ms + 1 WHERE ordinal = 2",
        "UPDATE audit_event SET hash = zeroblob(32) WHERE ordinal = 2",
        "DELETE FROM audit_event WHERE ordinal = 2",
        "DELETE FROM audit_event WHERE ordinal = (SELECT max(ordinal) FROM audit_event)",
        "DELETE FROM audit_event",
        "UPDATE audit_event SET ordinal = ordinal + 100 WHERE ordinal = (SELECT max(ordinal) FROM audit_event)",
    ],
)
async def test_tampering_with_the_store_shows(server: ProjectServer, admin: Person, statement: str) -> None:
    await record(admin, event(1), event(2))
    assert (await trail(admin)).intact
    alter(server, statement)
    assert not (await trail(admin)).intact


async def test_only_administrators_of_the_tenant_see_the_trail(admin: Person) -> None:
    member = await invite(admin, 1, "member", "Mo", email="mo@x.org", password="12345678")
    assert (await refused(trail(member)))[0] == "PERMISSION_DENIED"
    guest = await invite(admin, 1, "guest", "Gast")
    assert (await refused(trail(guest)))[0] == "NOT_FOUND"
    assert (await refused(trail(admin, page_token="x")))[1] == "INVALID_PAGE_TOKEN"
