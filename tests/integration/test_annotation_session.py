"""Direct sessions: two people on one video, numbers, resumes, rights."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest

from rushes.annotation.v1 import annotation_service_pb2 as service
from svc_annotation.bootstrap import AnnotationService
from tests.integration.annotation_notes import batch, create, identity_of, move, publish
from tests.integration.annotation_server import ALL, CLIENT, GUEST, INTERNAL, reason, serving
from tests.waiting import until


async def test_two_people_see_each_others_notes_in_one_order(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        ann, bob = await place.session("ann"), await place.session("bob")
        assert ann.opened.person_id == "ann"
        assert ann.opened.epoch == 1
        assert ann.opened.permissions == ALL
        for number in range(5):
            await ann.submit(create(f"ann {number}"), base=0)
            await bob.submit(create(f"bob {number}"), base=0)
        await until(lambda: ann.revision == bob.revision == 10)
        assert [commit.SerializeToString() for commit in ann.commits] == [
            commit.SerializeToString() for commit in bob.commits
        ]
        assert [commit.revision for commit in ann.commits] == list(range(1, 11))


async def test_concurrent_moves_meet_in_the_middle(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        ann, bob = await place.session("ann"), await place.session("bob")
        await ann.submit(create("note"))
        await until(lambda: bob.revision == 1)
        await ann.submit(move("note", 0, 0, 1), base=1)
        await bob.submit(move("note", 100, 50, 1), base=1)
        await until(lambda: ann.revision == 3)
        document = await place.stub.GetDocument(service.GetDocumentRequest(video_id=1), metadata=place.as_person("ann"))
        position = document.annotations[0].annotation.position
        assert (position.x, position.y) == (50, 25)


async def test_who_comes_later_gets_a_snapshot_nearest_frames_first(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        ann = await place.session("ann")
        for frame in (0, 10, 20, 30):
            await ann.submit(create(str(frame), frame=frame), base=0)
        await until(lambda: ann.revision == 4)
        bob = await place.session("bob", frame=21)
        await until(lambda: bob.of("snapshot_part"))
        [part] = bob.of("snapshot_part")
        assert part.last
        assert part.revision == 4
        assert [state.annotation.first_frame for state in part.annotations] == [20, 30, 10, 0]
        await ann.submit(create("later"), base=4)
        await until(lambda: bob.revision == 5)


async def test_a_session_resumes_where_it_was(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        ann, bob = await place.session("ann"), await place.session("bob")
        await ann.submit(create("one"))
        await until(lambda: bob.revision == 1)
        await bob.close()
        await ann.submit(create("two"))
        await ann.landed()
        again = await place.session("bob", resume_revision=1, epoch=1)
        await until(lambda: again.revision == 2)
        assert not again.of("snapshot_part")
        assert [commit.revision for commit in again.commits] == [2]
        other_epoch = await place.session("cyd", resume_revision=1, epoch=9)
        await until(lambda: other_epoch.of("snapshot_part"))
        assert other_epoch.of("reset")[0].reason == service.RESET_REASON_EPOCH
        future = await place.session("dan", resume_revision=99, epoch=1)
        await until(lambda: future.of("snapshot_part"))
        assert future.of("reset")[0].reason == service.RESET_REASON_COMPACTED


async def test_a_number_sent_twice_lands_once_and_gets_the_same_answer(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        ann = await place.session("ann")
        sent = await ann.submit(create("note"))
        landed = await ann.landed()
        await ann.send(submit=sent)
        await until(lambda: ann.of("outcome"))
        assert ann.of("outcome")[0].outcome.revision == landed.revision
        other = batch(sent.client_seq, sent.base_revision, create("another"))
        await ann.send(submit=other)
        await until(lambda: len(ann.of("outcome")) == 2)
        assert ann.of("outcome")[1].outcome.revision == landed.revision
        outcome = await place.submit("ann", sent)
        assert outcome.revision == landed.revision
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await place.submit("ann", other)
        assert reason(failure.value) == "ALREADY_USED"
        assert ann.revision == 1


async def test_a_gap_is_out_of_order_and_takes_no_number(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        ann = await place.session("ann")
        await ann.send(submit=batch(3, 0, create("three")))
        await until(lambda: ann.of("refused"))
        info = ann.of("refused")[0].status.details[0]
        assert b"OUT_OF_ORDER" in info.value
        await ann.send(submit=batch(1, 0, create("one")))
        await ann.landed(1)


async def test_a_refusal_closes_the_client_and_comes_after_the_revision_it_names(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        ann = await place.session("ann")
        await ann.submit(create("note"))
        await ann.submit(create("note"), base=0)
        await ann.submit(create("never"), base=0)
        await until(lambda: len(ann.of("refused")) == 2)
        first, second = ann.of("refused")
        assert (first.client_seq, first.at_revision, first.index) == (2, 1, 0)
        assert b"ALREADY_EXISTS" in first.status.details[0].value
        assert b"ABORTED" in second.status.details[0].value
        kinds = [message.WhichOneof("message") for message in ann.received]
        assert kinds.index("committed") < kinds.index("refused")
        again = await place.session("ann")
        assert again.opened.known
        assert again.opened.closed
        assert [outcome.client_seq for outcome in again.opened.outcomes] == [1, 2]


@pytest.mark.parametrize(
    ("base", "epoch", "expected"), [(99, 0, "UNKNOWN_CLIENT"), (0, 9, "UNKNOWN_CLIENT"), (-1, 0, "UNKNOWN_CLIENT")]
)
async def test_a_base_of_the_future_or_of_another_epoch_is_refused(
    tmp_path: Path, base: int, epoch: int, expected: str
) -> None:
    async with serving(tmp_path) as place:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await place.submit("ann", batch(1, base, create("x")), epoch=epoch)
        assert reason(failure.value) == expected
        await place.submit("ann", batch(1, 0, create("x")), epoch=1)
        stale = await place.submit("ann", batch(2, 50, create("y")))
        assert stale.refusal.reason == "STALE_BASE"


async def test_bad_batches_are_refused_and_nobody_else_is_disturbed(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        bob = await place.session("bob")
        bad = [
            create("frame", frame=5_000),
            create("text", text="x" * 10_000),
            create("noaudience", audience=0),
            move("x", 1 << 30, 0),
            create(""),
        ]
        bad[4].ClearField("create")
        for number, operation in enumerate(bad):
            outcome = await place.submit("ann", batch(1, 0, operation), client=f"client {number}")
            assert outcome.refusal.reason
        many = batch(1, 0, *(create(str(number)) for number in range(21)))
        assert (await place.submit("ann", many, client="many")).refusal.reason == "INVALID_BATCH"
        empty = await place.submit("ann", batch(1, 0), client="empty")
        assert empty.refusal.reason == "INVALID_BATCH"
        fat = batch(1, 0, create("fat"))
        fat.MergeFromString(b"\xfa\x7f\x80\x80\x40" + bytes(1 << 20))
        assert (await place.submit("ann", fat, client="fat")).revision == 1
        await bob.submit(create("bob"), base=0)
        await bob.landed()


async def test_a_person_sends_forty_at_once_and_is_then_held_to_the_rate(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:

        async def flood() -> None:
            for number in range(1, 1_000):
                await place.submit("ann", batch(number, 0, create(str(number))))

        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await flood()
        assert failure.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert reason(failure.value) == "TOO_MANY_BATCHES"
        await place.submit("bob", batch(1, 0, create("bob")))


async def test_on_a_stream_too_many_batches_wait_and_all_land(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        ann = await place.session("ann")
        for number in range(50):
            await ann.submit(create(str(number)), base=0)
        await until(lambda: ann.revision == 50)


async def test_a_second_open_of_a_client_supersedes_the_first(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        first = await place.session("ann")
        second = await place.session("ann")
        await until(lambda: first.error)
        assert reason(first.error) == "SUPERSEDED"
        await second.submit(create("note"))
        await second.landed()
        stranger = await place.session("bob", client_id=identity_of("ann"))
        await second.submit(create("other"))
        await second.landed()
        assert stranger.error is None


async def test_rights_that_are_lost_are_lost_on_open_streams(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        ann, bob = await place.session("ann"), await place.session("bob")
        await ann.submit(create("note"))
        await ann.landed()
        place.people.grant("ann", GUEST & ~4)
        await until(lambda: ann.error)
        assert reason(ann.error) == "AUDIENCE_CHANGED"
        again = await place.session("ann", client_id=identity_of("ann 2"))
        assert again.opened.audience == CLIENT
        await again.submit(create("refused"))
        await until(lambda: again.of("refused"))
        assert b"MAY_NOT_ANNOTATE" in again.of("refused")[0].status.details[0].value
        place.people.grant("ann", GUEST)
        await until(lambda: again.of("rights"))
        assert again.of("rights")[-1].permissions == GUEST
        place.people.grant("ann", 0)
        await until(lambda: again.error)
        assert reason(again.error) == "ACCESS_LOST"
        assert bob.revision == 1
        assert bob.error is None


async def test_what_is_internal_never_reaches_a_client(tmp_path: Path) -> None:
    """One canary, every exit."""
    async with serving(tmp_path) as place:
        place.people.grant("guest", GUEST)
        ann = await place.session("ann")
        guests = [
            await place.session("guest", delivery=service.DELIVERY_FULL),
            await place.session("guest", client_id=identity_of("merged"), delivery=service.DELIVERY_MERGED),
            await place.session("ann", client_id=identity_of("as client"), audience=CLIENT),
        ]
        await ann.submit(create("secret", audience=INTERNAL, text="canary"))
        await ann.submit(create("reply", audience=INTERNAL, text="canary too", parent="secret"), base=1)
        await ann.submit(create("open", text="for all"), move("secret", 3, 3, 0), base=0)
        await ann.landed()
        late = await place.session("guest", client_id=identity_of("late"))
        resumed = await place.session("guest", client_id=identity_of("resumed"), resume_revision=0, epoch=1)
        everybody = [*guests, late, resumed]
        for guest in everybody:
            await until(lambda guest=guest: guest.revision == 3)  # type: ignore[misc]
        person = place.as_person("guest")
        answers = [
            await place.stub.GetDocument(service.GetDocumentRequest(video_id=1), metadata=person),
            await place.stub.ListAnnotations(service.ListAnnotationsRequest(video_id=1), metadata=person),
            await place.stub.ListOperations(service.ListOperationsRequest(video_id=1), metadata=person),
        ]
        followed = []
        async for message in place.stub.Follow(service.FollowRequest(video_id=1), metadata=person):
            followed.append(message)
            if message.message.WhichOneof("message") == "snapshot_part":
                break
        seen = b"".join(
            message.SerializeToString()
            for message in [*answers, *followed, *(each for guest in everybody for each in guest.received)]
        )
        assert b"canary" not in seen
        assert identity_of("secret") not in seen
        assert b"for all" in seen
        await ann.submit(publish("secret"), base=3)
        for guest in everybody:
            await until(lambda guest=guest: guest.revision == 4)  # type: ignore[misc]
            assert b"canary too" in b"".join(each.SerializeToString() for each in guest.received)


async def test_who_reads_as_a_client_writes_as_one(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        ann = await place.session("ann", audience=CLIENT)
        await ann.submit(create("secret", audience=INTERNAL))
        await until(lambda: ann.of("refused"))
        assert b"MAY_NOT_WRITE_INTERNAL" in ann.of("refused")[0].status.details[0].value


async def test_another_tenants_video_does_not_exist(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        for video in (250, 999):
            session = await place.session("ann", video)
            await until(lambda session=session: session.error)  # type: ignore[misc]
            assert session.code == grpc.StatusCode.NOT_FOUND
            for call in (
                place.stub.GetDocument(service.GetDocumentRequest(video_id=video), metadata=place.as_person("ann")),
                place.stub.ListAnnotations(
                    service.ListAnnotationsRequest(video_id=video), metadata=place.as_person("ann")
                ),
                place.stub.ListOperations(
                    service.ListOperationsRequest(video_id=video), metadata=place.as_person("ann")
                ),
                place.stub.CreateBatchAnnotations(
                    service.CreateBatchAnnotationsRequest(
                        video_id=video, client_id=identity_of("a"), batch=batch(1, 0, create("x"))
                    ),
                    metadata=place.as_person("ann"),
                ),
            ):
                with pytest.raises(grpc.aio.AioRpcError) as failure:
                    await call
                assert failure.value.code() == grpc.StatusCode.NOT_FOUND


async def test_a_video_that_is_not_ready_can_be_read_but_not_written(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await place.submit("ann", batch(1, 0, create("x")), video=150)
        assert reason(failure.value) == "VIDEO_NOT_READY"
        ann = await place.session("ann", 150)
        await ann.submit(create("x"))
        await until(lambda: ann.of("refused"))
        assert b"VIDEO_NOT_READY" in ann.of("refused")[0].status.details[0].value
        place.media.ready.add(150)
        bob = await place.session("bob", 150)

        failures: list[grpc.aio.AioRpcError] = []
        while bob.revision == 0:
            try:
                await place.submit("bob", batch(1, 0, create("y")), video=150, client="other")
            except grpc.aio.AioRpcError as error:
                failures.append(error)
                await asyncio.sleep(0.1)
        assert {reason(error) for error in failures} <= {"VIDEO_NOT_READY"}


async def test_facts_of_a_video_are_asked_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        for number in range(1, 6):
            await place.submit("ann", batch(number, 0, create(str(number))))
        assert place.media.asked == [1]


async def test_tokens_expire_are_renewed_and_end_with_their_session(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        ann, bob, cyd = await place.session("ann"), await place.session("bob"), await place.session("cyd")
        await ann.send(authenticate_token=place.people.token("ann", expires_in_s=0.3))
        await until(lambda: ann.error)
        assert ann.code == grpc.StatusCode.UNAUTHENTICATED
        assert reason(ann.error) == "TOKEN_EXPIRED"
        await bob.send(authenticate_token=place.people.token("somebody else"))
        await until(lambda: bob.error)
        assert reason(bob.error) == "PERSON_CHANGED"
        place.people.ended_sessions.add("cyd")
        place.people.changed()
        await until(lambda: cyd.error)
        assert reason(cyd.error) == "SESSION_ENDED"


async def test_a_session_that_writes_as_it_is_signed_out_ends_all_the_same(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        ann = await place.session("ann")
        await ann.submit(create("before"))
        await ann.landed()
        place.people.ended_sessions.add("ann")
        place.people._version += 1  # and nobody looks at the sessions yet
        await ann.submit(create("since"))
        await ann.landed()
        place.server.service._shared.videos.recheck()
        await until(lambda: ann.error)
        assert reason(ann.error) == "SESSION_ENDED"


async def test_a_ping_is_answered_with_the_servers_time(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        ann = await place.session("ann")
        await ann.send(ping_ms=123)
        await until(lambda: ann.of("pong"))
        assert ann.of("pong")[0].ping_ms == 123
        assert ann.of("pong")[0].time_ms >= ann.opened.time_ms


async def test_people_see_each_other(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        ann, bob = await place.session("ann"), await place.session("bob")
        await ann.send(presence=service.PresenceState(frame=7, tool="pen"))

        def seen() -> bool:
            presences = bob.of("presence")
            return any(p.name == "Ann" and p.state.frame == 7 for each in presences for p in each.people)

        await until(seen)
        await ann.close()
        await until(lambda: [person.name for person in bob.of("presence")[-1].people] == ["Bob"])


@pytest.mark.parametrize(
    "opening", [{"client_id": b"short"}, {"resume_revision": -5, "epoch": 1}, {"client_id": bytes(17)}]
)
async def test_an_open_that_is_wrong_is_refused(tmp_path: Path, opening: dict[str, Any]) -> None:
    async with serving(tmp_path) as place:
        session = await place.session("ann", **opening)
        await until(lambda: session.error)
        assert session.code == grpc.StatusCode.INVALID_ARGUMENT


async def test_a_stream_is_opened_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        session = await place.session("ann")
        await session.send(open=service.CollaborateOpen(video_id=1))
        await until(lambda: session.error)
        assert session.code == grpc.StatusCode.INVALID_ARGUMENT


async def test_what_is_unset_or_of_the_future_is_passed_over(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        ann = await place.session("ann")
        await ann.send()
        await ann.submit(create("note"))
        await ann.landed()


async def test_a_session_without_a_client_only_reads(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        reader = await place.session("ann", client_id=b"")
        await reader.send(submit=batch(1, 0, create("x")))
        await place.submit("bob", batch(1, 0, create("y")))
        await until(lambda: reader.revision == 1)
        assert [commit.person_id for commit in reader.commits] == ["bob"]


async def test_on_the_merged_lane_ones_own_outcome_comes_before_the_frame_that_holds_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        ann = await place.session("ann", delivery=service.DELIVERY_MERGED)
        bob = await place.session("bob")
        for number in range(10):
            await ann.submit(create(f"ann {number}"), base=0)
            await bob.submit(create(f"bob {number}"), base=0)
        await until(lambda: ann.revision == 20)
        assert not ann.of("committed")
        told: set[int] = set()
        held: set[bytes] = set()
        for message in ann.received:
            kind = message.WhichOneof("message")
            if kind == "outcome":
                told.add(message.outcome.outcome.revision)
            elif kind == "merged":
                held |= {state.annotation.id for state in message.merged.annotations}
                mine = {c.revision for c in bob.commits if c.person_id == "ann"}
                assert {r for r in mine if r <= message.merged.to_revision} <= told
        assert len(held) == 20


async def test_rights_that_are_not_known_are_asked_for(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        ann = await place.session("ann")
        place.people.known = False
        for number in range(10):
            await ann.submit(create(str(number)), base=0)
        await until(lambda: ann.revision == 10)
        place.people.rights["ann"] = GUEST & ~4 | 1 << 4
        await ann.submit(create("refused"), base=0)
        await until(lambda: ann.of("refused"))
        assert ann.of("rights")


async def test_services_send_large_batches_of_which_few_are_in_flight(tmp_path: Path) -> None:
    gate = asyncio.Event()

    def wrap(service: AnnotationService) -> None:
        log = service._shared.log
        inner = log.append

        async def append(partition: int, key: int, payload: bytes) -> int:
            await gate.wait()
            return await inner(partition, key, payload)

        log.append = lambda *record: asyncio.create_task(append(*record))  # type: ignore[method-assign]

    async with serving(tmp_path, wrap=wrap) as place:

        async def send(number: int) -> str:
            large = batch(1, 0, *(create(f"{number} {each}") for each in range(300)))
            request = service.CreateBatchAnnotationsRequest(
                video_id=1, client_id=identity_of(f"client {number}"), batch=large
            )
            metadata = place.as_person("ann", calling="svc_version")
            try:
                return str((await place.stub.CreateBatchAnnotations(request, metadata=metadata)).outcome.revision > 0)
            except grpc.aio.AioRpcError as error:
                return reason(error)

        sending = [asyncio.create_task(send(number)) for number in range(12)]
        await until(lambda: sum(task.done() for task in sending) == 4)
        gate.set()
        answers = await asyncio.gather(*sending)
        assert sorted(answers) == ["TOO_MANY_IN_FLIGHT"] * 4 + ["True"] * 8
        assert await send(99) == "True"


async def test_those_who_are_connected_are_told_when_the_service_stops(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        ann = await place.session("ann")
        gateway = await place.gateway()
        await place.server.service.drain()
        await until(lambda: ann.error and gateway.error)
        assert reason(ann.error) == reason(gateway.error) == "DRAINING"
        late = await place.session("late")
        assert reason(late.error) == "DRAINING"
