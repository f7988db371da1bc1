"""The version store in MongoDB has no transactions: killed between any two writes, what was begun is whole or not at
all once it is asked for again, and what is left over is swept.
"""

import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from mesh.mongo import connect, database_of
from rushes.project.v1 import audit_service_pb2 as audit
from svc_version.core.content import address
from svc_version.core.model import Packed, Tier, Version
from svc_version.stores import Store, mongo_telling
from svc_version.stores.mongo import MongoStore, open_mongo_store
from tests.contract.version_stores import START_MS, VIDEO, content, draft, line, once, work

WRITES = frozenset(
    ("insert_one", "insert_many", "update_one", "delete_one", "delete_many", "find_one_and_update")
)  # fmt: skip
PIECE_BYTES = 64


class Killed(Exception):
    """The process is gone."""


class Mortal:
    """A database as seen by a process that dies before one of its writes; from then on it does nothing."""

    def __init__(self, database: Any, writes: int) -> None:
        self._database = database
        self.left = writes

    def __getitem__(self, name: str) -> Any:
        return _Collection(self, self._database[name])


class _Collection:
    def __init__(self, mortal: Mortal, collection: Any) -> None:
        self._mortal = mortal
        self._collection = collection

    def __getattr__(self, name: str) -> Any:
        whole = getattr(self._collection, name)
        if name not in WRITES:
            return whole

        async def write(*args: Any, **more: Any) -> Any:
            if self._mortal.left <= 0:
                raise Killed
            self._mortal.left -= 1
            return await whole(*args, **more)

        return write


@contextlib.asynccontextmanager
async def opened(mongo_url: str) -> AsyncIterator[tuple[MongoStore, Any, Callable[[int], MongoStore]]]:
    """An empty store, its database, and what opens it for a process that dies after so many writes."""
    url = f"{mongo_url}mortal-{uuid.uuid4().hex}"
    store = await open_mongo_store(url, PIECE_BYTES)
    client = connect(url, "rushes-test")
    database = database_of(client)
    try:
        yield store, database, lambda writes: MongoStore(client, Mortal(database, writes), PIECE_BYTES)  # type: ignore[arg-type]
    finally:
        await client.close()
        await store.close()


Step = Callable[[Store, list[Version]], Coroutine[Any, Any, Any]]


async def commit(store: Store, made: list[Version]) -> Any:
    return await store.commit(draft(made[1], "x" * 200), None, once("commit"))


async def tag(store: Store, made: list[Version]) -> Any:
    return await store.tag("t", VIDEO, made[1].version_id, "final", False, once("tag"))


async def begin(store: Store, made: list[Version]) -> Any:
    return await store.begin_work(work(), [b"one", b"two"])


async def snapshot(store: Store, made: list[Version]) -> Any:
    await store.put_snapshot(VIDEO, made[1].version_id, content("everything", "y" * 300))


async def cool(store: Store, made: list[Version]) -> Any:
    await store.cooled([made[1]])


async def archive(store: Store, made: list[Version]) -> Any:
    keys = {each.delta: f"t/{each.number}.bin" for each in made[:1]}
    await store.archived([(made[0], keys)])


async def bring_back(store: Store, made: list[Version]) -> Any:
    await store.brought_back(VIDEO, [Packed(made[2].delta, content("z" * 300).data, 0)], START_MS + 9)


async def prepared(store: Store) -> list[Version]:
    """Three versions: one is large, one has a tag, and one is in the archive."""
    first = await store.commit(draft(None, "w" * 300), None, once())
    second = await store.commit(draft(first), None, once())
    third = await store.commit(draft(second, "z" * 300), None, once())
    await store.tag("t", VIDEO, first.version_id, "final", False, once())
    await store.archived([(third, {third.delta: "t/3.bin"})])
    return [first, second, third]


async def check(store: Store, made: list[Version]) -> None:
    """Every version has all its content, here or in the archive, and one of them has the tag."""
    versions = await store.newest("t", VIDEO, 1 << 62, 100)
    assert [each.number for each in versions] == list(range(len(versions), 0, -1))
    assert (await store.head("t", VIDEO)).version_id in {each.version_id for each in versions}
    for version in versions:
        chain = await store.chain(VIDEO, version.version_id)
        stored = {each.sha256: each for each in await store.contents(VIDEO, chain)}
        assert set(stored) == set(chain)
        for each in stored.values():
            assert (each.data is None) == bool(each.archive_key)
            if each.data is not None:
                assert address(each.data) == each.sha256
    assert sum("final" in each.tags for each in versions) == 1
    assert len(made) <= len(versions)


@pytest.mark.parametrize("step", [commit, tag, begin, snapshot, cool, archive, bring_back])
async def test_killed_before_any_write_it_is_whole_when_it_is_asked_for_again(
    mongo_url: str, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongo_telling, "LEFT_MS", -1)
    died = 0
    while not await survived(mongo_url, step, died):
        died += 1
    assert died >= 2


async def survived(mongo_url: str, step: Step, writes: int) -> bool:
    """Whether a process that dies after so many writes does all that a step needs; what it leaves is checked."""
    async with opened(mongo_url) as (store, _, mortal):
        made = await prepared(store)
        before = (await store.head("t", VIDEO)).change
        told = len(await store.outbox.oldest(100))
        whole = True
        try:
            await step(mortal(writes), made)
        except Killed:
            whole = False
        await check(store, made)
        # What a kill left is told by whoever looks, whether or not it is asked for again.
        left = await store.changed("t", VIDEO, before, 100)
        again = await step(store, made)
        changed = await store.changed("t", VIDEO, before, 100)
        assert bool(changed) == (step not in (begin, snapshot))
        assert {each.version_id for each in left} <= {each.version_id for each in changed}
        await check_step(store, step, made, again)
        await store.sweep(1 << 50)
        actions = [audit.AuditEvent.FromString(event).action for _, event in await store.outbox.oldest(100)][told:]
        named = {"commit": ["version.commit"], "tag": ["version.tag"], "begin": ["notes.rollback"]}
        expected = named.get(step.__name__, [])
        assert set(actions) == set(expected)
        assert step is tag or actions == expected
        await check(store, made)
        await check_step(store, step, made, again)
        assert await store.sweep(1 << 50) == 0
        return whole


async def check_step(store: Store, step: Step, made: list[Version], again: Any) -> None:
    """What was asked for has happened."""
    if step is commit:
        (newest, *_) = await store.newest("t", VIDEO, 1 << 62, 100)
        assert (newest.number, newest.version_id) == (4, again.version_id)
        # It is on the second, and the head is the third.
        assert (await store.head("t", VIDEO)).version_id == made[2].version_id
    elif step is tag:
        found = await store.tagged("t", VIDEO, "final")
        assert found is not None
        assert found.version_id == made[1].version_id
    elif step is begin:
        assert await store.running() == [again]
        assert await store.batches(again.work_id) == [b"one", b"two"]
    elif step is snapshot:
        assert await store.chain(VIDEO, made[1].version_id) == [content("everything", "y" * 300).sha256]
    else:
        after = {"cool": (1, Tier.WARM), "archive": (0, Tier.COLD), "bring_back": (2, Tier.WARM)}
        which, tier = after[step.__name__]
        version = await store.get("t", VIDEO, made[which].version_id)
        assert version is not None
        assert version.tier is tier


async def test_what_nothing_points_to_is_swept_when_it_is_old_and_nothing_else(mongo_url: str) -> None:
    async with opened(mongo_url) as (store, _, mortal):
        made = await line(store, 2)
        for writes in range(12):
            dying = mortal(writes)
            with contextlib.suppress(Killed):
                await dying.commit(draft(made[1], f"{writes}" * 100, f"{writes}"), None, once())
            dying = mortal(writes)
            with contextlib.suppress(Killed):
                await dying.begin_work(work(f"{writes}", video_id=1_000 + writes), [b"one", b"two"])
        versions = await store.newest("t", VIDEO, 1 << 62, 100)
        assert await store.sweep(0) == 0
        assert await store.sweep(1 << 50) > 0
        assert await store.sweep(1 << 50) == 0
        assert (await store.sizes(VIDEO))["count"] == len({each.delta for each in versions})
        for version in versions:
            assert len(await store.contents(VIDEO, [version.delta])) == 1
        for each in await store.running():
            assert await store.batches(each.work_id) == [b"one", b"two"]


async def test_a_content_larger_than_a_document_is_kept_in_pieces(mongo_url: str) -> None:
    async with opened(mongo_url) as (store, database, _):
        large = content(*(uuid.uuid4().hex for _ in range(40)))
        made = await store.commit(draft(None, delta=large), None, once())
        pieces = database["version_pieces"]
        assert await pieces.count_documents({}) == -(-len(large.data) // PIECE_BYTES)
        for _ in range(2):
            (stored,) = await store.contents(VIDEO, [large.sha256])
            assert stored.data == large.data
            await store.archived([(made, {large.sha256: "t/1.bin"})])
            assert await pieces.count_documents({}) == 0
            await store.brought_back(VIDEO, [Packed(large.sha256, large.data, 0)], START_MS)
