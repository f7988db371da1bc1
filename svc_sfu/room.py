"""A room's packets: from each published track to the slots that show it."""

import time
from collections.abc import Callable, Iterator
from typing import Final

from svc_sfu.core import relay_message, rtcp, rtp
from svc_sfu.core.codec import NO_NUMBERS, Numbers, begins_keyframe, numbers_of
from svc_sfu.core.dependency import Descriptor
from svc_sfu.core.publisher import Received, Track
from svc_sfu.core.relay_message import TrackTold
from svc_sfu.core.rtp import PacketInvalid
from svc_sfu.core.run import Run
from svc_sfu.core.stream import Incoming, Stream
from svc_sfu.core.subscriber import Slot, Subscriber
from svc_sfu.delivery import Delivery, Watching
from svc_sfu.link import Link
from svc_sfu.pacing import Pacing
from svc_sfu.tap import Tap
from svc_sfu.trains import Trains
from svc_sfu.transport import Transport
from svc_sfu.wire import Sender

FEEDBACK_S: Final = 0.05
SECOND_TURNS: Final = 20


class Room:
    """See the module. `changed` is called when tracks come or go, or layers change; `later` calls after a time."""

    def __init__(
        self,
        room_id: str,
        changed: Callable[["Room"], None],
        later: Callable[[float, Callable[[], None]], None],
        sender: Sender,
    ) -> None:
        self.room_id = room_id
        self.publishers: dict[str, Transport] = {}
        self.subscribers: dict[str, Transport] = {}
        self.links: dict[str, Link] = {}
        """To other forwarders that have people of this room, by their names."""
        self._changed = changed
        self._watchers: dict[str, list[Watching]] = {}
        self.taps: list[Tap] = []
        self._turn = 0
        self._pacing = Pacing(later)
        self._delivery = Delivery(sender, self._pacing)
        self._trains = Trains(self._delivery, later)
        self._runs: list[Run] = []
        """What came and has not gone on yet."""
        self._open: dict[Stream, Run] = {}
        """Those that may go on with the next packet of a stream."""

    @property
    def empty(self) -> bool:
        """Whether nobody is in it."""
        return not self.publishers and not self.subscribers

    def tracks(self) -> Iterator[tuple[str, Track]]:
        """Every track that is published here and whose it is."""
        for participant, transport in self.publishers.items():
            assert transport.publisher is not None
            for track in transport.publisher.tracks.values():
                yield participant, track

    def find(self, track_id: str) -> Track | None:
        """A track by its id, wherever it is published."""
        for link in self.links.values():
            if track_id in link.publisher.tracks:
                return link.publisher.tracks[track_id]
        return next((track for _, track in self.tracks() if track.track_id == track_id), None)

    def of_use(self, track: Track) -> list[str]:
        """The layers of a track that somebody may be shown, here or elsewhere, or that are recorded."""
        here = [slot.layer for slot in self._slots_of(track.track_id)]
        there = (link.outlet.largest(track.track_id) for link in self.links.values())
        return track.of_use([*here, *(layer for layer in there if layer is not None)])

    def _slots_of(self, track_id: str) -> Iterator[Slot]:
        return (slot for _, _, slot in self._watchers.get(track_id, ()))

    def show_taps(self) -> None:
        """Whoever taps the room is shown everything."""
        for tap in self.taps:
            shown = set()
            for participant, track in self.tracks():
                slot = tap.slot_of(participant, track)
                first = slot.mid not in shown
                shown.add(slot.mid)
                if first and slot.track is not track:
                    self.show(tap, slot, track, "h", slot.priority)

    def untap(self, tap: Tap) -> None:
        """A tap is over."""
        for slot in tap.subscriber.slots.values():
            self._unwatch(slot)

    def show(self, transport: Transport | Tap, slot: Slot, track: Track | None, layer: str, priority: int) -> None:
        """What a slot shall show."""
        subscriber = transport.subscriber
        assert subscriber is not None
        if slot.track is not None and slot.track is not track:
            self._unwatch(slot)
        slot.awaited = ""
        subscriber.show(slot, track, layer, priority, time.monotonic())
        if track is not None:
            watching = self._watchers.setdefault(track.track_id, [])
            if all(other is not slot for _, _, other in watching):
                watching.append((transport, subscriber, slot))
        self._ask_keyframes(time.monotonic())
        self._changed(self)

    def opened(self, transport: Transport, now_s: float) -> None:
        """There are keys: what its slots show goes to it from the next keyframe on."""
        subscriber = transport.subscriber
        if subscriber is not None:
            subscriber.open = True
            subscriber.choose(now_s)
            self._ask_keyframes(now_s)

    def _unwatch(self, slot: Slot) -> None:
        for track_id, watching in list(self._watchers.items()):
            watching[:] = [each for each in watching if each[2] is not slot]
            if not watching:
                del self._watchers[track_id]

    def remove(self, transport: Transport) -> None:
        """A transport is over."""
        if transport.publisher is not None:
            for track in transport.publisher.tracks.values():
                self._take_away(track)
        if transport.subscriber is not None:
            for slot in transport.subscriber.slots.values():
                self._unwatch(slot)

    def _take_away(self, track: Track) -> list[Slot]:
        """A track is over; the slots that showed it."""
        watching = self._watchers.pop(track.track_id, [])
        for _, subscriber, slot in watching:
            subscriber.show(slot, None, slot.layer, slot.priority, time.monotonic())
        return [slot for _, _, slot in watching]

    # -- other forwarders ------------------------------------------------------------------------------------

    def connect(self, link: Link) -> None:
        """Another forwarder has people of this room too; a link to it before this one is over."""
        self.disconnect(link.peer)
        self.links[link.peer] = link
        link.tick(self.tracks(), self._slots_of, time.monotonic())
        self._changed(self)

    def disconnect(self, peer: str) -> None:
        """It has none any more. What slots showed of there they show again if another link brings it."""
        link = self.links.pop(peer, None)
        if link is None:
            return
        for track in link.publisher.tracks.values():
            self._await(track)
        self._changed(self)

    def _await(self, track: Track) -> None:
        for slot in self._take_away(track):
            slot.awaited = track.track_id

    def relayed(self, link: Link, data: bytes, now_s: float) -> None:
        """What came over a link: a message, a report, or a packet of a publisher elsewhere."""
        try:
            if data[0] == relay_message.TRACKS:
                self._told_tracks(link, relay_message.read_tracks(data), now_s)
            elif data[0] == relay_message.WISHES:
                if link.outlet.asked(relay_message.read_wishes(data), now_s):
                    self._changed(self)
            elif rtp.is_rtcp(data):
                self._told_reports(link, rtcp.parse(data), now_s)
            else:
                received = link.publisher.receive(rtp.parse(data))
                if received is not None and received.stream.take(received.packet, now_s):
                    self._came(received, now_s)
        except PacketInvalid:
            return

    def _told_tracks(self, link: Link, tracks: list[TrackTold], now_s: float) -> None:
        changed = link.publisher.told(tracks, now_s)
        if not changed:
            return
        new = {track.track_id: track for track in changed}
        for transport in self.subscribers.values():
            assert transport.subscriber is not None
            for slot in transport.subscriber.slots.values():
                track = new.get(slot.awaited) if slot.awaited else None
                if track is not None and track.kind == slot.kind:
                    self.show(transport, slot, track, slot.layer, slot.priority)
        for track in changed:
            for _, subscriber, _ in self._watchers.get(track.track_id, ()):
                subscriber.choose(now_s)
        link.ask(self._slots_of)
        self._ask_keyframes(now_s)

    def _told_reports(self, link: Link, reports: list[rtcp.Report], now_s: float) -> None:
        for report in reports:
            if isinstance(report, rtcp.SenderReport):
                stream = link.publisher.stream_of(report.ssrc)
                if stream is not None:
                    stream.reported(report, now_s)
            elif isinstance(report, rtcp.Nack):
                for packet in link.outlet.again(report, now_s):
                    link.send(packet)
            elif isinstance(report, rtcp.KeyframeRequest):
                lane = link.outlet.lane(report.ssrc)
                if lane is not None and lane.rid in lane.track.throttles:
                    lane.track.throttles[lane.rid].ask()
                    self._ask_keyframes(now_s)

    def _tick_links(self, now_s: float) -> None:
        for link in self.links.values():
            for track in link.publisher.gone(now_s):
                self._await(track)
            if link.outlet.expire(now_s):
                self._changed(self)
            link.tick(self.tracks(), self._slots_of, now_s)
            self._tell_publisher(link, now_s)

    # -- packets of publishers -------------------------------------------------------------------------------

    def media(self, transport: Transport, data: bytes, now_s: float) -> None:
        """A decrypted RTP packet of a publisher."""
        publisher = transport.publisher
        if publisher is None:
            return
        try:
            packet = rtp.parse(data)
        except PacketInvalid:
            return
        wide = publisher.transport_seq(packet)
        if wide is not None:
            transport.arrivals.add(wide, now_s)
            transport.arrivals_ssrc = packet.ssrc
        received = publisher.receive(packet)
        if received is None or received.track.muted:
            return
        new = received.stream.active_s == float("-inf")
        if received.stream.take(received.packet, now_s, repaired=received.repaired):
            if new:
                self._began(received, now_s)
            self._came(received, now_s)

    def _came(self, received: Received, now_s: float) -> None:
        """A packet that its stream has taken: it goes on with those that came together with it (`forward`)."""
        stream, packet = received.stream, received.packet
        late = packet.seq != stream.highest
        numbers = numbers_of(stream.codec, packet.payload) if stream.codec.numbered else NO_NUMBERS
        frame = self._frame(received, numbers, now_s) if stream.video else None
        incoming = Incoming(packet, now_s, numbers, frame, late, stream.previous)
        if not stream.video and not late:
            stream.previous = packet
        run = self._open.get(stream)
        if run is not None and not late and run.add(incoming):
            return
        run = Run(received.track, stream, incoming)
        self._runs.append(run)
        if late:
            self._open.pop(stream, None)
        else:
            self._open[stream] = run

    def _frame(self, received: Received, numbers: Numbers, now_s: float) -> Descriptor | None:
        """What a packet's frame is, of a stream that has layers within it."""
        packet, layering = received.packet, received.stream.layering
        described = packet.extensions.get(received.track.descriptor)
        frame = layering.read(described, packet.payload, packet.marker, numbers)
        if frame is not None and not received.repaired:
            layering.count(frame, len(packet.payload), now_s)
        return frame

    def _began(self, received: Received, now_s: float) -> None:
        self.show_taps()
        for _, subscriber, _ in self._watchers.get(received.track.track_id, ()):
            subscriber.choose(now_s)
        self._ask_keyframes(now_s)
        self._changed(self)

    def forward(self, now_s: float) -> None:
        """What came since the last time goes on."""
        runs = self._runs
        self._runs, self._open = [], {}
        for run in runs:
            try:
                watching = self._watchers.get(run.track.track_id, ())
                exchanged = self._delivery.deliver(run, watching, now_s)
                for link in self.links.values():
                    link.forward(run, now_s)
            finally:
                run.stream.went_on(run.incoming)
            if not run.late:
                _satisfied(run)
            if exchanged:
                self._changed(self)

    # -- reports ---------------------------------------------------------------------------------------------

    def reports(self, transport: Transport, data: bytes, now_s: float) -> None:
        """A decrypted RTCP packet."""
        try:
            reports = rtcp.parse(data)
        except PacketInvalid:
            return
        for report in reports:
            if transport.publisher is not None:
                if isinstance(report, rtcp.SenderReport):
                    stream = transport.publisher.stream_of(report.ssrc)
                    if stream is not None:
                        stream.reported(report, now_s)
            elif transport.subscriber is not None:
                self._about_slot(transport, transport.subscriber, report, now_s)

    def _about_slot(self, transport: Transport, subscriber: Subscriber, report: rtcp.Report, now_s: float) -> None:
        if isinstance(report, rtcp.Feedback):
            self._told(subscriber, report.body, now_s)
            return
        if isinstance(report, rtcp.Estimate):
            subscriber.estimate.told(report.bitrate_bps, subscriber.sent_bps, now_s)
            return
        slot = subscriber.of(report.ssrc)
        if slot is None:
            return
        if isinstance(report, rtcp.Nack):
            most = int(subscriber.again_left) if slot.formats.repair_types else 0
            for outgoing in slot.forwarder.again(report.seqs[:most], now_s):
                subscriber.again_left -= 1
                self._delivery.again(transport, subscriber, slot, outgoing, now_s)
        elif isinstance(report, rtcp.KeyframeRequest):
            subscriber.keyframe(slot)
        elif isinstance(report, rtcp.ReceptionReport) and slot.kind == "video":
            subscriber.estimate.lost(report.lost, now_s)

    def _told(self, subscriber: Subscriber, body: bytes, now_s: float) -> None:
        if subscriber.congestion is None:
            return
        try:
            told = subscriber.told(body)
        except PacketInvalid:
            return
        if told is None:
            return
        delivered = subscriber.departures.delivered(told, subscriber.congestion.one_by_one_from)
        if subscriber.congestion.arrived(delivered, now_s):
            subscriber.choose(now_s)
            self._ask_keyframes(now_s)

    # -- time ------------------------------------------------------------------------------------------------

    def tick(self, now_s: float) -> None:
        """Every 50 ms: feedback, what is missing, keyframes; each second reports and layers."""
        self._turn += 1
        for transport in list(self.publishers.values()):
            self._tell_publisher(transport, now_s)
        self._tick_links(now_s)
        for transport in self.subscribers.values():
            self._trains.begin(transport, now_s)
            assert transport.subscriber is not None
            self._pacing.choose(transport, transport.subscriber, now_s)
            transport.subscriber.wait()
            if (self._turn + transport.ssrc) % SECOND_TURNS == 0:  # everybody's second is over at another time
                self._second_of(transport, transport.subscriber, now_s)
        self._ask_keyframes(now_s)
        if self._turn % SECOND_TURNS == 0:
            self._second(now_s)

    def _tell_publisher(self, transport: Transport | Link, now_s: float) -> None:
        publisher = transport.publisher
        assert publisher is not None
        out = []
        body = transport.arrivals.take()
        if body is not None:
            out.append(rtcp.transport_feedback(transport.ssrc, transport.arrivals_ssrc, body))
        for track in publisher.tracks.values():
            for rid, stream in track.layers.items():
                asked, lost = stream.missing.due(now_s)
                if asked:
                    out.append(rtcp.nack(transport.ssrc, stream.ssrc, asked))
                if lost and stream.codec.video:
                    track.throttles[rid].ask()
        for packet in out:
            transport.report(packet)

    def _ask_keyframes(self, now_s: float) -> None:
        for transport in self.publishers.values():
            for packet in _keyframes_due(transport, now_s):
                transport.report(packet)
        for link in self.links.values():
            due = _keyframes_due(link, now_s)
            if due:
                link.ask(self._slots_of)  # a keyframe of what is not asked for would not come here
                link.report(*due)

    @staticmethod
    def _second_of(transport: Transport, subscriber: Subscriber, now_s: float) -> None:
        subscriber.second(SECOND_TURNS * FEEDBACK_S)
        found = (slot.forwarder.report(slot.ssrc, now_s) for slot in subscriber.slots.values())
        transport.reports([report for report in found if report is not None])
        subscriber.choose(now_s)

    def _second(self, now_s: float) -> None:
        for transport in self.publishers.values():
            assert transport.publisher is not None
            streams = [s for track in transport.publisher.tracks.values() for s in track.layers.values()]
            blocks = [block for s in streams if (block := s.reception(now_s)) is not None]
            if blocks:
                transport.report(rtcp.receiver_report(transport.ssrc, blocks[:31]))
        for link in self.links.values():
            link.report(*link.outlet.reports(now_s))
        self.show_taps()
        for tap in self.taps:
            tap.subscriber.choose(now_s)
        self._ask_keyframes(now_s)
        self._changed(self)


def _satisfied(run: Run) -> None:
    """The newest packets of a stream were forwarded: who waited for a keyframe may have it."""
    throttle = run.track.throttles[run.stream.rid]
    if throttle.waiting and run.stream.video:
        codec = run.stream.codec
        if any(begins_keyframe(codec, incoming.packet.payload) for incoming in run.incoming):
            throttle.arrived()


def _keyframes_due(source: Transport | Link, now_s: float) -> list[bytes]:
    assert source.publisher is not None
    return [
        rtcp.pli(source.ssrc, track.layers[rid].ssrc)
        for track in source.publisher.tracks.values()
        for rid, throttle in track.throttles.items()
        if track.layers[rid].codec.video and throttle.due(now_s)
    ]
