"""What every adapter of the stores of rooms, keys and recordings promises."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from mesh.sql import AlreadyUsed, Database
from rushes.signaling.v1 import feed_service_pb2 as feed
from rushes.signaling.v1 import recording_pb2
from rushes.signaling.v1 import room_service_pb2 as pb
from svc_signaling.core.recording import COMPLETED, PROCESSING, RECORDING
from svc_signaling.errors import RoomMoved, TooManyKeys, TooManyRooms
from svc_signaling.stores import Kept, KeyRow, Keys, Owned, RecordingStore, Store
from svc_signaling.stores.recording_sql import SqlRecordings
from svc_signaling.stores.sql import SqlStore
from svc_signaling.stores.sql_key import SqlKeys

ONE, TWO = "one", "two"
MOST = 3


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A new one."""
    sqlite = f"sqlite:///{tmp_path / 'rooms.db'}"
    made = Database(sqlite if request.param == "sqlite" else request.getfixturevalue("fresh_postgresql"))
    yield made
    await made.close()


@pytest.fixture
async def store(database: Database) -> Store:
    """Of rooms."""
    made = SqlStore(database)
    await made.prepare()
    return made


@pytest.fixture
async def keys(database: Database, store: Store) -> Keys:
    """Of keys."""
    return SqlKeys(database)


@pytest.fixture
async def recordings(database: Database, store: Store) -> RecordingStore:
    """Of recordings."""
    return SqlRecordings(database)


def room(name: str, made_ms: int = 1, people: int = 0) -> pb.Room:
    """A room of project 7."""
    return pb.Room(room_id=name, project_id=7, title=name, create_time_ms=made_ms, created_by="ann", people=people)


async def make(store: Store, *rooms: pb.Room, tenant_id: str = ONE) -> None:
    """Keeps rooms."""
    for each in rooms:
        assert await store.create(tenant_id, each, "", b"", 100) == each


def happened(*ordinals: int, number: int = 0) -> list[Kept]:
    """Events of these numbers."""
    return [Kept(pb.Event(ordinal=each, time_ms=each), f"p{each}", number) for each in ordinals]


async def test_a_room_is_its_tenants_and_projects_alone(store: Store) -> None:
    await make(store, room("a"))
    assert await store.room(ONE, 7, "a") == room("a")
    assert [await store.room(*other, "a") for other in ((TWO, 7), (ONE, 8))] == [None, None]
    assert await store.rooms(TWO, 7, None, 10) == []


async def test_asked_twice_for_a_room_it_is_the_first(store: Store) -> None:
    assert await store.create(ONE, room("a"), "request", b"x", MOST) == room("a")
    assert await store.create(ONE, room("b"), "request", b"x", MOST) == room("a")
    with pytest.raises(AlreadyUsed):
        await store.create(ONE, room("c"), "request", b"y", MOST)
    assert await store.rooms(ONE, 7, None, 10) == [room("a")]


async def test_there_are_as_many_open_rooms_as_there_may_be(store: Store) -> None:
    for name in "abc":
        await store.create(ONE, room(name), "", b"", MOST)
    with pytest.raises(TooManyRooms):
        await store.create(ONE, room("d"), "request", b"", MOST)
    over = room("a")
    over.state = pb.ROOM_STATE_ENDED
    await store.append(ONE, "ann", over, happened(1))
    assert await store.create(ONE, room("d"), "request", b"", MOST) == room("d")


async def test_rooms_are_read_in_pages_the_newest_first(store: Store) -> None:
    await make(store, room("a", 5), room("b", 5), room("c", 6), room("d", 4))
    first = await store.rooms(ONE, 7, None, 2)
    assert [each.room_id for each in first] == ["c", "b"]
    rest = await store.rooms(ONE, 7, (first[-1].create_time_ms, first[-1].room_id), 10)
    assert [each.room_id for each in rest] == ["a", "d"]


def breakout(name: str, made_ms: int) -> pb.Room:
    """Of room "a"."""
    made = room(name, made_ms)
    made.parent_room_id = "a"
    return made


async def test_breakouts_are_listed_with_their_room_alone_and_take_no_place_of_a_room(store: Store) -> None:
    await make(store, room("a"), room("b"), *(breakout(f"a{made_ms}", made_ms) for made_ms in range(2, 7)))
    assert await store.create(ONE, room("c"), "request", b"", MOST) == room("c")
    with pytest.raises(TooManyRooms):
        await store.create(ONE, room("d"), "", b"", MOST)
    assert [each.room_id for each in await store.rooms(ONE, 7, None, 10)] == ["c", "b", "a"]
    assert [each.room_id for each in await store.breakouts(ONE, 7, ["a", "b"], 3)] == ["a6", "a5", "a4"]
    assert [await store.breakouts(*other, 9) for other in ((TWO, 7, ["a"]), (ONE, 8, ["a"]), (ONE, 7, ["b"]))] == [
        []
    ] * 3
    assert await store.room(ONE, 7, "a2") == breakout("a2", 2)


async def test_events_follow_each_other_and_none_is_kept_twice(store: Store) -> None:
    await make(store, room("a"), room("b"))
    await store.append(ONE, "ann", room("a", people=2), happened(1, 2, number=9))
    await store.append(ONE, "ann", room("b"), happened(1))
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        await store.append(ONE, "ann", room("a"), happened(3, 2))
    assert await store.room(ONE, 7, "a") == room("a", people=2), "what failed changed nothing"
    await store.append(ONE, "ann", room("a", people=1), happened(3))
    assert await store.events("a", 0, 10) == [*happened(1, 2, number=9), *happened(3)]
    assert await store.events("a", 1, 1) == happened(2, number=9)


def names(found: Sequence[tuple[str, int, str]]) -> list[str]:
    """Of rooms."""
    return sorted(name for _, _, name in found)


async def test_whose_record_is_to_be_sealed(store: Store) -> None:
    await make(store, room("empty"), room("full", people=1))
    over, left = room("over", people=1), room("left")
    await make(store, over, left, tenant_id=TWO)
    for each in (over, left):
        each.state = pb.ROOM_STATE_ENDED
        await store.append(TWO, "ann", each, happened(1))
    assert await store.ended() == [(TWO, 7, "left")]
    await store.sealed("left")
    assert await store.ended() == []


async def test_of_several_instances_only_who_took_a_room_last_appends(database: Database, store: Store) -> None:
    first, second = SqlStore(database, "first"), SqlStore(database, "second")
    await make(store, room("a"))
    assert await first.take(TWO, 7, "a", 10) is None
    assert await first.take(ONE, 7, "a", 10) == room("a")
    await first.append(ONE, "ann", room("a", people=1), happened(1))
    assert await second.take(ONE, 7, "a", 10) == room("a", people=1)
    with pytest.raises(RoomMoved):
        await first.append(ONE, "ann", room("a"), happened(2))
    await second.append(ONE, "ann", room("a", people=1), happened(2))
    assert await first.hold(20) == set()
    assert await second.hold(20) == {"a"}
    assert await first.events("a", 0, 10) == happened(1, 2)


async def test_a_room_whose_owner_is_silent_is_taken_up_by_one_other(database: Database, store: Store) -> None:
    first, second = SqlStore(database, "first"), SqlStore(database, "second")
    await make(store, room("a"), room("b"))
    await first.take(ONE, 7, "a", 10)
    assert names(await first.orphans(5)) == ["a"], "of one's own life before"
    assert await second.orphans(5) == []
    assert await second.take(ONE, 7, "a", 30, free_ms=5) is None
    assert names(await second.orphans(11)) == ["a"]
    assert await second.take(ONE, 7, "a", 30, free_ms=11) == room("a")
    assert await first.orphans(12) == []
    await first.release("a")
    assert await second.hold(40) == {"a"}
    await second.release("a")
    assert await second.hold(50) == set()
    assert await second.orphans(99) == []


def digest(secret: str) -> bytes:
    """What is kept of it."""
    return hashlib.sha256(secret.encode()).digest()


def key(name: str, room_id: str = "a") -> KeyRow:
    """A key of a room."""
    return KeyRow(ONE, 7, room_id, feed.FeedKey(key_id=name, name=name, create_time_ms=ord(name), created_by="ann"))


async def test_a_key_is_found_by_its_digest_until_it_is_withdrawn(keys: Keys) -> None:
    for name in "ba":
        assert await keys.create(key(name), digest(name), "", b"", MOST) == key(name).key
    assert await keys.find(digest("a")) == key("a")
    assert await keys.find(digest("c")) is None
    assert await keys.of_room(ONE, "a") == [key("a").key, key("b").key]
    assert await keys.of_room(TWO, "a") == []
    assert not await keys.revoke(key("a", "another room"), "ann", 5)
    assert await keys.revoke(key("a"), "ann", 5)
    assert not await keys.revoke(key("a"), "ann", 5)
    assert await keys.find(digest("a")) is None


async def test_a_room_has_so_many_keys_and_one_request_makes_one(keys: Keys) -> None:
    first = await keys.create(key("a"), digest("a"), "request", b"x", 1)
    assert await keys.create(key("b"), digest("b"), "request", b"x", 1) == first
    assert await keys.find(digest("a")) is None
    assert await keys.find(digest("b")) == key("a"), "who asks again has the newer secret"
    with pytest.raises(TooManyKeys):
        await keys.create(key("c"), digest("c"), "another", b"x", 1)


def recording(name: str, at_ms: int, state: "recording_pb2.RecordingState.ValueType" = RECORDING) -> Owned:
    """A recording of room a."""
    made = recording_pb2.Recording(recording_id=name, room_id="a", start_time_ms=at_ms, state=state, started_by="ann")
    return Owned(ONE, 7, made)


async def test_recordings_are_kept_once_and_as_they_are_now(recordings: RecordingStore) -> None:
    for each in (recording("a", 3), recording("b", 1), recording("b", 9, COMPLETED)):
        await recordings.add(each)
    assert await recordings.open() == [recording("b", 1), recording("a", 3)]
    await recordings.put(recording("b", 1, PROCESSING), "recording.stop", 5)
    assert await recordings.open() == [recording("b", 1, PROCESSING), recording("a", 3)]
    await recordings.put(recording("b", 1, COMPLETED))
    assert await recordings.open() == [recording("a", 3)]


async def test_the_newest_recordings_are_listed_the_oldest_of_them_first(recordings: RecordingStore) -> None:
    for number in range(3):
        await recordings.add(recording(str(number), number))
    listed = await recordings.list(ONE, 7, "a", 2)
    assert [each.recording_id for each in listed] == ["1", "2"]
    assert len(await recordings.list(ONE, 7, "", 10)) == 3
    nothing = [(TWO, 7, "a"), (ONE, 8, "a"), (ONE, 7, "b")]
    assert [await recordings.list(*each, 10) for each in nothing] == [[], [], []]
