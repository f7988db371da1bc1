"""Packets of AV1 and VP9 with layers within one stream, as Chromium 156 sent them: captured.json."""

import json
from pathlib import Path
from typing import Final

from svc_sfu.core.rtp import SEQ, Packet

NUMBER: Final = 4
"""Of the dependency descriptor's extension."""
_FILE: Final = Path(__file__).with_name("captured.json")


def packets(mode: str) -> list[Packet]:
    """Those of one mode, in order; of their payloads only the beginning is as it was."""
    return [
        Packet(
            bool(marker),
            45,
            seq % SEQ,
            stamp,
            1,
            {NUMBER: bytes.fromhex(data)} if data else {},
            bytes.fromhex(head).ljust(size),
            0,
        )
        for seq, (stamp, marker, data, head, size) in enumerate(json.loads(_FILE.read_text())[mode], SEQ - 36)
    ]
