"""Going back: by new operations that everybody sees, undoable, by one's rights, once, and across a crash."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from rushes.annotation.v1 import operation_pb2
from rushes.annotation.v1.annotation_pb2 import Annotation
from rushes.document.inverse import edit_operation
from rushes.document.text import diff
from rushes.errors import Unavailable
from rushes.version.v1 import version_pb2
from rushes.version.v1 import version_service_pb2 as service
from svc_version.bootstrap import VersionParts
from tests.integration.annotation_notes import create, move, publish
from tests.integration.annotation_server import GUEST, INTERNAL, SEE_INTERNAL, reason
from tests.integration.version_server import Versions, note, versions
from tests.waiting import until

CANARY = "canary-7731"
DONE = version_pb2.ROLLBACK_STATE_DONE
REVIEWER = GUEST | SEE_INTERNAL


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Versions]:
    """The service."""
    async with versions(tmp_path) as running:
        running.people.grant("guest", GUEST)
        running.people.grant("reviewer", REVIEWER)
        yield running


def text(name: str, before: str, after: str) -> operation_pb2.Operation:
    """An edit of a text."""
    return edit_operation(note(name), diff(before, after))


def tag(name: str, value: str, there: bool = True) -> operation_pb2.Operation:
    """A tag, put or taken."""
    field = operation_pb2.FieldValue(field=f"tags/{value}", flag=there)
    if not there:
        field.ClearField("flag")
    return operation_pb2.Operation(set_fields=operation_pb2.SetFieldsOperation(id=note(name), fields=[field]))


async def looks(at: Versions, video: int = 1, **moment: Any) -> dict[bytes, Annotation]:
    """What is shown, without when it was changed."""
    shown = {}
    for name, state in (await at.live(video, **moment)).items():
        if not state.annotation.deleted:
            state.annotation.updated_ms = 0
            for part in (state.annotation.position, state.annotation.box, state.annotation.style):
                part.SetInParent()
            shown[name] = state.annotation
    return shown


async def story(at: Versions) -> None:
    """Five revisions: notes made, moved, renamed, tagged and deleted."""
    await at.write("ann", create("a", text="hello", frame=10), create("b", frame=20))
    await at.write("bob", create("c", frame=30, text="by bob"))
    await at.write("ann", move("a", 5, 5, seen=2), text("a", "hello", "hello there"), tag("a", "colour"))
    await at.write("bob", move("c", 8, 8, seen=3), tag("b", "x"))
    deleted = operation_pb2.SetDeletedOperation(id=note("b"), deleted=True)
    await at.write("ann", operation_pb2.Operation(set_deleted=deleted), create("d", frame=40))


async def test_notes_go_back_to_a_revision_live_and_nothing_is_lost(at: Versions) -> None:
    await story(at)
    session = await at.place.session("watcher")
    then = await looks(at, revision=2)
    done = await at.roll_back(revision=2)
    assert done.state == DONE
    assert (done.from_revision, done.target_revision, done.annotation_count) == (5, 2, 4)
    assert list(done.frames) == [10, 20, 30, 40]
    assert await looks(at) == then
    await until(lambda: session.revision >= done.last_revision)
    assert session.commits[-1].person_id == "ann"
    assert set(await at.live()) == {note(name) for name in "abcd"}
    version = (await at.call("GetVersion", service.GetVersionRequest(video_id=1))).version
    assert version.version_id == done.version_id
    assert version.kind == version_pb2.VERSION_KIND_ROLLBACK
    assert await at.document(version.version_id) == await at.live()


@pytest.mark.parametrize("revision", [0, 1, 3, 4, 5])
async def test_every_revision_can_be_gone_back_to_and_forth(at: Versions, revision: int) -> None:
    await story(at)
    now, then = await looks(at), await looks(at, revision=revision)
    await at.roll_back(revision=revision)
    assert await looks(at) == then
    await at.roll_back(revision=5)
    assert await looks(at) == now


async def test_a_roll_back_is_undone_but_for_what_others_changed_since(at: Versions) -> None:
    await story(at)
    now = await looks(at)
    done = await at.roll_back(revision=1)
    await at.write("bob", tag("b", "later"))
    undone = await at.roll_back(rollback_id=done.rollback_id)
    assert undone.state == DONE
    after = await at.live()
    assert "later" in after[note("b")].annotation.tags
    assert after[note("b")].annotation.deleted
    assert await looks(at) == now
    again = await at.roll_back(rollback_id=undone.rollback_id)
    assert again.state == DONE
    assert note("b") in await looks(at)


async def test_undoing_an_undo_leaves_what_others_did_in_between(at: Versions) -> None:
    await at.write("ann", create("a", text="one"))
    await at.write("ann", move("a", 5, 5, seen=1), text("a", "one", "one two"))
    done = await at.roll_back(revision=1)
    await at.write("bob", move("a", 9, 9, seen=3), text("a", "one", "one by bob"))
    undone = await at.roll_back(rollback_id=done.rollback_id)
    first = (await at.live())[note("a")].annotation
    assert (first.position.x, "by bob" in first.text, "two" in first.text) == (9, True, True)
    again = await at.roll_back(rollback_id=undone.rollback_id)
    assert again.state == DONE
    last = (await at.live())[note("a")].annotation
    assert (last.position.x, last.text) == (9, "one by bob")


async def test_an_undo_leaves_what_others_did_between_the_batches(at: Versions) -> None:
    await long_texts(at)
    revision = await at.revision()
    await at.write("ann", *(text(name, "short", LONG[:1_900]) for name in "abc"))
    await at.write("ann", *(move(name, 5, 5, seen=revision) for name in "abc"))
    append, seen = at.parts._writing._notes.append, revision + 2

    async def with_bob(work: Any, batch: Any) -> Any:
        if batch.client_seq == 2:
            await at.write("bob", move("a", 9, 9, seen=seen + 1), create("d"))
        return await append(work, batch)

    at.parts._writing._notes.append = with_bob  # type: ignore[method-assign]
    done = await at.roll_back(revision=revision - 1)
    assert done.done_count > 2
    at.parts._writing._notes.append = append  # type: ignore[method-assign]
    assert (await at.roll_back(rollback_id=done.rollback_id)).state == DONE
    shown = await looks(at)
    assert {name: shown[note(name)].position.x for name in "abcd"} == {"a": 9, "b": 5, "c": 5, "d": 0}
    assert {shown[note(name)].text for name in "abc"} == {LONG[:1_900]}


async def test_notes_go_back_to_a_version_and_to_a_time(at: Versions) -> None:
    await at.write("ann", create("a", text="one"))
    version = await at.commit()
    time_ms = (await at.live())[note("a")].annotation.updated_ms
    then = await looks(at)
    await asyncio.sleep(0.01)
    await at.write("ann", move("a", 1, 2, seen=1), create("b"))
    await at.roll_back(version_id=version.version_id)
    assert await looks(at) == then
    await at.write("ann", move("a", 3, 3, seen=3))
    await at.roll_back(time_ms=time_ms)
    assert await looks(at) == then
    never = await at.commit(operations=service.DeltaOperations(operations=[text("a", "one", "two"), create("z")]))
    await at.roll_back(version_id=never.version_id)
    assert (await at.live())[note("a")].annotation.text == "two"


async def test_a_scope_leaves_the_rest_as_it_is(at: Versions) -> None:
    await story(at)
    frames = service.RollbackScope(frames=operation_pb2.FrameRange(first=25, last=35))
    await at.roll_back(revision=2, scope=frames)
    live = await at.live()
    assert live[note("c")].annotation.position.x == 0
    assert live[note("a")].annotation.position.x == 5
    await at.roll_back(revision=2, scope=service.RollbackScope(author_id="ann"))
    assert await looks(at) == await looks(at, revision=2)


async def test_a_dry_run_says_what_would_happen_and_changes_nothing(at: Versions) -> None:
    await story(at)
    planned = await at.roll_back(revision=2, dry_run=True, request_id="")
    assert planned.state == version_pb2.ROLLBACK_STATE_PLANNED
    assert (planned.annotation_count, planned.rollback_id) == (4, 0)
    assert await at.revision() == 5


async def test_a_request_sent_again_does_nothing_more(at: Versions) -> None:
    await story(at)
    first = await at.roll_back(revision=2, request_id="once")
    assert await at.roll_back(revision=2, request_id="once") == first
    assert await at.revision() == first.last_revision
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await at.roll_back(revision=3, request_id="once")
    assert reason(failure.value) == "ALREADY_USED"
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await at.roll_back(revision=3, request_id="")
    assert reason(failure.value) == "REQUEST_ID_MISSING"


async def test_who_may_not_edit_others_brings_back_their_own_notes_alone(at: Versions) -> None:
    await story(at)
    await at.write("reviewer", create("e", text="mine"))
    await at.write("reviewer", text("e", "mine", "changed"))
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await at.roll_back("reviewer", revision=6)
    assert reason(failure.value) == "MAY_NOT_ROLL_BACK"
    mine = service.RollbackScope(author_id="reviewer")
    assert (await at.roll_back("reviewer", revision=6, scope=mine)).state == DONE
    assert (await at.live())[note("e")].annotation.text == "mine"


async def test_what_was_internal_then_is_not_put_before_clients(at: Versions) -> None:
    await at.write("ann", create("a", text=CANARY, audience=INTERNAL), create("b", audience=INTERNAL))
    await at.write("ann", text("a", CANARY, "harmless"), publish("a"), text("b", "", "words"))
    done = await at.roll_back(revision=1)
    live = await at.live()
    assert live[note("a")].annotation.text == "harmless"
    assert live[note("b")].annotation.text == ""
    assert done.kept_count == 1


async def test_somebody_without_internal_notes_leaves_them_alone(at: Versions) -> None:
    at.people.grant("cid", GUEST | 1 << 3)
    await at.write("ann", create("a"))
    await at.write("ann", create("b", audience=INTERNAL), move("a", 1, 1, seen=1))
    done = await at.roll_back("cid", revision=1)
    assert done.annotation_count == 1
    assert note("b") in await looks(at)


async def test_a_long_text_comes_back_whole(at: Versions) -> None:
    await at.write("ann", create("a", text="x" * 4_000))
    long = "x" * 4_000
    for _ in range(3):
        await at.write("ann", text("a", long, long + "é" * 2_000))
        long += "é" * 2_000
    await at.write("ann", text("a", long, "short"))
    done = await at.roll_back(revision=4)
    assert done.state == DONE
    assert (await at.live())[note("a")].annotation.text == long


async def test_edits_of_others_in_between_win(at: Versions) -> None:
    await story(at)
    append = at.parts._writing._notes.append
    made: list[int] = []

    async def slow(work: Any, batch: Any) -> Any:
        if not made:
            made.append(await at.write("bob", move("a", 77, 77, seen=5), text("c", "by bob", "by bob!")))
        return await append(work, batch)

    at.parts._writing._notes.append = slow  # type: ignore[method-assign]
    done = await at.roll_back(revision=2)
    assert done.state == DONE
    live = await at.live()
    assert live[note("a")].annotation.position.x == 77
    assert live[note("a")].annotation.text == "hello"
    assert live[note("c")].annotation.text == "by bob!"


async def test_a_large_roll_back_goes_on_after_a_crash_and_is_written_once(at: Versions) -> None:
    for number in range(130):
        await at.write(f"p{number % 10}", *[create(f"{number}.{each}") for each in range(20)])
    before = await at.revision()
    stopped = asyncio.Event()

    def breaking(parts: VersionParts) -> None:
        append, done = parts._writing._notes.append, []

        async def break_after_one(work: Any, batch: Any) -> Any:
            outcome = await append(work, batch)
            done.append(outcome)
            if len(done) == 2:
                # The second batch is in the log; that it is, is not known here yet.
                stopped.set()
                await asyncio.sleep(3_600)
            return outcome

        parts._writing._notes.append = break_after_one  # type: ignore[method-assign]

    await at.stop()
    await at.start(breaking)
    asking = asyncio.create_task(at.roll_back(revision=0, request_id="large"))
    await stopped.wait()
    asking.cancel()
    await at.stop()
    await at.start()

    async def state() -> version_pb2.Rollback:
        return await at.roll_back(revision=0, request_id="large")

    done = await state()
    assert done.state == DONE
    assert (done.batch_count, done.done_count, done.operation_count) == (3, 3, 2_600)
    assert await at.revision() == before + 3
    assert await looks(at) == {}


LONG = "é" * 7_900


async def long_texts(at: Versions) -> int:
    """Notes whose long texts have become short: going back to the revision takes more than nine batches."""
    names = ["a", "b", "c"]
    await at.write("ann", *(create(name) for name in names))
    for name in names:
        for end in range(0, len(LONG), 2_000):
            await at.write("ann", text(name, LONG[:end], LONG[: end + 2_000]))
    revision = await at.revision()
    await at.write("ann", *(text(name, LONG, "short") for name in names))
    return revision


def breaking_at(at: Versions, number: int, error: Exception) -> None:
    """Lets a batch fail, the first time that it is sent."""
    append = at.parts._writing._notes.append

    async def break_once(work: Any, batch: Any) -> Any:
        if batch.client_seq == number:
            at.parts._writing._notes.append = append  # type: ignore[method-assign]
            raise error
        return await append(work, batch)

    at.parts._writing._notes.append = break_once  # type: ignore[method-assign]


async def test_what_is_delayed_after_many_batches_goes_on_where_it_was(at: Versions) -> None:
    revision = await long_texts(at)
    before = await at.revision()
    breaking_at(at, 10, Unavailable("away"))
    done = await at.roll_back(revision=revision)
    assert (done.state, done.error_reason) == (DONE, "")
    assert done.done_count == done.batch_count >= 10
    assert await at.revision() == before + done.batch_count
    assert {each.text for each in (await looks(at)).values()} == {LONG}


async def test_what_failed_half_way_is_undone_as_far_as_it_was_written(at: Versions) -> None:
    revision = await long_texts(at)
    before = await looks(at)
    breaking_at(at, 10, RuntimeError("a defect"))
    failed = await at.roll_back(revision=revision)
    assert (failed.state, failed.done_count) == (version_pb2.ROLLBACK_STATE_FAILED, 9)
    assert await looks(at) != before
    assert (await at.roll_back(rollback_id=failed.rollback_id)).state == DONE
    assert await looks(at) == before


async def test_only_one_at_a_time(at: Versions) -> None:
    await story(at)
    append, waiting = at.parts._writing._notes.append, asyncio.Event()

    async def slow(work: Any, batch: Any) -> Any:
        await waiting.wait()
        return await append(work, batch)

    at.parts._writing._notes.append = slow  # type: ignore[method-assign]
    first = asyncio.create_task(at.roll_back(revision=2))
    await until(lambda: at.parts._writing._tasks)
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await at.roll_back(revision=1)
    assert reason(failure.value) == "ROLLBACK_RUNNING"
    waiting.set()
    assert (await first).state == DONE


async def test_rights_taken_away_in_between_end_it(at: Versions) -> None:
    await story(at)
    append = at.parts._writing._notes.append

    async def late(work: Any, batch: Any) -> Any:
        at.people.grant("ann", 1 << 1)
        return await append(work, batch)

    at.parts._writing._notes.append = late  # type: ignore[method-assign]
    failed = await at.roll_back(revision=2)
    assert failed.state == version_pb2.ROLLBACK_STATE_FAILED
    assert failed.error_reason == "MAY_NOT_ANNOTATE"


async def carried(at: Versions, person: str = "ann", **asked: Any) -> version_pb2.Rollback:
    """Notes of video 1 on video 2."""
    request = service.CarryNotesRequest(from_video_id=1, to_video_id=2, request_id=at.request_id(), **asked)
    answer: service.CarryNotesResponse = await at.call("CarryNotes", request, person)
    return answer.rollback


async def test_notes_are_carried_to_the_next_cut_with_their_origin(at: Versions) -> None:
    await story(at)
    await at.write("bob", create("reply", parent="a", frame=10), create("late", frame=990))
    await at.write("bob", create("inside", text="é" * 2_000 + "x", audience=INTERNAL, frame=5))
    await at.write("bob", text("inside", "é" * 2_000 + "x", "é" * 2_000 + "x" * 3_000))
    done = await carried(at, frame_offset=100)
    assert (done.state, done.annotation_count, done.kept_count) == (DONE, 5, 1)
    notes = {state.annotation.origin.annotation_id: state.annotation for state in (await at.live(2)).values()}
    assert set(notes) == {note(name) for name in ("a", "c", "d", "reply", "inside")}
    a = notes[note("a")]
    assert (a.author_id, a.origin.author_id, a.origin.video_id) == ("ann", "ann", 1)
    assert (a.first_frame, a.text, list(a.tags)) == (110, "hello there", ["colour"])
    assert notes[note("c")].origin.author_id == "bob"
    assert notes[note("reply")].parent_id == a.id
    assert notes[note("inside")].audience == INTERNAL
    assert notes[note("inside")].text == "é" * 2_000 + "x" * 3_000
    undone = await at.roll_back(video=2, rollback_id=done.rollback_id)
    assert undone.state == DONE
    assert await looks(at, 2) == {}


async def test_a_client_carries_what_they_may_read(at: Versions) -> None:
    await at.write("ann", create("a"), create("b", text=CANARY, audience=INTERNAL))
    assert (await carried(at, "guest")).annotation_count == 1
    assert CANARY not in str(await at.live(2))


async def test_carrying_is_done_once_and_bad_input_is_said(at: Versions) -> None:
    await at.write("ann", create("a"))
    request = service.CarryNotesRequest(from_video_id=1, to_video_id=2, request_id="c")
    first = (await at.call("CarryNotes", request)).rollback
    assert (await at.call("CarryNotes", request)).rollback == first
    assert len(await at.live(2)) == 1
    for bad in (
        service.CarryNotesRequest(from_video_id=1, to_video_id=1, request_id="d"),
        service.CarryNotesRequest(from_video_id=1, to_video_id=2, frame_offset=1 << 40, request_id="e"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await at.call("CarryNotes", bad)
        assert reason(failure.value) == "INVALID_VERSION_REQUEST"
