"""The tree of versions: which one two of them have in common."""

from collections.abc import Mapping

Parents = Mapping[int, tuple[int, ...]]
"""Version -> what it follows: its base, and what was merged into it."""


def common_ancestor(parents: Parents, first: int, second: int) -> int:
    """The newest version that both are built on, itself included; 0: there is none.

    Ids grow with time, so of the common ones the largest is the newest.
    """
    return max(_ancestors(parents, first) & _ancestors(parents, second), default=0)


def _ancestors(parents: Parents, version_id: int) -> set[int]:
    found: set[int] = set()
    waiting = [version_id]
    while waiting:
        at = waiting.pop()
        if at and at not in found:
            found.add(at)
            waiting.extend(parents.get(at, ()))
    return found
