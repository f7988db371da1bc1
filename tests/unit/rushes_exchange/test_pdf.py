"""The sheet of notes: which frames it has, what it says, and how drawings are put on paper."""

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from rushes.annotation.v1 import annotation_pb2 as pb
from rushes.exchange import ink
from rushes.exchange.notes import Notes
from rushes.exchange.pdf import Fonts, write
from rushes.exchange.shape import encode
from rushes.exchange.sheet import MAX_FRAMES, Head, Sheet, sheet
from rushes.type.v1.access_pb2 import AUDIENCE_INTERNAL
from tests.unit.rushes_exchange import pdf_text
from tests.unit.rushes_exchange.sample import ANN, BEN, all_notes, comment, key, notes, video

FRAME = ink.Frame(0, 0, 1920, 1080)


def drawing(number: int, kind: "pb.AnnotationKind.ValueType", *places: tuple[int, int], **more: Any) -> pb.Annotation:
    fields = {"first_frame": 4, "last_frame": 4, "style": pb.Style(color=0xFF0000, opacity=255, width=303), **more}
    made = pb.Annotation(id=key(number), kind=kind, author_id=ANN, **fields)
    made.points.extend(encode(list(places)))
    return made


def stroke(number: int, *places: tuple[int, int], **more: Any) -> pb.Annotation:
    return drawing(number, pb.ANNOTATION_KIND_STROKE, *places, **more)


def paper(*annotations: pb.Annotation, head: Head | None = None) -> bytes:
    return write(
        sheet(head or Head(), notes(video(start="01:00:00:00"), *annotations)), lambda frame: None, Fonts()
    ).data


def test_a_frame_has_all_that_was_said_and_drawn_on_it_in_order() -> None:
    reply = comment(2, 9, "reply", parent_id=key(1))
    made = sheet(
        Head(),
        notes(
            video(),
            reply,
            comment(3, 3, "early"),
            stroke(5, (0, 0), first_frame=2, last_frame=9),
            comment(1, 9, "root"),
            stroke(6, (0, 0), first_frame=9, last_frame=20),
        ),
    )
    assert [(entry.frame, [each.id for each in entry.drawings]) for entry in made.entries] == [
        (2, [key(5)]),
        (3, [key(5)]),
        (9, [key(5), key(6)]),
    ]
    (thread,) = made.entries[2].threads
    assert (thread.comment.text, [each.text for each in thread.replies]) == ("root", ["reply"])


def test_a_reply_whose_comment_may_not_be_read_stands_for_itself() -> None:
    made = sheet(Head(), notes(video(), comment(2, 9, "reply", parent_id=key(1))))
    assert [thread.comment.text for entry in made.entries for thread in entry.threads] == ["reply"]


def test_a_sheet_of_too_many_frames_says_how_many_it_leaves_out() -> None:
    many = notes(video(frame_count=5000), *(comment(number, number, "x") for number in range(MAX_FRAMES + 7)))
    made = sheet(Head(), many)
    assert (len(made.entries), made.left_out) == (MAX_FRAMES, 7)
    short = Sheet(made.head, made.notes, made.entries[:1], made.left_out)
    assert "7 more frames have notes" in pdf_text.said(write(short, lambda frame: None, Fonts()).data)


def test_the_paper_says_what_when_who_and_where() -> None:
    head = Head("Feature", "Shot 010", "v3", "Ada", "2026-01-02 03:04 UTC", 1001, True)
    said = pdf_text.said(
        paper(
            comment(1, 12, "More sky (please)", tags=("grade",), last=14, audience=AUDIENCE_INTERNAL),
            comment(2, 12, "Done", BEN, parent_id=key(1)),
            comment(3, 30, "Settled", resolved=True),
            head=head,
        )
    )
    for words in ("Feature", "Shot 010", "v3", "Ada", "2026-01-02 03:04 UTC", "with internal notes", "sh010.mov"):
        assert words in said
    for words in ("01:00:00:12", "frame 1013", "More sky (please)", "#grade", "to 01:00:00:14", "internal", "Ann"):
        assert words in said
    for words in ("Done", "Ben", "Settled", "resolved", "2 comments, 1 open", "2023-11-14 22:13 UTC"):
        assert words in said


def test_a_long_note_goes_on_over_the_page_and_loses_nothing() -> None:
    words = " ".join(f"word{number}" for number in range(1500))
    data = paper(comment(1, 12, words), comment(2, 13, "the next frame"))
    assert len(pdf_text.pages(data)) > 2
    said = pdf_text.said(data)
    assert all(f"word{number}" in said for number in range(1500))
    assert "the next frame" in said


def test_letters_that_no_font_has_are_said_to_be_missing() -> None:
    written = write(sheet(Head(), notes(video(), comment(1, 3, "sky 天空 \x07ok"))), lambda frame: None, Fonts())
    assert written.unknown == "天空"
    said = pdf_text.said(written.data)
    assert "sky ?? ok" in said
    assert "Some letters are in no font" in said


def test_nothing_to_say_is_said() -> None:
    assert "There are no notes." in pdf_text.said(paper())


@given(all_notes())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_was_drawn_gives_a_file(drawn: Notes) -> None:
    written = write(sheet(Head(), drawn), lambda frame: None, Fonts())
    assert written.data.startswith(b"%PDF-")


# -- drawings ----------------------------------------------------------------------------------------------------------


def test_a_line_is_where_it_was_drawn_in_its_colour_and_width() -> None:
    operators = ink.strokes(drawing(1, pb.ANNOTATION_KIND_LINE, (0, 0), (16384, -16384)), FRAME)
    assert operators.splitlines() == [
        "1 J 1 j",
        "1.000 0.000 0.000 RG",
        "9.987 w",
        "960.00 540.00 m 1500.00 1080.00 l",
        "S",
    ]


def test_an_arrow_has_its_head_at_its_second_point() -> None:
    head = ink.strokes(drawing(1, pb.ANNOTATION_KIND_ARROW, (-9000, 0), (0, 0)), FRAME).splitlines()[4]
    assert " 960.00 540.00 l " in head
    sides = [float(x) for x in re.findall(r"([\d.]+) [\d.]+ [ml]", head)]
    assert max(sides) == 960.0
    assert min(sides) == pytest.approx(960 - 1212 * 1080 / 32768, abs=0.01)


@pytest.mark.parametrize("kind", [pb.ANNOTATION_KIND_RECT, pb.ANNOTATION_KIND_ELLIPSE])
def test_what_has_a_fill_is_filled_and_edged(kind: "pb.AnnotationKind.ValueType") -> None:
    box = pb.Box(left=-100, top=-100, right=100, bottom=100)
    style = pb.Style(color=0xFF, opacity=255, width=50, fill=0x8000FF00)
    shape = drawing(1, kind, box=box, style=style)
    assert ink.filling(shape, FRAME).splitlines()[0] == "0.000 1.000 0.000 rg"
    assert ink.strokes(shape, FRAME).endswith("S")
    assert ink.filling(stroke(2, (0, 0)), FRAME) == ""


def test_the_outline_of_a_pressed_stroke_is_wound_one_way() -> None:
    """Else discs and bands would cut each other out where they overlap."""
    outline = ink.pressed(stroke(1, (0, 0), (9000, 4000), (0, 9000), pressure=bytes((255, 90, 0))), FRAME)
    for path in outline:
        numbers = [float(each) for each in re.findall(r"-?[\d.]+", path)]
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        area = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(points, [*points[1:], points[0]], strict=True))
        assert area > 0


def test_an_eraser_shows_the_still_again_and_what_is_drawn_later_stays() -> None:
    def still(frame: int) -> bytes | None:
        return JPEG

    erased = stroke(2, (0, 0), (100, 100), mode=pb.STROKE_MODE_ERASE)
    made = sheet(Head(), notes(video(), stroke(1, (0, 0), (5, 5)), erased, stroke(3, (0, 0), (9, 9))))
    (page,) = pdf_text.pages(write(made, still, Fonts()).data)
    parts = page.split(b" Do")
    assert len(parts) == 3
    before, between, after = parts
    assert b"RG" not in before.rpartition(b"q")[2]
    assert b"W n" in between
    assert between.count(b"\nS\n") == after.count(b"\nS\n") == 1


JPEG = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb004300"
    + "03" * 64
    + "ffc0000b080001000101011100ffc4001400010000000000000000000000000000000009"
    + "ffc40014100100000000000000000000000000000000ffda0008010100003f002a9fffd9"
)
