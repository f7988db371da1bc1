"""What a receiver on a narrow way is sent, on a virtual clock."""

from hypothesis import given
from hypothesis import strategies as st

from svc_sfu.core.congestion import LIMITED_S, Congestion
from svc_sfu.core.departure import Departures
from svc_sfu.core.feedback import Told
from svc_sfu.core.pacer import AT_ONCE_S, MAX_PACKETS, MAX_WAIT_S, TIMES, Pacer, paced

STEP_S = 0.005


def sent(pacer: Pacer, packets: list[bytes], for_s: float) -> list[tuple[float, bytes]]:
    """A burst at the beginning: what goes when."""
    found = [(0.0, data) for data in packets if pacer.add(data, len(data), 0.0)]
    for step in range(1, round(for_s / STEP_S) + 1):
        found += [(step * STEP_S, data) for data in pacer.due(step * STEP_S)]
    return found


def numbered(count: int, size: int = 1_000) -> list[bytes]:
    return [number.to_bytes(2, "big") * (size // 2) for number in range(count)]


def test_a_keyframe_is_spread_by_the_rate_and_stays_in_order() -> None:
    pacer = Pacer(1_000_000 / TIMES)
    found = sent(pacer, numbered(20), 0.2)
    assert [data for _, data in found] == numbered(20)
    for when, _ in found:
        gone = sum(8 * len(data) for at, data in found if at <= when)
        assert gone <= (when + AT_ONCE_S) * pacer.rate_bps + 8_000
    assert found[-1][0] <= 20 * 8_000 / pacer.rate_bps + STEP_S
    assert len(pacer) == 0


def test_sound_goes_past_what_waits() -> None:
    pacer = Pacer(100_000)
    for data in numbered(10):
        pacer.add(data, len(data), 0.0)
    assert len(pacer) > 5
    assert pacer.add(b"sound", 5, 0.0, first=True)


def test_several_together_go_where_each_of_them_would() -> None:
    pacer = Pacer(1_000_000.0)
    most = int(AT_ONCE_S * pacer.rate_bps / 8)
    assert not pacer.lets(most + 1, 60.0), "however long nothing was sent"
    assert pacer.lets(most, 60.0)
    assert not pacer.lets(1, 60.0), "the way is full for so long"
    assert pacer.add(b"first", 1, 60.0)
    assert not pacer.add(b"waits", 1, 60.0)
    assert not pacer.lets(1, 90.0), "what waits comes first"
    assert pacer.due(90.0) == [b"waits"]


def test_what_is_little_goes_at_once() -> None:
    pacer = Pacer(2_000_000)
    assert all(pacer.add(data, len(data), 0.040 * at) for at, data in enumerate(numbered(50)))


@given(st.lists(st.tuples(st.integers(1, 1_400), st.integers(0, 3)), max_size=900))
def test_nothing_is_lost_or_waits_without_end(packets: list[tuple[int, int]]) -> None:
    pacer, now_s, added, gone = Pacer(60_000), 0.0, 0, 0
    for size, steps in packets:
        gone += pacer.add(added, size, now_s)
        added += 1
        for _ in range(steps):
            now_s += STEP_S
            gone += len(pacer.due(now_s))
            assert len(pacer) <= MAX_PACKETS
    assert added == gone + len(pacer)
    for _ in range(round((MAX_WAIT_S + 1) / STEP_S)):
        now_s += STEP_S
        gone += len(pacer.due(now_s))
    assert added == gone + len(pacer.rest())


def test_only_ways_that_showed_their_end_are_paced_and_those_for_a_while() -> None:
    congestion = Congestion()
    assert paced(None, None, 0.0) is None
    assert paced(None, congestion, 0.0) is None
    departures = Departures()
    for _ in range(50):
        departures.sent(1_000, 0.0)
    congestion.arrived(departures.delivered(Told(0, (0.0,) * 20 + (None,) * 20)), 0.1)
    congestion.arrived(departures.delivered(Told(40, (0.1,) * 5)), 1.2)
    pacer = paced(None, congestion, 1.2)
    assert pacer is not None
    assert pacer.rate_bps == TIMES * congestion.bps
    assert paced(pacer, congestion, 1.2) is pacer
    assert paced(pacer, congestion, 1.3 + LIMITED_S) is None
