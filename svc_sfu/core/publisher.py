"""A publisher's tracks: which stream a packet belongs to, by mid and rid when it is first seen, by SSRC afterwards."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from svc_sfu.core import sdp
from svc_sfu.core.codec import Codec
from svc_sfu.core.rtp import Packet
from svc_sfu.core.sdp import Accepted
from svc_sfu.core.stream import KeyframeThrottle, Stream

MAX_STREAMS: Final = 64
"""SSRCs of one publisher: more are no browser's."""
ALIVE_S: Final = 1.0


@dataclass(slots=True)
class Track:
    """What one section publishes: one stream, or layers of one picture, the largest first as they were offered."""

    track_id: str
    mid: str
    kind: str
    layers: dict[str, Stream] = field(default_factory=dict)
    throttles: dict[str, KeyframeThrottle] = field(default_factory=dict)
    rids: tuple[str, ...] = ()
    muted: bool = False
    level: float = 0.0
    """How loud it is: 0 silent to 127."""
    codec: Codec | None = None
    descriptor: int = 0
    """Number of the extension that says which layers a frame is of; 0: there is none."""

    def comes(self, rid: str, now_s: float) -> bool:
        """Whether packets of a layer arrived lately."""
        layer = self.layers.get(rid)
        return layer is not None and now_s - layer.active_s < ALIVE_S

    def best(self, rid: str, now_s: float) -> Stream | None:
        """The layer asked for, or else the nearest smaller one that comes at all, or else any."""
        order = list(self.rids) or [""]
        start = order.index(rid) if rid in order else 0
        for name in (*order[start:], *reversed(order[:start])):
            if self.comes(name, now_s):
                return self.layers[name]
        return None

    def smaller(self, layer: Stream, than: Stream | None) -> bool:
        """Whether a layer is a smaller one of the same picture."""
        return than is not None and self.layers.get(than.rid) is than and self._place(layer.rid) > self._place(than.rid)

    def _place(self, rid: str) -> int:
        return self.rids.index(rid) if rid in self.rids else 0

    def of_use(self, largest: Iterable[str]) -> list[str]:
        """The layers that are worth sending, by the largest that each watcher can use; always the smallest."""
        order = list(self.rids) or [""]
        starts = [order.index(rid) if rid in order else 0 for rid in largest]
        return order[min(starts, default=len(order) - 1) :]


@dataclass(slots=True)
class Received:
    """A packet and where it belongs."""

    track: Track
    stream: Stream
    packet: Packet
    repaired: bool


class Publisher:
    """See the module."""

    def __init__(self, accepted: list[Accepted], name: str) -> None:
        self.tracks: dict[str, Track] = {}
        self._sections = {each.mid: each for each in accepted}
        self._by_ssrc: dict[int, tuple[Track, str, bool]] = {}
        self._replaced: set[int] = set()
        """SSRCs whose place others took: they do not come back, or two could take it from each other for ever."""
        self._numbers: dict[int, str] = {}
        for each in accepted:
            described = next((number for number, uri in each.extensions.items() if uri == sdp.DEPENDENCY), 0)
            track = Track(f"{name}.{each.mid}", each.mid, each.kind, rids=each.rids, descriptor=described)
            self.tracks[each.mid] = track
            self._numbers |= each.extensions
            for ssrc in each.ssrcs if not each.rids else ():
                self._by_ssrc[ssrc] = (self.tracks[each.mid], "", False)
            for repair, repaired in each.repairs.items() if not each.rids else ():
                if repaired in each.ssrcs:
                    self._by_ssrc[repair] = (self.tracks[each.mid], "", True)
        self._wide = next((n for n, uri in self._numbers.items() if uri == sdp.TRANSPORT_WIDE), 0)
        self._level = next((n for n, uri in self._numbers.items() if uri == sdp.AUDIO_LEVEL), 0)

    def transport_seq(self, packet: Packet) -> int | None:
        """Its number on the transport, for feedback."""
        value = packet.extensions.get(self._wide, b"")
        return int.from_bytes(value, "big") if len(value) == 2 else None

    def receive(self, packet: Packet) -> Received | None:
        """Where a packet belongs; None: nowhere, or it carries nothing."""
        known = self._by_ssrc.get(packet.ssrc) or self._learn(packet)
        if known is None:
            return None
        track, rid, repairs = known
        section = self._sections[track.mid]
        if repairs:
            return self._repaired(track, rid, packet, section)
        codec = section.payload_types.get(packet.payload_type)
        if codec is None or not packet.payload:
            return None
        stream = self._stream(track, rid, packet.ssrc, codec)
        level = packet.extensions.get(self._level) if track.kind == "audio" else None
        if level:
            track.level += ((127 - (level[0] & 0x7F)) - track.level) * 0.1
        return Received(track, stream, packet, repaired=False)

    def _learn(self, packet: Packet) -> tuple[Track, str, bool] | None:
        told = {uri: packet.extensions.get(number, b"") for number, uri in self._numbers.items()}
        mid = told.get(sdp.MID, b"").decode("ascii", "replace")
        track = self.tracks.get(mid)
        if track is None or len(self._by_ssrc) + len(self._replaced) >= MAX_STREAMS or packet.ssrc in self._replaced:
            return None
        repaired = told.get(sdp.REPAIRED_RID, b"").decode("ascii", "replace")
        rid = repaired or told.get(sdp.RID, b"").decode("ascii", "replace")
        if rid not in (track.rids or ("",)):
            return None
        section = self._sections[mid]
        repairs = bool(repaired) or packet.payload_type in section.repair_types
        known = (track, rid, repairs)
        for other in [ssrc for ssrc, place in self._by_ssrc.items() if place == known]:
            del self._by_ssrc[other]
            self._replaced.add(other)
        self._by_ssrc[packet.ssrc] = known
        return known

    def _stream(self, track: Track, rid: str, ssrc: int, codec: Codec) -> Stream:
        stream = track.layers.get(rid)
        if stream is None or stream.codec is not codec or stream.ssrc != ssrc:
            stream = track.layers[rid] = Stream(ssrc, codec, rid)
            track.throttles[rid] = KeyframeThrottle()
            track.codec = codec
        return stream

    def _repaired(self, track: Track, rid: str, packet: Packet, section: Accepted) -> Received | None:
        stream = track.layers.get(rid)
        original = section.repair_types.get(packet.payload_type)
        if stream is None or original is None or len(packet.payload) <= 2:
            return None  # padding that asks how wide the way is
        seq = int.from_bytes(packet.payload[:2], "big")
        described = packet.extensions.get(track.descriptor)
        kept = {track.descriptor: described} if described else {}
        again = Packet(packet.marker, original, seq, packet.timestamp, stream.ssrc, kept, packet.payload[2:], 0)
        return Received(track, stream, again, repaired=True)

    def stream_of(self, ssrc: int) -> Stream | None:
        """The stream that a sender report is about."""
        known = self._by_ssrc.get(ssrc)
        if known is None or known[2]:
            return None
        return known[0].layers.get(known[1])
