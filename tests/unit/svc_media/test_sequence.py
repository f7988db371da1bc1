"""Archives of numbered pictures: order, gaps, and what is refused before a byte is taken out."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import InvalidArgument
from svc_media.core.error import ArchiveUnsafe, MediaTooLong, SequenceBroken
from svc_media.core.sequence import Entry, Plan, plan_sequence


def plan(*names: str) -> Plan:
    return plan_sequence([Entry(name, 1000, 900) for name in names])


def test_pictures_go_by_their_number_however_it_is_written() -> None:
    found = plan("a/s_10.png", "a/s_9.png", "a/s_8.png")
    assert found == Plan(("a/s_8.png", "a/s_9.png", "a/s_10.png"), 8, ())
    assert plan("sh010.0002.jpg", "sh010.0001.jpeg").names == ("sh010.0001.jpeg", "sh010.0002.jpg")


def test_the_picture_before_is_held_where_numbers_are_missing_and_that_is_said() -> None:
    found = plan("s.1001.png", "s.1002.png", "s.1005.png", "s.1006.png", "s.1008.png")
    assert [name[2:6] for name in found.names] == ["1001", "1002", "1002", "1002", "1005", "1006", "1006", "1008"]
    assert found.first_number == 1001
    assert found.remarks == ("3 numbers are missing, where the picture before is held: 1003-1004, 1007.",)


def test_what_systems_leave_in_archives_is_passed_over_and_other_files_are_counted() -> None:
    found = plan("s.1.png", "s.2.png", "__MACOSX/._s.1.png", ".DS_Store", "x/Thumbs.db", "read me.txt")
    assert found.names == ("s.1.png", "s.2.png")
    assert found.remarks == ("Other files in the archive were left out: 1.",)


@pytest.mark.parametrize(
    ("names", "word"),
    [
        (["letter.txt"], "no pictures"),
        (["s.1.exr", "s.2.exr"], "exr"),
        (["s.1.png", "s.2.jpg"], "one kind"),
        (["s.1.png", "s.01.png"], "Two pictures"),
        (["a.1.png", "b.2.png"], "several sequences"),
        (["logo.png"], "no number"),
        (["s.1.png", "s.9.png"], "more are missing"),
        (["[Content_Types].xml", "word/media/image1.png"], "office document"),
    ],
)
def test_what_is_no_sequence_is_refused_in_words(names: list[str], word: str) -> None:
    with pytest.raises(SequenceBroken, match=word):
        plan(*names)


@pytest.mark.parametrize(
    "name", ["/etc/a.1.png", "../a.1.png", "a/../../b.1.png", "..\\a.1.png", "C:\\a.1.png", "a\0.1.png"]
)
def test_names_that_lead_out_of_the_archive_are_refused(name: str) -> None:
    with pytest.raises(ArchiveUnsafe):
        plan("s.1.png", name)


def test_archives_that_grow_beyond_measure_are_refused() -> None:
    with pytest.raises(ArchiveUnsafe, match="200 times"):
        plan_sequence([Entry(f"s.{number}.png", 900 << 20, 1000) for number in range(3)])
    with pytest.raises(ArchiveUnsafe, match="1 GB"):
        plan_sequence([Entry("s.1.png", 2 << 30, 2 << 30)])
    # Flat pictures become small, which is no harm.
    assert plan_sequence([Entry(f"s.{number}.png", 100_000, 300) for number in range(3)]).names
    with pytest.raises(MediaTooLong):
        plan("s.1.png", "s.200000.png")


@given(st.lists(st.text(max_size=12).map(lambda name: f"{name}.png"), max_size=6))
def test_any_names_are_a_sequence_or_refused(names: list[str]) -> None:
    with contextlib.suppress(InvalidArgument):
        found = plan(*names)
        assert set(found.names) <= set(names)
