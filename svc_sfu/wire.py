"""One transport's encryption: DTLS gives keys (aiortc), SRTP protects packets (libsrtp). Bytes in, bytes out."""

import asyncio
import logging
import struct
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

import pylibsrtp
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from pylibsrtp._binding import ffi, lib  # type: ignore[import-not-found]

from svc_sfu.core.codec import NO_NUMBERS, PICTURES, write_numbers
from svc_sfu.core.dependency import FRAMES
from svc_sfu.core.ice import Address
from svc_sfu.core.outgoing import Outgoing
from svc_sfu.core.rtp import SEQ, STAMP, is_rtcp
from svc_sfu.core.run import MAX_PACKETS
from svc_sfu.core.sheet import MAX_PACKET_BYTES, Receiver, Row, Sheet
from svc_sfu.core.shift import Shift
from svc_sfu.core.template import Template

HANDSHAKE_S: Final = 15.0
MAX_OPENED_BYTES: Final = 2_048
"""What is larger is no packet of a browser's."""
MAX_WAITING: Final = 32
"""Handshake datagrams that wait; more are dropped, and sent again by whoever sent them."""
_TAG_BYTES: Final = {b"SRTP_AES128_CM_SHA1_80": 10, b"SRTP_AEAD_AES_128_GCM": 16, b"SRTP_AEAD_AES_256_GCM": 16}
"""What encryption adds to a packet, by OpenSSL's name of its profile (RFC 5764, 7714)."""
_NUMBERS: Final = struct.Struct("!HII")
"""Of a packet's head, from its third byte: sequence number, timestamp, SSRC."""

_SHORT: Final = struct.Struct("!H")

_buffer: Any = ffi.new("char[]", MAX_PACKETS * (MAX_PACKET_BYTES + 64))
"""One for all, as one packet after the other is protected: one each would not be in the processor's caches."""
_view: Any = memoryview(ffi.buffer(_buffer))
_length: Any = ffi.new("int *")

_logger = logging.getLogger(__name__)


class Sender(Protocol):
    """Where packets go out (`MediaSocket`)."""

    def send(self, data: bytes | memoryview, address: Address) -> None:
        """One datagram."""

    def send_all(self, packets: Sequence[bytes], address: Address) -> None:
        """Several."""

    def send_beside(self, view: memoryview, sends: Sequence[tuple[int, int, int]], address: Address) -> None:
        """Several that lie beside each other."""


class Keys(NamedTuple):
    """What packets to one receiver are encrypted with."""

    session: Any
    """libsrtp's, which is there as long as `owner` is."""
    tag_bytes: int
    """What encryption adds to a packet."""
    owner: Any


class _Pipe:
    """What aiortc's DTLS takes for an ICE transport: datagrams of the handshake go in and out here."""

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._emit = send
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(MAX_WAITING)

    def put(self, data: bytes | None) -> None:
        """A datagram came; None: there will be no more."""
        if data is None and self._waiting.full():
            self._waiting.get_nowait()
        if not self._waiting.full():
            self._waiting.put_nowait(data)

    async def _recv(self) -> bytes:
        data = await self._waiting.get()
        if data is None:
            raise ConnectionError
        return data

    async def _send(self, data: bytes) -> None:
        self._emit(data)


class Wire:
    """See the module. `ready` is set once packets can be protected."""

    def __init__(self, certificate: RTCCertificate, send: Callable[[bytes], None]) -> None:
        self._pipe = _Pipe(send)
        self._dtls: Any = RTCDtlsTransport(self._pipe, [certificate])  # type: ignore[arg-type]
        self._incoming: Any = None
        self._opening: Any = None
        self._outgoing: Any = None
        self._session: Any = None
        self.keys: Keys | None = None

    @property
    def ready(self) -> bool:
        """Whether there are keys."""
        return self._outgoing is not None

    async def handshake(self, fingerprints: Sequence[tuple[str, str]], *, client: bool) -> bool:
        """Agrees on keys with whoever has a certificate of these fingerprints; False: it failed."""
        self._dtls._set_role("client" if client else "server")
        told = RTCDtlsParameters([RTCDtlsFingerprint(algorithm, value) for algorithm, value in fingerprints])
        try:
            async with asyncio.timeout(HANDSHAKE_S):
                await self._dtls.start(told)
        except TimeoutError:
            return False
        if self._dtls.state != "connected":
            return False
        self._incoming, self._outgoing = self._dtls._rx_srtp, self._dtls._tx_srtp
        self._session, self._opening = self._outgoing._srtp[0], self._incoming._srtp[0]
        self.keys = Keys(self._session, _TAG_BYTES[self._dtls._ssl.get_selected_srtp_profile()], self._outgoing)
        return True

    @property
    def closed(self) -> bool:
        """Whether the other side said goodbye."""
        return self._dtls.state in ("closed", "failed")

    def handshake_bytes(self, data: bytes) -> None:
        """A DTLS datagram of the other side."""
        self._pipe.put(data)

    def open(self, data: bytes) -> bytes | None:
        """An RTP or RTCP packet without its encryption; None: it is not the other side's, or came before."""
        if self._incoming is None:
            return None
        if is_rtcp(data):
            try:
                report: bytes = self._incoming.unprotect_rtcp(data)
            except (pylibsrtp.Error, ValueError):
                return None
            return report
        size = len(data)
        if size > MAX_OPENED_BYTES:
            return None
        _view[0:size] = data
        _length[0] = size
        if lib.srtp_unprotect(self._opening, _buffer, _length):
            return None
        return bytes(_view[0 : _length[0]])

    def seal(self, packet: bytes) -> bytes | None:
        """An RTP packet for the wire; None: it is too large to be sent, or there are no keys."""
        size = len(packet)
        if self._outgoing is None or size > MAX_PACKET_BYTES:
            return None
        _view[0:size] = packet
        return self._protected(size)

    def seal_as(self, template: Template, outgoing: Outgoing, ssrc: int, wide: int) -> bytes | None:
        """As `seal`, a packet that many share, with the numbers that one receiver knows it by.

        `wide` is its number on the transport, which is written into the first extension; -1: it has none.
        """
        data, payload_at, write, before, between, wide_at, frame_at = template
        size = len(data)
        if self._outgoing is None or size > MAX_PACKET_BYTES:
            return None
        view = _view
        view[0:size] = data
        if write is not None:
            write(
                view,
                2,
                outgoing.seq,
                outgoing.timestamp,
                ssrc,
                before,
                wide,
                between,
                0x8000 | outgoing.picture,
                outgoing.tl0,
            )
        else:
            _NUMBERS.pack_into(view, 2, outgoing.seq, outgoing.timestamp, ssrc)
            if wide >= 0:
                _SHORT.pack_into(view, wide_at, wide)
            if outgoing.numbers is not NO_NUMBERS:
                write_numbers(view, payload_at, outgoing.numbers, outgoing.picture, outgoing.tl0)
        if frame_at:
            _SHORT.pack_into(view, frame_at, outgoing.frame)
        return self._protected(size)

    def _protected(self, size: int) -> bytes | None:
        # pylibsrtp's own way makes a length anew for each packet, which costs as much as the encryption.
        _length[0] = size
        if lib.srtp_protect(self._session, _buffer, _length):
            return None
        return bytes(_view[0 : _length[0]])

    def seal_report(self, packet: bytes) -> bytes | None:
        """An RTCP packet for the wire."""
        if self._outgoing is None or len(packet) > MAX_PACKET_BYTES:
            return None
        sealed: bytes = self._outgoing.protect_rtcp(packet)
        return sealed

    async def close(self) -> None:
        """Says goodbye."""
        self._incoming = self._outgoing = None
        self.keys = None
        self._pipe.put(None)
        try:
            await self._dtls.stop()
        except Exception:
            # What was never begun cannot be ended; there is nothing left to say to the other side.
            _logger.debug("dtls_not_stopped", exc_info=True)


def send_sheet(sheet: Sheet, receivers: Sequence[Receiver], sender: Sender) -> None:
    """Encrypts and sends what is on a sheet, with the numbers that each receiver knows it by."""
    if len(sheet.rows) == 1:
        _send_row(sheet, receivers, sender)
        return
    view, length, protect, data = _view, _length, lib.srtp_protect, sheet.data
    size_bytes = len(data)
    places = [_buffer + row.at for row in sheet.rows]
    for session, shift, ssrc, wide, address in receivers:
        view[0:size_bytes] = data
        failed = False
        for row, place in zip(sheet.rows, places, strict=True):
            _write(view, row, shift, ssrc, wide)
            if wide >= 0:
                wide = (wide + 1) & 0xFFFF
            length[0] = row.size
            failed = protect(session, place, length) or failed
        if not failed:
            sender.send_beside(view, sheet.sends, address)


def _send_row(sheet: Sheet, receivers: Sequence[Receiver], sender: Sender) -> None:
    """The same where there is one packet: most runs are of one, and everything is at hand but the receivers."""
    length, protect, data, buffer, send = _length, lib.srtp_protect, sheet.data, _buffer, sender.send
    row = sheet.rows[0]
    _, size, seq, timestamp, picture, tl0, made, came = row
    write, before, between = (made.write if not made.frame_at else None), made.before, made.between
    bare = came.numbers is NO_NUMBERS and not made.frame_at
    part = _view[0 : len(data)]
    for session, shift, ssrc, wide, address in receivers:
        part[:] = data
        if write is not None:
            ours, stamp = (seq + shift.seqs) % SEQ, (timestamp + shift.stamps) % STAMP
            here, index = 0x8000 | (picture + shift.pictures) % PICTURES, (tl0 + shift.tl0s) % 256
            write(part, 2, ours, stamp, ssrc, before, wide, between, here, index)
        elif bare and wide < 0:  # sound
            _NUMBERS.pack_into(part, 2, (seq + shift.seqs) % SEQ, (timestamp + shift.stamps) % STAMP, ssrc)
        else:
            _write(part, row, shift, ssrc, wide)
        length[0] = size
        if not protect(session, buffer, length):
            send(part, address)


def _write(view: memoryview, row: Row, shift: Shift, ssrc: int, wide: int) -> None:
    """Writes a receiver's numbers into a packet of a sheet."""
    at, _, seq, timestamp, picture, tl0, made, came = row
    seq, timestamp = (seq + shift.seqs) % SEQ, (timestamp + shift.stamps) % STAMP
    picture, tl0 = (picture + shift.pictures) % PICTURES, (tl0 + shift.tl0s) % 256
    write = made.write
    if write is not None:
        write(view, at + 2, seq, timestamp, ssrc, made.before, wide, made.between, 0x8000 | picture, tl0)
    else:
        _NUMBERS.pack_into(view, at + 2, seq, timestamp, ssrc)
        if wide >= 0:
            _SHORT.pack_into(view, at + made.wide_at, wide)
        if came.numbers is not NO_NUMBERS:
            write_numbers(view, at + made.payload_at, came.numbers, picture, tl0)
    if made.frame_at:
        _SHORT.pack_into(view, at + made.frame_at, (came.frame + shift.frames) % FRAMES)
