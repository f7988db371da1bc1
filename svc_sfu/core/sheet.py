"""A run of packets as all slots of one format send it: beside each other, with room for what encryption adds.

What is each slot's own is little more than a few numbers a packet, so the loop that writes and encrypts them is most of
what forwarding costs here.
"""

from array import array
from typing import Any, Final, NamedTuple

from svc_sfu.core import rtp
from svc_sfu.core.ice import Address
from svc_sfu.core.outgoing import Outgoing
from svc_sfu.core.run import Run, alike
from svc_sfu.core.shift import Shift
from svc_sfu.core.stream import Incoming
from svc_sfu.core.template import Template, template
from svc_sfu.core.viewer import Formats

MAX_PACKET_BYTES: Final = 1_400
"""Without what encryption adds: what is larger goes nowhere."""


class Row(NamedTuple):
    """A packet on a sheet, with its source's numbers."""

    at: int
    """Where it begins."""
    size: int
    seq: int
    timestamp: int
    picture: int
    tl0: int
    made: Template
    outgoing: Outgoing
    """As it would be sent without any numbers of a slot's own."""


class Sheet(NamedTuple):
    """See the module."""

    data: bytes
    rows: tuple[Row, ...]
    sends: tuple[tuple[int, int, int], ...]
    """Of several, what goes out at once: from where, to where, and the size of each packet but the last."""
    sizes: "array[int]"


Receiver = tuple[Any, Shift, int, int, Address]
"""Who is sent a sheet: keys, numbers, SSRC, the first packet's number on the transport (-1: they have none), where."""


class Sheets:
    """Those of a run, made when they are needed first, and who is sent them."""

    def __init__(self, run: Run, now_s: float) -> None:
        self._run = run
        self._now_s = now_s
        self._sheets: dict[tuple[int, int], tuple[Sheet, list[Receiver]] | None] = {}
        self._templates: dict[tuple[int, int, bool, bool], Template | None] = {}

    def of(self, formats: Formats, tag_bytes: int) -> tuple[Sheet, list[Receiver]] | None:
        """What is sent to slots of these formats, where encryption adds so much; None: they cannot decode it."""
        key = id(formats), tag_bytes
        if key not in self._sheets:
            known = self._run.stream.codec in formats.payload_types
            self._sheets[key] = (sheet(self._run, formats, self._stamp(), tag_bytes), []) if known else None
        return self._sheets[key]

    def _stamp(self) -> bytes:
        return rtp.abs_send_time(self._now_s)

    def all(self) -> list[tuple[Sheet, list[Receiver]]]:
        """What is to be sent to whom."""
        return [each for each in self._sheets.values() if each is not None and each[0].rows]

    def template(self, incoming: Incoming, outgoing: Outgoing, formats: Formats) -> Template | None:
        """That of one packet, as above: within layers it may be empty, or the last of a picture for one slot alone."""
        key = id(formats), id(incoming), outgoing.marker, outgoing.packet is incoming.packet
        if key not in self._templates:
            known = outgoing.codec in formats.payload_types
            self._templates[key] = template(outgoing, incoming.before, formats, self._stamp()) if known else None
        return self._templates[key]


def sheet(run: Run, formats: Formats, stamp: bytes, tag_bytes: int) -> Sheet:
    """That of a run; `stamp` says when it is sent, `tag_bytes` is what encryption adds to a packet."""
    parts: list[bytes] = []
    rows: list[Row] = []
    at, room, as_it_came = 0, bytes(tag_bytes), Shift(run.stream)
    for incoming in run.incoming:
        outgoing = as_it_came.sent(incoming)
        made = template(outgoing, incoming.before, formats, stamp)
        size = len(made.data)
        if size <= MAX_PACKET_BYTES:
            numbers = outgoing.seq, outgoing.timestamp, outgoing.picture, outgoing.tl0
            rows.append(Row(at, size, *numbers, made, outgoing))
            parts += (made.data, room)
            at += size + tag_bytes
    if len(rows) == 1:
        return Sheet(b"".join(parts), tuple(rows), (), array("H", (rows[0].size,)))
    sends = []
    for first, end in alike([row.size for row in rows]):
        last = rows[end - 1]
        sends.append((rows[first].at, last.at + last.size + tag_bytes, rows[first].size + tag_bytes))
    return Sheet(b"".join(parts), tuple(rows), tuple(sends), array("H", [row.size for row in rows]))
