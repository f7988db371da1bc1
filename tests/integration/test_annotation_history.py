"""Any moment of a document, how it came about, and notes found by what they say, over a real server."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from mesh.auth import service_token
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1 import history_service_pb2, operation_pb2
from rushes.annotation.v1.annotation_pb2 import AnnotationState
from rushes.annotation.v1.annotation_service_pb2_grpc import AnnotationServiceStub
from rushes.annotation.v1.history_service_pb2_grpc import HistoryServiceStub
from svc_annotation.config import AnnotationConfig
from tests.integration.annotation_notes import batch, create, identity_of, move, publish
from tests.integration.annotation_server import CLIENT, GUEST, INTERNAL, SECRET, Place, Session, reason, serving

CANARY = "canary-1187"
LIMIT_S = 0.3
NARROW = (("grpc.use_local_subchannel_pool", 1), ("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 64 * 1024))
"""Little is on its way to who does not read: as between a gateway and its services."""
AS_VERSION = (("rushes-service", service_token("svc_version", SECRET)),)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """A service with a guest who sees only what is for clients."""
    async with serving(tmp_path) as opened:
        opened.people.grant("guest", GUEST)
        yield opened


def delete(name: str) -> operation_pb2.Operation:
    """Deletes an annotation."""
    return operation_pb2.Operation(set_deleted=operation_pb2.SetDeletedOperation(id=identity_of(name), deleted=True))


async def written(place: Place) -> Session:
    """Seven revisions by two people on two frames."""
    ann, bob = await place.session("ann"), await place.session("bob")
    await ann.submit(create("a", frame=10, text="first"))
    await ann.landed()
    await bob.submit(create("b", frame=20, text=CANARY, audience=INTERNAL))
    await bob.landed()
    for x in (1, 2, 3):
        await ann.submit(move("a", x, x, seen=ann.revision))
        await ann.landed()
    await bob.submit(publish("b"), create("c", frame=30, text="颜色 too", parent="b"))
    await bob.landed()
    await bob.submit(delete("a"))
    await bob.landed()
    return ann


async def document(place: Place, person: str = "ann", **asked: Any) -> dict[bytes, AnnotationState]:
    """The whole document at a moment, which is the same in pages and as a stream."""
    states: list[AnnotationState] = []
    token = ""
    while True:
        request = service.GetDocumentRequest(video_id=1, page_token=token, **asked)
        answer = await place.stub.GetDocument(request, metadata=place.as_person(person))
        states += answer.annotations
        token = answer.next_page_token
        if not token:
            break
    parts = await streamed(place, person, **asked)
    assert {(each.epoch, each.revision, each.time_ms) for each in parts} == {
        (answer.epoch, answer.revision, answer.time_ms)
    }
    assert [state for part in parts for state in part.annotations] == states
    return {each.annotation.id: each for each in states}


async def streamed(place: Place, person: str = "ann", **asked: Any) -> list[service.ReadDocumentResponse]:
    """The parts of a document."""
    request = service.ReadDocumentRequest(video_id=1, **asked)
    parts = [part async for part in place.stub.ReadDocument(request, metadata=place.as_person(person))]
    assert all(part.ByteSize() <= 1024 * 1024 for part in parts)
    return parts


async def test_a_document_is_read_as_it_was_at_each_revision_and_time(place: Place) -> None:
    ann = await written(place)
    a, b, c = (identity_of(name) for name in "abc")
    assert await document(place, revision=0) == {}
    assert list(await document(place, revision=1)) == [a]
    for revision, x in ((2, 0), (3, 1), (4, 2), (5, 3)):
        then = await document(place, revision=revision)
        assert then[a].annotation.position.x == x
        assert set(then) == {a, b}
    then = await document(place, revision=6)
    assert set(then) == {a, b, c}
    assert not then[a].annotation.deleted
    now = await document(place)
    assert now[a].annotation.deleted
    assert now == await document(place, revision=7)
    times = [each.time_ms for each in ann.commits]
    assert await document(place, time_ms=times[-1]) == now
    assert await document(place, time_ms=times[0] - 1) == {}
    assert list(await document(place, revision=6, frames=operation_pb2.FrameRange(first=25, last=35))) == [c]
    assert list(await document(place, frames=operation_pb2.FrameRange(first=10, last=10))) == [a]


async def test_a_long_document_of_the_past_comes_in_pages_of_one_revision(place: Place) -> None:
    # So much in a second is merged for whoever leaves it to the server.
    ann = await place.session("ann", delivery=service.DELIVERY_FULL)
    for number in range(40):
        await ann.submit(*[create(f"{number}.{each}", text="x" * 4_000) for each in range(20)])
        await ann.landed()
    await ann.submit(delete("0.0"))
    await ann.landed()
    request = service.GetDocumentRequest(video_id=1, revision=40)
    first = await place.stub.GetDocument(request, metadata=place.as_person("ann"))
    assert first.next_page_token
    assert (first.revision, first.head_revision) == (40, 41)
    assert first.time_ms
    then = await document(place, revision=40)
    assert len(then) == 800
    assert not any(state.annotation.deleted for state in then.values())
    request = service.GetDocumentRequest(video_id=1, revision=39, page_token=first.next_page_token)
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await place.stub.GetDocument(request, metadata=place.as_person("ann"))
    assert reason(failure.value) == "INVALID_PAGE_TOKEN"


async def test_a_document_that_nobody_takes_is_not_held_for_ever(tmp_path: Path) -> None:
    async with serving(tmp_path, AnnotationConfig(unacked_s=LIMIT_S)) as place:
        for number in range(40):
            notes = [create(f"{number}.{each}", text="x" * 4_000) for each in range(20)]
            await place.submit(f"writer {number}", batch(1, 0, *notes))
        async with grpc.aio.insecure_channel(place.server.target, options=NARROW) as channel:
            request = service.ReadDocumentRequest(video_id=1)
            asked = AnnotationServiceStub(channel).ReadDocument(request, metadata=place.as_person("ann"))
            with pytest.raises(grpc.aio.AioRpcError) as failure:
                await _read_seldom(asked)
        assert reason(failure.value) == "SLOW_READER"


async def _read_seldom(asked: Any) -> None:
    # Nothing is waited for here.
    while await asked.read() is not grpc.aio.EOF:  # noqa: ASYNC110
        await asyncio.sleep(3 * LIMIT_S)


async def operations(place: Place, person: str = "ann", **asked: Any) -> list[int]:
    """Revisions of the commits that are asked for."""
    revisions: list[int] = []
    token = ""
    while True:
        request = service.ListOperationsRequest(video_id=1, page_token=token, **asked)
        answer = await place.stub.ListOperations(request, metadata=place.as_person(person))
        revisions += [commit.revision for commit in answer.commits]
        token = answer.next_page_token
        if not token:
            return revisions


async def test_operations_are_found_by_frame_author_time_and_kind(place: Place) -> None:
    ann = await written(place)
    frame = operation_pb2.FrameRange(first=10, last=10)
    assert await operations(place, frames=frame) == [1, 3, 4, 5, 7]
    assert await operations(place, frames=frame, newest_first=True, page_size=2) == [7, 5, 4, 3, 1]
    assert await operations(place, frames=frame, author_id="ann") == [1, 3, 4, 5]
    assert await operations(place, author_id="bob") == [2, 6, 7]
    assert await operations(place, kinds=[service.OPERATION_KIND_MOVE], page_size=1) == [3, 4, 5]
    kinds = [service.OPERATION_KIND_CREATE, service.OPERATION_KIND_SET_DELETED]
    assert await operations(place, kinds=kinds, after_revision=1) == [2, 6, 7]
    times = [each.time_ms for each in ann.commits]
    between = [r for r, time_ms in enumerate(times, 1) if times[2] <= time_ms < times[6]]
    assert await operations(place, from_ms=times[2], to_ms=times[6]) == between
    assert await operations(place, newest_first=True) == [7, 6, 5, 4, 3, 2, 1]


async def test_changes_between_two_revisions_are_each_annotation_before_and_after(place: Place) -> None:
    await written(place)
    request = service.ListChangesRequest(video_id=1, from_revision=2)
    answer = await place.stub.ListChanges(request, metadata=place.as_person("ann"))
    assert answer.to_revision == 7
    a, b, c = answer.changes
    assert (a.before.annotation.position.x, a.after.annotation.position.x) == (0, 3)
    assert a.after.annotation.deleted
    assert (b.before.annotation.audience, b.after.annotation.audience) == (INTERNAL, CLIENT)
    assert not c.HasField("before")
    request = service.ListChangesRequest(video_id=1, from_revision=2, to_revision=5)
    assert len((await place.stub.ListChanges(request, metadata=place.as_person("ann"))).changes) == 1
    first = service.ListChangesRequest(video_id=1, page_size=1)
    answer = await place.stub.ListChanges(first, metadata=place.as_person("ann"))
    rest = service.ListChangesRequest(video_id=1, page_size=1, page_token=answer.next_page_token)
    following = await place.stub.ListChanges(rest, metadata=place.as_person("ann"))
    assert [each.after.annotation.id for each in (*answer.changes, *following.changes)] == [
        identity_of("a"),
        identity_of("b"),
    ]


async def test_what_was_changed_and_changed_back_is_no_change(place: Place) -> None:
    ann = await place.session("ann")
    await ann.submit(create("a"))
    await ann.landed()
    for x in (5, 0):
        await ann.submit(move("a", x, 0, seen=ann.revision))
        await ann.landed()
    request = service.ListChangesRequest(video_id=1, from_revision=1)
    assert not (await place.stub.ListChanges(request, metadata=place.as_person("ann"))).changes


async def test_a_client_never_reads_what_was_internal_then(place: Place) -> None:
    await written(place)
    b = identity_of("b")
    assert b not in await document(place, "guest", revision=5)
    assert b in await document(place, "guest", revision=6)
    asked = (
        place.stub.ListChanges(service.ListChangesRequest(video_id=1), metadata=place.as_person("guest")),
        place.stub.ListOperations(
            service.ListOperationsRequest(video_id=1, newest_first=True), metadata=place.as_person("guest")
        ),
    )
    for call in asked:
        assert CANARY in str(await call)
    for later in (2, 5):
        request = service.ListChangesRequest(video_id=1, to_revision=later)
        assert CANARY not in str(await place.stub.ListChanges(request, metadata=place.as_person("guest")))
    request = service.ListChangesRequest(video_id=1, from_revision=5)
    changes = (await place.stub.ListChanges(request, metadata=place.as_person("guest"))).changes
    assert [each.HasField("before") for each in changes if each.after.annotation.id == b] == [False]
    frame = operation_pb2.FrameRange(first=20, last=20)
    assert await operations(place, "guest", frames=frame) == [6]
    assert await operations(place, frames=frame) == [2, 6]
    assert await operations(place, audience=CLIENT, frames=frame) == [6]


async def found(place: Place, typed: str, person: str = "ann") -> list[str]:
    """Texts of the notes that a query finds."""
    request = service.ListAnnotationsRequest(video_id=1, query=typed, show_deleted=True)
    answer = await place.stub.ListAnnotations(request, metadata=place.as_person(person))
    return [each.text for each in answer.annotations]


async def test_notes_are_found_by_what_they_say_and_by_whom(place: Place) -> None:
    ann = await written(place)
    await ann.submit(create("secret", text=f"{CANARY} two", audience=INTERNAL))
    await ann.landed()
    assert await found(place, "色") == ["颜色 too"]
    assert await found(place, CANARY) == [f"{CANARY} two", CANARY]
    assert await found(place, CANARY, "guest") == [CANARY]
    assert await found(place, "author:Ann first") == ["first"]
    assert await found(place, "author:bob frame:20") == [CANARY]
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await found(place, "frame:late")
    assert reason(failure.value) == "INVALID_QUERY"


@pytest.mark.parametrize("revision", [8, -1])
async def test_a_revision_that_never_was_is_said_to_be_unknown(place: Place, revision: int) -> None:
    await written(place)
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await document(place, revision=revision)
    assert reason(failure.value) == "REVISION_UNKNOWN"
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await streamed(place, revision=revision)
    assert reason(failure.value) == "REVISION_UNKNOWN"


async def test_another_tenants_past_is_not_there(place: Place) -> None:
    await written(place)
    asked: tuple[tuple[Any, Any], ...] = (
        (place.stub.ListChanges, service.ListChangesRequest(video_id=1)),
        (place.stub.GetDocument, service.GetDocumentRequest(video_id=1, revision=1)),
    )
    for call, request in asked:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await call(request, metadata=place.as_person("eve", tenant="other"))
        assert failure.value.code() == grpc.StatusCode.NOT_FOUND
    stream = place.stub.ReadDocument(
        service.ReadDocumentRequest(video_id=1), metadata=place.as_person("eve", tenant="other")
    )
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await anext(aiter(stream))
    assert failure.value.code() == grpc.StatusCode.NOT_FOUND


async def test_svc_version_reads_all_states_and_writes_by_the_rights_of_the_person(place: Place) -> None:
    await written(place)
    stub: Any = HistoryServiceStub(place.channel)
    request = history_service_pb2.ReadStatesRequest(video_id=1, tenant_id="t", revision=2, since_revision=1)
    answers = [each async for each in stub.ReadStates(request, metadata=AS_VERSION)]
    assert [each.annotation_id for each in answers[0].states] == [identity_of("b")]
    assert answers[0].revision == 2
    append = history_service_pb2.AppendBatchRequest(
        video_id=1,
        tenant_id="t",
        person_id="ann",
        session_id="ann",
        client_id=identity_of("roll-back"),
        batch=batch(1, 7, create("d")),
    )
    outcome = (await stub.AppendBatch(append, metadata=AS_VERSION)).outcome
    assert (await stub.AppendBatch(append, metadata=AS_VERSION)).outcome == outcome
    assert outcome.revision == 8
    place.people.grant("ann", 1 << 1)
    append.batch.client_seq = 2
    refused = (await stub.AppendBatch(append, metadata=AS_VERSION)).outcome
    assert refused.refusal.reason == "MAY_NOT_ANNOTATE"
    other = history_service_pb2.ReadStatesRequest(video_id=1, tenant_id="other")
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        [each async for each in stub.ReadStates(other, metadata=AS_VERSION)]
    assert failure.value.code() == grpc.StatusCode.NOT_FOUND


async def test_nobody_but_svc_version_gets_in_by_that_door(place: Place) -> None:
    stub: Any = HistoryServiceStub(place.channel)
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await stub.AppendBatch(history_service_pb2.AppendBatchRequest(), metadata=place.as_person("ann"))
    assert failure.value.code() == grpc.StatusCode.PERMISSION_DENIED
