"""Random ids."""

import re

from mesh.ids import new_id


def test_ids_fit_urls_files_and_metadata_and_differ() -> None:
    ids = {new_id() for _ in range(1_000)}
    assert len(ids) == 1_000
    assert all(re.fullmatch(r"[a-z2-7]{26}", one) for one in ids)
