"""Who of a room is on which worker, and which workers are linked for it."""

from hypothesis import given
from hypothesis import strategies as st

from svc_signaling.placement import place, plan

WORKERS = ("a", "b", "c")
COUNTS = st.dictionaries(st.sampled_from(WORKERS), st.integers(0, 9), max_size=3)


def test_a_room_stays_together_until_its_worker_is_full_and_goes_on_where_the_fewest_are() -> None:
    assert place("r", WORKERS, {"b": 3}, {"b": 9, "a": 1}, most=10) == "b"
    assert place("r", WORKERS, {"b": 3}, {"b": 10, "a": 1, "c": 2}, most=10) == "a"
    assert place("r", WORKERS, {"b": 3, "a": 1}, {"b": 10, "a": 5, "c": 2}, most=10) == "a"
    assert place("r", WORKERS, {"b": 3}, {"b": 12, "a": 11, "c": 10}, most=10) == "c"


def test_new_rooms_are_spread_over_workers_that_are_not_full() -> None:
    found = {place(f"room {at}", WORKERS, {}, {"a": 10}, most=10) for at in range(50)}
    assert found == {"b", "c"}


@given(COUNTS, COUNTS, st.integers(1, 9))
def test_nobody_is_turned_away_and_nobody_comes_to_a_full_worker_beside_one_with_room(
    here: dict[str, int], load: dict[str, int], most: int
) -> None:
    worker = place("r", WORKERS, here, load, most)
    assert worker in WORKERS
    if any(load.get(each, 0) < most for each in WORKERS):
        assert load.get(worker, 0) < most


def test_every_two_workers_of_a_room_have_one_link_and_others_none() -> None:
    both = {"a": {"b": 7}, "b": {"a": 7}}
    assert plan({"a", "b"}, both).open == []
    assert plan({"a", "b", "c"}, both).open == [("a", "c"), ("b", "c")]
    assert plan({"a", "b"}, {"a": {"b": 7}, "b": {"a": 8}}).open == [("a", "b")]
    assert plan({"a", "b"}, {"a": {"b": 7}}).open == [("a", "b")]
    assert sorted(plan({"a"}, both).close) == [("a", "b"), ("b", "a")]
    assert plan({"a", "b"}, both).close == []
