"""What kind of file this is, by its first bytes, and so which demuxer alone may open it.

A name is never believed, and nothing is probed by the libraries: `ffconcat` in clip.mp4 would read its neighbours.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from svc_media.core.error import MediaEmpty, NotMedia

HEAD_BYTES: Final = 64 * 1024 + 64
"""How many of the first bytes decide: an MXF file may begin with 64 KiB of something else."""


class Kind(StrEnum):
    """Whether a container holds a moving picture or one still."""

    VIDEO = "video"
    STILL = "still"


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

CONTAINERS: Final = (MP4, MATROSKA, TRANSPORT, PROGRAM, AVI, MXF, GIF, PNG, JPEG, WEBP, TIFF, BMP)
BY_DEMUXER: Final = {container.demuxer: container for container in CONTAINERS}

_ACCEPTED = "Rushes reads MP4, MOV, MXF, MKV, WebM, MPEG, AVI and GIF, and pictures as PNG, JPEG, WebP, TIFF and BMP."
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
)
_OTHERS: Final = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"ID3", "sound only (MP3)"),
    (b"fLaC", "sound only (FLAC)"),
    (b"OggS", "an Ogg file"),
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
        return {b"AVI ": AVI, b"WEBP": WEBP}.get(head[8:12])
    if _is_transport(head):
        return TRANSPORT
    if _is_bitmap(head):
        return BMP
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
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "sound only (WAV)"
    text = head.removeprefix(b"\xef\xbb\xbf")[:4096]
    for pattern, name in _TEXTS:
        if pattern.match(text):
            return name
    if not any(head):
        return "a file of zeros"
    return "a text file" if _is_text(text) else "a kind of file that Rushes does not know"
