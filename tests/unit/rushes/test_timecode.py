"""Which label a frame carries."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.timecode import (
    InvalidTimecode,
    Timecode,
    can_drop,
    format_timecode,
    frames_a_day,
    label,
    parse_timecode,
)

FILM = Fraction(24000, 1001)
NTSC = Fraction(30000, 1001)
NTSC_FAST = Fraction(60000, 1001)
RATES = [FILM, Fraction(24), Fraction(25), NTSC, Fraction(30), Fraction(50), NTSC_FAST, Fraction(60), Fraction(120)]


@given(st.sampled_from(RATES), st.booleans(), st.data())
def test_a_label_reads_back_as_the_count_it_was_made_of(rate: Fraction, drop: bool, data: st.DataObject) -> None:
    drop_frame = drop and can_drop(rate)
    frames = data.draw(st.integers(0, frames_a_day(rate, drop_frame) - 1))
    assert parse_timecode(format_timecode(frames, rate, drop_frame), rate) == Timecode(frames, drop_frame)


@given(st.sampled_from([NTSC, NTSC_FAST]), st.integers(0, 3_000_000))
def test_labels_go_up_and_never_twice_the_same(rate: Fraction, frames: int) -> None:
    frames %= frames_a_day(rate, True) - 1
    assert format_timecode(frames, rate, True) < format_timecode(frames + 1, rate, True)


def test_an_hour_of_drop_frame_has_107892_labels_and_the_label_after_them_is_an_hour() -> None:
    assert format_timecode(107_892, NTSC, True) == "01:00:00;00"
    assert len({format_timecode(frames, NTSC, True) for frames in range(107_892)}) == 107_892


def test_drop_frame_leaves_out_two_labels_each_minute_but_each_tenth() -> None:
    assert format_timecode(1799, NTSC, True) == "00:00:59;29"
    assert format_timecode(1800, NTSC, True) == "00:01:00;02"
    assert format_timecode(17_981, NTSC, True) == "00:09:59;29"
    assert format_timecode(17_982, NTSC, True) == "00:10:00;00"


def test_at_59_94_four_labels_are_left_out() -> None:
    assert format_timecode(3599, NTSC_FAST, True) == "00:00:59;59"
    assert format_timecode(3600, NTSC_FAST, True) == "00:01:00;04"
    assert format_timecode(215_784, NTSC_FAST, True) == "01:00:00;00"


def test_a_drop_frame_hour_of_labels_lasts_an_hour_within_a_tenth_of_a_second() -> None:
    assert abs(107_892 / NTSC - 3600) < Fraction(1, 10)


def test_labels_start_again_after_a_day() -> None:
    for rate in RATES:
        assert format_timecode(frames_a_day(rate, False), rate) == format_timecode(0, rate)
    assert format_timecode(2_589_408, NTSC, True) == "00:00:00;00"


def test_a_rate_above_100_has_labels_of_three_digits() -> None:
    assert format_timecode(119, Fraction(120), False) == "00:00:00:119"


@pytest.mark.parametrize("text", ["00:01:00;00", "00:01:00;01", "10:59:00;00"])
def test_a_label_that_drop_frame_leaves_out_is_refused(text: str) -> None:
    with pytest.raises(InvalidTimecode):
        parse_timecode(text, NTSC)


@pytest.mark.parametrize(
    "text", ["", "1", "01:00:00", "24:00:00:00", "00:60:00:00", "00:00:60:00", "00:00:00:30", "a:b:c:d", "٠٠:00:00:00"]
)
def test_what_is_no_label_is_refused(text: str) -> None:
    with pytest.raises(InvalidTimecode):
        parse_timecode(text, NTSC)


def test_drop_frame_exists_at_29_97_and_59_94_only() -> None:
    assert parse_timecode("00:10:00;00", NTSC).drop_frame
    for rate in (FILM, Fraction(25), Fraction(30)):
        with pytest.raises(InvalidTimecode):
            parse_timecode("00:10:00;00", rate)


def test_the_page_counts_from_the_start_timecode() -> None:
    start = parse_timecode("01:00:51;12", NTSC)
    assert label(0, NTSC, start) == "01:00:51;12"
    assert label(258, NTSC, start) == "01:01:00;02"
    assert label(25, Fraction(25), None) == "00:00:01:00"


@given(st.text(max_size=30), st.sampled_from(RATES))
def test_any_text_is_a_timecode_or_refused(text: str, rate: Fraction) -> None:
    try:
        found = parse_timecode(text, rate)
    except InvalidTimecode:
        return
    assert 0 <= found.frames < frames_a_day(rate, found.drop_frame)
