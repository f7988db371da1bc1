"""What two versions have in common."""

from svc_version.core.tree import common_ancestor

#  1 - 2 - 3 - 6
#       \- 4 - 5 (5 merges 3)        7 stands alone
TREE = {1: (), 2: (1,), 3: (2,), 4: (2,), 5: (4, 3), 6: (3,), 7: ()}


def test_the_newest_that_both_are_built_on_is_found() -> None:
    assert common_ancestor(TREE, 3, 4) == 2
    assert common_ancestor(TREE, 6, 4) == 2
    assert common_ancestor(TREE, 6, 5) == 3
    assert common_ancestor(TREE, 2, 6) == 2
    assert common_ancestor(TREE, 5, 5) == 5
    assert common_ancestor(TREE, 7, 6) == 0
    assert common_ancestor(TREE, 99, 6) == 0
