"""Packets of six pictures of 320 x 180, 640 x 360 and 1280 x 720 in one stream, as Chromium sends them: layers.json."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Final

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
