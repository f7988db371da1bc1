"""Kinds of files, told by their first bytes."""

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from svc_media.core.container import (
    ADTS,
    AIFF,
    AVI,
    BMP,
    BY_DEMUXER,
    FLAC,
    GIF,
    JPEG,
    MATROSKA,
    MP3,
    MP4,
    MXF,
    OGG,
    PNG,
    PROGRAM,
    TAR,
    TIFF,
    TRANSPORT,
    WAV,
    WEBP,
    ZIP,
    Container,
    sniff,
)
from svc_media.core.error import MediaEmpty, NotMedia

MXF_KEY = bytes.fromhex("060e2b34020501010d0102010102")
KNOWN = [
    (b"\0\0\0\x20ftypisom" + bytes(20), MP4),
    (b"\0\0\0\x14ftypqt  " + bytes(20), MP4),
    (b"\0\0\x10\0moov" + bytes(20), MP4),
    (b"\0\0\0\x08wide\0\0\0\0mdat", MP4),
    (b"\x1a\x45\xdf\xa3" + bytes(20), MATROSKA),
    ((b"\x47" + bytes(187)) * 6, TRANSPORT),
    ((bytes(4) + b"\x47" + bytes(187)) * 6, TRANSPORT),
    (b"\x01" * 101 + (b"\x47" + bytes(187)) * 6, TRANSPORT),
    (b"\0\0\x01\xba" + bytes(20), PROGRAM),
    (b"RIFF\0\0\0\0AVI LIST", AVI),
    (MXF_KEY + bytes(20), MXF),
    (b"\x01" * 5000 + MXF_KEY + bytes(20), MXF),
    (b"GIF89a" + bytes(20), GIF),
    (b"\x89PNG\r\n\x1a\n" + bytes(20), PNG),
    (b"\xff\xd8\xff\xe0" + bytes(20), JPEG),
    (b"RIFF\0\0\0\0WEBPVP8 ", WEBP),
    (b"II*\0" + bytes(20), TIFF),
    (b"MM\0*" + bytes(20), TIFF),
    (b"BM" + bytes(12) + b"\x28\0\0\0", BMP),
    (b"RIFF\0\0\0\0WAVEfmt ", WAV),
    (b"FORM\0\0\0\0AIFFCOMM", AIFF),
    (b"fLaC" + bytes(20), FLAC),
    (b"ID3\x04" + bytes(20), MP3),
    ((b"\xff\xfb\x90\x00" + bytes(413)) * 4, MP3),
    ((b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)) * 4, ADTS),
    (b"OggS" + bytes(20), OGG),
    (b"PK\x03\x04" + bytes(20), ZIP),
    (b"shot.0001.png".ljust(257, b"\0") + b"ustar\0" + bytes(249), TAR),
]
REFUSED = [
    (b"ffconcat version 1.0\nfile 'a.mp4'\n", "ffconcat"),
    (b"  \n ffconcat version 1.0\n", "ffconcat"),
    (b"#EXTM3U\n", "M3U8"),
    (b"\xef\xbb\xbf#EXTM3U\n", "M3U8"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    (b"<?xml version='1.0'?>\n<svg/>", "SVG"),
    (b"<?xml version='1.0'?><MPD/>", "DASH"),
    (b"<!DOCTYPE html><html>", "web page"),
    (b"hello, this is text", "text file"),
    (b"G" * 2000, "text file"),
    (b"%PDF-1.7", "PDF"),
    (b"\0\0\0\x20ftypheic", "HEIC"),
    (b"\0\0\0\x20ftypavif", "AVIF"),
    (bytes(100_000), "zeros"),
    (b"\xff\xfb\x90\x00" + bytes(413) + b"\xff\xfb\x90\x00", "does not know"),
    (b"RIFF\0\0\0\0sfbk", "does not know"),
    (b"\x01\x02\x03\x04", "does not know"),
]


@pytest.mark.parametrize(("head", "container"), KNOWN)
def test_a_container_is_known_by_its_first_bytes(head: bytes, container: Container) -> None:
    assert sniff(head, 10_000) is container
    assert BY_DEMUXER[container.demuxer] is container


@pytest.mark.parametrize(("head", "word"), REFUSED)
def test_other_files_are_refused_by_the_name_that_people_give_them(head: bytes, word: str) -> None:
    with pytest.raises(NotMedia) as refused:
        sniff(head, len(head))
    assert word in refused.value.message


def test_a_file_without_bytes_is_called_empty() -> None:
    with pytest.raises(MediaEmpty):
        sniff(b"", 0)


def test_text_that_mentions_the_key_of_mxf_is_no_mxf() -> None:
    with pytest.raises(NotMedia):
        sniff(b"\x06" + b"a text about \x0e+4 keys", 24)


@given(st.binary(min_size=1, max_size=300))
@example(b"G" * 400)
@example(b"BM")
@example(b"RIFF")
def test_any_bytes_are_a_container_or_refused(head: bytes) -> None:
    with contextlib.suppress(NotMedia):
        assert sniff(head, len(head)).demuxer in BY_DEMUXER
