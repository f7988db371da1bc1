"""What waits for the Relay stream."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.pending import HIGH_BYTES, LONGEST_PAUSE_S, MAX_EACH, MESSAGE_BYTES, Pending, pause_s
from rushes.annotation.v1 import relay_service_pb2 as relay

SUBMIT = b"\x12"
PRESENCE = b"\x1a"


def taken_of(pending: Pending) -> list[relay.RelayRequest]:
    """What is taken, as who serves the video reads it."""
    return [relay.RelayRequest.FromString(each) for each in pending.take()]


@given(
    st.lists(
        st.tuples(
            st.one_of(st.integers(1, 300), st.integers(1, 2**32 - 1)),
            st.sampled_from([SUBMIT, b"\x22"]),
            st.one_of(st.integers(0, 300), st.integers(16_000, 17_000)),
        ),
        max_size=20,
    )
)
def test_what_is_taken_is_what_the_generated_classes_write(said: list[tuple[int, bytes, int]]) -> None:
    pending = Pending()
    frames = [relay.RelayFrame(session=session, request=kind + bytes(size)) for session, kind, size in said]
    for frame in frames:
        pending.add(frame.session, frame.request)
    whole = relay.RelayRequest(frames=relay.RelayFrames(frames=frames)).SerializeToString()
    assert pending.take() == ([whole] if frames else [])


def test_what_viewers_send_one_after_the_other_shares_a_message_in_order() -> None:
    pending = Pending()
    for session in (1, 2, 1):
        assert pending.add(session, SUBMIT + bytes([session]))
    (message,) = taken_of(pending)
    assert [(f.session, f.request) for f in message.frames.frames] == [
        (1, b"\x12\x01"),
        (2, b"\x12\x02"),
        (1, b"\x12\x01"),
    ]
    assert pending.take() == []


def test_a_request_of_the_hub_keeps_its_place_between_messages() -> None:
    pending = Pending()
    pending.add(1, SUBMIT)
    pending.put(relay.RelayRequest(detach_session=1))
    pending.add(2, SUBMIT)
    assert [each.WhichOneof("message") for each in taken_of(pending)] == ["frames", "detach_session", "frames"]


def test_no_message_is_larger_than_a_stream_takes() -> None:
    pending = Pending()
    for session in range(40):
        pending.add(session, SUBMIT + bytes(100_000))
    taken = taken_of(pending)
    assert sum(len(each.frames.frames) for each in taken) == 40
    assert all(each.ByteSize() <= MESSAGE_BYTES for each in taken)


def test_one_large_message_goes_alone() -> None:
    pending = Pending()
    pending.add(1, SUBMIT)
    pending.add(2, SUBMIT + bytes(MESSAGE_BYTES))
    pending.add(3, SUBMIT)
    assert [[f.session for f in each.frames.frames] for each in taken_of(pending)] == [[1], [2], [3]]


def test_presence_takes_the_place_of_the_same_viewers_presence_before_it() -> None:
    pending = Pending()
    pending.add(1, PRESENCE + b"a")
    pending.add(1, PRESENCE + b"b")
    pending.add(2, PRESENCE + b"c")
    pending.add(1, PRESENCE + b"d")
    (message,) = taken_of(pending)
    assert [f.request for f in message.frames.frames] == [PRESENCE + b"b", PRESENCE + b"c", PRESENCE + b"d"]


def test_presence_that_takes_a_place_is_weighed() -> None:
    pending = Pending()
    sent: list[bytes] = []
    while not pending.crowded and len(sent) < MAX_EACH:
        for request in (SUBMIT, PRESENCE, PRESENCE + bytes(MESSAGE_BYTES // 2)):
            pending.add(1, request)
            sent.append(request)
    assert sum(map(len, sent)) < 2 * HIGH_BYTES, "it is crowded in time"
    taken = taken_of(pending)
    assert all(each.ByteSize() <= MESSAGE_BYTES for each in taken)
    left = [each.request for message in taken for each in message.frames.frames]
    assert left.count(SUBMIT) == sent.count(SUBMIT)
    assert left[-1] == sent[-1]


def test_smaller_presence_makes_room() -> None:
    pending = Pending()
    pending.add(1, PRESENCE + bytes(MESSAGE_BYTES))
    pending.add(1, PRESENCE)
    pending.add(2, SUBMIT + bytes(MESSAGE_BYTES // 2))
    (message,) = taken_of(pending)
    assert [each.session for each in message.frames.frames] == [1, 2]


def test_who_sends_without_end_is_told_and_only_they() -> None:
    pending = Pending()
    assert all(pending.add(1, SUBMIT) for _ in range(MAX_EACH))
    assert not pending.add(1, SUBMIT)
    assert pending.add(2, SUBMIT)
    pending.take()
    assert pending.add(1, SUBMIT)


def test_who_is_gone_is_counted_no_more_and_what_they_sent_still_goes() -> None:
    pending = Pending()
    assert all(pending.add(1, SUBMIT) for _ in range(MAX_EACH))
    pending.forget(1)
    pending.forget(2)
    assert pending.add(1, SUBMIT)
    assert sum(len(message.frames.frames) for message in taken_of(pending)) == MAX_EACH + 1


def test_it_is_crowded_until_it_is_taken() -> None:
    pending = Pending()
    while not pending.crowded:
        pending.add(1, SUBMIT + bytes(HIGH_BYTES // 8))
    pending.take()
    assert not pending.crowded


def test_so_many_messages_a_second_go_upstream_however_many_gateways_share_the_viewers() -> None:
    alone = 1 / pause_s(200, relay.RelayCrowd())
    assert alone == 1 / pause_s(200, relay.RelayCrowd(viewers=200, gateways=1))
    for gateways in (2, 4):
        each = 1 / pause_s(200 // gateways, relay.RelayCrowd(viewers=200, gateways=gateways))
        assert round(gateways * each) == round(alone)
    assert pause_s(1, relay.RelayCrowd(viewers=100_000, gateways=50)) == LONGEST_PAUSE_S
    assert pause_s(0, relay.RelayCrowd()) == 0.0
