"""What goes to a gateway, put together from bytes."""

from google.rpc import status_pb2

from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1 import relay_service_pb2 as relay
from rushes.document.wire import varint
from svc_annotation.core import relaying
from svc_annotation.core.landed import CLIENT, INTERNAL
from svc_annotation.core.lane import Frame, LaneKey
from svc_annotation.core.relaying import Outbox


def test_responses_put_together_are_what_the_generated_classes_write() -> None:
    lane = relay.Lane(audience=CLIENT, delivery=service.DELIVERY_MERGED)
    numbered = relay.Lane(audience=CLIENT, delivery=service.DELIVERY_FULL, numbers_authors=True)
    pairs = [
        (
            relaying.broadcast(LaneKey(CLIENT, True), Frame(0, 300, b"payload")),
            relay.RelayResponse(broadcast=relay.RelayBroadcast(lane=lane, to_revision=300, response=b"payload")),
        ),
        (
            relaying.broadcast(LaneKey(CLIENT, False, True), Frame(1, 300, b"payload", b"named")),
            relay.RelayResponse(
                broadcast=relay.RelayBroadcast(
                    lane=numbered, from_revision=1, to_revision=300, response=b"payload", authors=b"named"
                )
            ),
        ),
        (
            relaying.authors(LaneKey(CLIENT, False, True), 300, b"named"),
            relay.RelayResponse(
                broadcast=relay.RelayBroadcast(lane=numbered, from_revision=300, to_revision=300, authors=b"named")
            ),
        ),
        (
            relaying.snapshot(LaneKey(CLIENT, True), 5, (2, True, b"payload")),
            relay.RelayResponse(
                snapshot=relay.RelaySnapshot(lane=lane, revision=5, index=2, last=True, response=b"payload")
            ),
        ),
        (
            relaying.addressed(b"".join(map(varint, [0, 1, 300])), b"payload", droppable=True, after_revision=9),
            relay.RelayResponse(
                addressed=relay.RelayAddressed(
                    sessions=[0, 1, 300], response=b"payload", droppable=True, after_revision=9
                )
            ),
        ),
        (
            relaying.attached(3, INTERNAL, b""),
            relay.RelayResponse(attached=relay.RelayAttached(session=3, audience=INTERNAL)),
        ),
        (
            relaying.ended(3, status_pb2.Status(code=5)),
            relay.RelayResponse(ended=relay.RelayEnded(session=3, status=status_pb2.Status(code=5))),
        ),
    ]
    for put_together, message in pairs:
        assert put_together == message.SerializeToString()
    outbox = Outbox()
    for put_together, _ in pairs:
        outbox.put(put_together)
    taken = outbox.take()
    assert taken is not None
    assert list(relay.RelayResponse.FromString(taken).batch.responses) == [message for _, message in pairs]
    assert outbox.take() is None
    assert outbox.size_bytes == 0


def test_an_outbox_gives_messages_of_a_bounded_size_in_order() -> None:
    outbox = Outbox()
    sizes = [10, 300_000, 300_000, 700_000, 10, 10]
    for size in sizes:
        assert outbox.put(bytes(size))
    taken = [outbox.take() for _ in range(4)]
    assert outbox.take() is None
    assert [len(each or b"") // 100_000 for each in taken] == [3, 3, 7, 0]
    assert outbox.size_bytes == 0


def test_an_outbox_says_when_it_is_crowded_and_when_it_is_too_much() -> None:
    outbox = Outbox()
    assert not outbox.crowded
    assert outbox.put(bytes(relaying.HIGH_BYTES + 1))
    assert outbox.crowded
    assert not outbox.put(bytes(relaying.MAX_BYTES))
