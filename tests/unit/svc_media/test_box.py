"""The outermost boxes of MP4 files."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import InvalidArgument
from svc_media.core.box import Layout, check_layout
from svc_media.core.error import MediaBroken, MediaIncomplete


def box(kind: bytes, size: int = 8) -> bytes:
    return struct.pack(">I", size) + kind + bytes(size - 8)


def layout(content: bytes) -> Layout:
    return check_layout(lambda offset, size: content[offset : offset + size], len(content))


def test_an_index_before_the_pictures_is_in_front() -> None:
    assert layout(box(b"ftyp", 16) + box(b"moov", 20) + box(b"mdat", 30)) == Layout(True, False)
    assert layout(box(b"ftyp", 16) + box(b"mdat", 30) + box(b"moov", 20)) == Layout(False, False)


def test_fragments_are_told() -> None:
    assert layout(box(b"moov") + (box(b"moof") + box(b"mdat", 20)) * 3) == Layout(True, True)


def test_sizes_of_64_bits_and_to_the_end_are_read() -> None:
    large = struct.pack(">I4sQ", 1, b"mdat", 24) + bytes(8)
    assert layout(large + box(b"moov")) == Layout(False, False)
    assert layout(box(b"moov") + struct.pack(">I4s", 0, b"mdat") + bytes(500)) == Layout(True, False)


@pytest.mark.parametrize("cut", range(9, 53, 4))
def test_a_file_that_was_cut_anywhere_is_incomplete(cut: int) -> None:
    content = box(b"ftyp", 8) + box(b"mdat", 25) + box(b"moov", 20)
    with pytest.raises(MediaIncomplete):
        layout(content[:cut])


def test_a_cut_file_says_how_many_bytes_there_are_and_should_be() -> None:
    with pytest.raises(MediaIncomplete, match=r"1,008 bytes but has 508"):
        layout(box(b"moov") + box(b"mdat", 1000)[:500])


def test_junk_behind_a_complete_file_is_harmless() -> None:
    assert layout(box(b"moov") + box(b"mdat", 20) + b"\0\1\0\0junk1234") == Layout(True, False)


def test_a_part_smaller_than_its_header_is_damaged() -> None:
    with pytest.raises(MediaBroken):
        layout(struct.pack(">I4s", 5, b"moov") + bytes(30))


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from([b"moov", b"mdat", b"ftyp", b"moof"]))), st.binary())
def test_any_boxes_are_laid_out_or_refused(boxes: list[tuple[int, bytes]], tail: bytes) -> None:
    content = b"".join(struct.pack(">I", size) + kind + bytes(max(0, size - 8)) for size, kind in boxes) + tail
    with contextlib.suppress(InvalidArgument):
        layout(content)
