"""Rights, and how their changes reach who watches."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import jwt
import pytest

from rushes.project.v1 import access_service_pb2 as pb
from rushes.project.v1 import identity_service_pb2 as identity_pb
from rushes.type.v1 import access_pb2
from svc_project.core import role
from tests.integration.project_server import Client, Person, ProjectServer, invite, reason, serving, sign_in

PROJECT = 1
VIDEO, ASSET = access_pb2.RESOURCE_KIND_VIDEO, access_pb2.RESOURCE_KIND_ASSET
IN_PROJECT, TENANT = access_pb2.RESOURCE_KIND_PROJECT, access_pb2.RESOURCE_KIND_TENANT


@pytest.fixture(scope="module")
def server() -> Iterator[ProjectServer]:
    with serving() as running:
        yield running


@pytest.fixture
async def client(server: ProjectServer) -> AsyncIterator[Client]:
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield Client(channel)


@pytest.fixture
async def admin(server: ProjectServer, client: Client) -> Person:
    return await sign_in(client, **server.first_sign_in())


async def refused(call: Awaitable[Any]) -> tuple[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return reason(error.value)


async def resolve(person: Person, *resources: tuple[int, object], **changes: str) -> pb.ResolveAccessResponse:
    service = person.client.signed("", "svc_media")
    fields = {"person_id": person.person_id, "tenant_id": "default", "session_id": session_id(person), **changes}
    asked = [access_pb2.Resource(kind=kind, id=str(id_)) for kind, id_ in resources]  # type: ignore[arg-type]
    answer: pb.ResolveAccessResponse = await service.call(
        service.access.ResolveAccess, pb.ResolveAccessRequest(resources=asked, **fields)
    )
    return answer


def session_id(person: Person) -> str:
    claims = jwt.decode(person.token, options={"verify_signature": False})
    return str(claims["sid"])


class Watch:
    """A stream of WatchAccess."""

    def __init__(self, call: Any) -> None:
        self._call = call

    async def next(self) -> pb.WatchAccessResponse:
        """The next message."""
        async with asyncio.timeout(20):
            message = await self._call.read()
        assert message is not grpc.aio.EOF
        return message  # type: ignore[no-any-return]

    async def until(self, wanted: Any) -> pb.WatchAccessResponse:
        """The first message that is wanted; everything before it are heartbeats or other changes."""
        while True:
            message = await self.next()
            if wanted(message):
                return message


@asynccontextmanager
async def watching(client: Client) -> AsyncIterator[Watch]:
    service = client.signed("", "svc_annotation")
    call = service.access.WatchAccess(pb.WatchAccessRequest(), metadata=service.metadata)
    watch = Watch(call)
    assert (await watch.next()).everything
    yield watch
    call.cancel()


async def new_project(admin: Person, name: str) -> int:
    project_id: int = (await admin.project("CreateProject", name=name)).project.project_id
    return project_id


async def test_roles_are_resolved_on_every_kind_of_resource(server: ProjectServer, admin: Person) -> None:
    server.videos[11] = ("default", PROJECT)
    asset = (await admin.project("CreateAsset", project_id=PROJECT, video_id=11)).asset
    everything = [(IN_PROJECT, PROJECT), (ASSET, asset.asset_id), (VIDEO, 11)]
    for name, mask in role.MASKS.items():
        person = await invite(admin, PROJECT, name, f"A {name}")
        answer = await resolve(person, *everything, (TENANT, ""))
        assert list(answer.permissions) == [mask, mask, mask, 0]
        assert answer.name == f"A {name}"
    assert list((await resolve(admin, *everything, (TENANT, ""))).permissions) == [role.ALL] * 4


async def test_what_is_not_there_allows_nothing(admin: Person) -> None:
    ids = ["0", "-1", "01", "9" * 19, "9" * 40, "x", "", "\u0661", "999"]
    asked = [(kind, id_) for kind in (IN_PROJECT, ASSET, VIDEO) for id_ in ids]
    assert set((await resolve(admin, *asked)).permissions) == {0}


async def test_another_person_tenant_or_session_may_do_nothing(admin: Person) -> None:
    member = await invite(admin, PROJECT, "member", "Mia")
    changes = [{"session_id": session_id(admin)}, {"session_id": ""}, {"tenant_id": "other"}, {"person_id": "nobody"}]
    for change in changes:
        assert list((await resolve(member, (IN_PROJECT, PROJECT), **change)).permissions) == [0]
    too_many = [(IN_PROJECT, PROJECT)] * 101
    assert (await refused(resolve(member, *too_many)))[1] == "INVALID_FIELD"
    assert (await refused(resolve(member, (0, PROJECT))))[1] == "INVALID_FIELD"


async def test_only_the_services_that_are_named_may_resolve_and_watch(admin: Person) -> None:
    client = admin.client.signed(admin.token, "svc_project")
    asked = client.call(client.access.ResolveAccess, pb.ResolveAccessRequest())
    assert (await refused(asked))[0] == "PERMISSION_DENIED"
    call = client.access.WatchAccess(pb.WatchAccessRequest(), metadata=client.metadata)
    assert (await refused(call.read()))[0] == "PERMISSION_DENIED"


async def test_a_revocation_is_told_to_who_watches_and_holds_from_then_on(client: Client, admin: Person) -> None:
    person = await invite(admin, PROJECT, "member", "Mo")
    async with watching(client) as watch:
        await admin.access("Revoke", project_id=PROJECT, person_id=person.person_id)
        message = await watch.until(lambda message: person.person_id in message.person_ids)
        assert not message.everything
        assert list((await resolve(person, (IN_PROJECT, PROJECT))).permissions) == [0]
    assert await refused(person.project("GetProject", project_id=PROJECT)) == ("NOT_FOUND", "NOT_FOUND")


async def test_a_session_that_ends_is_told_to_who_watches(client: Client, admin: Person) -> None:
    person = await invite(admin, PROJECT, "member", "Nil")
    request = identity_pb.SignOutRequest(session_secret=person.session_secret)
    async with watching(client) as watch:
        await client.call(client.identity.SignOut, request)
        await watch.until(lambda message: session_id(person) in message.ended_session_ids)
    service = client.signed("", "svc_annotation")
    call = service.access.WatchAccess(pb.WatchAccessRequest(), metadata=service.metadata)
    assert session_id(person) in (await Watch(call).next()).ended_session_ids
    call.cancel()


async def test_grants_projects_assets_and_cuts_are_told_to_who_watches(
    server: ProjectServer, client: Client, admin: Person
) -> None:
    person = await invite(admin, PROJECT, "guest", "Pia")
    server.videos[21] = ("default", PROJECT)
    async with watching(client) as watch:
        await admin.access("Grant", project_id=PROJECT, person_id=person.person_id, role="member")
        await watch.until(lambda message: person.person_id in message.person_ids)
        await admin.project("CreateAsset", project_id=PROJECT, video_id=21)
        wanted = access_pb2.Resource(kind=VIDEO, id="21")
        await watch.until(lambda message: wanted in message.resources)


async def test_a_watcher_hears_a_heartbeat_when_nothing_changes(client: Client) -> None:
    async with watching(client) as watch:
        for _ in range(2):
            await watch.until(lambda message: message == pb.WatchAccessResponse())


async def test_the_last_owner_stays(admin: Person) -> None:
    project_id = await new_project(admin, "Owned")
    last = {"project_id": project_id, "person_id": admin.person_id}
    assert await refused(admin.access("Revoke", **last)) == ("FAILED_PRECONDITION", "LAST_OWNER")
    assert (await refused(admin.access("Grant", **last, role="member")))[1] == "LAST_OWNER"
    other = await invite(admin, project_id, "owner", "Other")
    granted = (await other.access("Grant", **last, role="guest")).grant
    assert (granted.person_id, granted.name, granted.role) == (admin.person_id, "Administrator", "guest")
    assert (await refused(other.access("Revoke", project_id=project_id, person_id=other.person_id)))[1] == "LAST_OWNER"


async def test_two_owners_who_leave_at_once_leave_one(admin: Person) -> None:
    project_id = await new_project(admin, "Left")
    other = await invite(admin, project_id, "owner", "Other")
    leaving = [person.access("Revoke", project_id=project_id, person_id=person.person_id) for person in (admin, other)]
    outcomes = await asyncio.gather(*leaving, return_exceptions=True)
    failed = [reason(one) for one in outcomes if isinstance(one, grpc.aio.AioRpcError)]
    assert failed == [("FAILED_PRECONDITION", "LAST_OWNER")]


async def test_a_grant_is_done_once(admin: Person) -> None:
    person = await invite(admin, PROJECT, "guest", "Quin")
    fields = {"project_id": PROJECT, "person_id": person.person_id, "request_id": "grant-once"}
    await admin.access("Grant", **fields, role="member")
    await admin.access("Grant", project_id=PROJECT, person_id=person.person_id, role="reviewer")
    assert (await admin.access("Grant", **fields, role="member")).grant.role == "reviewer"
    assert (await refused(admin.access("Grant", **fields, role="owner")))[0] == "ABORTED"
    gone = {"project_id": PROJECT, "person_id": person.person_id, "request_id": "revoke-once"}
    for _ in range(2):
        await admin.access("Revoke", **gone)
    assert (await refused(admin.access("Grant", project_id=PROJECT, person_id="nobody", role="guest")))[
        0
    ] == "NOT_FOUND"


async def test_grants_come_by_name_page_by_page(admin: Person) -> None:
    project_id = await new_project(admin, "Roles")
    for name in ("Zoe", "ann"):
        await invite(admin, project_id, "guest", name)
    names, token = [], ""
    while True:
        answer = await admin.access("ListGrants", project_id=project_id, page_size=1, page_token=token)
        names += [grant.name for grant in answer.grants]
        token = answer.next_page_token
        if not token:
            break
    assert names == ["Administrator", "ann", "Zoe"]


async def test_a_video_lent_to_another_project_gives_what_its_lender_has(
    server: ProjectServer, client: Client, admin: Person
) -> None:
    server.videos[31] = ("default", PROJECT)
    await admin.project("CreateAsset", project_id=PROJECT, video_id=31)
    lender = await invite(admin, PROJECT, "guest", "Len", email="len@x.org", password="12345678")
    own = (await lender.project("CreateProject", name="Own")).project.project_id
    friend = await invite(lender, own, "member", "Friend")
    asset = (await lender.project("CreateAsset", project_id=own, name="Borrowed")).asset
    await lender.project("AddCut", asset_id=asset.asset_id, video_id=31)
    for person in (lender, friend):
        assert list((await resolve(person, (VIDEO, 31))).permissions) == [role.mask("guest")]
    async with watching(client) as watch:
        await admin.access("Revoke", project_id=PROJECT, person_id=lender.person_id)
        await watch.until(lambda message: access_pb2.Resource(kind=VIDEO, id="31") in message.resources)
    for person in (lender, friend):
        assert list((await resolve(person, (VIDEO, 31))).permissions) == [0]


async def test_a_project_that_lends_videos_is_not_deleted_and_they_are_seen_on(
    server: ProjectServer, admin: Person
) -> None:
    home, other = [(await admin.project("CreateProject", name=name)).project.project_id for name in ("Home", "Other")]
    server.videos[32] = ("default", home)
    friend = await invite(admin, other, "member", "Fred")
    mine = (await admin.project("CreateAsset", project_id=home, video_id=32)).asset
    lent = (await admin.project("CreateAsset", project_id=other, video_id=32)).asset
    for asset in (mine, lent):
        place = {"project_id": asset.project_id, "asset_ids": [asset.asset_id]}
        await admin.project("DeleteAssets", **place)
        if asset is mine:
            await admin.project("PurgeAssets", **place)
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await admin.project("DeleteProject", project_id=home)
        assert reason(error.value) == ("FAILED_PRECONDITION", "PROJECT_LENDS")
    await admin.project("RestoreAssets", **place)
    assert list((await resolve(friend, (VIDEO, 32))).permissions) == [role.mask("member")]
    await admin.project("DeleteAssets", **place)
    await admin.project("PurgeAssets", **place)
    await admin.project("DeleteProject", project_id=home)


async def test_whoever_takes_their_own_role_may_send_it_twice(admin: Person) -> None:
    owner = await invite(admin, PROJECT, "owner", "Olga")
    mine = {"project_id": PROJECT, "person_id": owner.person_id}
    again = {**mine, "role": "owner", "request_id": "mine"}
    await owner.access("Grant", **again)
    for _ in range(2):
        await owner.access("Revoke", **mine, request_id="leave")
    assert (await refused(owner.access("Revoke", **mine, request_id="left")))[0] == "NOT_FOUND"
    # What an answer would show is theirs to see no more.
    assert (await refused(owner.access("Grant", **again)))[0] == "NOT_FOUND"


async def test_a_watcher_who_never_reads_disturbs_nobody(client: Client, admin: Person) -> None:
    service = client.signed("", "svc_media")
    lazy = service.access.WatchAccess(pb.WatchAccessRequest(), metadata=service.metadata)
    person = await invite(admin, PROJECT, "guest", "Rio")
    async with watching(client) as watch:
        for wanted in ("member", "guest") * 10:
            await admin.access("Grant", project_id=PROJECT, person_id=person.person_id, role=wanted)
        await watch.until(lambda message: person.person_id in message.person_ids)
    lazy.cancel()
