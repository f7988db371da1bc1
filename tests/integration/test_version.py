"""Saved states of notes: what they hold, their tree, who may read what, and exactly once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from rushes.version.v1 import version_pb2
from rushes.version.v1 import version_service_pb2 as service
from svc_version.core.content import MAX_DEPTH, SNAPSHOT_EVERY
from tests.integration.annotation_notes import create, identity_of, move, publish
from tests.integration.annotation_server import CLIENT, GUEST, INTERNAL, reason
from tests.integration.version_server import Versions, note, versions
from tests.waiting import until

CANARY = "canary-2241"


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Versions]:
    """The service, with a guest who sees only what is for clients."""
    async with versions(tmp_path) as running:
        running.people.grant("guest", GUEST)
        yield running


async def refused(call: Any) -> str:
    """The reason of a failed call."""
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await call
    return reason(failure.value)


async def test_a_version_holds_the_notes_as_they_were(at: Versions) -> None:
    await at.write("ann", create("a", text="one"))
    first = await at.commit(message="first")
    await at.write("bob", create("b"), move("a", 5, 5))
    then = await at.live()
    second = await at.commit()
    await at.write("ann", move("a", 9, 9, seen=2))
    old = await at.commit(revision=1, base_version_id=second.version_id)
    assert list(await at.document(first.version_id)) == [note("a")]
    assert await at.document(second.version_id) == then
    assert await at.document(old.version_id) == await at.document(first.version_id)
    assert [first.number, second.number, old.number] == [1, 2, 3]
    assert [first.base_version_id, second.base_version_id] == [0, first.version_id]
    assert (first.message, first.person_id, first.revision) == ("first", "ann", 1)
    assert first.version_id < second.version_id < old.version_id
    assert first.kind == version_pb2.VERSION_KIND_COMMIT
    assert first.tier == version_pb2.VERSION_TIER_HOT


async def test_a_commit_sent_twice_is_one_version(at: Versions) -> None:
    await at.write("ann", create("a"))
    request = service.CommitVersionRequest(video_id=1, request_id="once", message="m")
    first = (await at.call("CommitVersion", request)).version
    await at.write("ann", create("b"))
    assert (await at.call("CommitVersion", request)).version == first
    request.message = "other"
    assert await refused(at.call("CommitVersion", request)) == "ALREADY_USED"


async def test_commits_do_not_wait_for_snapshots_and_know_of_those_made_meanwhile(at: Versions) -> None:
    store, made, held = at.parts.store, asyncio.Event(), asyncio.Event()
    put = store.put_snapshot

    async def slow(*snapshot: Any) -> None:
        made.set()
        await held.wait()
        await put(*snapshot)

    store.put_snapshot = slow  # type: ignore[assignment, method-assign]
    await at.write("ann", create("a"))
    committed = [await at.commit() for _ in range(SNAPSHOT_EVERY + 10)]
    await made.wait()
    held.set()
    first = committed[SNAPSHOT_EVERY].version_id

    async def is_whole() -> bool:
        return len(await store.chain(1, first)) == 1

    await until(is_whole, "a snapshot of the first that is to have one")
    held.clear()
    committed += [await at.commit() for _ in range(MAX_DEPTH - 9)]
    assert len(await store.chain(1, committed[-1].version_id)) == MAX_DEPTH + 1
    held.set()
    await at.commit()
    last = await at.commit()
    assert len(await store.chain(1, last.version_id)) < SNAPSHOT_EVERY


async def test_a_base_that_is_not_the_head_makes_a_branch(at: Versions) -> None:
    made = []
    for number in range(3):
        await at.write("ann", create(str(number)))
        made.append(await at.commit())
    branch = await at.commit(base_version_id=made[0].version_id, message="branch")
    listed = await at.call("ListVersions", service.ListVersionsRequest(video_id=1))
    assert [each.version_id for each in listed.versions] == [branch.version_id, *(v.version_id for v in reversed(made))]
    assert listed.head_version_id == made[2].version_id
    assert await at.document(branch.version_id) == await at.document(made[2].version_id)
    head = made[2].version_id
    assert await refused(at.commit(expected_head_version_id=made[1].version_id)) == "HEAD_MOVED"
    assert (await at.commit(expected_head_version_id=head)).base_version_id == head
    assert await refused(at.commit(base_version_id=77)) == "VERSION_NOT_FOUND"


async def test_versions_are_listed_in_pages(at: Versions) -> None:
    await at.write("ann", create("a"))
    made = [(await at.commit()).version_id for _ in range(7)]
    seen: list[int] = []
    token = ""
    while True:
        request = service.ListVersionsRequest(video_id=1, page_size=3, page_token=token)
        answer = await at.call("ListVersions", request)
        seen += [each.version_id for each in answer.versions]
        token = answer.next_page_token
        if not token:
            break
    assert seen == made[::-1]
    bad = service.ListVersionsRequest(video_id=1, page_token="x")
    assert await refused(at.call("ListVersions", bad)) == "INVALID_VERSION_PAGE"


async def test_two_first_versions_at_once_follow_each_other(at: Versions) -> None:
    await at.write("ann", create("a"))
    made = await asyncio.gather(*(at.commit(person) for person in ("ann", "bob", "cid")))
    assert sorted(each.number for each in made) == [1, 2, 3]
    assert len({each.version_id for each in made}) == 3
    in_a_chain(made, 0)


def in_a_chain(made: list[version_pb2.Version], base_id: int) -> None:
    """Asserts that each follows the one before it."""
    made.sort(key=lambda each: each.number)
    assert [each.base_version_id for each in made] == [base_id, *(each.version_id for each in made[:-1])]


async def test_commits_on_the_head_at_once_follow_each_other_and_make_no_branch(at: Versions) -> None:
    await at.write("ann", create("a"))
    first = await at.commit()
    live = [at.commit(person) for person in ("ann", "bob", "cid")]
    what_if = service.DeltaOperations(operations=[move("a", 3, 4)])
    made = await asyncio.gather(*live, *(at.commit(operations=what_if) for _ in range(6)))
    in_a_chain(made, first.version_id)
    head = (await at.call("GetVersion", service.GetVersionRequest(video_id=1))).version
    assert head.version_id == made[-1].version_id


async def test_operations_on_a_version_are_a_version_that_never_was_live(at: Versions) -> None:
    await at.write("ann", create("a"))
    base = await at.commit()
    what_if = service.DeltaOperations(operations=[move("a", 3, 4), create("b", text="what if")])
    made = await at.commit(operations=what_if)
    assert (made.revision, made.base_version_id) == (0, base.version_id)
    document = await at.document(made.version_id)
    assert document[note("a")].annotation.position.x == 3
    assert document[note("b")].annotation.text == "what if"
    assert note("b") not in await at.live()
    again = await at.commit(message="live again")
    assert await at.document(again.version_id) == await at.live()
    gone = service.DeltaOperations(operations=[move("nobody", 1, 1)])
    assert await refused(at.commit(operations=gone)) == "DELTA_REFUSED"
    outside = service.DeltaOperations(operations=[create("c", frame=10_000_000)])
    assert await refused(at.commit(operations=outside)) == "DELTA_REFUSED"
    foreign = service.DeltaOperations(operations=[move("a", 1, 1)])
    assert await refused(at.commit("guest", operations=foreign)) == "DELTA_REFUSED"


async def test_a_difference_names_each_annotation_and_field(at: Versions) -> None:
    await at.write("ann", create("a", text="one"), create("b"))
    first = await at.commit()
    await at.write("ann", move("a", 1, 1, seen=1), create("c"))
    second = await at.commit()
    request = service.DiffVersionsRequest(
        video_id=1, from_version_id=first.version_id, to_version_id=second.version_id, page_size=1
    )
    answer = await at.call("DiffVersions", request)
    assert [list(each.fields) for each in answer.diffs] == [["position"]]
    request.page_token = answer.next_page_token
    answer = await at.call("DiffVersions", request)
    assert [each.after.annotation.id for each in answer.diffs] == [note("c")]
    assert not answer.diffs[0].HasField("before")
    back = service.DiffVersionsRequest(video_id=1, from_version_id=second.version_id, to_version_id=first.version_id)
    assert [each.HasField("after") for each in (await at.call("DiffVersions", back)).diffs] == [True, False]


async def test_a_tag_is_of_one_version_at_a_time(at: Versions) -> None:
    await at.write("ann", create("a"))
    first, second = await at.commit(), await at.commit()

    def tag(version: version_pb2.Version, **more: Any) -> Any:
        request = service.TagVersionRequest(video_id=1, version_id=version.version_id, tag="final", **more)
        return at.call("TagVersion", request)

    assert (await tag(first)).version.tags == ["final"]
    assert (await tag(second)).version.tags == ["final"]
    by_tag = service.GetVersionRequest(video_id=1, tag="final")
    assert (await at.call("GetVersion", by_tag)).version.version_id == second.version_id
    by_id = service.GetVersionRequest(video_id=1, version_id=first.version_id)
    assert (await at.call("GetVersion", by_id)).version.tags == []
    await tag(second, remove=True)
    assert await refused(at.call("GetVersion", by_tag)) == "VERSION_NOT_FOUND"
    bad = service.TagVersionRequest(video_id=1, version_id=first.version_id, tag=" ")
    assert await refused(at.call("TagVersion", bad)) == "INVALID_VERSION_REQUEST"


async def test_merging_takes_both_sides_and_names_what_both_changed(at: Versions) -> None:
    await at.write("ann", create("a", text="hello world"), create("b"))
    base = await at.commit()
    ours = await at.commit(operations=service.DeltaOperations(operations=[move("a", 1, 1), move("b", 7, 7)]))
    theirs = await at.commit(
        base_version_id=base.version_id,
        operations=service.DeltaOperations(operations=[move("a", 2, 2), create("c")]),
    )
    request = service.MergeVersionsRequest(
        video_id=1, from_version_id=theirs.version_id, into_version_id=ours.version_id, request_id="m"
    )
    answer = await at.call("MergeVersions", request)
    merged = await at.document(answer.version.version_id)
    assert set(merged) == {note("a"), note("b"), note("c")}
    assert merged[note("b")].annotation.position.x == 7
    assert [(each.annotation_id, each.field) for each in answer.conflicts] == [(note("a"), "position")]
    assert merged[note("a")].annotation.position.x == (2 if answer.conflicts[0].from_won else 1)
    assert (answer.version.base_version_id, answer.version.merged_version_id) == (ours.version_id, theirs.version_id)
    assert (await at.call("MergeVersions", request)).version == answer.version
    assert note("c") not in await at.live()


async def test_a_client_never_reads_what_was_internal_in_a_version(at: Versions) -> None:
    await at.write("ann", create("a", text=CANARY, audience=INTERNAL), create("b"))
    hidden = await at.commit()
    await at.write("ann", publish("a"))
    shown = await at.commit()
    assert set(await at.document(hidden.version_id, "guest")) == {note("b")}
    assert set(await at.document(shown.version_id, "guest")) == {note("a"), note("b")}
    request = service.DiffVersionsRequest(video_id=1, from_version_id=hidden.version_id, to_version_id=shown.version_id)
    (diff,) = (await at.call("DiffVersions", request, "guest")).diffs
    assert not diff.HasField("before")
    request.from_version_id, request.to_version_id = shown.version_id, hidden.version_id
    (diff,) = (await at.call("DiffVersions", request, "guest")).diffs
    assert not diff.HasField("after")
    asked = service.GetVersionDocumentRequest(video_id=1, version_id=hidden.version_id, audience=CLIENT)
    assert CANARY not in str(await at.call("GetVersionDocument", asked))


async def test_another_tenant_and_another_video_have_none_of_it(at: Versions) -> None:
    await at.write("ann", create("a"))
    made = await at.commit()
    request = service.GetVersionRequest(video_id=1, version_id=made.version_id)
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await at.call("GetVersion", request, "eve", tenant="other")
    assert failure.value.code() == grpc.StatusCode.NOT_FOUND
    for name, asked in (
        ("GetVersion", service.GetVersionRequest(video_id=2, version_id=made.version_id)),
        ("GetVersionDocument", service.GetVersionDocumentRequest(video_id=2, version_id=made.version_id)),
        ("TagVersion", service.TagVersionRequest(video_id=2, version_id=made.version_id, tag="x")),
        ("CommitVersion", service.CommitVersionRequest(video_id=2, base_version_id=made.version_id)),
    ):
        assert await refused(at.call(name, asked)) == "VERSION_NOT_FOUND"


async def test_many_versions_are_read_from_few_pieces_and_after_a_restart(at: Versions) -> None:
    made = []
    for number in range(80):
        await at.write(f"p{number % 4}", create(str(number)))
        made.append(await at.commit())
    store = at.parts.store
    longest = max([len(await store.chain(1, each.version_id)) for each in made])
    assert longest <= 65
    await at.stop()
    await at.start()
    for count, version in enumerate(made, 1):
        assert len(await at.document(version.version_id)) == count


async def test_everybody_is_told_of_versions_tags_and_commits_on_the_stream(at: Versions) -> None:
    await at.write("ann", create("a"))
    first = await at.commit()
    call = at.stub.SyncVersions(metadata=at.as_person("ann"))
    await call.write(service.SyncVersionsRequest(open=service.SyncVersionsOpen(video_id=1)))
    assert (await call.read()).opened.head_version_id == first.version_id
    assert (await call.read()).version == first
    commit = service.CommitVersionRequest(video_id=1, request_id="c", message="over the stream")
    await call.write(service.SyncVersionsRequest(commit=commit))
    answers = {answer.WhichOneof("message"): answer for answer in [await call.read(), await call.read()]}
    assert answers["committed"].committed.version == answers["version"].version
    tag = service.TagVersionRequest(video_id=1, version_id=first.version_id, tag="t")
    await at.call("TagVersion", tag)
    assert (await call.read()).version.tags == ["t"]
    bad = service.CommitVersionRequest(video_id=1, request_id="d", base_version_id=5)
    await call.write(service.SyncVersionsRequest(commit=bad))
    assert (await call.read()).committed.status.code == grpc.StatusCode.NOT_FOUND.value[0]
    await call.done_writing()
    later = at.stub.SyncVersions(metadata=at.as_person("guest"))
    after = service.SyncVersionsOpen(video_id=1, after_change=2)
    await later.write(service.SyncVersionsRequest(open=after))
    await later.read()
    assert (await later.read()).version.version_id == first.version_id
    later.cancel()


async def test_a_stream_ends_when_the_right_to_see_is_taken_away(at: Versions) -> None:
    call = at.stub.SyncVersions(metadata=at.as_person("guest"))
    await call.write(service.SyncVersionsRequest(open=service.SyncVersionsOpen(video_id=1)))
    await call.read()
    at.people.grant("guest", 0)
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await call.read()
    assert failure.value.code() == grpc.StatusCode.NOT_FOUND


async def test_commits_and_a_roll_back_at_once_are_each_whole(at: Versions) -> None:
    for number in range(4):
        await at.write("ann", create(f"{number}"))
    asked = [at.commit() for _ in range(6)]
    back = service.RollbackVersionRequest(
        video_id=1, target=service.RollbackTarget(revision=2), request_id=at.request_id()
    )
    made, done, more = await asyncio.gather(
        asyncio.gather(*asked), at.call("RollbackVersion", back), asyncio.gather(*(at.commit() for _ in range(6)))
    )
    versions = [*made, await at.commit(), *more]
    assert done.rollback.state == version_pb2.ROLLBACK_STATE_DONE
    listed = (await at.call("ListVersions", service.ListVersionsRequest(video_id=1))).versions
    assert sorted(each.number for each in listed) == list(range(1, 15))
    assert {each.version_id for each in listed} == {*(each.version_id for each in versions), done.rollback.version_id}
    for each in listed:
        assert await at.document(each.version_id) == await at.live(revision=each.revision)


async def test_bad_input_is_said_to_be_so(at: Versions) -> None:
    await at.write("ann", create("a"))
    assert await refused(at.commit(message="x" * 1_025)) == "INVALID_VERSION_REQUEST"
    assert await refused(at.commit(message="a\0b")) == "INVALID_VERSION_REQUEST"
    for request_id in ("x" * 129, "a\0b"):
        for request in (
            service.CommitVersionRequest(video_id=1, request_id=request_id),
            service.MergeVersionsRequest(video_id=1, request_id=request_id),
        ):
            name = type(request).__name__.removesuffix("Request")
            assert await refused(at.call(name, request)) == "INVALID_VERSION_REQUEST"
    largest = (1 << 63) - 1
    for base in (-1, largest):
        assert await refused(at.commit(base_version_id=base)) == "VERSION_NOT_FOUND"
    assert await refused(at.commit(expected_head_version_id=largest)) == "HEAD_MOVED"
    assert await refused(at.commit(revision=99)) == "REVISION_UNKNOWN"
    unknown = service.DiffVersionsRequest(video_id=1, from_version_id=1, to_version_id=2)
    assert await refused(at.call("DiffVersions", unknown)) == "VERSION_NOT_FOUND"
    merge = service.MergeVersionsRequest(video_id=1, from_version_id=1, into_version_id=2)
    assert await refused(at.call("MergeVersions", merge)) == "VERSION_NOT_FOUND"
    assert await at.document((await at.commit()).version_id) == await at.live()
    assert identity_of("a") in await at.live()
