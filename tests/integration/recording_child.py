"""A recorder that is given what a browser would have sent, without a browser. As a program, it is killed at the end."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import av
from av.bitstream import BitStreamFilterContext

from svc_signaling.core.payload import Codec, Packet
from svc_signaling.recorder.writer import Writer

START_US = 1_700_000_000_000_000
SEGMENT_US = 1_500_000
MTU = 900


def _units(data: bytes) -> list[bytes]:
    """Payloads of an H.264 picture."""
    payloads = []
    for unit in filter(None, data.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01")):
        if len(unit) <= MTU:
            payloads.append(unit)
            continue
        for at in range(1, len(unit), MTU):
            mark = 0x80 * (at == 1) | 0x40 * (at + MTU >= len(unit))
            payloads.append(bytes((unit[0] & 0xE0 | 28, unit[0] & 0x1F | mark)) + unit[at : at + MTU])
    return payloads


def _pieces(data: bytes) -> list[bytes]:
    """Payloads of a VP8 picture."""
    return [bytes((0x10 if at == 0 else 0,)) + data[at : at + MTU] for at in range(0, len(data), MTU)]


def _vp9(data: bytes) -> list[bytes]:
    """Payloads of a VP9 picture: of the first frame, since nothing of what is made here has more."""
    key = 0 if data[0] & 0x04 == 0 else 0x40
    return [bytes((key | (0x08 if at == 0 else 0),)) + data[at : at + MTU] for at in range(0, len(data), MTU)]


def _av1(data: bytes) -> list[bytes]:
    """Payloads of an AV1 picture: each unit without its length in packets of its own, cut where it is long."""
    units, at = [], 0
    while at < len(data):
        size = shift = 0
        behind = at + 1
        while True:
            size |= (data[behind] & 0x7F) << shift
            shift += 7
            behind += 1
            if not data[behind - 1] & 0x80:
                break
        units.append(bytes((data[at] & ~0x02,)) + data[behind : behind + size])
        at = behind + size
    units = [unit for unit in units if unit[0] >> 3 & 15 != 2]
    new = 0x08 if any(unit[0] >> 3 & 15 == 1 for unit in units) else 0
    payloads: list[bytes] = []
    for unit in units:
        for at in range(0, len(unit), MTU):
            cut = (0x80 if at else 0) | (0x40 if at + MTU < len(unit) else 0)
            payloads.append(bytes((cut | 0x10 | (new if not payloads else 0),)) + unit[at : at + MTU])
    return payloads


_CUT = {Codec.H264: _units, Codec.VP8: _pieces, Codec.VP9: _vp9, Codec.AV1: _av1}


def packets_of(path: Path, codec: Codec) -> Iterator[tuple[int, Packet]]:
    """As a forwarder gives them: the stream's number (1 pictures, 2 sound) and the packet."""
    with av.open(str(path)) as source:
        pictures = source.streams.video[0]
        annex = BitStreamFilterContext("h264_mp4toannexb", pictures) if codec is Codec.H264 else None
        seqs = {1: 65_500, 2: 0}
        for packet in source.demux():
            if not packet.size:
                continue
            video = packet.stream is pictures
            number, kind = (1, codec) if video else (2, Codec.OPUS)
            assert packet.pts is not None
            assert packet.time_base is not None
            at_s = packet.pts * packet.time_base
            data = b"".join(map(bytes, annex.filter(packet))) if video and annex else bytes(packet)
            payloads = _CUT[codec](data) if video else [data]
            for index, payload in enumerate(payloads):
                stamp = int(at_s * kind.clock_hz) % (1 << 32)
                arrival_us = START_US + int(at_s * 1_000_000)
                last = index == len(payloads) - 1
                yield number, Packet(seqs[number] % 65_536, stamp, last, kind, payload, arrival_us)
                seqs[number] += 1


def record(folder: Path, source: Path, codec: Codec) -> Writer:
    writer = Writer(folder, SEGMENT_US)
    writer.stream(("worker", 1), "ada")
    writer.stream(("worker", 2), "ada")
    for number, packet in packets_of(source, codec):
        writer.packet(("worker", number), packet)
        writer.tick(packet.arrival_us)
    return writer


if __name__ == "__main__":
    record(Path(sys.argv[1]), Path(sys.argv[2]), Codec(sys.argv[3]))
    os.kill(os.getpid(), signal.SIGKILL)
