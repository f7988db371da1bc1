"""Text edits: what they do, what undoes them, and that two that cross each other meet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.annotation.v1.operation_pb2 import TextPiece
from rushes.document import text
from rushes.document.refusal import Refuse
from tests.unit.rushes.strategies import edits_of, texts


def is_canonical(edit: text.Edit) -> bool:
    return text.from_pieces(text.to_pieces(edit)) == edit


@given(st.data())
def test_edits_that_cross_each_other_end_in_one_text(data: st.DataObject) -> None:
    before = data.draw(texts)
    landed, later = data.draw(edits_of(before)), data.draw(edits_of(before))
    landed_moved, later_moved = text.transform(landed, later)
    one = text.apply(text.apply(before, landed), later_moved)
    assert one == text.apply(text.apply(before, later), landed_moved)
    assert is_canonical(landed_moved)
    assert is_canonical(later_moved)


@given(st.data())
def test_one_edit_does_what_two_do_one_after_the_other(data: st.DataObject) -> None:
    before = data.draw(texts)
    first = data.draw(edits_of(before))
    between = text.apply(before, first)
    second = data.draw(edits_of(between))
    both = text.compose(first, second)
    assert text.apply(before, both) == text.apply(between, second)
    assert is_canonical(both)
    assert text.length_before(both) == len(before)


@given(st.data())
def test_the_inverse_gives_the_text_back(data: st.DataObject) -> None:
    before = data.draw(texts)
    edit = data.draw(edits_of(before))
    inverse = text.invert(edit, before)
    assert text.apply(text.apply(before, edit), inverse) == before
    assert is_canonical(inverse)


@given(texts, texts)
def test_the_edit_between_two_texts_leads_from_one_to_the_other(before: str, after: str) -> None:
    edit = text.diff(before, after)
    assert text.apply(before, edit) == after
    assert is_canonical(edit)
    assert len(edit) <= 4
    assert text.changes_nothing(edit) == (before == after)


@given(st.data())
def test_the_parts_of_an_edit_do_what_it_does_and_none_is_too_large(data: st.DataObject) -> None:
    before = data.draw(texts)
    edit = data.draw(edits_of(before))
    after = before
    for part in text.split(edit, 4, 4):
        assert text.inserted_bytes(part) <= 4
        assert len(part) <= 4
        assert is_canonical(part)
        after = text.apply(after, part)
    assert after == text.apply(before, edit)


@given(st.data())
def test_lengths_are_those_of_the_texts(data: st.DataObject) -> None:
    before = data.draw(texts)
    edit = data.draw(edits_of(before))
    assert text.length_before(edit) == len(before)
    assert text.length_after(edit) == len(text.apply(before, edit))


def test_at_one_place_the_text_that_landed_first_stands_first() -> None:
    _, later = text.transform([1, "A", 1], [1, "B", 1])
    assert text.apply("xAy", later) == "xABy"


def test_an_insertion_is_kept_where_others_took_out_what_was_round_it() -> None:
    _, later = text.transform([1, -2, 1], [2, "B", 2])
    assert text.apply("xy", later) == "xBy"


@pytest.mark.parametrize(
    "pieces", [[TextPiece()], [TextPiece(delete=0)], [TextPiece(insert="a"), TextPiece(insert="b")]]
)
def test_what_is_not_canonical_is_refused(pieces: list[TextPiece]) -> None:
    with pytest.raises(Refuse, match="INVALID_EDIT"):
        text.from_pieces(pieces)


def test_an_edit_that_does_not_span_the_text_is_refused() -> None:
    for short_or_long in ([2], [4], [-4], []):
        with pytest.raises(text.Mismatch):
            text.apply("abc", short_or_long)  # type: ignore[arg-type]
    with pytest.raises(text.Mismatch):
        text.transform([3], [2])
    with pytest.raises(text.Mismatch):
        text.compose([3], [2])


def test_half_a_pair_is_found() -> None:
    assert text.has_surrogate("a\ud83c")
    assert not text.has_surrogate("a🎬")
