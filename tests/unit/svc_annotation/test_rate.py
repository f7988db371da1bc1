"""How many batches a person may send."""

import pytest

from svc_annotation.core.rate import Bucket, InFlight, PeopleRates


def test_a_burst_passes_and_then_the_rate_holds() -> None:
    bucket = Bucket(20.0, 40.0, 0.0)
    assert [bucket.take(0.0) for _ in range(40)] == [0.0] * 40
    wait_s = bucket.take(0.0)
    assert wait_s == pytest.approx(0.05)
    assert bucket.take(wait_s) == 0.0
    assert bucket.take(wait_s) > 0.0


def test_waiting_refills_no_more_than_a_burst() -> None:
    bucket = Bucket(20.0, 40.0, 0.0)
    assert [bucket.take(1_000.0) for _ in range(41)].count(0.0) == 40
    assert [bucket.take(1_000.25) for _ in range(41)].count(0.0) == 5


def test_each_person_has_a_bucket_over_all_sessions() -> None:
    rates = PeopleRates()
    assert all(rates.take("ann", 0.0) == 0.0 for _ in range(40))
    assert rates.take("ann", 0.0) > 0.0
    assert rates.take("bob", 0.0) == 0.0


def test_people_who_were_quiet_are_forgotten_and_busy_ones_are_not() -> None:
    rates = PeopleRates()
    for _ in range(40):
        rates.take("busy", 0.0)
    for person in range(100):
        rates.take(f"person {person}", 0.0)
    assert rates.take("busy", 0.0) > 0.0
    rates.take("later", 1_000.0)
    rates.take("latest", 1_000.0)
    assert len(rates._full_at) < 5
    few = PeopleRates(max_people=10)
    for person in range(100):
        few.take(f"person {person}", 1_000.0)
    assert len(few._full_at) <= 10


def test_a_service_has_eight_batches_in_flight_at_most() -> None:
    flight = InFlight()
    assert all(flight.enter("svc_version") for _ in range(8))
    assert not flight.enter("svc_version")
    assert flight.enter("svc_media")
    flight.leave("svc_version")
    assert flight.enter("svc_version")
    flight.leave("svc_media")
