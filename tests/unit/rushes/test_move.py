"""Concurrent moves end at the mean of all targets, in whatever order and batches they land."""

from hypothesis import given
from hypothesis import strategies as st

from rushes.annotation.v1.operation_pb2 import FieldValue
from rushes.document import Document, apply
from tests.unit.rushes.builder import NOW_MS, A, create, key, move, record, restore

targets = st.lists(
    st.tuples(st.integers(-(1 << 20), 1 << 20), st.integers(-(1 << 20), 1 << 20)), min_size=1, max_size=16
)


def start() -> Document:
    document = Document(7, 1)
    apply(document, record(key(1000), 1, 0, create(A), person="author"))
    return document


def where(document: Document) -> tuple[int, int]:
    state = document.get(A)
    assert state is not None
    return state.annotation.position.x, state.annotation.position.y


@given(targets, st.randoms(use_true_random=False))
def test_moves_that_have_not_seen_each_other_end_at_their_mean(
    places: list[tuple[int, int]],
    random: "st.random.Random",  # type: ignore[name-defined]
) -> None:
    document = start()
    order = list(enumerate(places))
    random.shuffle(order)
    for number, (x, y) in order:
        apply(document, record(key(number), 1, 1, move(A, x, y, seen=1), person=f"p{number}"))
    want = sum(x for x, _ in places) // len(places), sum(y for _, y in places) // len(places)
    assert where(document) == want


@given(targets, st.integers(0, 15))
def test_who_moves_again_without_seeing_counts_once(places: list[tuple[int, int]], again: int) -> None:
    document = start()
    again %= len(places)
    apply(document, record(key(again), 1, 1, move(A, 5, 5, seen=1), person=f"p{again}"))
    for number, (x, y) in enumerate(places):
        seq = 2 if number == again else 1
        apply(document, record(key(number), seq, 1, move(A, x, y, seen=1), person=f"p{number}"))
    want = sum(x for x, _ in places) // len(places), sum(y for _, y in places) // len(places)
    assert where(document) == want


def test_who_has_seen_the_others_replaces_them() -> None:
    document = start()
    apply(document, record(key(1), 1, 1, move(A, 100, 0, seen=1), person="p1"))
    apply(document, record(key(2), 1, 1, move(A, 300, 0, seen=1), person="p2"))
    apply(document, record(key(3), 1, 3, move(A, 7, 8, seen=3), person="p3"))
    assert where(document) == (7, 8)
    apply(document, record(key(4), 1, 2, move(A, 9, 8, seen=2), person="p4"))
    assert where(document) == (8, 8)


def test_the_oldest_of_seventeen_moves_is_out() -> None:
    document = start()
    for number in range(17):
        apply(document, record(key(number), 1, 1, move(A, number * 16, 0, seen=1), person=f"p{number}"))
    assert where(document) == (16 * sum(range(1, 17)) // 16, 0)


def test_a_move_that_is_undone_leaves_the_mean() -> None:
    document = start()
    apply(document, record(key(1), 1, 1, move(A, 100, 0, seen=1), person="p1", time_ms=NOW_MS))
    apply(document, record(key(2), 1, 1, move(A, 300, 0, seen=1), person="p2"))
    value = FieldValue(field="position")
    value.position.x = 100
    apply(document, record(key(2), 2, 3, restore(A, value, made=3, stamp=2), person="p2"))
    assert where(document) == (100, 0)
    apply(document, record(key(3), 1, 1, move(A, 200, 0, seen=1), person="p3"))
    assert where(document) == (150, 0)
