"""Which layer each slot of a subscriber gets, within what its way can take: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

LAYER_BPS: Final[Mapping[str, float]] = {"h": 1_500_000.0, "m": 600_000.0, "l": 200_000.0}
"""What a layer is expected to take before it was measured."""
RESERVE: Final = 0.9
UP_MARGIN: Final = 1.15
"""A larger layer must fit with this much to spare, so that a slot does not go to and fro."""

LEAST_BPS: Final = 50_000.0
CONGESTED: Final = 0.95
MANY: Final = 3
"""So many low estimates in a row are congestion; one is a hiccup of somebody's machine."""
HOLD_S: Final = 5.0
"""After congestion the estimate does not grow for so long."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A slot's wish: the priority (0-10, larger first), the largest layer that is of use, and what there is."""

    slot: str
    priority: int
    layers: Sequence[tuple[str, float]]
    """Layers that come, the largest first, each with its bits a second (0: not measured)."""
    current: str | None


def allocate(wishes: Sequence[Wish], available_bps: float, *, narrow: bool = False) -> dict[str, str]:
    """The layer of each slot: everybody the smallest first, then upwards by priority.

    Of a way that is known to be narrow, those slots get none whose smallest does not fit; the first always gets it.
    """
    order = sorted((wish for wish in wishes if wish.layers), key=lambda wish: -wish.priority)
    left = available_bps * RESERVE
    chosen: dict[str, int] = {}
    for wish in order:
        least = _cost(wish, len(wish.layers) - 1)
        if narrow and chosen and least * (1.0 if wish.current is not None else UP_MARGIN) > left:
            continue
        chosen[wish.slot] = len(wish.layers) - 1
        left -= least
    order = [wish for wish in order if wish.slot in chosen]
    moved = True
    while moved:
        moved = False
        for wish in order:
            at = chosen[wish.slot]
            if at == 0:
                continue
            more = _cost(wish, at - 1) - _cost(wish, at)
            keeps = wish.current is not None and wish.layers[at - 1][0] == wish.current
            if more <= left / (1.0 if keeps else UP_MARGIN):
                chosen[wish.slot] = at - 1
                left -= more
                moved = True
                break
    return {wish.slot: wish.layers[chosen[wish.slot]][0] for wish in order}


def most(wish: Wish) -> float:
    """What a wish takes in its largest layer."""
    return _cost(wish, 0) if wish.layers else 0.0


def _cost(wish: Wish, at: int) -> float:
    rid, measured = wish.layers[at]
    return measured or LAYER_BPS.get(rid, LAYER_BPS["h"])


class Estimate:
    """What a subscriber's way can take.

    A browser's own estimate (REMB) is never much more than what it is sent: so it is a limit only where it is less than
    that. Otherwise loss decides, as where there is no feedback (Carlucci et al. 2017, section 4.2).
    """

    def __init__(self, start_bps: float = 2_000_000.0, most_bps: float = 50_000_000.0) -> None:
        self.bps = start_bps
        self._most_bps = most_bps
        self._held_s = float("-inf")
        self._low = 0

    def told(self, bitrate_bps: float, sent_bps: float, now_s: float) -> None:
        """The receiver's own estimate, and what it was sent lately."""
        if bitrate_bps < CONGESTED * sent_bps:
            self._low += 1
            if self._low >= MANY:
                self.bps = max(LEAST_BPS, min(self.bps, bitrate_bps))
                self._held_s = now_s
        else:
            self._low = 0
            self.bps = min(self._most_bps, max(self.bps, bitrate_bps))

    def lost(self, share: float, now_s: float) -> None:
        """A receiver report's share of lost packets."""
        if share > 0.10:
            self.bps = max(LEAST_BPS, self.bps * 0.8)
            self._held_s = now_s
        elif share < 0.02 and now_s - self._held_s > HOLD_S:
            self.bps = min(self._most_bps, self.bps * 1.1)
