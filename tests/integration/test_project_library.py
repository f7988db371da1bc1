"""Projects, assets and cuts of a running svc_project."""

from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from rushes.project.v1 import project_service_pb2 as pb
from svc_project.core import role
from tests.integration.project_server import Client, Person, ProjectServer, invite, reason, serving, sign_in

PROJECT = 1


@pytest.fixture(scope="module")
def server() -> Iterator[ProjectServer]:
    with serving() as running:
        yield running


@pytest.fixture
async def admin(server: ProjectServer) -> AsyncIterator[Person]:
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield await sign_in(Client(channel), **server.first_sign_in())


async def refused(call: Awaitable[Any]) -> tuple[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return reason(error.value)


async def new_project(admin: Person, name: str) -> int:
    project_id: int = (await admin.project("CreateProject", name=name)).project.project_id
    return project_id


async def new_asset(person: Person, project_id: int, name: str, **fields: Any) -> pb.Asset:
    answer: pb.CreateAssetResponse = await person.project("CreateAsset", project_id=project_id, name=name, **fields)
    return answer.asset


async def test_whoever_makes_a_project_owns_it(admin: Person) -> None:
    member = await invite(admin, PROJECT, "member", "Mia", email="mia@x.org", password="12345678")
    made = (await member.project("CreateProject", name="  Mine ")).project
    assert (made.name, made.permissions, made.etag, made.asset_count) == ("Mine", role.ALL, "1", 0)
    assert (await member.project("GetProject", project_id=made.project_id)).project == made
    names = [project.name for project in (await member.project("ListProjects")).projects]
    assert names == ["Mine", "My project"]


async def test_a_project_is_made_once(admin: Person) -> None:
    fields = {"name": "Once", "request_id": "project-once"}
    first, second = [(await admin.project("CreateProject", **fields)).project for _ in range(2)]
    assert first == second
    other = admin.project("CreateProject", name="Other", request_id="project-once")
    assert await refused(other) == ("ABORTED", "ALREADY_USED")


@pytest.mark.parametrize("name", ["", "  ", "x" * 257, "a\0b"])
async def test_a_project_needs_a_name(admin: Person, name: str) -> None:
    assert await refused(admin.project("CreateProject", name=name)) == ("INVALID_ARGUMENT", "INVALID_FIELD")


async def test_projects_come_by_name_page_by_page(admin: Person) -> None:
    names, token = [], ""
    await new_project(admin, "aaa")
    while True:
        answer = await admin.project("ListProjects", page_size=1, page_token=token)
        names += [project.name for project in answer.projects]
        token = answer.next_page_token
        if not token:
            break
    assert names == sorted(names, key=str.casefold)
    assert {"aaa", "My project"} <= set(names)


async def test_a_project_changes_only_as_it_was_seen(admin: Person) -> None:
    project_id = await new_project(admin, "Before")
    change = pb.Project(project_id=project_id, name="After", etag="1")
    mask = FieldMask(paths=["name"])
    changed = (await admin.project("UpdateProject", project=change, update_mask=mask, request_id="rename")).project
    assert (changed.name, changed.etag) == ("After", "2")
    assert (
        await admin.project("UpdateProject", project=change, update_mask=mask, request_id="rename")
    ).project == changed
    assert await refused(admin.project("UpdateProject", project=change)) == ("ABORTED", "ETAG_MISMATCH")
    unknown = admin.project("UpdateProject", project=change, update_mask=FieldMask(paths=["asset_count"]))
    assert (await refused(unknown))[1] == "INVALID_FIELD"


async def test_an_asset_takes_the_name_of_its_videos_file(server: ProjectServer, admin: Person) -> None:
    server.videos[1] = ("default", PROJECT)
    asset = (await admin.project("CreateAsset", project_id=PROJECT, video_id=1)).asset
    assert (asset.name, asset.status, asset.permissions) == ("clip 1.mov", "wip", role.ALL)
    assert [(cut.number, cut.video_id, cut.file_name) for cut in asset.cuts] == [(1, 1, "clip 1.mov")]
    assert (await admin.project("GetAsset", asset_id=asset.asset_id)).asset == asset
    assert (await refused(admin.project("CreateAsset", project_id=PROJECT)))[1] == "INVALID_FIELD"


async def test_an_asset_is_made_once(server: ProjectServer, admin: Person) -> None:
    server.videos[2] = ("default", PROJECT)
    fields = {"project_id": PROJECT, "video_id": 2, "request_id": "asset-once"}
    first, second = [(await admin.project("CreateAsset", **fields)).asset for _ in range(2)]
    assert first == second


async def test_an_asset_whose_video_is_refused_is_not_made(admin: Person) -> None:
    project_id = await new_project(admin, "Empty")
    for video_id in (404, -1):
        call = new_asset(admin, project_id, "x", video_id=video_id)
        assert await refused(call) == ("NOT_FOUND", "VIDEO_NOT_FOUND")
    assert (await admin.project("GetProject", project_id=project_id)).project.asset_count == 0


async def test_cuts_are_stacked_each_once(server: ProjectServer, admin: Person) -> None:
    server.videos.update(dict.fromkeys((3, 4), ("default", PROJECT)))
    asset = await new_asset(admin, PROJECT, "Hero", video_id=3)
    fields = {"asset_id": asset.asset_id, "video_id": 4, "request_id": "cut-once"}
    for _ in range(2):
        stacked = (await admin.project("AddCut", **fields)).asset
    assert [(cut.number, cut.video_id) for cut in stacked.cuts] == [(2, 4), (1, 3)]
    again = admin.project("AddCut", asset_id=asset.asset_id, video_id=4)
    assert await refused(again) == ("ABORTED", "CUT_EXISTS")


async def test_a_video_of_a_project_one_may_not_view_cannot_be_stacked(server: ProjectServer, admin: Person) -> None:
    hidden = await new_project(admin, "Hidden")
    server.videos[5] = ("default", hidden)
    member = await invite(admin, PROJECT, "member", "Max")
    assert await refused(new_asset(member, PROJECT, "x", video_id=5)) == ("NOT_FOUND", "VIDEO_NOT_FOUND")
    # Who may not upload there sees what is a cut there, and this is none.
    await admin.access("Grant", project_id=hidden, person_id=member.person_id, role="guest")
    assert await refused(new_asset(member, PROJECT, "x", video_id=5)) == ("NOT_FOUND", "VIDEO_NOT_FOUND")
    await admin.access("Grant", project_id=hidden, person_id=member.person_id, role="member")
    assert (await new_asset(member, PROJECT, "x", video_id=5)).cuts[0].video_id == 5


async def test_a_video_seen_through_a_cut_may_be_stacked_again(server: ProjectServer, admin: Person) -> None:
    hidden = await new_project(admin, "Lender")
    server.videos[6] = ("default", hidden)
    member = await invite(admin, PROJECT, "member", "Moa")
    await new_asset(admin, PROJECT, "lent", video_id=6)
    assert (await new_asset(member, PROJECT, "again", video_id=6)).cuts[0].video_id == 6


async def test_an_asset_changes_name_tags_and_status(admin: Person) -> None:
    asset = await new_asset(admin, PROJECT, "Shot", tags=["b", "a", "b"])
    assert list(asset.tags) == ["a", "b"]
    mask = FieldMask(paths=["tags", "status"])
    change = pb.Asset(asset_id=asset.asset_id, name="ignored", status="approved", etag=asset.etag)
    changed = (await admin.project("UpdateAsset", asset=change, update_mask=mask, request_id="tags")).asset
    assert (changed.name, list(changed.tags), changed.status) == ("Shot", [], "approved")
    assert int(changed.etag) > int(asset.etag)
    assert changed.updated_ms >= asset.updated_ms
    assert (await admin.project("UpdateAsset", asset=change, update_mask=mask, request_id="tags")).asset == changed
    assert await refused(admin.project("UpdateAsset", asset=change)) == ("ABORTED", "ETAG_MISMATCH")
    named = (await admin.project("UpdateAsset", asset=pb.Asset(asset_id=asset.asset_id, name="New"))).asset
    assert (named.name, named.status) == ("New", "approved")
    bad = pb.Asset(asset_id=asset.asset_id, status="done")
    assert (await refused(admin.project("UpdateAsset", asset=bad)))[1] == "INVALID_FIELD"


async def test_assets_are_found_by_words_the_last_changed_first(server: ProjectServer, admin: Person) -> None:
    project_id = await new_project(admin, "Search")
    first = await new_asset(admin, project_id, "Hero Shot", tags=["Night"])
    await new_asset(admin, project_id, "Villain", tags=["night", "rain"])
    await admin.project("UpdateAsset", asset=pb.Asset(asset_id=first.asset_id, status="final"))

    async def find(query: str) -> list[str]:
        answer = await admin.project("ListAssets", project_id=project_id, query=query)
        return [asset.name for asset in answer.assets]

    assert await find("") == ["Hero Shot", "Villain"]
    assert await find("NIGHT") == ["Hero Shot", "Villain"]
    assert await find("rain night") == ["Villain"]
    assert await find("100%") == []


async def test_assets_come_page_by_page(admin: Person) -> None:
    project_id = await new_project(admin, "Many")
    made = [(await new_asset(admin, project_id, f"a{number}")).asset_id for number in range(5)]
    found: list[int] = []
    token = ""
    while True:
        answer = await admin.project("ListAssets", project_id=project_id, page_size=2, page_token=token)
        found += [asset.asset_id for asset in answer.assets]
        token = answer.next_page_token
        if not token:
            break
    assert found == made[::-1]
    page = await admin.project("ListAssets", project_id=project_id, page_size=2)
    foreign = admin.project("ListAssets", project_id=PROJECT, page_token=page.next_page_token)
    assert (await refused(foreign))[1] == "INVALID_PAGE_TOKEN"


async def test_each_role_may_do_what_it_may_and_no_more(admin: Person) -> None:
    project_id = await new_project(admin, "Roles")
    asset = await new_asset(admin, project_id, "Shot")
    people = {name: await invite(admin, project_id, name, name) for name in role.MASKS}
    for name, person in people.items():
        seen = (await person.project("GetAsset", asset_id=asset.asset_id)).asset
        assert seen.permissions == role.mask(name)
        change = person.project("UpdateAsset", asset=pb.Asset(asset_id=asset.asset_id, name=f"by {name}"))
        if role.mask(name) & role.Permission.UPLOAD:
            assert (await change).asset.name == f"by {name}"
        else:
            assert (await refused(change))[0] == "PERMISSION_DENIED"
        rename = person.project("UpdateProject", project=pb.Project(project_id=project_id, name=f"by {name}"))
        if name == "owner":
            assert (await rename).project.name == "by owner"
        else:
            assert (await refused(rename))[0] == "PERMISSION_DENIED"


async def test_whoever_may_view_a_project_is_told_of_each_change_in_it_until_they_may_not(admin: Person) -> None:
    project_id = await new_project(admin, "Watched")
    guest = await invite(admin, project_id, "guest", "Gus")
    stub, request = guest.client.project, pb.WatchProjectRequest(project_id=project_id)
    look = stub.WatchProject(request, metadata=guest.client.metadata, timeout=60)
    assert await look.read() == pb.WatchProjectResponse()
    asset = await new_asset(admin, project_id, "Shot")
    assert await look.read() == pb.WatchProjectResponse()
    await admin.project("DeleteAssets", project_id=project_id, asset_ids=[asset.asset_id])
    assert await look.read() == pb.WatchProjectResponse()
    await admin.access("Revoke", project_id=project_id, person_id=guest.person_id)
    await new_asset(admin, project_id, "Secret")
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await look.read()
    assert reason(ended.value) == ("NOT_FOUND", "PROJECT_NOT_FOUND")
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.WatchProject(request, metadata=guest.client.metadata, timeout=60).read()
    assert refusal.value.code() is grpc.StatusCode.NOT_FOUND


async def test_whoever_signs_out_is_told_of_no_change_any_more_not_even_of_the_next(admin: Person) -> None:
    project_id = await new_project(admin, "Left")
    member = await invite(admin, project_id, "member", "Mo")
    stub, request = member.client.project, pb.WatchProjectRequest(project_id=project_id)
    look = stub.WatchProject(request, metadata=member.client.metadata, timeout=60)
    assert await look.read() == pb.WatchProjectResponse()
    await member.identity("SignOut", session_secret=member.session_secret)
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await look.read()
    assert reason(ended.value) == ("UNAUTHENTICATED", "SESSION_ENDED")
