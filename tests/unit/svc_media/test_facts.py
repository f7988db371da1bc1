"""Frame times, and facts as they are stored."""

import json
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from svc_media.core.color import color_of
from svc_media.core.facts import STANDARD_RATES, Color, VideoFacts, timing
from tests.unit.svc_media.sample import facts

FILM = Fraction(24000, 1001)


@given(
    st.sampled_from(STANDARD_RATES), st.integers(2, 400), st.integers(-1000, 10**9), st.sampled_from([600, 1000, 90000])
)
def test_even_times_are_even_however_coarsely_a_container_rounds_them(
    rate: Fraction, count: int, first: int, ticks_a_second: int
) -> None:
    assume(rate * 4 <= ticks_a_second)
    times = [first + round(n / rate * ticks_a_second) for n in range(count)]
    found = timing(times, Fraction(1, ticks_a_second), [rate])
    assert (found.rate, found.frame_ticks, found.timed) == (rate, (), True)


def test_the_rate_is_found_where_the_file_declares_none_or_a_wrong_one() -> None:
    times = [n * 1001 for n in range(100)]
    for declared in ([], [Fraction(25)], [Fraction(0)], [Fraction(90000)]):
        assert timing(times, Fraction(1, 24000), declared).rate == FILM


def test_a_rate_that_is_no_standard_is_kept_if_it_is_even() -> None:
    found = timing([n * 7 for n in range(50)], Fraction(1, 100), [])
    assert (found.rate, found.frame_ticks) == (Fraction(100, 7), ())


def test_a_missing_frame_makes_the_rate_variable_with_every_time_kept() -> None:
    times = [1000 + n * 40 for n in range(50) if n != 20]
    found = timing(times, Fraction(1, 1000), [Fraction(25)])
    assert found.frame_ticks[19:21] == (760, 840)
    assert found.frame_ticks[0] == 0
    assert len(found.frame_ticks) == 49


def test_coarse_ticks_are_not_taken_for_rounding() -> None:
    assert timing([0, 1, 3, 4], Fraction(1, 30), [Fraction(30)]).frame_ticks == (0, 1, 3, 4)


@pytest.mark.parametrize("times", [[0, 0, 1], [0, 10, 10**9]])
def test_times_of_a_broken_clock_are_not_used(times: list[int]) -> None:
    found = timing(times, Fraction(1, 1000), [Fraction(25)])
    assert (found.rate, found.timed, found.frame_ticks) == (Fraction(25), False, ())


def test_one_frame_has_the_rate_that_is_declared() -> None:
    assert timing([5], Fraction(1, 1000), [Fraction(30)]).rate == 30
    assert timing([5], Fraction(1, 1000), []).rate == 24
    assert not timing([], Fraction(1, 1000), []).timed


def test_the_mean_of_a_variable_rate_is_whole_if_it_nearly_is() -> None:
    times = [n * 1000 + (n % 2) * 9 for n in range(1000)]
    assert timing(times, Fraction(1, 30000), []).rate == 30


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=50))
def test_facts_read_back_as_they_were_written(gaps: list[int]) -> None:
    ticks = tuple(sum(gaps[:n]) for n in range(len(gaps) + 1))
    written = facts(frame_ticks=ticks, frame_count=len(ticks))
    assert VideoFacts.from_json(json.loads(json.dumps(written.to_json()))) == written
    assert written.variable_rate


def test_facts_without_timecode_and_sound_read_back_too() -> None:
    written = facts(start_timecode=None, sounds=())
    assert VideoFacts.from_json(json.loads(json.dumps(written.to_json()))) == written
    assert not written.has_sound


def test_a_player_seeks_to_the_middle_of_a_frame() -> None:
    even = facts(rate=FILM, frame_count=10, duration_us=417_083)
    assert even.middle_of(3) == Fraction(7, 2) / FILM
    assert even.time_of(9) < even.middle_of(9) < even.end_s
    uneven = facts(time_base=Fraction(1, 1000), frame_ticks=(0, 40, 500), frame_count=3, duration_us=540_000)
    assert uneven.middle_of(1) == Fraction(270, 1000)
    assert uneven.middle_of(2) == Fraction(520, 1000)


def test_what_people_see_is_what_frame_numbers_mean() -> None:
    review = facts(frame_count=238, duration_us=9_900_000, rate=Fraction(24), codec="h264", start_timecode=None)
    merged = facts(codec="prores").reviewed_as(review)
    assert (merged.frame_count, merged.duration_us, merged.rate) == (238, 9_900_000, Fraction(24))
    assert (merged.codec, merged.start_timecode) == ("prores", facts().start_timecode)


def test_colours_have_the_names_that_ffmpeg_gives_them() -> None:
    assert color_of(1, 13, 0, 2) == Color("bt709", "iec61966-2-1", "gbr", "pc")
    assert str(color_of(2, 2, 2, 0)) == "unknown/unknown/unknown/unknown"
