"""When to send."""

import pytest

from svc_annotation.core.window import (
    IDLE_SHARE,
    MERGED_MAX_TICK_S,
    MERGED_TICK_S,
    PART,
    REST,
    SENT_S,
    VIEWER_COST_S,
    WORK_S,
    Budget,
    MergedTick,
    Window,
)


def test_what_comes_after_a_quiet_time_is_sent_at_once() -> None:
    window = Window()
    assert window.due(5.0) == 5.0
    window.flushed(5.0, 0.001, 1, 10)
    assert window.due(6.0) == 6.0


def pause_s(encode_s: float, streams: int, viewers: int, gateways: int = 1, operations: int = 0) -> float:
    window = Window()
    window.flushed(10.0, encode_s, streams, viewers, gateways, operations)
    return window.due(10.0) - 10.0


def test_the_dearer_a_flush_the_longer_the_pause_after_it() -> None:
    pauses = [pause_s(*cost) for cost in ((0.0, 0, 1), (0.0, 1, 100), (0.001, 1, 200))]
    assert pauses == sorted(pauses)
    assert len(set(pauses)) == 3


def test_what_writing_to_a_part_takes_is_not_waited_for_besides() -> None:
    few, many = pause_s(0.0, 0, 2 * PART), pause_s(0.0, 0, 3 * PART)
    assert few + PART * VIEWER_COST_S == pytest.approx(SENT_S / 2)
    assert many + PART * VIEWER_COST_S == pytest.approx(SENT_S / 3)


@pytest.mark.parametrize("gateways", [0, 1, 2])
def test_each_viewer_is_written_to_as_seldom_however_many_parts_there_are(gateways: int) -> None:
    viewers = 20 * PART
    parts = 20 // max(1, gateways)
    assert parts * pause_s(0.0, 0, viewers, gateways) == pytest.approx(REST * viewers * VIEWER_COST_S)


def test_the_more_there_is_to_be_worked_on_the_longer_the_pause_but_not_without_end() -> None:
    pauses = [pause_s(0.0, 0, 4 * PART, 1, operations) for operations in (0, 10, 250, 10_000)]
    assert pauses[0] == pauses[1], "what is little is done meanwhile"
    assert pauses[2] == pytest.approx(PART * VIEWER_COST_S + 250 * WORK_S)
    assert pauses[3] == pytest.approx(IDLE_SHARE * PART * VIEWER_COST_S)
    assert pause_s(0.0, 0, 1, 1, 10_000) == pytest.approx(IDLE_SHARE * VIEWER_COST_S), "few viewers hardly wait"


def test_a_merged_lane_slows_down_when_its_frames_are_heavy() -> None:
    tick = MergedTick()
    assert tick.due(1.0) == 1.0
    tick.flushed(1.0, 100, saves=True)
    assert tick.due(1.0) == 1.0 + MERGED_TICK_S
    tick.flushed(2.0, 100 * 1024, saves=True)
    assert MERGED_TICK_S < tick.due(2.0) - 2.0 < MERGED_MAX_TICK_S
    tick.flushed(3.0, 1 << 30, saves=True)
    assert tick.due(3.0) == 3.0 + MERGED_MAX_TICK_S


def test_a_merged_lane_that_merges_nothing_does_not_wait_for_more_of_it() -> None:
    tick = MergedTick()
    tick.flushed(1.0, 1 << 30, saves=False)
    assert tick.due(1.0) == 1.0 + MERGED_TICK_S


def test_readers_are_merged_past_the_budget_and_full_again_once_it_is_quiet() -> None:
    budget = Budget(1_000)
    same = [(b"note", b"state")]
    budget.add(900, same)
    assert not budget.tick(0.0)
    budget.add(1_100, same)
    assert budget.tick(1.0)
    for second in range(2, 20):
        budget.add(600, same)
        assert budget.tick(float(second))
    for second in range(20, 30):
        budget.add(100, same)
        assert budget.tick(float(second))
    assert not budget.tick(30.0)


def test_readers_get_every_commit_however_many_bytes_if_each_makes_an_annotation_of_its_own() -> None:
    budget = Budget(1_000)
    for second in range(3):
        for number in range(100):
            budget.add(120, [(b"%d %d" % (second, number), b"." * 100)])
        assert not budget.tick(float(second))
        assert not budget.saves
    for second in range(3, 6):
        for number in range(100):
            budget.add(120, [(b"%d" % (number % 10), b"." * 100)])
        assert budget.tick(float(second))
        assert budget.saves
    assert budget.tick(6.0)
    assert budget.saves, "nothing came: what was known holds"
