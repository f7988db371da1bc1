"""A subscriber's slots: which track each shows, in which layer, within what its way can take."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from svc_sfu.core.allocator import Estimate, Wish, allocate, most
from svc_sfu.core.congestion import Congestion
from svc_sfu.core.departure import Departures
from svc_sfu.core.feedback import Told, read, told_of
from svc_sfu.core.forwarder import Forwarder
from svc_sfu.core.pacer import Pacer
from svc_sfu.core.publisher import Track
from svc_sfu.core.selector import MOST
from svc_sfu.core.viewer import OURS, Formats

MAX_AGAIN_S: Final = 400
"""Packets that are sent again in a second, of one subscriber."""
MAX_TOLD_S: Final = 10_000
"""Packets that feedback of one subscriber tells of in a second: more is not sent to anybody."""


SMALLER: Final = {"m": 1, "l": 2}
"""Of a track that is one stream, so many sizes less than its largest are of use."""


class Step(NamedTuple):
    """Something that a track can be sent as: a layer of it, and the largest layers within that."""

    rid: str
    name: str
    bps: float
    spatial: int = MOST
    temporal: int = MOST


_PLAIN: Final = Step("", "", 0.0)


@dataclass(slots=True, eq=False)
class Slot:
    """One m-section of a subscriber. `layer` is the largest that is of use: "h", "m" or "l"."""

    mid: str
    kind: str
    ssrc: int
    repair_ssrc: int
    forwarder: Forwarder
    track: Track | None = None
    awaited: str = ""
    """A track that it shall show and that is not known here (yet): another forwarder may tell of it."""
    layer: str = "h"
    priority: int = 5
    repair_seq: int = 0
    formats: Formats = OURS
    step: str = ""
    """What of its track was chosen last, by name."""


@dataclass(slots=True, eq=False)
class Subscriber:
    """See the module."""

    slots: dict[str, Slot]
    estimate: Estimate = field(default_factory=Estimate)
    congestion: Congestion | None = None
    """The estimate of one who tells when each packet arrived: once that was told, `estimate` is of no use."""
    departures: Departures = field(default_factory=Departures)
    pacer: Pacer | None = None
    """Where its way is known to be narrow."""
    open: bool = True
    """Whether packets reach it: a keyframe from before that would be lost, so nothing is chosen and asked for."""
    whole: bool = False
    """Streams with layers within them are forwarded whole."""
    wanted_bps: float = 0.0
    """What its slots would take, each in the largest layer that is of use."""
    again_left: float = MAX_AGAIN_S
    told_left: int = MAX_TOLD_S
    sent_bps: float = 0.0
    sent_bytes: int = 0
    """Of payloads, in all."""
    _second_bytes: int = 0
    """Of that, what was sent before the last `second`."""
    _went_bytes: int = 0
    """Of that, what was sent before a train was looked after last."""
    _by_ssrc: dict[int, Slot] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_ssrc = {slot.ssrc: slot for slot in self.slots.values()}

    @property
    def available_bps(self) -> float:
        """What its way is thought to take."""
        if self.congestion is not None and self.congestion.heard:
            return self.congestion.bps
        return self.estimate.bps

    def second(self, passed_s: float) -> None:
        """Another second is over."""
        self.again_left = MAX_AGAIN_S
        self.told_left = MAX_TOLD_S
        self.sent_bps = 8 * (self.sent_bytes - self._second_bytes) / passed_s
        self._second_bytes = self.sent_bytes

    def went_bytes(self) -> int:
        """What was sent since this was asked last."""
        before, self._went_bytes = self._went_bytes, self.sent_bytes
        return self.sent_bytes - before

    def told(self, body: bytes) -> Told | None:
        """What a feedback tells; None: it told of too many packets in this second. Raises PacketInvalid."""
        count = told_of(body)
        if count > self.told_left:
            return None
        self.told_left -= count
        return read(body)

    def agreed(self) -> None:
        """It is known how its slots are numbered."""
        if self.congestion is None and any(slot.formats.wide for slot in self.slots.values()):
            self.congestion = Congestion()

    def of(self, ssrc: int) -> Slot | None:
        """The slot that a report is about."""
        return self._by_ssrc.get(ssrc)

    def show(self, slot: Slot, track: Track | None, layer: str, priority: int, now_s: float) -> None:
        """What a slot shall show from now on."""
        slot.layer, slot.priority = layer, priority
        if slot.track is not track:
            slot.track = track
            slot.forwarder.want(None)
        if track is not None:
            self.choose(now_s, (slot,) if track.kind == "audio" else None)

    def choose(self, now_s: float, slots: Iterable[Slot] | None = None) -> None:
        """Chooses layers anew. Asks for the keyframes that this takes."""
        if not self.open:
            return
        chosen = self._allocated(now_s)
        for slot in slots if slots is not None else self.slots.values():
            track, step = slot.track, chosen.get(slot.mid, _PLAIN)
            slot.step = step.name if step is not None else ""
            if track is None or track.muted or step is None:
                slot.forwarder.want(None)
                continue
            stream = track.best(step.rid, now_s)
            if stream is None:
                continue
            if slot.forwarder.want(stream, step.spatial, step.temporal):
                track.throttles[stream.rid].ask()
                if track.smaller(stream, slot.forwarder.source):
                    slot.forwarder.thin()

    def wait(self) -> None:
        """Asks again for the keyframes that other layers within a stream take: which it has may have changed."""
        for slot in self.slots.values():
            if slot.forwarder.waits:
                self.keyframe(slot)

    def _allocated(self, now_s: float) -> dict[str, Step | None]:
        """The layers of each slot whose track has any; None: there is no room for it."""
        wishes, steps = [], dict[str, dict[str, Step]]()
        for slot in self.slots.values():
            track = slot.track
            if track is None or track.kind != "video" or track.muted:
                continue
            ladder = _ladder(track, slot.layer, now_s, whole=self.whole)
            steps[slot.mid] = {step.name: step for step in ladder}
            source = slot.forwarder.source
            current = None if source is None else slot.step or source.rid
            wishes.append(Wish(slot.mid, slot.priority, [(step.name, step.bps) for step in ladder], current))
        self.wanted_bps = sum(most(wish) for wish in wishes)
        narrow = self.congestion is not None and self.congestion.narrow(now_s)
        chosen = allocate(wishes, self.available_bps, narrow=narrow)
        return {mid: found[chosen[mid]] if mid in chosen else None for mid, found in steps.items() if found}

    def keyframe(self, slot: Slot) -> None:
        """The decoder of a slot needs one."""
        source = slot.forwarder.wanted or slot.forwarder.source
        if source is not None and slot.track is not None and source.rid in slot.track.throttles:
            slot.track.throttles[source.rid].ask()


def _ladder(track: Track, largest: str, now_s: float, *, whole: bool) -> list[Step]:
    """What can be sent of a track and is of use, the most first: its layers, and what is within the smallest."""
    rids = list(track.rids) or [""]
    start = rids.index(largest) if largest in rids else 0
    alive = [rid for rid in rids if track.comes(rid, now_s)]
    of_use = [rid for rid in rids[start:] if rid in alive] or alive[-1:]
    found = [Step(rid, rid, track.layers[rid].bitrate_bps) for rid in of_use]
    if not found or whole:
        return found
    last = found.pop()
    layering = track.layers[last.rid].layering
    within = layering.ladder(0 if track.rids else SMALLER.get(largest, 0))
    if not within:
        return [*found, last]
    for at, ((spatial, temporal), bps) in enumerate(within):
        if at == 0 and layering.sizes == 1:
            found.append(last)  # all pictures of one size are forwarded as they come
        else:
            found.append(Step(last.rid, f"{last.rid}/{spatial}.{temporal}", bps, spatial, temporal))
    return found
