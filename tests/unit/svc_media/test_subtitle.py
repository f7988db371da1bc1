"""Subtitles: what is read of SubRip and WebVTT, and that nothing but words comes out."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import InvalidArgument
from svc_media.core.subtitle import (
    MAX_BYTES,
    MAX_CUES,
    Cue,
    SubtitleBroken,
    check_language,
    check_name,
    check_offset,
    parse,
    read,
    to_vtt,
)

SRT = """1
00:00:01,000 --> 00:00:02,500 X1:100 X2:200 Y1:1 Y2:2
<i>Hello</i> <font color="red">you</font>
{\\an8}second line

2
00:01:00,000 --> 00:01:01,000
Tom & Jerry
"""
VTT = """WEBVTT - made by hand

STYLE
::cue { background: url(https://example.com/x) }

NOTE a comment
with two lines

intro
00:01.000 --> 00:02.000 align:start line:10% region:evil
<v Ann>Hi &amp; <c.loud>bye</c></v>
"""


def test_subrip_is_read_and_its_own_marks_are_taken_out() -> None:
    first, second = read(SRT.encode())
    assert first == Cue(1000, 2500, "<i>Hello</i> you\nsecond line")
    assert second == Cue(60_000, 61_000, "Tom &amp; Jerry")


def test_webvtt_is_read_without_styles_comments_and_names() -> None:
    assert read(VTT.encode()) == [Cue(1000, 2000, "Hi &amp; bye", "align:start line:10%")]


def test_files_of_any_system_are_read() -> None:
    whole = read(SRT.encode())
    assert read(SRT.replace("\n", "\r\n").encode("utf-8-sig")) == whole
    assert read(SRT.encode("utf-16")) == whole
    squeezed = "1\n00:00:01,000 --> 00:00:02,000\nA\n2\n00:00:03,000 --> 00:00:04,000\nB"
    assert [cue.text for cue in read(squeezed.encode())] == ["A", "B"]


def test_what_is_written_is_read_back_the_same() -> None:
    for source in (SRT, VTT):
        cues = read(source.encode())
        assert read(to_vtt(cues).encode()) == cues


def test_a_line_that_was_only_a_mark_leaves_no_empty_line_which_would_end_the_cue() -> None:
    (cue,) = read(b"00:01.000 --> 00:02.000\none\n<c>\n{\\an8} \ntwo&#10;&#10;three\n")
    assert cue.text == "one\ntwo\nthree"


def test_what_is_kept_may_be_longer_than_a_file_that_is_added() -> None:
    cues = read(b"00:01.000 --> 00:02.000\n" + b"&" * (MAX_BYTES - 100))
    kept = to_vtt(cues)
    assert len(kept) > 2 * MAX_BYTES
    assert parse(kept) == cues


def test_an_offset_moves_every_time_and_drops_what_would_end_before_the_beginning() -> None:
    cues = [Cue(500, 900, "a"), Cue(1500, 3000, "b"), Cue(3_600_000, 3_601_000, "c")]
    assert to_vtt(cues, -1000) == ("WEBVTT\n\n00:00:00.500 --> 00:00:02.000\nb\n\n00:59:59.000 --> 01:00:00.000\nc\n")
    assert "00:00:00.000 --> 00:00:01.000\nb" in to_vtt(cues, -2000)


def test_cues_are_in_order_and_marks_are_closed_in_theirs() -> None:
    late_first = "00:00:05.000 --> 00:00:06.000\n<b><i>x</b> y\n\n00:00:01.000 --> 00:00:02.000\n</u>z"
    assert [cue.text for cue in read(late_first.encode())] == ["z", "<b><i>x</i></b> y"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no subtitles"),
        ("just words", "no subtitles"),
        ("1\n00:00:0a,000 --> 00:00:02,000\nx", "Line 2"),
        ("00:00:02,000 --> 00:00:01,000\nx", "Line 1"),
        ("00:00:01,000 --> 200:00:02,000\nx", "100 hours"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_the_line(text: str, word: str) -> None:
    with pytest.raises(SubtitleBroken, match=word):
        read(text.encode())


def test_other_encodings_and_endless_files_are_refused() -> None:
    with pytest.raises(SubtitleBroken, match="UTF-8"):
        read("1\n00:00:01,000 --> 00:00:02,000\né".encode("latin-1"))
    with pytest.raises(SubtitleBroken, match="1 MB"):
        read(bytes(2 << 20))
    with pytest.raises(SubtitleBroken, match="cues"):
        read(b"0:01.000 --> 0:02.000\n\n" * (MAX_CUES + 1))


@given(st.text(st.sampled_from("<>/&;ib uscriptimg\"'=-\n\x00\u2028{}\\"), max_size=60))
def test_no_words_become_marks(words: str) -> None:
    with contextlib.suppress(SubtitleBroken):
        for cue in read(f"00:01.000 --> 00:02.000\n{words}".encode()):
            assert "-->" not in cue.text
            assert "\n\n" not in cue.text
            rest = re.sub("</?[ibu]>", "", cue.text)
            assert "<" not in rest
            assert ">" not in rest


@pytest.mark.timeout(60)
@pytest.mark.parametrize("words", ["<a", "<i>", "<i", "</i", "{\\a", "&", "&#3", "<", "<i><b></x>", "-", " ", "\t<"])
def test_a_file_made_to_be_slow_is_read_within_a_moment_or_refused(words: str) -> None:
    head = "00:01.000 --> 00:02.000\n"
    for text in (words * (MAX_BYTES // len(words)), words[:1] + words[1:] * MAX_BYTES, words + "a" * MAX_BYTES):
        with contextlib.suppress(SubtitleBroken):
            (cue,) = read((head + text)[:MAX_BYTES].encode())
            assert cue.text.count("<i>") == cue.text.count("</i>")


def test_a_number_of_no_character_is_refused() -> None:
    with pytest.raises(SubtitleBroken, match="too long"):
        read(f"00:01.000 --> 00:02.000\n&#{'9' * 5000};".encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_subtitles_or_refused(data: bytes) -> None:
    with contextlib.suppress(SubtitleBroken):
        assert read(data)


def test_languages_names_and_offsets_are_checked() -> None:
    for language in ("en", "zh-Hans", "pt-BR", "yue"):
        assert check_language(language) == language
    for wrong in ("", "english language", "e", "en_US", "en-"):
        with pytest.raises(InvalidArgument):
            check_language(wrong)
    assert check_name("  A\n name ") == "A name"
    with pytest.raises(InvalidArgument):
        check_name("x" * 101)
    assert check_offset(-3_600_000) == -3_600_000
    with pytest.raises(InvalidArgument):
        check_offset(10**9)
