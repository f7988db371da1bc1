"""When a silent server is asked, and when it is gone."""

import itertools

from gateway.core.vigil import GONE_TICKS, QUIET_TICKS, Sight, Vigil


def ticks_until(vigil: Vigil, wanted: Sight) -> int:
    """Looks at a server that says nothing until that comes out."""
    for tick in range(1, 1_000):
        if vigil.look(heard=False, answered=False) is wanted:
            return tick
    raise AssertionError(f"never {wanted}")


def test_a_server_that_is_silent_is_asked_and_without_an_answer_gone() -> None:
    vigil = Vigil()
    assert ticks_until(vigil, Sight.ASK) == QUIET_TICKS[0]
    assert ticks_until(vigil, Sight.GONE) == GONE_TICKS


def test_one_that_is_slow_but_answers_is_never_gone_and_asked_more_and_more_rarely() -> None:
    vigil = Vigil()
    for quiet in (*QUIET_TICKS, QUIET_TICKS[-1]):
        assert ticks_until(vigil, Sight.ASK) == quiet
        assert vigil.look(heard=True, answered=False) is Sight.WELL


def test_no_server_has_a_reason_to_call_it_too_often() -> None:
    """The third that comes within five minutes of one before, and nothing said since, ends a connection."""
    at = 0
    asked: list[int] = []
    vigil = Vigil()
    while len(asked) < 20:
        at += 1
        if vigil.look(heard=False, answered=False) is Sight.ASK:
            asked.append(at)
            vigil.look(heard=True, answered=False)
            at += 1
    assert sum(after - before <= 300 for before, after in itertools.pairwise(asked)) <= 2


def test_what_belongs_to_a_call_makes_questions_cheap_again() -> None:
    vigil = Vigil()
    for _ in range(3):
        ticks_until(vigil, Sight.ASK)
        vigil.look(heard=True, answered=False)
    vigil.look(heard=True, answered=True)
    assert ticks_until(vigil, Sight.ASK) == QUIET_TICKS[0]


def test_silence_while_no_call_waited_counts_for_nothing() -> None:
    vigil = Vigil()
    assert ticks_until(vigil, Sight.ASK) == QUIET_TICKS[0]
    vigil.begin()
    assert ticks_until(vigil, Sight.ASK) == QUIET_TICKS[1]
    assert ticks_until(vigil, Sight.GONE) == GONE_TICKS
