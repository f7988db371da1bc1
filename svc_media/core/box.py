"""The outermost boxes of an MP4 or QuickTime file: whether all of it is there, and where its index stands."""

import struct
from dataclasses import dataclass
from typing import Final

from svc_media.core.error import MediaBroken, MediaIncomplete
from svc_media.core.picture import ReadAt

_MAX_BOXES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Layout:
    """How an MP4 file is laid out."""

    front_index: bool
    """The index (moov) comes before the pictures (mdat)."""
    fragmented: bool
    """The pictures come in fragments (moof), each with an index of its own."""


def check_layout(read: ReadAt, size_bytes: int) -> Layout:
    """The layout of a whole file; raises MediaIncomplete when its end is missing, MediaBroken when it is none."""
    seen: list[bytes] = []
    offset = 0
    for _ in range(_MAX_BOXES):
        head = read(offset, 16)
        if len(head) < 8:
            break
        kind, size = head[4:8], _size(head, size_bytes - offset)
        if kind not in seen:
            seen.append(kind)
        if offset + size > size_bytes:
            # Junk behind a complete file is common and harmless; a cut index or picture is not.
            if kind in (b"moov", b"mdat", b"moof") or b"moov" not in seen:
                raise MediaIncomplete(
                    f"The file is incomplete: it should have at least {offset + size:,} bytes but has {size_bytes:,}. "
                    "Upload the whole file."
                )
            break
        offset += size
    if b"moov" not in seen:
        raise MediaIncomplete(
            "The file is incomplete: its index (moov) is missing, as in a recording or a transfer that was cut off."
        )
    fragmented = b"moof" in seen
    pictures = b"moof" if fragmented else b"mdat"
    return Layout(pictures in seen and seen.index(b"moov") < seen.index(pictures), fragmented)


def _size(head: bytes, left: int) -> int:
    """Bytes of a box with its header; 0 in the file stands for all that is left."""
    size: int = struct.unpack(">I", head[:4])[0]
    if size == 1:
        if len(head) < 16:
            raise MediaIncomplete("The file is incomplete: it ends within the header of one of its parts.")
        size = struct.unpack(">Q", head[8:16])[0]
    elif size == 0:
        return left
    if size < 8:
        raise MediaBroken("The MP4 file is damaged: one of its parts says that it is smaller than its own header.")
    return size
