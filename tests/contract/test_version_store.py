"""What every adapter of svc_version's store promises."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from mesh.sql import AlreadyUsed
from rushes.project.v1 import audit_service_pb2 as audit
from svc_version.core.model import State, Tier, Version
from svc_version.core.sonyflake import RESERVED_TICKS, Source
from svc_version.errors import HeadMoved, RollbackRunning, VersionUnknown
from svc_version.stores import LEASE_MS, Store, mongo
from tests.contract.version_stores import (
    ENGINES,
    START_MS,
    VIDEO,
    Open,
    at_once,
    content,
    draft,
    line,
    once,
    opener,
    work,
)


@pytest.fixture(params=ENGINES)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """What opens the store, once more each time."""
    return opener(request.param, request, tmp_path)


@pytest.fixture
async def store(opened: Open) -> AsyncIterator[Store]:
    """An empty store."""
    made = await opened()
    yield made
    await made.close()


async def events(store: Store) -> list[audit.AuditEvent]:
    """What is told to the audit trail."""
    return [audit.AuditEvent.FromString(event) for _, event in await store.outbox.oldest(100)]


# Versions


async def test_a_version_is_what_was_committed_and_the_head(store: Store) -> None:
    assert await store.head("t", VIDEO) == (await store.head("t", 99))
    asked = draft(None, "a", "b", message="Zürich 東京", merged_id=3, revision=12)
    made = await store.commit(asked, None, once("one"))
    assert made == await store.get("t", VIDEO, asked.version_id)
    for name in ("version_id", "tenant_id", "video_id", "base_id", "merged_id", "revision", "kind", "message", "hash"):
        assert getattr(made, name) == getattr(asked, name)
    assert (made.number, made.change, made.tier, made.tags, made.read_ms) == (1, 1, Tier.HOT, (), 0)
    assert (made.delta, made.snapshot, made.depth) == (asked.delta.sha256, asked.delta.sha256, 0)
    head = await store.head("t", VIDEO)
    assert (head.version_id, head.change) == (made.version_id, 1)


async def test_another_tenant_or_video_sees_nothing(store: Store) -> None:
    made = await store.commit(draft(), None, once())
    await store.tag("t", VIDEO, made.version_id, "final", False, once())
    for tenant_id, video_id in (("u", VIDEO), ("t", VIDEO + 1)):
        assert await store.get(tenant_id, video_id, made.version_id) is None
        assert await store.tagged(tenant_id, video_id, "final") is None
        assert await store.newest(tenant_id, video_id, 100, 10) == []
        assert await store.changed(tenant_id, video_id, 0, 10) == []
        assert await store.parents(tenant_id, video_id) == {}
        assert (await store.head(tenant_id, video_id)).version_id == 0
        with pytest.raises(VersionUnknown):
            await store.tag(tenant_id, video_id, made.version_id, "mine", False, once())
    assert await store.tenants() == ["t"]


async def test_a_version_on_the_head_is_the_head_and_one_on_another_is_a_branch(store: Store) -> None:
    first, second = await line(store, 2)
    branch = await store.commit(draft(first), None, once())
    assert (branch.number, branch.base_id) == (3, first.version_id)
    assert (await store.head("t", VIDEO)).version_id == second.version_id
    on_branch = await store.commit(draft(branch), None, once())
    assert (await store.head("t", VIDEO)).version_id == second.version_id
    third = await store.commit(draft(second), second.version_id, once())
    assert (await store.head("t", VIDEO)).version_id == third.version_id
    assert await store.parents("t", VIDEO) == {
        first.version_id: (),
        second.version_id: (first.version_id,),
        branch.version_id: (first.version_id,),
        on_branch.version_id: (branch.version_id,),
        third.version_id: (second.version_id,),
    }


async def test_a_base_that_is_not_there_or_of_others_is_refused_and_nothing_is_stored(store: Store) -> None:
    (first,) = await line(store, 1)
    for changes in ({"base_id": 12345}, {"video_id": VIDEO + 1}, {"tenant_id": "u"}):
        with pytest.raises(VersionUnknown):
            await store.commit(draft(first, **changes), None, once("again"))
    with pytest.raises(HeadMoved) as moved:
        await store.commit(draft(first), 4711, once("again"))
    assert moved.value.metadata["head_version_id"] == str(first.version_id)
    with pytest.raises(HeadMoved):
        await store.commit(draft(None), None, once("again"))
    assert len(await store.newest("t", VIDEO, 100, 10)) == 1
    assert (await store.sizes(VIDEO))["count"] == 1
    assert (await store.commit(draft(first), None, once("again"))).number == 2


async def test_a_request_sent_twice_makes_one_version(store: Store, opened: Open) -> None:
    made = await store.commit(draft(), None, once("one"))
    assert await store.done(once("one")) == made
    assert await store.commit(draft(made), None, once("one")) == made
    assert await store.done(once("other")) is None
    assert await store.done(once("")) is None
    other = await opened()
    assert await other.done(once("one")) == made
    await other.close()
    with pytest.raises(AlreadyUsed):
        await store.commit(draft(made), None, once("one", b"something else"))
    with pytest.raises(AlreadyUsed):
        await store.done(once("one", b"something else"))
    assert [each.number for each in await store.newest("t", VIDEO, 100, 10)] == [1]


async def test_of_those_that_commit_on_the_head_at_once_each_has_a_number_and_one_is_the_first(
    store: Store, opened: Open
) -> None:
    stores = [store, await opened(), await opened()]
    firsts = await at_once(*(each.commit(draft(), None, once()) for each in stores))
    (first,) = [each for each in firsts if isinstance(each, Version)]
    assert sum(isinstance(each, HeadMoved) for each in firsts) == 2
    asked = [each.commit(draft(first), first.version_id, once()) for each in stores]
    made = await at_once(*asked)
    (second,) = [each for each in made if isinstance(each, Version)]
    assert (await store.head("t", VIDEO)).version_id == second.version_id
    made = await at_once(*(stores[at % 3].commit(draft(second), None, once()) for at in range(12)))
    assert sorted(each.number for each in made) == list(range(3, 15))
    assert len({each.change for each in await store.newest("t", VIDEO, 100, 100)}) == 14
    for each in stores[1:]:
        await each.close()


async def test_of_one_request_sent_to_several_instances_at_once_one_version_comes(store: Store, opened: Open) -> None:
    (base,) = await line(store, 1)
    stores = [store, await opened(), await opened()]
    made = await at_once(*(each.commit(draft(base), None, once("same")) for each in stores))
    assert {each.version_id for each in made} == {made[0].version_id}
    assert [each.number for each in await store.newest("t", VIDEO, 100, 10)] == [2, 1]
    for each in stores[1:]:
        await each.close()


async def test_pages_go_from_the_newest_to_the_oldest(store: Store) -> None:
    made = await line(store, 5)
    assert await store.newest("t", VIDEO, 1 << 62, 2) == [made[4], made[3]]
    assert await store.newest("t", VIDEO, 4, 10) == [made[2], made[1], made[0]]
    assert await store.newest("t", VIDEO, 1, 10) == []


async def test_what_was_committed_is_there_after_a_start(store: Store, opened: Open) -> None:
    made = await line(store, 3)
    await store.tag("t", VIDEO, made[1].version_id, "kept", False, once())
    again = await opened()
    assert [each.version_id for each in await again.newest("t", VIDEO, 100, 10)] == [
        each.version_id for each in reversed(made)
    ]
    found = await again.tagged("t", VIDEO, "kept")
    assert found is not None
    assert (found.version_id, found.tags) == (made[1].version_id, ("kept",))
    await again.close()


# Tags and changes


async def test_a_tag_is_of_one_version_and_moves(store: Store) -> None:
    first, second = await line(store, 2)
    tagged = await store.tag("t", VIDEO, first.version_id, "final", False, once("tag"))
    assert tagged.tags == ("final",)
    await store.tag("t", VIDEO, first.version_id, "a call", False, once())
    moved = await store.tag("t", VIDEO, second.version_id, "final", False, once("move"))
    assert moved.tags == ("final",)
    left = await store.get("t", VIDEO, first.version_id)
    assert left is not None
    assert left.tags == ("a call",)
    # Sent again, what was done is not done once more.
    await store.tag("t", VIDEO, first.version_id, "final", False, once("tag"))
    found = await store.tagged("t", VIDEO, "final")
    assert found is not None
    assert found.version_id == second.version_id
    with pytest.raises(AlreadyUsed):
        await store.tag("t", VIDEO, first.version_id, "other", False, once("tag", b"else"))
    # A tag is taken from who has it alone.
    await store.tag("t", VIDEO, first.version_id, "final", True, once())
    assert (await store.tagged("t", VIDEO, "final")) is not None
    await store.tag("t", VIDEO, second.version_id, "final", True, once())
    assert await store.tagged("t", VIDEO, "final") is None
    again = await store.tag("t", VIDEO, second.version_id, "final", False, once())
    assert again.tags == ("final",)


async def test_changes_come_in_order_and_the_newest_state_of_each_version_once(store: Store) -> None:
    made = await line(store, 4)
    seen = await store.changed("t", VIDEO, 0, 100)
    assert [each.version_id for each in seen] == [each.version_id for each in made]
    last = seen[-1].change
    assert (await store.head("t", VIDEO)).change == last
    await store.tag("t", VIDEO, made[0].version_id, "x", False, once())
    await store.tag("t", VIDEO, made[2].version_id, "x", False, once())
    await store.cooled([made[1]])
    seen = await store.changed("t", VIDEO, last, 100)
    assert [each.version_id for each in seen] == [made[each].version_id for each in (0, 2, 1)]
    assert [each.change for each in seen] == sorted({each.change for each in seen})
    assert seen[0].tags == ()
    assert seen[1].tags == ("x",)
    assert seen[2].tier is Tier.WARM
    assert await store.changed("t", VIDEO, (await store.head("t", VIDEO)).change, 100) == []
    # In pages: nothing is left out.
    after, found = 0, dict[int, tuple[str, ...]]()
    while page := await store.changed("t", VIDEO, after, 2):
        after = page[-1].change
        found |= {each.version_id: each.tags for each in page}
    assert found == {each.version_id: (("x",) if each is made[2] else ()) for each in made}


# Contents and tiers


async def test_a_chain_goes_back_to_the_next_snapshot(store: Store) -> None:
    made = await line(store, 7)
    branch = await store.commit(draft(made[1]), None, once())
    assert await store.chain(VIDEO, made[3].version_id) == [each.delta for each in made[:4]]
    assert await store.chain(VIDEO, branch.version_id) == [made[0].delta, made[1].delta, branch.delta]
    whole = content("everything")
    await store.put_snapshot(VIDEO, made[4].version_id, whole)
    assert await store.chain(VIDEO, made[6].version_id) == [whole.sha256, made[5].delta, made[6].delta]
    assert await store.chain(VIDEO, made[4].version_id) == [whole.sha256]
    found = await store.get("t", VIDEO, made[4].version_id)
    assert found is not None
    assert (found.snapshot, found.depth) == (whole.sha256, 0)
    assert await store.chain(VIDEO, 999) == []
    assert await store.chain(VIDEO + 1, made[0].version_id) == []


async def test_a_chain_of_a_branch_far_back_is_whole(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo, "WINDOW", 4)
    made = await line(store, 3)
    branch = await store.commit(draft(made[0]), None, once())
    at = made[-1]
    for _ in range(12):
        at = await store.commit(draft(at), None, once())
    late = await store.commit(draft(branch), None, once())
    assert await store.chain(VIDEO, late.version_id) == [made[0].delta, branch.delta, late.delta]


async def test_a_content_is_kept_once_however_many_versions_have_it(store: Store) -> None:
    first = await store.commit(draft(None, "a"), None, once())
    same = [await store.commit(draft(first, "b"), None, once()) for _ in range(3)]
    assert {each.delta for each in same} == {same[0].delta}
    assert set(await store.shared(VIDEO, [first.delta, same[0].delta])) == {same[0].delta}
    sizes = await store.sizes(VIDEO)
    assert sizes["count"] == 2
    once_each = len(content("a").data) + len(content("b").data)
    assert sizes["stored_bytes"] == once_each
    assert sizes["undeduplicated_bytes"] == once_each + 2 * len(content("b").data)
    assert sizes["raw_bytes"] == content("a").raw_bytes + content("b").raw_bytes
    stored = await store.contents(VIDEO, [first.delta, same[0].delta, b"n" * 32])
    assert {each.sha256: each.data for each in stored} == {
        content("a").sha256: content("a").data,
        content("b").sha256: content("b").data,
    }
    assert await store.contents(VIDEO + 1, [first.delta]) == []
    each_bytes = {each.sha256: len(each.data or b"") for each in stored}
    assert await store.stored_bytes(VIDEO, [*each_bytes, b"n" * 32]) == each_bytes
    assert await store.stored_bytes(VIDEO + 1, [first.delta]) == {}


async def test_a_version_gets_colder_and_is_brought_back(store: Store) -> None:
    first, second = await line(store, 2, created_ms=START_MS)
    assert await store.older(Tier.WARM, START_MS, 10) == []
    late = START_MS + 1
    assert [each.version_id for each in await store.older(Tier.WARM, late, 10)] == [first.version_id, second.version_id]
    assert len(await store.older(Tier.WARM, late, 1)) == 1
    await store.cooled([first])
    assert [each.version_id for each in await store.older(Tier.WARM, late, 10)] == [second.version_id]
    assert len(await store.older(Tier.COLD, late, 10)) == 2
    await store.archived([(first, {first.delta: "t/one.bin"})])
    assert await store.archive_keys() == ["t/one.bin"]
    assert [each.version_id for each in await store.older(Tier.COLD, late, 10)] == [second.version_id]
    (stored,) = await store.contents(VIDEO, [first.delta])
    assert (stored.data, stored.archive_key) == (None, "t/one.bin")
    cold = await store.get("t", VIDEO, first.version_id)
    assert cold is not None
    assert (cold.tier, cold.hash, cold.read_ms) == (Tier.COLD, first.hash, 0)
    back = content("x")
    packed = type(back)(first.delta, b"the bytes", 0)
    await store.brought_back(VIDEO, [packed], START_MS + 5)
    (stored,) = await store.contents(VIDEO, [first.delta])
    assert (stored.data, stored.archive_key) == (b"the bytes", "")
    warm = await store.get("t", VIDEO, first.version_id)
    assert warm is not None
    assert (warm.tier, warm.read_ms) == (Tier.WARM, START_MS + 5)
    assert await store.archive_keys() == []
    assert [each.version_id for each in await store.older(Tier.COLD, START_MS + 3, 10)] == [second.version_id]
    assert (await store.sizes(VIDEO))["count"] == 2


async def test_versions_of_several_videos_get_colder_at_once_each_with_a_change_of_its_own(store: Store) -> None:
    made = [*await line(store, 3), *await line(store, 2, video_id=VIDEO + 1)]
    await store.cooled([made[2], made[4], made[0]])
    one, other = await store.changed("t", VIDEO, 3, 10), await store.changed("t", VIDEO + 1, 2, 10)
    assert [(each.version_id, each.change, each.tier) for each in one] == [
        (made[2].version_id, 4, Tier.WARM),
        (made[0].version_id, 5, Tier.WARM),
    ]
    assert [(each.version_id, each.change, each.tier) for each in other] == [(made[4].version_id, 3, Tier.WARM)]
    await store.archived([(each, {each.delta: f"t/{each.version_id}.bin"}) for each in made[1:]])
    assert len(await store.archive_keys()) == 4
    for video_id, cold in ((VIDEO, made[1:3]), (VIDEO + 1, made[3:])):
        assert {
            each.version_id for each in await store.newest("t", video_id, 1 << 62, 10) if each.tier is Tier.COLD
        } == {each.version_id for each in cold}
        assert (await store.head("t", video_id)).change == 7 - 2 * (video_id - VIDEO)
        stored = await store.contents(video_id, [each.delta for each in reversed(cold)])
        assert [(each.sha256, each.data, each.archive_key) for each in stored] == [
            (each.delta, None, f"t/{each.version_id}.bin") for each in reversed(cold)
        ]
    await store.cooled([])
    await store.archived([])


async def test_a_content_that_went_cold_is_here_again_when_it_is_committed_again(store: Store) -> None:
    first = await store.commit(draft(None, "a"), None, once())
    await store.archived([(first, {first.delta: "t/one.bin"})])
    again = await store.commit(draft(first, "a"), None, once())
    (stored,) = await store.contents(VIDEO, [again.delta])
    assert (stored.data, stored.archive_key) == (content("a").data, "")


# Ids and turns


async def test_no_tick_of_a_machine_is_given_twice_and_a_lease_that_is_over_is_taken(
    store: Store, opened: Open
) -> None:
    other = await opened()
    now_ms = START_MS
    mine = await store.reserve("me", now_ms)
    again = await store.reserve("me", now_ms)
    assert (again.machine_id, again.first) == (mine.machine_id, mine.end)
    theirs = await other.reserve("them", now_ms)
    assert theirs.machine_id != mine.machine_id
    later = await other.reserve("a third", now_ms + LEASE_MS + 1)
    assert later.machine_id == mine.machine_id
    assert later.first >= again.end
    back = await store.reserve("me", now_ms - 3_600_000)
    assert back.machine_id not in (mine.machine_id, theirs.machine_id)
    assert back.end - back.first == RESERVED_TICKS
    await other.close()


async def test_ids_of_instances_that_ask_at_once_are_unique(store: Store, opened: Open) -> None:
    stores = [store, await opened(), await opened()]
    asked = [stores[at % 3].reserve(f"instance {at % 6}", START_MS - at) for at in range(18)]
    made: list[int] = []
    for reservation in await at_once(*asked):
        source = Source(reservation)
        made += [name for name in (source.next(START_MS) for _ in range(20)) if name is not None]
    assert len(made) == 18 * 20
    assert len(set(made)) == len(made)
    for each in stores[1:]:
        await each.close()


async def test_a_turn_is_one_holders_until_it_is_over(store: Store, opened: Open) -> None:
    other = await opened()
    assert await store.lease("mover", "me", 1_000, 2_000)
    assert not await other.lease("mover", "them", 1_500, 2_500)
    assert await store.lease("mover", "me", 1_900, 3_000)
    assert await other.lease("sweeper", "them", 1_900, 3_000)
    assert not await other.lease("mover", "them", 2_900, 4_000)
    assert await other.lease("mover", "them", 3_001, 4_000)
    asked = await at_once(*(store.lease("new", f"{at}", 5_000, 6_000) for at in range(5)))
    assert asked.count(True) == 1
    await other.close()


# Work in several batches


async def test_work_is_kept_with_its_batches_until_it_has_ended(store: Store, opened: Open) -> None:
    begun = await store.begin_work(work(), [b"one", b"two"])
    assert await store.work("t", VIDEO, begun.work_id) == begun
    assert await store.work("u", VIDEO, begun.work_id) is None
    assert await store.work("t", VIDEO + 1, begun.work_id) is None
    assert await store.asked("t", "ann", "back") == begun
    assert await store.asked("t", "bob", "back") is None
    assert await store.batches(begun.work_id) == [b"one", b"two"]
    assert await store.batch(begun.work_id, 2) == b"two"
    further = begun.with_(done_count=1, first_revision=10, last_revision=10)
    await store.save_work(further)
    again = await opened()
    assert await again.running() == [further]
    ended = further.with_(state=State.DONE, version_id=5)
    await again.save_work(ended)
    await store.save_work(further)  # of an instance that is behind: what has ended stays so
    assert await store.work("t", VIDEO, begun.work_id) == ended
    assert await store.running() == []
    await again.close()


async def test_work_that_is_asked_for_again_is_the_same(store: Store) -> None:
    begun = await store.begin_work(work(), [b"one"])
    assert await store.begin_work(work(), [b"other"]) == begun
    assert await store.batches(begun.work_id) == [b"one"]
    with pytest.raises(AlreadyUsed):
        await store.begin_work(work(request_hash=b"x" * 32), [b"one"])


async def test_a_video_has_one_work_at_a_time(store: Store, opened: Open) -> None:
    begun = await store.begin_work(work(), [b"one"])
    with pytest.raises(RollbackRunning) as refused:
        await store.begin_work(work("other"), [b"one"])
    assert refused.value.metadata["rollback_id"] == str(begun.work_id)
    elsewhere = await store.begin_work(work("elsewhere", video_id=VIDEO + 1), [b"one"])
    assert await store.running() == [begun, elsewhere]
    await store.save_work(begun.with_(state=State.FAILED))
    other = await opened()
    both = await at_once(store.begin_work(work("a"), [b"a"]), other.begin_work(work("b"), [b"b"]))
    assert sum(isinstance(each, RollbackRunning) for each in both) == 1
    same = await at_once(
        store.begin_work(work("c", video_id=50), [b"c"]), other.begin_work(work("c", video_id=50), [b"c"])
    )
    assert same[0] == same[1]
    await other.close()


async def test_work_that_has_nothing_to_write_keeps_nobody_waiting(store: Store) -> None:
    await store.begin_work(work("nothing", state=State.DONE, batch_count=0), [])
    assert await store.running() == []
    await store.begin_work(work("something"), [b"one"])


# The audit trail


async def test_what_is_done_is_told_to_the_audit_trail_once(store: Store) -> None:
    made = await store.commit(draft(), None, once("one"))
    await store.commit(draft(), None, once("one"))
    await store.tag("t", VIDEO, made.version_id, "final", False, once("two"))
    await store.begin_work(work(), [b"one"])
    told = await events(store)
    assert [each.action for each in told] == ["version.commit", "version.tag", "notes.rollback"]
    assert [each.resource for each in told] == [f"version/{made.version_id}"] * 2 + [f"video/{VIDEO}"]
    assert {(each.tenant_id, each.person_id, each.service) for each in told} == {("t", "ann", "svc_version")}
    keys = [key for key, _ in await store.outbox.oldest(100)]
    await store.outbox.refuse(keys[0])
    await store.outbox.forget(keys[2:])
    assert [key for key, _ in await store.outbox.oldest(100)] == [keys[1]]


async def test_what_nobody_points_to_is_swept_and_nothing_else(store: Store) -> None:
    made = await line(store, 3)
    await store.begin_work(work(), [b"one"])
    assert await store.sweep(1 << 50) == 0
    assert len(await store.contents(VIDEO, [each.delta for each in made])) == 3
    assert (await store.done(once("none"))) is None
    assert await store.head("t", VIDEO) is not None


async def test_calls_that_are_given_up_leave_the_store_whole(store: Store) -> None:
    made = await line(store, 1)
    for at in range(8):
        call: asyncio.Task[Any] = asyncio.create_task(store.commit(draft(made[0]), None, once(f"{at}")))
        await asyncio.sleep(at * 0.001)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    for at in range(8):
        await store.commit(draft(made[0]), None, once(f"{at}"))
    found = await store.newest("t", VIDEO, 1 << 62, 100)
    assert sorted(each.number for each in found) == list(range(1, 10))
    for each in found:
        assert len(await store.contents(VIDEO, [each.delta])) == 1
