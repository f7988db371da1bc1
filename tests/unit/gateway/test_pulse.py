"""Who is asked whether they are there, and who is believed to be gone."""

from gateway.core.pulse import IDLE_GONE_S, IDLE_S, TALKING_GONE_S, TALKING_S, Pulse


def asked_and_gone_at(pulse: Pulse, now: float) -> tuple[float, float]:
    """When somebody who is silent from now on is asked, and when they are gone."""
    asked = 0.0
    while not pulse.gone(now):
        now = max(now, pulse.due())
        if pulse.ask(now):
            assert not asked
            asked = now
    return asked, now


def test_who_says_nothing_is_asked_before_a_minute_is_over_and_gone_with_it() -> None:
    assert (IDLE_S, IDLE_GONE_S) == (54.0, 60.0)
    assert asked_and_gone_at(Pulse(100.0), 100.0) == (154.0, 160.0)


def test_who_was_talking_is_missed_soon() -> None:
    pulse = Pulse(0.0)
    assert pulse.said(40.0)  # earlier than it would have been
    assert not pulse.said(41.0)
    assert asked_and_gone_at(pulse, 41.0) == (41.0 + TALKING_S, 41.0 + TALKING_GONE_S)


def test_who_only_answers_is_asked_rarely_until_they_say_something_again() -> None:
    pulse = Pulse(0.0)
    pulse.said(0.0)
    assert pulse.ask(TALKING_S)
    pulse.answered(11.0)
    assert pulse.due() == 11.0 + IDLE_S
    assert not pulse.ask(11.0 + TALKING_S)
    assert pulse.said(20.0)
    assert pulse.due() == 20.0 + TALKING_S


def test_a_sign_of_life_that_nobody_asked_for_changes_nothing_but_the_clock() -> None:
    pulse = Pulse(0.0)
    pulse.said(0.0)
    pulse.answered(9.0)
    assert asked_and_gone_at(pulse, 9.0) == (9.0 + TALKING_S, 9.0 + TALKING_GONE_S)


def test_nobody_is_gone_who_was_not_asked() -> None:
    pulse = Pulse(0.0)
    assert not pulse.gone(1000.0)
    assert pulse.ask(1000.0)
    assert pulse.gone(1000.0)
