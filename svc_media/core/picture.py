"""What a picture's header says, read before anything is decoded: its size must be bearable, its orientation known."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from svc_media.core.container import BMP, GIF, JPEG, PNG, TIFF, WEBP, Container
from svc_media.core.error import MediaBroken, NotMedia, PictureTooLarge

ReadAt = Callable[[int, int], bytes]
"""(offset, size) -> bytes; fewer only at the file's end."""

MAX_SIDE: Final = 32_767
MAX_PIXELS: Final = 150_000_000
"""Of a picture; about 600 MB decoded with four channels."""

_MAX_SEGMENTS: Final = 4_000
_MAX_ENTRIES: Final = 1_000
_ORIENTATION: Final = 0x0112


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """Size as stored, and the EXIF orientation (1-8; 1 is upright)."""

    width: int
    height: int
    orientation: int = 1


def check_size(width: int, height: int, max_pixels: int = MAX_PIXELS) -> None:
    """Raises PictureTooLarge for what would not fit into memory, MediaBroken for no size at all."""
    if width <= 0 or height <= 0:
        raise MediaBroken("The picture's header is damaged: it has no size.")
    if width > MAX_SIDE or height > MAX_SIDE or width * height > max_pixels:
        raise PictureTooLarge(
            f"The picture is too large: {width:,} x {height:,} pixels. "
            f"At most {max_pixels // 1_000_000:,} million pixels and {MAX_SIDE:,} on a side can be read."
        )


def read_header(container: Container, read: ReadAt) -> PictureHeader | None:
    """The header of a picture (None: this container has none that is read here); raises as check_size does."""
    reader = _READERS.get(container)
    if reader is None:
        return None
    try:
        header = reader(read)
    except (struct.error, IndexError) as error:
        raise MediaBroken(f"The {container.name} picture is damaged: its header cannot be read.") from error
    check_size(header.width, header.height)
    return header


def _png(read: ReadAt) -> PictureHeader:
    width, height = struct.unpack(">4x4sII", read(8, 16))[1:]
    return PictureHeader(width, height)


def _gif(read: ReadAt) -> PictureHeader:
    return PictureHeader(*struct.unpack("<HH", read(6, 4)))


def _bmp(read: ReadAt) -> PictureHeader:
    width, height = struct.unpack("<ii", read(18, 8))
    return PictureHeader(width, abs(height))


def _webp(read: ReadAt) -> PictureHeader:
    chunk, body = read(12, 4), read(20, 10)
    if chunk == b"VP8X":
        if body[0] & 0x02:
            raise NotMedia("This is an animated WebP picture, which cannot be read: save it as GIF, MP4 or WebM.")
        return PictureHeader(1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little"))
    if chunk == b"VP8L":
        bits = struct.unpack("<xI", body[:5])[0]
        return PictureHeader(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    if chunk == b"VP8 ":
        width, height = struct.unpack("<6xHH", body)
        return PictureHeader(width & 0x3FFF, height & 0x3FFF)
    raise MediaBroken("The WebP picture is damaged: its first part is not one of WebP's.")


def _jpeg(read: ReadAt) -> PictureHeader:
    offset, orientation = 2, 1
    for _ in range(_MAX_SEGMENTS):
        head = read(offset, 4)
        if len(head) < 4 or head[0] != 0xFF:
            break
        marker, size = head[1], struct.unpack(">H", head[2:])[0]
        if marker == 0xFF:  # a fill byte
            offset += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", read(offset + 5, 4))
            return PictureHeader(width, height, orientation)
        if marker == 0xE1 and orientation == 1:
            orientation = _exif_orientation(read(offset + 4, size - 2)) if size > 2 else 1
        offset += 2 + size
    raise MediaBroken("The JPEG picture is damaged: it does not say how large it is.")


def _exif_orientation(segment: bytes) -> int:
    """The orientation in an EXIF segment; a damaged one counts as upright, as in browsers."""
    if not segment.startswith(b"Exif\0\0"):
        return 1
    tiff = segment[6:]
    try:
        value = _directory(lambda offset, size: tiff[offset : offset + size]).get(_ORIENTATION, 1)
    except (struct.error, IndexError, MediaBroken):
        return 1
    return value if 1 <= value <= 8 else 1


def _tiff(read: ReadAt) -> PictureHeader:
    entries = _directory(read)
    orientation = entries.get(_ORIENTATION, 1)
    return PictureHeader(entries.get(256, 0), entries.get(257, 0), orientation if 1 <= orientation <= 8 else 1)


def _directory(read: ReadAt) -> dict[int, int]:
    """Tags with one short or long value of a TIFF file's first directory."""
    order = {b"II": "<", b"MM": ">"}.get(read(0, 2))
    if order is None:
        raise MediaBroken("The TIFF picture is damaged: it does not begin as one.")
    (start,) = struct.unpack(order + "I", read(4, 4))
    (count,) = struct.unpack(order + "H", read(start, 2))
    if count > _MAX_ENTRIES:
        raise MediaBroken("The TIFF picture is damaged: its directory is too long.")
    table = read(start + 2, 12 * count)
    entries: dict[int, int] = {}
    for tag, kind, values, raw in struct.iter_unpack(order + "HHI4s", table):
        if values == 1 and kind in (3, 4):
            entries[tag] = struct.unpack(order + ("H2x" if kind == 3 else "I"), raw)[0]
    return entries


_READERS: Final[dict[Container, Callable[[ReadAt], PictureHeader]]] = {
    PNG: _png,
    GIF: _gif,
    BMP: _bmp,
    WEBP: _webp,
    JPEG: _jpeg,
    TIFF: _tiff,
}
