"""The tree of versions: which one two of them have in common."""

from collections.abc import Mapping

Parents = Mapping[int, tuple[int, ...]]
"""Version -> what it follows: its base, and what was merged into it. In the order in which they were committed."""


def common_ancestor(parents: Parents, first: int, second: int) -> int:
    """The newest version that both are built on, itself included; 0: there is none."""
    order = {version_id: number for number, version_id in enumerate(parents)}
    common = _ancestors(parents, first) & _ancestors(parents, second)
    return max(common & order.keys(), key=order.__getitem__, default=0)


def _ancestors(parents: Parents, version_id: int) -> set[int]:
    found: set[int] = set()
    waiting = [version_id]
    while waiting:
        at = waiting.pop()
        if at and at not in found:
            found.add(at)
            waiting.extend(parents.get(at, ()))
    return found
