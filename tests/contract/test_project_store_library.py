"""What every adapter of svc_project's store promises about assets in lists, folders, the trash and settings."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text as sql

from mesh.sql import Database
from svc_project.core import text
from svc_project.core.errors import FolderExists
from svc_project.core.model import (
    Asset,
    AssetFilter,
    AssetId,
    Folder,
    FolderId,
    Order,
    Project,
    ProjectId,
    Setting,
    VideoId,
    Who,
)
from svc_project.core.page import Key
from svc_project.stores import Store, Unit
from svc_project.stores.sql import SqlStore
from tests.contract.project_stores import ANNA, BEN, ONE, TWO, ZOE, new_asset, person, seed, stack, video

pytest_plugins = ["tests.contract.project_fixtures"]

SPOT = ProjectId(1)


def project(unit: Unit, project_id: int = 1) -> Project:
    found = unit.projects.get(ONE if project_id == 1 else TWO, ProjectId(project_id))
    assert found is not None
    return found


async def listed(store: Store, wanted: AssetFilter, after: Key | None = None, limit: int = 9) -> list[Asset]:
    return list(await store.run(lambda unit: unit.assets.page(project(unit), wanted, after, limit)))


async def names(store: Store, wanted: AssetFilter, after: Key | None = None, limit: int = 9) -> list[str]:
    return [asset.name for asset in await listed(store, wanted, after, limit)]


def change(unit: Unit, asset_id: AssetId, **fields: object) -> None:
    asset = unit.assets.get(ONE, asset_id)
    assert asset is not None
    unit.assets.save(replace(asset, **fields))  # type: ignore[arg-type]


def new_folder(unit: Unit, name: str, parent_id: int = 0) -> FolderId:
    parent = FolderId(parent_id)
    return unit.folders.add(Folder(FolderId(0), ONE, SPOT, parent, name, text.sort_key(name), 1, 1))


def folder(unit: Unit, folder_id: FolderId) -> Folder:
    found = unit.folders.get(ONE, SPOT, folder_id)
    assert found is not None
    return found


async def test_assets_come_the_last_changed_first(store: Store) -> None:
    for name, now_ms in (("a", 3), ("b", 5), ("c", 5), ("d", 1)):
        await store.run(lambda unit, name=name, now_ms=now_ms: new_asset(unit, name, now_ms=now_ms))  # type: ignore[misc]
    first = await listed(store, AssetFilter(), limit=2)
    assert [asset.name for asset in first] == ["c", "b"]
    assert await names(store, AssetFilter(), (5, first[-1].asset_id)) == ["a", "d"]
    assert await store.run(lambda unit: unit.assets.page(project(unit, 2), AssetFilter(), None, 9)) == []


async def test_assets_are_found_by_all_words_in_name_or_tags(store: Store) -> None:
    await store.run(lambda unit: new_asset(unit, "Hero SHOT 100%", tags=("Night",)))
    await store.run(lambda unit: new_asset(unit, "Hero_2", tags=("day",)))

    async def find(query: str) -> list[str]:
        return await names(store, AssetFilter(words=text.search_words(query)))

    assert await find("hero") == ["Hero_2", "Hero SHOT 100%"]
    assert await find("NIGHT shot") == ["Hero SHOT 100%"]
    assert await find("day shot") == []
    assert await find("100%") == ["Hero SHOT 100%"]
    assert await find("o_2") == ["Hero_2"]
    assert await find("%") == ["Hero SHOT 100%"]
    assert await find("\\") == []


async def test_assets_come_by_name_by_age_and_by_status(store: Store) -> None:
    def work(unit: Unit) -> None:
        for name, status, now_ms in (("b", "retake", 1), ("A", "wip", 2), ("c", "gone", 3), ("d", "wip", 4)):
            change(unit, new_asset(unit, name, now_ms=now_ms), status=status, updated_ms=10 - now_ms)

    await store.run(work)
    assert await names(store, AssetFilter(order=Order.NAME)) == ["A", "b", "c", "d"]
    assert await names(store, AssetFilter(order=Order.NAME), ("b", 1)) == ["c", "d"]
    assert await names(store, AssetFilter(order=Order.CREATED)) == ["d", "c", "A", "b"]
    assert await names(store, AssetFilter(order=Order.CREATED), (3, 3)) == ["A", "b"]
    assert await names(store, AssetFilter(order=Order.STATUS)) == ["A", "d", "b", "c"]
    assert await names(store, AssetFilter(order=Order.STATUS), (0, 8, 2)) == ["d", "b", "c"]
    assert await names(store, AssetFilter(order=Order.STATUS), (2, 9, 1)) == ["c"]


async def test_assets_are_found_by_tags_status_and_folder_and_counted(store: Store) -> None:
    def work(unit: Unit) -> None:
        inside = new_folder(unit, "Act 1")
        change(unit, new_asset(unit, "a", tags=("day", "sea")), folder_id=inside, status="final")
        new_asset(unit, "b", tags=("day",))
        new_asset(unit, "c", tags=("daylight",))

    await store.run(work)
    for wanted, found in (
        (AssetFilter(tags=("day",)), ["b", "a"]),
        (AssetFilter(tags=("day", "sea")), ["a"]),
        (AssetFilter(statuses=("final", "retake")), ["a"]),
        (AssetFilter(folder_id=FolderId(1)), ["a"]),
        (AssetFilter(folder_id=FolderId(0)), ["c", "b"]),
        (AssetFilter(folder_id=FolderId(0), tags=("sea",)), []),
    ):
        assert await names(store, wanted) == found
        assert await store.run(lambda unit, wanted=wanted: unit.assets.count(project(unit), wanted)) == len(found)  # type: ignore[misc]
    tags = await store.run(lambda unit: unit.assets.tags(ONE, SPOT, None, 2))
    assert tags == [("day", 2), ("daylight", 1)]
    assert await store.run(lambda unit: unit.assets.tags(ONE, SPOT, ("daylight",), 9)) == [("sea", 1)]
    assert await store.run(lambda unit: unit.assets.tags(TWO, SPOT, None, 9)) == []


async def test_several_assets_are_asked_for_at_once_of_their_project_alone(store: Store) -> None:
    def work(unit: Unit) -> list[AssetId]:
        unit.projects.add(ONE, "Second", "second", 1)
        return [new_asset(unit, "a"), new_asset(unit, "b"), new_asset(unit, "c", project_id=3)]

    ids = await store.run(work)
    found = await store.run(lambda unit: unit.assets.named(ONE, SPOT, [*reversed(ids), AssetId(99)]))
    assert [asset.name for asset in found] == ["a", "b"]
    assert await store.run(lambda unit: unit.assets.named(TWO, SPOT, ids)) == []


async def test_what_is_in_the_trash_is_listed_there_alone_and_goes_for_good(store: Store) -> None:
    def work(unit: Unit) -> AssetId:
        unit.access.put(ONE, SPOT, BEN, "guest", 2)
        asset_id = new_asset(unit, "a", tags=("day",))
        stack(unit, asset_id, video(7))
        change(unit, asset_id, deleted_ms=5)
        new_asset(unit, "b")
        return asset_id

    gone = await store.run(work)
    assert await names(store, AssetFilter()) == ["b"]
    assert await names(store, AssetFilter(deleted=True)) == ["a"]
    assert await store.run(lambda unit: project(unit).asset_count) == 1
    assert await store.run(lambda unit: unit.assets.tags(ONE, SPOT, None, 9)) == []
    paths = await store.run(lambda unit: unit.access.video_paths(person(BEN), VideoId(7)))
    assert [path.in_trash for path in paths] == [True]
    await store.run(lambda unit: unit.assets.purge([gone], 9))
    assert await store.run(lambda unit: unit.assets.get(ONE, gone)) is None
    assert await store.run(lambda unit: unit.access.video_paths(person(BEN), VideoId(7))) == []
    assert await store.run(lambda unit: new_asset(unit, "c")) == gone + 2


async def test_a_video_is_purged_with_the_last_cut_of_it_and_named_once(store: Store) -> None:
    def work(unit: Unit) -> list[AssetId]:
        made = [new_asset(unit, name) for name in "abc"]
        for asset_id, video_id in ((made[0], 7), (made[0], 8), (made[1], 8), (made[1], 9), (made[2], 8)):
            stack(unit, asset_id, video(video_id))
        return made

    a, b, c = await store.run(work)
    await store.run(lambda unit: unit.assets.purge([a], 5))
    assert [each.video_id for each in await store.run(lambda unit: unit.assets.purged(0, 9))] == [7]
    # A video that two of them have is named once.
    await store.run(lambda unit: unit.assets.purge([b, c], 6))
    found = await store.run(lambda unit: unit.assets.purged(0, 9))
    assert [(each.time_ms, each.tenant_id, each.project_id) for each in found] == [
        (5, ONE, SPOT),
        *[(6, ONE, SPOT)] * 2,
    ]
    assert {each.video_id for each in found[1:]} == {8, 9}
    assert await store.run(lambda unit: unit.assets.purged(found[0].number, 1)) == found[1:2]
    assert await store.run(lambda unit: [unit.assets.is_purged(VideoId(each)) for each in (8, 10)]) == [True, False]


async def test_a_purged_video_that_has_a_cut_is_not_named_until_that_is_purged_too(store: Store) -> None:
    def work(unit: Unit, name: str) -> AssetId:
        made = new_asset(unit, name)
        stack(unit, made, video(7))
        return made

    first = await store.run(lambda unit: work(unit, "a"))
    await store.run(lambda unit: unit.assets.purge([first], 5))
    (before,) = await store.run(lambda unit: unit.assets.purged(0, 9))
    again = await store.run(lambda unit: work(unit, "b"))
    assert await store.run(lambda unit: unit.assets.purged(0, 9)) == []
    await store.run(lambda unit: unit.assets.purge([again], 6))
    # Whoever has read past the first time hears of it.
    (after,) = await store.run(lambda unit: unit.assets.purged(before.number, 9))
    assert (after.video_id, after.time_ms) == (7, 6)


async def test_a_cut_has_a_status_of_its_own(store: Store) -> None:
    def work(unit: Unit) -> AssetId:
        asset_id = new_asset(unit, "a")
        stack(unit, asset_id, video(7))
        stack(unit, asset_id, video(8))
        unit.assets.set_cut_status(asset_id, 1, "retake", BEN, 9)
        return asset_id

    asset_id = await store.run(work)
    asset = await store.run(lambda unit: unit.assets.get(ONE, asset_id))
    assert asset is not None
    chosen = [(cut.number, cut.status, cut.status_by, cut.status_ms) for cut in asset.cuts]
    assert chosen == [(2, "", "", 0), (1, "retake", BEN, 9)]


async def test_folders_come_by_name_with_their_assets_counted(store: Store) -> None:
    def work(unit: Unit) -> None:
        top = new_folder(unit, "b")
        new_folder(unit, "A", top)
        change(unit, new_asset(unit, "x"), folder_id=top)
        change(unit, new_asset(unit, "y"), folder_id=top, deleted_ms=4)

    await store.run(work)
    found = await store.run(lambda unit: unit.folders.page(ONE, SPOT, None, 9))
    assert [(each.name, each.parent_id, each.asset_count) for each in found] == [("A", 1, 0), ("b", 0, 1)]
    assert await store.run(lambda unit: unit.folders.page(ONE, SPOT, ("a", 2), 9)) == found[1:]
    assert await store.run(lambda unit: unit.folders.page(TWO, SPOT, None, 9)) == []
    assert await store.run(lambda unit: unit.folders.get(TWO, SPOT, FolderId(1))) is None
    assert await store.run(lambda unit: unit.folders.get(ONE, ProjectId(2), FolderId(1))) is None
    assert await store.run(lambda unit: unit.folders.count(ONE, SPOT)) == 2


async def test_a_folders_name_is_there_once_in_its_place(store: Store) -> None:
    top = await store.run(lambda unit: new_folder(unit, "Act"))
    for taken in ("Act", "ACT"):
        with pytest.raises(FolderExists):
            await store.run(lambda unit, taken=taken: new_folder(unit, taken))  # type: ignore[misc]
    inner = await store.run(lambda unit: new_folder(unit, "Act", top))
    with pytest.raises(FolderExists):
        await store.run(lambda unit: unit.folders.save(replace(folder(unit, inner), parent_id=FolderId(0))))
    await store.run(lambda unit: unit.folders.save(replace(folder(unit, inner), name="Act", version=2)))


async def test_what_was_in_a_folder_that_is_removed_is_where_it_was(store: Store) -> None:
    def work(unit: Unit) -> tuple[AssetId, AssetId]:
        top, other = new_folder(unit, "top"), new_folder(unit, "same")
        middle = new_folder(unit, "middle", top)
        new_folder(unit, "middle", middle)
        asset, trashed = new_asset(unit, "a"), new_asset(unit, "b")
        change(unit, asset, folder_id=middle)
        change(unit, trashed, folder_id=middle, deleted_ms=3)
        unit.folders.remove(folder(unit, middle))
        new_folder(unit, "same", top)
        assert other == 2
        return asset, trashed

    for asset_id in await store.run(work):
        asset = await store.run(lambda unit, asset_id=asset_id: unit.assets.get(ONE, asset_id))  # type: ignore[misc]
        assert asset is not None
        assert asset.folder_id == 1
    found = await store.run(lambda unit: unit.folders.page(ONE, SPOT, None, 9))
    assert [(each.name, each.parent_id) for each in found] == [("middle", 1), ("same", 0), ("same", 1), ("top", 0)]
    with pytest.raises(FolderExists):
        await store.run(lambda unit: unit.folders.remove(folder(unit, FolderId(1))))
    assert await store.run(lambda unit: unit.folders.count(ONE, SPOT)) == 4


async def test_settings_are_kept_for_each_person_and_found_by_name_or_by_how_it_begins(store: Store) -> None:
    anna, ben, zoe = Who(ONE, ANNA), Who(ONE, BEN), Who(TWO, ZOE)
    given = [Setting("keys", "{}", 1), Setting("read/1", "[1]", 1), Setting("read/2", "2", 4), Setting("ready", "0", 1)]

    def work(unit: Unit) -> None:
        for setting in given:
            unit.settings.put(anna, setting)
        unit.settings.put(ben, Setting("keys", "1", 1))

    await store.run(work)

    async def find(who: Who, *wanted: str, limit: int = 9) -> list[Setting]:
        return list(await store.run(lambda unit: unit.settings.find(who, wanted, limit)))

    assert await find(anna) == [given[0], given[3]]
    assert await find(anna, "read/") == given[1:3]
    assert await find(anna, "read/2", "keys", "none") == [given[0], given[2]]
    assert await find(anna, "read/", limit=1) == given[1:2]
    assert await find(ben) == [Setting("keys", "1", 1)]
    assert await find(zoe, "keys") == []
    assert await store.run(lambda unit: unit.settings.size(anna)) == (4, 4 + 2 + 6 + 3 + 6 + 1 + 5 + 1)
    await store.run(lambda unit: unit.settings.put(anna, Setting("keys", "{}{}", 2)))
    await store.run(lambda unit: unit.settings.remove(anna, "read/1"))
    assert await find(anna, "keys", "read/") == [Setting("keys", "{}{}", 2), given[2]]
    assert await store.run(lambda unit: unit.settings.size(ben)) == (1, 5)
    assert await store.run(lambda unit: unit.settings.size(zoe)) == (0, 0)


_BEFORE = (
    "DROP TABLE alembic_version", "DROP TABLE rights_news", "DROP TABLE guest_limit", "DROP TABLE purged_video",
    "DROP TABLE asset_tag", "DROP TABLE folder", "DROP TABLE setting",
    "DROP INDEX asset_by_name", "DROP INDEX asset_by_folder",
    "ALTER TABLE asset DROP COLUMN folder_id", "ALTER TABLE asset DROP COLUMN deleted_ms",
    "ALTER TABLE asset DROP COLUMN name_key", "ALTER TABLE cut DROP COLUMN status",
    "ALTER TABLE cut DROP COLUMN status_by", "ALTER TABLE cut DROP COLUMN status_ms",
    "ALTER TABLE project DROP COLUMN statuses",
)  # fmt: skip


async def test_a_data_folder_of_the_release_before_is_brought_up(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/project.db"
    old = SqlStore(Database(url))
    await old.prepare()

    def fill(unit: Unit) -> None:
        seed(unit)
        stack(unit, new_asset(unit, "Shot B", tags=("day", "sea")), video(7))
        new_asset(unit, "shot a")

    await old.run(fill)
    await old.close()
    database = Database(url)
    for statement in _BEFORE:
        await database.run(lambda connection, statement=statement: connection.execute(sql(statement)).close())  # type: ignore[misc]
    await database.close()
    new = SqlStore(Database(url))
    for _ in range(2):
        await new.prepare()
    assert await names(new, AssetFilter(order=Order.NAME)) == ["shot a", "Shot B"]
    assert await names(new, AssetFilter(tags=("sea",))) == ["Shot B"]
    assert await new.run(lambda unit: project(unit).statuses) == text.STATUSES
    asset = await new.run(lambda unit: unit.assets.get(ONE, AssetId(1)))
    assert asset is not None
    assert (asset.folder_id, asset.deleted_ms, asset.cuts[0].status) == (0, 0, "")
    await new.close()
