"""Packets of six pictures of 320 x 180, 640 x 360 and 1280 x 720 in one stream, as Chromium sends: layers.json."""

import json
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from svc_signaling.core import av1
from svc_signaling.core.payload import Codec, Packet

PICTURES: Final = 6
SIZES: Final = ((320, 180), (640, 360), (1280, 720))
_FILE: Final = Path(__file__).with_name("layers.json")


def layered(codec: Codec, start_us: int = 0) -> list[Packet]:
    """Those of VP9 or AV1 (L3T3_KEY), in order; the first picture is a keyframe."""
    sent = json.loads(_FILE.read_text())[codec]
    first = sent[0][0]
    return [
        Packet(seq, stamp, bool(marker), codec, b64decode(data), start_us + (stamp - first) * 100 // 9)
        for seq, (stamp, marker, data) in enumerate(sent)
    ]


def narrowed(packets: Sequence[Packet]) -> list[Packet]:
    """Without the largest size from the second picture on, as of a camera whose way becomes narrow."""
    kept: list[Packet] = []
    layer = 0
    for packet in packets:
        layer = _layer(packet, layer)
        if layer < len(SIZES) - 1 or packet.timestamp == packets[0].timestamp:
            kept.append(packet)
    ends = [packet.timestamp != after.timestamp for packet, after in zip(kept, [*kept[1:], packets[0]], strict=True)]
    return [replace(packet, seq=seq, marker=ends[seq]) for seq, packet in enumerate(kept)]


def _layer(packet: Packet, before: int) -> int:
    """Of which size a packet is; one that goes on with a unit of AV1 is of that of the packet before."""
    if packet.codec is Codec.VP9:
        return packet.payload[3] >> 1 & 7
    first = av1.elements(packet.payload) or [b""]
    return before if av1.continues(packet.payload) or not first[0][0] & 4 else first[0][1] >> 3 & 3
