"""EDLs: locators and Resolve's markers, at the frames they were written at, whatever counts them."""

from fractions import Fraction
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import given, settings

from rushes.exchange import edl, edl_reader
from rushes.exchange.error import InvalidNotesFile
from rushes.exchange.notes import Notes, VideoFacts, one_line
from rushes.timecode import Timecode, parse_timecode
from tests.unit.rushes_exchange.sample import BEN, FILM, NTSC, NTSC_FAST, VIDEOS, all_notes, comment, notes, video


def lines(data: bytes) -> list[str]:
    return data.decode().split("\r\n")


def read(text: str | bytes, facts: VideoFacts, start: Timecode | None = None) -> list[tuple[int, int, str]]:
    data = text if isinstance(text, bytes) else text.encode()
    items = edl_reader.read(data, facts, start).items
    return [(item.annotation.first_frame, item.annotation.last_frame, item.annotation.text) for item in items]


def test_an_edl_has_one_event_and_a_locator_for_each_note() -> None:
    written = notes(video(FILM, "01:00:00:00"), comment(1, 30, "Fix\nthe edge"), comment(2, 0, "ok", resolved=True))
    assert lines(edl.write(written)) == [
        "TITLE: sh010",
        "FCM: NON-DROP FRAME",
        "",
        "001  AX       V     C        01:00:00:00 01:00:10:10 01:00:00:00 01:00:10:10",
        "* FROM CLIP NAME: sh010.mov",
        "* LOC: 01:00:00:00 GREEN   Ann: ok",
        "* LOC: 01:00:01:06 RED     Ann: Fix the edge",
        "",
    ]


def test_an_edl_of_drop_frame_leaves_out_what_drop_frame_leaves_out() -> None:
    written = notes(video(NTSC, "00:00:59;28"), comment(1, 1, "last"), comment(2, 2, "first"))
    text = edl.write(written).decode()
    assert "FCM: DROP FRAME" in text
    assert "* LOC: 00:00:59;29 RED     Ann: last" in text
    assert "* LOC: 00:01:00;02 RED     Ann: first" in text


def test_resolve_gets_one_marker_for_a_frame_and_no_bars_in_the_words() -> None:
    said = comment(1, 30, "a|b", last=41), comment(2, 30, "done", BEN), comment(3, 40, "3 px left")
    text = edl.write_resolve(notes(video(FILM, "01:00:00:00"), *said)).decode()
    assert "001  001      V     C        01:00:01:06 01:00:01:07 01:00:01:06 01:00:01:07" in text
    assert "Ann: a/b // Ben Ó Séaghdha: done |C:ResolveColorRed |M:2 notes |D:12" in text
    assert "- 3 px left |C:ResolveColorRed |M:Ann |D:1" in text


def worded(written: Notes) -> list[tuple[int, str]]:
    return [(note.first_frame, written.line(note)) for note in written.worded]


@settings(max_examples=25, deadline=None)
@given(all_notes())
def test_what_is_said_comes_back_at_its_frame(written: Notes) -> None:
    found = edl_reader.read(edl.write(written), written.video)
    assert found.outside == 0
    assert [(item.annotation.first_frame, item.annotation.text) for item in found.items] == worded(written)


@settings(max_examples=25, deadline=None)
@given(all_notes())
def test_resolves_markers_come_back_at_their_frames(written: Notes) -> None:
    found = edl_reader.read(edl.write_resolve(written), written.video)
    assert found.outside == 0
    assert [item.annotation.first_frame for item in found.items] == sorted({frame for frame, _ in worded(written)})


def cmx(data: bytes, rate: Fraction) -> Any:
    timeline = otio.adapters.read_from_string(data.decode(), "cmx_3600", rate=float(rate))
    (clip,) = timeline.find_clips()
    return clip


@pytest.mark.parametrize("facts", [each for each in VIDEOS if not each.origin.drop_frame], ids=str)
def test_the_otio_library_reads_the_locators_at_the_same_frames(facts: VideoFacts) -> None:
    frames = (0, 29, 100, 249)
    written = notes(facts, *(comment(number, frame, f"note {frame}") for number, frame in enumerate(frames, start=1)))
    clip = cmx(edl.write(written), facts.rate)
    assert clip.source_range.start_time.to_frames() == facts.origin.frames
    assert clip.source_range.duration.to_frames() == facts.frame_count
    assert [marker.marked_range.start_time.to_frames() - facts.origin.frames for marker in clip.markers] == list(frames)
    assert [marker.name for marker in clip.markers] == [f"Ann: note {frame}" for frame in frames]
    assert {marker.color for marker in clip.markers} == {"RED"}


@pytest.mark.parametrize(("rate", "start"), [(NTSC, "00:59:58;20"), (NTSC_FAST, "00:00:58;40")])
def test_the_otio_library_counts_our_drop_frame_labels_as_we_do(rate: Fraction, start: str) -> None:
    facts = video(rate, start)
    written = notes(facts, *(comment(frame + 1, frame, "x") for frame in range(0, 250, 7)))
    labels = [line.split()[2] for line in lines(edl.write(written)) if line.startswith("* LOC:")]
    counts = [otio.opentime.from_timecode(label, float(rate)).to_frames() for label in labels]
    assert [count - facts.origin.frames for count in counts] == list(range(0, 250, 7))
    # Its EDL reader takes drop-frame events, but no drop-frame locators.
    clip = cmx(edl.write(written), rate)
    assert clip.source_range.start_time.to_frames() == facts.origin.frames
    assert clip.source_range.duration.to_frames() == 250


# -- EDLs of others ----------------------------------------------------------------------------------------------------


def test_locators_of_avid_are_read_with_and_without_words_and_colours() -> None:
    text = """TITLE: CUT 7
FCM: NON-DROP FRAME
* LOC: 01:00:00:05 red   before all events
001  TAPE1 V     C        03:00:00:00 03:00:10:00 01:00:00:00 01:00:10:00
* FROM CLIP NAME: other.mov
* LOC: 01:00:01:14 RED     ANIM FIX NEEDED
* LOC: 01:00:02:14 BLUE
LOC: 01:00:03:00 no colour
* SOURCE FILE: X
"""
    facts = video(Fraction(24), "01:00:00:00")
    assert read(text, facts) == [
        (5, 5, "before all events"),
        (38, 38, "ANIM FIX NEEDED"),
        (72, 72, "no colour"),
    ]


def test_markers_that_resolve_exported_are_read() -> None:
    text = """TITLE: ( no title )

001  001      V     C        01:00:18:06 01:00:18:07 01:00:18:06 01:00:18:07  
Poil noire gauche |C:ResolveColorYellow |M:Marker 1 |D:1

002  001      V     C        01:00:20:20 01:00:20:21 01:00:20:20 01:00:20:21  
 |C:ResolveColorGreen |M:VFX |D:24
"""  # noqa: W291
    facts = video(Fraction(25), frame_count=1000)
    start = parse_timecode("01:00:00:00", facts.rate)
    assert read(text, facts, start) == [(456, 456, "Poil noire gauche"), (520, 543, "VFX")]


def test_of_named_clips_those_with_the_videos_name_count_at_the_frames_they_show() -> None:
    text = """TITLE: REEL 1
FCM: NON-DROP FRAME
001  A001     V     C        02:00:00:00 02:00:05:00 01:00:00:00 01:00:05:00
* FROM CLIP NAME: SH005.MOV
* LOC: 01:00:01:00 RED     not ours
002  A002     V     C        00:00:02:00 00:00:06:00 01:00:05:00 01:00:09:00
* FROM CLIP NAME: SH010.MOV
* LOC: 01:00:06:00 RED     ours
003  A003     V     C        00:00:00:00 00:00:06:00 01:00:09:00 01:00:15:00
* FROM CLIP NAME: sh020.mov
"""
    found = edl_reader.read(text.encode(), video(Fraction(24)))
    assert [(item.annotation.first_frame, item.annotation.text) for item in found.items] == [(72, "ours")]
    assert found.outside == 1


def test_the_head_says_whether_labels_are_dropped_and_so_does_a_semicolon() -> None:
    dropping = video(NTSC, "00:00:00;00", frame_count=3000)
    event = "001  AX       V     C        00:00:00:00 00:01:30:00 00:00:00:00 00:01:30:00\n"
    assert read(f"FCM: DROP FRAME\n{event}* LOC: 00:01:00:02 RED a", dropping) == [(1800, 1800, "a")]
    assert read(f"FCM: NON-DROP FRAME\n{event}* LOC: 00:01:00:02 RED a", dropping) == [(1802, 1802, "a")]
    assert read("TITLE: x\n* LOC: 00;01;00;02 RED a", dropping) == [(1800, 1800, "a")]
    assert read(f"{event}* LOC: 00:01:00:02 RED a", dropping) == [(1800, 1800, "a")]


def test_a_timeline_without_drop_frame_begins_at_the_same_label() -> None:
    facts = video(NTSC, "01:00:00;00")
    assert read("TITLE: x\nFCM: NON-DROP FRAME\n* LOC: 01:00:01:00 RED a", facts) == [(30, 30, "a")]


def test_old_encodings_are_read() -> None:
    line = "TITLE: x\n* LOC: 00:00:01:00 RED     À côté"
    for data in (line.encode("cp1252"), line.encode("utf-16"), line.encode("utf-8-sig")):
        assert read(data, video(Fraction(24))) == [(24, 24, "À côté")]


def test_notes_outside_the_video_are_counted_not_moved() -> None:
    found = edl_reader.read(b"TITLE: x\n* LOC: 01:00:00:00 RED a\n* LOC: 00:00:01:00 RED b", video(Fraction(24)))
    assert [item.annotation.text for item in found.items] == ["b"]
    assert found.outside == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x00\x01\x02binary", "not text"),
        (b"Dear editor, the shot is fine.", "neither a title nor events"),
        (b"", "neither a title nor events"),
        (b"TITLE: x\n* LOC: 01:00:00:28 RED a", "Line 2 of this EDL cannot be read. The timecode 01:00:00:28 does not"),
        (b"TITLE: x\n\n* LOC: 01:00:00;12 RED a", "Line 3 of this EDL cannot be read. Drop-frame"),
        (b"TITLE: x\n* LOC: soon", "“* LOC: soon” has no timecode"),
        (b"TITLE: x\na |C:ResolveColorRed |M:b |D:1", "A marker stands before the first event"),
    ],
)
def test_what_is_wrong_with_an_edl_is_said(data: bytes, said: str) -> None:
    with pytest.raises(InvalidNotesFile) as error:
        edl_reader.read(data, video(FILM))
    assert said in error.value.message


def test_a_line_has_no_line_ends_of_any_kind() -> None:
    assert one_line("a\r\n\tb\x0bc\x85d\u2028e\x00f  g") == "a b c d e f g"
    assert one_line("👩\u200d🎨") == "👩\u200d🎨"
