"""Page tokens."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc_project.core import page
from svc_project.core.errors import InvalidField, InvalidPageToken


@given(st.text(), st.integers(0, 2**63 - 1))
def test_a_token_leads_to_the_row_it_was_made_of(name: str, number: int) -> None:
    token = page.token("list", (name, number))
    assert page.parse(7, token, "list", (str, int)) == page.Page(7, (name, number))


def test_without_a_token_the_first_page_of_a_hundred_is_meant() -> None:
    assert page.parse(0, "", "list", (str,)) == page.Page(100, None)


def test_a_page_has_a_thousand_rows_at_most() -> None:
    assert page.parse(1000, "", "list", (str,)).size == 1000
    for size in (-1, 1001):
        with pytest.raises(InvalidField):
            page.parse(size, "", "list", (str,))


def test_a_token_of_another_list_is_refused() -> None:
    with pytest.raises(InvalidPageToken):
        page.parse(0, page.token("projects/a", ("x", 1)), "projects/b", (str, int))


@given(st.text(max_size=80))
def test_anything_else_is_refused(token: str) -> None:
    if token:
        with pytest.raises(InvalidPageToken):
            page.parse(0, token, "list", (str, int))


@pytest.mark.parametrize("key", [["x"], ["x", "1"], [1, 1], ["x", True], ["x", -1], ["x", 2**63], ["x", 1, 1]])
def test_a_token_of_another_shape_is_refused(key: list[object]) -> None:
    digest = json.loads(base64.urlsafe_b64decode(page.token("list", ()) + "=="))[0]
    forged = base64.urlsafe_b64encode(json.dumps([digest, *key]).encode()).decode().rstrip("=")
    with pytest.raises(InvalidPageToken):
        page.parse(0, forged, "list", (str, int))


def test_a_very_long_token_is_refused_unread() -> None:
    with pytest.raises(InvalidPageToken):
        page.parse(0, "A" * 5000, "list", (str,))
