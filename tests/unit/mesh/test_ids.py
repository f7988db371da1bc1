"""Random ids."""

import re

from mesh.ids import family, new_id, relative


def test_ids_fit_urls_files_and_metadata_and_differ() -> None:
    ids = {new_id() for _ in range(1_000)}
    assert len(ids) == 1_000
    assert all(re.fullmatch(r"[a-z2-7]{26}", one) for one in ids)


def test_relatives_are_as_other_ids_are_and_have_one_family() -> None:
    room = new_id()
    one, other = relative(room, "ada", 1, 0), relative(room, "ada", 1, 1)
    assert relative(room, "ada", 1, 0) == one != other
    assert {family(each) for each in (room, one, other)} == {room[:13]}
    assert all(re.fullmatch("[a-z2-7]{26}", each) for each in (one, other))
