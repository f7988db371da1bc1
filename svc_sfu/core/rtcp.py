"""RTCP (RFC 3550, 4585, 5104, transport-wide feedback, REMB): what comes in as values, what goes out as bytes."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from svc_sfu.core.rtp import PacketInvalid

SENDER_REPORT, RECEIVER_REPORT, BYE, TRANSPORT_FEEDBACK, PAYLOAD_FEEDBACK = 200, 201, 203, 205, 206
NACK, TRANSPORT_WIDE = 1, 15
PLI, FIR, APPLICATION = 1, 4, 15
MAX_PACKETS: Final = 32
"""Most packets that are read of one compound."""
MAX_NACKED: Final = 512


@dataclass(frozen=True, slots=True)
class SenderReport:
    """When on the sender's wall clock (NTP, 32.32) a timestamp was."""

    ssrc: int
    ntp: int
    timestamp: int


@dataclass(frozen=True, slots=True)
class ReceptionReport:
    """How a stream of ours arrives."""

    ssrc: int
    lost: float
    """Of the last interval, 0 to 1."""
    jitter: int
    last_sr: int
    delay: int
    """Since that report, in 1/65536 s."""


@dataclass(frozen=True, slots=True)
class Nack:
    """Packets of a stream of ours that did not arrive."""

    ssrc: int
    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyframeRequest:
    """PLI or FIR."""

    ssrc: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """REMB: what the receiver thinks it can take."""

    bitrate_bps: int


@dataclass(frozen=True, slots=True)
class Feedback:
    """Transport-wide feedback, not read yet (`feedback.read`): a few bytes may tell of very many packets."""

    body: bytes


Report = SenderReport | ReceptionReport | Nack | KeyframeRequest | Estimate | Feedback


def parse(data: bytes) -> list[Report]:
    """What a compound says, as far as it is of use here. Raises PacketInvalid."""
    found: list[Report] = []
    for count, kind, body in _packets(data):
        if kind == SENDER_REPORT:
            found += _sender_report(count, body)
        elif kind == RECEIVER_REPORT:
            found += _reports(count, body[4:])
        elif kind == TRANSPORT_FEEDBACK and count == NACK:
            found.append(_nack(body))
        elif kind == TRANSPORT_FEEDBACK and count == TRANSPORT_WIDE:
            found.append(Feedback(body[8:]))
        elif kind == PAYLOAD_FEEDBACK:
            found += _payload_feedback(count, body)
    return found


def _packets(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    for _ in range(MAX_PACKETS):
        if at == len(data):
            return
        if len(data) - at < 4:
            raise PacketInvalid("a report is shorter than its header")
        first, kind, words = struct.unpack_from("!BBH", data, at)
        end = at + 4 * (words + 1)
        if first >> 6 != 2 or end > len(data):
            raise PacketInvalid("a report is of another version, or cut")
        body = data[at + 4 : end]
        if first & 0x20:
            padding = body[-1] if body else 0
            if not 0 < padding <= len(body):
                raise PacketInvalid("a report has more padding than bytes")
            body = body[:-padding]
        yield first & 0x1F, kind, body
        at = end


def _sender_report(count: int, body: bytes) -> list[Report]:
    if len(body) < 24:
        raise PacketInvalid("a sender report is cut")
    ssrc, ntp, timestamp = struct.unpack_from("!IQI", body)
    return [SenderReport(ssrc, ntp, timestamp), *_reports(count, body[24:])]


def _reports(count: int, body: bytes) -> list[Report]:
    if len(body) < 24 * count:
        raise PacketInvalid("a report has fewer blocks than it says")
    found: list[Report] = []
    for index in range(count):
        ssrc, lost, _, jitter, last_sr, delay = struct.unpack_from("!IIIIII", body, 24 * index)
        found.append(ReceptionReport(ssrc, (lost >> 24) / 256, jitter, last_sr, delay))
    return found


def _nack(body: bytes) -> Nack:
    if len(body) < 8 or len(body) % 4:
        raise PacketInvalid("a NACK is cut")
    (media_ssrc,) = struct.unpack_from("!I", body, 4)
    seqs: list[int] = []
    for at in range(8, len(body), 4):
        first, mask = struct.unpack_from("!HH", body, at)
        seqs.append(first)
        seqs += [(first + bit + 1) & 0xFFFF for bit in range(16) if mask >> bit & 1]
        if len(seqs) >= MAX_NACKED:
            break
    return Nack(media_ssrc, tuple(seqs[:MAX_NACKED]))


def _payload_feedback(kind: int, body: bytes) -> list[Report]:
    if len(body) < 8:
        raise PacketInvalid("a feedback is cut")
    (media_ssrc,) = struct.unpack_from("!I", body, 4)
    if kind == PLI:
        return [KeyframeRequest(media_ssrc)]
    if kind == FIR:
        return [
            KeyframeRequest(ssrc) for (ssrc, _) in struct.iter_unpack("!II", body[8 : 8 + (len(body) - 8) // 8 * 8])
        ]
    if kind == APPLICATION and body[8:12] == b"REMB" and len(body) >= 16:
        exponent, mantissa = body[13] >> 2, (body[13] & 3) << 16 | body[14] << 8 | body[15]
        return [Estimate(min(mantissa << exponent, 1 << 40))]
    return []


def _packet(count: int, kind: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def sender_report(ssrc: int, ntp: int, timestamp: int, packets: int, octets: int) -> bytes:
    """How a stream of ours lies in time."""
    body = struct.pack("!IQIII", ssrc, ntp, timestamp, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
    return _packet(0, SENDER_REPORT, body)


def receiver_report(own_ssrc: int, blocks: Sequence[bytes]) -> bytes:
    """How streams arrive here; up to 31 of `reception`."""
    return _packet(len(blocks), RECEIVER_REPORT, struct.pack("!I", own_ssrc) + b"".join(blocks))


def reception(ssrc: int, lost: float, lost_total: int, highest: int, jitter: int, last_sr: int, delay: int) -> bytes:
    """A block of a receiver report."""
    share = min(255, int(lost * 256)) << 24 | max(0, min(lost_total, 0x7FFFFF))
    return struct.pack("!IIIIII", ssrc, share, highest & 0xFFFFFFFF, jitter & 0xFFFFFFFF, last_sr, delay & 0xFFFFFFFF)


def nack(own_ssrc: int, media_ssrc: int, seqs: Iterable[int]) -> bytes:
    """Asks for packets again."""
    items: list[tuple[int, int]] = []
    for seq in seqs:
        behind = (seq - items[-1][0]) & 0xFFFF if items else 0
        if items and 0 < behind <= 16:
            items[-1] = (items[-1][0], items[-1][1] | 1 << behind - 1)
        else:
            items.append((seq, 0))
    body = struct.pack("!II", own_ssrc, media_ssrc) + b"".join(struct.pack("!HH", *item) for item in items)
    return _packet(NACK, TRANSPORT_FEEDBACK, body)


def pli(own_ssrc: int, media_ssrc: int) -> bytes:
    """Asks for a keyframe."""
    return _packet(PLI, PAYLOAD_FEEDBACK, struct.pack("!II", own_ssrc, media_ssrc))


def transport_feedback(own_ssrc: int, media_ssrc: int, body: bytes) -> bytes:
    """Transport-wide feedback around what `feedback.Arrivals` encoded."""
    body = struct.pack("!II", own_ssrc, media_ssrc) + body
    return _packet(TRANSPORT_WIDE, TRANSPORT_FEEDBACK, body + bytes(-len(body) % 4))
