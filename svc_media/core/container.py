"""What kind of file this is, by its first bytes, and so which demuxer alone may open it.

A name is never believed, and nothing is probed by the libraries: `ffconcat` in clip.mp4 would read its neighbours.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from svc_media.core.error import MediaEmpty, NotMedia

HEAD_BYTES: Final = 64 * 1024 + 64
"""How many of the first bytes decide: an MXF file may begin with 64 KiB of something else."""


class Kind(StrEnum):
    """What a container holds."""

    VIDEO = "video"
    STILL = "still"
    SOUND = "sound"
    SEQUENCE = "sequence"
    """An archive of numbered pictures, which becomes a video."""


@dataclass(frozen=True, slots=True)
class Container:
    """A kind of file that is read."""

    name: str
    """As people call it."""
    demuxer: str
    """As ffmpeg and PyAV call it."""
    kind: Kind


MP4 = Container("MP4 or QuickTime", "mov", Kind.VIDEO)
MATROSKA = Container("Matroska or WebM", "matroska", Kind.VIDEO)
TRANSPORT = Container("MPEG transport stream", "mpegts", Kind.VIDEO)
PROGRAM = Container("MPEG program stream", "mpeg", Kind.VIDEO)
AVI = Container("AVI", "avi", Kind.VIDEO)
MXF = Container("MXF", "mxf", Kind.VIDEO)
GIF = Container("GIF", "gif", Kind.VIDEO)
PNG = Container("PNG", "png_pipe", Kind.STILL)
JPEG = Container("JPEG", "jpeg_pipe", Kind.STILL)
WEBP = Container("WebP", "webp_pipe", Kind.STILL)
TIFF = Container("TIFF", "tiff_pipe", Kind.STILL)
BMP = Container("BMP", "bmp_pipe", Kind.STILL)
WAV = Container("WAV", "wav", Kind.SOUND)
AIFF = Container("AIFF", "aiff", Kind.SOUND)
FLAC = Container("FLAC", "flac", Kind.SOUND)
MP3 = Container("MP3", "mp3", Kind.SOUND)
OGG = Container("Ogg", "ogg", Kind.SOUND)
ADTS = Container("AAC", "aac", Kind.SOUND)
ZIP = Container("ZIP archive", "zip", Kind.SEQUENCE)
TAR = Container("TAR archive", "tar", Kind.SEQUENCE)

CONTAINERS: Final = (
    *(MP4, MATROSKA, TRANSPORT, PROGRAM, AVI, MXF, GIF, PNG, JPEG, WEBP, TIFF, BMP),
    *(WAV, AIFF, FLAC, MP3, OGG, ADTS, ZIP, TAR),
)
BY_DEMUXER: Final = {container.demuxer: container for container in CONTAINERS}

_ACCEPTED = (
    "Rushes reads MP4, MOV, MXF, MKV, WebM, MPEG, AVI and GIF, pictures as PNG, JPEG, WebP, TIFF and BMP, "
    "numbered ones in a ZIP or TAR archive, and sound as WAV, AIFF, FLAC, MP3, AAC, M4A and Ogg."
)
_FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
_HEIF_BRANDS = {b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_MXF_KEY = bytes.fromhex("060e2b34020501010d0102010102")
_BITMAP_HEADERS: Final = tuple(size.to_bytes(4, "little") for size in (40, 108, 124))
_SIGNATURES: Final = (
    (b"\x1a\x45\xdf\xa3", MATROSKA),
    (b"\x00\x00\x01\xba", PROGRAM),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
    (b"ID3", MP3),
    (b"fLaC", FLAC),
    (b"OggS", OGG),
    (b"PK\x03\x04", ZIP),
)
_OTHERS: Final = (
    (b"%PDF", "a PDF document"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"FLV\x01", "a Flash video"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media file"),
    (b"8BPS", "a Photoshop document"),
    (b"\x76\x2f\x31\x01", "an OpenEXR picture"),
    (b"SDPX", "a DPX picture"),
    (b"XPDS", "a DPX picture"),
    (b"II\x2b\x00", "a BigTIFF picture"),
    (b"MM\x00\x2b", "a BigTIFF picture"),
)
_TEXTS: Final = (
    (re.compile(rb"\s*ffconcat\b", re.I), "a list of other files (ffconcat)"),
    (re.compile(rb"\s*#EXTM3U"), "a playlist (M3U8) that only names other files"),
    (re.compile(rb"\s*(<\?xml[^>]*>\s*)?(<!DOCTYPE svg[^>]*>\s*)?<svg\b", re.I), "an SVG drawing"),
    (re.compile(rb"\s*<MPD\b|\s*<\?xml[^>]*>\s*<MPD\b", re.I), "a playlist (DASH) that only names other files"),
    (re.compile(rb"\s*<(!doctype html|html)\b", re.I), "a web page"),
    (re.compile(rb"\s*<\?xml\b", re.I), "an XML document"),
)


def sniff(head: bytes, size_bytes: int) -> Container:
    """The container of a file from its first bytes (HEAD_BYTES of them, or all); raises MediaEmpty, NotMedia."""
    if size_bytes == 0 or not head:
        raise MediaEmpty("The file is empty: it has no bytes.")
    found = _by_signature(head) or _by_structure(head)
    if found is None:
        raise NotMedia(f"This is {_what_else(head)}, not a video or picture that can be read. {_ACCEPTED}")
    return found


def _by_signature(head: bytes) -> Container | None:
    return next((container for magic, container in _SIGNATURES if head.startswith(magic)), None)


def _by_structure(head: bytes) -> Container | None:
    if head[4:8] in _FIRST_BOXES:
        return None if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS else MP4
    if head.startswith(b"RIFF"):
        return {b"AVI ": AVI, b"WEBP": WEBP, b"WAVE": WAV}.get(head[8:12])
    if head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"):
        return AIFF
    if head[257:262] == b"ustar":
        return TAR
    if _is_transport(head):
        return TRANSPORT
    if _is_bitmap(head):
        return BMP
    if (sound := _bare_sound(head)) is not None:
        return sound
    # At the file's start, or behind a run-in that may not look like anything else.
    return MXF if head.find(_MXF_KEY, 0, 64 * 1024 + len(_MXF_KEY)) >= 0 and not _is_text(head) else None


def _is_transport(head: bytes) -> bool:
    """Sync bytes in five packets of 188 bytes, or of 192 with a time in front, or of 204 with a checksum.

    A recording may begin in the middle of a packet.
    """
    for size in (188, 192, 204):
        for offset in range(size):
            marks = head[offset : offset + 5 * size : size]
            if head[offset : offset + 1] == b"G" and len(marks) == 5 and set(marks) == {0x47}:
                return not _is_text(head)
    return False


def _bare_sound(head: bytes) -> Container | None:
    """MPEG audio or AAC without a header of the file: several frames, each where the one before says."""
    if head[:1] != b"\xff" or len(head) < 4:
        return None
    layer = head[1] & 0x06
    if head[1] & 0xF0 == 0xF0 and layer == 0:
        return ADTS if _frames(head, _adts_length) else None
    return MP3 if head[1] & 0xE0 == 0xE0 and layer == 0x02 and _frames(head, _mpeg_length) else None


def _frames(head: bytes, length_of: Callable[[bytes], int]) -> bool:
    at = 0
    for _ in range(3):
        length = length_of(head[at : at + 8])
        if length <= 0 or head[at : at + 1] != b"\xff":
            return False
        at += length
    return True


def _adts_length(head: bytes) -> int:
    return (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5 if len(head) >= 6 else 0


_MPEG1_KBITS: Final = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0)
_MPEG2_KBITS: Final = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0)
_MPEG_HZ: Final = (44_100, 48_000, 32_000, 0)


def _mpeg_length(head: bytes) -> int:
    """Bytes of a frame of MPEG audio, layer 3."""
    if len(head) < 4:
        return 0
    version, hz = head[1] >> 3 & 3, _MPEG_HZ[head[2] >> 2 & 3]
    kbits = (_MPEG1_KBITS if version == 3 else _MPEG2_KBITS)[head[2] >> 4]
    if not hz or not kbits or version == 1:
        return 0
    rate_hz = hz if version == 3 else hz // 2 if version == 2 else hz // 4
    return (144_000 if version == 3 else 72_000) * kbits // rate_hz + (head[2] >> 1 & 1)


def _is_bitmap(head: bytes) -> bool:
    return head.startswith(b"BM") and head[6:10] == bytes(4) and head[14:18] in _BITMAP_HEADERS


def _is_text(head: bytes) -> bool:
    sample = head[:4096]
    return b"\0" not in sample and sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in sample) == 0


def _what_else(head: bytes) -> str:
    """What people would call a file that is not read."""
    for magic, name in _OTHERS:
        if head.startswith(magic):
            return name
    if head[4:8] == b"ftyp":
        return "an AVIF or HEIC picture"
    text = head.removeprefix(b"\xef\xbb\xbf")[:4096]
    for pattern, name in _TEXTS:
        if pattern.match(text):
            return name
    if not any(head):
        return "a file of zeros"
    return "a text file" if _is_text(text) else "a kind of file that Rushes does not know"
