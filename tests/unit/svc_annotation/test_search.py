"""What a person types, and which notes it finds."""

import pytest

from rushes.annotation.v1.annotation_pb2 import ANNOTATION_KIND_ARROW, ANNOTATION_KIND_COMMENT, Annotation
from svc_annotation.core.search import MAX_QUERY, QueryInvalid, parse

NOTE = Annotation(
    kind=ANNOTATION_KIND_COMMENT,
    author_id="p1",
    first_frame=100,
    last_frame=120,
    text="Die FARBE ist zu blau: 颜色太蓝, もっと赤く",
    tags=["Colour", "priority:high"],
    created_ms=1_795_132_800_000,  # 2026-11-20
)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "farbe",
        "BLAU farbe",
        "色",
        "太蓝",
        "赤く",
        "high",
        '"zu blau"',
        "frame:100",
        "frame:1-100",
        "frame:120-999 blau",
        "author:ann",
        "tag:colour",
        "TAG:COLOUR farbe",
        'tag:"priority:high"',
        "kind:comment",
        "kind:arrow kind:comment",
        "before:2026-11-21",
        "after:2026-11-19",
        "is:open",
        "author:nobody author:ann",
        "frame:",
    ],
)
def test_a_note_is_found(typed: str) -> None:
    assert parse(typed).matches(NOTE, {"p1"})


@pytest.mark.parametrize(
    "typed",
    ["rot", "blau rot", "蓝色", '"blau zu"', "frame:99", "frame:121-130", "tag:col", "kind:arrow", "before:2026-11-20",
     "after:2026-11-20", "is:resolved", "nothing:blau"],
)  # fmt: skip
def test_a_note_that_lacks_one_thing_is_not_found(typed: str) -> None:
    assert not parse(typed).matches(NOTE, {"p1"})


@pytest.mark.parametrize(
    ("typed", "text"),
    [("café", "cafe\u0301"), ("cafe\u0301", "Café"), ("하늘", "하늘"), ("カラー", "ｶﾗｰ"), ("ｃｕｔ", "cut 3"),
     ("STRASSE", "Straße"), ("i\u0307", "İ")],
)  # fmt: skip
def test_how_a_text_was_typed_makes_no_difference(typed: str, text: str) -> None:
    assert parse(typed).matches(Annotation(text=text), set())


def test_an_author_is_found_by_id_or_part_of_the_name() -> None:
    query = parse("author:ANN author:p7")
    assert query.means_author("p1", "Joanna Berg")
    assert query.means_author("p7", "Zoe")
    assert not query.means_author("p8", "Zoe")
    assert not query.matches(NOTE, set())


def test_a_word_with_a_colon_is_a_word() -> None:
    assert parse("12:34").words == ["12:34"]
    assert parse("kind:arrow").kinds == [ANNOTATION_KIND_ARROW]


@pytest.mark.parametrize(
    "typed",
    ["frame:x", "frame:9-1", "frame:99999999999", "frame:4294967296", "kind:thing", "kind:unspecified", "is:late",
     "before:yesterday", "after:2026-13-01", "after:9999-12-31", "x" * (MAX_QUERY + 1)],
)  # fmt: skip
def test_what_cannot_be_understood_is_said(typed: str) -> None:
    with pytest.raises(QueryInvalid):
        parse(typed)
