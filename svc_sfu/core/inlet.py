"""What of a room comes from another forwarder: for the slots here it is a publisher like any other."""

from collections.abc import Callable, Iterable
from typing import Final

from svc_sfu.core.publisher import Received, Track
from svc_sfu.core.relay_message import DESCRIPTOR_NUMBER, LayerTold, TrackTold, Wish
from svc_sfu.core.rtp import Packet
from svc_sfu.core.stream import KeyframeThrottle, Stream
from svc_sfu.core.subscriber import Slot

MAX_TRACKS: Final = 2_000
GONE_S: Final = 2.0
"""A track that is not told of for so long is over, or its forwarder is."""


class Inlet:
    """See the module. Layers that nobody here watches do not come: how they are doing is told, not measured."""

    def __init__(self) -> None:
        self.tracks: dict[str, Track] = {}
        self._told_s: dict[str, float] = {}
        self._by_ssrc: dict[int, tuple[Track, Stream]] = {}
        self._wishes: dict[str, Wish] = {}

    def told(self, tracks: Iterable[TrackTold], now_s: float) -> list[Track]:
        """What the other forwarder has. Gives the tracks that are new, or have other layers than before."""
        return [track for each in tracks if (track := self._told(each, now_s)) is not None]

    def _told(self, told: TrackTold, now_s: float) -> Track | None:
        track = self.tracks.get(told.track_id)
        changed = track is None
        if track is None:
            if len(self.tracks) >= MAX_TRACKS:
                return None
            track = Track(told.track_id, told.mid, told.kind, rids=told.rids, descriptor=DESCRIPTOR_NUMBER)
            self.tracks[told.track_id] = track
        self._told_s[told.track_id] = now_s
        if track.muted != told.muted:
            track.muted, changed = told.muted, True
        for layer in told.layers:
            if layer.rid in (track.rids or ("",)) and layer.codec.video == (track.kind == "video"):
                changed = self._layer(track, layer, now_s) or changed
        return track if changed else None

    def _layer(self, track: Track, told: LayerTold, now_s: float) -> bool:
        """Whether it is new, or comes again."""
        came = track.comes(told.rid, now_s)
        stream = track.layers.get(told.rid)
        if stream is None or stream.ssrc != told.ssrc or stream.codec is not told.codec:
            if stream is not None:
                self._by_ssrc.pop(stream.ssrc, None)
            stream = track.layers[told.rid] = Stream(told.ssrc, told.codec, told.rid)
            track.throttles[told.rid] = KeyframeThrottle()
            track.codec = told.codec
            self._by_ssrc[told.ssrc] = (track, stream)
            came = False
        stream.bitrate_bps = float(told.bitrate_bps)
        if told.comes:
            stream.active_s = now_s
        return told.comes and not came

    def gone(self, now_s: float) -> list[Track]:
        """Tracks that are over, which are forgotten."""
        late = [track_id for track_id, told_s in self._told_s.items() if now_s - told_s > GONE_S]
        return [self._forget(track_id) for track_id in late]

    def _forget(self, track_id: str) -> Track:
        track = self.tracks.pop(track_id)
        del self._told_s[track_id]
        self._wishes.pop(track_id, None)
        for stream in track.layers.values():
            self._by_ssrc.pop(stream.ssrc, None)
        return track

    def receive(self, packet: Packet) -> Received | None:
        """Where a packet belongs; None: nowhere."""
        known = self._by_ssrc.get(packet.ssrc)
        return Received(known[0], known[1], packet, repaired=False) if known is not None and packet.payload else None

    def stream_of(self, ssrc: int) -> Stream | None:
        """The stream that a sender report is about."""
        known = self._by_ssrc.get(ssrc)
        return known[1] if known is not None else None

    # -- what is watched here --------------------------------------------------------------------------------

    def wishes(self, slots_of: Callable[[str], Iterable[Slot]]) -> tuple[list[Wish], bool]:
        """What is watched of each track, by the slots that show it; whether that is not what it was."""
        now: dict[str, Wish] = {}
        for track_id, track in self.tracks.items():
            wish = _wish(track, list(slots_of(track_id)))
            if wish is not None:
                now[track_id] = wish
        changed = now != self._wishes
        if changed:
            self._begin(now)
        over = [Wish(track_id, "", ()) for track_id in self._wishes if track_id not in now]
        self._wishes = now
        return [*now.values(), *over], changed

    def _begin(self, now: dict[str, Wish]) -> None:
        """What did not come for a while is not missing."""
        for track_id, track in self.tracks.items():
            before, after = self._wishes.get(track_id), now.get(track_id)
            flowed = set(before.layers) if before is not None else set()
            for rid in flowed.symmetric_difference(after.layers if after is not None else ()):
                if rid in track.layers:
                    track.layers[rid].begin_anew()


def _wish(track: Track, slots: list[Slot]) -> Wish | None:
    if not slots:
        return None
    largest = track.of_use(slot.layer for slot in slots)[0]
    shown = {stream for slot in slots for stream in (slot.forwarder.source, slot.forwarder.wanted)}
    return Wish(track.track_id, largest, tuple(rid for rid, stream in track.layers.items() if stream in shown))
