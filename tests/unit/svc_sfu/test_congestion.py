"""The estimate of a receiver's way, on a way that is made up: a queue, a clock, and what a browser would tell."""

import random
import struct
from collections.abc import Sequence
from dataclasses import replace
from heapq import heappop, heappush
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc_sfu.core import feedback
from svc_sfu.core.congestion import LEAST_TRAIN, MAX_TRAIN_STEPS, QUEUE_S, TRAIN_STEP_S, TRAIN_STEPS, Congestion
from svc_sfu.core.departure import SPAN, Delivered, Delivery, Departures
from svc_sfu.core.feedback import Arrivals
from svc_sfu.core.rtp import PacketInvalid
from svc_sfu.core.subscriber import MAX_TOLD_S, Subscriber

PACKET = 1_100
LADDER_BPS = (450_000.0, 650_000.0, 1_100_000.0, 1_700_000.0, 2_600_000.0, 4_500_000.0)
"""What three pictures of three layers take together, from the smallest on."""


SMALL_LADDER_BPS = (50_000.0, 120_000.0, 250_000.0, 600_000.0, 1_200_000.0)
"""What one picture takes."""


class Road:
    """Sender, way and receiver: pictures 25 times a second of the largest step that the estimate takes."""

    def __init__(
        self,
        limit_bps: float,
        *,
        queue_s: float = 0.3,
        loss: float = 0.0,
        hiccups: bool = False,
        start_bps: float = 2_000_000.0,
        ladder_bps: Sequence[float] = LADDER_BPS,
    ) -> None:
        self.limit_bps = limit_bps
        self.now_s = 100.0
        self.congestion = Congestion(start_bps)
        self.departures = Departures()
        self.departures.next = 65_000  # the numbers on the wire go round soon
        self._queue_s, self._loss, self._hiccups = queue_s, loss, hiccups
        self._random = random.Random(3)
        self._arrivals = Arrivals()
        self._events: list[tuple[float, int, str, int]] = []
        self._order = count()
        self._free_s = self._busy_s = 0.0
        self._ladder_bps = ladder_bps
        self._size = PACKET
        self._went = self._owed = 0.0
        self.dropped = 0
        for what in ("picture", "feedback", "tick"):
            self._at(0.01, what)

    def _at(self, after_s: float, what: str, number: int = 0) -> None:
        heappush(self._events, (self.now_s + after_s, next(self._order), what, number))

    def run(self, seconds: float) -> float:
        """Time passes; the mean estimate of the last second of it."""
        end_s, seen = self.now_s + seconds, []
        while self._events[0][0] < end_s:
            self.now_s, _, what, number = heappop(self._events)
            getattr(self, f"_{what}")(number)
            if self.now_s > end_s - 1:
                seen.append(self.congestion.bps)
        return sum(seen) / len(seen)

    @property
    def wanted_bps(self) -> float:
        return self._ladder_bps[-1]

    def _picture(self, _: int) -> None:
        fits = [step for step in self._ladder_bps if step <= self.congestion.bps]
        size = (fits or self._ladder_bps)[-1 if fits else 0] / 25 / 8
        many = max(1, round(size / PACKET))
        self._size = round(size / many)
        for _ in range(many):
            self._send(self._size)
            self._went += self._size
        self._at(0.04, "picture")

    def _send(self, size: int) -> None:
        wire = self.departures.sent(size, self.now_s)
        begins_s = max(self.now_s, self._free_s)
        if begins_s - self.now_s > self._queue_s or self._random.random() < self._loss:
            self.dropped += 1
            return
        self._free_s = begins_s + 8 * size / self.limit_bps
        if self._hiccups and self._random.random() < 0.02:
            self._busy_s = self._free_s + self._random.random() * 0.06
        self._at(max(self._free_s, self._busy_s) - self.now_s + 0.02, "receive", wire)

    def _receive(self, wire: int) -> None:
        self._arrivals.add(wire, self.now_s + 5_000)

    def _feedback(self, _: int) -> None:
        body = self._arrivals.take()
        if body is not None:
            told = feedback.read(body)
            delivered = self.departures.delivered(told, self.congestion.one_by_one_from)
            self.congestion.arrived(delivered, self.now_s)
        self._at(0.1, "feedback")

    def _tick(self, _: int) -> None:
        train = self.congestion.begin_train(self.wanted_bps, self.departures.next, self.now_s)
        if train is not None:
            self._went = self._owed = 0.0
            self._step(0)
        self._at(0.05, "tick")

    def _step(self, _: int) -> None:
        """As a room does: what a train owes by now, beyond the pictures that went with it."""
        train = self.congestion.train
        if train is not None:
            self._owed += train.bps / 8 * TRAIN_STEP_S - self._went
            while self._owed > 0:
                self._send(self._size)
                self._owed -= self._size
        self._went = 0.0
        if self.congestion.goes_on(self.departures.next):
            self._at(TRAIN_STEP_S, "step")


@pytest.mark.parametrize("hiccups", [False, True])
def test_the_estimate_follows_a_way_that_becomes_narrower_and_wider_within_ten_seconds(hiccups: bool) -> None:
    road = Road(3_000_000, hiccups=hiccups)
    road.run(10)
    for limit_bps in (1_000_000, 2_500_000, 600_000, 1_500_000, 3_000_000):
        road.limit_bps = limit_bps
        assert road.run(10) == pytest.approx(limit_bps, rel=0.2)


def test_a_wide_way_is_found_in_seconds_and_nothing_is_dropped_on_it() -> None:
    road = Road(50_000_000)
    road.run(4)
    assert road.congestion.bps >= LADDER_BPS[-1]
    assert road.dropped == 0


@pytest.mark.parametrize(("start_bps", "seconds"), [(60_000, 5), (150_000, 3), (300_000, 3)])
def test_from_a_low_estimate_a_wider_way_is_found_in_seconds_and_a_narrow_one_too(
    start_bps: float, seconds: float
) -> None:
    road = Road(2_000_000, start_bps=start_bps, ladder_bps=SMALL_LADDER_BPS)
    road.run(seconds)
    assert road.congestion.bps >= 600_000
    road.limit_bps = 200_000
    assert road.run(10) == pytest.approx(road.limit_bps, rel=0.25)


def test_a_slow_train_goes_on_until_it_has_enough_packets_and_not_for_ever() -> None:
    congestion = Congestion(50_000)
    assert congestion.begin_train(9_000_000, 100, 1.0) is not None
    assert all(congestion.goes_on(100 + LEAST_TRAIN) for _ in range(TRAIN_STEPS + 10))
    assert not congestion.goes_on(101 + LEAST_TRAIN)
    congestion = Congestion(50_000)
    assert congestion.begin_train(9_000_000, 100, 1.0) is not None
    assert [congestion.goes_on(100) for _ in range(MAX_TRAIN_STEPS)].index(False) == MAX_TRAIN_STEPS - 1


def test_a_few_lost_packets_without_a_queue_change_nothing() -> None:
    road = Road(50_000_000, loss=0.05)
    assert road.run(10) >= LADDER_BPS[-1]


def test_many_lost_packets_without_a_queue_lower_it() -> None:
    road = Road(50_000_000, loss=0.3)
    assert road.run(20) < 2_000_000


def test_a_short_queue_that_drops_is_found_by_its_loss() -> None:
    road = Road(1_000_000, queue_s=0.03)
    assert 400_000 < road.run(15) < 1_300_000


def test_where_no_more_is_wanted_no_train_is_sent() -> None:
    congestion = Congestion(2_000_000)
    assert congestion.begin_train(2_000_000, 0, 1.0) is None
    assert congestion.begin_train(2_000_001, 0, 1.0) is not None
    assert congestion.begin_train(9_000_000, 0, 1.1) is None, "one is on its way"


def test_a_train_that_is_lost_is_forgotten() -> None:
    congestion = Congestion(2_000_000)
    assert congestion.begin_train(9_000_000, 0, 1.0) is not None
    assert [congestion.goes_on(10) for _ in range(TRAIN_STEPS)] == [True] * (TRAIN_STEPS - 1) + [False]
    assert congestion.begin_train(9_000_000, 20, 7.0) is not None


def test_numbers_go_round_and_what_is_of_long_ago_or_was_never_sent_is_not_counted() -> None:
    departures = Departures()
    departures.next = 65_530
    numbers = [departures.sent(100 + index, 1.0 + index) for index in range(10)]
    assert numbers == [65_530, 65_531, 65_532, 65_533, 65_534, 65_535, 0, 1, 2, 3]
    arrived = (None, 7.0, *[8.0] * 8)
    delivered = departures.delivered(feedback.Told(65_530, (*arrived, 9.0, 9.0)), 65_531)
    assert [each.number for each in delivered.packets] == list(range(65_531, 65_540))
    assert delivered.packets[0] == Delivery(65_531, 2.0, 7.0, 101)
    assert (delivered.count, delivered.lost, delivered.last, delivered.latest_s) == (9, 1, 65_539, 8.0)
    assert delivered.size_bytes == sum(range(101, 110))
    assert delivered.least_delay_s == 8.0 - 10.0
    again = departures.delivered(feedback.Told(65_530, arrived))
    assert again.lost == 0, "it was told of before"
    assert again.packets == []
    for _ in range(SPAN):
        departures.sent(1, 99.0)
    assert departures.delivered(feedback.Told(65_530, arrived)).count == 0


def seen(delay_s: float, at_s: float, many: int = 50) -> Delivered:
    return Delivered(many, 0, many * PACKET, delay_s, at_s, many)


def test_one_feedback_of_packets_that_are_late_is_no_queue_and_several_are_one() -> None:
    congestion = Congestion(5_000_000)
    for turn in range(10):
        congestion.arrived(seen(5.0, 5 + turn / 10), 1 + turn / 10)
    hiccup_s = 5.0 + 10 * QUEUE_S
    assert not congestion.arrived(seen(hiccup_s, 6.0), 2.0)
    assert not congestion.arrived(seen(5.0, 6.1), 2.1)
    lowered = [congestion.arrived(seen(5.0 + 2 * QUEUE_S, 6.2 + turn / 10, 10), 2.2 + turn / 10) for turn in range(6)]
    assert any(lowered)
    assert congestion.bps < 3_000_000
    assert not congestion.narrow(2.8), "nothing was lost: nobody is left without a picture for that"
    for turn in range(25):
        congestion.arrived(replace(seen(5.0, 6.9 + turn / 10, 10), lost=5), 2.8 + turn / 10)
    assert congestion.narrow(5.2)
    assert not congestion.narrow(16.0)


def test_a_receiver_whose_clock_goes_round_is_still_believed() -> None:
    congestion = Congestion(2_000_000)
    for turn in range(5):
        congestion.arrived(seen(5.0, 1_000 + turn / 10), 1 + turn / 10)
    assert congestion.arriving_bps == pytest.approx(8 * 50 * PACKET * 10)
    congestion.arrived(seen(5.0, 0.0), 1.6)
    assert congestion.arriving_bps == congestion.bps
    assert congestion.bps >= 2_000_000


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 3)), min_size=1, max_size=300).filter(any),
    st.integers(0, 65_535),
)
def test_what_is_written_is_read(times: list[float | None], first: int) -> None:
    arrivals = Arrivals()
    start = next(index for index, time in enumerate(times) if time is not None)
    for index, time in enumerate(times):
        if time is not None:
            arrivals.add((first + index) % 65_536, 10 + time)
    told = feedback.read(arrivals.take() or b"")
    expected = times[start:]
    assert len(told.arrived_s) <= len(expected)
    for got, time in zip(told.arrived_s, expected, strict=False):
        assert (got is None) == (time is None)
        if got is not None and time is not None:
            assert got == pytest.approx(10 + time, abs=0.001)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        told = feedback.read(body)
    except PacketInvalid:
        return
    assert len(told.arrived_s) <= feedback.MAX_TOLD


def saying(count: int) -> bytes:
    """A feedback of a few bytes: of so many packets that none arrived."""
    return struct.pack("!HH", 0, count) + bytes(4) + struct.pack("!H", count)


def test_a_short_feedback_that_tells_of_very_many_packets_is_refused() -> None:
    assert len(feedback.read(saying(feedback.MAX_TOLD)).arrived_s) == feedback.MAX_TOLD
    with pytest.raises(PacketInvalid):
        feedback.read(saying(feedback.MAX_TOLD + 1))


def test_of_one_subscriber_so_many_packets_are_told_of_in_a_second_and_as_many_in_the_next() -> None:
    subscriber = Subscriber({})
    for _ in range(2):
        heard = [subscriber.told(saying(feedback.MAX_TOLD)) is not None for _ in range(50)]
        assert sum(heard) == MAX_TOLD_S // feedback.MAX_TOLD
        subscriber.second(1.0)
