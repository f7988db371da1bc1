"""What is moved together."""

from types import SimpleNamespace
from typing import cast

import pytest

from svc_version.core.model import Version
from svc_version.mover import cut


@pytest.mark.parametrize(
    ("sizes", "groups"),
    [
        ([], []),
        ([4, 4, 4], [[4, 4], [4]]),
        ([10, 1], [[10], [1]]),
        ([1, 99, 1, 0, 9], [[1], [99], [1, 0, 9]]),
        ([0, 0, 0], [[0, 0, 0]]),
    ],
)
def test_versions_are_moved_together_up_to_so_many_bytes_and_a_larger_one_alone(
    sizes: list[int], groups: list[list[int]]
) -> None:
    versions = [cast(Version, SimpleNamespace(version_id=number)) for number in range(len(sizes))]
    found = cut(versions, dict(enumerate(sizes)), 10)
    assert [[sizes[each.version_id] for each in group] for group in found] == groups
