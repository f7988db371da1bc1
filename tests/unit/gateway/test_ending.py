"""Why sessions end, and when whoever is told so comes back."""

from google.rpc import code_pb2, error_details_pb2

from gateway.core.ending import MAX_SPREAD_S, draining, ending


def test_an_ending_says_its_reason_and_what_goes_with_it() -> None:
    status = ending("SLOW_READER", resume_revision="7")
    info = error_details_pb2.ErrorInfo()
    assert len(status.details) == 1
    assert status.details[0].Unpack(info)
    assert (status.code, info.reason, dict(info.metadata)) == (
        code_pb2.RESOURCE_EXHAUSTED,
        "SLOW_READER",
        {"resume_revision": "7"},
    )


def test_the_more_viewers_a_gateway_sends_away_the_further_apart_they_come_back() -> None:
    def latest_ms(viewers: int, at: float) -> int:
        status, delay = draining(viewers, at), error_details_pb2.RetryInfo()
        assert status.code == code_pb2.UNAVAILABLE
        assert status.details[1].Unpack(delay)
        return int(delay.retry_delay.ToMilliseconds())

    assert latest_ms(2, 0.999) < 10
    assert latest_ms(2_000, 0.0) == 0
    assert 1_000 < latest_ms(2_000, 0.5) < latest_ms(2_000, 0.9)
    assert latest_ms(1_000_000, 0.999) <= MAX_SPREAD_S * 1000
