"""When a silent server is asked, and when it is gone."""

import itertools

from gateway.core.vigil import CALL_TICKS, GONE_TICKS, PROBE_TICKS, QUIET_TICKS, Sight, Vigil


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


def used_up() -> Vigil:
    """All cheap questions were asked and answered, and a quiet stream waits."""
    vigil = Vigil()
    for quiet in QUIET_TICKS[:-1]:
        assert ticks_until(vigil, Sight.ASK) == quiet
        vigil.look(heard=True, answered=False)
    return vigil


def test_a_call_that_begins_in_silence_has_the_second_question_soon() -> None:
    vigil = Vigil()
    ticks_until(vigil, Sight.ASK)
    vigil.look(heard=True, answered=False)
    vigil.called()
    assert ticks_until(vigil, Sight.ASK) == CALL_TICKS
    assert ticks_until(vigil, Sight.GONE) == GONE_TICKS


def test_a_connection_where_nothing_may_be_asked_is_doubted_once_a_call_has_waited() -> None:
    vigil = used_up()
    assert [vigil.look(heard=False, answered=False) for _ in range(50)] == [Sight.WELL] * 50
    vigil.called()
    assert ticks_until(vigil, Sight.DOUBT) == CALL_TICKS
    assert ticks_until(vigil, Sight.ASK) == QUIET_TICKS[-1] - 50 - CALL_TICKS, "the rare question is asked nevertheless"


def test_where_only_quiet_streams_wait_another_connection_is_asked_for_now_and_then() -> None:
    vigil = used_up()
    assert [ticks_until(vigil, Sight.PROBE) for _ in range(3)] == [PROBE_TICKS] * 3
    vigil.look(heard=True, answered=False)
    assert ticks_until(vigil, Sight.PROBE) == PROBE_TICKS


def test_calls_that_follow_one_another_wait_no_longer_for_doubt_than_the_first() -> None:
    vigil = used_up()
    vigil.called()
    seen: list[Sight] = []
    while len(seen) < CALL_TICKS:
        seen.append(vigil.look(heard=False, answered=False))
        vigil.called()
    assert seen == [Sight.WELL] * (CALL_TICKS - 1) + [Sight.DOUBT]


def test_what_was_heard_in_the_tick_of_a_call_may_have_come_before_it() -> None:
    vigil = used_up()
    vigil.called()
    vigil.look(heard=True, answered=False)
    assert ticks_until(vigil, Sight.DOUBT) == CALL_TICKS


def test_a_call_that_something_was_heard_after_is_no_reason_to_doubt() -> None:
    vigil = used_up()
    vigil.called()
    vigil.look(heard=False, answered=False)
    vigil.look(heard=True, answered=False)
    assert [vigil.look(heard=False, answered=False) for _ in range(50)] == [Sight.WELL] * 50


def test_no_server_has_a_reason_to_call_it_too_often() -> None:
    """The third that comes within five minutes of one before, and nothing said since, ends a connection."""
    at = 0
    asked: list[int] = []
    vigil = Vigil()
    while len(asked) < 20:
        at += 1
        vigil.called()
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
