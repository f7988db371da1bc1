"""The judge of faults judges: what breaks a promise is found."""

import pytest

from tests.history_checker import Watch, Write, check_watch, order_of

A, B = b"a", b"b"


def write(batch: tuple[bytes, int], revision: int, begun_s: float, ended_s: float) -> Write:
    return Write(batch, begun_s, ended_s, revision)


def test_batches_that_overlap_may_land_in_any_order() -> None:
    assert order_of([write((A, 1), 2, 0, 9), write((B, 1), 1, 5, 6)]) == [(B, 1), (A, 1)]
    assert order_of([write((A, 1), 1, 0, 9), write((B, 1), 2, 5, 6)]) == [(A, 1), (B, 1)]


@pytest.mark.parametrize(
    ("writes", "why"),
    [
        ([write((A, 1), 1, 0, 1), write((A, 2), 3, 2, 3)], "missing"),
        ([write((A, 1), 1, 0, 1), write((B, 1), 1, 2, 3)], "same"),
        ([write((A, 1), 1, 0, 1), write((A, 1), 2, 0, 1)], "twice"),
        ([write((A, 2), 1, 0, 9), write((A, 1), 2, 0, 9)], "behind a later one"),
        ([write((B, 1), 1, 5, 6), write((A, 1), 2, 0, 1)], "before 1"),
        ([write((B, 1), 1, 5, 6), write((A, 1), 2, 4, 7), write((A, 2), 3, 2, 3)], "before 1"),
    ],
)
def test_an_order_that_cannot_have_been_is_refused(writes: list[Write], why: str) -> None:
    with pytest.raises(AssertionError, match=why):
        order_of(writes)


def watch(*revisions: int, operations: int = 2) -> Watch:
    made = Watch()
    for revision in revisions:
        made.commit(revision, (A, revision), operations, 2)
    return made


def test_a_watcher_that_saw_everything_once_and_in_order_is_believed() -> None:
    seen = watch(1, 2)
    seen.bookmark(2)
    seen.commit(3, (A, 3), 2, 2)
    check_watch(seen, [(A, 1), (A, 2), (A, 3)])


@pytest.mark.parametrize("revisions", [(1, 2, 2), (1, 2, 1), (1, 3)], ids=["unique", "ordered", "reliable"])
def test_what_comes_twice_or_late_or_never_is_found(revisions: tuple[int, ...]) -> None:
    with pytest.raises(AssertionError):
        check_watch(watch(*revisions), [(A, revision) for revision in revisions])


def test_half_a_batch_is_found() -> None:
    with pytest.raises(AssertionError, match="1 of 2"):
        check_watch(watch(1, operations=1), [(A, 1)])


def test_a_bookmark_ahead_of_what_came_is_found() -> None:
    seen = watch(1)
    seen.bookmark(2)
    with pytest.raises(AssertionError, match="bookmark"):
        check_watch(seen, [(A, 1)])


def test_a_watcher_that_saw_another_order_is_found() -> None:
    with pytest.raises(AssertionError, match="something else"):
        check_watch(watch(1, 2), [(A, 2), (A, 1)])
