"""Sizes of pictures, read from their headers."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import InvalidArgument
from svc_media.core.container import BMP, GIF, JPEG, MP4, PNG, TIFF, WEBP, Container
from svc_media.core.error import MediaBroken, NotMedia, PictureTooLarge
from svc_media.core.picture import PictureHeader, ReadAt, check_size, read_header
from tests import clips


def reads(content: bytes) -> ReadAt:
    return lambda offset, size: content[offset : offset + size]


def tiff(order: str, entries: list[tuple[int, int, int]]) -> bytes:
    mark = {"<": b"II*\0", ">": b"MM\0*"}[order]
    table = b"".join(
        struct.pack(order + "HHI", tag, kind, 1)
        + (struct.pack(order + "HH", value, 0) if kind == 3 else struct.pack(order + "I", value))
        for tag, kind, value in entries
    )
    return mark + struct.pack(order + "I", 100) + bytes(92) + struct.pack(order + "H", len(entries)) + table + bytes(4)


def webp(kind: bytes, body: bytes) -> bytes:
    return b"RIFF\0\0\0\0WEBP" + kind + struct.pack("<I", len(body)) + body


HEADERS = [
    (PNG, clips.huge_png(640, 360), PictureHeader(640, 360)),
    (JPEG, clips.huge_jpeg(640, 360), PictureHeader(640, 360)),
    (JPEG, clips.with_orientation(clips.huge_jpeg(640, 360), 6), PictureHeader(640, 360, 6)),
    (JPEG, clips.with_orientation(clips.huge_jpeg(640, 360), 9), PictureHeader(640, 360, 1)),
    (JPEG, b"\xff\xd8\xff\xff" + clips.huge_jpeg(640, 360)[3:], PictureHeader(640, 360)),
    (GIF, b"GIF89a" + struct.pack("<HH", 640, 360), PictureHeader(640, 360)),
    (BMP, b"BM" + bytes(16) + struct.pack("<ii", 640, -360), PictureHeader(640, 360)),
    (TIFF, tiff("<", [(256, 3, 640), (257, 4, 360)]), PictureHeader(640, 360)),
    (TIFF, tiff(">", [(256, 3, 640), (257, 3, 360), (0x112, 3, 8)]), PictureHeader(640, 360, 8)),
    (
        WEBP,
        webp(b"VP8X", bytes(4) + (639).to_bytes(3, "little") + (359).to_bytes(3, "little")),
        PictureHeader(640, 360),
    ),
    (WEBP, webp(b"VP8L", b"\x2f" + struct.pack("<I", 639 | 359 << 14) + bytes(5)), PictureHeader(640, 360)),
    (WEBP, webp(b"VP8 ", bytes(6) + struct.pack("<HH", 640, 360)), PictureHeader(640, 360)),
]


@pytest.mark.parametrize(("container", "content", "header"), HEADERS)
def test_a_header_tells_size_and_orientation(container: Container, content: bytes, header: PictureHeader) -> None:
    assert read_header(container, reads(content)) == header


@pytest.mark.parametrize(("container", "content", "header"), HEADERS)
def test_a_header_that_is_cut_off_is_damaged(container: Container, content: bytes, header: PictureHeader) -> None:
    with pytest.raises(MediaBroken):
        read_header(container, reads(content[:9]))


@pytest.mark.parametrize(("width", "height"), [(65535, 65535), (40_000, 1), (20_000, 20_000)])
def test_a_picture_that_would_not_fit_into_memory_is_refused_by_its_header(width: int, height: int) -> None:
    for container, content in ((PNG, clips.huge_png(width, height)), (JPEG, clips.huge_jpeg(width, height))):
        with pytest.raises(PictureTooLarge) as refused:
            read_header(container, reads(content))
        assert f"{width:,} x {height:,}" in refused.value.message


def test_a_picture_without_a_size_is_damaged() -> None:
    with pytest.raises(MediaBroken):
        check_size(0, 10)


def test_an_animated_webp_says_what_to_do_instead() -> None:
    with pytest.raises(NotMedia, match="GIF, MP4 or WebM"):
        read_header(WEBP, reads(webp(b"VP8X", b"\x02" + bytes(9))))


def test_an_unknown_part_of_a_webp_or_a_directory_without_end_is_damaged() -> None:
    for container, content in ((WEBP, webp(b"XXXX", bytes(10))), (TIFF, b"II*\0\x08\0\0\0\xff\xff" + bytes(100))):
        with pytest.raises(MediaBroken):
            read_header(container, reads(content))


def test_damaged_exif_counts_as_upright() -> None:
    jpeg = clips.huge_jpeg(640, 360)
    for exif in (b"Exif\0\0", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"http://ns.example/xap", b"Exif\0\0ZZ\0*" + bytes(8)):
        segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
        assert read_header(JPEG, reads(jpeg[:2] + segment + jpeg[2:])) == PictureHeader(640, 360)


def test_moving_pictures_have_no_header_here() -> None:
    assert read_header(MP4, reads(b"")) is None


@given(st.sampled_from(HEADERS), st.integers(0, 60), st.binary(min_size=1, max_size=20))
def test_a_header_with_any_bytes_changed_is_read_or_refused(
    case: tuple[Container, bytes, PictureHeader], at: int, noise: bytes
) -> None:
    container, content, _ = case
    with contextlib.suppress(InvalidArgument):
        read_header(container, reads(content[:at] + noise + content[at + len(noise) :]))


@given(st.sampled_from([PNG, JPEG, GIF, BMP, TIFF, WEBP]), st.binary(max_size=200))
def test_any_bytes_as_a_header_are_read_or_refused(container: Container, content: bytes) -> None:
    with contextlib.suppress(InvalidArgument):
        read_header(container, reads(content))
