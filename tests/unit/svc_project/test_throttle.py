"""Slowing down who guesses passwords."""

from hypothesis import given
from hypothesis import strategies as st

from svc_project.core.throttle import Throttle


def throttle(capacity: int = 100) -> Throttle:
    return Throttle(free=3, first_ms=1000, longest_ms=8000, forget_ms=60_000, capacity=capacity)


def fail(one: Throttle, key: str, times: int, now_ms: int) -> None:
    for _ in range(times):
        one.begin(key, now_ms)


def test_the_first_failures_cost_nothing() -> None:
    one = throttle()
    fail(one, "a", 2, 0)
    assert one.wait_ms("a", 0) == 0


def test_further_failures_double_the_wait_up_to_the_longest() -> None:
    one = throttle()
    now_ms, waits = 0, []
    fail(one, "a", 2, now_ms)
    for _ in range(6):
        fail(one, "a", 1, now_ms)
        waits.append(one.wait_ms("a", now_ms))
        now_ms += waits[-1]
        assert one.wait_ms("a", now_ms) == 0
    assert waits == [1000, 2000, 4000, 8000, 8000, 8000]


def test_others_are_not_slowed_down() -> None:
    one = throttle()
    fail(one, "a", 9, 0)
    assert one.wait_ms("b", 0) == 0


def test_a_right_password_starts_afresh() -> None:
    one = throttle()
    fail(one, "a", 3, 0)
    one.succeed("a")
    assert one.wait_ms("a", 0) == 0
    assert len(one) == 0


def test_a_forgiven_attempt_leaves_the_others() -> None:
    one = throttle()
    fail(one, "a", 3, 0)
    one.forgive("a")
    assert one.wait_ms("a", 0) == 0
    fail(one, "a", 1, 0)
    assert one.wait_ms("a", 0) == 1000
    one.forgive("unknown")


def test_forgiving_the_only_attempt_forgets_the_key() -> None:
    one = throttle()
    fail(one, "a", 1, 0)
    one.forgive("a")
    assert len(one) == 0


def test_quiet_keys_are_forgotten() -> None:
    one = throttle()
    fail(one, "a", 3, 0)
    assert one.wait_ms("a", 61_000) == 0
    fail(one, "a", 1, 61_000)
    assert one.wait_ms("a", 61_000) == 0


@given(st.lists(st.text(max_size=3), max_size=60))
def test_it_never_keeps_more_keys_than_it_may(keys: list[str]) -> None:
    one = throttle(capacity=5)
    for now_ms, key in enumerate(keys):
        one.begin(key, now_ms)
        assert len(one) <= 5
