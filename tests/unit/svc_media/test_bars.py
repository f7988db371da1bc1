"""The bars that carry frame numbers in test clips."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clips import bars, read_bars


@given(st.integers(0, 65535), st.sampled_from([(640, 360), (160, 90), (641, 271), (360, 640)]))
def test_a_number_reads_back_from_its_bars(number: int, size: tuple[int, int]) -> None:
    assert read_bars(bars(number, *size), *size) == number


def test_bars_read_back_from_colours_with_and_without_alpha() -> None:
    grey = bars(4711, 160, 90)
    assert read_bars(b"".join(bytes([value] * 3) for value in grey), 160, 90) == 4711
    assert read_bars(b"".join(bytes([value, value, value, 255]) for value in grey), 160, 90) == 4711


def test_a_picture_without_bars_is_refused() -> None:
    for pixels in (bytes(160 * 90), bytes(7), bytes([200]) * 160 * 90):
        with pytest.raises(ValueError, match=r"bars|no picture"):
            read_bars(pixels, 160, 90)


@given(st.integers(0, 65535), st.integers(0, 19))
def test_a_flipped_block_is_noticed(number: int, block: int) -> None:
    pixels = bytearray(bars(number, 160, 90))
    for row in range(36):
        for x in range(block * 8, block * 8 + 8):
            pixels[row * 160 + x] = 251 - pixels[row * 160 + x]
    with pytest.raises(ValueError, match="parity"):
        read_bars(bytes(pixels), 160, 90)
