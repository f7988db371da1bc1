"""What every adapter of the store of rooms' keys promises."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mesh.migration import migrate
from mesh.sql import AlreadyUsed, Database
from rushes.signaling.v1 import feed_service_pb2 as pb
from svc_signaling.errors import TooManyKeys
from svc_signaling.stores import KeyRow, Keys
from svc_signaling.stores.sql_key import SqlKeys
from svc_signaling.stores.table import SCHEMA


@pytest.fixture(params=["sqlite", "postgresql"])
async def keys(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Keys]:
    sqlite = f"sqlite:///{tmp_path / 'rooms.db'}"
    database = Database(sqlite if request.param == "sqlite" else request.getfixturevalue("fresh_postgresql"))
    await database.run(lambda connection: migrate(connection, SCHEMA))
    yield SqlKeys(database)
    await database.close()


def row(key_id: str, room_id: str = "room", tenant_id: str = "one", time_ms: int = 5) -> KeyRow:
    key = pb.FeedKey(
        key_id=key_id, right=pb.FEED_RIGHT_PUBLISH, name="Programme", created_by="ada", create_time_ms=time_ms
    )
    return KeyRow(tenant_id, 7, room_id, key)


async def test_a_key_is_found_by_its_digest_and_listed_in_its_room_alone(keys: Keys) -> None:
    await keys.create(row("b", time_ms=6), b"digest-b", "", b"", 9)
    await keys.create(row("a"), b"digest-a", "", b"", 9)
    await keys.create(row("c", "other"), b"digest-c", "", b"", 9)
    assert [each.key_id for each in await keys.of_room("one", "room")] == ["a", "b"]
    assert await keys.of_room("two", "room") == []
    assert await keys.find(b"digest-c") == row("c", "other")
    assert await keys.find(b"digest") is None


async def test_a_key_asked_for_twice_is_one_with_the_digest_of_the_last(keys: Keys) -> None:
    first = await keys.create(row("a"), b"first", "once", b"same", 1)
    again = await keys.create(row("z"), b"second", "once", b"same", 1)
    assert first.key_id == again.key_id == "a"
    assert await keys.find(b"first") is None
    assert await keys.find(b"second") == row("a")
    with pytest.raises(AlreadyUsed):
        await keys.create(row("z"), b"third", "once", b"other", 1)


async def test_a_room_has_only_so_many_keys(keys: Keys) -> None:
    await keys.create(row("a"), b"a", "", b"", 1)
    with pytest.raises(TooManyKeys):
        await keys.create(row("b"), b"b", "", b"", 1)
    await keys.create(row("c", "other"), b"c", "", b"", 1)


async def test_a_key_is_withdrawn_once_and_only_in_its_own_room(keys: Keys) -> None:
    await keys.create(row("a"), b"a", "", b"", 9)
    assert not await keys.revoke(row("a", "other"), "ada", 9)
    assert not await keys.revoke(row("a", tenant_id="two"), "ada", 9)
    assert await keys.revoke(row("a"), "ada", 9)
    assert not await keys.revoke(row("a"), "ada", 9)
    assert await keys.find(b"a") is None
