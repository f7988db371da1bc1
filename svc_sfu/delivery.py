"""From packets that came to the slots that show them."""

from collections.abc import Iterable

from svc_sfu.core import rtp
from svc_sfu.core.dependency import renumbered
from svc_sfu.core.outgoing import Outgoing
from svc_sfu.core.run import Run
from svc_sfu.core.sheet import Receiver, Sheet, Sheets
from svc_sfu.core.subscriber import Slot, Subscriber
from svc_sfu.core.template import block
from svc_sfu.core.viewer import Formats
from svc_sfu.pacing import Pacing
from svc_sfu.tap import Tap
from svc_sfu.transport import Transport
from svc_sfu.wire import Sender, send_sheet

Watching = tuple[Transport | Tap, Subscriber, Slot]
"""A slot that shows something, and whose it is."""


class Delivery:
    """See the module."""

    def __init__(self, sender: Sender, pacing: Pacing) -> None:
        self._sender = sender
        self._pacing = pacing

    def deliver(self, run: Run, watching: Iterable[Watching], now_s: float) -> bool:
        """Sends a run to all slots that show it; whether one of them shows another source now."""
        stream, exchanged, sheets = run.stream, False, Sheets(run, now_s)
        last: tuple[Formats | None, int] = None, 0
        known: tuple[Sheet, list[Receiver]] | None = None
        for transport, subscriber, slot in watching:
            forwarder = slot.forwarder
            if stream is not forwarder.source and stream is not forwarder.wanted:
                continue
            shift = forwarder.shift
            pacer = subscriber.pacer
            if shift is None or shift.stream is not stream or run.late or pacer is not None:
                apart = run.late or isinstance(transport, Tap)
                if shift is None or shift.stream is not stream or apart:
                    shift = None if apart else forwarder.follow(stream)
                if shift is None or (pacer is not None and not pacer.lets(run.octets, now_s)):
                    exchanged = self._one_by_one(run, (transport, subscriber, slot), sheets, now_s) or exchanged
                    continue
            assert isinstance(transport, Transport)
            formats, keys, address = slot.formats, transport.wire.keys, transport.session.nominated
            if keys is None or address is None:
                continue
            if formats is not last[0] or keys.tag_bytes != last[1]:  # nearly all are alike
                last = formats, keys.tag_bytes
                known = sheets.of(*last)
            if known is None:
                continue
            subscriber.sent_bytes += run.octets
            wide = subscriber.departures.sent_together(known[0].sizes, now_s) if formats.wide else -1
            known[1].append((keys.session, shift, slot.ssrc, wide, address))
        for sheet, receivers in sheets.all():
            send_sheet(sheet, receivers, self._sender)
        return exchanged

    def _one_by_one(self, run: Run, watching: Watching, sheets: Sheets, now_s: float) -> bool:
        """Sends what has to be decided packet by packet; whether the slot shows another source now."""
        transport, subscriber, slot = watching
        forwarder, before = slot.forwarder, slot.forwarder.source
        ready: list[bytes] = []
        for incoming in run.incoming:
            packet = incoming.packet
            outgoing = forwarder.take(
                run.stream, packet, incoming.came_s, incoming.numbers, incoming.frame, late=run.late
            )
            if outgoing is None:
                continue
            if isinstance(transport, Tap):
                transport.took(slot, outgoing, incoming.came_s)
                continue
            made = sheets.template(incoming, outgoing, slot.formats)
            if made is None:
                continue
            subscriber.sent_bytes += len(packet.payload)
            if subscriber.pacer is not None and self._pacing.waits(transport, slot, made, outgoing, now_s):
                continue
            wide = subscriber.departures.sent(len(made.data), now_s) if slot.formats.wide else -1
            sealed = transport.wire.seal_as(made, outgoing, slot.ssrc, wide)
            if sealed is not None:
                ready.append(sealed)
        if ready and not isinstance(transport, Tap):
            transport.send_all(ready)
        return forwarder.source is not before

    @staticmethod
    def again(transport: Transport, subscriber: Subscriber, slot: Slot, outgoing: Outgoing, now_s: float) -> int:
        """A packet that was sent before; its bytes, 0: it cannot be."""
        number = slot.formats.repair_types.get(outgoing.codec)
        if number is None or not transport.wire.ready:
            return 0
        slot.repair_seq = (slot.repair_seq + 1) % rtp.SEQ
        size = len(outgoing.packet.payload)
        described = outgoing.described if slot.formats.described else b""
        if described:
            described = renumbered(described, outgoing.frame)
        wide = subscriber.departures.sent(size, now_s) if slot.formats.wide else 0
        extensions = block(slot.formats, rtp.abs_send_time(now_s), wide, described)
        head = rtp.head(
            outgoing.marker, number, slot.repair_seq, outgoing.timestamp, slot.repair_ssrc, bool(extensions)
        )
        sealed = transport.wire.seal(head + extensions + outgoing.seq.to_bytes(2, "big") + outgoing.payload)
        if sealed is not None:
            transport.send(sealed)
        return size
