"""What of a room goes to another forwarder that has people of it: the layers it asked for, as they came in.

Nothing is renumbered: the far forwarder takes them for a publisher's. What was sent is kept for a while, so that what
is lost between the two is not asked of the publisher.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from svc_sfu.core import rtcp, rtp
from svc_sfu.core.publisher import Track
from svc_sfu.core.relay_message import DESCRIPTOR_NUMBER, LayerTold, TrackTold, Wish
from svc_sfu.core.rtp import STAMP, Packet
from svc_sfu.core.stream import Stream

KEPT_PACKETS: Final = 512
KEPT_S: Final = 1.0
FORGET_S: Final = 2.0
"""Who has not asked for a track for so long does not want it any more."""


@dataclass(slots=True, eq=False)
class Lane:
    """A layer on its way to the other forwarder; `open`: its packets are wanted there."""

    ssrc: int
    track: Track
    rid: str
    stream: Stream
    open: bool = False
    kept: dict[int, tuple[int, float, bytes]] = field(default_factory=dict)
    """By number modulo `KEPT_PACKETS`: the number, when it was sent, and the packet."""


class Outlet:
    """See the module."""

    def __init__(self) -> None:
        self._tracks: dict[str, Track] = {}
        self._lanes: dict[Stream, Lane] = {}
        self._by_ssrc: dict[int, Lane] = {}
        self._wishes: dict[str, tuple[Wish, float]] = {}
        self._last_ssrc = 0

    def directory(self, tracks: Iterable[tuple[str, Track]], now_s: float) -> list[TrackTold]:
        """What is published here, for the other forwarder to be told."""
        there = list(tracks)
        self._tracks = {track.track_id: track for _, track in there}
        streams = {stream for _, track in there for stream in track.layers.values()}
        for stream in [each for each in self._lanes if each not in streams]:
            del self._by_ssrc[self._lanes.pop(stream).ssrc]
        return [self._told(track, now_s) for _, track in there]

    def _told(self, track: Track, now_s: float) -> TrackTold:
        layers = tuple(
            LayerTold(
                rid, self._lane(track, rid, stream).ssrc, stream.codec, int(stream.bitrate_bps), track.comes(rid, now_s)
            )
            for rid, stream in track.layers.items()
        )
        return TrackTold(track.track_id, track.mid, track.kind, track.rids, track.muted, layers)

    def _lane(self, track: Track, rid: str, stream: Stream) -> Lane:
        lane = self._lanes.get(stream)
        if lane is None:
            self._last_ssrc += 1
            wish = self._wishes.get(track.track_id)
            lane = Lane(self._last_ssrc, track, rid, stream, wish is not None and rid in wish[0].layers)
            self._lanes[stream] = self._by_ssrc[lane.ssrc] = lane
        return lane

    # -- what the other forwarder says -----------------------------------------------------------------------

    def asked(self, wishes: Iterable[Wish], now_s: float) -> bool:
        """What is watched there; whether other layers are of use now than before."""
        before = self._largest()
        for wish in wishes:
            if wish.track_id not in self._tracks:
                continue
            if wish.layers or wish.largest:
                self._wishes[wish.track_id] = (wish, now_s)
            else:
                self._wishes.pop(wish.track_id, None)
        return self._settle(before)

    def expire(self, now_s: float) -> bool:
        """Wishes that were not told again are over; whether other layers are of use now."""
        before = self._largest()
        for track_id, (_, told_s) in list(self._wishes.items()):
            if now_s - told_s > FORGET_S or track_id not in self._tracks:
                del self._wishes[track_id]
        return self._settle(before)

    def _settle(self, before: dict[str, str]) -> bool:
        for lane in self._lanes.values():
            wish = self._wishes.get(lane.track.track_id)
            lane.open = wish is not None and lane.rid in wish[0].layers
        return self._largest() != before

    def _largest(self) -> dict[str, str]:
        return {track_id: wish.largest for track_id, (wish, _) in self._wishes.items()}

    def largest(self, track_id: str) -> str | None:
        """The largest layer of a track that is of use there; None: it is not watched."""
        wish = self._wishes.get(track_id)
        return wish[0].largest if wish is not None else None

    def lane(self, ssrc: int) -> Lane | None:
        """What a report is about."""
        return self._by_ssrc.get(ssrc)

    # -- packets ---------------------------------------------------------------------------------------------

    def take(self, stream: Stream, packet: Packet, now_s: float) -> bytes | None:
        """A packet that its stream has just taken, for the other forwarder; None: it does not want it."""
        lane = self._lanes.get(stream)
        if lane is None or not lane.open:
            return None
        described = packet.extensions.get(lane.track.descriptor)
        block = rtp.extension_block({DESCRIPTOR_NUMBER: described}) if described else b""
        head = rtp.head(packet.marker, 0, packet.seq, packet.timestamp, lane.ssrc, bool(block))
        sent = head + block + packet.payload
        lane.kept[packet.seq % KEPT_PACKETS] = (packet.seq, now_s, sent)
        return sent

    def again(self, nack: rtcp.Nack, now_s: float) -> list[bytes]:
        """Of what was lost between the two, what is still here."""
        lane = self._by_ssrc.get(nack.ssrc)
        if lane is None:
            return []
        found = (lane.kept.get(seq % KEPT_PACKETS) for seq in nack.seqs)
        return [
            each[2]
            for each, seq in zip(found, nack.seqs, strict=True)
            if each is not None and each[0] == seq and now_s - each[1] <= KEPT_S
        ]

    def reports(self, now_s: float) -> list[bytes]:
        """How what is sent lies in time, as its publishers say."""
        found = []
        for lane in self._lanes.values():
            report = lane.stream.report
            if lane.open and report is not None:
                passed_s = now_s - lane.stream.report_s
                ntp = report.ntp + int(passed_s * (1 << 32)) & (1 << 64) - 1
                timestamp = (report.timestamp + int(passed_s * lane.stream.codec.clock_hz)) % STAMP
                found.append(rtcp.sender_report(lane.ssrc, ntp, timestamp, 0, 0))
        return found
