"""Folders, tags, the trash, statuses and lists of a running svc_project."""

from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any

import grpc
import jwt
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from rushes.project.v1 import access_service_pb2 as access_pb
from rushes.project.v1 import audit_service_pb2 as audit_pb
from rushes.project.v1 import identity_service_pb2 as identity_pb
from rushes.project.v1 import project_service_pb2 as pb
from rushes.type.v1 import access_pb2
from svc_project.core import role
from tests.integration.project_server import Client, Person, ProjectServer, invite, reason, serving, sign_in


@pytest.fixture(scope="module")
def server() -> Iterator[ProjectServer]:
    with serving() as running:
        yield running


@pytest.fixture
async def admin(server: ProjectServer) -> AsyncIterator[Person]:
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield await sign_in(Client(channel), **server.first_sign_in())


@pytest.fixture
async def project_id(admin: Person) -> int:
    found: int = (await admin.project("CreateProject", name="Film")).project.project_id
    return found


async def refused(call: Awaitable[Any]) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return reason(error.value)[1]


async def new_asset(person: Person, project_id: int, name: str, **fields: Any) -> int:
    made = await person.project("CreateAsset", project_id=project_id, name=name, **fields)
    asset_id: int = made.asset.asset_id
    return asset_id


async def new_folder(person: Person, project_id: int, name: str, parent_id: int = 0) -> pb.Folder:
    made = await person.project("CreateFolder", project_id=project_id, parent_id=parent_id, name=name)
    folder: pb.Folder = made.folder
    return folder


async def names(person: Person, project_id: int, **wanted: Any) -> list[str]:
    """Names of what is listed, page after page of one."""
    found, token = [], ""
    while True:
        page = await person.project("ListAssets", project_id=project_id, page_size=1, page_token=token, **wanted)
        found += [asset.name for asset in page.assets]
        token = page.next_page_token
        if not token:
            assert page.total_size == len(found)
            return found


async def may(person: Person, video_id: int) -> int:
    """What a person may do with a video."""
    claims = jwt.decode(person.token, options={"verify_signature": False})
    resource = access_pb2.Resource(kind=access_pb2.RESOURCE_KIND_VIDEO, id=str(video_id))
    request = access_pb.ResolveAccessRequest(
        person_id=person.person_id, session_id=claims["sid"], tenant_id="default", resources=[resource]
    )
    client = person.client.signed("", "svc_media")
    mask: int = (await client.call(client.access.ResolveAccess, request)).permissions[0]
    return mask


async def test_assets_stand_in_folders_and_are_listed_by_what_they_are(admin: Person, project_id: int) -> None:
    act = await new_folder(admin, project_id, "Act 1")
    first = await new_asset(admin, project_id, "b", folder_id=act.folder_id, tags=["sea", "day"])
    second = await new_asset(admin, project_id, "A", tags=["day"])
    status = FieldMask(paths=["status"])
    await admin.project("UpdateAsset", asset=pb.Asset(asset_id=second, status="final"), update_mask=status)
    assert await names(admin, project_id) == ["A", "b"]
    assert await names(admin, project_id, order=pb.ASSET_ORDER_NAME) == ["A", "b"]
    assert await names(admin, project_id, order=pb.ASSET_ORDER_CREATED) == ["A", "b"]
    assert await names(admin, project_id, order=pb.ASSET_ORDER_STATUS) == ["b", "A"]
    assert await names(admin, project_id, folder_id=act.folder_id) == ["b"]
    assert await names(admin, project_id, folder_id=0) == ["A"]
    assert await names(admin, project_id, tags=["day", "sea"]) == ["b"]
    assert await names(admin, project_id, statuses=["final", "retake"]) == ["A"]
    assert await names(admin, project_id, query="B", tags=["day"]) == ["b"]
    listed = await admin.project("ListTags", project_id=project_id)
    assert [(each.tag, each.asset_count) for each in listed.tags] == [("day", 2), ("sea", 1)]
    move = pb.Asset(asset_id=first, folder_id=0)
    moved = await admin.project("UpdateAsset", asset=move, update_mask=FieldMask(paths=["folder_id"]))
    assert moved.asset.folder_id == 0
    elsewhere = pb.Asset(asset_id=first, folder_id=2**40)
    assert await refused(admin.project("UpdateAsset", asset=elsewhere)) == "FOLDER_NOT_FOUND"
    assert await refused(admin.project("ListAssets", project_id=project_id, folder_id=-1)) == "FOLDER_NOT_FOUND"


async def test_a_token_of_one_order_is_none_of_another(admin: Person, project_id: int) -> None:
    for name in "ab":
        await new_asset(admin, project_id, name)
    page = await admin.project("ListAssets", project_id=project_id, page_size=1, order=pb.ASSET_ORDER_NAME)
    other = {"project_id": project_id, "page_token": page.next_page_token, "order": pb.ASSET_ORDER_CREATED}
    assert await refused(admin.project("ListAssets", **other)) == "INVALID_PAGE_TOKEN"
    assert await refused(admin.project("ListAssets", project_id=project_id, order=9)) == "INVALID_FIELD"


async def test_folders_are_made_once_renamed_and_moved_but_never_into_themselves(
    admin: Person, project_id: int
) -> None:
    fields = {"project_id": project_id, "name": " Act 1 ", "request_id": "folder-once"}
    first, again = [(await admin.project("CreateFolder", **fields)).folder for _ in range(2)]
    assert (first, first.name, first.parent_id) == (again, "Act 1", 0)
    assert await refused(new_folder(admin, project_id, "act 1")) == "FOLDER_EXISTS"
    inner = await new_folder(admin, project_id, "Scene", first.folder_id)

    async def change(folder_id: int, **fields: Any) -> pb.Folder:
        etag = fields.pop("etag", "")
        wanted = pb.Folder(project_id=project_id, folder_id=folder_id, etag=etag, **fields)
        mask = FieldMask(paths=[*fields])
        folder: pb.Folder = (await admin.project("UpdateFolder", folder=wanted, update_mask=mask)).folder
        return folder

    for into in (inner.folder_id, first.folder_id):
        assert await refused(change(first.folder_id, parent_id=into)) == "FOLDER_IN_ITSELF"
    assert await refused(change(first.folder_id, parent_id=2**40)) == "FOLDER_NOT_FOUND"
    assert (await change(inner.folder_id, parent_id=0, name="Scene 1")).parent_id == 0
    assert await refused(change(inner.folder_id, name="x", etag="1")) == "ETAG_MISMATCH"
    listed = (await admin.project("ListFolders", project_id=project_id)).folders
    assert [folder.name for folder in listed] == ["Act 1", "Scene 1"]


async def test_folders_are_sixteen_deep_at_most(admin: Person, project_id: int) -> None:
    parent = 0
    for depth in range(16):
        parent = (await new_folder(admin, project_id, f"{depth}", parent)).folder_id
    assert await refused(new_folder(admin, project_id, "too deep", parent)) == "FOLDERS_TOO_DEEP"
    pair = await new_folder(admin, project_id, "pair")
    await new_folder(admin, project_id, "inside", pair.folder_id)
    above = (await admin.project("ListFolders", project_id=project_id)).folders
    fifteenth = next(folder.folder_id for folder in above if folder.name == "14")
    move = pb.Folder(project_id=project_id, folder_id=pair.folder_id, parent_id=fifteenth)
    assert await refused(admin.project("UpdateFolder", folder=move)) == "FOLDERS_TOO_DEEP"


async def test_what_was_in_a_folder_that_is_removed_stays(admin: Person, project_id: int) -> None:
    outer = await new_folder(admin, project_id, "outer")
    inner = await new_folder(admin, project_id, "inner", outer.folder_id)
    await new_asset(admin, project_id, "Shot", folder_id=inner.folder_id)
    fields = {"project_id": project_id, "folder_id": inner.folder_id, "request_id": "remove-once"}
    for _ in range(2):
        await admin.project("DeleteFolder", **fields)
    assert await names(admin, project_id, folder_id=outer.folder_id) == ["Shot"]
    again = admin.project("DeleteFolder", project_id=project_id, folder_id=inner.folder_id)
    assert await refused(again) == "FOLDER_NOT_FOUND"


async def test_many_assets_change_at_once_all_or_none(admin: Person, project_id: int) -> None:
    folder = await new_folder(admin, project_id, "Done")
    ids = [await new_asset(admin, project_id, name, tags=["day"]) for name in "abc"]
    fields = {
        "project_id": project_id,
        "asset_ids": ids[:2],
        "status": "approved",
        "folder_id": folder.folder_id,
        "add_tags": ["hero"],
        "remove_tags": ["day"],
        "request_id": "batch-once",
    }
    first, again = [(await admin.project("BatchUpdateAssets", **fields)).assets for _ in range(2)]
    assert first == again
    assert [(one.asset_id, one.status, list(one.tags), one.folder_id) for one in first] == [
        (asset_id, "approved", ["hero"], folder.folder_id) for asset_id in ids[:2]
    ]
    wrongs: list[dict[str, Any]] = [
        {"asset_ids": []},
        {"asset_ids": [ids[0]] * 2},
        {"asset_ids": ids, "status": "done"},
    ]
    for wrong in wrongs:
        call = admin.project("BatchUpdateAssets", project_id=project_id, **wrong)
        assert await refused(call) == "INVALID_FIELD"
    other = (await admin.project("CreateProject", name="Other")).project.project_id
    theirs = await new_asset(admin, other, "theirs")
    for asset_id in (theirs, 2**40, -1):
        call = admin.project("BatchUpdateAssets", project_id=project_id, asset_ids=[ids[2], asset_id], status="omit")
        assert await refused(call) == "ASSET_NOT_FOUND"
    assert (await admin.project("GetAsset", asset_id=ids[2])).asset.status == "wip"


async def test_what_is_in_the_trash_is_there_for_those_alone_who_can_restore_it(
    server: ProjectServer, admin: Person, project_id: int
) -> None:
    server.videos[71] = ("default", project_id)
    shot = await new_asset(admin, project_id, "Shot", video_id=71)
    people = {name: await invite(admin, project_id, name, name) for name in role.MASKS}
    chosen = {"project_id": project_id, "asset_ids": [shot]}
    assert await refused(people["owner"].project("PurgeAssets", **chosen)) == "ASSET_NOT_IN_TRASH"
    assert (await refused(people["guest"].project("DeleteAssets", **chosen))) == "PERMISSION_MISSING"
    for _ in range(2):
        await people["member"].project("DeleteAssets", **chosen)
    for name, person in people.items():
        able = bool(role.mask(name) & role.Permission.UPLOAD)
        assert await names(person, project_id) == []
        assert await names(person, project_id, deleted=True) == (["Shot"] if able else [])
        assert await may(person, 71) == (role.mask(name) if able else 0)
        if able:
            assert (await person.project("GetAsset", asset_id=shot)).asset.deleted_ms > 0
        else:
            assert await refused(person.project("GetAsset", asset_id=shot)) == "ASSET_NOT_FOUND"
    for change in (
        admin.project("UpdateAsset", asset=pb.Asset(asset_id=shot, name="x")),
        admin.project("BatchUpdateAssets", **chosen, status="final"),
        admin.project("AddCut", asset_id=shot, video_id=71),
        admin.project("UpdateCut", asset_id=shot, cut=pb.Cut(number=1, status="final")),
    ):
        assert await refused(change) == "ASSET_IN_TRASH"
    restored = (await people["member"].project("RestoreAssets", **chosen)).assets
    assert [(asset.name, asset.deleted_ms, asset.cuts[0].video_id) for asset in restored] == [("Shot", 0, 71)]
    assert await may(people["guest"], 71) == role.mask("guest")
    await people["member"].project("DeleteAssets", **chosen)
    assert await refused(people["member"].project("PurgeAssets", **chosen)) == "PERMISSION_MISSING"
    for _ in range(2):
        await people["owner"].project("PurgeAssets", **chosen, request_id="purge-once")
    assert await names(people["owner"], project_id, deleted=True) == []
    assert await may(people["owner"], 71) == 0
    # Services that have something of the video hear of it, and it is never a cut again.
    media = Client(admin.client._channel, service="svc_media")
    asked = pb.ListPurgedVideosRequest()
    purged = (await media.call(media.project.ListPurgedVideos, asked)).videos
    assert [(each.tenant_id, each.project_id) for each in purged if each.video_id == 71] == [("default", project_id)]
    assert await refused(admin.client.call(admin.client.project.ListPurgedVideos, asked)) == "SERVICE_NOT_ALLOWED"
    again = await new_asset(admin, project_id, "Again")
    assert await refused(admin.project("AddCut", asset_id=again, video_id=71)) == "VIDEO_NOT_FOUND"
    await admin.project("DeleteAssets", project_id=project_id, asset_ids=[again])
    await admin.project("PurgeAssets", project_id=project_id, asset_ids=[again])


async def test_what_was_restored_is_in_no_folder_where_its_own_is_gone(admin: Person, project_id: int) -> None:
    folder = await new_folder(admin, project_id, "Gone")
    shot = await new_asset(admin, project_id, "Shot", folder_id=folder.folder_id)
    chosen = {"project_id": project_id, "asset_ids": [shot]}
    await admin.project("DeleteAssets", **chosen)
    await admin.project("DeleteFolder", project_id=project_id, folder_id=folder.folder_id)
    assert [asset.folder_id for asset in (await admin.project("RestoreAssets", **chosen)).assets] == [0]


async def test_a_project_says_what_a_status_may_be(server: ProjectServer, admin: Person, project_id: int) -> None:
    server.videos[72] = ("default", project_id)
    shot = await new_asset(admin, project_id, "Shot", video_id=72)
    wanted = pb.Project(project_id=project_id, statuses=["open", "shot"])
    changed = (await admin.project("UpdateProject", project=wanted)).project
    assert (changed.name, list(changed.statuses), changed.etag) == ("Film", ["open", "shot"], "2")
    assert (await admin.project("GetAsset", asset_id=shot)).asset.status == "wip"
    asset = (await admin.project("CreateAsset", project_id=project_id, name="New")).asset
    assert asset.status == "open"
    assert await refused(admin.project("UpdateAsset", asset=pb.Asset(asset_id=shot, status="wip"))) == "INVALID_FIELD"
    cut = (await admin.project("UpdateCut", asset_id=shot, cut=pb.Cut(number=1, status="shot"))).asset.cuts[0]
    assert cut.status == "shot"
    unset = {"cut": pb.Cut(number=1), "update_mask": FieldMask(paths=["status"])}
    assert (await admin.project("UpdateCut", asset_id=shot, **unset)).asset.cuts[0].status == ""
    for number, status, why in ((1, "wip", "INVALID_FIELD"), (2, "shot", "CUT_NOT_FOUND")):
        call = admin.project("UpdateCut", asset_id=shot, cut=pb.Cut(number=number, status=status))
        assert await refused(call) == why
    none = pb.Project(project_id=project_id)
    empty = admin.project("UpdateProject", project=none, update_mask=FieldMask(paths=["statuses"]))
    assert await refused(empty) == "INVALID_FIELD"


async def test_a_client_approves_a_cut_and_the_asset_has_the_status_of_its_newest(
    server: ProjectServer, admin: Person, project_id: int
) -> None:
    for video_id in (74, 75):
        server.videos[video_id] = ("default", project_id)
    shot = await new_asset(admin, project_id, "Shot", video_id=74)
    await admin.project("AddCut", asset_id=shot, video_id=75)
    client = await invite(admin, project_id, "client", "Clio")
    guest = await invite(admin, project_id, "guest", "Gus")

    async def choose(number: int, status: str, who: Person = client) -> pb.Asset:
        asked = who.project("UpdateCut", asset_id=shot, cut=pb.Cut(number=number, status=status), request_id=status)
        asset: pb.Asset = (await asked).asset
        return asset

    older = await choose(1, "retake")
    assert (older.status, older.cuts[1].status, older.cuts[1].status_by) == ("wip", "retake", client.person_id)
    assert older.cuts[1].status_ms > 0
    for _ in range(2):
        newest = await choose(2, "approved")
        assert (newest.status, newest.cuts[0].status) == ("approved", "approved")
    assert newest.etag == (await admin.project("GetAsset", asset_id=shot)).asset.etag
    await admin.project("UpdateAsset", asset=pb.Asset(asset_id=shot, status="wip"))
    again = {"cut": pb.Cut(number=2, status="approved"), "request_id": "again"}
    assert (await client.project("UpdateCut", asset_id=shot, **again)).asset.status == "approved"
    assert await refused(choose(2, "final", guest)) == "PERMISSION_MISSING"
    assert await refused(client.project("UpdateAsset", asset=pb.Asset(asset_id=shot, name="x"))) == "PERMISSION_MISSING"


async def test_who_only_approves_a_cut_decides_and_gives_it_no_other_status(
    server: ProjectServer, admin: Person, project_id: int
) -> None:
    server.videos[76] = ("default", project_id)
    shot = await new_asset(admin, project_id, "Shot", video_id=76)
    client = await invite(admin, project_id, "client", "Clio")
    mask = FieldMask(paths=["status"])

    async def choose(status: str, who: Person = client) -> str:
        cut = pb.Cut(number=1, status=status)
        answer = await who.project("UpdateCut", asset_id=shot, cut=cut, update_mask=mask)
        return str(answer.asset.status)

    assert await choose("could be better") == "could be better"
    for status in ("final", "omit", "wip", ""):
        assert await refused(choose(status)) == "NOT_A_DECISION"
    assert await choose("final", admin) == "final"
    await admin.project("UpdateProject", project=pb.Project(project_id=project_id, statuses=["open", "shot"]))
    assert await choose("shot") == "shot"
    assert await refused(choose("")) == "NOT_A_DECISION"
    assert await refused(choose("approved")) == "INVALID_FIELD"


async def test_all_of_it_is_in_the_trail(admin: Person, project_id: int) -> None:
    folder = await new_folder(admin, project_id, "Trail")
    shot = await new_asset(admin, project_id, "Shot")
    chosen = {"project_id": project_id, "asset_ids": [shot]}
    rename = pb.Folder(project_id=project_id, folder_id=folder.folder_id, name="x")
    await admin.project("UpdateFolder", folder=rename)
    await admin.project("BatchUpdateAssets", **chosen, status="final")
    await admin.project("DeleteAssets", **chosen)
    await admin.project("RestoreAssets", **chosen)
    await admin.project("DeleteAssets", **chosen)
    await admin.project("PurgeAssets", **chosen)
    await admin.project("DeleteFolder", project_id=project_id, folder_id=folder.folder_id)
    listed = await admin.client.call(admin.client.audit.ListEvents, audit_pb.ListEventsRequest(page_size=1000))
    assert listed.intact
    actions = [(each.event.action, each.event.resource) for each in listed.events][-9:]
    here, place = f"project/{project_id}", f"project/{project_id}/folder/{folder.folder_id}"
    assert actions == [
        ("folder.create", place),
        ("asset.create", f"asset/{shot}"),
        ("folder.update", place),
        ("asset.batch_update", here),
        ("asset.delete", here),
        ("asset.restore", here),
        ("asset.delete", here),
        ("asset.purge", f"asset/{shot}"),
        ("folder.delete", place),
    ]


async def test_settings_are_ones_own_and_change_only_as_they_were_seen(admin: Person, project_id: int) -> None:
    guest = await invite(admin, project_id, "guest", "Gast")

    async def put(person: Person, name: str, value: str, **fields: str) -> Any:
        setting = identity_pb.Setting(name=name, value_json=value, etag=fields.pop("etag", ""))
        return (await person.identity("UpdateSettings", setting=setting, **fields)).setting

    async def get(person: Person, *wanted: str) -> list[tuple[str, str]]:
        answer = await person.identity("GetSettings", names=wanted)
        return [(setting.name, setting.value_json) for setting in answer.settings]

    made = await put(guest, "read/7", "[1]", etag="0", request_id="read-once")
    assert made == await put(guest, "read/7", "[1]", etag="0", request_id="read-once")
    assert made.etag == "1"
    assert await refused(put(guest, "read/7", "2", etag="0")) == "ETAG_MISMATCH"
    await put(guest, "keys", "{}")
    assert await get(guest) == [("keys", "{}")]
    assert await get(guest, "read/") == [("read/7", "[1]")]
    assert await get(admin, "read/", "keys") == []
    assert (await put(guest, "keys", "")).etag == "0"
    assert await get(guest) == []
    for name, value in (("", "1"), ("a b", "1"), ("read/", "1"), ("x", "{")):
        assert await refused(put(guest, name, value)) == "INVALID_FIELD"
    assert await refused(get(guest, *("x" * 101))) == "INVALID_FIELD"


async def test_settings_have_an_end(admin: Person, project_id: int) -> None:
    guest = await invite(admin, project_id, "guest", "Viel")
    large = '"' + "x" * 65_000 + '"'

    async def put(number: int) -> None:
        await guest.identity("UpdateSettings", setting=identity_pb.Setting(name=f"n{number}", value_json=large))

    for number in range(64):
        await put(number)
    assert await refused(put(64)) == "SETTINGS_FULL"
    assert len((await guest.identity("GetSettings")).settings) == 64


async def test_a_project_of_which_nothing_is_left_is_deleted_by_its_owner_and_gone_for_everybody(admin: Person) -> None:
    project_id = (await admin.project("CreateProject", name="Done")).project.project_id
    people = {name: await invite(admin, project_id, name, name) for name in ("owner", "member")}
    await new_folder(admin, project_id, "Act 1")
    shot = await new_asset(admin, project_id, "Shot")
    gone = {"project_id": project_id, "request_id": "gone"}
    assert await refused(people["member"].project("DeleteProject", **gone)) == "PERMISSION_MISSING"
    assert await refused(people["owner"].project("DeleteProject", **gone)) == "PROJECT_NOT_EMPTY"
    await admin.project("DeleteAssets", project_id=project_id, asset_ids=[shot])
    assert await refused(people["owner"].project("DeleteProject", **gone)) == "PROJECT_NOT_EMPTY"
    await admin.project("PurgeAssets", project_id=project_id, asset_ids=[shot])
    for _ in range(2):
        await people["owner"].project("DeleteProject", **gone)
    for person in (admin, people["owner"]):  # it was none of the administrator's, nor is another request the same
        with pytest.raises(grpc.aio.AioRpcError) as again:
            await person.project("DeleteProject", project_id=project_id, request_id=person.person_id)
        assert again.value.code() is grpc.StatusCode.NOT_FOUND
    assert await refused(people["owner"].project("DeleteProject", project_id=99, request_id="gone")) == "ALREADY_USED"
    for person in (admin, *people.values()):
        assert project_id not in [each.project_id for each in (await person.project("ListProjects")).projects]
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await person.project("GetProject", project_id=project_id)
        assert error.value.code() is grpc.StatusCode.NOT_FOUND
    listed = await admin.client.call(admin.client.audit.ListEvents, audit_pb.ListEventsRequest(page_size=1000))
    assert listed.intact
    assert [each.event.resource for each in listed.events if each.event.action == "project.delete"] == [
        f"project/{project_id}"
    ]
    # Its number is given to no other.
    assert (await admin.project("CreateProject", name="Next")).project.project_id == project_id + 1
