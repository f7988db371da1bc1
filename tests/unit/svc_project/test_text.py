"""What people type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc_project.core import text
from svc_project.core.errors import InvalidField, NotADecision


def test_a_name_is_stripped_and_composed() -> None:
    assert text.clean_name("  Sho\u0301t 10 ") == "Sh\u00f3t 10"


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "a\0b", "x" * 257, "evil\u202ename", "a\u2028b"])
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(InvalidField) as refused:
        text.clean_name(name, "project.name")
    assert refused.value.metadata["field"] == "project.name"


def test_a_name_of_256_characters_is_taken() -> None:
    assert text.clean_name("\u5b57" * 256) == "\u5b57" * 256


@given(st.text(max_size=600))
def test_any_file_name_gives_a_name_that_is_taken(file_name: str) -> None:
    name = text.file_name(file_name)
    if name:
        assert text.clean_name(name) == name
    assert len(name) <= text.NAME_CHARACTERS


def test_an_address_is_compared_in_any_case() -> None:
    assert text.clean_email(" Ann@Example.COM ") == "ann@example.com"


@pytest.mark.parametrize("email", ["", "ann", "@x", "ann@", "a b@c", "a@b@c", "a@" + "b" * 300, "a\0@b"])
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(InvalidField):
        text.clean_email(email)


def test_a_password_is_neither_too_short_nor_too_long() -> None:
    for password in ("", "1234567", "x" * 1025, "\u5b57" * 400):
        with pytest.raises(InvalidField):
            text.check_password(password)
    assert text.check_password("12345678") == "12345678"


def test_a_colour_has_24_bits() -> None:
    assert text.check_color(0xFFFFFF) == 0xFFFFFF
    for color in (-1, 0x1000000):
        with pytest.raises(InvalidField):
            text.check_color(color)


def test_a_new_persons_colour_is_of_the_palette() -> None:
    assert text.color_of(len(text.PALETTE) + 1) == text.PALETTE[1]


def test_tags_are_sorted_and_each_is_there_once() -> None:
    assert text.clean_tags(["b", " a", "b"]) == ("a", "b")


def test_tags_have_limits() -> None:
    for tags in (["x" * 65], ["\u5b57" * 22], [str(number) for number in range(33)], [""]):
        with pytest.raises(InvalidField):
            text.clean_tags(tags)
    assert len(text.clean_tags(str(number) for number in range(32))) == 32


def test_a_status_is_one_of_the_projects() -> None:
    assert text.check_status("", text.STATUSES) == "wip"
    for status in text.STATUSES:
        assert text.check_status(status, text.STATUSES) == status
    assert text.check_status("", ("open", "done")) == "open"
    with pytest.raises(InvalidField):
        text.check_status("done", text.STATUSES)


def test_who_only_approves_decides_with_the_usual_words_or_where_there_are_none_with_those_of_the_project() -> None:
    assert text.check_decision("approved", text.STATUSES) == "approved"
    assert text.check_decision("shot", ("open", "shot")) == "shot"
    for status, statuses in (
        ("final", text.STATUSES),
        ("", text.STATUSES),
        ("", ("open",)),
        ("open", ("open", "retake")),
    ):
        with pytest.raises(NotADecision):
            text.check_decision(status, statuses)


def test_statuses_have_limits() -> None:
    assert text.clean_statuses([" b", "a"]) == ("b", "a")
    for statuses in ([], ["a", "a "], [""], ["x" * 65], [str(number) for number in range(33)]):
        with pytest.raises(InvalidField):
            text.clean_statuses(statuses)


def test_a_setting_has_a_plain_name_and_holds_json() -> None:
    for name in ("keys", "read/12", "views/1_a-b.C", "x" * 100):
        assert text.check_setting_name(name) == name
    for name in ("", "a b", "x" * 101, "\u00e9", "a\n"):
        with pytest.raises(InvalidField):
            text.check_setting_name(name)
    for value in ("", "{}", '"\u5b57"', "1"):
        assert text.check_setting(value) == value
    for value in ("{", "x" * 65_537, "[" * 60_000):
        with pytest.raises(InvalidField):
            text.check_setting(value)


def test_a_request_id_is_visible_ascii() -> None:
    assert text.check_request_id("") == ""
    assert text.check_request_id("x" * 128) == "x" * 128
    for request_id in ("x" * 129, "a b", "\u00e9", "a\n"):
        with pytest.raises(InvalidField):
            text.check_request_id(request_id)


def test_a_request_id_that_proves_something_is_long() -> None:
    with pytest.raises(InvalidField):
        text.check_request_id("1", least=16)
    assert text.check_request_id("", least=16) == ""


def test_what_can_be_no_id_is_told() -> None:
    assert text.is_id("abc234")
    for value in ("", "A", "a\0", "a" * 65, "../x"):
        assert not text.is_id(value)


def test_a_query_is_words_in_any_case() -> None:
    assert text.search_words("  Hero\tSHOT ") == ("hero", "shot")
    assert text.search_words("") == ()
    for query in ("x" * 257, " ".join(["w"] * 17)):
        with pytest.raises(InvalidField):
            text.search_words(query)


def test_a_word_does_not_reach_over_two_tags() -> None:
    assert "ab" not in text.search_text("x", ["a", "b"])
    assert "stra\u00dfe".casefold() in text.search_text("STRASSE", [])
