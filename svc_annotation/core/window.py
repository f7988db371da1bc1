"""When to send: what arrives within a window goes out together. Idle, at once; busy, as seldom as a flush is dear."""

import math
from collections.abc import Iterable
from typing import Final

SENT_S: Final = 0.066
"""What an operation may take here and at the gateway, a good half of what it may take in all (100 ms, 99 of 100); few
viewers never come near it. What writing to all takes of it, it does not wait before: on its way in it hardly waits for
that, since gateways take what viewers say while they write."""
REST: Final = 2.0
"""At least so many times what writing to all takes passes before the next: readers have to read it, and what is written
next has to come in and be worked on, all on the same machine maybe. Closer together on one that is full frames only
come later."""
WORK_S: Final = 50e-6
"""What an operation costs on its way in, here and at the gateway. Thousands a second leave less of the machine for what
goes out: then as much time as that work takes passes besides what writing takes."""
IDLE_SHARE: Final = 10.0
"""Between two flushes passes this many times what the last one cost, as long as there is time for it."""
STREAM_COST_S: Final = 60e-6
"""One gRPC message, whatever is in it."""
VIEWER_COST_S: Final = 11e-6
"""One frame of a few kilobytes to one viewer's socket, at the gateway: nearly all of it the kernel's."""
PART: Final = 500
"""Of more viewers a gateway writes to so many (its `fanout.TURN`), another part with each flush."""

MERGED_TICK_S: Final = 0.050
MERGED_MAX_TICK_S: Final = 0.500
MERGED_BYTES_S: Final = 512 * 1024
MERGING_SAVES: Final = 2
"""How many times smaller than all commits of a second its merged states have to be to be worth it."""


class Window:
    """Chooses the pause after a flush from what the flush cost, here and at the gateways that pass it on."""

    def __init__(self) -> None:
        self._not_before = 0.0

    def due(self, now: float) -> float:
        """The earliest time of the next flush; `now` when nothing was sent for long."""
        return max(now, self._not_before)

    def flushed(
        self, now: float, encode_s: float, streams: int, viewers: int, gateways: int = 1, operations: int = 0
    ) -> None:
        """A flush of so many operations ended now: it took so long to encode, for so many streams and viewers."""
        parts = max(1, math.ceil(viewers / max(1, gateways) / PART))
        cost_s = encode_s + streams * STREAM_COST_S + viewers / parts * VIEWER_COST_S
        pause_s = max(SENT_S / parts - cost_s, REST * cost_s, cost_s + operations * WORK_S)
        self._not_before = now + min(IDLE_SHARE * cost_s, pause_s)


class MergedTick:
    """The pace of a merged lane: slower the more a tick weighs, so that a second stays within its budget of bytes.

    For that, what comes in a longer tick has to weigh less than in several short ones: else it would only come later.
    """

    def __init__(self) -> None:
        self._not_before = 0.0

    def due(self, now: float) -> float:
        """The earliest time of the next tick."""
        return max(now, self._not_before)

    def flushed(self, now: float, size_bytes: int, *, saves: bool) -> None:
        """A tick of this size went out now. `saves`: see `Budget`."""
        slower_s = size_bytes / MERGED_BYTES_S if saves else 0.0
        self._not_before = now + min(MERGED_MAX_TICK_S, max(MERGED_TICK_S, slower_s))


class Budget:
    """Whether a reader who leaves it to us gets every commit or merged states: by the full lane's bytes a second.

    Merged states are no use where each commit makes an annotation of its own: they are as large, and only come later.
    """

    def __init__(self, bytes_s: int, quiet_s: float = 10.0) -> None:
        self._limit_bytes_s = bytes_s
        self._quiet_s = quiet_s
        self._since: float | None = None
        self._bytes = 0
        self._touched: dict[bytes, int] = {}
        self._quiet_since: float | None = None
        self.merging = False
        self.saves = False
        """Whether merged states were much smaller than all commits, when something came last."""

    def add(self, size_bytes: int, states: Iterable[tuple[bytes, bytes]]) -> None:
        """So much went over the full lane, and left these annotations (id, state) behind it."""
        self._bytes += size_bytes
        for annotation_id, state in states:
            self._touched[annotation_id] = len(state)

    def tick(self, now: float) -> bool:
        """Once in a while, a second or so: measures; returns `merging`."""
        passed = now - self._since if self._since is not None else 1.0
        self._since = now
        rate = self._bytes / max(passed, 0.001)
        if self._bytes:
            self.saves = MERGING_SAVES * sum(self._touched.values()) <= self._bytes
        self._bytes = 0
        self._touched.clear()
        if rate > self._limit_bytes_s and self.saves:
            self.merging, self._quiet_since = True, None
        elif rate >= self._limit_bytes_s / 2 and self.saves:
            self._quiet_since = None
        elif self._quiet_since is None:
            self._quiet_since = now
        elif now - self._quiet_since >= self._quiet_s:
            self.merging = False
        return self.merging
