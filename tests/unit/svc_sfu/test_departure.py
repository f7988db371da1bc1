"""What was sent to one receiver, one by one and together."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from svc_sfu.core.codec import Codec
from svc_sfu.core.departure import SPAN, Departures
from svc_sfu.core.feedback import Told
from svc_sfu.core.publisher import Track
from svc_sfu.core.rtp import Packet
from svc_sfu.core.run import MAX_PACKETS, Run
from svc_sfu.core.stream import Incoming, Stream


@given(
    st.integers(0, 3 * SPAN), st.lists(st.lists(st.integers(1, 1_400), min_size=1, max_size=MAX_PACKETS), max_size=9)
)
def test_packets_that_go_together_are_counted_as_each_of_them_would_be(first: int, runs: list[list[int]]) -> None:
    together, alone = Departures(), Departures()
    together.next = alone.next = first
    for at, sizes in enumerate(runs):
        number = together.sent_together(array("H", sizes), float(at))
        assert [(number + step) & 0xFFFF for step in range(len(sizes))] == [alone.sent(size, at) for size in sizes]
    assert together.next == alone.next
    count = together.next - first
    if count:
        told = Told(first & 0xFFFF, tuple(9.0 + at for at in range(count)))
        assert together.delivered(told, first) == alone.delivered(told, first)


def test_a_run_takes_no_more_than_is_read_at_once() -> None:
    incoming = Incoming(Packet(False, 96, 1, 1, 1, {}, b"xyz", 0), 0.0)
    run = Run(Track("t", "v", "video"), Stream(1, Codec.VP8), incoming)
    assert [run.add(incoming) for _ in range(MAX_PACKETS)] == [True] * (MAX_PACKETS - 1) + [False]
    assert run.octets == 3 * MAX_PACKETS
