"""OTIO: what leaves is read by the OTIO library and by OpenRV's schemas, and comes back as it was."""

import json
from fractions import Fraction
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import given, settings

from rushes.annotation.v1 import annotation_pb2 as pb
from rushes.annotation.v1.annotation_pb2 import Annotation
from rushes.exchange import otio as writer
from rushes.exchange import otio_reader
from rushes.exchange.notes import Notes, VideoFacts
from rushes.timecode import format_timecode
from tests.unit.rushes_exchange.sample import ALL_KINDS, FILM, NTSC, VIDEOS, all_notes, comment, key, notes, video
from tests.unit.rushes_exchange.schemas import FIELDS, registered


def parsed(data: bytes) -> Any:
    return otio.adapters.read_from_string(data.decode(), "otio_json")


def clip_of(data: bytes) -> Any:
    (clip,) = parsed(data).find_clips()
    return clip


def by_id(annotations: Any) -> dict[bytes, Annotation]:
    return {each.id: each for each in annotations}


def stroke(number: int, frame: int, last: int | None = None) -> Annotation:
    return Annotation(
        id=key(number),
        kind=pb.ANNOTATION_KIND_STROKE,
        first_frame=frame,
        last_frame=frame if last is None else last,
        position=pb.Position(x=-8192, y=-16384),
        points=[0, 0, 16384, 0, 0, 32768],
        box=pb.Box(right=16384, bottom=32768),
        style=pb.Style(color=0xFF8000, opacity=255, width=364),
        mode=pb.STROKE_MODE_DRAW,
    )


@pytest.mark.parametrize("facts", VIDEOS, ids=str)
def test_a_marker_is_at_the_timecode_that_the_page_shows(facts: VideoFacts) -> None:
    frames = (0, 1, 34, 100, 249)
    clip = clip_of(writer.write(notes(facts, *(comment(n + 1, frame, "here") for n, frame in enumerate(frames)))))
    for marker, frame in zip(clip.markers, frames, strict=True):
        start = marker.marked_range.start_time
        assert start.rate == float(facts.rate)
        assert start.to_frames() == facts.origin.frames + frame
        if not (facts.start and start.to_frames() >= 24 * 3600 * round(facts.rate) - 10_000):
            assert otio.opentime.to_timecode(start, start.rate, facts.origin.drop_frame) == facts.label(frame)


def test_markers_of_23_976_are_at_whole_frames_of_the_clip() -> None:
    clip = clip_of(writer.write(notes(video(FILM, "01:00:00:00"), comment(1, 30, "from here", last=53))))
    (marker,) = clip.markers
    assert clip.source_range.start_time.to_timecode() == "01:00:00:00"
    assert marker.marked_range.start_time.to_timecode() == "01:00:01:06"
    assert marker.marked_range.duration.to_frames() == 24
    within = marker.marked_range.start_time - clip.source_range.start_time
    assert within.to_frames() == 30


def test_markers_of_29_97_drop_frame_jump_over_the_labels_that_are_left_out() -> None:
    facts = video(NTSC, "00:59:59;28")
    clip = clip_of(writer.write(notes(facts, comment(1, 1, "last of the hour"), comment(2, 1802, "a"))))
    assert [each.marked_range.start_time.to_frames() for each in clip.markers] == [107_891, 109_692]
    assert facts.label(1) == "00:59:59;29"


def test_a_timeline_says_where_it_begins_and_what_it_shows() -> None:
    timeline = parsed(writer.write(notes(video(NTSC, "01:00:00;00"), comment(1, 0, "x"))))
    assert timeline.name == "sh010"
    assert timeline.global_start_time.to_frames() == 107_892
    assert timeline.duration().to_frames() == 250
    (clip,) = timeline.find_clips()
    assert clip.media_reference.target_url == "sh010.mov"
    bounds = clip.media_reference.available_image_bounds
    assert (bounds.min.x, bounds.min.y, bounds.max.x, bounds.max.y) == (-8.0, -4.5, 8.0, 4.5)


def test_a_video_without_timecode_begins_at_zero() -> None:
    timeline = parsed(writer.write(notes(video(), comment(1, 12, "x"))))
    assert timeline.global_start_time is None
    (clip,) = timeline.find_clips()
    assert clip.markers[0].marked_range.start_time.to_frames() == 12


def test_a_marker_says_who_said_what() -> None:
    said = "Fix the edge\nand the matte"
    clip = clip_of(writer.write(notes(video(), comment(1, 3, said), comment(2, 3, "done", resolved=True))))
    first, second = clip.markers
    assert (first.name, first.comment, first.color) == ("Ann: Fix the edge and the matte", said, "RED")
    assert first.metadata["Resolve_OTIO"]["Note"] == said
    assert second.color == "GREEN"


def test_a_stroke_is_paint_in_ninths_of_the_picture_with_y_up() -> None:
    schemas = registered()
    (effect,) = clip_of(writer.write(notes(video(FILM, "01:00:00:00"), stroke(1, 10, 12)))).effects
    assert isinstance(effect, schemas["Annotation.1"])
    assert (effect.effect_name, effect.visible, effect.hold, effect.ghost) == ("Annotation.1", True, False, False)
    (paint,) = effect.layers
    assert isinstance(paint, schemas["Paint.2"])
    assert [(point.x, point.y) for point in paint.points] == [(-2.25, 4.5), (2.25, 4.5), (2.25, -4.5)]
    assert all(point.width == 364 * 9 / 32768 for point in paint.points)
    assert list(paint.rgba) == [1.0, 128 / 255, 0.0, 1.0]
    assert (paint.type, paint.brush, paint.id) == ("COLOR", "circle", "00000000-0000-0000-0000-000000000001")
    assert paint.layer_range.start_time.to_frames() == 86_400 + 10
    assert paint.layer_range.duration.to_frames() == 3


def test_pressure_is_the_width_of_points_and_an_eraser_erases() -> None:
    registered()
    pressed = stroke(1, 0)
    pressed.pressure = b"\x00\x80\xff"
    pressed.mode = pb.STROKE_MODE_ERASE
    clip = clip_of(writer.write(notes(video(), pressed)))
    (paint,) = clip.effects[0].layers
    assert [round(point.width * 32768 / 9, 1) for point in paint.points] == [91.0, 228.0, 364.0]
    assert paint.type == "ERASE"


def test_every_kind_of_drawing_has_all_the_fields_of_its_schema() -> None:
    schemas = registered()
    box = pb.Box(right=3000, bottom=2000)
    style = pb.Style(color=0xFFFFFF, opacity=255, width=90, fill=0x80000000, font_size=1000)
    drawn = [
        Annotation(id=key(kind), kind=kind, points=[0, 0, 5, 5][: 4 * (kind < 4)], box=box, style=style, text="w")
        for kind in ALL_KINDS[:-1]
    ]
    (effect,) = clip_of(writer.write(notes(video(), *drawn))).effects
    labels = ["Paint.2", "Line.1", "Arrow.1", "Rectangle.1", "Ellipse.1", "Text.1"]
    for layer, label in zip(effect.layers, labels, strict=True):
        assert isinstance(layer, schemas[label])
        written = json.loads(layer.to_json_string())
        assert {*FIELDS[label], "layer_range", "OTIO_SCHEMA"} == set(written)
    rectangle = effect.layers[3]
    assert rectangle.min.x < rectangle.max.x
    assert rectangle.min.y < rectangle.max.y
    assert list(rectangle.inner_color) == [0.0, 0.0, 0.0, 128 / 255]


@settings(max_examples=25, deadline=None)
@given(all_notes())
def test_notes_come_back_as_they_left(written: Notes) -> None:
    found = otio_reader.read(writer.write(written), written.video)
    assert (found.outside, found.left_out, found.video_id) == (0, [], 7)
    assert by_id(item.annotation for item in found.items) == by_id(written.annotations)


@settings(max_examples=25, deadline=None)
@given(all_notes())
def test_notes_come_back_as_they_left_when_the_library_has_read_and_written_them(written: Notes) -> None:
    registered()
    again = parsed(writer.write(written)).to_json_string().encode()
    found = otio_reader.read(again, written.video)
    assert by_id(item.annotation for item in found.items) == by_id(written.annotations)


def test_no_zero_character_cuts_a_text_off_in_programs_that_end_texts_there() -> None:
    clip = clip_of(writer.write(notes(video(), comment(1, 3, "be\0fore and after"))))
    assert clip.markers[0].comment == "be\ufffdfore and after"


def test_frames_of_variable_rate_leave_at_their_times_and_come_back() -> None:
    facts = video(Fraction(25), frame_count=5, numbers=(0, 1, 1, 4, 7))
    written = notes(facts, *(comment(frame + 1, frame, f"frame {frame}") for frame in range(5)))
    clip = clip_of(writer.write(written))
    assert [marker.marked_range.start_time.to_frames() for marker in clip.markers] == [0, 1, 1, 4, 7]
    assert clip.source_range.duration.to_frames() == 8
    found = otio_reader.read(writer.write(written), facts)
    assert [item.annotation.first_frame for item in found.items] == [0, 1, 2, 3, 4]


def test_what_another_program_changed_is_taken_from_what_the_file_shows() -> None:
    registered()
    timeline = parsed(writer.write(notes(video(), comment(1, 3, "old", tags=["vfx"]), stroke(2, 5))))
    (clip,) = timeline.find_clips()
    clip.markers[0].comment = "new"
    clip.markers[0].marked_range = otio.opentime.TimeRange(
        otio.opentime.RationalTime(8, FILM), duration=otio.opentime.RationalTime(2, FILM)
    )
    clip.effects[0].layers[0].points[2].y = -9.0
    found = otio_reader.read(timeline.to_json_string().encode(), video())
    said, drawn = (item.annotation for item in found.items)
    assert (said.text, said.first_frame, said.last_frame, list(said.tags), said.id) == ("new", 8, 9, ["vfx"], key(1))
    assert list(drawn.points) == [0, 0, 16384, 0, 0, 49152]
    assert drawn.box.bottom == 49152
    assert drawn.id == key(2)


# -- files of others ---------------------------------------------------------------------------------------------------


def foreign(*, rate: float = 24.0, clips: int = 1, name: str = "sh010") -> Any:
    """A timeline as an editing suite writes it, each clip with a marker on its 11th frame."""
    timeline = otio.schema.Timeline("edit")
    track = otio.schema.Track("V1", kind="Video")
    timeline.tracks.append(track)

    def time(value: float) -> Any:
        return otio.opentime.RationalTime(value, rate)

    for number in range(clips):
        media = otio.schema.ExternalReference(
            f"/media/{name}{number or ''}.mov", otio.opentime.TimeRange(time(0), time(250))
        )
        clip = otio.schema.Clip(f"{name}{number or ''}", media, otio.opentime.TimeRange(time(5), time(100)))
        clip.markers.append(otio.schema.Marker("Marker 1", otio.opentime.TimeRange(time(15), time(1)), comment="soft"))
        track.append(clip)
    return timeline


def read(timeline: Any, facts: VideoFacts, start: int | None = None) -> list[tuple[int, int, str]]:
    found = otio_reader.read(timeline.to_json_string().encode(), facts, start)
    return [(item.annotation.first_frame, item.annotation.last_frame, item.annotation.text) for item in found.items]


def test_a_rate_that_is_nearly_ours_counts_our_frames() -> None:
    for rate in (23.976, 23.98, 24.0):
        assert read(foreign(rate=rate), video()) == [(15, 15, "soft")]


def test_another_rate_is_converted_by_time() -> None:
    assert read(foreign(rate=48.0), video(Fraction(24))) == [(8, 8, "soft")]


def test_of_several_clips_the_one_that_shows_the_video_counts() -> None:
    assert read(foreign(clips=3), video(name="SH0102.mov")) == [(15, 15, "soft")]


def test_if_no_clip_shows_the_video_it_is_the_whole_timeline() -> None:
    assert read(foreign(clips=2), video(name="edit_v3.mov")) == [(10, 10, "soft"), (110, 110, "soft")]


def test_markers_of_the_timeline_count_from_its_start_or_from_zero() -> None:
    for offset in (0, 86_400):
        timeline = foreign(clips=2)
        timeline.global_start_time = otio.opentime.RationalTime(86_400, 24)
        for clip in timeline.find_clips():
            clip.markers.clear()
        span = otio.opentime.TimeRange(otio.opentime.RationalTime(offset + 42, 24), otio.opentime.RationalTime(3, 24))
        timeline.tracks.markers.append(otio.schema.Marker("Look", span))
        assert read(timeline, video(name="edit.mov")) == [(42, 44, "Look")]
        assert read(timeline, video(name="edit.mov"), start=86_400 + 40) == [(2, 4, "Look")]
        # On the second clip the video's frames are those of its source.
        assert read(timeline, video(name="sh0101.mov")) == []
        assert read(timeline, video(name="sh010.mov")) == [(47, 49, "Look")]


def test_markers_outside_the_video_are_counted() -> None:
    found = otio_reader.read(foreign().to_json_string().encode(), video(frame_count=10))
    assert (found.items, found.outside) == ([], 1)


def test_a_resolve_note_is_the_words_of_a_marker() -> None:
    timeline = foreign()
    (clip,) = timeline.find_clips()
    clip.markers[0].comment = ""
    clip.markers[0].metadata["Resolve_OTIO"] = {"Note": "fringing"}
    assert read(timeline, video()) == [(15, 15, "fringing")]
    clip.markers[0].name = "VFX"
    assert read(timeline, video()) == [(15, 15, "VFX: fringing")]


def rv_clip(layers: list[Any], *, bounds: bool = True) -> Any:
    schemas = registered()
    timeline = foreign()
    (clip,) = timeline.find_clips()
    clip.markers.clear()
    if bounds:
        low, high = otio.schema.V2d(-0.5, -0.5), otio.schema.V2d(0.5, 0.5)
        clip.media_reference.available_image_bounds = otio.schema.Box2d(low, high)
    effect = schemas["Annotation.1"]()
    effect.layers = layers
    clip.effects.append(effect)
    return timeline


def rv_paint(count: int = 3, **fields: Any) -> Any:
    schemas = registered()
    paint = schemas["Paint.2"]()
    points = []
    for at in range(count):
        point = schemas["Point.1"]()
        point.x, point.y, point.width = 0.25, at / 4, 0.01
        points.append(point)
    time = otio.opentime.RationalTime(20, 24)
    values = {
        "points": points, "rgba": [1.0, 0.0, 0.0, 0.5], "type": "COLOR", "brush": "gauss", "visible": True,
        "id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
        "layer_range": otio.opentime.TimeRange(time, otio.opentime.RationalTime(1, 24)),
    }  # fmt: skip
    for name, value in (values | fields).items():
        setattr(paint, name, value)
    return paint


def test_paint_of_rv_becomes_a_stroke_by_the_bounds_of_its_media() -> None:
    (item,) = otio_reader.read(rv_clip([rv_paint()]).to_json_string().encode(), video()).items
    drawn = item.annotation
    assert drawn.id == bytes.fromhex("a1b2c3d4e5f67890abcdef1234567890")
    assert (drawn.kind, drawn.first_frame, drawn.mode) == (pb.ANNOTATION_KIND_STROKE, 20, pb.STROKE_MODE_DRAW)
    assert (drawn.position.x, drawn.position.y) == (8192, 0)
    assert list(drawn.points) == [0, 0, 0, -8192, 0, -8192]
    assert (drawn.style.color, drawn.style.opacity, drawn.style.width) == (0xFF0000, 128, 328)
    assert drawn.pressure == b""


def test_without_bounds_sixteen_is_the_width_of_the_picture() -> None:
    facts = VideoFacts(7, "sh010.mov", FILM, 250, 1024, 1024)
    (item,) = otio_reader.read(rv_clip([rv_paint()], bounds=False).to_json_string().encode(), facts).items
    assert item.annotation.position.x == 0.25 * 32768 / 16


def test_a_stroke_of_too_many_points_becomes_several_that_meet() -> None:
    found = otio_reader.read(rv_clip([rv_paint(4500)]).to_json_string().encode(), video())
    counts = [len(item.annotation.points) // 2 for item in found.items]
    assert found.left_out == []
    assert sum(counts) == 4500 + len(counts) - 1
    assert max(counts) <= 2000


def test_layers_that_were_taken_back_are_left_out_and_unknown_ones_are_named() -> None:
    schemas = registered()
    gone, hidden = rv_paint(soft_deleted=True), rv_paint(visible=False)
    empty = rv_paint(0)
    strange = schemas["Position.1"]()
    strange.x = strange.y = 0.0
    layers = [gone, hidden, empty, strange, rv_paint(rgba=[1.0])]
    found = otio_reader.read(rv_clip(layers).to_json_string().encode(), video())
    assert found.items == []
    assert len(found.left_out) == 3
    assert "without points" in found.left_out[0]


def test_labels_of_the_start_are_those_of_the_video() -> None:
    for facts in VIDEOS:
        assert facts.label(0) == format_timecode(facts.origin.frames, facts.rate, facts.origin.drop_frame)


def test_for_programs_without_the_schemas_the_drawings_are_in_the_metadata() -> None:
    data = writer.write_plain(notes(video(), comment(1, 3, "x"), stroke(2, 5)))
    assert json.loads(data)["tracks"]["children"][0]["children"][0]["effects"] == []
    again = parsed(data).to_json_string().encode()
    assert [item.annotation for item in otio_reader.read(again, video()).items] == [comment(1, 3, "x"), stroke(2, 5)]
