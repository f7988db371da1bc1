"""What a receiver's way takes, by its transport-wide feedback: from how long packets wait, and from trains of them.

A queue on the way shows as packets that all take longer than the quickest lately: what arrives meanwhile is what the
way takes. A way that takes more than it is sent shows nothing: so packets are sent again, quicker than the estimate,
and the rate at which they arrive is looked at (a train). Loss without a queue counts as without such feedback.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from svc_sfu.core.allocator import LEAST_BPS
from svc_sfu.core.departure import NEVER, Delivered, Delivery

QUEUE_S: Final = 0.040
"""Packets that all wait this much longer than the quickest are in a queue."""
RECENT_S: Final = 0.25
"""So long all have to wait before it is one: a hiccup of somebody's machine is shorter, or not of all packets."""
BASE_S: Final = 5.0
"""The quickest packet is one of the last 5 to 10 seconds: clocks drift, and ways change."""
RATE_S: Final = 0.3
"""What arrives is looked at for so long: hardly longer than a queue is, before which the way may not have been full."""
AGAIN_S: Final = 0.3
"""Between two steps down, so that the first can show."""
NARROW_S: Final = 10.0
LIMITED_S: Final = 30.0
"""So long after the estimate was lowered the way counts as narrow."""
BELOW: Final = 0.92
"""Of what a full way takes: a little less empties its queue."""
GROWTH_S: Final = 0.08
TESTED: Final = 0.85
"""An estimate grows by itself while so much of it is sent and arrives."""

LOSS_EVERY_S: Final = 1.0
MANY_LOST: Final = 0.10

TRAIN_STEP_S: Final = 0.005
TRAIN_STEPS: Final = 12
MAX_TRAIN_STEPS: Final = 80
"""A slow train goes on for longer, until enough packets are in it."""
TRAIN_TIMES: Final = 2.0
CAREFUL_TIMES: Final = 1.75
"""So much quicker than the estimate it is after one that showed where the end is: each fills the way for a moment."""
LEAST_TIMES: Final = 1.2
TRAIN_AGAIN_S: Final = 1.0
"""After a train that the way took."""
TRAIN_LATER_S: Final = 2.5
"""After one that showed where the end is."""
TRAIN_LOST_S: Final = 1.5
"""After its beginning."""
MAX_TRAIN_BPS: Final = 12_000_000.0
LEAST_TRAIN: Final = 5
"""Packets of a train that have to arrive."""


@dataclass(slots=True)
class Train:
    """Packets that are sent to find out: from the number `first` on, until `last` once it is over."""

    bps: float
    first: int
    begun_s: float
    last: int | None = None
    steps: int = 0
    extra: int = 0
    """Packets that were sent for its sake."""
    arrived: list[Delivery] = field(default_factory=list)


class Congestion:
    """See the module. `bps` is the estimate."""

    def __init__(self, start_bps: float = 2_000_000.0, most_bps: float = 50_000_000.0) -> None:
        self.bps = start_bps
        self.heard = False
        """Whether there was any feedback."""
        self.train: Train | None = None
        self._most_bps = most_bps
        self._fresh: deque[tuple[float, int]] = deque()
        """Of each feedback lately, when the last of it arrived and how many bytes."""
        self._delays: deque[tuple[float, float]] = deque()
        self._base_s = self._next_base_s = float("inf")
        self._base_since_s = float("-inf")
        self._lowered_s = self._lossy_s = float("-inf")
        self._grown_s: float | None = None
        self._train_due_s = float("-inf")
        self._times = TRAIN_TIMES
        self._lost = self._came = 0
        self._loss_since_s: float | None = None

    @property
    def one_by_one_from(self) -> int:
        """From which number on packets have to be known one by one: those of a train."""
        return self.train.first if self.train is not None else NEVER

    def arrived(self, delivered: Delivered, now_s: float) -> bool:
        """A feedback came; whether the estimate was lowered."""
        before = self.bps
        if delivered.count:
            self.heard = True
            self._count(delivered)
            self._wait(delivered.least_delay_s, now_s)
            self._look_at_train(delivered, now_s)
            self._adapt(now_s)
        self._lose(delivered.count, delivered.lost, now_s)
        return self.bps < before

    def _count(self, delivered: Delivered) -> None:
        fresh = self._fresh
        if fresh and delivered.latest_s <= fresh[-1][0]:
            fresh.clear()  # its clock went round, or it lies
        fresh.append((delivered.latest_s, delivered.size_bytes))
        while len(fresh) > 2 and fresh[-1][0] - fresh[1][0] >= RATE_S:
            fresh.popleft()

    @property
    def arriving_bps(self) -> float:
        """What arrived lately; of one feedback nothing can be said, and it is what was thought."""
        fresh = self._fresh
        if len(fresh) < 2:
            return self.bps
        return 8 * sum(size for _, size in islice(fresh, 1, None)) / (fresh[-1][0] - fresh[0][0])

    def _wait(self, delay_s: float, now_s: float) -> None:
        if now_s - self._base_since_s > BASE_S:
            self._base_s, self._next_base_s = self._next_base_s, delay_s
            self._base_since_s = now_s
        self._base_s = min(self._base_s, delay_s)
        self._next_base_s = min(self._next_base_s, delay_s)
        self._delays.append((now_s, delay_s))
        while now_s - self._delays[0][0] > RECENT_S:
            self._delays.popleft()

    @property
    def queue_s(self) -> float:
        """How long the quickest of the latest packets waited."""
        return min((delay_s for _, delay_s in self._delays), default=self._base_s) - self._base_s

    def narrow(self, now_s: float) -> bool:
        """Whether the way was so full lately that much was lost. A queue alone may be somebody's busy machine."""
        return now_s - self._lossy_s < NARROW_S

    def limited(self, now_s: float) -> bool:
        """Whether the way showed lately where its end is."""
        return now_s - self._lowered_s < LIMITED_S

    def _adapt(self, now_s: float) -> None:
        since_s = now_s - self._grown_s if self._grown_s is not None else 0.0
        self._grown_s = now_s
        if self.queue_s > QUEUE_S:
            if now_s - self._lowered_s > AGAIN_S:
                self.bps = max(LEAST_BPS, min(self.bps, BELOW * self.arriving_bps))
                self._lowered_s = now_s
                self._train_due_s = now_s + TRAIN_AGAIN_S
        elif self.queue_s < QUEUE_S / 2 and self.arriving_bps > TESTED * self.bps:
            self.bps = min(self._most_bps, self.bps * (1 + GROWTH_S * min(since_s, 1.0)))

    def _lose(self, came: int, lost: int, now_s: float) -> None:
        if self._loss_since_s is None:
            self._loss_since_s = now_s
        self._came += came
        self._lost += lost
        if now_s - self._loss_since_s < LOSS_EVERY_S:
            return
        if self._lost > MANY_LOST * (self._lost + self._came):
            self.bps = max(LEAST_BPS, min(self.bps, max(0.8 * self.bps, BELOW * self.arriving_bps)))
            self._lowered_s = self._lossy_s = now_s
            self._train_due_s = now_s + TRAIN_LATER_S
        self._came, self._lost, self._loss_since_s = 0, 0, now_s

    # -- trains ----------------------------------------------------------------------------------------------

    def begin_train(self, of_use_bps: float, next_number: int, now_s: float) -> Train | None:
        """A train, if it is time for one and more than the estimate would be of use at all."""
        if self.train is not None and now_s - self.train.begun_s > TRAIN_LOST_S:
            self.train = None
        if self.train is not None or now_s < self._train_due_s or of_use_bps <= self.bps or self.queue_s > QUEUE_S / 2:
            return None
        bps = min(MAX_TRAIN_BPS, self._times * self.bps, max(of_use_bps, LEAST_TIMES * self.bps))
        self._train_due_s = now_s + TRAIN_LATER_S
        self.train = Train(bps, next_number, now_s)
        return self.train

    def goes_on(self, next_number: int) -> bool:
        """A step of the train has left; whether another has to: as long as it is short, or of so few packets that
        nothing could be said if one of them were lost."""
        train = self.train
        if train is None:
            return False
        train.steps += 1
        few = next_number - train.first <= LEAST_TRAIN
        if train.steps < (MAX_TRAIN_STEPS if few else TRAIN_STEPS):
            return True
        train.last = next_number - 1
        return False

    def _look_at_train(self, delivered: Delivered, now_s: float) -> None:
        train = self.train
        if train is None:
            return
        last = train.last
        train.arrived += [each for each in delivered.packets if last is None or each.number <= last]
        if last is None or delivered.last < last:
            return
        self.train = None
        arrived = train.arrived
        if len(arrived) < LEAST_TRAIN:
            return
        sent_bps = _rate(arrived, [each.sent_s for each in arrived], leave_out=-1)
        came_bps = _rate(arrived, [each.arrived_s for each in arrived], leave_out=0)
        if came_bps >= 0.9 * sent_bps:
            self._train_due_s, self._times = now_s + TRAIN_AGAIN_S, TRAIN_TIMES
            self.bps = min(self._most_bps, max(self.bps, min(sent_bps, came_bps, train.bps)))
        else:
            self._times = CAREFUL_TIMES
            self.bps = max(self.bps, min(BELOW * came_bps, train.bps))


def _rate(packets: Sequence[Delivery], times_s: Sequence[float], leave_out: int) -> float:
    """Bits a second from the first to the last: the one at the end that is left out went or came before, or after."""
    passed_s = max(times_s) - min(times_s)
    size = sum(each.size_bytes for each in packets) - packets[leave_out].size_bytes
    return 8 * size / passed_s if passed_s > 0 else float("inf")
