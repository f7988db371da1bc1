"""A subscriber's slots: which track each shows, in which layer, within what its way can take."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from svc_sfu.core.allocator import Estimate, Wish, allocate, most
from svc_sfu.core.congestion import Congestion
from svc_sfu.core.departure import Departures
from svc_sfu.core.feedback import Told, read, told_of
from svc_sfu.core.forwarder import Forwarder
from svc_sfu.core.publisher import Track
from svc_sfu.core.viewer import OURS, Formats

MAX_AGAIN_S: Final = 400
"""Packets that are sent again in a second, of one subscriber."""
MAX_TOLD_S: Final = 10_000
"""Packets that feedback of one subscriber tells of in a second: more is not sent to anybody."""


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


@dataclass(slots=True, eq=False)
class Subscriber:
    """See the module."""

    slots: dict[str, Slot]
    estimate: Estimate = field(default_factory=Estimate)
    congestion: Congestion | None = None
    """The estimate of one who tells when each packet arrived: once that was told, `estimate` is of no use."""
    departures: Departures = field(default_factory=Departures)
    wanted_bps: float = 0.0
    """What its slots would take, each in the largest layer that is of use."""
    again_left: float = MAX_AGAIN_S
    told_left: int = MAX_TOLD_S
    sent_bps: float = 0.0
    sent_bytes: int = 0
    """Since the last `second`."""
    went_bytes: int = 0
    """Since a train was looked after last."""
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
        self.sent_bps = 8 * self.sent_bytes / passed_s
        self.sent_bytes = 0

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
        chosen = self._allocated(now_s)
        for slot in slots if slots is not None else self.slots.values():
            track = slot.track
            if track is None or track.muted or chosen.get(slot.mid, "") is None:
                slot.forwarder.want(None)
                continue
            stream = track.best(chosen.get(slot.mid) or "", now_s)
            if stream is None or stream in (slot.forwarder.source, slot.forwarder.wanted):
                if stream is not None and stream is slot.forwarder.source:
                    slot.forwarder.want(stream)
                continue
            if slot.forwarder.want(stream):
                track.throttles[stream.rid].ask()

    def _allocated(self, now_s: float) -> dict[str, str | None]:
        """The layer of each slot whose layers come; None: there is no room for it."""
        wishes = []
        for slot in self.slots.values():
            track = slot.track
            if track is None or track.kind != "video" or track.muted:
                continue
            layers = _layers(track, slot.layer, now_s)
            current = slot.forwarder.source.rid if slot.forwarder.source else None
            wishes.append(Wish(slot.mid, slot.priority, layers, current))
        self.wanted_bps = sum(most(wish) for wish in wishes)
        narrow = self.congestion is not None and self.congestion.narrow(now_s)
        chosen = allocate(wishes, self.available_bps, narrow=narrow)
        return {wish.slot: chosen.get(wish.slot) for wish in wishes if wish.layers}

    def keyframe(self, slot: Slot) -> None:
        """The decoder of a slot needs one."""
        source = slot.forwarder.wanted or slot.forwarder.source
        if source is not None and slot.track is not None and source.rid in slot.track.throttles:
            slot.track.throttles[source.rid].ask()


def _layers(track: Track, largest: str, now_s: float) -> list[tuple[str, float]]:
    """The layers that come and are of use, the largest first."""
    rids = list(track.rids) or [""]
    start = rids.index(largest) if largest in rids else 0
    alive = [rid for rid in rids if track.comes(rid, now_s)]
    of_use = [rid for rid in rids[start:] if rid in alive] or alive[-1:]
    return [(rid, track.layers[rid].bitrate_bps) for rid in of_use]
