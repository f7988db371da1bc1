"""The first password."""

from svc_project.core import password


def test_a_readable_password_has_four_groups_of_five() -> None:
    assert password.readable(bytes(range(20))) == "23456-789ab-cdefg-hijkm"


def test_its_alphabet_has_no_characters_that_look_alike() -> None:
    assert len(set(password.ALPHABET)) == 32
    assert not set("01loOI") & set(password.ALPHABET)
