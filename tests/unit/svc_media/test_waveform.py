"""The waveform file: what it holds of the samples, and that damage is seen."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc_media.core.error import MediaBroken
from svc_media.core.waveform import CHANNELS, FACTOR, RATE, SAMPLE_HZ, Waveform, pairs, waveform

WINDOW = SAMPLE_HZ // RATE * CHANNELS


def test_a_pair_is_the_lowest_and_highest_of_its_time_in_any_channel() -> None:
    window = bytearray([128] * WINDOW)
    window[10], window[WINDOW - 1] = 3, 250
    assert list(pairs([bytes(window), bytes([128] * 5)])) == [bytes((3, 250)), bytes((128, 128))]


@given(st.binary(max_size=3 * WINDOW), st.lists(st.integers(1, 500), max_size=20))
def test_how_the_samples_are_cut_makes_no_difference(samples: bytes, lengths: list[int]) -> None:
    chunks, at = [], 0
    for length in lengths:
        chunks.append(samples[at : at + length])
        at += length
    assert list(pairs([*chunks, samples[at:]])) == list(pairs([samples]))


def test_sound_that_is_short_ends_in_silence_and_what_is_too_long_is_left_out() -> None:
    assert waveform(bytes((1, 2)), 3).fine == bytes((1, 2, 128, 128, 128, 128))
    assert waveform(bytes(20), 3).fine == bytes(6)


def test_a_coarse_pair_bounds_the_fine_ones_it_stands_for() -> None:
    fine = bytearray(bytes((128, 128)) * (FACTOR + 1))
    fine[2 * 7], fine[2 * 9 + 1], fine[-1] = 5, 200, 140
    assert waveform(bytes(fine), FACTOR + 1).coarse == bytes((5, 200, 128, 140))


def test_ten_hours_are_seen_with_72_kilobytes_from_the_beginning() -> None:
    made = waveform(b"", 10 * 3600 * RATE)
    assert len(made.coarse) == 72_000
    assert made.to_bytes()[20 : 20 + 72_000] == made.coarse


def test_the_file_is_as_documented_and_read_back() -> None:
    made = waveform(bytes((1, 2, 3, 4)), 2)
    data = made.to_bytes()
    assert data == b"RWV1" + struct.pack("<IIII", 100, 2, 100, 1) + bytes((1, 4)) + bytes((1, 2, 3, 4))
    assert Waveform.from_bytes(data) == made
    for broken in (b"", data[:-1], b"XXXX" + data[4:]):
        with pytest.raises(MediaBroken):
            Waveform.from_bytes(broken)
