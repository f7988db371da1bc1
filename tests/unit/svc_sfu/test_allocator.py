"""Which layer each slot gets, and what a way is thought to take."""

from svc_sfu.core.allocator import HOLD_S, LEAST_BPS, MANY, Estimate, Wish, allocate

LAYERS = [("h", 1_500_000.0), ("m", 600_000.0), ("l", 200_000.0)]


def wish(slot: str, priority: int = 5, current: str | None = None) -> Wish:
    return Wish(slot, priority, LAYERS, current)


def test_on_a_narrow_way_the_last_get_nothing_and_the_first_always_something() -> None:
    wishes = [Wish(f"v{n}", 8 - n, (("h", 1.5e6), ("l", 2e5)), "l" if n < 2 else None) for n in range(4)]
    assert list(allocate(wishes, 500_000, narrow=True)) == ["v0", "v1"]
    assert list(allocate(wishes, 680_000, narrow=True)) == ["v0", "v1"], "who comes back needs a little more"
    assert list(allocate(wishes, 750_000, narrow=True)) == ["v0", "v1", "v2"]
    assert allocate(wishes, 50_000, narrow=True) == {"v0": "l"}
    assert len(allocate(wishes, 50_000)) == 4, "of a way that is not known all get the smallest"


def test_everybody_is_seen_small_before_anybody_is_seen_large() -> None:
    assert allocate([wish("a", 8), wish("b"), wish("c")], 700_000) == {"a": "l", "b": "l", "c": "l"}


def test_what_is_left_goes_to_who_is_asked_for_first() -> None:
    assert allocate([wish("a"), wish("b", 8)], 2_200_000) == {"a": "l", "b": "h"}


def test_with_room_for_all_all_are_large() -> None:
    assert allocate([wish("a"), wish("b")], 10_000_000) == {"a": "h", "b": "h"}


def test_a_slot_does_not_go_to_and_fro_at_the_edge() -> None:
    edge = 600_000 / 0.9
    assert allocate([wish("a")], edge) == {"a": "l"}
    assert allocate([wish("a", current="m")], edge) == {"a": "m"}


def test_a_slot_without_layers_gets_none() -> None:
    assert allocate([Wish("a", 5, [], None)], 1e9) == {}


def test_an_estimate_that_is_only_as_high_as_what_was_sent_is_no_limit() -> None:
    estimate = Estimate(2_000_000)
    for second in range(10):
        estimate.told(210_000, 200_000, second)
    assert estimate.bps == 2_000_000


def test_congestion_is_believed_when_it_lasts_and_then_no_growth_for_a_while() -> None:
    estimate = Estimate(2_000_000)
    for second in range(MANY - 1):
        estimate.told(500_000, 1_000_000, second)
    assert estimate.bps == 2_000_000
    estimate.told(500_000, 1_000_000, MANY)
    assert estimate.bps == 500_000
    estimate.lost(0.0, MANY + 1)
    assert estimate.bps == 500_000
    estimate.lost(0.0, MANY + HOLD_S + 1)
    assert estimate.bps > 500_000


def test_without_feedback_loss_decides() -> None:
    estimate = Estimate(1_000_000)
    estimate.lost(0.05, 0.0)
    assert estimate.bps == 1_000_000
    estimate.lost(0.2, 1.0)
    assert estimate.bps == 800_000
    for second in range(100):
        estimate.lost(1.0, second)
    assert estimate.bps == LEAST_BPS


def test_a_receiver_that_claims_nothing_at_all_still_gets_the_least() -> None:
    estimate = Estimate()
    for second in range(MANY):
        estimate.told(0, 1_000_000, second)
    assert estimate.bps == LEAST_BPS
