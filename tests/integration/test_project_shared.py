"""Two instances of svc_project on one PostgreSQL: one order, and what one changes the other's watchers hear."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator

import grpc
import pytest

from rushes.project.v1 import audit_service_pb2 as audit_pb
from rushes.project.v1 import identity_service_pb2 as identity_pb
from tests.engine_fixtures import fresh_postgresql, postgresql_url
from tests.integration.project_server import Client, Person, ProjectServer, invite, serving, sign_in
from tests.integration.test_project_access import PROJECT, refused, session_id, watching

__all__ = ["fresh_postgresql", "postgresql_url"]

EACH = 15


@pytest.fixture
def pair(fresh_postgresql: str) -> Iterator[tuple[ProjectServer, ProjectServer]]:
    """Both on one database; the first has made what a first start makes."""
    settings = {"RUSHES_PROJECT__DATABASE": fresh_postgresql}
    with serving(**settings) as first, serving(**settings) as second:
        yield first, second


@pytest.fixture
async def clients(pair: tuple[ProjectServer, ProjectServer]) -> AsyncIterator[tuple[Client, Client]]:
    """At each of them."""
    first, second = pair
    async with contextlib.AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(grpc.aio.insecure_channel(each.address)) for each in (first, second)]
        yield Client(opened[0]), Client(opened[1])


async def administrator(pair: tuple[ProjectServer, ProjectServer], client: Client) -> Person:
    return await sign_in(client, **pair[0].first_sign_in())


async def test_what_one_changes_the_watchers_of_the_other_hear_and_it_holds_there(
    pair: tuple[ProjectServer, ProjectServer], clients: tuple[Client, Client]
) -> None:
    one, other = clients
    admin = await administrator(pair, one)
    person = await invite(admin, PROJECT, "member", "Mo")
    there = other.signed(person.token)
    assert (await Person(there, "", person.person, person.token).project("GetProject", project_id=PROJECT)).project
    async with watching(other) as watch:
        await admin.access("Revoke", project_id=PROJECT, person_id=person.person_id)
        await watch.until(lambda message: person.person_id in message.person_ids)
        await one.call(one.identity.SignOut, identity_pb.SignOutRequest(session_secret=person.session_secret))
        await watch.until(lambda message: session_id(person) in message.ended_session_ids)
    call = there.call(there.identity.GetMe, identity_pb.GetMeRequest())
    assert (await refused(call))[0] == "UNAUTHENTICATED"


async def test_changes_at_both_make_one_chain_and_one_that_dies_keeps_nobody_waiting(
    pair: tuple[ProjectServer, ProjectServer], clients: tuple[Client, Client]
) -> None:
    people = [await administrator(pair, client) for client in clients]

    async def work(person: Person, name: str) -> None:
        for number in range(EACH):
            await person.project("CreateProject", name=f"{name} {number}", request_id=f"{name}-{number}")

    await asyncio.gather(*(work(person, name) for person, name in zip(people, ("one", "other"), strict=True)))
    pair[0].stop_project(signal.SIGKILL)
    await work(people[1], "after")
    client = people[1].client
    request = audit_pb.ListEventsRequest(page_size=200)
    found = (await client.call(client.audit.ListEvents, request)).events
    assert [each.ordinal for each in found] == list(range(1, len(found) + 1))
    assert [each.event.action for each in found].count("project.create") == 3 * EACH + 1
    pair[0].start_project()
