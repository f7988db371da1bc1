"""What is made of a video."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc_media.core import command
from svc_media.core.facts import Color, Sound, VideoFacts
from svc_media.core.plan import fit, plan_filmstrip, plan_review
from tests.unit.svc_media.sample import facts, still

SIZE = 10_000_000


def test_a_file_that_browsers_play_frame_by_frame_is_kept() -> None:
    assert plan_review(facts(), SIZE).keep
    assert plan_review(facts(sounds=()), SIZE).keep
    assert plan_review(facts(codec="av1", profile="Main"), SIZE).keep


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"container": "matroska"}, "container"),
        ({"brand": "qt"}, "container"),
        ({"front_index": False}, "container"),
        ({"codec": "prores"}, "codec"),
        ({"codec": "hevc", "profile": "Main"}, "codec"),
        ({"profile": "High 10"}, "codec"),
        ({"pixel_format": "yuv422p"}, "pixels"),
        ({"sample_aspect": Fraction(4, 3)}, "pixels"),
        ({"interlaced": True}, "pixels"),
        ({"color": Color(transfer="smpte2084")}, "high dynamic range"),
        ({"width": 5000}, "size"),
        ({"duration_us": 1_000_000}, "bits a second"),
        ({"frame_ticks": (0, 1)}, "variable rate"),
        ({"timed": False}, "variable rate"),
        ({"rotation": 90}, "rotation"),
        ({"first_s": Fraction(1, 24)}, "start time"),
        ({"trimmed_frames": 2}, "edit list"),
        ({"key_interval_s": 10.0}, "key frames"),
        ({"keyed_from_start": False}, "key frames"),
        ({"sounds": (Sound(0, "pcm_s16le", 48000, 2),)}, "sound"),
        ({"sounds": (Sound(0, "aac", 48000, 6),)}, "channels of sound"),
        ({"sounds": (Sound(0, "aac", 48000, 2),) * 2}, "sound"),
    ],
)
def test_a_file_that_browsers_might_show_otherwise_is_not_kept(changes: dict[str, Any], because: str) -> None:
    plan = plan_review(facts(**changes), SIZE)
    assert not plan.keep
    assert because in plan.because


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(997, 40)])
def test_every_frame_of_a_review_file_begins_at_a_whole_tick(rate: Fraction) -> None:
    plan = plan_review(facts(rate=rate, codec="prores"), SIZE)
    assert Fraction(plan.timescale, plan.frame_ticks) == rate
    assert plan.timescale >= 12_000


def test_the_ticks_of_a_variable_rate_are_kept() -> None:
    for den, timescale in ((1000, 12_000), (90_000, 90_000), (10**9, 90_000)):
        plan = plan_review(facts(time_base=Fraction(1, den), frame_ticks=(0, 7, 9)), SIZE)
        assert (plan.timescale, plan.frame_ticks) == (timescale, 0)


def test_pictures_that_browsers_show_are_kept_and_others_become_png_or_jpeg() -> None:
    assert plan_review(still(), SIZE).keep
    assert plan_review(still(container="tiff_pipe"), SIZE).content_type == "image/png"
    assert plan_review(still(container="jpeg_pipe", rotation=90), SIZE).content_type == "image/jpeg"
    assert plan_review(still(container="webp_pipe"), SIZE).suffix == ".webp"
    assert plan_review(still(bit_depth=16), SIZE).because == ("bit depth",)
    assert plan_review(still(width=10_000, height=5_000), SIZE).width == 8192


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.booleans())
def test_a_picture_that_is_fitted_keeps_its_shape(width: int, height: int, even: bool) -> None:
    across, down = fit(width, height, 4096, even=even)
    assert max(across, down) <= 4096
    assert min(across, down) >= (2 if even else 1)
    if even:
        assert (across % 2, down % 2) == (0, 0)
    if min(across, down) > 200:
        assert abs(across / down - width / height) / (width / height) < 0.02


@given(st.integers(1, 8192), st.integers(1, 8192), st.integers(1, 5_000_000))
def test_a_filmstrip_has_a_tile_for_evenly_spread_frames(width: int, height: int, frames: int) -> None:
    strip = plan_filmstrip(width, height, frames)
    shown = [strip.frame_of(tile, frames) for tile in range(strip.tiles)]
    assert shown[0] == 0
    assert shown == sorted(set(shown))
    assert shown[-1] < frames
    assert strip.columns * strip.rows >= strip.tiles
    assert max(strip.tile_width, strip.tile_height) <= 160
    assert (strip.tile_width % 2, strip.tile_height % 2) == (0, 0)


def arguments(made: VideoFacts, *, tone_map: bool = True) -> str:
    return " ".join(command.proxy_arguments("/in", "/out", made, plan_review(made, SIZE), tone_map=tone_map))


def test_the_input_is_opened_as_a_file_by_one_demuxer() -> None:
    text = arguments(facts(container="matroska"))
    assert "-protocol_whitelist file" in text
    assert "-f matroska -i file:/in" in text


def test_each_frame_passes_once_at_its_own_time_with_a_key_frame_each_half_second() -> None:
    text = arguments(facts(codec="prores"))
    assert "-fps_mode passthrough -enc_time_base 1001:24000" in text
    assert "-bf 0 -g 12 -keyint_min 12" in text
    assert "force_key_frames" not in text
    assert "force_key_frames" in arguments(facts(frame_ticks=(0, 1), frame_count=2))


def test_sound_is_moved_to_the_first_frame_and_cut_at_the_last() -> None:
    text = arguments(facts(codec="prores", first_s=Fraction(7, 5)))
    assert "[0:a:0]asetpts=PTS-(7/5)/TB,aresample=48000:async=1:first_pts=0,atrim=end=10.010000[sound]" in text
    assert "[sound]" not in arguments(facts(codec="prores", sounds=()))


def test_two_single_channels_become_left_and_right() -> None:
    assert "[0:a:0][0:a:1]amerge=inputs=2" in arguments(facts(sounds=(Sound(0, "pcm_s24le", 48000, 1),) * 2))


def test_frames_without_times_are_counted() -> None:
    text = arguments(facts(timed=False))
    assert "settb=1001/24000,setpts=N" in text
    assert "asetpts=PTS-STARTPTS" in text


def test_high_dynamic_range_is_brought_down_where_ffmpeg_can_and_tagged_where_not() -> None:
    hdr = facts(color=Color("bt2020", "smpte2084", "bt2020nc", "tv"))
    assert "tonemap=hable" in arguments(hdr)
    assert "-color_primaries bt709 -color_trc bt709" in arguments(hdr)
    assert "-color_primaries bt2020 -color_trc smpte2084" in arguments(hdr, tone_map=False)


def test_untagged_standard_definition_is_read_as_browsers_read_it() -> None:
    assert "in_color_matrix=smpte170m" in arguments(facts(color=Color(), coded_height=576))
    assert "in_color_matrix=bt709" in arguments(facts(color=Color(), coded_height=720))
    assert "in_color_matrix" not in arguments(facts())


def test_colours_are_converted_only_where_browsers_do_not_know_them() -> None:
    for matrix, made in (("bt470bg", "bt470bg"), ("bt2020nc", "bt2020nc"), ("ycgco", "bt709"), ("gbr", "bt709")):
        text = arguments(facts(color=Color(matrix=matrix)))
        assert f"-colorspace {made}" in text
    assert "-colorspace bt709" in arguments(facts(color=Color(), pixel_format="gbrp10le", coded_height=480))


def test_fields_are_made_into_frames() -> None:
    assert "bwdif=mode=send_frame" in arguments(facts(interlaced=True))


def test_a_picture_is_turned_upright() -> None:
    made = still(container="jpeg_pipe", rotation=270, mirrored=True, alpha=False)
    text = " ".join(command.picture_arguments("/in", "/out", made, plan_review(made, SIZE)))
    assert "hflip,transpose=cclock" in text
    assert "-c:v mjpeg" in text
    alpha = still(container="tiff_pipe", alpha=True)
    assert "format=rgba" in " ".join(command.picture_arguments("/in", "/out", alpha, plan_review(alpha, SIZE)))
