"""A gateway's stream: lanes, viewers' sessions, their own messages between the lanes' frames."""

from pathlib import Path

import grpc
import pytest

from mesh.auth.caller import service_token
from rushes.annotation.v1 import annotation_pb2, relay_service_pb2
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1.relay_service_pb2_grpc import RelayServiceStub
from tests.integration.annotation_notes import batch, create, identity_of, publish
from tests.integration.annotation_server import (
    ALL,
    CLIENT,
    GUEST,
    INTERNAL,
    SECRET,
    GatewayStream,
    Place,
    reason,
    serving,
)
from tests.waiting import until

FULL = service.DELIVERY_FULL
MERGED = service.DELIVERY_MERGED


def opened(gateway: GatewayStream, session: int) -> service.CollaborateOpened | None:
    for attached in gateway.of("attached"):
        if attached.session == session and attached.opened:
            return service.CollaborateResponse.FromString(attached.opened).opened
    return None


def heads(gateway: GatewayStream, audience: int, delivery: int) -> list[tuple[int, int]]:
    return [
        (each.from_revision, each.to_revision)
        for each in gateway.of("broadcast")
        if (each.lane.audience, each.lane.delivery) == (audience, delivery)
    ]


async def joined(place: Place, *people: str) -> GatewayStream:
    """A gateway with a session for each of these people, by number."""
    gateway = await place.gateway()
    for session, person in enumerate(people):
        await gateway.attach(session, person)
    await until(lambda: all(opened(gateway, session) for session in range(len(people))))
    return gateway


async def test_viewers_share_a_lane_and_write_through_one_stream(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        gateway = await joined(place, "ann", "bob")
        first = opened(gateway, 0)
        assert first is not None
        assert (first.person_id, first.permissions, first.audience) == ("ann", ALL, INTERNAL)
        await gateway.want(INTERNAL, FULL)
        await until(lambda: gateway.of("snapshot"))
        assert gateway.of("snapshot")[0].last
        for number in range(1, 6):
            await gateway.forward(0, submit=batch(number, 0, create(f"ann {number}")))
            await gateway.forward(1, submit=batch(number, 0, create(f"bob {number}")))
        await until(lambda: heads(gateway, INTERNAL, FULL) and heads(gateway, INTERNAL, FULL)[-1][1] == 10)
        commits = [commit for each in gateway.lane(INTERNAL, FULL) for commit in each.committed.commits]
        assert [commit.revision for commit in commits] == list(range(1, 11))
        spans = heads(gateway, INTERNAL, FULL)
        assert [span[0] for span in spans[1:]] == [span[1] for span in spans[:-1]]
        assert not gateway.of("addressed") or all(each.droppable for each in gateway.of("addressed"))


async def test_gateways_are_told_how_many_are_there_at_all_of_them(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        one, two = await joined(place, "ann", "bob"), await joined(place, "cem")

        def crowds() -> list[tuple[int, int]]:
            return [(each.viewers, each.gateways) for gateway in (one, two) for each in gateway.of("crowd")[-1:]]

        await until(lambda: crowds() == [(3, 2)] * 2, "the crowd")
        await two.close()
        await until(lambda: crowds()[0] == (2, 1), "the rest of it")


async def test_a_lane_goes_on_from_what_a_gateway_has_or_says_that_it_cannot(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        for number in range(1, 6):
            await place.submit("ann", batch(number, 0, create(str(number))))
        gateway = await place.gateway()
        assert gateway.of("opened")[0].revision == 5
        await gateway.want(INTERNAL, FULL, since_revision=2)
        await until(lambda: heads(gateway, INTERNAL, FULL))
        assert heads(gateway, INTERNAL, FULL) == [(2, 5)]
        await gateway.want(CLIENT, FULL, since_revision=7)
        await until(lambda: gateway.of("reset"))
        assert gateway.of("reset")[0].reset.reason == service.RESET_REASON_COMPACTED
        assert gateway.of("reset")[0].lane.audience == CLIENT
        await gateway.want(INTERNAL, FULL)
        await until(lambda: gateway.of("snapshot"))
        await place.submit("ann", batch(6, 0, create("six")))
        await until(lambda: heads(gateway, INTERNAL, FULL)[-1] == (5, 6))
        assert not heads(gateway, CLIENT, FULL)


async def test_after_a_restart_a_lane_goes_on_from_history(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        for number in range(1, 6):
            await place.submit("ann", batch(number, 0, create(str(number))))
    async with serving(tmp_path) as place:
        gateway = await place.gateway(epoch=1)
        await gateway.want(INTERNAL, FULL, since_revision=2)
        await gateway.want(INTERNAL, MERGED, since_revision=3)
        await until(lambda: heads(gateway, INTERNAL, FULL) and heads(gateway, INTERNAL, MERGED))
        assert heads(gateway, INTERNAL, FULL)[-1][1] == heads(gateway, INTERNAL, MERGED)[-1][1] == 5


async def test_another_epoch_is_answered_with_a_reset(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        gateway = await place.gateway(epoch=9)
        await until(lambda: gateway.of("reset"))
        reset = gateway.of("reset")[0]
        assert not reset.HasField("lane")
        assert (reset.reset.reason, reset.reset.epoch) == (service.RESET_REASON_EPOCH, 1)


async def test_each_audience_has_its_lane_and_nothing_internal_is_on_that_of_clients(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        place.people.grant("guest", GUEST)
        gateway = await joined(place, "ann", "guest")
        assert [each.audience for each in gateway.of("attached")] == [INTERNAL, CLIENT]
        for audience in (INTERNAL, CLIENT):
            for delivery in (FULL, MERGED):
                await gateway.want(audience, delivery)
        await until(lambda: len(gateway.of("snapshot")) == 4)
        await gateway.forward(0, submit=batch(1, 0, create("secret", audience=INTERNAL, text="canary")))
        await gateway.forward(0, submit=batch(2, 0, create("open", text="for all")))
        drawn = annotation_pb2.Annotation(text="canary")
        await gateway.forward(0, presence=service.PresenceState(transient=[drawn], audience=INTERNAL))

        def all_at(revision: int) -> bool:
            return all(
                heads(gateway, audience, delivery) and heads(gateway, audience, delivery)[-1][1] == revision
                for audience in (INTERNAL, CLIENT)
                for delivery in (FULL, MERGED)
            )

        await until(lambda: all_at(2))
        await until(lambda: any(p.state.transient for e in gateway.addressed(0, "presence") for p in e.people))
        await until(lambda: gateway.addressed(1, "presence"))
        await gateway.want(CLIENT, FULL)
        await until(lambda: len(gateway.of("snapshot")) == 5)
        for_client = [
            each.response
            for each in [*gateway.of("broadcast"), *gateway.of("snapshot")]
            if each.lane.audience == CLIENT
        ]
        for_client += [each.response for each in gateway.of("addressed") if 1 in each.sessions]
        assert b"canary" not in b"".join(for_client)
        assert b"for all" in b"".join(for_client)
        await gateway.forward(0, submit=batch(3, 2, publish("secret")))
        await until(lambda: all_at(3))
        assert b"canary" in gateway.lane(CLIENT, FULL)[-1].SerializeToString()
        assert b"canary" in gateway.lane(CLIENT, MERGED)[-1].SerializeToString()


async def test_a_lane_that_is_not_wanted_any_more_is_not_produced(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        gateway = await place.gateway()
        await gateway.want(INTERNAL, FULL)
        await gateway.want(INTERNAL, MERGED)
        await until(lambda: len(gateway.of("snapshot")) == 2)
        await gateway.send(unwant=relay_service_pb2.Lane(audience=INTERNAL, delivery=FULL))
        await place.submit("ann", batch(1, 0, create("x")))
        await until(lambda: heads(gateway, INTERNAL, MERGED))
        assert not heads(gateway, INTERNAL, FULL)


async def test_on_a_numbered_lane_an_author_is_named_once_for_each_gateway(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        one, two = await place.gateway(), await place.gateway()
        await one.want(INTERNAL, FULL, numbers=True)
        await until(lambda: one.of("snapshot"))

        async def land(person: str, number: int, *gateways: GatewayStream) -> None:
            revision = (await place.submit(person, batch(number, 0, create(f"{person} {number}")))).revision
            end = [(revision - 1, revision)]
            await until(lambda: all(heads(each, INTERNAL, FULL)[-1:] == end for each in gateways))

        for person, number in (("ann", 1), ("bob", 1), ("ann", 2)):
            await land(person, number, one)
        await two.want(INTERNAL, FULL, numbers=True, since_revision=1)
        await until(lambda: any(not each.response for each in two.of("broadcast")), "whom the lane names")
        await land("bob", 2, one, two)

        def told(gateway: GatewayStream) -> tuple[list[tuple[int, int, str]], list[tuple[int, str]]]:
            commits = [commit for each in gateway.lane(INTERNAL, FULL) for commit in each.committed.commits]
            names = [service.Committed.FromString(each.authors) for each in gateway.of("broadcast")]
            authors = [(author.number, author.person_id) for each in names for author in each.authors]
            return [(each.revision, each.author, each.person_id) for each in commits], authors

        assert told(one) == ([(1, 1, ""), (2, 2, ""), (3, 1, ""), (4, 2, "")], [(1, "ann"), (2, "bob")])
        assert told(two) == ([(2, 0, "bob"), (3, 0, "ann"), (4, 2, "")], [(1, "ann"), (2, "bob")])
        await two.want(INTERNAL, MERGED, numbers=True)
        await until(lambda: two.error)
        assert reason(two.error) == "INVALID_MESSAGE"


async def test_once_served_from_merged_outcomes_come_before_the_frames_that_hold_them(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        gateway = await joined(place, "ann", "bob")
        await gateway.want(INTERNAL, FULL)
        await gateway.want(INTERNAL, MERGED, since_revision=0)
        await until(lambda: gateway.of("snapshot"))
        for number in range(1, 4):
            await gateway.forward(0, submit=batch(number, 0, create(f"before {number}")))
        await gateway.send(serve=relay_service_pb2.RelayServe(session=0, delivery=MERGED))
        for number in range(4, 10):
            await gateway.forward(0, submit=batch(number, 0, create(f"after {number}")))
            await gateway.forward(1, submit=batch(number - 3, 0, create(f"bob {number}")))
        await until(lambda: heads(gateway, INTERNAL, MERGED) and heads(gateway, INTERNAL, MERGED)[-1][1] == 15)
        mine = {
            commit.revision: commit.client_seq
            for each in gateway.lane(INTERNAL, FULL)
            for commit in each.committed.commits
            if commit.person_id == "ann"
        }
        answered = False
        told: set[int] = set()
        for message in gateway.received:
            if message.attached.session == 0 and message.HasField("attached") and not message.attached.opened:
                answered = True
            elif message.HasField("addressed") and list(message.addressed.sessions) == [0]:
                response = service.CollaborateResponse.FromString(message.addressed.response)
                if response.HasField("outcome"):
                    assert answered
                    told.add(response.outcome.outcome.revision)
            elif answered and message.HasField("broadcast") and message.broadcast.lane.delivery == MERGED:
                held = range(message.broadcast.from_revision + 1, message.broadcast.to_revision + 1)
                assert {revision for revision in mine if revision in held} <= told
        assert answered
        assert not gateway.addressed(1, "outcome")


async def test_a_refusal_is_for_its_author_alone_and_names_the_revision_it_waits_for(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        gateway = await joined(place, "ann", "bob")
        await gateway.forward(0, submit=batch(1, 0, create("x")))
        await gateway.forward(1, submit=batch(1, 0, create("x")))
        await until(lambda: gateway.addressed(1, "refused"))
        assert not gateway.addressed(0, "refused")
        [told] = [each for each in gateway.of("addressed") if not each.droppable]
        assert told.after_revision == 1
        assert gateway.addressed(1, "refused")[0].client_id == identity_of("bob")


async def test_a_gateway_cannot_invent_a_person_or_write_with_rights_that_are_gone(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        gateway = await place.gateway()
        opening = service.CollaborateOpen(video_id=1, client_id=identity_of("x"))
        attach = relay_service_pb2.RelayAttach
        await gateway.send(attach=attach(session=1, token="forged", open=opening))
        await gateway.send(attach=attach(session=2, token=place.people.token("ann", tenant="other"), open=opening))
        expired = place.people.token("ann", expires_in_s=-5)
        await gateway.send(attach=attach(session=3, token=expired, open=opening))
        other = service.CollaborateOpen(video_id=2, client_id=identity_of("x"))
        await gateway.send(attach=attach(session=4, token=place.people.token("ann"), open=other))
        await gateway.attach(5, "ann")
        await until(lambda: len(gateway.of("ended")) == 4 and opened(gateway, 5))
        codes = {each.session: each.status.code for each in gateway.of("ended")}
        assert codes == {1: 16, 2: 5, 3: 16, 4: 3}
        place.people.grant("ann", GUEST & ~4)
        await until(lambda: len(gateway.of("ended")) == 5)
        assert b"AUDIENCE_CHANGED" in gateway.of("ended")[-1].status.details[0].value
        await gateway.attach(6, "ann", client_id=identity_of("ann 2"))
        await until(lambda: opened(gateway, 6))
        await gateway.forward(6, submit=batch(1, 0, create("x")))
        await until(lambda: gateway.addressed(6, "refused"))
        place.people.grant("ann", GUEST)
        await until(lambda: gateway.addressed(6, "rights"))


async def test_messages_that_come_before_a_session_is_in_wait_for_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        gateway = await place.gateway()
        await gateway.want(INTERNAL, FULL, since_revision=0)
        await gateway.attach(1, "ann")
        await gateway.forward(1, submit=batch(1, 0, create("x")))
        await until(lambda: heads(gateway, INTERNAL, FULL))
        await gateway.attach(2, "bob")
        for _ in range(100):
            await gateway.forward(2, ping_ms=1)
        await until(lambda: opened(gateway, 2) or gateway.of("ended"))


async def test_a_viewers_bad_message_ends_that_session_alone(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        gateway = await joined(place, "ann", "bob")
        await gateway.want(INTERNAL, FULL)
        frame = relay_service_pb2.RelayFrame(session=0, request=b"\xff\xff\xff")
        await gateway.send(frames=relay_service_pb2.RelayFrames(frames=[frame]))
        await until(lambda: gateway.of("ended"))
        assert gateway.of("ended")[0].session == 0
        await gateway.forward(0, submit=batch(1, 0, create("gone")))
        await gateway.forward(1, submit=batch(1, 0, create("x")))
        await until(lambda: heads(gateway, INTERNAL, FULL))
        assert gateway.error is None


async def test_a_session_that_left_is_neither_seen_nor_heard(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        gateway = await joined(place, "ann", "bob")
        await until(lambda: [len(each.people) for each in gateway.addressed(1, "presence")][-1:] == [2])
        await gateway.send(detach_session=0)
        await until(lambda: [len(each.people) for each in gateway.addressed(1, "presence")][-1:] == [1])
        await gateway.attach(0, "ann")
        await until(lambda: [len(each.people) for each in gateway.addressed(1, "presence")][-1:] == [2])


async def test_a_gateway_that_comes_again_takes_over_its_sessions(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        first = await joined(place, "ann")
        second = await place.gateway(epoch=1)
        await second.attach(7, "ann")
        await until(lambda: opened(second, 7))
        await until(lambda: first.of("ended"))
        await second.forward(7, submit=batch(1, 0, create("x")))
        await second.want(INTERNAL, FULL, since_revision=0)
        await until(lambda: heads(second, INTERNAL, FULL))


async def test_viewers_of_a_video_that_does_not_exist_are_told_so(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        gateway = await place.gateway(video=999)
        await gateway.attach(1, "ann", video=999)
        await until(lambda: gateway.of("ended"))
        assert gateway.of("ended")[0].status.code == 5
        other_tenant = await place.gateway(video=250)
        await other_tenant.attach(1, "ann", video=250)
        await until(lambda: other_tenant.of("ended"))
        assert other_tenant.of("ended")[0].status.code == 5


async def test_tokens_of_viewers_are_renewed(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        gateway = await joined(place, "ann", "bob")
        await gateway.send(token=relay_service_pb2.RelayToken(session=0, token=place.people.token("ann")))
        short = place.people.token("bob", expires_in_s=0.2)
        await gateway.send(token=relay_service_pb2.RelayToken(session=1, token=short))
        await until(lambda: gateway.of("ended"))
        assert [each.session for each in gateway.of("ended")] == [1]
        assert gateway.of("ended")[0].status.code == grpc.StatusCode.UNAUTHENTICATED.value[0]


async def test_what_is_ready_together_travels_together(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        gateway = await joined(place, *(f"person {number}" for number in range(40)))
        assert gateway.messages < len(gateway.received)


async def test_a_gateway_that_reads_nothing_is_cut_and_others_get_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("svc_annotation.core.relaying.MAX_BYTES", 1024 * 1024)
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.http2.bdp_probe", 0)]
    async with serving(tmp_path) as place, grpc.aio.insecure_channel(place.server.target, options=options) as channel:
        metadata = (("rushes-service", service_token("gateway", SECRET)),)
        deaf = RelayServiceStub(channel).Relay(metadata=metadata)
        lane = relay_service_pb2.Lane(audience=INTERNAL, delivery=FULL)
        want = relay_service_pb2.RelayWant(lane=lane, since_revision=0)
        await deaf.write(relay_service_pb2.RelayRequest(open=relay_service_pb2.RelayOpen(video_id=1)))
        await deaf.write(relay_service_pb2.RelayRequest(want=want))
        gateway = await place.gateway()
        await gateway.want(INTERNAL, FULL, since_revision=0)
        people = [f"writer {number}" for number in range(40)]
        for number, person in enumerate(people, start=1):
            notes = [create(f"{person} {each}", text="x" * 4_000) for each in range(20)]
            await place.submit(person, batch(1, 0, *notes))
            # One that reads is never so far behind that it is cut too, on however quick a machine.
            await until(lambda: [end for _, end in heads(gateway, INTERNAL, FULL)][-1:] == [number])  # noqa: B023
        spans = heads(gateway, INTERNAL, FULL)
        assert [start for start, _ in spans] == [0, *(end for _, end in spans[:-1])]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            _ = [message async for message in deaf]
        assert reason(caught.value) == "SLOW_GATEWAY"
        again = await place.gateway()
        await again.want(INTERNAL, FULL, since_revision=len(people) - 5)
        await until(lambda: heads(again, INTERNAL, FULL) and heads(again, INTERNAL, FULL)[-1][1] == len(people))
